"""Repair: only damaged pixels change, tiles and regions are exact, and samples differ."""

from __future__ import annotations

from importlib import import_module

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter
from skimage.draw import disk

from napari_microdiff import denoise, repair
from napari_microdiff.engine.request import Request
from napari_microdiff.errors import ImageError, RequestError
from napari_microdiff.imaging.camera import Camera
from napari_microdiff.imaging.holes import fill_smoothly
from napari_microdiff.imaging.samples import filaments_and_blobs
from napari_microdiff.tasks import run


@pytest.fixture(scope="module")
def image():
    return (filaments_and_blobs((120, 150), seed=2) * 100 + 20).astype(np.uint16)


@pytest.fixture(scope="module")
def dust():
    mask = np.zeros((120, 150), dtype=np.uint8)
    mask[disk((30, 40), 9)] = 1
    mask[disk((80, 120), 6)] = 1
    mask[:, 70:72] = 1
    return mask


@pytest.fixture
def mend(tiny_model):
    """Repair with the tiny model."""
    return lambda image, damaged, **fields: repair(image, damaged, model=tiny_model, device="cpu", **fields)


def test_sound_pixels_are_untouched_and_damaged_ones_drawn(mend, image, dust):
    spoiled = np.where(dust, 65535, image).astype(np.uint16)
    result = mend(spoiled, dust, outputs=("sample", "mean", "uncertainty"), samples=2)
    gone = dust > 0
    for name in ("sample", "mean"):
        made = getattr(result, name)
        assert made.shape == image.shape
        np.testing.assert_array_equal(made[~gone], image[~gone])
        assert np.abs(made[gone] - float(image.mean())).max() < 20 * float(image.std())  # nothing of the dust
        assert (made[gone] != spoiled[gone]).all()
    assert (result.uncertainty[~gone] == 0).all()
    assert (result.uncertainty[gone] > 0).all()
    assert result.report["repaired_pixels"] == gone.sum()


def test_whether_the_model_knows_such_images_is_told_by_the_sound_pixels(mend, image, dust):
    told = [mend(np.where(dust, gone, image), dust).report["familiarity"] for gone in (0, 65535)]
    assert told[0] == told[1]
    assert told[0]["distance"] > 0
    assert told[0]["advice"].endswith(".")


@pytest.mark.parametrize("dtype", [np.int32, np.uint32, np.float64])
def test_sound_pixels_of_large_numbers_are_untouched_too(mend, image, dust, dtype):
    large = (image * 1234.1 + 2e8).astype(dtype)
    result = mend(large, dust, outputs=("sample", "mean", "uncertainty"), steps=2, samples=2)
    for made in (result.sample, result.mean):
        np.testing.assert_array_equal(made[dust == 0], large[dust == 0])
        assert (made[dust > 0] != large[dust > 0]).mean() > 0.9
    assert result.uncertainty.dtype == np.float32


def test_the_mean_is_weighed_with_the_smooth_filling(mend, image, dust, monkeypatch):
    shares, means = (0.0, 0.5, 1.0), []
    for share in shares:
        monkeypatch.setattr(import_module("napari_microdiff.tasks.repair"), "_DRAWN", share)
        means.append(mend(image, dust, outputs=("mean",), samples=2, tile=48).mean)
    smooth, half, drawn = means
    scale = float(np.ptp(image))
    np.testing.assert_allclose(half, (smooth + drawn) / 2, atol=1e-4 * scale)
    assert np.abs(drawn - smooth).max() > 0.01 * scale
    hole = np.s_[13:48, 23:58]  # the largest one, and what it is filled from
    np.testing.assert_allclose(smooth[hole], fill_smoothly(image[hole], dust[hole] > 0), atol=0.01 * scale)


