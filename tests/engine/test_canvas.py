"""One sampler on a whole plane, evaluated tile by tile: the same image whatever the tiles, the memory or the order."""

from __future__ import annotations

import gc
import weakref
from functools import partial

import numpy as np
import pytest
import torch

from napari_microdiff.diffusion.denoiser import NOTHING, Prediction
from napari_microdiff.diffusion.samplers import SAMPLERS, levels_for
from napari_microdiff.diffusion.schedule import karras_sigmas
from napari_microdiff.engine import canvas as canvas_module
from napari_microdiff.engine.canvas import sample_plane
from napari_microdiff.engine.memory import Workplace, blank_array
from napari_microdiff.engine.tiles import read_window
from napari_microdiff.errors import DeviceError

CPU = torch.device("cpu")
FLAT, DEEP = (102, 90), (4, 36, 52)


def image(shape, seed=0):
    rng = np.random.default_rng(seed)
    smooth = rng.standard_normal(shape).cumsum(axis=-1).cumsum(axis=-2) / 60
    return np.tanh(smooth + 0.3 * rng.standard_normal(shape)).astype(np.float32)


def table(evaluations, name="dpmpp-2m", blind=True, high=2.5):
    count = levels_for(name, evaluations, blind)
    return SAMPLERS[name](karras_sigmas(high, 0.01, count), blind=blind)


def difference(a, b):
    return np.abs(a - b).max() / np.ptp(a)


@pytest.mark.parametrize("evaluations", [1, 8])
@pytest.mark.parametrize(("shape", "tile"), [(FLAT, 32), (FLAT, 50), (DEEP, 24)])
def test_tiled_is_whole(shape, tile, evaluations, denoisers, make_plane, sampled):
    plane = make_plane(image(shape))
    denoiser, steps = denoisers[len(shape)], table(evaluations)
    whole, once, _ = sampled(denoiser, plane, steps)
    tiled, often, _ = sampled(denoiser, plane, steps, tile=tile, batch=3)
    assert whole.shape == (1, *shape)
    assert np.ptp(whole) > 0.1
    assert len(often) > len(once) == evaluations
    assert difference(whole, tiled) < 1e-3


@pytest.mark.parametrize("name", SAMPLERS)
def test_tiled_is_whole_with_every_sampler(name, denoisers, make_plane, sampled):
    plane = make_plane(image((60, 70)))
    steps = table(5, name)
    whole, *_ = sampled(denoisers[2], plane, steps)
    tiled, *_ = sampled(denoisers[2], plane, steps, tile=32)
    assert difference(whole, tiled) < 1e-3


@pytest.mark.parametrize("evaluations", [1, 4])
def test_the_same_request_gives_the_identical_array(evaluations, denoisers, make_plane, sampled):
    plane, steps = make_plane(image((60, 70))), table(evaluations, "ddpm")
    first, *_ = sampled(denoisers[2], plane, steps, tile=32, seed=4)
    again, *_ = sampled(denoisers[2], plane, steps, tile=32, seed=4)
    np.testing.assert_array_equal(first, again)


def test_seed_sample_and_plane_each_change_the_draw_and_nothing_else_does(denoisers, make_plane, sampled):
    steps, pixels = table(4), image((40, 44))
    drawn = {
        (seed, sample, number): sampled(
            denoisers[2], make_plane(pixels, number=number), steps, seed=seed, sample=sample
        )[0]
        for seed, sample, number in [(0, 0, 0), (1, 0, 0), (0, 1, 0), (0, 0, 1)]
    }
    first = drawn.pop((0, 0, 0))
    for other in drawn.values():
        assert difference(first, other) > 0.01


@pytest.mark.parametrize(("evaluations", "tolerance"), [(1, 1e-3), (8, 1e-2)])
@pytest.mark.parametrize(
    ("shape", "region"),
    [(FLAT, ((40, 71), (33, 60))), (FLAT, ((0, 30), (50, 90))), (DEEP, ((1, 3), (10, 25), (21, 40)))],
)
def test_a_region_is_that_part_of_the_whole(shape, region, evaluations, tolerance, denoisers, make_plane, sampled):
    pixels, steps = image(shape), table(evaluations)
    whole, *_ = sampled(denoisers[len(shape)], make_plane(pixels), steps)
    part, *_ = sampled(denoisers[len(shape)], make_plane(pixels, region), steps, tile=32)
    expected = whole[(slice(None), *(slice(*span) for span in region))]
    assert part.shape == expected.shape
    assert np.abs(part - expected).max() < tolerance * np.ptp(whole)


def test_evaluations_cover_the_region_and_margins_are_reported_as_empty(denoisers, make_plane, sampled):
    region = ((40, 71), (33, 60))
    plane = make_plane(image(FLAT), region)
    _, events, _ = sampled(denoisers[2], plane, table(3), tile=32)
    assert {event.first for event in events} == {True, False}
    count = np.zeros(FLAT, int)
    for event in events:
        assert event.mean.shape == event.variance.shape == (1, *(b - a for a, b in event.core))
        assert 0 in event.mean.shape or all(c <= a < b <= d for (a, b), (c, d) in zip(event.core, region, strict=True))
        count[tuple(slice(*span) for span in event.core)] += 1
    assert (count[40:71, 33:60] == 3).all()
    assert count.sum() == 3 * 31 * 27


