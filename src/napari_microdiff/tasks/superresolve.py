"""Super-resolution: from an image to finer pixels, and to what its optics blurred.

The condition is what was recorded, on the finer pixels, and the best linear estimate from it. The point-spread function
is always told, by the user or as none, so that it is known what the microscope would have measured of any result. Each
estimate is brought in line with what it did measure: where there is no noise exactly, and where there is as far as the
network, which has weighed the measurement against its noise already, may still be off.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from ..diffusion.denoiser import Condition, Denoiser
from ..diffusion.guidance import classifier_free, left_unknown, measured, within_bounds
from ..engine.canvas import Plane
from ..engine.options import SuperresolveOptions
from ..engine.request import Request
from ..engine.tiles import Reach, Tile, read_window
from ..errors import ImageError, RequestError
from ..imaging.axes import PlaneIndex
from ..imaging.finer import FINER_RADIUS, finer_filter
from ..imaging.lattice import magnified
from ..imaging.noise import measure_noise
from ..imaging.optics import PointSpread
from ..imaging.resolved import resolved_period
from .agreement import AgreeingCollector
from .base import (
    Context,
    Image,
    PlaneJob,
    PlaneView,
    Source,
    box_of,
    check_architecture,
    steps_of,
    without_equal_samples,
)
from .conditioning import (
    NOISELESS,
    SUPERRESOLVING_LENGTH,
    noisy_condition,
    on_finer_pixels,
    range_of_sharp,
    repeated,
    superresolving_vector,
)
from .likeness import likeness
from .measuring import Measuring
from .mended import Kept, mended
from .remember import Remembered
from .statistics import Statistics, measure_channel, position_of, positions, tell_of_channels

_ARCHITECTURE = {"dims": 2, "channels": 1, "condition_channels": 2, "vector_length": SUPERRESOLVING_LENGTH}
_SIGMA_MIN = 0.02  # of the expected error of the guess; what is below cannot be seen
_GUIDED = (0.1, 10.0)  # interval of classifier-free guidance, in expected errors of the guess
# Of the variance that is left unknown, the share by which networks are off in what passes the microscope. Found on the
# volumes and images of training: with it what is left over of noisy images is as white as noise, and samples are nearer
# to the sharp image than without.
_DOUBT = 0.3
_TELLS_NOISE, _NOISIER = 64, 1.5  # pixels of a side; times as much noise as all of the image has
_ACROSS = 4  # widths of a point-spread function that nearly all light of a point falls into


class MeasuredWindow(NamedTuple):
    """What was measured in a window and `FINER_RADIUS` around it, and how much of the window lies in the image."""

    around: torch.Tensor
    extent: torch.Tensor

    @property
    def inner(self) -> torch.Tensor:
        """What was measured in the window."""
        return self.around[..., FINER_RADIUS:-FINER_RADIUS, FINER_RADIUS:-FINER_RADIUS]


class Superresolve:
    """The task, with a model that was trained for it; see `tasks.base.Task`."""

    def __init__(self, context: Context) -> None:
        self.request, self.source, self.notices = context.request, context.source, context.notices
        self.card, self._denoiser = context.card, context.denoiser
        options = self.request.options
        assert isinstance(options, SuperresolveOptions)
        self._options = options
        self.check_model()
        self.request = without_equal_samples(self.request, self.notices)
        self._psf = point_spread(options)
        _check_size(self._psf, self.source)
        self._measuring = Measuring(self._psf, options.factor)
        self._statistics = {p: measure_channel(self.source, p) for p in positions(self.source)}
        if all(s.constant for s in self._statistics.values()):
            raise ImageError("The image has the same value everywhere, so there is nothing to make sharper.")
        tell_of_channels(self.source, list(self._statistics.values()), self.notices)
        self._kept = Kept(self.source, {p: s.faults for p, s in self._statistics.items()})
        self.source = mended(self._kept, self.notices)
        self.report = self._describe()

    def check_model(self) -> None:
        """Raise ModelError or RequestError if the model does not make pixels so much finer."""
        check_architecture(self.card, _ARCHITECTURE)
        if self._options.factor not in self.card.factors:
            known = " or ".join(str(factor) for factor in self.card.factors)
            raise RequestError(
                f"The model '{self.card.id}' makes pixels {known} times as fine, not {self._options.factor} times. "
                "A model that denoises does so for any factor and blur, in several steps."
            )

    def guide(self, denoiser: Denoiser) -> Denoiser:
        """Add classifier-free guidance if the request asks for it, bounds, and agreement with what was measured."""
        if self.request.guidance:
            denoiser = classifier_free(denoiser, self.request.guidance, _GUIDED, in_errors=True)
        return measured(within_bounds(denoiser, self._bounds), self._correction, self._unknown)

    def _bounds(self, condition: Condition) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the range of each pixel, within which samples stay where specks are brighter than all else."""
        assert condition.measured is not None
        assert condition.guess_error is not None
        return range_of_sharp(condition.measured, condition.guess_error, self._options.factor)

    def _unknown(self, sigma: torch.Tensor, condition: Condition) -> torch.Tensor:
        """Return the variance by which an estimate may be off in what the microscope measures."""
        assert condition.guess_error is not None
        return _DOUBT * left_unknown(sigma, condition.guess_error)

    def jobs(self, index: PlaneIndex) -> Sequence[PlaneJob]:
        """Prepare one plane, the same for all samples; nothing for a channel without any content."""
        statistics = self._statistics[position_of(self.source, index)]
        if statistics.constant:
            return ()
        view = self.source.plane(index)
        condition_at, error = self._condition(view, statistics)
        steps = steps_of(self.request, self._denoiser.blind_from(error), _SIGMA_MIN * error, blind=True)
        again = len(steps) * self.request.samples > 1
        plane = self._plane(
            index,
            halo=self._halo(statistics, _DOUBT * error**2),
            condition_at=Remembered(condition_at) if again else condition_at,
        )
        return (PlaneJob(plane, steps, view),)

    def gatherer(self, request: Request) -> AgreeingCollector:
        """Return what gathers mean, sample and uncertainty, and tells how the mean agrees with the image."""
        ranges = {p: 2 * s.normalization.scale for p, s in self._statistics.items() if not s.constant}
        return AgreeingCollector(request, self.source, self, self._measuring, ranges, self._noise_of, self._kept)

    def read(self, index: PlaneIndex, normalised: Image) -> Image:
        """Bring a mean or a sample back to the units of the image."""
        return self._statistics[position_of(self.source, index)].normalization.undo(normalised)

    def read_spread(self, index: PlaneIndex, mean: Image, spread: Image) -> Image:
        """Bring a standard deviation back to the units of the image."""
        scale = self._statistics[position_of(self.source, index)].normalization.scale * self.card.spread_scale
        return np.asarray(spread * np.float32(scale))

    def _noise_of(
        self, channel: int | None, seen: NDArray[np.floating], measured: NDArray[np.floating]
    ) -> NDArray[np.float64]:
        """Return the noise of each pixel of a part, as measured or told; see `AgreeingCollector`."""
        wanted = self._options.noise_level
        noise = self._statistics[channel].noise_at(seen, wanted)
        if wanted is not None or not noise.any() or min(seen.shape) < _TELLS_NOISE:
            return noise
        # One plane of a series may be much noisier than the others.
        here = measure_noise(measured[None].astype(np.float64)).sigma / float(np.sqrt(np.square(noise).mean()))
        return noise * here if here > _NOISIER else noise

    def _is_noiseless(self, statistics: Statistics) -> bool:
        wanted = self._options.noise_level
        return (statistics.noise_level if wanted is None else wanted) == 0

    def _told_noise(self, statistics: Statistics) -> torch.Tensor:
        """Return the noise in what was measured, in normalised units, shape (1,)."""
        return torch.tensor([0.0 if self._is_noiseless(statistics) else self._floor(statistics)])

    def _halo(self, statistics: Statistics, unknown: float) -> int:
        """Return how far an estimate looks that may be off by this variance at most."""
        noise = float(self._told_noise(statistics))
        return self.card.halo + (self._measuring.reach_under(noise**2 / unknown) if noise else self._measuring.reach)

    def _filter(self, statistics: Statistics) -> Any:
        return finer_filter(statistics.spectrum.powers, self._psf, self._options.factor, self._floor(statistics))

    def _floor(self, statistics: Statistics) -> float:
        """Return the noise level in normalised units, as the network is told."""
        wanted = self._options.noise_level
        return NOISELESS if self._is_noiseless(statistics) else statistics.floor(wanted)

    def _plane(self, index: PlaneIndex, halo: int, condition_at: Callable[[Tile], Condition]) -> Plane:
        factor = self._options.factor
        return Plane(
            shape=tuple(factor * length for length in self.source.plane(index).shape),
            region=magnified(box_of(index), "YX", factor),
            reach=Reach.of(int(np.lcm(self._denoiser.network.stride, factor)), halo),
            number=self.source.plane_number(index),
            condition_at=condition_at,
            at_edges=True,
        )

    def _measured_window(self, view: PlaneView, statistics: Statistics, tile: Tile) -> MeasuredWindow:
        """Return what was measured in a tile's window and around it."""
        factor = self._options.factor
        window = tuple((start // factor, stop // factor) for start, stop in tile.window)
        wider = tuple((start - FINER_RADIUS, stop + FINER_RADIUS) for start, stop in window)
        pixels = torch.from_numpy(statistics.normalization.apply(read_window(view, wider, at_edges=True)))[None, None]
        extent = [min(stop, length) - start for (start, stop), length in zip(window, view.shape, strict=True)]
        return MeasuredWindow(pixels, torch.tensor([extent]))

    def _condition(self, view: PlaneView, statistics: Statistics) -> tuple[Any, float]:
        """Return what makes the condition of a tile, and the expected error of the guess."""
        factor = self._options.factor
        # Not every version of other accelerators has the Fourier transform that the filter is.
        device = self._denoiser.device if self._denoiser.device.type == "cuda" else torch.device("cpu")
        kernels, error = self._filter(statistics)
        told = superresolving_vector(statistics.vector_at(self._floor(statistics)), self._psf.width, factor)
        vector, errors = torch.from_numpy(told)[None].to(device), torch.tensor([error], device=device)
        noise = self._told_noise(statistics).to(device)

        def condition_at(tile: Tile) -> Condition:
            seen = self._measured_window(view, statistics, tile)
            shown, inner = seen.around.to(device), seen.inner.to(device)
            condition = noisy_condition(repeated(inner, factor), on_finer_pixels(shown, kernels), errors, vector)
            return condition.with_measured(inner, seen.extent.to(device), noise)

        return condition_at, error

    def _correction(self, mean: torch.Tensor, condition: Condition, ridges: torch.Tensor) -> torch.Tensor:
        """Return what brings an estimate in line with what was measured, within the image."""
        assert condition.measured is not None
        assert condition.extent is not None
        added = torch.zeros_like(mean)
        for number, (rows, columns) in enumerate(condition.extent.tolist()):
            inside = (number, ..., slice(rows * self._options.factor), slice(columns * self._options.factor))
            seen = condition.measured[number, ..., :rows, :columns]
            added[inside] = self._measuring.correction(mean[inside], seen, float(ridges[number]))
        return added

    def _describe(self) -> dict[str, Any]:
        kept = [s for s in self._statistics.values() if not s.constant]
        report: dict[str, Any] = {
            "noise_level": [s.noise_level for s in self._statistics.values()],
            "normalization": [[s.normalization.offset, s.normalization.scale] for s in self._statistics.values()],
            "psf_width": self._psf.width,
            "image_shows_to": max(resolved_period(s.spectrum.powers, self._floor(s)) for s in kept),
        }
        found = likeness(self.card, [(s, s.vector_at(self._floor(s))) for s in kept])
        if found is not None:
            report["familiarity"] = found.report(task=self.request.task)
        return report


def _check_size(psf: PointSpread, source: Source) -> None:
    """Raise RequestError if a point becomes larger than the image, which then tells nothing of what is around it."""
    height, width = source.plane_shape
    if _ACROSS * psf.width > max(height, width):
        raise RequestError(
            f"A blur with a standard deviation of {psf.width:.3g} pixels spreads a point over about "
            f"{_ACROSS * psf.width:.3g} pixels, but the image has {height} x {width} pixels. Take a larger image, of "
            "which this is a part, or tell a narrower blur."
        )


def point_spread(options: SuperresolveOptions) -> PointSpread:
    """Return the point-spread function that a request tells."""
    return PointSpread(options.blur, airy=options.optics, parts=options.psf)
