from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from napari_microdiff.imaging.quality import residual_whiteness
from napari_microdiff.imaging.spectrum import measure_spectrum
from napari_microdiff.training.denoise.fresh_noise import FreshNoise


def white(side: int = 256, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal((side, side))


def drawn_like(*taken_away: np.ndarray) -> np.ndarray:
    return FreshNoise.like(taken_away).draw((256, 256), np.random.default_rng(9))


def test_white_noise_keeps_the_distribution_of_its_pixels() -> None:
    skewed = np.random.default_rng(0).exponential(1, (200, 200)) - 1
    made = drawn_like(skewed, skewed)
    assert made.mean() == pytest.approx(0, abs=0.02)
    assert made.std() == pytest.approx(1, rel=0.02)
    assert (made**3).mean() > 1
    assert abs(residual_whiteness(made)) < 0.02


def test_what_a_denoiser_left_in_the_image_is_put_back() -> None:
    noise = white()
    made = drawn_like(noise - ndimage.gaussian_filter(noise, 2))
    made, truth = (measure_spectrum(part[None]).powers[:3] for part in (made, white(seed=3)))
    np.testing.assert_allclose(made, truth, rtol=0.2)


def test_structure_among_white_noise_is_not_drawn() -> None:
    structure = np.zeros((256, 256))
    structure[40:90, 60:120] = 3
    noise = FreshNoise.like([white() + structure])
    assert noise.agreement > 0.15
    assert noise.powers is None
    made = noise.draw((256, 256), np.random.default_rng(1))
    assert abs(residual_whiteness(made)) < 0.02


def test_noise_that_neighbours_share_is_shared_again() -> None:
    soft = ndimage.gaussian_filter(white(), 0.8)
    soft /= soft.std()
    made = drawn_like(soft - ndimage.gaussian_filter(soft, 4))
    assert made.std() == pytest.approx(1, rel=0.02)
    assert residual_whiteness(made) == pytest.approx(residual_whiteness(soft), abs=0.1)
    powers, truth = (measure_spectrum(part[None]).powers for part in (made, soft))
    assert powers[0] > 0.5 * truth[0]


def test_a_few_pixels_far_out_do_not_make_the_rest_small() -> None:
    noise = white()
    noise[5, 5:9] = 4000
    assert np.median(np.abs(drawn_like(noise))) == pytest.approx(0.6745, rel=0.05)


def test_nothing_taken_away_gives_nothing() -> None:
    assert (drawn_like(np.zeros((64, 64))) == 0).all()
