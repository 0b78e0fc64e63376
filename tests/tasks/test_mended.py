"""What is none of an image changes nothing of the result but itself."""

from __future__ import annotations

import dask.array as da
import numpy as np
import pytest
from numpy.typing import NDArray

from napari_microdiff import denoise, segment, superresolve
from napari_microdiff.imaging.axes import full_region
from napari_microdiff.imaging.spectrum import measure_spectrum
from napari_microdiff.tasks.base import Source
from napari_microdiff.tasks.mended import Kept, mended
from napari_microdiff.tasks.statistics import measure_channel

_HOT = ([5, 31, 60], [7, 44, 0])


def _spoilt(image: NDArray[np.float32]) -> NDArray[np.float32]:
    spoilt = image.copy()
    spoilt[_HOT] = 1e5
    return spoilt


def test_a_denoised_image_is_hardly_changed_by_hot_pixels(tiny_model: str, noisy: NDArray[np.float32]) -> None:
    sound = denoise(noisy, model=tiny_model, device="cpu")
    spoilt = denoise(_spoilt(noisy), model=tiny_model, device="cpu")
    assert sound.mean is not None
    assert spoilt.mean is not None
    assert np.abs(spoilt.mean - sound.mean).max() < 0.2 * np.ptp(sound.mean)
    assert not any("Hot" in notice for notice in sound.report["notices"])
    assert any("Hot or dead pixels" in notice for notice in spoilt.report["notices"])


def test_a_region_is_that_of_the_whole(tiny_model: str, noisy: NDArray[np.float32]) -> None:
    image = _spoilt(noisy)
    whole = denoise(image, model=tiny_model, device="cpu").mean
    part = denoise(image, model=tiny_model, device="cpu", region=((20, 60), (30, 62))).mean
    assert whole is not None
    np.testing.assert_allclose(part, whole[20:60, 30:62], atol=1e-3 * np.ptp(whole))


def test_objects_are_found_beside_hot_pixels(segmenter: str, noisy: NDArray[np.float32]) -> None:
    sound = segment(noisy, model=segmenter, device="cpu", diameter=12)
    spoilt = segment(_spoilt(noisy), model=segmenter, device="cpu", diameter=12)
    assert any("Hot or dead pixels" in notice for notice in spoilt.report["notices"])
    assert (sound.labels > 0).mean() == pytest.approx((spoilt.labels > 0).mean(), abs=0.02)


def test_a_blank_margin_and_a_bar_change_nothing_but_themselves(tiny_model: str, noisy: NDArray[np.float32]) -> None:
    image = noisy + 300
    image[:14] = 0
    image[88:93, 5:40] = 6e4
    kept = (image == 0) | (image == 6e4)
    result = denoise(
        image, model=tiny_model, device="cpu", steps=2, samples=2, outputs=("mean", "sample", "uncertainty")
    )
    for part in (result.mean, result.sample):
        np.testing.assert_array_equal(part[kept], image[kept])
        assert part[~kept].min() > 320
        assert part[~kept].max() < 800
    assert not result.uncertainty[kept].any()
    assert result.uncertainty[~kept].min() > 0
    assert any("Margins, bars or lost lines" in notice for notice in result.report["notices"])


def test_a_black_margin_does_not_make_an_image_seem_to_have_correlated_noise() -> None:
    noise = np.random.default_rng(0).normal(0, 1, (1, 256, 256))
    whole = measure_spectrum(noise)
    noise[:, :128] = noise[:, :128].mean()
    half = measure_spectrum(noise)
    assert half.quiet.mean() == pytest.approx(whole.quiet.mean(), rel=0.1)
    assert half.powers.mean() == pytest.approx(whole.powers.mean(), rel=0.1)


def test_finer_pixels_keep_a_blank_margin_and_are_compared_without_it(
    sharpener: str, noisy: NDArray[np.float32]
) -> None:
    image = noisy + 300
    image[:14] = 0
    whole = superresolve(image, model=sharpener, device="cpu", factor=2)
    assert not whole.mean[:28].any()
    assert whole.mean[28:].min() > 300
    assert whole.report["residual"]["largest"] < np.ptp(noisy)
    part = superresolve(image, model=sharpener, device="cpu", factor=2, region=((6, 40), (10, 60))).mean
    np.testing.assert_allclose(part, whole.mean[12:80, 20:120], atol=1e-2 * np.ptp(noisy))


def test_neither_margin_nor_bar_are_objects_or_change_them(segmenter: str, noisy: NDArray[np.float32]) -> None:
    image = noisy + 300
    image[:14] = 0
    image[88:93, 5:40] = 6e4
    sound = noisy + 300
    sound[:14] = sound[88:93, 5:40] = sound.min()
    found, expected = (segment(i, model=segmenter, device="cpu", diameter=12).labels for i in (image, sound))
    assert (found > 0).mean() == pytest.approx((expected > 0).mean(), abs=0.02)


@pytest.mark.parametrize("lazy", [False, True])
def test_each_channel_has_its_own_limit(lazy: bool) -> None:
    rng = np.random.default_rng(0)
    image = rng.normal(100, 5, (3, 2, 64, 64)).astype(np.float32)
    image[1, 0, 10, 10] = 1e5
    array = da.from_array(image, chunks=(1, 1, 16, 16)) if lazy else image
    source = Source(array, "ZCYX", full_region(image.shape))
    faults = {p: measure_channel(source, p).faults for p in (0, 1)}
    assert faults[0].any_hot
    assert not faults[1].any_hot
    notices: list[str] = []
    without = mended(Kept(source, faults), notices)
    assert len(notices) == 1
    for index in np.ndindex(3, 2):
        plane = without.array[(*index, slice(None), slice(None))]
        changed = plane != image[index]
        assert changed.sum() == (index == (1, 0))
        assert plane.max() < 200
        corner = without.array[(*index, slice(10, 20), slice(3, 11))]
        np.testing.assert_array_equal(corner, plane[10:20, 3:11])
