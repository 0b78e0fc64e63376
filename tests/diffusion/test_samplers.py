"""Samplers on data whose posterior is known exactly: what they draw, how fast they converge, what their tables obey."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from napari_microdiff.diffusion.samplers import SAMPLERS, Mix, ddim, ddpm, dpmpp_2m, heun, levels_for, sde
from napari_microdiff.diffusion.schedule import karras_sigmas

HIGH, LOW = 2.5, 0.01
DRAWS = 20_000
names = pytest.mark.parametrize("name", SAMPLERS)
starts = pytest.mark.parametrize("blind", [True, False])


def table(name, evaluations, blind, high=HIGH, **options):
    count = levels_for(name, evaluations, blind)
    return SAMPLERS[name](karras_sigmas(high, LOW, count), blind=blind, **options)


@starts
@names
def test_gaussian_data_come_out_with_their_mean_and_spread(name, blind, gaussian, follow, noise_start):
    denoiser = gaussian(blind)
    drawn = follow(table(name, 120, blind), denoiser, noise_start(denoiser, HIGH, DRAWS))
    assert drawn.mean().item() == pytest.approx(0.3, abs=0.015)
    assert drawn.std().item() == pytest.approx(0.5, rel=0.03)


@starts
@names
def test_mixtures_come_out_with_their_shape(name, blind, mixture, follow, noise_start):
    denoiser = mixture(blind)
    drawn = follow(table(name, 60, blind), denoiser, noise_start(denoiser, HIGH, DRAWS))
    true = noise_start(denoiser, 0.0, DRAWS, seed=5)
    distance = (drawn.sort().values - true.sort().values).abs().mean().item()
    assert distance < 0.02 * denoiser.std
    assert (drawn > -0.15).double().mean().item() == pytest.approx(0.5, abs=0.015)


@starts
@names
def test_two_point_data_come_out_as_two_points(name, blind, two_points, follow, noise_start):
    denoiser = two_points(blind)
    drawn = follow(table(name, 20, blind), denoiser, noise_start(denoiser, HIGH, 4000))
    # between the points nothing is left but what was undecided at the lowest noise level
    assert ((drawn.abs() - 0.5).abs() < 0.01).double().mean().item() > 0.995
    assert (drawn > 0).double().mean().item() == pytest.approx(0.5, abs=0.04)


@pytest.mark.parametrize(("evaluations", "understated", "corrected"), [(4, -0.18, 0.06), (8, -0.07, 0.03)])
@starts
def test_few_ancestral_steps_keep_their_spread_only_when_corrected(
    blind, evaluations, understated, corrected, mixture, follow, noise_start
):
    denoiser = mixture(blind)
    start = noise_start(denoiser, HIGH, DRAWS)
    spreads = {
        fix: follow(table("ddpm", evaluations, blind, corrected=fix), denoiser, start).std().item() / denoiser.std - 1
        for fix in (True, False)
    }
    assert spreads[False] < understated
    assert abs(spreads[True]) < corrected
    assert abs(spreads[True]) < abs(spreads[False]) / 3


def test_the_correction_is_exact_for_gaussian_data_whatever_the_number_of_steps(gaussian, follow, noise_start):
    denoiser = gaussian()
    for evaluations in (2, 3, 5):
        drawn = follow(table("ddpm", evaluations, False), denoiser, noise_start(denoiser, HIGH, DRAWS))
        assert drawn.std().item() == pytest.approx(0.5, rel=0.02)


def test_the_correction_is_nothing_for_a_denoiser_without_a_variance(gaussian, follow, noise_start):
    exact = gaussian()
    start = noise_start(exact, HIGH, 100)

    def without(x, sigma):
        return exact(x, sigma)._replace(variance=None)

    plain, fixed = (follow(table("ddpm", 5, False, corrected=c), without, start) for c in (False, True))
    assert torch.equal(plain, fixed)


def exact_path(start, low):
    """Return where the probability-flow ODE of N(0.3, 0.5^2) takes a value from HIGH to ``low``."""
    return 0.3 + (start - 0.3) * math.sqrt((0.25 + low**2) / (0.25 + HIGH**2))


@pytest.mark.parametrize(("sampler", "order"), [(ddim, 1), (heun, 2), (dpmpp_2m, 2)], ids=["ddim", "heun", "dpmpp-2m"])
def test_order_of_convergence(sampler, order, gaussian, follow):
    start, low = torch.tensor([2.0, -1.0], dtype=torch.float64), 0.5
    errors = []
    for count in (40, 80, 160):
        sigmas = [HIGH * (low / HIGH) ** (i / count) for i in range(count + 1)]
        errors.append((follow(sampler(sigmas), gaussian(), start) - exact_path(start, low)).abs().max().item())
    measured = [math.log2(a / b) for a, b in pairwise(errors)]
    assert measured == pytest.approx([order, order], abs=0.15)


def test_second_order_pays_already_at_few_steps(mixture, follow, noise_start):
    denoiser = mixture()
    start = noise_start(denoiser, HIGH, 2000)
    exact = follow(heun(karras_sigmas(HIGH, LOW, 400)), denoiser, start)
    error = {name: (follow(table(name, 16, False), denoiser, start) - exact).abs().mean() for name in SAMPLERS}
    assert error["dpmpp-2m"] < 0.5 * error["ddim"]


def test_a_blind_solver_does_not_extrapolate_from_its_start(gaussian, follow):
    # The blind mean lies on no path: taking a slope from it would put more than 9 % too much spread here.
    drawn = follow(dpmpp_2m(karras_sigmas(HIGH, LOW, 8), blind=True), gaussian(blind=True), torch.zeros(DRAWS).double())
    assert drawn.std().item() == pytest.approx(0.5, rel=0.065)
    first = dpmpp_2m(karras_sigmas(HIGH, LOW, 8), blind=True)[1]
    assert first.x.memory == 0


@names
def test_a_blind_start_draws_around_the_posterior_mean(name, gaussian, follow):
    sigmas = karras_sigmas(HIGH, LOW, 4)
    step = SAMPLERS[name](sigmas, blind=True)[0]
    assert (step.sigma, step.x, step.noise, step.variance) == (HIGH, Mix(0, 1), sigmas[1], 1.0)
    drawn = follow([step], gaussian(blind=True), torch.full((DRAWS,), 1e6, dtype=torch.float64))
    assert drawn.mean().item() == pytest.approx(0.3, abs=0.03)
    assert drawn.std().item() == pytest.approx(math.hypot(0.5, sigmas[1]), rel=0.02)


@names
def test_one_blind_evaluation_is_the_posterior_mean(name, mixture, follow):
    drawn = follow(SAMPLERS[name]([HIGH, 0.0], blind=True), mixture(blind=True), torch.randn(50, dtype=torch.float64))
    assert torch.equal(drawn, torch.full_like(drawn, mixture().mean))


levels = st.builds(
    lambda high, ratios: [high * math.prod(ratios[:i]) for i in range(len(ratios) + 1)] + [0.0],
    st.floats(0.1, 80),
    st.lists(st.floats(0.05, 0.98), max_size=12),
)


@given(sigmas=levels, name=st.sampled_from(sorted(SAMPLERS)), blind=st.booleans())
def test_every_table_starts_at_the_top_and_ends_with_the_denoised_image(sigmas, name, blind):
    steps = SAMPLERS[name](sigmas, blind=blind)
    assert steps[0].sigma == sigmas[0]
    assert {step.sigma for step in steps} == set(sigmas[:-1])
    last = steps[-1]
    assert (last.x.x, last.x.denoised, last.x.memory) == pytest.approx((0, 1, 0), abs=1e-12)
    assert last.noise == last.variance == 0
    for step in steps:
        assert all(math.isfinite(w) for w in (*step.x, *(step.memory or ()), step.noise, step.variance))
        assert step.noise >= 0
        assert 0 <= step.variance <= 1


@given(sigmas=levels, name=st.sampled_from(sorted(SAMPLERS)), blind=st.booleans(), value=st.floats(-5, 5))
def test_a_value_that_is_already_denoised_stays(sigmas, name, blind, value):
    # With x = denoised at every step and no noise, the weights must add up to one, memory included.
    x, memory = value, 0.0
    for step in SAMPLERS[name](sigmas, blind=blind):
        new = step.x.x * x + step.x.denoised * value + step.x.memory * memory
        if step.memory is not None:
            memory = step.memory.x * x + step.memory.denoised * value + step.memory.memory * memory
        x = new
        assert x == pytest.approx(value, abs=1e-6)


@given(
    name=st.sampled_from(sorted(SAMPLERS)), evaluations=st.integers(1, 300), blind=st.booleans(), high=st.floats(0.1, 9)
)
def test_tables_spend_at_most_what_was_asked_for(name, evaluations, blind, high):
    count = levels_for(name, evaluations, blind)
    assert count >= 1
    steps = SAMPLERS[name](karras_sigmas(high, high / 50, count), blind=blind)
    assert evaluations - (1 if name == "heun" else 0) <= len(steps) <= evaluations


@given(sigmas=levels)
def test_ddim_with_full_noise_is_ddpm(sigmas):
    for ours, ancestral in zip(ddim(sigmas, eta=1.0), ddpm(sigmas, corrected=False), strict=True):
        assert ours.x == pytest.approx(ancestral.x, abs=1e-9)
        assert ours.noise == pytest.approx(ancestral.noise, abs=1e-9)


def test_one_ancestral_step_keeps_the_marginal():
    # q(x_then | x_now, x_0) leaves variance then^2 around x_0: kept^2 now^2 + noise^2
    step = ddpm([1.7, 0.4, 0.0])[0]
    assert step.x.x**2 * 1.7**2 + step.noise**2 == pytest.approx(0.4**2)


@pytest.mark.parametrize("blind", [True, False])
def test_a_langevin_corrector_costs_evaluations_and_keeps_the_distribution(blind, gaussian, follow, noise_start):
    denoiser, sigmas = gaussian(blind), karras_sigmas(HIGH, LOW, 60)
    steps = sde(sigmas, blind=blind, corrector=0.05)
    assert len(steps) == 119
    drawn = follow(steps, denoiser, noise_start(denoiser, HIGH, DRAWS))
    assert drawn.mean().item() == pytest.approx(0.3, abs=0.02)
    assert drawn.std().item() == pytest.approx(0.5, rel=0.04)


@pytest.mark.parametrize("bad", [[], [1.0], [1.0, 1.0, 0.0], [0.5, 1.0, 0.0], [1.0, 0.5, -0.1]])
@names
def test_levels_that_do_not_fall_are_refused(name, bad):
    with pytest.raises(ValueError, match="fall strictly"):
        SAMPLERS[name](bad)
