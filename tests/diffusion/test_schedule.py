"""Noise levels fall and keep their ends."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from napari_microdiff.diffusion.schedule import check_falling, karras_sigmas

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


@pytest.mark.parametrize("bad", [[], [1.0], [0.5, 0.5], [0.5, 0.6], [0.5, -0.1]])
def test_levels_that_do_not_fall_are_refused(bad):
    with pytest.raises(ValueError, match="must fall strictly"):
        check_falling(bad)
