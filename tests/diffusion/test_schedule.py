"""Noise levels fall, keep their ends, and convert to the older names and back."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from napari_microdiff.diffusion.schedule import (
    alpha_bar_from_sigma,
    check_falling,
    karras_sigmas,
    linear_beta_sigmas,
    sigma_from_alpha_bar,
)

positive = st.floats(1e-4, 100)


@given(high=positive, ratio=st.floats(1.001, 1e5), count=st.integers(1, 200), rho=st.floats(1, 10))
def test_levels_fall_strictly_between_exact_ends(high, ratio, count, rho):
    sigmas = karras_sigmas(high, high / ratio, count, rho)
    assert len(sigmas) == count + 1
    assert sigmas[0] == high
    assert sigmas[-1] == 0
    if count > 1:
        assert sigmas[-2] == high / ratio
    check_falling(sigmas)


def test_levels_are_those_of_the_paper():
    # equation 5 of Karras et al. 2022 with their defaults, evaluated by hand
    i = np.arange(18)
    expected = (80 ** (1 / 7) + i / 17 * (0.002 ** (1 / 7) - 80 ** (1 / 7))) ** 7
    assert karras_sigmas(80, 0.002, 18) == pytest.approx([*expected, 0])


def test_rho_of_one_is_evenly_spaced():
    assert karras_sigmas(5, 1, 5, rho=1) == pytest.approx([5, 4, 3, 2, 1, 0])


@pytest.mark.parametrize(("high", "low", "count"), [(1, 0.1, 0), (1, 0.1, -3), (1, 0, 4), (0.1, 1, 4), (1, -0.1, 4)])
def test_levels_that_make_no_sense_are_refused(high, low, count):
    with pytest.raises(ValueError, match="need count >= 1"):
        karras_sigmas(high, low, count)


@given(sigma=positive)
def test_variance_preserving_time_and_back(sigma):
    assert sigma_from_alpha_bar(alpha_bar_from_sigma(sigma)) == pytest.approx(sigma, rel=1e-6)


def test_the_two_processes_have_one_signal_to_noise_ratio():
    # z = sqrt(abar) x + sqrt(1 - abar) n has the ratio abar / (1 - abar); x + sigma n has 1 / sigma^2
    assert sigma_from_alpha_bar(0.2) == pytest.approx((0.8 / 0.2) ** 0.5)
    assert alpha_bar_from_sigma(0) == 1
    assert sigma_from_alpha_bar(1) == 0


def test_linear_betas_are_those_of_ddpm():
    betas = np.linspace(1e-4, 0.02, 1000)
    kept = np.cumprod(1 - betas)
    sigmas = linear_beta_sigmas(1000)
    assert sigmas == pytest.approx([*np.sqrt(1 / kept - 1)[::-1], 0])
    assert sigmas[0] == pytest.approx(157.4, abs=0.1)
    check_falling(sigmas)


@pytest.mark.parametrize("bad", [[], [1.0], [0.5, 0.5], [0.5, 0.6], [0.5, -0.1]])
def test_levels_that_do_not_fall_are_refused(bad):
    with pytest.raises(ValueError, match="must fall strictly"):
        check_falling(bad)
