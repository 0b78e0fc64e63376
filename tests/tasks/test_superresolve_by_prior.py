"""A model that only knows images super-resolves, too: for any factor and blur, and in line with what was measured."""

from __future__ import annotations

import numpy as np
import pytest

from napari_microdiff import superresolve
from napari_microdiff.diffusion.denoiser import Preconditioned
from napari_microdiff.imaging import quality
from napari_microdiff.imaging.optics import Binning, Blur, PointSpread
from napari_microdiff.imaging.samples import filaments_and_blobs
from napari_microdiff.models.store import FOLDER_VARIABLE


@pytest.fixture(scope="module")
def sharp():
    return 1000 * filaments_and_blobs((180, 210), seed=5).astype(np.float64) + 50


def seen(image, psf, factor, noise=0.0):
    y = Binning(factor).forward(Blur(psf.kernel(factor), image.shape).forward(image))
    return (y + noise * np.random.default_rng(0).standard_normal(y.shape)).astype(np.float32)


@pytest.fixture
def made(result, tiny_model):
    """Carry out a request with a model that denoises."""

    def make(image, *, steps=8, **fields):
        return result(image, task="superresolve", model=tiny_model, steps=steps, **fields)

    return make


@pytest.mark.parametrize(("factor", "blur"), [(2, 0.0), (3, 0.7), (5, 0.8)])
def test_without_noise_any_factor_and_blur_agree_with_the_image(made, sharp, factor, blur):
    image = seen(sharp[: 30 * factor, : 35 * factor], PointSpread(blur), factor)
    options = {"factor": factor, "blur": blur, "noise_level": 0}
    result = made(image, options=options, outputs=("mean", "sample"), tile=64)
    for output in (result.mean, result.sample):
        assert output.shape == (30 * factor, 35 * factor)
        again = seen(output.astype(np.float64), PointSpread(blur), factor)
        assert np.abs(again - image).max() < 1e-4 * np.ptp(image)
    assert result.request.samples == 4


def test_tiles_and_regions_are_parts_of_the_whole(made, sharp):
    image = seen(sharp, PointSpread(0.6), 3, noise=8)
    options = {"factor": 3, "blur": 0.6}
    whole = made(image, options=options, outputs=("sample",)).sample
    tiled = made(image, options=options, outputs=("sample",), tile=48).sample
    assert np.abs(tiled - whole).max() < 1e-3 * np.ptp(whole)
    part = made(image, options=options, outputs=("sample",), region=((20, 41), (10, 50))).sample
    assert np.abs(part - whole[60:123, 30:150]).max() < 1e-2 * np.ptp(whole)


@pytest.mark.parametrize(("steps", "outputs"), [(8, ("mean",)), (1, ("sample",))])
def test_steps_that_are_taken_without_being_asked_for_know_how_unsure_they_are(
    made, sharp, monkeypatch, steps, outputs
):
    knew = []
    forward = Preconditioned.forward
    monkeypatch.setattr(
        Preconditioned, "forward", lambda self, *a: knew.append(self.with_variance) or forward(self, *a)
    )
    made(seen(sharp[:60, :60], PointSpread(), 3, noise=8), options={"factor": 3}, steps=steps, outputs=outputs)
    assert len(knew) > 1
    assert all(knew)


def test_samples_and_seeds_differ_and_repeat(made, sharp):
    image, options = seen(sharp[:60, :60], PointSpread(), 3, noise=8), {"factor": 3}
    one, again, other = (made(image, options=options, outputs=("sample",), seed=seed).sample for seed in (1, 1, 2))
    np.testing.assert_array_equal(one, again)
    assert (one != other).mean() > 0.99


@pytest.mark.parametrize(("factor", "noise", "least"), [(3, 0.0, 1.0), (3, 10.0, 0.0)])
def test_a_bundled_model_is_better_than_the_linear_estimate(monkeypatch, tmp_path, sharp, factor, noise, least):
    from scipy import ndimage

    monkeypatch.setenv(FOLDER_VARIABLE, str(tmp_path))
    image = seen(sharp, PointSpread(0.8), factor, noise)
    fields = {"model": "denoise-fluorescence", "axes": "YX", "device": "cpu", "outputs": ("mean",)}
    level = 0.0 if noise == 0 else None
    made = superresolve(image, factor=factor, blur=0.8, noise_level=level, **fields).mean
    cubic = ndimage.zoom(image.astype(np.float64), factor, order=3, mode="grid-mirror", grid_mode=True)
    gain = quality.psnr(sharp, made, affine=False) - quality.psnr(sharp, cubic, affine=False)
    assert gain > least
