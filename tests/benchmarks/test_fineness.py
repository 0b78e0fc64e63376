"""Whether an image is as fine as another one."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

import numpy as np
import pytest
from scipy import ndimage

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
pytestmark = pytest.mark.skipif(not BENCHMARKS.is_dir(), reason="the benchmarks are not part of this copy")


@pytest.fixture
def fineness(monkeypatch):
    monkeypatch.syspath_prepend(BENCHMARKS)
    yield importlib.import_module("fineness")
    sys.modules.pop("fineness", None)


@pytest.fixture
def rng():
    return np.random.default_rng(0)


@pytest.fixture
def smooth(rng):
    return ndimage.gaussian_filter(rng.standard_normal((256, 256)), 2)


@pytest.fixture
def grainy(smooth, rng):
    return smooth + 0.1 * rng.standard_normal(smooth.shape)


def test_an_image_is_as_fine_as_itself(fineness, grainy):
    assert fineness.spectra_apart(grainy, grainy) == 0
    assert fineness.correlations_apart(grainy, grainy) == 0


def test_twice_the_contrast_is_six_decibels_more_at_all_frequencies_and_no_finer(fineness, grainy):
    assert fineness.spectra_apart(grainy, 2 * grainy) == pytest.approx(20 * np.log10(2), abs=1e-4)
    assert fineness.correlations_apart(grainy, 2 * grainy) == pytest.approx(0, abs=1e-6)


def test_a_smooth_image_is_further_from_a_grainy_one_than_another_of_such_grain(fineness, smooth, grainy, rng):
    other = smooth + 0.1 * rng.standard_normal(smooth.shape)
    assert fineness.spectra_apart(grainy, other) < 0.1 * fineness.spectra_apart(grainy, smooth)
    assert fineness.correlations_apart(grainy, other) < 0.5 * fineness.correlations_apart(grainy, smooth)


def test_noise_does_not_correlate_with_itself(fineness, rng):
    rings = fineness.own_correlation(rng.standard_normal((256, 256)))
    assert abs(rings[len(rings) // 2 :].mean()) < 0.1
