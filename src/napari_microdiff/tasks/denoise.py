"""Denoising: from a noisy image to the clean one that it most likely came from.

Two ways. *Condition*: the noisy image and its statistics are the condition of a model that was trained on pairs; one
evaluation is the posterior mean. *Measured noise*: after its variance was stabilised, a noisy image is itself a state
of the diffusion, ``x_sigma``, at the noise level that was measured; the model serves as a prior that knows no noise
but Gaussian, and sampling starts there (the exact form of what Hu et al. 2022 did for optical coherence tomography).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from ..diffusion.denoiser import Condition, Denoiser
from ..diffusion.guidance import classifier_free, within_bounds
from ..engine.canvas import Plane
from ..engine.options import DenoiseOptions
from ..engine.request import Request
from ..engine.tiles import Box, Reach, Tile, read_window
from ..errors import ImageError, RequestError
from ..imaging.axes import PlaneIndex, region_slices
from ..imaging.camera import Camera, destabilise, stabilise
from ..imaging.intensity import Normalization
from ..imaging.noise import estimate_camera
from ..imaging.wiener import RADIUS
from .base import (
    Context,
    Image,
    PlaneJob,
    Source,
    check_architecture,
    evaluations_needed,
    steps_of,
    without_equal_samples,
)
from .collect import Collector
from .conditioning import filtered, noisy_condition, range_around
from .likeness import likeness
from .mended import Kept, mended
from .remember import Remembered
from .residual import Residual
from .starting import PRIOR, empty_condition
from .statistics import Statistics, channel_view, measure_channel, position_of, positions

_DETERMINISTIC = {"dpmpp-2m", "heun", "ddim"}
_FEWEST_PIXELS = 16  # along the longer side, below which statistics are those of no image
_SIGMA_MIN = 0.02  # of the standard deviation of what is sampled; what is below cannot be seen
_GUIDED = (0.1, 10.0)  # interval of classifier-free guidance, in expected errors of the guess


@dataclass(frozen=True)
class _Stabilised:
    """A channel whose noise was made Gaussian and of one level."""

    camera: Camera
    normalization: Normalization
    sigma: float


class Denoise:
    """The task; see `tasks.base.Task`."""

    def __init__(self, context: Context) -> None:
        self.request, self.source, self.notices = context.request, context.source, context.notices
        self.card, self._denoiser = context.card, context.denoiser
        options = self.request.options
        assert isinstance(options, DenoiseOptions)
        self._options = options
        check_architecture(self.card, PRIOR)
        self._by_prior = self._options.start == "measured-noise"
        if self._by_prior and self.request.sampler in _DETERMINISTIC and evaluations_needed(self.request) > 1:
            # From one starting point they always end at one image, which is no draw from what is possible.
            self.notices.append(f"'{self.request.sampler}' draws no samples from a noisy image: 'ddpm' was used.")
            self.request = self.request.model_copy(update={"sampler": "ddpm"})
        self.request = without_equal_samples(self.request, self.notices)
        self._statistics = {p: measure_channel(self.source, p) for p in positions(self.source)}
        if all(s.constant for s in self._statistics.values()):
            raise ImageError("The image has the same value everywhere, so there is nothing to denoise.")
        if max(self.source.plane_shape) < _FEWEST_PIXELS:
            height, width = self.source.plane_shape
            self.notices.append(
                f"An image of {height} x {width} pixels tells too little of its noise: the result may be far from the "
                "truth. Denoise a larger image, of which this is a part."
            )
        self._kept = Kept(self.source, {p: s.faults for p, s in self._statistics.items()})
        self.source = mended(self._kept, self.notices)
        self._stabilised = {p: self._stabilise(p, s) for p, s in self._statistics.items()} if self._by_prior else {}
        self.report = self._describe()

    def guide(self, denoiser: Denoiser) -> Denoiser:
        """Keep the estimate within the image's range, and add classifier-free guidance if the request asks for it."""
        if self._by_prior:
            return denoiser
        if not self.request.guidance:
            return within_bounds(denoiser, range_around)
        return within_bounds(classifier_free(denoiser, self.request.guidance, _GUIDED, in_errors=True), range_around)

    def jobs(self, index: PlaneIndex) -> Sequence[PlaneJob]:
        """Prepare one plane, the same for all samples; nothing for a channel without any content."""
        position = position_of(self.source, index)
        statistics = self._statistics[position]
        if statistics.constant:
            return ()
        noisy = self.source.plane(index)
        network = self._denoiser.network
        region = tuple((part.start, part.stop) for part in index if isinstance(part, slice))
        plane = Plane(
            shape=noisy.shape,
            region=region,
            reach=Reach.of(network.stride, self.card.halo),
            number=self.source.plane_number(index),
            condition_at=partial(empty_condition, self.card),
        )
        if self._by_prior:
            return (self._job_by_prior(plane, noisy, self._stabilised[position]),)
        return (self._job_by_condition(plane, noisy, statistics),)

    def gatherer(self, request: Request) -> DenoiseCollector:
        """Return what gathers mean, sample and uncertainty."""
        return DenoiseCollector(request, self.source, self, self._kept)

    def read(self, index: PlaneIndex, normalised: Image) -> Image:
        """Bring a mean or a sample back to the units of the image."""
        position = position_of(self.source, index)
        if not self._by_prior:
            return self._statistics[position].normalization.undo(normalised)
        stabilised = self._stabilised[position]
        back = destabilise(stabilised.normalization.undo(normalised), stabilised.camera)
        return np.asarray(back, dtype=np.float32)

    def read_spread(self, index: PlaneIndex, mean: Image, spread: Image) -> Image:
        """Bring a standard deviation back to the units of the image."""
        position = position_of(self.source, index)
        if not self._by_prior:
            scale = self._statistics[position].normalization.scale * self.card.spread_scale
            return np.asarray(spread * np.float32(scale))
        stabilised = self._stabilised[position]
        # The stabilised noise has standard deviation 1, so the transform's slope is the inverse of the noise.
        slope = stabilised.camera.noise(mean)
        return np.asarray(spread * stabilised.normalization.scale * slope, dtype=np.float32)

    def _job_by_condition(self, plane: Plane, noisy: Any, statistics: Statistics) -> PlaneJob:
        wanted = self._options.noise_level
        # Not every version of other accelerators has the Fourier transform that the filter is.
        device = self._denoiser.device if self._denoiser.device.type == "cuda" else torch.device("cpu")
        vector = torch.from_numpy(statistics.vector(wanted))[None].to(device)
        kernel = statistics.wiener(wanted)
        error = statistics.guess_error(wanted)
        errors = torch.tensor([error], device=device)

        def condition_at(tile: Tile) -> Condition:
            window = tuple((start - RADIUS, stop + RADIUS) for start, stop in tile.window)
            pixels = statistics.normalization.apply(read_window(noisy, window))
            shown = torch.from_numpy(pixels)[None, None].to(device)
            inner = shown[..., RADIUS:-RADIUS, RADIUS:-RADIUS]
            return noisy_condition(inner, filtered(shown, kernel), errors, vector)

        steps = steps_of(self.request, self._denoiser.blind_from(error), _SIGMA_MIN * error, blind=True)
        again = len(steps) * self.request.samples > 1
        at = Remembered(condition_at) if again else condition_at
        return PlaneJob(replace(plane, condition_at=at), steps, noisy)

    def _job_by_prior(self, plane: Plane, noisy: Any, stabilised: _Stabilised) -> PlaneJob:
        def start_at(tile: Tile) -> Image:
            pixels = stabilise(read_window(noisy, tile.window), stabilised.camera)
            return stabilised.normalization.apply(pixels)[None]

        lowest = min(_SIGMA_MIN * self.card.sigma_data, stabilised.sigma / 2)
        steps = steps_of(self.request, stabilised.sigma, lowest, blind=False)
        return PlaneJob(replace(plane, start_at=start_at), steps, noisy)

    def _stabilise(self, position: int | None, statistics: Statistics) -> _Stabilised:
        view, axes = channel_view(self.source, position)
        camera = estimate_camera(view, axes)
        wanted = self._options.noise_level
        if statistics.noise_level == 0:
            if wanted is None and not statistics.constant:
                raise RequestError(
                    "No noise was found in the image. Set the noise level, or give the image to a model."
                )
            camera = Camera(0.0, read_noise=wanted or 0.0)
        elif wanted:
            ratio = wanted / statistics.noise_level
            camera = Camera(camera.gain * ratio**2, camera.offset, camera.read_noise * ratio)
        normalization = self._stabilised_range(view, axes, camera, statistics)
        return _Stabilised(camera, normalization, min(1 / normalization.scale, 0.999 * self.card.sigma_max))

    @staticmethod
    def _stabilised_range(view: Any, axes: str, camera: Camera, statistics: Statistics) -> Normalization:
        if statistics.constant:
            return Normalization(0.0, 1.0)
        low, high = (statistics.normalization.offset + s * statistics.normalization.scale for s in (-1, 1))
        ends: NDArray[np.float64] = stabilise(np.array([low, high]), camera)
        return Normalization(float(ends.mean()), max(float(np.ptp(ends)) / 2, 1e-6))

    def _describe(self) -> dict[str, Any]:
        kept = [s for s in self._statistics.values() if not s.constant]
        report: dict[str, Any] = {
            "noise_level": [s.noise_level for s in self._statistics.values()],
            "normalization": [[s.normalization.offset, s.normalization.scale] for s in self._statistics.values()],
        }
        found = likeness(self.card, [(s, s.vector()) for s in kept])
        if found is not None:
            report["familiarity"] = found.report(kept[0].noise_level / kept[0].normalization.scale)
        return report


class DenoiseCollector(Collector):
    """Gathers images in which all that is beyond the range of the image stays, and tells what else was taken away."""

    def __init__(self, request: Request, source: Source, task: Denoise, kept: Kept) -> None:
        super().__init__(request, source, task)
        self._kept, self._residual = kept, Residual()

    def finalise(self, name: str, index: PlaneIndex, core: Box, pixels: Image) -> Image:
        """Return a part of an image with what is kept of the image as it came."""
        return self._kept.restored(name, index, core, pixels)

    def compare(self, job: PlaneJob, core: Box, mean: Image) -> None:
        """Add up what is taken away of a part of the image."""
        pixels = np.asarray(job.noisy[region_slices(core)], dtype=np.float64)
        self._residual.add(pixels - mean)

    def report(self) -> dict[str, Any]:
        """Return how strong that is, and how much like white noise."""
        return {"residual": self._residual.summary()}
