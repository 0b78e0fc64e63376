"""A point-spread function comes back from images of beads that were made with it."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage, signal

from napari_microdiff.errors import ImageError
from napari_microdiff.imaging.optics import AIRY_WIDTH, WIDEST, Binning, PointSpread, gaussian_psf
from napari_microdiff.imaging.point_spread import MeasuredPsf, measure_psf

FINE = 8  # parts of a pixel, between which beads may lie
AIRY = PointSpread(airy=(0.52, 1.2, 0.1))
GAUSSIAN = PointSpread(0.8)
HAZY = PointSpread(parts=(("gaussian", 0.9, 0.8), ("gaussian", 2.5, 0.2)))


def beads(psf: PointSpread, light: float = 3000, count: int = 30, bead: float = 0.0, seed: int = 0) -> np.ndarray:
    """Return beads of several brightnesses between pixels, with the noise of light and of a camera."""
    rng, side = np.random.default_rng(seed), 192
    fine = np.zeros((side * FINE,) * 2)
    for y, x in rng.integers(10 * FINE, (side - 10) * FINE, (count, 2)):
        fine[y, x] += light * rng.uniform(0.3, 1)
    if bead:
        at = np.indices((2 * FINE * 3 + 1,) * 2) - FINE * 3
        shadow = np.sqrt(np.maximum((bead * FINE / 2) ** 2 - (at**2).sum(0), 0))  # how thick a sphere is
        fine = signal.fftconvolve(fine, shadow / shadow.sum(), mode="same")
    seen = FINE**2 * Binning(FINE).forward(signal.fftconvolve(fine, psf.kernel(FINE), mode="same"))
    return rng.poisson(np.maximum(seen + 100, 0)) + 5 * rng.standard_normal(seen.shape)


def transfer(psf: PointSpread) -> np.ndarray:
    """Return the transfer function up to the end of the pixels."""
    line = psf.kernel(FINE).sum(0)
    at = np.arange(len(line)) - len(line) // 2
    return np.cos(2 * np.pi * np.outer(np.linspace(0, 0.5, 21) / FINE, at)) @ line


@pytest.mark.parametrize("psf", [AIRY, PointSpread(airy=(0.7, 0.7, 0.1)), PointSpread(0.4), GAUSSIAN, PointSpread(2.5)])
@pytest.mark.parametrize("light", [3_000, 300_000])
def test_what_beads_were_blurred_by_is_measured(psf, light):
    found = measure_psf(beads(psf, light))
    assert found.beads >= 5
    assert found.width == pytest.approx(psf.width, rel=0.05)
    measured = transfer(PointSpread(parts=found.parts))
    np.testing.assert_allclose(measured, transfer(psf), atol=0.03)


def test_a_pattern_of_rings_is_told_from_a_gaussian():
    for psf, shape in ((AIRY, "airy"), (GAUSSIAN, "gaussian")):
        found = measure_psf(beads(psf))
        assert [part[0] for part in found.parts] == [shape]
    # Which matters: the nearest Gaussian is further off than what is measured.
    off = np.abs(transfer(AIRY) - transfer(PointSpread(AIRY.width))).max()
    assert off > 3 * np.abs(transfer(AIRY) - transfer(PointSpread(parts=measure_psf(beads(AIRY)).parts))).max()


def test_light_far_around_is_a_part_of_its_own():
    found = measure_psf(beads(HAZY, light=30_000, count=6))
    assert len(found.parts) > 1
    assert max(width for _, width, _ in found.parts) > 1.5
    off = np.abs(transfer(PointSpread(parts=found.parts)) - transfer(HAZY)).max()
    assert off < np.abs(transfer(GAUSSIAN) - transfer(HAZY)).max() / 2


def test_the_size_of_beads_is_taken_back():
    image = beads(GAUSSIAN, light=30_000, bead=2.0)
    assert measure_psf(image).width > 1.06 * GAUSSIAN.width
    assert measure_psf(image, diameter=2.0).width == pytest.approx(GAUSSIAN.width, rel=0.02)


@pytest.mark.parametrize("dtype", [np.uint16, np.float32])
def test_a_drawn_point_spread_function_is_a_bead(dtype):
    drawn = (60_000 * AIRY.kernel()).astype(dtype)
    found = measure_psf(drawn)
    assert found.beads == 1
    np.testing.assert_allclose(transfer(PointSpread(parts=found.parts)), transfer(AIRY), atol=0.02)


def test_scale_and_offset_do_not_matter():
    image = beads(AIRY)
    expected = np.array([part[1:] for part in measure_psf(image).parts])
    for scale, offset in ((1e-4, 7), (300, -2e4)):
        found = np.array([part[1:] for part in measure_psf(scale * image + offset).parts])
        np.testing.assert_allclose(found, expected, rtol=1e-3)


def test_widths_on_larger_pixels_are_smaller():
    found = measure_psf(beads(PointSpread(1.6))).on_pixels(2)
    assert found.width == pytest.approx(0.8, rel=0.03)
    assert sum(share for *_, share in found.parts) == pytest.approx(1)


def crowded() -> np.ndarray:
    image = np.zeros((64, 64))
    image[8:-8:4, 8:-8:4] = 1000
    return ndimage.gaussian_filter(image, 1.0)


@pytest.mark.parametrize(
    "image",
    [
        np.random.default_rng(0).normal(100, 5, (128, 128)),
        np.random.default_rng(0).poisson(3, (128, 128)),
        np.full((32, 32), 7),
        np.minimum(beads(PointSpread(1.5), light=300_000), 2000),
        crowded(),
        1000 - beads(AIRY),
    ],
    ids=["noise", "few photons", "nothing", "overexposed", "crowded", "dark beads"],
)
def test_what_shows_no_bead_is_refused(image):
    with pytest.raises(ImageError, match="No bead can be measured in this image"):
        measure_psf(image)


@pytest.mark.parametrize(
    ("image", "said"),
    [
        (np.zeros((2, 9, 9)), "two axes"),
        (np.zeros((3, 3)), "two axes"),
        (np.zeros((9, 9), complex), "real numbers"),
        (np.full((9, 9), "x"), "real numbers"),
        (np.full((9, 9), np.nan), "not finite"),
        ([[1, 2], [3]], "rows differ in length"),
    ],
)
def test_what_is_no_image_is_refused(image, said):
    with pytest.raises(ImageError, match=said):
        measure_psf(image)


@pytest.mark.parametrize("diameter", [-1, np.nan, np.inf, "2"])
def test_a_diameter_is_a_number_of_pixels(diameter):
    with pytest.raises(ImageError, match="must be a number of pixels"):
        measure_psf(beads(GAUSSIAN), diameter=diameter)


@pytest.mark.parametrize("unit", [1e-300, 1e300])
def test_the_unit_of_brightness_does_not_matter(unit):
    image = beads(GAUSSIAN)
    one, other = measure_psf(image), measure_psf(unit * image)
    assert [part[0] for part in other.parts] == [part[0] for part in one.parts]
    np.testing.assert_allclose([part[1:] for part in other.parts], [part[1:] for part in one.parts], rtol=1e-6)


def test_beads_that_are_large_beside_the_blur_are_refused():
    with pytest.raises(ImageError, match="too large to measure"):
        measure_psf(beads(GAUSSIAN, light=30_000, bead=4.0), diameter=4.0)


def test_on_finer_pixels_what_is_far_around_is_brought_nearer_but_not_all_of_it():
    hazy = MeasuredPsf((("gaussian", 1.5, 0.8), ("gaussian", 7.0, 0.2)), 4)
    finer = hazy.on_pixels(0.65)
    assert [part[1] for part in finer.parts] == pytest.approx([1.5 / 0.65, WIDEST])
    with pytest.raises(ImageError, match="are the most"):
        hazy.on_pixels(0.15)


def test_beads_cannot_be_larger_than_they_look():
    with pytest.raises(ImageError, match="cannot look as small"):
        measure_psf(beads(GAUSSIAN), diameter=9)


def test_a_sum_of_one_is_that_one():
    for one, part in ((GAUSSIAN, ("gaussian", 0.8, 1.0)), (AIRY, ("airy", AIRY.width, 1.0))):
        same = PointSpread(parts=(part,))
        assert same.width == pytest.approx(one.width)
        assert same.finest == pytest.approx(one.finest)
        for factor in (1, 2, 3):
            np.testing.assert_allclose(same.kernel(factor), one.kernel(factor), atol=1e-12)


def test_the_width_of_a_sum_is_that_of_the_nearest_gaussian():
    parts = (("gaussian", 1.0, 0.7), ("gaussian", 3.0, 0.3))
    psf = PointSpread(parts=parts).kernel(8)

    def distance(width: float) -> float:
        other = gaussian_psf(8 * width)
        wider = (len(psf) - len(other)) // 2
        return float(((psf - np.pad(other, wider)) ** 2).sum())

    widths = np.arange(0.9, 2.0, 0.01)
    nearest = widths[np.argmin([distance(width) for width in widths])]
    assert MeasuredPsf(parts, 1).width == pytest.approx(nearest, abs=0.02)


def test_light_passes_up_to_the_finest_of_several_apertures():
    assert PointSpread(parts=(("airy", 1.0, 0.5), ("airy", 2.0, 0.5))).finest == pytest.approx(2 * AIRY_WIDTH)
    assert PointSpread(parts=(("airy", 1.0, 0.5), ("gaussian", 2.0, 0.5))).finest == np.inf
    assert PointSpread().finest == PointSpread(1.0).finest == np.inf
