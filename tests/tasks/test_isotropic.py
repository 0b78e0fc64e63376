"""Isotropic stacks: slices stay, what is between them fits in tiles and regions, and what is refused."""

from __future__ import annotations

import dask.array as da
import numpy as np
import pytest
from scipy import ndimage

from napari_microdiff import isotropic
from napari_microdiff.engine import memory, tiles
from napari_microdiff.engine.events import Preview, Progress
from napari_microdiff.errors import ImageError, ModelError, RequestError


@pytest.fixture(scope="module")
def volume():
    noise = np.random.default_rng(3).standard_normal((41, 72, 88))
    smooth = ndimage.gaussian_filter(noise, 2.5)
    return (200 + 60 * smooth / smooth.std() + 4 * noise).astype(np.float32)


@pytest.fixture
def made(result, slicer):
    """Carry out a request on a stack."""

    def make(stack, factor=5, **fields):
        options = {"factor": factor}
        return result(stack, **{"task": "isotropic", "model": slicer, "options": options, "axes": "ZYX", **fields})

    return make


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32, np.float64, np.int32])
@pytest.mark.parametrize("factor", [2, 5, 10])
def test_slices_stay_to_the_last_bit_and_others_come_between(made, volume, dtype, factor):
    stack = np.clip(volume, 0, 255)[::factor].astype(dtype)
    if stack.dtype.itemsize > 2:
        stack = (stack * 1_234_567.1).astype(dtype)
    result = made(stack, factor, outputs=("mean", "sample", "uncertainty"), steps=2)
    for name, image in result.images().items():
        assert image.shape == ((len(stack) - 1) * factor + 1, *stack.shape[1:])
        assert image.dtype == (np.float32 if name == "uncertainty" else np.result_type(dtype, np.float32))
        if name == "uncertainty":
            assert (image[::factor] == 0).all()
            assert (np.delete(image, np.s_[::factor], axis=0) > 0).all()
        else:
            np.testing.assert_array_equal(image[::factor], stack)
            assert np.isfinite(image).all()


def test_the_mean_is_near_what_linear_interpolation_gives(made, volume):
    """The tiny network changes little of the linear estimate that it begins with."""
    stack = volume[::4]
    result = made(stack, 4, outputs=("mean",), steps=1)
    linear = ndimage.zoom(stack, (41 / 11, 1, 1), order=1)
    assert np.abs(result.mean - linear).mean() < 0.25 * volume.std()


@pytest.mark.parametrize(("steps", "output"), [(1, "mean"), (3, "sample")])
def test_tiles_and_regions_are_parts_of_the_whole(made, volume, steps, output):
    stack = volume[::5, :48, :64]
    whole = made(stack, steps=steps, outputs=(output,)).images()[output]
    scale = np.ptp(whole)
    tiled = made(stack, steps=steps, outputs=(output,), tile=32).images()[output]
    assert np.abs(tiled - whole).max() < 1e-3 * scale
    part = made(stack, steps=steps, outputs=(output,), region=((2, 5), (10, 41), (20, 60)))
    assert part.region == ((2, 5), (10, 41), (20, 60))
    expected = whole[10:21, 10:41, 20:60]
    assert np.abs(part.images()[output] - expected).max() < (1e-3 if steps == 1 else 1e-2) * scale


def test_a_small_part_of_a_wide_stack_is_that_part_of_the_whole(made, volume):
    """It is read as far as several steps see, which here is not to the border."""
    stack = np.tile(volume[::5, :24, :50], (1, 1, 9))
    fields = {"steps": 3, "outputs": ("sample",)}
    whole = made(stack, **fields).sample
    part = made(stack, region=((1, 3), (4, 20), (220, 236)), **fields).sample
    assert np.abs(part - whole[5:11, 4:20, 220:236]).max() < 1e-2 * np.ptp(whole)


def test_a_model_may_know_nothing_of_neighbouring_planes(made, volume, lone_slicer):
    stack = volume[::5, :40, :48]
    whole = made(stack, model=lone_slicer, steps=1, outputs=("mean",)).mean
    part = made(stack, model=lone_slicer, steps=1, outputs=("mean",), region=((2, 5), (10, 31), (20, 40))).mean
    assert np.abs(part - whole[10:21, 10:31, 20:40]).max() < 1e-3 * np.ptp(whole)


def test_rows_and_columns_are_alike(made, volume):
    """Both directions count the same, so that a stack with rows and columns exchanged gives the same, exchanged."""
    stack = volume[::5]
    one = made(stack, outputs=("mean",), steps=1).mean
    other = made(stack.swapaxes(1, 2).copy(), outputs=("mean",), steps=1).mean.swapaxes(1, 2)
    assert np.abs(one - other).max() < 1e-3 * np.ptp(one)


def test_the_same_request_gives_the_same_voxels_and_seeds_differ(made, volume):
    stack = volume[:21:5, :40, :40]
    one, two, other = (made(stack, steps=2, samples=2, seed=seed, outputs=("sample",)) for seed in (4, 4, 5))
    np.testing.assert_array_equal(one.sample, two.sample)
    assert (one.sample != other.sample).any()


