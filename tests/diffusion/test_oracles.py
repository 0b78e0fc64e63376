"""Our samplers take the same steps as those of two other libraries, on one exact denoiser at the same noise levels."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
import torch

from napari_microdiff.diffusion.samplers import Step, ddim, ddpm, dpmpp_2m, heun, sde
from napari_microdiff.diffusion.schedule import karras_sigmas

HIGH, LOW, COUNT = 5.0, 0.05, 9
SIGMAS = karras_sigmas(HIGH, LOW, COUNT)
SHAPE = (1, 1, 20, 50)
CLOSE = {"rtol": 1e-4, "atol": 1e-4}  # diffusers keeps its levels in float32

pytestmark = pytest.mark.filterwarnings("ignore")  # other libraries' own


@pytest.fixture(scope="module")
def azula():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return pytest.importorskip("azula.sample")


@pytest.fixture(scope="module")
def diffusers():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return pytest.importorskip("diffusers")


@pytest.fixture
def start(mixture):
    generator = torch.Generator().manual_seed(0)
    return HIGH * torch.randn(SHAPE, generator=generator, dtype=torch.float64)


@pytest.fixture
def draws(monkeypatch):
    """Let every library draw the same noise as `follow` does."""
    generator = torch.Generator().manual_seed(0)

    def draw(like, *_, **__):
        return torch.randn(like.shape, generator=generator, dtype=like.dtype)

    monkeypatch.setattr(torch, "randn_like", draw)
    return generator


def azula_sampler(azula, kind, denoiser, sigmas, **options):
    """Make one of azula's samplers visit exactly these noise levels: its time is ours in reverse."""

    class Posterior:
        def __init__(self, mean):
            self.mean = mean

    class Exact(torch.nn.Module):
        def schedule(self, t):
            return torch.ones_like(t), t

        def forward(self, x, t):
            return Posterior(denoiser(x, t).mean)

    class Sampler(getattr(azula, kind)):
        timesteps = torch.tensor(sigmas, dtype=torch.float64)

    return Sampler(Exact(), silent=True, **options)


@pytest.mark.parametrize(
    ("kind", "ours", "options"),
    [
        ("EulerSampler", ddim, {}),
        ("DDIMSampler", ddim, {"eta": 0.0}),
        ("DDIMSampler", lambda s: ddim(s, eta=1.0), {"eta": 1.0}),
        ("DDPMSampler", lambda s: ddpm(s, corrected=False), {}),
        ("HeunSampler", heun, {}),
    ],
)
def test_agreement_with_azula(azula, kind, ours, options, mixture, follow, start, draws):
    sigmas = SIGMAS[:-1]  # azula's Heun evaluates at the end of each step, which must then not be at 0
    theirs = azula_sampler(azula, kind, mixture(), sigmas, **options)(start)
    torch.testing.assert_close(follow(ours(sigmas), mixture(), start), theirs)


def variance_preserving(sigmas):
    """Betas that make a discrete scheduler visit these noise levels, one per time."""
    kept = np.array([1 / (1 + s**2) for s in reversed(sigmas[:-1])])
    return 1 - kept / np.concatenate([[1.0], kept[:-1]])


def scaled(sigma):
    return (1 + sigma**2) ** 0.5


def run_scheduler(scheduler, denoiser, start, *, steps, answer, sigmas, preserving=True):
    """Drive a scheduler of diffusers; ``answer`` says what the model gives it."""
    scheduler.set_timesteps(steps)
    shrink = scaled(sigmas[0]) if preserving else 1.0
    z = start / shrink
    evaluated = 0
    for t in scheduler.timesteps:
        sigma = sigmas[evaluated] if preserving else float(scheduler.sigmas[evaluated])
        x = z * (scaled(sigma) if preserving else 1.0)
        scheduler.scale_model_input(z, t)
        z = scheduler.step(answer(x, sigma, denoiser(x, sigma).mean), t, z).prev_sample
        evaluated += 1
    return z, evaluated


def clean(x, sigma, mean):
    return mean


def noise(x, sigma, mean):
    return (x - mean) / sigma


def test_agreement_with_ddim_of_diffusers(diffusers, mixture, follow, start):
    scheduler = diffusers.DDIMScheduler(
        COUNT, trained_betas=variance_preserving(SIGMAS), clip_sample=False, prediction_type="sample"
    )
    theirs, evaluated = run_scheduler(scheduler, mixture(), start, steps=COUNT, answer=clean, sigmas=SIGMAS)
    steps = ddim(SIGMAS)
    assert evaluated == len(steps)
    torch.testing.assert_close(follow(steps, mixture(), start), theirs, **CLOSE)