def test_the_first_evaluation_is_the_posterior_mean(denoisers, make_plane, sampled):
    plane = make_plane(image((40, 44)))
    alone, *_ = sampled(denoisers[2], plane, table(1))
    _, events, _ = sampled(denoisers[2], plane, table(4))
    np.testing.assert_allclose(next(e for e in events if e.first).mean, alone, atol=1e-6)
    drawn, events, _ = sampled(denoisers[2], plane, table(4))
    np.testing.assert_allclose(events[-1].mean, drawn, atol=1e-5)


def test_a_canvas_on_disk_gives_what_memory_gives(denoisers, make_plane, sampled, monkeypatch, tmp_path):
    plane, steps = make_plane(image((60, 70))), table(4, "heun")
    in_memory, *_ = sampled(denoisers[2], plane, steps, tile=32)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setattr(canvas_module, "blank_array", partial(blank_array, largest_in_memory=0))
    on_disk, *_ = sampled(denoisers[2], plane, steps, tile=32)
    np.testing.assert_array_equal(in_memory, on_disk)
    assert type(on_disk) is np.ndarray
    assert list(tmp_path.iterdir()) == []


class Scarce:
    """A denoiser on a device with room for so many pixels at once."""

    def __init__(self, denoiser, room, error=None):
        self.denoiser, self.room = denoiser, room
        self.error = error or torch.OutOfMemoryError("CUDA out of memory")
        self.largest = self.failures = 0

    def __call__(self, x, sigma, condition=NOTHING):
        if x.numel() > self.room:
            self.failures += 1
            raise self.error
        self.largest = max(self.largest, x.numel())
        return self.denoiser(x, sigma, condition)


@pytest.mark.parametrize("evaluations", [1, 4])
@pytest.mark.parametrize(
    ("tile", "batch", "room"),
    [(None, 1, 92 * 92), (32, 9, 80 * 80), (64, 4, 90 * 90), (64, 1, 80 * 80), (48, 1, 78 * 78)],
)
def test_too_little_memory_gives_the_same_array_and_says_so(
    tile, batch, room, evaluations, denoisers, make_plane, sampled
):
    plane, steps = make_plane(image((102, 96))), table(evaluations)  # of two columns of tiles whose windows are alike
    enough, events, notices = sampled(denoisers[2], plane, steps, tile=tile, batch=batch)
    assert notices == []
    scarce = Scarce(denoisers[2], room)
    workplace = Workplace(CPU, batch, tile)
    managed, more, notices = sampled(scarce, plane, steps, workplace=workplace)
    np.testing.assert_allclose(managed, enough, atol=1e-4)
    assert scarce.failures == len(notices) > 0
    assert len(set(notices)) == len(notices)  # tiles that wait are made smaller without having failed themselves
    assert all("Not enough memory on cpu" in notice for notice in notices)
    assert len(more) >= len(events)
    assert scarce.largest <= room
    # what was learned is kept: the next sample does not fail again
    again, _, silent = sampled(scarce, plane, steps, workplace=workplace)
    assert silent == []
    np.testing.assert_allclose(again, enough, atol=1e-4)


def test_no_room_at_all_is_an_error_that_says_what_to_do(denoisers, make_plane, sampled):
    with pytest.raises(DeviceError, match="does not suffice even for the smallest tile"):
        sampled(Scarce(denoisers[2], 0), make_plane(image((40, 44))), table(2))


def test_other_faults_are_not_taken_for_a_lack_of_memory(denoisers, make_plane, sampled):
    broken = Scarce(denoisers[2], 0, RuntimeError("sizes do not match"))
    with pytest.raises(RuntimeError, match="sizes do not match"):
        sampled(broken, make_plane(image((40, 44))), table(2), tile=32, batch=4)
    assert broken.failures == 1


@pytest.fixture
def files(monkeypatch):
    """The files that canvases were made in, for as long as they are there; all canvases lie on disk."""
    made = []

    def on_disk(shape):
        array = blank_array(shape, largest_in_memory=0)
        made.append(weakref.ref(array.base))
        return array

    monkeypatch.setattr(canvas_module, "blank_array", on_disk)

    def there():
        gc.collect()
        return [file() is not None for file in made]

    return there


def test_closing_early_frees_everything(denoisers, make_plane, files):
    sampling = sample_plane(denoisers[2], make_plane(image(FLAT)), table(4), Workplace(CPU, 1, 32), seed=0)
    for _ in range(20):
        next(sampling)
    assert files() == [True] * 3
    sampling.close()
    assert not any(files())


def test_a_fault_frees_everything(denoisers, make_plane, sampled, files):
    with pytest.raises(DeviceError):
        sampled(Scarce(denoisers[2], 0), make_plane(image(FLAT)), table(4))
    assert not any(files())


