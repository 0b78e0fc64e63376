"""Images of every kind come out in their own units; those that cannot be processed are refused in words."""

from __future__ import annotations

from contextlib import suppress

import dask.array as da
import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from napari_microdiff import denoise
from napari_microdiff.engine.events import Notice, Progress
from napari_microdiff.engine.request import Request
from napari_microdiff.errors import ImageError, MicrodiffError, RequestError
from napari_microdiff.imaging.blocks import block_slices
from napari_microdiff.tasks import run

ALL = ("mean", "sample", "uncertainty")


def stack(noisy, *lead):
    """Many planes, each the image rolled by another amount."""
    count = int(np.prod(lead))
    planes = [np.roll(noisy[:48, :56], 5 * i, axis=1) for i in range(count)]
    return np.stack(planes).reshape(*lead, 48, 56)


@pytest.mark.parametrize(
    ("lead", "axes"), [((3,), "ZYX"), ((2,), "CYX"), ((2, 3), "CZYX"), ((2, 3), "TZYX"), ((1, 2, 1, 2), "PTCZYX")]
)
def test_every_plane_is_denoised_in_its_place(lead, axes, result, noisy):
    image = stack(noisy, *lead)
    made = result(image, axes=axes)
    assert made.mean.shape == image.shape
    assert made.request.axes == axes
    assert np.corrcoef(made.mean.ravel(), image.ravel())[0, 1] > 0.8


def test_channels_have_nothing_in_common(result, noisy):
    image = np.stack([noisy, 1000 + 50 * noisy[::-1]])
    both = result(image, axes="CYX", outputs=("mean",)).mean
    for channel in (0, 1):
        alone = result(image[channel], outputs=("mean",)).mean
        np.testing.assert_allclose(both[channel], alone, rtol=1e-4)


def test_planes_of_a_stack_share_their_range(result, noisy):
    # a bright and a dark plane must keep their relation, so that a stack does not flicker
    image = np.stack([noisy, 0.3 * noisy])
    made = result(image, axes="ZYX", outputs=("mean",))
    assert len(made.report["normalization"]) == 1
    assert made.mean[0].mean() > 2 * made.mean[1].mean()


def test_a_plane_of_a_stack_alone_is_that_plane(result, noisy):
    image = stack(noisy, 2, 3)
    whole = result(image, axes="TZYX", steps=4, outputs=("sample",))
    part = result(image, axes="TZYX", steps=4, outputs=("sample",), region=((1, 2), (2, 3), (0, 48), (0, 56)))
    assert part.sample.shape == (1, 1, 48, 56)
    np.testing.assert_array_equal(part.sample[0, 0], whole.sample[1, 2])


def test_planes_have_noise_of_their_own(result, noisy):
    twice = np.stack([noisy, noisy])
    made = result(twice, axes="ZYX", steps=4, outputs=ALL)
    np.testing.assert_allclose(made.mean[0], made.mean[1], rtol=1e-5)
    assert np.abs(made.sample[0] - made.sample[1]).max() > 1


def test_a_channel_alone_is_that_channel(result, noisy):
    image = np.stack([noisy, 5 * noisy[::-1], noisy[:, ::-1]])
    whole = result(image, axes="CYX", steps=3, outputs=ALL)
    part = result(image, axes="CYX", steps=3, outputs=ALL, region=((1, 2), (0, 96), (0, 112)))
    for name in ALL:
        np.testing.assert_array_equal(part.images()[name][0], whole.images()[name][1])
    assert len(part.report["noise_level"]) == 1


def test_colour_images_keep_their_samples_last(result, noisy):
    scaled = np.clip(noisy / 2, 0, 255)
    image = np.stack([scaled, scaled[::-1], scaled[:, ::-1]], axis=-1).astype(np.uint8)
    made = result(image)
    assert made.request.axes == "YXS"
    assert made.mean.shape == image.shape
    np.testing.assert_allclose(made.mean[..., 1], result(image[..., 1]).mean, rtol=1e-4)


def test_a_full_alpha_channel_stays_full(result, noisy):
    scaled = np.clip(noisy / 2, 0, 255)
    image = np.stack([scaled, scaled, scaled, np.full_like(scaled, 255)], axis=-1).astype(np.uint8)
    made = result(image, steps=2, outputs=ALL)
    assert (made.mean[..., 3] == 255).all()
    assert (made.sample[..., 3] == 255).all()
    assert (made.uncertainty[..., 3] == 0).all()
    assert (made.uncertainty[..., :3] > 0).all()


@pytest.mark.parametrize("start", ["condition", "measured-noise"])
def test_a_constant_channel_passes_through(start, result, noisy):
    image = np.stack([np.full_like(noisy, 7), noisy])
    made = result(image, axes="CYX", options={"start": start}, outputs=ALL)
    assert (made.mean[0] == 7).all()
    assert (made.uncertainty[0] == 0).all()
    assert np.abs(made.mean[1] - noisy).max() > 1


