"""What is measured of an image is measured once for as long as nothing changes."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from napari_microdiff.errors import ImageError
from napari_microdiff.imaging.axes import full_region
from napari_microdiff.imaging.noise import noise_sigma
from napari_microdiff.tasks import statistics
from napari_microdiff.tasks.base import Source
from napari_microdiff.tasks.statistics import Statistics, measure_channel


@pytest.fixture
def spectra(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, ...]]:
    """The blocks of which spectra were measured."""
    seen: list[tuple[int, ...]] = []
    real = statistics.measure_spectrum

    def noting(blocks: np.ndarray) -> object:
        seen.append(blocks.shape)
        return real(blocks)

    monkeypatch.setattr(statistics, "measure_spectrum", noting)
    monkeypatch.setattr(statistics, "_KNOWN", statistics._Known(most=2))
    return seen


def _image(seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 1000, (300, 200)).astype(np.uint16)


def _measured(image: np.ndarray, axes: str = "YX", position: int | None = None) -> Statistics:
    return measure_channel(Source(image, axes, full_region(image.shape)), position)


def test_another_part_of_an_image_is_shown_by_the_same_statistics(spectra: list) -> None:
    image = _image()
    first = _measured(image)
    assert first.noise_level == noise_sigma(image, "YX")
    assert measure_channel(Source(image, "YX", ((0, 50), (20, 90))), None) is first
    assert _measured(image.copy()) is first
    assert len(spectra) == 1


@pytest.mark.parametrize(
    "change",
    [
        lambda image: np.where(np.arange(image.size).reshape(image.shape) == 137 * 200 + 71, image + 1, image),
        lambda image: image.astype(np.int32),
        lambda image: image[:, ::-1],
        lambda image: image[:-1],
        lambda image: image.astype(np.float32),
    ],
)
def test_a_change_of_one_pixel_is_seen(spectra: list, change: Callable) -> None:
    image = _image()
    _measured(image)
    _measured(change(image).astype(change(image).dtype))
    assert len(spectra) == 2


def test_an_edit_in_place_is_seen(spectra: list) -> None:
    image = _image()
    before = _measured(image)
    image[100:200] *= 3
    assert _measured(image).normalization != before.normalization
    assert len(spectra) == 2


def test_each_channel_has_its_own(spectra: list) -> None:
    image = np.stack([_image(0), 5 * _image(1)])
    levels = [_measured(image, "CYX", position).noise_level for position in (0, 1)]
    assert levels[1] > 3 * levels[0]
    assert [_measured(image, "CYX", position).noise_level for position in (0, 1)] == levels
    assert len(spectra) == 2


def test_only_the_last_are_kept(spectra: list) -> None:
    for seed in (0, 1, 2, 0):
        _measured(_image(seed))
    assert len(spectra) == 4
    _measured(_image(2))
    assert len(spectra) == 4


def test_an_image_that_seems_empty_is_looked_at_each_time(spectra: list) -> None:
    image = np.zeros((4000, 4000), np.uint8)
    assert _measured(image).constant
    image[300, 250] = 9  # between the blocks
    assert not _measured(image).constant
    image[300, 250] = 0
    assert _measured(image).constant


def test_what_is_not_finite_is_told_each_time(spectra: list) -> None:
    image = _image().astype(np.float32)
    image[40:60] = np.nan
    for _ in range(2):
        with pytest.raises(ImageError):
            _measured(image)


def test_a_few_cells_in_a_large_image_set_its_range() -> None:
    image = np.random.default_rng(0).normal(100, 5, (1600, 1600)).astype(np.float32)
    image[1500:1560, 100:160] += 400
    normalization = _measured(image).normalization
    assert normalization.undo(np.float32([1.0]))[0] == pytest.approx(500, rel=0.05)
    assert normalization.undo(np.float32([-1.0]))[0] == pytest.approx(100, rel=0.05)


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int64])
def test_contrast_that_rounding_would_swallow_is_refused_in_words(dtype: type) -> None:
    image = _image().astype(np.float64)
    assert _measured((image + 1e7).astype(dtype)).noise_level > 0
    with pytest.raises(ImageError, match=r"differ by too little.*Subtract 1e\+09 from all"):
        _measured((image + 1e9).astype(dtype))
    with pytest.raises(ImageError, match="differ by too little"):
        _measured((image - 1e9).astype(dtype))
    image[5, 5] = 0  # a dead pixel is none of the image
    with pytest.raises(ImageError, match="differ by too little"):
        _measured(image + 1e9 * (image > 0))
