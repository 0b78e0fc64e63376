"""The models that come with the package do their work on images that they were not trained on."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage
from skimage import data

from napari_microdiff import isotropic, repair, segment, superresolve
from napari_microdiff.imaging.holes import fill_smoothly
from napari_microdiff.imaging.optics import Binning, Blur, PointSpread
from napari_microdiff.imaging.quality import psnr
from napari_microdiff.imaging.samples import filaments_and_blobs, noisy_sample
from napari_microdiff.imaging.tissue import tissue_volume


@pytest.fixture(scope="module")
def coins() -> np.ndarray:
    """Bright discs of many sizes on an uneven background: no nuclei, but objects all the same."""
    return np.asarray(data.coins())


def test_all_coins_are_found_and_nothing_else(coins: np.ndarray) -> None:
    result = segment(coins, device="cpu")
    assert len(result.objects["label"]) == 24
    assert 35 < result.report["diameter"] < 60


def test_coins_are_found_in_another_magnification(coins: np.ndarray) -> None:
    small = segment(coins[::2, ::2], device="cpu")
    assert abs(len(small.objects["label"]) - 24) <= 1
    assert 17 < small.report["diameter"] < 30


def test_objects_of_simulated_nuclei_hold_their_light() -> None:
    noisy, truth = noisy_sample("nuclei")
    result = segment(noisy, device="cpu")
    assert 150 < len(result.objects["label"]) < 260
    light = truth - np.percentile(truth, 2)
    assert light[result.labels > 0].sum() > 0.85 * light.sum()
    assert np.count_nonzero(result.labels) < 0.5 * truth.size


@pytest.mark.parametrize(("factor", "noise"), [(2, 0.0), (2, 0.02), (4, 0.0)])
def test_filaments_are_sharper_than_interpolated_ones(factor: int, noise: float) -> None:
    sharp = ndimage.gaussian_filter(filaments_and_blobs((256, 256), seed=11).astype(np.float64), 0.7)
    psf = PointSpread(0.9)
    seen = Binning(factor).forward(Blur(psf.kernel(factor), sharp.shape).forward(sharp))
    seen += noise * np.ptp(seen) * np.random.default_rng(0).standard_normal(seen.shape)
    level = None if noise else 0.0
    made = superresolve(seen, factor=factor, blur=0.9, noise_level=level, device="cpu", outputs=("mean",)).mean
    cubic = ndimage.zoom(seen, factor, order=3, mode="grid-mirror", grid_mode=True)
    gain = psnr(sharp, made, affine=False) - psnr(sharp, cubic, affine=False)
    assert gain > (2.0 if not noise else 1.0)


def test_what_lies_between_slices_of_tissue_is_nearer_to_the_truth_than_interpolation() -> None:
    volume = tissue_volume((41, 64, 64), seed=3).astype(np.float64)
    slices, hidden = volume[::4], np.arange(41) % 4 > 0
    made = isotropic(slices, factor=4, axes="ZYX", outputs=("mean", "uncertainty"), steps=1, device="cpu")
    linear = ndimage.zoom(slices, (41 / 11, 1, 1), order=1)
    error, bar = (float(np.square(image - volume)[hidden].mean()) for image in (made.mean, linear))
    assert 10 * np.log10(bar / error) > 1.5
    expected = float(np.square(made.uncertainty[hidden], dtype=np.float64).mean())
    assert 0.5 < error / expected < 2


def test_tissue_is_sharper_than_interpolated_tissue() -> None:
    sharp = ndimage.gaussian_filter(tissue_volume((1, 192, 192), seed=5)[0].astype(np.float64), 0.8)
    seen = Binning(2).forward(sharp)
    options = {"factor": 2, "noise_level": 0.0, "model": "superres-em", "outputs": ("mean",)}
    made = superresolve(seen, device="cpu", **options).mean
    cubic = ndimage.zoom(seen, 2, order=3, mode="grid-mirror", grid_mode=True)
    assert psnr(sharp, made, affine=False) - psnr(sharp, cubic, affine=False) > 1.0


def test_a_hole_in_filaments_is_filled_no_worse_than_smoothly() -> None:
    image = 1000 * filaments_and_blobs((192, 192), seed=12).astype(np.float64)
    damaged = np.zeros(image.shape, dtype=bool)
    damaged[20::40, :] = damaged[21::40, :] = damaged[22::40, :] = True
    mean = repair(image, damaged, samples=4, outputs=("mean",), device="cpu").mean
    errors = [np.sqrt(((made - image)[damaged] ** 2).mean()) for made in (mean, fill_smoothly(image, damaged))]
    assert errors[0] < 1.05 * errors[1]
