"""What only denoising knows: the noise level, guidance, and a noisy image as the start of the diffusion."""

from __future__ import annotations

import json
import sys

import numpy as np
import pytest

from napari_microdiff.diffusion.samplers import SAMPLERS
from napari_microdiff.errors import RequestError
from napari_microdiff.imaging.camera import Camera, simulate
from napari_microdiff.imaging.wiener import RADIUS
from napari_microdiff.tasks.base import Source
from napari_microdiff.tasks.statistics import measure_channel

PRIOR = {"start": "measured-noise"}


@pytest.fixture
def clean():
    """Smooth spots of up to 60 photons."""
    rng = np.random.default_rng(3)
    y, x = np.mgrid[:120, :130]
    spots = sum(np.exp(-((y - a) ** 2 + (x - b) ** 2) / 80) for a, b in rng.uniform(0, 120, (20, 2)))
    return 4 + 30 * spots


@pytest.fixture
def recorded(clean):
    """The same, seen by a camera with photon and read noise."""
    return simulate(clean, Camera(2.5, 100, 4.0), np.random.default_rng(0))


@pytest.fixture
def noiseless():
    """A ramp without any noise, in which none can be measured."""
    return np.add.outer(np.arange(96.0), np.arange(80.0))


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_a_recording_with_photon_noise_goes_through(sampler, result, recorded):
    made = result(recorded, options=PRIOR, sampler=sampler, steps=4, outputs=("mean", "sample", "uncertainty"))
    for image in made.images().values():
        assert image.shape == recorded.shape
        assert np.isfinite(image).all()
    assert (made.uncertainty > 0).all()
    assert json.loads(json.dumps(made.report)) == made.report
    # the prior of this network knows nothing, but it may only remove about as much as there is noise
    assert made.report["residual"]["deviation"] < 3 * made.report["noise_level"][0]
    assert made.mean.mean() == pytest.approx(recorded.mean(), rel=0.1)


def test_brighter_pixels_are_less_certain_under_photon_noise(result, recorded, clean):
    made = result(recorded, options=PRIOR)
    bright, dark = (made.uncertainty[mask].mean() for mask in (clean > 30, clean < 8))
    assert bright > 1.3 * dark


def test_samples_from_measured_noise_differ_and_their_mean_lies_between(result, recorded):
    made = result(
        recorded, options=PRIOR, sampler="ddpm", steps=4, samples=8, outputs=("mean", "sample", "uncertainty")
    )
    assert np.abs(made.sample - made.mean).max() > 0
    assert (made.uncertainty > 0).mean() > 0.99


def test_a_region_from_measured_noise_is_that_part_of_the_whole(result, recorded):
    fields = {"options": PRIOR, "sampler": "ddpm", "steps": 4, "outputs": ("sample",)}
    whole = result(recorded, **fields).sample
    part = result(recorded, **fields, region=((20, 60), (50, 100)), tile=32).sample
    assert np.abs(part - whole[20:60, 50:100]).max() < 1e-2 * np.ptp(whole)


def test_no_noise_is_no_start_unless_it_is_set(result, noiseless):
    with pytest.raises(RequestError, match=r"No noise was found.*Set the noise level"):
        result(noiseless, options=PRIOR)
    assert np.isfinite(result(noiseless, options={**PRIOR, "noise_level": 3.0}).mean).all()


@pytest.mark.parametrize("start", ["condition", "measured-noise"])
def test_a_larger_noise_level_takes_more_away(start, result, recorded):
    residuals = [
        result(recorded, options={"start": start, "noise_level": level}).report["residual"]["deviation"]
        for level in (3.0, 15.0, 60.0)
    ]
    assert residuals == sorted(residuals)
    assert residuals[-1] > 1.2 * residuals[0]


def test_a_noise_level_counts_even_where_none_was_measured(noiseless):
    statistics = measure_channel(Source(noiseless, "YX", ((0, 96), (0, 80))), None)
    assert statistics.noise_level == 0  # and not what rounding leaves
    middle = [statistics.wiener(level)[RADIUS, RADIUS] for level in (None, 0.01, 1.0, 20.0)]
    assert middle == sorted(middle, reverse=True)
    assert middle[-1] < 0.7 * middle[0]
    assert statistics.vector(20.0)[1] == pytest.approx((np.log10(20 / statistics.normalization.scale) + 1) / 0.6)


def test_setting_the_level_that_is_measured_changes_nothing(result, recorded):
    measured = result(recorded)
    again = result(recorded, options={"noise_level": measured.report["noise_level"][0]})
    np.testing.assert_allclose(again.mean, measured.mean, rtol=1e-5)


def test_guidance_moves_the_result_by_its_weight(result, noisy, monkeypatch):
    far = lambda condition: (condition.guess - 1e6, condition.guess + 1e6)  # noqa: E731
    monkeypatch.setattr(sys.modules["napari_microdiff.tasks.denoise"], "range_around", far)
    # one blind evaluation lies within the interval: D + w (D - D0), a straight line in the weight
    images = [result(noisy, guidance=weight, outputs=("mean",)).mean.astype(float) for weight in (0.0, 1.0, 2.0)]
    assert np.abs(images[1] - images[0]).max() > 1
    np.testing.assert_allclose(images[2] - images[1], images[1] - images[0], atol=1e-3 * np.ptp(noisy))


def test_guidance_has_nothing_to_push_from_in_a_prior(result, recorded):
    plain, guided = (result(recorded, options=PRIOR, guidance=weight).mean for weight in (0.0, 2.0))
    np.testing.assert_array_equal(plain, guided)


def test_familiarity_is_reported_with_its_threshold_and_advice(result, noisy):
    told = result(noisy).report["familiarity"]
    assert told["distance"] > 0
    assert told["threshold"] == 10.0
    assert told["advice"].endswith(".")


def test_the_residual_says_what_was_taken_away(result, noisy):
    made = result(noisy, outputs=("mean",))
    residual = noisy.astype(np.float64) - made.mean
    assert made.report["residual"]["deviation"] == pytest.approx(np.sqrt((residual**2).mean()), rel=1e-5)
    products = (residual[:, 1:] * residual[:, :-1]).sum() + (residual[1:] * residual[:-1]).sum()
    assert made.report["residual"]["correlation"] == pytest.approx(products / 2 / (residual**2).sum(), rel=1e-5)


def test_guidance_of_a_channel_is_its_own(result, clean):
    rng = np.random.default_rng(0)
    channels = np.stack([clean + rng.normal(0, noise, clean.shape) for noise in (0.2, 30)])
    wishes = {"guidance": 3.0, "steps": 6, "outputs": ("sample",), "axes": "CYX"}
    whole = result(channels, **wishes).sample[1]
    alone = result(channels, region=((1, 2), (0, 120), (0, 130)), **wishes).sample[0]
    assert np.abs(whole - alone).max() < 1e-3 * whole.std()