def test_a_sample_is_not_copied_and_keeps_one_file(denoisers, make_plane, sampled, files):
    drawn, *_ = sampled(denoisers[2], make_plane(image(FLAT)), table(2), tile=32)
    assert sum(files()) == 1
    del drawn, _
    assert not any(files())


def test_a_single_evaluation_needs_no_canvas(denoisers, make_plane, sampled, files):
    sampled(denoisers[2], make_plane(image(FLAT)), table(1), tile=32)
    assert files() == []


@pytest.mark.parametrize("evaluations", [1, 3])
def test_what_is_evaluated_at_once_does_not_grow_with_the_image(evaluations, make_plane, sampled):
    largest = []
    for side in (240, 480):
        tiles = []
        counting = Scarce(lambda x, sigma, condition=NOTHING: Prediction(0.5 * condition.maps, None), 10**9)
        plane = make_plane(np.zeros((side, side), np.float32), seen=tiles)
        sampled(counting, plane, table(evaluations), tile=48, batch=2)
        largest.append(counting.largest)
        assert max(np.prod(tile.window_shape) for tile in tiles) <= (48 + 2 * 32) ** 2
    assert largest[0] == largest[1] == 2 * (48 + 2 * 32) ** 2


@pytest.mark.parametrize("shape", [(1, 1), (1, 37), (3, 5), (33, 31), (130, 2)])
def test_images_of_any_size_are_sampled(shape, denoisers, make_plane, sampled):
    plane, steps = make_plane(image(shape)), table(3)
    whole, *_ = sampled(denoisers[2], plane, steps)
    tiled, *_ = sampled(denoisers[2], plane, steps, tile=32)
    assert whole.shape == (1, *shape)
    assert np.isfinite(whole).all()
    np.testing.assert_allclose(whole, tiled, atol=1e-4)


def test_sampling_can_start_from_an_image(denoisers, make_plane, sampled):
    pixels = image((60, 70))

    def start_at(tile):
        return read_window(pixels, tile.window)[None]

    plane = make_plane(np.zeros_like(pixels), start_at=start_at)
    steps = table(5, blind=False, high=0.2)
    whole, *_ = sampled(denoisers[2], plane, steps)
    tiled, *_ = sampled(denoisers[2], plane, steps, tile=32)
    assert difference(whole, tiled) < 1e-3
    assert np.corrcoef(whole.ravel(), pixels.ravel())[0, 1] > 0.5
    other, *_ = sampled(denoisers[2], plane, steps, seed=7)
    np.testing.assert_array_equal(whole, other)  # nothing in this table draws noise


def test_channels_are_sampled_together_with_noise_of_their_own(make_plane, sampled):
    def nothing_known(x, sigma, condition=NOTHING):
        return Prediction(torch.zeros_like(x), torch.ones_like(x))

    plane = make_plane(np.zeros((40, 44), np.float32), channels=2)
    _, events, _ = sampled(nothing_known, plane, table(3), tile=32)
    assert events[0].mean.shape == (2, 20, 24)

    seen = []

    def watch(x, sigma, condition=NOTHING):
        seen.append(x.clone())
        return nothing_known(x, sigma)

    sampled(watch, plane, table(3))
    after_start = seen[1][0]
    assert abs(np.corrcoef(after_start[0].ravel(), after_start[1].ravel())[0, 1]) < 0.1
    assert after_start.std().item() == pytest.approx(float(np.hypot(1, karras_sigmas(2.5, 0.01, 3)[1])), rel=0.1)


@pytest.mark.parametrize("name", sorted(SAMPLERS))
def test_two_samples_of_a_pair_lie_on_opposite_sides_of_the_posterior_mean(name, make_plane, sampled):
    pixels = image((40, 44))

    def gaussian(x, sigma, condition=NOTHING):  # data of mean ``maps`` and standard deviation 1/2, blind from 2.5 on
        level = torch.as_tensor(sigma, dtype=torch.float32)
        kept = 0.0 if level >= 2.5 else 0.25 / (0.25 + level**2)
        variance = torch.full_like(x, 0.25) * (1 - kept)
        return Prediction(condition.maps + kept * (x - condition.maps), variance)

    one, other, third = (sampled(gaussian, make_plane(pixels), table(8, name), sample=sample)[0] for sample in range(3))
    assert np.abs(one[0] - pixels).mean() > 0.1
    np.testing.assert_allclose((one + other)[0] / 2, pixels, atol=1e-5)
    assert abs(np.corrcoef((one - other).ravel(), (third[0] - pixels).ravel())[0, 1]) < 0.1


def test_a_denoiser_without_a_variance_is_sampled_too(make_plane, sampled):
    def plain(x, sigma, condition=NOTHING):
        return Prediction(condition.maps * 0.5 + 0.1 * x)

    drawn, events, _ = sampled(plain, make_plane(image((40, 44))), table(4, "ddpm"), tile=32)
    assert np.isfinite(drawn).all()
    assert {event.variance for event in events} == {None}
