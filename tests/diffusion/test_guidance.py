"""Guidance wraps a denoiser exactly as its formula says."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from napari_microdiff.diffusion.denoiser import NOTHING, Condition, Prediction
from napari_microdiff.diffusion.guidance import (
    classifier_free,
    known_pixels,
    left_unknown,
    measured,
    within_bounds,
)
from napari_microdiff.diffusion.samplers import SAMPLERS
from napari_microdiff.diffusion.schedule import karras_sigmas
from napari_microdiff.imaging.optics import Binning

SHAPE = (1, 1, 8, 12)


def noise(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


class Told:
    """A denoiser whose answer depends on everything it is told; counts its evaluations."""

    def __init__(self):
        self.calls = []

    def __call__(self, x, sigma, condition=NOTHING):
        self.calls.append(condition)
        mean = x / (1 + float(torch.as_tensor(sigma).max()))
        if condition.maps is not None:
            mean = mean + condition.maps
        if condition.vector is not None:
            mean = mean + condition.vector.sum(dim=1).view(-1, 1, 1, 1)
        return Prediction(mean, torch.full_like(x, 0.2))


BINNING = Binning(2)


def forward(image):
    return torch.from_numpy(BINNING.forward(image.numpy()))


def pseudo_inverse(image):
    return torch.from_numpy(BINNING.pseudo_inverse(image.numpy()))


PASSES = 0.25  # of the power of a pixel, by averaging over four


def correction(mean, condition, ridge):
    return PASSES / (PASSES + float(ridge)) * pseudo_inverse(condition.measured - forward(mean))


def white(sigma, condition):
    return left_unknown(sigma, 1.0)


@pytest.mark.parametrize("weight", [0.5, 2.0])
def test_classifier_free_guidance_is_its_formula(weight):
    x, condition = noise(*SHAPE), Condition(maps=noise(*SHAPE, seed=1), vector=noise(1, 3))
    plain = Told()
    told = plain(x, 0.8, condition)
    untold = plain(x, 0.8, Condition(maps=torch.zeros(SHAPE), vector=torch.zeros(1, 3)))
    guided = classifier_free(Told(), weight)(x, 0.8, condition)
    torch.testing.assert_close(guided.mean, told.mean + weight * (told.mean - untold.mean))
    assert torch.equal(guided.variance, told.variance)


@pytest.mark.parametrize(("sigma", "calls"), [(0.05, 1), (0.1, 2), (1.0, 2), (2.0, 2), (2.1, 1)])
def test_outside_the_interval_guidance_costs_nothing(sigma, calls):
    denoiser, condition = Told(), Condition(maps=noise(*SHAPE))
    guided = classifier_free(denoiser, 1.0, (0.1, 2.0))(noise(*SHAPE), sigma, condition)
    assert len(denoiser.calls) == calls
    if calls == 1:
        assert torch.equal(guided.mean, Told()(noise(*SHAPE), sigma, condition).mean)


def test_guidance_of_no_weight_is_none():
    denoiser = Told()
    classifier_free(denoiser, 0.0)(noise(*SHAPE), 1.0, Condition(maps=noise(*SHAPE)))
    assert len(denoiser.calls) == 1


def test_guidance_leaves_what_is_not_a_condition_of_the_network():
    denoiser = Told()
    condition = Condition(
        maps=noise(*SHAPE),
        guess=noise(*SHAPE),
        guess_error=torch.ones(SHAPE[0]),
        known=noise(*SHAPE),
        known_mask=torch.ones(SHAPE),
    )
    classifier_free(denoiser, 1.0)(noise(*SHAPE), 1.0, condition)
    untold = denoiser.calls[1]
    assert torch.equal(untold.known, condition.known)
    assert untold.maps.abs().max() == 0
    assert untold.guess_error is None
    assert untold.guess is None  # a guess was made from the condition and would tell of it


def test_known_pixels_are_known_and_others_free():
    mask = (noise(*SHAPE, seed=3) > 0).float()
    condition = Condition(known=torch.full(SHAPE, 7.0), known_mask=mask)
    x = noise(*SHAPE)
    mean, variance = known_pixels(Told())(x, 1.0, condition)
    free = Told()(x, 1.0)
    assert torch.equal(mean, torch.where(mask > 0, 7.0, free.mean))
    assert torch.equal(variance, torch.where(mask > 0, 0.0, free.variance))


@pytest.mark.parametrize("condition", [NOTHING, Condition(known=torch.ones(SHAPE))])
def test_without_known_pixels_nothing_changes(condition):
    x = noise(*SHAPE)
    assert torch.equal(known_pixels(Told())(x, 1.0, condition).mean, Told()(x, 1.0).mean)


@pytest.mark.parametrize("name", SAMPLERS)
def test_known_pixels_come_out_as_they_are_of_every_sampler(name, follow):
    mask = (noise(*SHAPE, seed=3) > 0).float()
    condition = Condition(known=torch.full(SHAPE, 0.7), known_mask=mask)
    clamped = known_pixels(Told())
    steps = SAMPLERS[name](karras_sigmas(2.5, 0.01, 5))
    drawn = follow(steps, lambda x, sigma: clamped(x, sigma, condition), noise(*SHAPE))
    torch.testing.assert_close(drawn[mask > 0], torch.full_like(drawn[mask > 0], 0.7), atol=1e-6, rtol=0)


def test_binning_has_the_pseudo_inverse_that_projection_needs():
    x, y = noise(*SHAPE).double(), noise(1, 1, 4, 6, seed=2).double()
    torch.testing.assert_close(forward(pseudo_inverse(y)), y)
    torch.testing.assert_close(forward(pseudo_inverse(forward(x))), forward(x))
    # A+ A is an orthogonal projection: symmetric and idempotent
    once = pseudo_inverse(forward(x))
    torch.testing.assert_close(pseudo_inverse(forward(once)), once)
    z = noise(*SHAPE, seed=4).double()
    left, right = (x * pseudo_inverse(forward(z))).sum(), (once * z).sum()
    assert left.item() == pytest.approx(right.item())


def noiseless(y):
    return Condition(measured=y, measured_noise=torch.zeros(len(y)))


@pytest.mark.parametrize("name", SAMPLERS)
def test_a_sample_reproduces_what_was_measured_without_noise(name, follow):
    y = noise(1, 1, 4, 6, seed=2).double()
    consistent = measured(Told(), correction, white)
    steps = SAMPLERS[name](karras_sigmas(2.5, 0.01, 6))
    drawn = follow(steps, lambda x, sigma: consistent(x, sigma, noiseless(y)), noise(*SHAPE).double())
    assert (forward(drawn) - y).abs().max() < 1e-5
    assert np.ptp(drawn.numpy() - pseudo_inverse(y).numpy()) > 0.1  # and has detail of its own


def test_what_cannot_be_measured_is_left_alone():
    x = noise(*SHAPE).double()
    free = Told()(x, 1.0).mean
    mean = measured(Told(), correction, white)(x, 1.0, noiseless(noise(1, 1, 4, 6).double())).mean
    torch.testing.assert_close(mean - pseudo_inverse(forward(mean)), free - pseudo_inverse(forward(free)))


def test_a_noisy_measurement_pulls_less_the_less_is_unknown():
    x, y = noise(*SHAPE).double(), noise(1, 1, 4, 6, seed=2).double()
    told = Condition(measured=y, measured_noise=torch.tensor([0.5]))
    for sigma in (0.5, 2.0):
        free = Told()(x, sigma).mean
        ridge = 0.5**2 * (sigma**2 + 1) / sigma**2
        expected = free + PASSES / (PASSES + ridge) * pseudo_inverse(y - forward(free))
        torch.testing.assert_close(measured(Told(), correction, white)(x, sigma, told).mean, expected)


def test_guidance_combines():
    mask = torch.zeros(SHAPE)
    mask[..., :4] = 1
    condition = Condition(maps=noise(*SHAPE), known=torch.full(SHAPE, 3.0), known_mask=mask)
    guided = known_pixels(classifier_free(Told(), 1.5))(noise(*SHAPE), 1.0, condition).mean
    assert (guided[..., :4] == 3).all()
    assert torch.equal(guided[..., 4:], classifier_free(Told(), 1.5)(noise(*SHAPE), 1.0, condition).mean[..., 4:])


def test_bounds_hold_the_mean_and_the_variance():
    low, high = torch.full(SHAPE, -0.2), torch.full(SHAPE, 0.6)
    told, free = Told(), Told()
    x = 2 * noise(*SHAPE)
    mean, variance = within_bounds(told, lambda _: (low, high))(x, 0.5)
    torch.testing.assert_close(mean, free(x, 0.5).mean.clamp(-0.2, 0.6))
    torch.testing.assert_close(variance, torch.full(SHAPE, 0.16))  # half of the range, squared
    wide = within_bounds(told, lambda _: (low - 9, high + 9))(x, 0.5)
    torch.testing.assert_close(wide.mean, free(x, 0.5).mean)
    torch.testing.assert_close(wide.variance, torch.full(SHAPE, 0.2))


def test_where_bounds_meet_the_error_of_the_guess_bounds_the_variance():
    low, high = torch.zeros(2, 1, 2, 3), torch.zeros(2, 1, 2, 3)
    high[..., 2] = 0.6
    condition = Condition(guess_error=torch.tensor([0.1, 5.0]))
    mean, variance = within_bounds(Told(), lambda _: (low, high))(noise(2, 1, 2, 3), 0.5, condition)
    assert (mean[..., :2] == 0).all()
    torch.testing.assert_close(variance[0, ..., :2], torch.full((1, 2, 2), 0.01))
    torch.testing.assert_close(variance[1, ..., :2], torch.full((1, 2, 2), 0.2))  # the denoiser's own
    torch.testing.assert_close(variance[..., 2], torch.full((2, 1, 2), 0.09))


@pytest.mark.parametrize("sigma", [0.05, 0.7, 20.0])
@pytest.mark.parametrize("measured_noise", [0.0, 0.1, 2.0])
def test_of_white_images_a_noisy_measurement_gives_the_exact_posterior_mean(sigma, measured_noise):
    spread, rng = 0.8, np.random.default_rng(0)
    operator = np.stack([BINNING.forward(one.reshape(4, 6)).ravel() for one in np.eye(24)], axis=1)

    def prior(x, sigma, condition=NOTHING):
        kept = spread**2 / (spread**2 + torch.as_tensor(sigma) ** 2)
        return Prediction(kept * x, kept * torch.as_tensor(sigma) ** 2 * torch.ones_like(x))

    def weighed(mean, condition, ridge):
        off = condition.measured.ravel().numpy() - operator @ mean.ravel().numpy()
        solved = np.linalg.solve(operator @ operator.T + float(ridge) * np.eye(len(operator)), off)
        return torch.from_numpy(operator.T @ solved).view(mean.shape)

    x, y = rng.standard_normal(24), rng.standard_normal(6)
    told = Condition(measured=torch.from_numpy(y).view(1, 1, 2, 3), measured_noise=torch.tensor([measured_noise]))
    guided = measured(prior, weighed, lambda sigma, _: left_unknown(sigma, spread))
    made = guided(torch.from_numpy(x).view(1, 1, 4, 6), sigma, told).mean
    # The two are measurements of the same image, stacked; noise of one of them may be none.
    both = np.concatenate([np.eye(24), operator])
    noise = np.diag(np.concatenate([np.full(24, sigma**2), np.full(6, measured_noise**2)]))
    gain = spread**2 * both.T @ np.linalg.inv(spread**2 * both @ both.T + noise)
    np.testing.assert_allclose(made.ravel().numpy(), gain @ np.concatenate([x, y]), rtol=1e-5, atol=1e-6)


def test_without_a_measurement_nothing_is_weighed():
    x = noise(*SHAPE)
    guided = measured(Told(), lambda *_: pytest.fail("nothing was measured"), white)
    assert torch.equal(guided(x, 0.5).mean, Told()(x, 0.5).mean)