@pytest.mark.parametrize("constant", [0, 1])
def test_progress_reaches_its_end_past_a_constant_channel(constant, events, noisy):
    image = np.stack([noisy, noisy])
    image[constant] = 7
    ticks = [event for event in events(image, axes="CYX") if isinstance(event, Progress)]
    assert ticks[-1].done == ticks[-1].total > 0


def test_a_single_speck_that_no_block_shows_is_still_an_image(result):
    image = np.zeros((1400, 1100), dtype=np.uint16)
    spots = block_slices(image.shape, count=24, size=192)
    seen = np.zeros(image.shape, dtype=bool)
    for spot in spots:
        seen[spot] = True
    y, x = (int(i) + 20 for i in np.argwhere(~seen[20:-20, 20:-20])[0])
    image[y, x] = 900
    made = result(image, region=((y - 8, y + 8), (x - 8, x + 8)), tile=64)
    assert made.mean.shape == (16, 16)


def test_one_step_is_not_repeated_for_more_samples(events, result, noisy):
    told = events(noisy, samples=3, steps=1, outputs=ALL)
    assert any("one sample was computed" in event.message for event in told if isinstance(event, Notice))
    assert told[-1].result.request.samples == 1
    np.testing.assert_array_equal(told[-1].result.mean, result(noisy, outputs=ALL).mean)


def test_nested_lists_are_an_image(result, noisy):
    np.testing.assert_array_equal(result(noisy.tolist()).mean, result(noisy.astype(np.float64)).mean)


def test_a_tensor_is_an_image(result, noisy):
    np.testing.assert_array_equal(result(torch.from_numpy(noisy.astype(np.float32))).mean, result(noisy).mean)


def test_a_tensor_with_gradients_is_refused_in_words(ask):
    with pytest.raises(ImageError, match="cannot be read as a NumPy array"):
        list(run(ask(), torch.ones(32, 32, requires_grad=True)))


def test_ragged_lists_are_refused(ask):
    with pytest.raises(ImageError, match="rows differ in length"):
        list(run(ask(), [[1, 2], [3]]))


def test_an_impossible_field_is_told_in_words(noisy):
    with pytest.raises(RequestError, match="steps must be at least"):
        denoise(noisy, steps=0)


def test_transposed_axes_give_a_transposed_result(result, noisy):
    made = result(noisy.T, axes="XY", outputs=("mean",))
    assert made.mean.shape == noisy.T.shape
    assert made.request.axes == "XY"


class Counting:
    """An array that is read part by part and remembers the largest part; without any other means than slicing."""

    def __init__(self, array):
        self.pixels, self.shape, self.dtype = array, array.shape, array.dtype
        self.largest = 0

    def __getitem__(self, index):
        part = self.pixels[index]
        self.largest = max(self.largest, part.size)
        return part


@pytest.mark.parametrize("start", ["condition", "measured-noise"])
@pytest.mark.parametrize("shape", [(640, 700), (8, 200, 210)])
def test_no_image_is_ever_read_as_a_whole(shape, start, result):
    rng = np.random.default_rng(0)
    image = rng.poisson(50 + 40 * np.sin(np.arange(shape[-1]) / 9), shape).astype(np.uint16)
    lazy = Counting(image)
    made = result(lazy, tile=128, options={"start": start}, outputs=("mean",))
    assert lazy.largest <= max(192**2, (128 + 2 * 48 + 2 * 24) ** 2)
    assert lazy.largest < image.size / 5
    assert made.mean.shape == shape


def test_dask_arrays_give_what_numpy_arrays_give(result, noisy):
    image = stack(noisy, 3)
    lazy = da.from_array(image, chunks=(1, 20, 30))
    np.testing.assert_array_equal(result(lazy, axes="ZYX").mean, result(image, axes="ZYX").mean)


def test_arrays_that_are_not_contiguous(result, noisy):
    np.testing.assert_array_equal(result(noisy[::-1, ::2]).mean, result(noisy[::-1, ::2].copy()).mean)


DTYPES = st.one_of(
    st.just(np.dtype(bool)),
    hnp.integer_dtypes(endianness="?"),
    hnp.unsigned_integer_dtypes(endianness="?"),
    hnp.floating_dtypes(endianness="?", sizes=(16, 32, 64)),
)


@pytest.fixture
def plain(tiny_model):
    """Run the tiny model on an image; for tests that hypothesis calls many times."""

    def denoised(image, **fields):
        request = Request(model=tiny_model, device="cpu", precision="float32", **fields)
        return list(run(request, image))[-1].result

    return denoised