def test_a_sample_is_as_noisy_as_the_image_around_it(mend):
    rng = np.random.default_rng(0)
    light = np.repeat([[40.0] * 80 + [160.0] * 80], 160, axis=0)
    image = (5 * rng.poisson(light / 5) + 3 * rng.standard_normal(light.shape)).astype(np.float32)
    dust = np.zeros(image.shape, bool)
    dust[40:60, 20:50] = dust[90:120, 100:140] = True
    clean, noisy = (mend(image, dust, noise=noise, outputs=("sample", "mean"), samples=2) for noise in (False, True))
    np.testing.assert_array_equal(clean.mean, noisy.mean)
    added = noisy.sample - clean.sample
    assert (added[~dust] == 0).all()
    told = noisy.report["noise_added"][0]
    assert told["gain"] == pytest.approx(5, rel=0.25)
    for part in np.s_[40:60, 20:50], np.s_[90:120, 100:140]:
        expected = np.sqrt(told["gain"] * (clean.sample[part] - told["offset"]).clip(0) + told["read_noise"] ** 2)
        scores = added[part] / expected
        assert scores.std() == pytest.approx(1, abs=0.12)
        assert scores.mean() == pytest.approx(0, abs=0.15)
    assert clean.report["noise_added"] == []


@pytest.mark.parametrize("lost", [np.s_[3::8], np.s_[1::2], np.s_[:, 1::2]], ids=str)
def test_lost_lines_are_as_noisy_as_the_others(mend, lost):
    image = np.random.default_rng(0).normal(1000, 20, (120, 120)).astype(np.float32)
    mask = np.zeros(image.shape, bool)
    mask[lost] = True
    result = mend(image, mask, steps=2)
    assert Camera(**result.report["noise_added"][0]).noise(1000.0) == pytest.approx(20, rel=0.1)
    assert result.report["notices"] == []


def test_it_is_told_where_no_noise_could_be_measured(mend):
    image = np.random.default_rng(0).normal(1000, 20, (60, 60)).astype(np.float32)
    result = mend(image, np.indices(image.shape).sum(axis=0) % 2, steps=2)
    assert any("No noise was found" in notice for notice in result.report["notices"])


def test_what_lies_in_damaged_pixels_does_not_count(mend, image, dust):
    one = mend(np.where(dust, 65535, image).astype(np.uint16), dust)
    two = mend(np.where(dust, 0, image).astype(np.uint16), dust)
    np.testing.assert_array_equal(one.sample, two.sample)
    nan = image.astype(np.float32)
    nan[dust > 0] = np.nan
    np.testing.assert_allclose(mend(nan, dust).sample, one.sample, rtol=1e-3, atol=1e-3 * np.ptp(image))


def test_tiles_and_regions_are_parts_of_the_whole(mend, image, dust):
    whole = mend(image, dust, steps=3).sample
    tiled = mend(image, dust, steps=3, tile=32).sample
    assert np.abs(tiled - whole).max() < 1e-3 * np.ptp(image)
    part = mend(image, dust, steps=3, region=((20, 60), (30, 100))).sample
    assert part.shape == (40, 70)
    assert np.abs(part - whole[20:60, 30:100]).max() < 1e-2 * np.ptp(image)


def test_samples_and_seeds_differ_and_repeat(mend, image, dust):
    one, again, other = (mend(image, dust, seed=seed).sample for seed in (1, 1, 2))
    np.testing.assert_array_equal(one, again)
    assert (one[dust > 0] != other[dust > 0]).mean() > 0.9


def test_a_mask_of_planes_serves_a_stack_and_one_of_the_stack_each_slice(mend, image, dust):
    stack = np.stack([image, image[::-1]])
    both = mend(stack, dust, axes="ZYX", noise=False).sample
    masks = np.stack([dust, np.zeros_like(dust)])
    first = mend(stack, masks, axes="ZYX", noise=False).sample
    np.testing.assert_array_equal(first[0], both[0])
    np.testing.assert_array_equal(first[1], stack[1])
    assert (both[1] != stack[1])[dust > 0].mean() > 0.9
    colours = np.stack([image >> 4] * 3, axis=-1).astype(np.uint8)
    mended = mend(colours, dust)
    assert mended.sample.shape == colours.shape
    assert any("make one channel of it first" in notice for notice in mended.report["notices"])


