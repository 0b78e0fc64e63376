"""The camera over a synthesised image: its noise is what it is said to be, wherever a part of the image begins."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy import ndimage, stats

from napari_microdiff.engine.options import SynthesizeOptions
from napari_microdiff.tasks.exposure import blur_margin, expose


def record(image: np.ndarray, *, seed: int = 0, plane: int = 0, start: tuple[int, int] = (0, 0), **options: Any):
    chosen = SynthesizeOptions(**{"levels": (100.0, 300.0), **options})
    return expose(image.astype(np.float32), chosen, seed=seed, plane=plane, start=start)


@pytest.mark.parametrize("photons", [0.5, 8.0, 200.0, 5e7])
def test_counted_photons_are_poisson_numbers(photons: float) -> None:
    level = np.full((1, 300, 300), 200.0)  # half of the brightest
    counted = (record(level, photons=photons)[0].astype(np.float64) - 100) / (200 / photons)
    expected = photons / 2
    error = np.sqrt(expected / counted.size)
    assert counted.mean() == pytest.approx(expected, abs=5 * error + 1e-4 * expected)
    assert counted.var() == pytest.approx(expected, rel=0.05)
    if photons < 100:
        np.testing.assert_allclose(counted, counted.round(), atol=1e-3)
        numbers, times = np.unique(counted.round(), return_counts=True)
        likely = counted.size * stats.poisson.pmf(numbers, expected)
        enough = likely > 50
        assert (np.abs(times - likely)[enough] < 5 * np.sqrt(likely[enough])).all()


def test_read_noise_is_as_strong_as_it_is_said_to_be() -> None:
    noise = record(np.full((1, 200, 200), 150.0), read_noise=7.0)[0] - 150
    assert noise.std() == pytest.approx(7, rel=0.02)
    assert abs(noise.mean()) < 0.2


def test_below_the_level_of_no_light_there_are_no_photons() -> None:
    np.testing.assert_array_equal(record(np.full((1, 20, 20), 40.0), photons=10), 100)


def test_without_a_camera_nothing_changes() -> None:
    image = np.random.default_rng(0).normal(200, 50, (3, 20, 30)).astype(np.float32)
    np.testing.assert_array_equal(record(image), image)


def test_a_part_has_the_noise_of_that_part_of_the_whole() -> None:
    image = 200 + 60 * ndimage.gaussian_filter(np.random.default_rng(0).standard_normal((2, 90, 100)), (0, 3, 3))
    options = {"photons": 20.0, "read_noise": 3.0, "blur": 1.2, "levels": (100.0, 300.0)}
    chosen = SynthesizeOptions(**options)
    whole = expose(image.astype(np.float32), chosen, seed=5, plane=4, start=(0, 0))
    margin = blur_margin(chosen)
    part = expose(
        image[:, 30 - margin : 70 + margin, 20 - margin :].astype(np.float32),
        chosen,
        seed=5,
        plane=4,
        start=(30, 20),
        margin=((margin, margin), (margin, 0)),
    )
    np.testing.assert_array_equal(part, whole[:, 30:70, 20:])


def test_channels_planes_and_seeds_have_noise_of_their_own() -> None:
    level = np.full((2, 50, 50), 200.0)
    base = record(level, photons=30)
    others = (base[1], record(level, photons=30, plane=7)[0], record(level, photons=30, seed=1)[0])
    for other in others:
        assert abs(np.corrcoef(base[0].ravel(), other.ravel())[0, 1]) < 0.1