@settings(max_examples=25, suppress_health_check=list(HealthCheck))
@given(dtype=DTYPES, seed=st.integers(0, 2**32 - 1))
def test_every_real_type_of_pixel(dtype, seed, plain):
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:40, :44]
    unit = np.clip(0.5 + 0.3 * np.sin(y / 6) * np.cos(x / 5) + 0.08 * rng.standard_normal((40, 44)), 0, 1)
    top = min(np.iinfo(dtype).max, 2**40) if dtype.kind in "iu" else 1.0
    image = (unit > 0.5) if dtype.kind == "b" else (unit * top).astype(dtype)
    made = plain(image, steps=2, outputs=ALL)
    for output in made.images().values():
        assert output.dtype == np.float32
        assert np.isfinite(output).all()
    expected = image.astype(np.float64)
    assert np.corrcoef(made.mean.ravel(), expected.ravel())[0, 1] > 0.6
    assert made.mean.mean() == pytest.approx(expected.mean(), abs=0.15 * top)


@settings(max_examples=15, suppress_health_check=list(HealthCheck))
@given(a=st.floats(1e-6, 1e6), b=st.floats(-1e3, 1e3), steps=st.sampled_from([1, 3]))
def test_units_and_offset_do_not_matter(a, b, steps, plain, noisy):
    # The offset is in units of the scaled image: with one far larger the image itself would be lost to rounding.
    image = noisy[:48, :56].astype(np.float64)
    base = plain(image, steps=steps, outputs=ALL)
    moved = plain(a * image + a * b, steps=steps, outputs=ALL)
    span = np.ptp(image)
    for name in ("mean", "sample"):
        back = (moved.images()[name].astype(np.float64) - a * b) / a
        np.testing.assert_allclose(back, base.images()[name], atol=1e-3 * span)
    np.testing.assert_allclose(moved.uncertainty / a, base.uncertainty, atol=1e-3 * span)


def with_pixel(value, shape=(64, 64), dtype=np.float64):
    image = np.random.default_rng(0).normal(100, 10, shape).astype(dtype)
    image[tuple(n // 3 for n in shape)] = value
    return image


BAD = {
    "NaN": (with_pixel(np.nan), ImageError, "not numbers.*nan_to_num"),
    "infinite": (with_pixel(np.inf, dtype=np.float32), ImageError, "infinite.*nan_to_num"),
    "NaN in a corner that statistics skip": (with_pixel(np.nan, (1500, 1500)), ImageError, "not numbers"),
    "huge": (with_pixel(1e200), ImageError, "beyond 1e\\+30.*Divide"),
    "all NaN": (np.full((50, 50), np.nan), ImageError, "not numbers"),
    "constant": (np.full((64, 64), 9, np.uint8), ImageError, "same value everywhere.*nothing to denoise"),
    "one pixel": (np.ones((1, 1)), ImageError, "same value everywhere"),
    "empty": (np.zeros((0, 64)), ImageError, "empty.*at least one pixel"),
    "empty stack": (np.zeros((3, 0, 64)), ImageError, "empty"),
    "complex": (np.ones((64, 64), complex), ImageError, "complex numbers.*Convert"),
    "text": (np.full((64, 64), "a"), ImageError, "type <U1.*Convert"),
    "objects": (np.full((64, 64), None), ImageError, "type object.*Convert"),
    "dates": (np.zeros((64, 64), "M8[s]"), ImageError, "type datetime64.*Convert"),
    "no axes": (np.float32(3.0), ImageError, "0 axes.*height and a width"),
    "a line": (np.arange(50.0), ImageError, "1 axes.*height and a width"),
    "too many axes": (np.zeros((1,) * 5 + (8, 8)), ImageError, "7 axes.*at most 6"),
}


@pytest.mark.parametrize("case", BAD)
def test_what_cannot_be_processed_is_refused_in_words(case, events):
    image, error, words = BAD[case]
    with pytest.raises(error, match=words):
        events(image)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"axes": "YXZ"}, "3 letters.*2 axes"),
        ({"axes": "yx"}, "unknown letters"),
        ({"axes": "YY"}, "twice"),
        ({"axes": "ZX"}, "lack Y or X"),
        ({"region": ((0, 50), (0, 113))}, "pixels 0 to 113 of axis 1, which has 112"),
        ({"region": ((0, 50),)}, "1 spans.*2 axes"),
    ],
)
def test_a_request_that_does_not_fit_the_image_is_refused_in_words(fields, words, events, noisy):
    with pytest.raises(RequestError, match=words):
        events(noisy, **fields)


@settings(max_examples=30, suppress_health_check=list(HealthCheck))
@given(
    image=hnp.arrays(
        dtype=st.sampled_from([np.float32, np.uint8, np.int16]),
        shape=hnp.array_shapes(min_dims=2, max_dims=3, min_side=1, max_side=20),
    ),
    start=st.sampled_from(["condition", "measured-noise"]),
)
def test_any_small_image_is_denoised_or_refused_in_words(image, start, plain):
    with suppress(MicrodiffError):
        for output in plain(image, steps=2, outputs=ALL, options={"start": start}).images().values():
            assert output.shape == image.shape
            assert np.isfinite(output).all()