def test_agreement_with_ddpm_of_diffusers(diffusers, mixture, follow, start, monkeypatch):
    generator = torch.Generator().manual_seed(0)
    scheduler = diffusers.DDPMScheduler(
        COUNT, trained_betas=variance_preserving(SIGMAS), clip_sample=False, prediction_type="sample"
    )
    module = __import__("sys").modules[type(scheduler).__module__]
    # follow() draws noise for steps that add some; the scheduler draws in float64 from the same generator
    monkeypatch.setattr(
        module, "randn_tensor", lambda shape, **_: torch.randn(shape, generator=generator, dtype=torch.float64)
    )
    theirs, _ = run_scheduler(scheduler, mixture(), start, steps=COUNT, answer=clean, sigmas=SIGMAS)
    torch.testing.assert_close(follow(ddpm(SIGMAS, corrected=False), mixture(), start), theirs, **CLOSE)


def test_agreement_with_dpm_solver_of_diffusers(diffusers, mixture, follow, start):
    scheduler = diffusers.DPMSolverMultistepScheduler(
        COUNT,
        trained_betas=variance_preserving(SIGMAS),
        prediction_type="sample",
        solver_order=2,
        final_sigmas_type="zero",
        timestep_spacing="trailing",
    )
    scheduler.set_timesteps(COUNT)
    assert np.allclose(scheduler.sigmas, SIGMAS, rtol=1e-4)
    theirs, evaluated = run_scheduler(scheduler, mixture(), start, steps=COUNT, answer=clean, sigmas=SIGMAS)
    steps = dpmpp_2m(SIGMAS)
    assert evaluated == len(steps)
    torch.testing.assert_close(follow(steps, mixture(), start), theirs, **CLOSE)


@pytest.mark.parametrize(("kind", "ours"), [("EDMDPMSolverMultistepScheduler", dpmpp_2m), ("EDMEulerScheduler", ddim)])
def test_agreement_with_the_karras_schedulers_of_diffusers(diffusers, kind, ours, mixture, follow, start):
    scheduler = getattr(diffusers, kind)(sigma_min=LOW, sigma_max=HIGH, sigma_data=0.5)

    def raw(x, sigma, mean):
        """Undo the preconditioning that the scheduler applies."""
        total = sigma**2 + 0.25
        return (mean - 0.25 / total * x) / (sigma * 0.5 / total**0.5)

    theirs, _ = run_scheduler(scheduler, mixture(), start, steps=COUNT, answer=raw, sigmas=SIGMAS, preserving=False)
    assert np.allclose(scheduler.sigmas, SIGMAS, rtol=1e-5)  # and karras_sigmas is theirs
    torch.testing.assert_close(follow(ours(SIGMAS), mixture(), start), theirs.double(), **CLOSE)


def test_agreement_with_heun_of_diffusers(diffusers, mixture, follow, start):
    scheduler = diffusers.HeunDiscreteScheduler(COUNT, trained_betas=variance_preserving(SIGMAS))
    theirs, evaluated = run_scheduler(
        scheduler, mixture(), start, steps=COUNT, answer=noise, sigmas=SIGMAS, preserving=False
    )
    steps: list[Step] = heun(SIGMAS)
    assert evaluated == len(steps) == 2 * COUNT - 1
    torch.testing.assert_close(follow(steps, mixture(), start), theirs, **CLOSE)


def test_agreement_with_the_sde_of_diffusers(diffusers, mixture, follow, start, monkeypatch):
    generator = torch.Generator().manual_seed(0)
    scheduler = diffusers.ScoreSdeVeScheduler(COUNT)
    module = __import__("sys").modules[type(scheduler).__module__]
    monkeypatch.setattr(
        module, "randn_tensor", lambda shape, **_: torch.randn(shape, generator=generator, dtype=torch.float64)
    )
    scheduler.timesteps = torch.linspace(1, 0, COUNT, dtype=torch.float64)
    scheduler.discrete_sigmas = torch.tensor(SIGMAS[-2::-1], dtype=torch.float64)
    z, denoiser = start, mixture()
    for t, sigma in zip(scheduler.timesteps, SIGMAS, strict=False):
        # the nudge keeps rounding from landing on the level below
        step = scheduler.step_pred((denoiser(z, sigma).mean - z) / sigma**2, t.reshape(1) + 1e-9, z)
        z = step.prev_sample
    torch.testing.assert_close(follow(sde(SIGMAS), mixture(), start), step.prev_sample_mean)
