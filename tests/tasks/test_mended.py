"""Hot pixels of a camera change nothing but the pixels that they are."""

from __future__ import annotations

import dask.array as da
import numpy as np
import pytest
from numpy.typing import NDArray

from napari_microdiff import denoise, segment
from napari_microdiff.imaging.axes import full_region
from napari_microdiff.tasks.base import Source
from napari_microdiff.tasks.mended import mended
from napari_microdiff.tasks.statistics import measure

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
    assert not any("hot" in notice for notice in sound.report["notices"])
    assert any("hot or dead pixels" in notice for notice in spoilt.report["notices"])


def test_a_region_is_that_of_the_whole(tiny_model: str, noisy: NDArray[np.float32]) -> None:
    image = _spoilt(noisy)
    whole = denoise(image, model=tiny_model, device="cpu").mean
    part = denoise(image, model=tiny_model, device="cpu", region=((20, 60), (30, 62))).mean
    assert whole is not None
    np.testing.assert_allclose(part, whole[20:60, 30:62], atol=1e-3 * np.ptp(whole))


def test_objects_are_found_beside_hot_pixels(segmenter: str, noisy: NDArray[np.float32]) -> None:
    sound = segment(noisy, model=segmenter, device="cpu", diameter=12)
    spoilt = segment(_spoilt(noisy), model=segmenter, device="cpu", diameter=12)
    assert any("hot or dead pixels" in notice for notice in spoilt.report["notices"])
    assert (sound.labels > 0).mean() == pytest.approx((spoilt.labels > 0).mean(), abs=0.02)


@pytest.mark.parametrize("lazy", [False, True])
def test_each_channel_has_its_own_limit(lazy: bool) -> None:
    rng = np.random.default_rng(0)
    image = rng.normal(100, 5, (3, 2, 64, 64)).astype(np.float32)
    image[1, 0, 10, 10] = 1e5
    array = da.from_array(image, chunks=(1, 1, 16, 16)) if lazy else image
    source = Source(array, "ZCYX", full_region(image.shape))
    limits = {p: measure(source, p).hot for p in (0, 1)}
    assert np.isfinite(limits[0])
    assert limits[1] == np.inf
    notices: list[str] = []
    without = mended(source, limits, notices)
    assert len(notices) == 1
    for index in np.ndindex(3, 2):
        plane = without.array[(*index, slice(None), slice(None))]
        changed = plane != image[index]
        assert changed.sum() == (index == (1, 0))
        assert plane.max() < 200
        corner = without.array[(*index, slice(10, 20), slice(3, 11))]
        np.testing.assert_array_equal(corner, plane[10:20, 3:11])
