"""Super-resolution: shapes, agreement with what was measured, exact tiles and regions, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest
from skimage import data

from napari_microdiff import superresolve
from napari_microdiff.engine.events import Preview
from napari_microdiff.errors import ImageError, ModelError, RequestError
from napari_microdiff.imaging.optics import Binning, Blur, PointSpread
from napari_microdiff.imaging.samples import filaments_and_blobs
from napari_microdiff.imaging.unexplained import unexplained

OPTICS = (0.52, 0.8, 0.2)


@pytest.fixture(scope="module")
def sharp():
    return 1000 * filaments_and_blobs((192, 256), seed=5).astype(np.float64) + 50


def seen(image, psf, factor=2, noise=0.0, seed=0):
    y = Binning(factor).forward(Blur(psf.kernel(factor), image.shape).forward(image))
    return (y + noise * np.random.default_rng(seed).standard_normal(y.shape)).astype(np.float32)


@pytest.fixture
def made(result, sharpener):
    """Carry out a request on an image."""

    def make(image, *, options=None, **fields):
        return result(image, task="superresolve", model=sharpener, options=options or {}, **fields)

    return make


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32, np.float64, bool])
def test_a_pixel_becomes_a_square_in_the_units_of_the_image(made, sharp, dtype):
    image = seen(sharp, PointSpread(0.5), noise=5)
    image = (image > image.mean()) if dtype is bool else (image / image.max() * 250).astype(dtype)
    result = made(image, outputs=("mean", "sample", "uncertainty"))
    for output in result.images().values():
        assert output.shape == sharp.shape
        assert output.dtype == np.float32
    assert np.isfinite(result.mean).all()
    assert (result.uncertainty > 0).all()
    middle = abs(float(np.mean(result.mean)) - float(image.mean()))
    assert middle < 0.25 * float(image.std()) + 1e-6
    assert result.request.finer.factor == 2


@pytest.mark.parametrize("psf", [{}, {"blur": 0.6}, {"optics": OPTICS}])
@pytest.mark.parametrize(("factor", "steps"), [(2, 1), (4, 1), (2, 4)])
def test_without_noise_the_result_is_measured_as_the_image(made, sharp, psf, factor, steps):
    spread = PointSpread(psf.get("blur", 0.0), psf.get("optics"))
    image = seen(sharp[: factor * 40, : factor * 45], spread, factor)  # no multiple of the network's grid
    options = {"factor": factor, "noise_level": 0, **psf}
    outputs = ("mean", "sample") if steps > 1 else ("mean",)
    result = made(image, options=options, steps=steps, outputs=outputs, tile=64)
    again = seen(result.images()[outputs[-1]].astype(np.float64), spread, factor)
    assert np.abs(again - image).max() < 1e-4 * np.ptp(image)
    residual = result.report["residual"]
    if steps == 1:
        assert residual["largest"] == pytest.approx(np.abs(again - image).max(), abs=1e-5 * float(np.ptp(image)))
    assert 0.2 * np.ptp(image) < residual["range"] < np.ptp(image)  # of its content, without the brightest specks


def test_with_noise_the_report_says_how_much_is_left_over(made, sharp):
    image = seen(sharp, PointSpread(0.6), noise=20)
    result = made(image, options={"blur": 0.6})
    left = image - seen(result.mean.astype(np.float64), PointSpread(0.6))
    residual = result.report["residual"]
    assert residual["deviation"] == pytest.approx(left.std(), rel=0.05)
    pairs = ((left[:, 1:] * left[:, :-1]).sum() + (left[1:] * left[:-1]).sum()) / 2
    assert residual["correlation"] == pytest.approx(pairs / (left**2).sum(), abs=0.02)


def test_at_the_border_no_more_is_left_over_than_elsewhere():
    sharp = data.coins()[20:276, 30:286].astype(np.float64)
    image = seen(sharp, PointSpread(0.6), noise=5)
    left = superresolve(image, factor=2, outputs=("mean", "residual"), axes="YX").residual
    border = np.concatenate([left[0], left[-1], left[:, 0], left[:, -1]])
    assert border.std() < 0.9 * left[4:-4, 4:-4].std()


def test_structures_in_what_is_left_over_are_counted(made, sharp):
    image = seen(sharp, PointSpread(0.6), noise=20)
    result = made(image, options={"blur": 2.0})
    again = seen(result.mean.astype(np.float64), PointSpread(2.0))
    residual = result.report["residual"]
    expected = unexplained(image - again, again, result.report["noise_level"][0], residual["range"])
    assert residual["places"] == expected.places > 0  # so wide was no blur
    assert residual["strongest"] == pytest.approx(expected.strongest, rel=1e-3)


@pytest.mark.parametrize("noise", [0, 10])
@pytest.mark.parametrize("steps", [1, 4])
def test_tiles_and_regions_are_parts_of_the_whole(made, sharp, noise, steps):
    image = seen(sharp, PointSpread(0.5), noise=noise)
    options = {"blur": 0.5, "noise_level": noise}
    outputs = ("sample",) if steps > 1 else ("mean",)
    whole = made(image, options=options, steps=steps, outputs=outputs).images()[outputs[0]]
    tiled = made(image, options=options, steps=steps, outputs=outputs, tile=32).images()[outputs[0]]
    scale = np.ptp(whole)
    assert np.abs(tiled - whole).max() < 1e-3 * scale
    part = made(image, options=options, steps=steps, outputs=outputs, region=((20, 61), (33, 90)))
    assert part.region == ((20, 61), (33, 90))
    expected = whole[40:122, 66:180]
    assert np.abs(part.images()[outputs[0]] - expected).max() < (1e-3 if steps == 1 else 1e-2) * scale


def test_the_same_request_gives_the_same_pixels(made, sharp):
    image = seen(sharp, PointSpread(0.5), noise=5)
    one, two = (made(image, steps=3, samples=2, seed=4, outputs=("mean", "sample")) for _ in range(2))
    np.testing.assert_array_equal(one.mean, two.mean)
    np.testing.assert_array_equal(one.sample, two.sample)


def test_channels_and_slices_are_made_one_by_one(made, sharp):
    plane = seen(sharp, PointSpread(0.5), noise=5)[:64, :64]
    stack = np.stack([plane, plane[::-1] * 3 + 7, np.full_like(plane, 4.0)])
    result = made(stack, axes="CYX")
    assert result.mean.shape == (3, 128, 128)
    np.testing.assert_allclose(result.mean[0], made(plane).mean, rtol=1e-4, atol=1e-2)
    assert (result.mean[2] == 4).all()  # nothing to make sharper
    assert (made(stack, axes="CYX", outputs=("residual",)).residual[2] == 0).all()
    colours = made(np.stack([plane, plane, plane], axis=-1).astype(np.uint8))
    assert colours.mean.shape == (128, 128, 3)


def test_of_colours_it_is_said_that_each_is_a_grey_image(made, sharp):
    """A micrograph that was saved in colours is grey no more, for each is drawn by itself."""
    plane = seen(sharp, PointSpread(0.5), noise=5)[:40, :40]
    result = made(np.stack([plane] * 3, axis=-1), axes="YXS", outputs=("sample",), steps=3)
    assert np.ptp(result.sample, axis=-1).max() > 0
    assert any("make one channel of it first" in notice for notice in result.report["notices"])
    channels = made(np.stack([plane, 2 * plane[::-1]]), axes="CYX", outputs=("sample",), steps=3)
    assert channels.report["notices"] == []


def test_of_channels_that_are_all_the_same_it_is_said(made, sharp):
    plane = seen(sharp, PointSpread(0.5), noise=5)[:40, :40]
    for others, told in ((plane, True), (plane[::-1] * 2, False)):
        notices = made(np.stack([plane, plane, others]), axes="CYX").report["notices"]
        assert any("3 channels of the image look the same" in notice for notice in notices) == told


def test_previews_lie_where_the_result_will_be(events, sharp, sharpener):
    image = seen(sharp, PointSpread(0.5), noise=5)
    told = events(image, task="superresolve", model=sharpener, tile=64)
    result = told[-1].result
    for preview in (event for event in told if isinstance(event, Preview)):
        place = tuple(slice(*span) for span in preview.region)
        np.testing.assert_allclose(preview.image, result.mean[place], rtol=1e-5)


def test_what_cannot_be_is_refused_in_words(made, sharp, sharpener, segmenter):
    image = seen(sharp, PointSpread())
    with pytest.raises(RequestError, match="2 or 4 times as fine, not 3"):
        made(image, options={"factor": 3})
    with pytest.raises(ImageError, match="nothing to make sharper"):
        made(np.ones((40, 40), dtype=np.uint8))
    with pytest.raises(ImageError, match="NaN"):
        made(np.full((40, 40), np.nan))
    with pytest.raises(ModelError, match="is for 'segment'"):
        superresolve(image, model=segmenter)
    with pytest.raises(RequestError, match="one of blur, optics and psf"):
        superresolve(image, blur=1.0, optics=OPTICS, model=sharpener)
    with pytest.raises(RequestError, match="must be positive"):
        superresolve(image, optics=(0.5, 0.0, 0.1), model=sharpener)
    with pytest.raises(RequestError, match="factor"):
        superresolve(image, factor=1, model=sharpener)


@pytest.mark.parametrize("shape", [(1, 1), (1, 50), (3, 7)])
def test_tiny_images_are_made_finer_too(made, shape):
    image = np.random.default_rng(0).random(shape) * 100
    if image.size == 1:
        with pytest.raises(ImageError):
            made(image)
        return
    assert made(image).mean.shape == (2 * shape[0], 2 * shape[1])
    wide = made(image, options={"blur": min(8.0, max(shape) / 4), "noise_level": 0})  # the widest that is taken
    assert np.isfinite(wide.mean).all()


@pytest.mark.parametrize(
    "blur",
    [{"blur": 8.0}, {"blur": 3.0}, {"psf": (("gaussian", 5.0, 1.0),)}, {"optics": (0.52, 0.8, 0.03)}],
)
def test_a_blur_that_is_larger_than_the_image_is_refused(made, blur):
    image = np.random.default_rng(0).normal(100, 10, (9, 9))
    with pytest.raises(RequestError, match=r"spreads a point over about .* 9 x 9 pixels") as error:
        made(image, options=blur)
    assert "larger image" in str(error.value)
    assert made(np.tile(image, (6, 6)), options=blur, region=((0, 9), (0, 9))).mean.shape == (18, 18)


def test_what_is_left_over_is_the_image_without_what_would_be_measured(made, sharp):
    image = np.stack([seen(sharp, PointSpread(0.6), noise=10, seed=n) for n in range(2)])
    outputs = ("mean", "residual")
    result = made(image, axes="ZYX", options={"blur": 0.6}, outputs=outputs)
    assert result.residual.shape == image.shape
    for z in range(2):
        expected = image[z] - seen(result.mean[z].astype(np.float64), PointSpread(0.6))
        np.testing.assert_allclose(result.residual[z], expected, atol=1e-4 * np.ptp(image))
    part = made(image, axes="ZYX", options={"blur": 0.6}, outputs=outputs, region=((1, 2), (30, 70), (40, 90)))
    assert part.residual.shape == (1, 40, 50)
    known = np.isfinite(part.residual[0])
    assert known[4:-4, 4:-4].all()
    assert not known[0].any()
    inside = result.residual[1, 30:70, 40:90]
    np.testing.assert_allclose(part.residual[0][known], inside[known], atol=1e-3 * np.ptp(image))


def test_channels_are_held_against_the_noise_of_each(made, sharp):
    quiet, loud = (seen(sharp, PointSpread(0.6), noise=noise, seed=noise) for noise in (4, 40))
    options = {"blur": 0.6, "noise_level": None}
    each = [made(image, axes="YX", options=options).report for image in (quiet, loud)]
    both = made(np.stack([quiet, loud]), axes="CYX", options=options).report
    worse, other = sorted((one["residual"] for one in each), key=lambda one: -one["in_noise"])
    assert other["in_noise"] < worse["in_noise"]
    for name in ("deviation", "noise", "in_noise", "correlation", "range"):
        assert both["residual"][name] == pytest.approx(worse[name], rel=1e-3, abs=1e-3)
    assert both["residual"]["channel"] == [one["residual"] for one in each].index(worse)
    assert both["residual"]["channels"] == 2
    assert "channel" not in worse
    assert made(quiet, axes="YX", options={"noise_level": 0}).report["residual"]["in_noise"] is None


@pytest.fixture(scope="module")
def ramp():
    """Brighter and brighter from left to right, and with slow waves, as it is recorded."""
    y, x = np.mgrid[:128, :192]
    return 200.0 + 20 * x + 100 * np.sin(y / 9)


def test_bright_places_are_held_against_their_own_noise(made, ramp):
    image = 4 * np.random.default_rng(0).poisson(ramp / 4).astype(np.float32)
    options = {"blur": 0.6, "noise_level": None}
    right = ((32, 96), (128, 192))
    there, whole = (made(image, axes="YX", options=options, **r).report for r in ({"region": right}, {}))
    assert there["residual"]["noise"] == pytest.approx(np.sqrt(4 * ramp[32:96, 128:].mean()), rel=0.1)
    assert there["residual"]["noise"] > 1.2 * whole["noise_level"][0]
    assert whole["residual"]["noise"] == pytest.approx(whole["noise_level"][0], rel=0.05)
    loud = made(image, axes="YX", options={**options, "noise_level": 2 * whole["noise_level"][0]}).report
    assert loud["residual"]["noise"] == pytest.approx(2 * whole["residual"]["noise"], rel=0.05)


def test_a_plane_that_is_much_noisier_than_the_others_is_held_against_its_own_noise(made, ramp):
    noise = np.random.default_rng(0).standard_normal((8, *ramp.shape))
    sigmas = np.array([5] * 7 + [200])
    series = (ramp + noise * sigmas[:, None, None]).astype(np.float32)
    report = made(series, axes="TYX", options={"blur": 0.6, "noise_level": None}).report
    assert report["residual"]["noise"] == pytest.approx(np.sqrt((sigmas**2).mean()), rel=0.1)


def test_a_lost_plane_does_not_change_how_much_lies_beyond(made, sharp):
    image = seen(sharp, PointSpread(0.6), noise=10)
    options = {"blur": 0.6, "noise_level": 10}
    alone, with_lost = (
        made(stack, axes="ZYX", options=options).report["power_beyond"]
        for stack in (np.stack([image, image]), np.stack([np.zeros_like(image), image, image]))
    )
    assert with_lost == pytest.approx(alone, rel=0.3)


def test_samples_that_differ_agree_on_less_than_the_image_shows_pixels(made, sharp):
    image = seen(sharp, PointSpread(0.6), noise=10)
    one = made(image, options={"blur": 0.6}).report
    assert one["samples_agree_to"] is None
    assert 2 <= one["image_shows_to"] < 64
    assert 0 <= one["power_beyond"] < 1
    several = made(image, options={"blur": 0.6}, steps=4, samples=4).report
    assert several["samples_agree_to"] >= 1  # two fine pixels
    noiseless = made(image, options={"blur": 0.6, "noise_level": 0}, steps=4, samples=4).report
    assert noiseless["samples_agree_to"] > 1


def test_of_several_channels_the_worst_is_told(made, sharp):
    """A dim channel is not believed for the sake of a bright one, whichever comes first."""
    bright, dim = (seen(sharp, PointSpread(0.6), noise=noise) for noise in (2, 1000))
    fields = {"axes": "CYX", "options": {"blur": 0.6}, "steps": 4, "samples": 3}
    of_bright, of_dim = (made(one[None], **fields).report for one in (bright, dim))
    assert of_bright["image_shows_to"] < of_dim["image_shows_to"]
    for both in ((bright, dim), (dim, bright)):
        told = made(np.stack(both), **fields).report
        assert told["image_shows_to"] == pytest.approx(of_dim["image_shows_to"])
        each = [of_bright["samples_agree_to"], of_dim["samples_agree_to"]]
        assert told["samples_agree_to"] > 0.9 * max(each)


def test_of_a_stack_the_usual_plane_is_told(made, sharp):
    planes = [seen(sharp, PointSpread(0.6), noise=10) for _ in range(3)]
    planes[0] = np.random.default_rng(0).normal(planes[0].mean(), 10, planes[0].shape)  # nothing is in focus
    fields = {"options": {"blur": 0.6}, "steps": 4, "samples": 3}
    of_stack = made(np.stack(planes), axes="ZYX", **fields).report["samples_agree_to"]
    alone = made(planes[1], axes="YX", **fields).report["samples_agree_to"]
    assert of_stack == pytest.approx(alone, rel=0.25)


@pytest.mark.parametrize(("side", "compared"), [(24, 0), (40, (40 - 24) ** 2)])
def test_what_the_blur_reaches_over_is_not_compared(made, sharp, side, compared):
    image = seen(sharp, PointSpread(3.0), noise=10)
    result = made(image, options={"blur": 3.0}, region=((20, 20 + side), (30, 30 + side)))
    assert result.report["residual"]["compared"] == compared
    assert np.isfinite(result.mean).all()


@pytest.mark.parametrize("outputs", [("uncertainty",), ("residual",), ("sample",)])
@pytest.mark.parametrize("steps", [1, 2])
def test_any_output_may_be_asked_for_alone(made, sharp, outputs, steps):
    image = seen(sharp, PointSpread(0.6), noise=10)
    result = made(image, outputs=outputs, steps=steps, samples=steps)
    assert tuple(result.images()) == outputs
    assert np.isfinite(result.images()[outputs[0]]).all()
    both = made(image, outputs=("mean", *outputs), steps=steps, samples=steps).report
    of_sample = outputs == ("sample",)
    expected = {**both["residual_of_sample"], "of": "sample"} if of_sample else both["residual"]
    assert result.report["residual"] == pytest.approx(expected)
    assert ("residual_of_sample" in both) == of_sample
    assert both["residual"]["of"] == "mean"


@pytest.mark.parametrize("outputs", [("sample", "residual"), ("mean", "sample", "residual")])
def test_what_is_left_over_is_told_of_what_was_made(made, sharp, outputs):
    """A sample is held against the image itself: what only it shows is in no mean."""
    image = seen(sharp, PointSpread(0.6), noise=20)
    result = made(image, options={"blur": 0.6}, steps=4, samples=2, outputs=outputs)
    told = {"residual": outputs[0], "residual_of_sample": "sample"}
    for key, name in told.items() if len(outputs) > 2 else [("residual", "sample")]:
        again = seen(result.images()[name].astype(np.float64), PointSpread(0.6))
        residual = result.report[key]
        assert residual["deviation"] == pytest.approx((image - again).std(), rel=0.05)
        noise = result.report["noise_level"][0]
        assert residual["places"] == unexplained(image - again, again, noise, residual["range"]).places
        if key == "residual":
            np.testing.assert_allclose(result.residual, image - again, atol=1e-4 * np.ptp(image))
            assert residual["of"] == name


@pytest.mark.parametrize("optics", [(520, 1.4, 0.1), (0.52, 1.4, 0.001)])
def test_optics_in_different_units_are_refused_in_words(optics: tuple[float, float, float]) -> None:
    with pytest.raises(RequestError, match="same unit"):
        superresolve(np.zeros((16, 16), np.float32), optics=optics)
