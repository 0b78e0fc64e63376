"""A model that only knows images draws what lies between slices, too, while the slices stay as they are."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from napari_microdiff.errors import ModelError


@pytest.fixture(scope="module")
def stack():
    noise = np.random.default_rng(3).standard_normal((5, 44, 52))
    smooth = ndimage.gaussian_filter(noise, (0.6, 2.5, 2.5))
    return (200 + 60 * smooth / smooth.std() + 4 * noise).astype(np.float32)


@pytest.fixture
def made(result, tiny_model):
    """Carry out a request on a stack."""

    def make(stack, **fields):
        given = {"task": "isotropic", "model": tiny_model, "options": {"factor": 4}, "axes": "ZYX", "steps": 8}
        return result(stack, **{**given, **fields})

    return make


def test_slices_stay_to_the_last_bit_and_others_come_between(made, stack):
    result = made(stack, outputs=("mean", "sample"))
    assert result.request.samples == 4
    assert any("samples" in notice for notice in result.report["notices"])
    for image in (result.mean, result.sample):
        assert image.shape == (17, 44, 52)
        np.testing.assert_array_equal(image[::4], stack)
        assert np.isfinite(image).all()
        assert np.abs(np.diff(image, axis=0)).min() < np.ptp(stack)


def test_tiles_and_regions_are_parts_of_the_whole(made, stack):
    whole = made(stack, outputs=("sample",)).sample
    tiled = made(stack, outputs=("sample",), tile=32).sample
    assert np.abs(tiled - whole).max() < 1e-3 * np.ptp(whole)
    part = made(stack, outputs=("sample",), region=((1, 4), (8, 30), (10, 40))).sample
    assert np.abs(part - whole[4:13, 8:30, 10:40]).max() < 1e-2 * np.ptp(whole)


def test_samples_and_seeds_differ_and_repeat(made, stack):
    small = stack[:3, :32, :32]
    one, again, other = (made(small, outputs=("sample",), seed=seed).sample for seed in (4, 4, 5))
    np.testing.assert_array_equal(one, again)
    assert (np.delete(one - other, np.s_[::4], axis=0) != 0).mean() > 0.99


def test_channels_are_made_one_by_one(made, stack):
    small = stack[:3, :32, :32]
    many = np.stack([small, np.full_like(small, 7.0)], axis=1)
    result = made(many, axes="ZCYX", outputs=("sample",))
    assert (result.sample[:, 1] == 7).all()
    np.testing.assert_allclose(result.sample[:, 0], made(small, outputs=("sample",)).sample, rtol=1e-4, atol=1e-2)


def test_only_models_that_know_images_are_priors(made, stack, segmenter):
    with pytest.raises(ModelError, match="is for 'segment'"):
        made(stack, model=segmenter)
