"""One run of a panel from its request to its layers; one at a time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Any
from weakref import WeakKeyDictionary

from napari.components import ViewerModel
from napari.layers import Image, Layer
from napari.utils.notifications import show_warning
from qtpy.QtCore import QObject, QTimer, Signal

from ..engine.events import Done, Progress, Result
from ..engine.request import Request
from ..errors import MicrodiffError
from . import settings, words
from .jobs import Job
from .layers import Completion, LayerSource, ResultLayer, put, result_layers
from .objects import import_tables
from .preview import LivePreview

_ADDED = ("additive", "minimum", "multiplicative")  # ways of blending in which a source shows through its result


@dataclass
class Run:
    """One run, while it goes on and as what "Run again" repeats."""

    request: Request
    source: LayerSource
    live: LivePreview | None = None
    evaluations: int = 0
    result: Result | None = None
    layers: list[Layer] = field(default_factory=list)


class Runner(QObject):
    """Runs jobs for a panel and puts their results into the viewer.

    Parameters
    ----------
    viewer : ViewerModel
        Where results go.
    doing, made : str
        The verb of the panel, such as ``"Denoising"`` and ``"denoised"``.
    parent : QObject
        The panel; when it goes, its job is cancelled.
    """

    changed = Signal()  # a job began or ended
    progressed = Signal(int, int, str)
    said = Signal(str, bool)  # a sentence for the status line, and whether it is a warning

    def __init__(self, viewer: ViewerModel, doing: str, made: str, parent: QObject) -> None:
        super().__init__(parent)
        self._viewer = viewer
        self._doing, self._made = doing, made
        self._pace: dict[tuple[str, str], float] = {}
        self.job: Job | None = None
        self.last: Run | None = None
        self.shown: Run | None = None  # the last, unless another job was begun since: what a panel says of a result
        self.sources: WeakKeyDictionary[Layer, Layer] = WeakKeyDictionary()  # what each layer was made from
        self._landing: tuple[Run, list[ResultLayer]] | None = None
        self._next = QTimer(self)
        self._next.setSingleShot(True)
        self._next.timeout.connect(self._land)

    def seconds_of_work(self, model: str, device: str) -> float | None:
        """Return how long the last run with this model on this device took per unit of work, if any did."""
        return self._pace.get((model, device))

    def start(self, run: Run) -> None:
        """Start a run."""
        start = partial(_events, run.request, run.source.array, run.source.completion())
        job = Job(f"{self._doing} {run.source.name}", start, self)
        if settings.load().previews:
            whole = tuple((0, int(n)) for n in run.source.array.shape)
            region, objects = run.request.region or whole, run.request.task == "segment"
            run.live = LivePreview(self._viewer, run.source, region, objects=objects, finer=run.request.finer)
            job.previewed.connect(run.live.show)
            job.failed.connect(run.live.remove)
            job.cancelled.connect(run.live.remove)
        job.progressed.connect(partial(_count, run))
        job.done.connect(partial(self._on_done, run))
        self.begin(job)

    def begin(self, job: Job) -> None:
        """Start a job of any kind and report on it."""
        self.job, self.shown = job, None
        job.progressed.connect(self._on_progress)
        job.noticed.connect(self._on_notice)
        job.failed.connect(self._on_failure)
        job.cancelled.connect(self._on_cancelled)
        job.ended.connect(self._on_ended)
        self.said.emit("", False)
        self.changed.emit()
        job.start()

    def cancel(self) -> None:
        """Cancel the running job; what is finished and being added is kept."""
        if self.job is not None:
            self.job.cancel()

    def _on_progress(self, progress: Progress) -> None:
        self.progressed.emit(progress.done, progress.total, words.progress(progress))

    def _on_notice(self, message: str) -> None:
        self.said.emit(message, False)

    def _on_failure(self, message: str) -> None:
        self.said.emit(message, True)

    def _on_cancelled(self) -> None:
        self.said.emit("Cancelled; nothing was changed.", False)

    def _on_done(self, run: Run, done: Done) -> None:
        run.result = done.result
        for message in run.source.changes(self._viewer):
            show_warning(message)
        self._keep_pace(run, done.result)
        self._landing = run, result_layers(self._viewer, run.source, done.result, self._made)
        self._next.start()

    def _land(self) -> None:
        """Add one layer. napari takes a tenth of a second for each, so the event loop gets its turn in between."""
        run, waiting = self._landing
        if waiting:
            try:
                run.layers.append(self._add(run, waiting.pop(0)))
            except Exception:
                self._landing = None
                self._over()  # so that a bug does not leave the panel busy for ever
                raise
            self._next.start()
            return
        self._landing = None
        if run.live is not None:
            run.live.remove()
        self.last = self.shown = run
        hidden = self._hide_below(run)
        said = words.outcome(run.source.name, self._made, run.result)
        self.said.emit(f"{said}\n{words.hidden(run.source.name)}" if hidden else said, False)
        self._over()

    def _hide_below(self, run: Run) -> bool:
        """Let a result be seen instead of its sum with what it was made from; return whether that was hidden."""
        if not _adds_up(run):
            return False
        source, result = run.source.layer, run.result
        assert result is not None
        if result.region != tuple((0, length) for length in run.source.array.shape):
            run.layers[0].blending = "translucent"  # a part of the image, around which that is to be seen
            return False
        others = [made for made, of in self.sources.items() if of is source and made not in run.layers]
        added = [layer for layer in (source, *others) if isinstance(layer, Image) and layer.blending in _ADDED]
        hidden = [layer for layer in added if layer.visible]
        for layer in hidden:
            layer.visible = False
        return source in hidden

    def _add(self, run: Run, new: ResultLayer) -> Layer:
        selection = self._viewer.layers.selection
        before = selection.active
        layer = run.live.become(new) if run.live is not None and not run.layers else None
        if layer is None:
            layer = new.make()
            put(self._viewer, run.source, layer)
        self.sources[layer] = run.source.layer
        # Who has gone on with something else meanwhile is not disturbed, nor who goes on with the mask.
        goes_on = run.layers or run.source.lies_above or before not in (None, run.source.layer, layer)
        selection.active = before if goes_on else layer
        return layer

    def _keep_pace(self, run: Run, result: Result) -> None:
        """Keep the time per unit of work: that per evaluation is another one on images of another size."""
        key = (run.request.model, run.request.device)
        work = _work(run, result)
        pace = self.job.seconds_per_evaluation if self.job is not None else None
        if not work or not run.evaluations:
            return
        if pace is not None:
            self._pace[key] = pace * run.evaluations / work
        else:  # a single one: its time includes that to get going
            self._pace.setdefault(key, float(result.report.get("seconds", 0.0)) / work)

    def _on_ended(self) -> None:
        if self._landing is None:
            self._over()

    def _over(self) -> None:
        self.job = None
        self.changed.emit()


def _adds_up(run: Run) -> bool:
    """Whether a result would be added on the screen to what it was made from, instead of lying over it."""
    source, first = run.source.layer, next(iter(run.layers), None)
    both = isinstance(source, Image) and isinstance(first, Image) and first.visible and run.result is not None
    return both and first.blending in _ADDED


def _count(run: Run, progress: Progress) -> None:
    run.evaluations = progress.done


def _work(run: Run, result: Result) -> int:
    """Return how much work a run was; 0 if its model, on which that depends, was removed meanwhile."""
    from ..tasks import count_work  # which the job has imported

    try:
        return count_work(result.request, run.source.array.shape)
    except MicrodiffError:
        return 0


def _events(request: Request, array: Any, complete: Completion | None = None) -> Iterator[Any]:
    from ..tasks import run  # here, in the worker: torch comes with it

    request, more = (request, {}) if complete is None else complete(request)
    if request.task == "segment":
        import_tables()
    return run(request, array, **more)