def test_a_mask_of_a_stack_serves_all_its_colours(mend, image, dust):
    stack = np.stack([np.stack([image.clip(0, 255).astype(np.uint8)] * 3, axis=-1)] * 2)
    masks = np.stack([dust, np.zeros_like(dust)])
    made = mend(stack, masks, axes="ZYXS").sample
    expected = mend(stack, np.broadcast_to(masks[..., None], stack.shape), axes="ZYXS").sample
    np.testing.assert_array_equal(made, expected)
    assert (made[0] != stack[0]).any()


def test_noise_is_told_channel_by_channel(mend, image, dust):
    noisy = (image + np.random.default_rng(0).normal(0, 9, image.shape)).clip(0).astype(np.uint16)
    told = mend(np.stack([np.full_like(noisy, 7), noisy]), dust, axes="CYX").report["noise_added"]
    assert told[0] is None
    assert told[1]["read_noise"] > 0


def test_a_part_in_which_nothing_is_damaged_stays_as_it_is(mend, image, dust):
    assert not dust[:8, :8].any()
    result = mend(image, dust, region=((0, 8), (0, 8)))
    np.testing.assert_array_equal(result.sample, image[:8, :8])
    assert result.report["repaired_pixels"] == 0


@pytest.mark.parametrize("planes", [1, 2])
def test_a_mask_without_any_damage_is_refused(mend, image, planes):
    stack = np.stack([image] * 2)
    with pytest.raises(ImageError, match="zero everywhere"):
        mend(stack, np.zeros(stack.shape[-planes - 1 :], dtype=bool), axes="ZYX")


def test_what_cannot_be_is_refused_in_words(mend, image, dust, tiny_model):
    with pytest.raises(ImageError, match="lies on the image pixel by pixel"):
        mend(image, dust[:-1])
    with pytest.raises(RequestError, match="which pixels are damaged"):
        list(run(Request(task="repair", model=tiny_model), image))
    with pytest.raises(RequestError, match="takes no damaged pixels"):
        list(run(Request(model=tiny_model), image, damaged=dust))
    with pytest.raises(ImageError, match="nothing to go by"):
        mend(np.full((50, 50), 7, dtype=np.uint8), np.eye(50, dtype=np.uint8))
    with pytest.raises(ImageError, match="nothing to go by"):
        mend(image, np.ones_like(dust))
    spoiled = image.astype(np.float32)
    spoiled[35, 60] = np.nan  # where nobody said that it is damaged
    with pytest.raises(ImageError, match="NaN"):
        mend(spoiled, dust)
    with pytest.raises(RequestError, match="start"):
        mend(image, dust, start=0.0)
    assert denoise(image, model=tiny_model, device="cpu").mean.shape == image.shape


def test_a_large_damage_does_not_set_the_range(mend):
    texture = gaussian_filter(np.random.default_rng(0).normal(size=(420, 420)), 2)
    image = (2000 + 300 * texture / texture.std()).astype(np.uint16)
    small = np.zeros(image.shape, np.uint8)
    small[20:30, 20:30] = 1
    large = small.copy()
    large[100:, 100:] = 1
    ranges = [mend(image, mask, region=((0, 64), (0, 64))).report["normalization"][0] for mask in (small, large)]
    np.testing.assert_allclose(*ranges, rtol=0.2)
    stack, lost = np.stack([image] * 3), np.zeros((3, *image.shape), np.uint8)
    lost[1] = 1
    found = mend(stack, lost, region=((1, 2), (0, 32), (0, 32)), axes="ZYX").report["normalization"][0]
    np.testing.assert_allclose(found, ranges[0], rtol=0.2)


