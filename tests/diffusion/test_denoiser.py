"""The preconditioned network is the paper's formula, and blind at the top."""

from __future__ import annotations

from copy import copy

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from napari_microdiff.diffusion.denoiser import NOTHING, Condition, Preconditioned
from napari_microdiff.diffusion.unet import LocalUNet

SIGMA_DATA, SIGMA_MAX = 0.7, 3.0


class Spy(nn.Module):
    """Answers with a known function of what it is given, and remembers that."""

    def forward(self, x, c_noise, maps, vector, precision, with_spread=True):
        self.seen = (x, c_noise, maps, vector, precision)
        return torch.sin(3 * x), x - 1


def noise(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


@pytest.fixture(scope="module")
def real():
    torch.manual_seed(0)
    network = LocalUNet(widths=(4, 6), blocks=1, condition_channels=1, vector_length=2)
    with torch.no_grad():
        for name, parameter in network.named_parameters():
            if name.endswith("gain"):
                parameter.fill_(0.7)
            if name.endswith("size.weight"):
                parameter.fill_(0.05)
    return Preconditioned(network, SIGMA_DATA, SIGMA_MAX).eval().requires_grad_(False)


@given(sigma=st.floats(1e-4, 2.99))
def test_the_mean_is_the_formula_of_the_paper(sigma):
    spy = Spy()
    x = noise(2, 1, 4, 4)
    got = Preconditioned(spy, SIGMA_DATA, SIGMA_MAX)(x, sigma)
    wide, level = x.double(), torch.tensor(sigma, dtype=torch.float64)
    c_skip = SIGMA_DATA**2 / (level**2 + SIGMA_DATA**2)
    c_out = level * SIGMA_DATA / (SIGMA_DATA**2 + level**2).sqrt()
    c_in = 1 / (level**2 + SIGMA_DATA**2).sqrt()
    torch.testing.assert_close(got.mean.double(), c_skip * wide + c_out * torch.sin(3 * c_in * wide), atol=1e-5, rtol=0)
    torch.testing.assert_close(got.variance.double(), c_out**2 * (c_in * wide - 1).exp(), atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(spy.seen[1].double(), ((level / SIGMA_DATA).log() / 4).expand(2), atol=1e-5, rtol=1e-5)


def test_each_member_of_a_batch_may_have_its_own_level(real):
    x, sigmas = noise(3, 1, 8, 8), torch.tensor([0.05, 0.5, 3.0])
    condition = Condition(maps=noise(3, 1, 8, 8, seed=1), vector=noise(3, 2, seed=2))
    together = real(x, sigmas, condition)
    for i, sigma in enumerate(sigmas.tolist()):
        alone = real(x[i : i + 1], sigma, Condition(maps=condition.maps[i : i + 1], vector=condition.vector[i : i + 1]))
        torch.testing.assert_close(together.mean[i : i + 1], alone.mean, atol=1e-5, rtol=1e-4)
        torch.testing.assert_close(together.variance[i : i + 1], alone.variance, atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("sigma", [SIGMA_MAX, SIGMA_MAX * 1.5, float(torch.tensor(SIGMA_MAX))])
def test_it_is_blind_at_the_top(real, sigma):
    condition = Condition(maps=noise(1, 1, 8, 8, seed=1), vector=noise(1, 2))
    one, other = (real(x, sigma, condition) for x in (noise(1, 1, 8, 8), 1e6 * noise(1, 1, 8, 8, seed=9)))
    assert torch.equal(one.mean, other.mean)
    assert torch.equal(one.variance, other.variance)


def test_it_is_blind_even_to_pixels_that_are_not_numbers(real):
    condition = Condition(maps=noise(1, 1, 8, 8, seed=1))
    assert real(torch.full((1, 1, 8, 8), torch.nan), SIGMA_MAX, condition).mean.isfinite().all()


def test_it_sees_just_below_the_top(real):
    condition = Condition(maps=noise(1, 1, 8, 8, seed=1))
    one, other = (real(noise(1, 1, 8, 8, seed=s), 0.999 * SIGMA_MAX, condition) for s in (0, 1))
    assert not torch.allclose(one.mean, other.mean)


def test_the_estimate_is_the_image_when_there_is_no_noise(real):
    x = noise(1, 1, 8, 8)
    condition = Condition(maps=noise(1, 1, 8, 8, seed=1))
    got = real(x, 1e-6, condition)
    torch.testing.assert_close(got.mean, x, atol=1e-4, rtol=0)
    assert got.variance.max() < 1e-6


def test_the_variance_stays_finite_whatever_the_network_says():
    class Loud(nn.Module):
        def forward(self, x, *_):
            return x, torch.full_like(x, 1e4)

    variance = Preconditioned(Loud(), SIGMA_DATA, SIGMA_MAX)(noise(1, 1, 4, 4), 1.0).variance
    assert variance.isfinite().all()


def test_the_network_computes_in_the_chosen_format_and_answers_in_float32(real):
    spy = Spy()
    denoiser = Preconditioned(spy, SIGMA_DATA, SIGMA_MAX)
    denoiser.precision = torch.bfloat16
    assert denoiser(noise(1, 1, 4, 4), 1.0).mean.dtype == torch.float32
    assert spy.seen[-1] == torch.bfloat16


def test_without_a_variance_the_mean_is_the_same(real):
    x, condition = noise(1, 1, 8, 8), Condition(maps=noise(1, 1, 8, 8, seed=1), vector=noise(1, 2, seed=2))
    both = real(x, 0.7, condition)
    alone = copy(real)
    alone.with_variance = False
    assert alone(x, 0.7, condition).variance is None
    torch.testing.assert_close(alone(x, 0.7, condition).mean, both.mean, rtol=0, atol=0)
    assert real(x, 0.7, condition).variance is not None  # they share weights, not this


def test_the_loss_of_the_spread_has_no_gradient_for_the_mean():
    torch.manual_seed(0)
    network = LocalUNet(widths=(4, 6), blocks=1)
    with torch.no_grad():
        network.mean_gain.fill_(0.5)
        network.spread_gain.fill_(0.5)
    denoiser = Preconditioned(network, SIGMA_DATA, SIGMA_MAX).train()
    clean = noise(2, 1, 8, 8)
    mean, variance = denoiser(clean + noise(2, 1, 8, 8, seed=1), 1.0)
    ((clean - mean.detach()) ** 2 / variance + variance.log()).mean().backward()
    moved = {n for n, p in network.named_parameters() if p.grad is not None and p.grad.abs().max() > 0}
    assert moved == {"spread_hidden.weight", "spread.weight", "spread_gain", "spread_size.weight"}


def test_conditions_move_and_stack():
    one = Condition(maps=noise(1, 2, 4, 4), vector=noise(1, 3))
    other = Condition(maps=noise(1, 2, 4, 4, seed=1), vector=noise(1, 3, seed=1))
    both = Condition.stack([one, other])
    assert torch.equal(both.maps, torch.cat([one.maps, other.maps]))
    assert torch.equal(both.vector, torch.cat([one.vector, other.vector]))
    assert both.known is None
    assert both.to(torch.device("cpu")).maps.shape == (2, 2, 4, 4)
    assert Condition.stack([NOTHING, NOTHING]) == NOTHING


@given(sigma=st.floats(1e-3, 2.99))
def test_a_guess_is_what_the_formula_is_centred_on(sigma):
    spy = Spy()
    x, guess = noise(2, 1, 4, 4), noise(2, 1, 4, 4, seed=1)
    got = Preconditioned(spy, SIGMA_DATA, SIGMA_MAX)(x, sigma, Condition(guess=guess))
    around = Preconditioned(Spy(), SIGMA_DATA, SIGMA_MAX)(x - guess, sigma)
    torch.testing.assert_close(got.mean, around.mean + guess)
    torch.testing.assert_close(got.variance, around.variance)


@pytest.mark.parametrize("factor", [0.01, 30.0])
def test_all_is_relative_to_the_expected_error_of_the_guess(factor):
    x, guess, maps = noise(2, 1, 4, 4), noise(2, 1, 4, 4, seed=1), noise(2, 1, 4, 4, seed=2)
    error = torch.tensor([0.1, 0.4])
    denoiser = Preconditioned(Spy(), SIGMA_DATA, SIGMA_MAX)
    one = denoiser(x, 0.3, Condition(maps=maps, guess=guess, guess_error=error))
    scaled = Condition(maps=maps, guess=factor * guess, guess_error=factor * error)
    other = denoiser(factor * x, factor * 0.3, scaled)
    torch.testing.assert_close(other.mean, factor * one.mean)
    torch.testing.assert_close(other.variance, factor**2 * one.variance)


def test_it_is_blind_from_the_same_multiple_of_the_expected_error_on(real):
    blind = real.blind_from(0.1)
    assert blind == pytest.approx(SIGMA_MAX / SIGMA_DATA * 0.1)
    assert real.blind_from() == SIGMA_MAX
    guess = noise(1, 1, 8, 8, seed=1)
    condition = Condition(maps=guess, guess=guess, guess_error=torch.tensor([0.1]))
    here, there = (real(noise(1, 1, 8, 8, seed=seed), blind, condition).mean for seed in (2, 3))
    assert torch.equal(here, there)
    below = [real(noise(1, 1, 8, 8, seed=seed), 0.9 * blind, condition).mean for seed in (2, 3)]
    assert not torch.equal(*below)


def test_an_untrained_denoiser_is_the_posterior_mean_of_a_gaussian_around_the_guess():
    torch.manual_seed(0)
    untrained = Preconditioned(LocalUNet(widths=(4,), blocks=1, condition_channels=1), SIGMA_DATA, SIGMA_MAX).eval()
    x, guess = noise(1, 1, 8, 8), noise(1, 1, 8, 8, seed=1)
    condition = Condition(maps=guess, guess=guess)
    kept = SIGMA_DATA**2 / (SIGMA_DATA**2 + 0.25)
    mean, variance = untrained(x, 0.5, condition)
    torch.testing.assert_close(mean, guess + kept * (x - guess))
    torch.testing.assert_close(variance, torch.full_like(x, kept * 0.25))
    torch.testing.assert_close(untrained(x, SIGMA_MAX, condition).mean, guess)
