"""From a raw network to a denoiser: posterior mean and variance of the clean image given a noisy one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import NamedTuple, Protocol

import torch
from torch import Tensor, nn

from .unet import LocalUNet

_LOG_VARIANCE_LIMIT = 16.0
_SLACK = 1e-5  # noise levels pass through float32


class Prediction(NamedTuple):
    """Posterior mean of the clean image and, where the denoiser knows it, the variance of each pixel.

    Both have the shape of the noisy image.
    """

    mean: Tensor
    variance: Tensor | None = None


@dataclass(frozen=True)
class Condition:
    """What is known beside the noisy image.

    Attributes
    ----------
    maps : Tensor, optional
        Shape (batch, condition channels, [z,] y, x); enters the network as it is.
    vector : Tensor, optional
        Shape (batch, vector length).
    guess : Tensor, optional
        A first guess of the clean image, which the denoiser starts from; shape of the image.
    guess_error : Tensor, optional
        Root mean square error that is expected of the guess, shape (batch,).
    known : Tensor, optional
        Values of known pixels, for guidance; shape of the image.
    known_mask : Tensor, optional
        1 where ``known`` holds, 0 elsewhere.
    measured : Tensor, optional
        What a forward operator made of the clean image, for guidance.
    extent : Tensor, optional
        Integers, shape (batch, 2): how many rows and columns of what was measured are there; the others are made up,
        to fill a window at the end of the image.
    measured_noise : Tensor, optional
        Standard deviation of the noise in what was measured, shape (batch,).
    """

    maps: Tensor | None = None
    vector: Tensor | None = None
    guess: Tensor | None = None
    guess_error: Tensor | None = None
    known: Tensor | None = None
    known_mask: Tensor | None = None
    measured: Tensor | None = None
    extent: Tensor | None = None
    measured_noise: Tensor | None = None

    def to(self, device: torch.device) -> Condition:
        """Return the same condition on another device."""
        return Condition(**{name: t.to(device) for name, t in self._given().items()})

    def with_measured(self, measured: Tensor, extent: Tensor, noise: Tensor) -> Condition:
        """Return the same condition and what was measured, under which noise."""
        return replace(self, measured=measured, extent=extent, measured_noise=noise)

    def nbytes(self) -> int:
        """Return how many bytes its tensors take."""
        return sum(t.nbytes for t in self._given().values())

    @classmethod
    def stack(cls, conditions: Sequence[Condition]) -> Condition:
        """Join conditions that give the same things along the batch axis."""
        return cls(**{name: torch.cat([getattr(c, name) for c in conditions]) for name in conditions[0]._given()})

    def _given(self) -> dict[str, Tensor]:
        named = {f.name: getattr(self, f.name) for f in fields(self)}
        return {name: tensor for name, tensor in named.items() if tensor is not None}


NOTHING = Condition()


class Denoiser(Protocol):
    """Anything that estimates the clean image from a noisy one.

    ``x`` has shape (batch, channels, [z,] y, x) and is the clean image plus Gaussian noise of standard deviation
    ``sigma``. Guidance wraps one of these and returns another.
    """

    def __call__(self, x: Tensor, sigma: float | Tensor, condition: Condition = NOTHING) -> Prediction:
        """Return the posterior mean and variance of the clean image."""
        ...


class Preconditioned(nn.Module):
    """A network made a denoiser by the preconditioning of Karras et al. 2022 (arXiv:2206.00364), table 1.

    ``D(x) = c_skip x + c_out F(c_in x, c_noise)`` with ``c_skip = s^2 / (sigma^2 + s^2)``,
    ``c_out = sigma s / sqrt(sigma^2 + s^2)``, ``c_in = 1 / sqrt(sigma^2 + s^2)`` and ``c_noise = ln(sigma / s) / 4``,
    where ``s`` is the standard deviation of the data. The variance is ``c_out^2 exp(V)``.

    If the condition holds a guess ``g`` and its expected error, all of this is done to ``x - g``, and ``s`` is that
    error: before the network has learned anything, the denoiser is the posterior mean of a Gaussian around the guess.
    The network sees noise levels relative to ``s``, so that faint noise and heavy noise are one task to it.

    Parameters
    ----------
    network : LocalUNet
        The raw network.
    sigma_data : float
        Standard deviation of the data, ``s`` where nothing is known of an image.
    sigma_max : float
        Noise level from which on the network is blind to ``x`` (where ``s`` is another one, this changes with it; see
        `blind_from`): what little such noise lets through is replaced by nothing, so that one evaluation there is
        exactly the posterior mean given the condition, what a regression network predicts, and depends on no noise.

    Attributes
    ----------
    precision : torch.dtype
        Number format in which the network computes; inputs and outputs are float32 in any case.
    with_variance : bool
        Whether predictions have a variance; without, they take a tenth less time.
    """

    precision: torch.dtype = torch.float32
    with_variance: bool = True

    def __init__(self, network: LocalUNet, sigma_data: float, sigma_max: float) -> None:
        super().__init__()
        self.network = network
        self.sigma_data = sigma_data
        self.sigma_max = sigma_max

    @property
    def device(self) -> torch.device:
        """Where the network is."""
        return next(self.network.parameters()).device

    def forward(self, x: Tensor, sigma: float | Tensor, condition: Condition = NOTHING) -> Prediction:
        """Return the posterior mean and variance; see `Denoiser`."""
        sigma = torch.as_tensor(sigma, dtype=torch.float32, device=x.device).expand(len(x))
        scale = self._scale(condition, sigma)
        wide, s = (value.view(-1, *([1] * (x.ndim - 1))) for value in (sigma, scale))
        total = (wide**2 + s**2).sqrt()
        c_out = wide * s / total
        left = x if condition.guess is None else x - condition.guess
        left = torch.where(wide < s * (self.sigma_max / self.sigma_data) * (1 - _SLACK), left, 0.0)
        c_noise = (sigma / scale).log() / 4
        shown = (left / total, c_noise, condition.maps, condition.vector)
        raw, spread = self.network(*shown, self.precision, self.with_variance)
        mean = left * (s / total) ** 2 + c_out * raw
        if condition.guess is not None:
            mean = mean + condition.guess
        if spread is None:
            return Prediction(mean)
        log_variance = spread.clamp(-_LOG_VARIANCE_LIMIT, _LOG_VARIANCE_LIMIT)
        return Prediction(mean, c_out**2 * log_variance.exp())

    def blind_from(self, guess_error: float | None = None) -> float:
        """Return the noise level from which on an image is not looked at, given the expected error of its guess."""
        return self.sigma_max if guess_error is None else self.sigma_max / self.sigma_data * guess_error

    def _scale(self, condition: Condition, sigma: Tensor) -> Tensor:
        if condition.guess_error is None:
            return torch.full_like(sigma, self.sigma_data)
        return condition.guess_error.to(sigma)
