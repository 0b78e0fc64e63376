"""Volumes through a denoiser of planes: both sides count the same, whatever the tiles, the slabs and the batch."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from napari_microdiff.diffusion.denoiser import NOTHING, Condition, Prediction
from napari_microdiff.diffusion.samplers import SAMPLERS
from napari_microdiff.diffusion.schedule import karras_sigmas
from napari_microdiff.engine.canvas import Denoised, Plane
from napari_microdiff.engine.memory import Workplace
from napari_microdiff.engine.tiles import Reach, read_window
from napari_microdiff.engine.volume import count_looks, sample_volume

CPU = torch.device("cpu")
SHAPE = (24, 40, 56)
RADIUS = 1


def blurred(x, sigma, condition=NOTHING):
    """Average 3 x 3 pixels of planes: a denoiser whose answer for a volume is easily computed."""
    assert x.ndim == 4
    seen = torch.nn.functional.pad(condition.maps, (RADIUS,) * 4, mode="replicate")
    mean = torch.nn.functional.avg_pool2d(seen, 2 * RADIUS + 1, stride=1) + 0.1 * x
    return Prediction(mean, torch.full_like(mean, 0.04))


def volume_of(image, region=None):
    def condition_at(tile):
        return Condition(maps=torch.from_numpy(read_window(image, tile.window).copy())[None, None])

    whole = tuple((0, n) for n in image.shape)
    return Plane(image.shape, region or whole, Reach((8,) * 3, (8,) * 3), 3, condition_at)


@pytest.fixture(scope="module")
def image():
    return np.random.default_rng(0).standard_normal(SHAPE).astype(np.float32)


def drawn(denoiser, volume, steps, tile=None, batch=1, seed=0, sample=0):
    sampling = sample_volume(denoiser, volume, steps, Workplace(CPU, batch, tile), seed=seed, sample=sample)
    events = []
    while True:
        try:
            events.append(next(sampling))
        except StopIteration as stop:
            return stop.value, events


def mean_of(events, shape):
    made = np.full(shape, np.nan, dtype=np.float32)
    for event in events:
        if isinstance(event, Denoised):
            made[tuple(slice(*span) for span in event.core)] = event.mean[0]
    return made


def test_the_mean_is_that_of_the_planes_across_y_and_across_x(image):
    _, events = drawn(blurred, volume_of(image), SAMPLERS["dpmpp-2m"]([1.0, 0.0], blind=True)[:1])
    padded = np.pad(image, 1, mode="edge")

    def box(y, x):
        parts = [
            padded[1 + dz : dz + 25, 1 + dy : dy + 41, 1 + dx : dx + 57] for dz in (-1, 0, 1) for dy in y for dx in x
        ]
        return np.mean(parts, axis=0)

    expected = (box((0,), (-1, 0, 1)) + box((-1, 0, 1), (0,))) / 2
    np.testing.assert_allclose(mean_of(events, SHAPE), expected, atol=1e-5)


@pytest.mark.parametrize("evaluations", [1, 4])
@pytest.mark.parametrize(("tile", "batch"), [(16, 1), (24, 3)])
def test_tiles_slabs_and_batches_change_nothing(image, evaluations, tile, batch):
    steps = SAMPLERS["dpmpp-2m"](karras_sigmas(2.5, 0.01, evaluations), blind=True)
    whole, once = drawn(blurred, volume_of(image), steps[:evaluations])
    tiled, often = drawn(blurred, volume_of(image), steps[:evaluations], tile, batch)
    if evaluations == 1:
        assert whole is None
        whole, tiled = mean_of(once, SHAPE), mean_of(often, SHAPE)
    np.testing.assert_allclose(tiled, whole, atol=1e-5)
    assert len(often) == count_looks(volume_of(image), steps[:evaluations], tile) > len(once)


def test_a_region_is_a_part_of_the_whole(image):
    steps = SAMPLERS["dpmpp-2m"](karras_sigmas(2.5, 0.01, 3), blind=True)
    whole, _ = drawn(blurred, volume_of(image), steps)
    region = ((5, 13), (10, 31), (20, 42))
    part, _ = drawn(blurred, volume_of(image, region), steps)
    assert part.shape == (1, 8, 21, 22)
    np.testing.assert_allclose(part[0], whole[0][tuple(slice(*span) for span in region)], atol=1e-5)


def test_samples_of_a_pair_have_opposite_noise(image):
    steps = SAMPLERS["dpmpp-2m"](karras_sigmas(2.5, 0.01, 2), blind=True)
    one, other, third = (drawn(blurred, volume_of(image), steps, sample=n)[0] for n in range(3))
    _, events = drawn(blurred, volume_of(image), steps[:1])
    middle = mean_of(events, SHAPE)
    np.testing.assert_allclose(
        (one + other)[0] / 2, 1.1 * middle, atol=1e-4
    )  # the denoiser adds a tenth of what it sees
    assert np.abs(one - third).max() > 0.01


@pytest.mark.parametrize(("tile", "batch"), [(None, 1), (16, 3)])
def test_sampling_begins_where_it_is_told(image, tile, batch):
    """A denoiser that takes no noise away leaves what sampling begins with as it is."""

    def believing(x, sigma, condition=NOTHING):
        return Prediction(x, None)

    start = np.random.default_rng(1).standard_normal(SHAPE).astype(np.float32)
    region = ((3, 20), (5, 30), (0, 40))
    volume = volume_of(image, region)
    volume = replace(volume, start_at=lambda tile: read_window(start, tile.window)[None].copy())
    steps = SAMPLERS["ddim"]([1.0, 0.5, 0.2, 0.0])
    made, events = drawn(believing, volume, steps, tile, batch)
    assert len(events) == count_looks(volume, steps, tile)
    np.testing.assert_allclose(made[0], start[tuple(slice(*span) for span in region)], atol=1e-6)
