"""The one door: carries out a request on an image, whoever asks.

A generator of events. Whoever drives it gets progress, live previews and cancellation for free: closing it stops the
job, and between two events nothing takes longer than one evaluation of one batch of tiles.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterator, Mapping
from copy import copy

import torch

from .. import __version__
from ..diffusion.denoiser import Preconditioned
from ..engine.canvas import Denoised, sample_plane, sampled_area
from ..engine.device import (
    choose_device,
    choose_precision,
    default_batch,
    default_tile,
    describe_device,
    small_together,
    torch_dtype,
)
from ..engine.events import Done, Event, Notice, Progress, Result, Update
from ..engine.memory import Workplace, is_out_of_memory
from ..engine.request import Request
from ..engine.tiles import make_tiles
from ..engine.volume import count_looks, sample_volume
from ..errors import DeviceError, RequestError
from ..imaging.axes import Sliceable, planes
from ..models.build import load_denoiser
from ..models.store import Model, find_model
from .base import (
    Context,
    Gatherer,
    PlaneJob,
    Task,
    check_model_fits,
    check_weights_match,
    evaluations_needed,
    open_source,
)
from .denoise import Denoise
from .isotropic_by_prior import making_isotropic
from .repair import Repair
from .segment import Segment
from .superresolve_by_prior import superresolving
from .synthesize import Synthesize

_FLAT = 2  # axes of a plane; volumes have more

TASKS: dict[str, Callable[[Context], Task]] = {
    "denoise": Denoise,
    "superresolve": superresolving,
    "isotropic": making_isotropic,
    "repair": Repair,
    "segment": Segment,
    "synthesize": Synthesize,
}


def run(
    request: Request,
    source: Sliceable,
    *,
    behind: Sliceable | None = None,
    kept: Sliceable | None = None,
    damaged: Sliceable | None = None,
) -> Iterator[Event]:
    """Carry out a request.

    Parameters
    ----------
    request : Request
        What to do.
    source : array-like
        The image: anything with a shape and a dtype that can be sliced (numpy, dask, zarr). It is read part by part.
    behind : array-like, optional
        For synthesis: an image under the mask, in grey levels. All of it outside of the region is kept, and what is
        drawn in the region fits to it.
    kept : array-like, optional
        With the shape of the mask; where it is not zero the image behind is kept within the region, too.
    damaged : array-like, optional
        For repairing: not zero where pixels are damaged, with the axes of the image or those of its planes.

    Yields
    ------
    Progress, Preview, Notice
        While it goes on.
    Done
        Last; holds the `Result`.

    Raises
    ------
    ImageError, RequestError, ModelError, DeviceError
        If the image, the request, the model or the device are unusable; the message says what to do.
    """
    device = choose_device(request.device)
    given = {"behind": behind, "kept": kept, "damaged": damaged}
    _check_given(request, given)
    try:
        yield from _run_on(device, request, source, given)
    except DeviceError as error:
        if request.device != "auto" or device.type == "cpu":
            raise
        fallen_back = f"{error} Going on with the CPU."
        yield Notice(fallen_back)
        yield from _run_on(torch.device("cpu"), request, source, given, fallen_back)


def finish(events: Iterator[Event]) -> Generator[Update, None, Result]:
    """Pass on what a run tells while it goes on, and return its result."""
    for event in events:
        if isinstance(event, Done):
            return event.result
        yield event
    raise AssertionError("a run ends with Done")


def _check_given(request: Request, given: Mapping[str, Sliceable | None]) -> None:
    takers = {"behind": "synthesize", "kept": "synthesize", "damaged": "repair"}
    for name, array in given.items():
        if array is not None and request.task != takers[name]:
            what = "damaged pixels" if name == "damaged" else "image behind"
            raise RequestError(f"'{request.task}' takes no {what}; only '{takers[name]}' does. Leave it out.")


def _run_on(
    device: torch.device, request: Request, array: Sliceable, given: Mapping[str, Sliceable | None], *told: str
) -> Iterator[Event]:
    started = time.monotonic()
    opened = open_source(request, array)
    model = find_model(request.model)
    check_model_fits(request, model.card)
    check_weights_match(request, model.card)
    denoiser = copy(_load(model, device))  # weights are shared with other jobs, all else is not
    precision = choose_precision(request.precision, device)
    denoiser.precision = torch_dtype(precision)
    task = TASKS[request.task](Context(request, opened, model.card, denoiser, [], **given))
    # A single evaluation takes no step that is as noisy as it is unsure. The task may want more than was asked for.
    denoiser.with_variance = "uncertainty" in task.request.outputs or evaluations_needed(task.request) > 1
    tile = request.tile or default_tile(device)
    workplace = Workplace(device, default_batch(device), tile, small_together(device))
    resolved = task.request.model_copy(
        update={
            "weights_sha256": model.card.weights_sha256,
            "axes": opened.axes,
            "device": str(device),
            "precision": precision,
            "tile": tile,
        }
    )
    gatherer = task.gatherer(resolved)
    for message in task.notices:
        yield Notice(message)
    notices = [*told, *task.notices]
    for event in _planes(task, denoiser, resolved, workplace, gatherer):
        if isinstance(event, Notice):
            notices.append(event.message)
        yield event
    outputs = gatherer.outputs()
    report = {
        "version": __version__,
        "seconds": round(time.monotonic() - started, 3),
        "device": describe_device(device),
        "evaluations": evaluations_needed(resolved),
        "notices": notices,
        **task.report,
        **gatherer.report(),
    }
    yield Done(Result(resolved, task.source.region, **outputs, report=report))


def _load(model: Model, device: torch.device) -> Preconditioned:
    try:
        return load_denoiser(model, device)
    except (RuntimeError, MemoryError) as error:
        if not is_out_of_memory(error):
            raise
        raise DeviceError(
            f"The memory of {device} does not suffice for the network. Close other programs, or choose another device."
        ) from None


def _planes(
    task: Task, denoiser: Preconditioned, request: Request, workplace: Workplace, gatherer: Gatherer
) -> Iterator[Update]:
    guided, source = task.guide(denoiser), task.source
    indices = planes(source.axes, source.shape, source.region, request.within)
    pace = _Pace(len(indices) * request.samples)
    for index in indices:
        jobs = task.jobs(index)
        if not jobs:
            gatherer.copy(index)
            yield pace.skip(request.samples)
            continue
        for sample in range(request.samples):
            job = jobs[sample % len(jobs)]
            pace.start_sample(_evaluations(job, workplace.tile))
            draw = sample_volume if len(job.plane.shape) > _FLAT else sample_plane
            sampling = draw(guided, job.plane, job.steps, workplace, seed=request.seed, sample=sample)
            drawn = None
            while True:
                try:
                    event = next(sampling)
                except StopIteration as stop:
                    drawn = stop.value
                    break
                if isinstance(event, Notice):
                    yield event
                    continue
                if isinstance(event, Denoised):
                    yield gatherer.take(index, job, event, sample)
                yield pace.tick()
            for _ in gatherer.take_sample(index, job, drawn, sample):
                yield pace.now()


def _evaluations(job: PlaneJob, tile: int | None) -> int:
    plane = job.plane
    if len(plane.shape) > _FLAT:
        return count_looks(plane, job.steps, tile)
    return len(job.steps) * len(make_tiles(plane.shape, sampled_area(plane, job.steps), tile, plane.reach))


class _Pace:
    """Counts evaluations and guesses the time that is left."""

    def __init__(self, samples: int) -> None:
        self._samples_left = samples
        self._done = 0
        self._planned = 0
        self._per_sample = 1
        self._started = time.monotonic()

    def start_sample(self, evaluations: int) -> None:
        self._samples_left -= 1
        self._planned = self._done + evaluations
        self._per_sample = evaluations

    def skip(self, samples: int) -> Progress:
        self._samples_left -= samples
        return self.now()

    def tick(self) -> Progress:
        self._done += 1
        return self.now()

    def now(self) -> Progress:
        # After running out of memory there are more tiles than were planned.
        total = max(self._planned, self._done) + self._samples_left * self._per_sample
        elapsed = time.monotonic() - self._started
        return Progress(self._done, total, elapsed / max(1, self._done) * (total - self._done))