def test_channels_and_times_are_made_one_by_one(made, volume):
    stack = volume[:16:5, :40, :48]
    many = np.stack([stack, stack * 3 + 7, np.full_like(stack, 4.0)], axis=1)  # ZCYX
    result = made(many, axes="ZCYX", outputs=("mean",), steps=1)
    assert result.mean.shape == (16, 3, 40, 48)
    np.testing.assert_allclose(result.mean[:, 0], made(stack, outputs=("mean",), steps=1).mean, rtol=1e-4, atol=1e-2)
    assert (result.mean[:, 2] == 4).all()
    times = made(np.stack([stack, stack[::-1]]), axes="TZYX", outputs=("sample",), steps=2)
    assert times.sample.shape == (2, 16, 40, 48)


def test_a_stack_that_is_read_as_needed_gives_the_same(made, volume):
    stack = volume[::5]
    lazy = da.from_array(stack, chunks=(1, 40, 40))
    np.testing.assert_array_equal(made(lazy, steps=1).sample, made(stack, steps=1).sample)


def test_previews_lie_where_the_result_will_be_and_progress_ends_at_all(events, volume, slicer):
    options = {"factor": 5}
    told = events(volume[::5], task="isotropic", model=slicer, axes="ZYX", options=options, outputs=("mean",), tile=64)
    result = told[-1].result
    seen = np.zeros(result.mean.shape, bool)
    for preview in (event for event in told if isinstance(event, Preview)):
        place = tuple(slice(*span) for span in preview.region)
        np.testing.assert_allclose(preview.image, result.mean[place], rtol=1e-4, atol=1e-3)
        seen[place] = True
    assert seen.all()
    progress = [event for event in told if isinstance(event, Progress)]
    assert progress[-1].done == progress[-1].total
    assert all(one.total == progress[0].total for one in progress)


def test_what_does_not_fit_into_memory_is_made_in_files_part_by_part(made, volume, monkeypatch, tmp_path):
    asked = {"steps": 2, "samples": 8, "outputs": ("mean", "sample", "uncertainty")}
    in_memory = made(volume, **asked)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    for limit in ("_LARGEST_TO_WORK_ON", "_LARGEST_RESULT"):
        monkeypatch.setattr(memory, limit, 0)
    monkeypatch.setattr(tiles, "_BAND", 1)
    in_files = made(volume, **asked)
    for name, image in in_memory.images().items():
        np.testing.assert_array_equal(image, in_files.images()[name])
        assert not isinstance(image.base, np.memmap)
        assert isinstance(in_files.images()[name].base, np.memmap)


def test_a_channel_of_one_large_value_keeps_it(made, volume):
    stack = np.stack([volume[::20, :24, :24].astype(np.int32), np.full((3, 24, 24), 2**30 + 1, np.int32)])
    result = made(stack, 2, axes="CZYX", steps=2, outputs=("mean", "sample"))
    for image in (result.mean[1], result.sample[1]):
        np.testing.assert_array_equal(image.astype(np.int64), 2**30 + 1)


def test_empty_resin_stays_within_its_grey_levels():
    resin = np.random.default_rng(0).normal(180, 6, (3, 32, 32)).round().clip(0, 255).astype(np.uint8)
    result = isotropic(resin, factor=2, axes="ZYX", steps=4, outputs=("sample", "uncertainty"))
    low, high = float(resin.min()), float(resin.max())
    room = high - low
    assert low - room < result.sample.min() <= result.sample.max() < high + room
    assert result.uncertainty.max() < room


def test_the_report_says_how_much_the_slices_tell(made, volume):
    near, far = (made(volume[::factor], factor, steps=1).report["slices_tell"] for factor in (2, 8))
    assert 0 < far < near < 1


def test_what_cannot_be_is_refused_in_words(made, volume, slicer, segmenter):
    stack = volume[::5]
    with pytest.raises(ImageError, match="one slice is no stack"):
        made(stack[0], axes="YX")
    with pytest.raises(ImageError, match="no axis of depth"):
        made(stack, axes="TYX")
    with pytest.raises(ImageError, match="one slice only"):
        made(stack[:1])
    with pytest.raises(ImageError, match="one slice only"):
        made(stack, region=((2, 3), (0, 40), (0, 40)))
    with pytest.raises(ImageError, match="in the order"):
        made(stack, axes="YXZ")
    with pytest.raises(ImageError, match="same value everywhere"):
        made(np.ones((4, 40, 40), dtype=np.uint8))
    broken = stack.copy()
    broken[3, 4, 5] = np.nan
    with pytest.raises(ImageError, match="NaN"):
        made(broken)
    with pytest.raises(ModelError, match="is for 'segment'"):
        isotropic(stack, factor=5, axes="ZYX", model=segmenter)
    for factor in (1, 11):
        with pytest.raises(RequestError, match="factor"):
            isotropic(stack, factor=factor, axes="ZYX", model=slicer)


@pytest.mark.parametrize("shape", [(2, 1, 1), (2, 1, 50), (3, 7, 5)])
def test_small_stacks_are_filled(made, shape):
    stack = np.random.default_rng(0).integers(0, 200, shape).astype(np.uint8)
    result = made(stack, 3, steps=2)
    assert result.sample.shape == ((shape[0] - 1) * 3 + 1, *shape[1:])
    assert np.isfinite(result.sample).all()