def test_dust_in_an_empty_channel_is_taken_away_too(mend, image, dust):
    channels = np.stack([image, np.full_like(image, 7)])
    spoiled = np.where(dust, 5000, channels).astype(np.uint16)
    result = mend(spoiled, dust, axes="CYX", outputs=("sample", "uncertainty"), samples=2)
    assert (result.sample[1] == 7).all()
    assert (result.uncertainty[1] == 0).all()
    assert result.report["repaired_pixels"] == 2 * (dust > 0).sum()


@pytest.mark.parametrize("axes", ["YXS", "YXZ", "ZYX", "CYX"])
def test_a_mask_of_planes_may_cover_whole_blocks_of_any_image(mend, image, axes):
    large = np.tile(image, (3, 2))
    mask = np.zeros(large.shape, np.uint8)
    mask[:270, :270] = 1
    where = -1 if axes.startswith("YX") else 0
    made = mend(np.stack([large.astype(np.uint8)] * 3, axis=where), mask, axes=axes, region=None, steps=2).sample
    np.testing.assert_array_equal(np.moveaxis(made, where, 0)[:, 270:], np.stack([large[270:].astype(np.uint8)] * 3))


@pytest.mark.parametrize("axes", ["YXS", "CYX"])
def test_each_channel_has_its_own_range_where_a_whole_part_is_damaged(mend, axes):
    texture = gaussian_filter(np.random.default_rng(0).normal(size=(420, 420)), 2)
    channels = [(level + 5 * texture / texture.std()).clip(0, 255).astype(np.uint8) for level in (200, 120, 40)]
    mask = np.zeros(texture.shape, np.uint8)
    mask[100:, 100:] = 1
    where = -1 if axes == "YXS" else 0
    region = ((0, 64), (0, 64), (0, 3)) if axes == "YXS" else ((0, 3), (0, 64), (0, 64))
    made = mend(np.stack(channels, axis=where), mask, axes=axes, region=region).report["normalization"]
    alone = [mend(channel, mask, region=((0, 64), (0, 64))).report["normalization"][0] for channel in channels]
    np.testing.assert_allclose(made, alone, rtol=1e-6)


@pytest.mark.parametrize("axes", ["CYX", "YXC"])
def test_a_channel_that_is_damaged_all_over_leaves_the_others_to_be_repaired(mend, image, dust, axes):
    mask = np.stack([dust, np.ones_like(dust)], axis=axes.index("C"))
    made = mend(np.stack([image, image], axis=axes.index("C")), mask, axes=axes).sample
    np.testing.assert_array_equal(np.moveaxis(made, axes.index("C"), 0)[0][dust == 0], image[dust == 0])
    assert np.isfinite(made).all()


def test_what_is_lost_altogether_is_told_and_not_counted(mend, image, dust):
    mask = np.stack([dust, np.ones_like(dust)])
    report = mend(np.stack([image, image]), mask, axes="CYX").report
    assert report["repaired_pixels"] == (dust > 0).sum()
    assert any("no sound pixels" in notice for notice in report["notices"])


def test_a_lost_slice_is_as_bright_as_the_others(image):
    dim = (image / 4 + 200).astype(np.uint16)  # far from the middle of the range that one bright pixel sets
    dim[3, 4] = 1000
    mask = np.zeros((3, *image.shape), np.uint8)
    mask[1] = 1
    made = repair(np.stack([dim] * 3), mask, axes="ZYX", outputs=("mean",), steps=4, device="cpu")
    assert abs(made.mean[1].mean() - dim.mean()) < 0.3 * dim.std()
    assert any("made up" in notice for notice in made.report["notices"])
    assert made.report["repaired_pixels"] == image.size


def test_a_pixel_in_colours_is_counted_once(mend, image, dust):
    coloured = np.stack([image.astype(np.uint8)] * 3, axis=-1)
    assert mend(coloured, dust, axes="YXS").report["repaired_pixels"] == (dust > 0).sum()
