"""The anatomy that all panels share: choose image and model, set the detail, preview, run, cancel, use the result.

What is different in each is in `own`, and in the panel's own file.
"""

from __future__ import annotations

from typing import Any

from napari.utils.notifications import show_error, show_warning
from pydantic import ValidationError
from superqt import QCollapsible

from ..engine.request import OutputName, Request, Span, problem_with
from ..errors import MicrodiffError
from . import settings, view, words
from .choices import ModelChoice
from .cost import carried_out, cost
from .layers import LayerSource
from .layout import Column, Rows
from .looking import Looker, in_words
from .more import More
from .output import ResultActions
from .own import Own
from .parts import DetailSlider, Line, ResultBar, RunBar, Ticks
from .running import Run, Runner

WIDTH = 380


class Panel(Own):
    """Base of all panels.

    Parameters
    ----------
    napari_viewer : napari.viewer.Viewer
        The viewer to work in.
    """

    def __init__(self, napari_viewer: napari.viewer.Viewer) -> None:  # type: ignore[name-defined]  # noqa: F821
        super().__init__(napari_viewer)
        self.runner = Runner(napari_viewer, self.doing, self.made, self)
        self.looker = Looker(self, self._to_look_at)
        self._build()
        self._connect()
        self._likes = likes = settings.load()
        self.more.device = likes.device
        self.more.sampler.value = Request(task=self.task).sampler
        self.detail.move_to(likes.detail if self.detail_at_first is None else self.detail_at_first)
        self.model.reload()
        self._image_changed()  # of one that was there already, nothing told

    def _build(self) -> None:
        self.image, self.image_line = self.layer_choice(), Line(self.viewer)
        self.model = ModelChoice(self.task, self.as_prior)
        self.model_line, self.familiar = Line(self.viewer), Line(self.viewer)
        self.detail, self.cost = DetailSlider(len(self.details), self.detail_tip, self.detail_least), Line(self.viewer)
        self.ticks = Ticks(tuple(self.outputs), tuple(self.outputs.values()))
        self.ticks.tick(Request(task=self.task).outputs)
        self.make_line = Line(self.viewer)
        rows = Rows()
        rows.add(self.source_word, self.image, self.image_line)
        rows.add("Model", self.model, self.model_line, self.familiar)
        self.add_rows(rows)
        rows.add("Detail", self.detail, self.cost)
        rows.add("Make", self.ticks, self.make_line)
        self.more = More(self.own_rows())
        self.fold = QCollapsible("More", expandedIcon="▾", collapsedIcon="▸")
        self.fold.setDuration(0)
        self.fold.layout().setContentsMargins(0, 0, 0, 0)
        self.fold.setContent(self.more)
        self.fold.collapse(animate=False)
        self.run_bar, self.results = RunBar(), ResultBar(self.viewer)
        self.column = Column(self, rows, self.fold, self.run_bar, self.results, *self.own_results())
        self.setMinimumWidth(WIDTH)
        self.actions = ResultActions(self)

    def _connect(self) -> None:
        self.image.changed.connect(self._image_changed)
        self.image.told.connect(self._image_changed)
        self.model.changed.connect(self._model_changed)
        self.detail.changed.connect(self.detail_changed)
        self.ticks.changed.connect(self.refresh)
        self.more.changed.connect(self._more_changed)
        self.run_bar.preview.clicked.connect(self.preview)
        self.run_bar.run.clicked.connect(self.run_all)
        self.run_bar.cancel.clicked.connect(self.cancel)
        self.results.again.clicked.connect(self.run_again)
        self.looker.looked.connect(self._on_look)
        self.runner.changed.connect(self._job_changed)
        self.runner.progressed.connect(self.run_bar.progress)
        self.runner.said.connect(self._say)

    @property
    def asked(self) -> tuple[OutputName, ...]:
        """What is to be made."""
        return self.ticks.ticked

    # what is shown ------------------------------------------------------------------------------------------------

    def blocked(self) -> str:
        """Return why nothing can be run now, or nothing if it can."""
        if self.runner.job is not None:
            return "A job is running. Wait for it or cancel it."
        if self.image.layer is None:
            return self.nothing_chosen
        if self.model.card is None:
            return self.no_model
        if not self.asked:
            return "Tick at least one thing to make."
        return ""

    def refresh(self) -> None:
        """Bring every line, button and tooltip up to date."""
        layer, card = self.image.layer, self.model.card
        self.image_line.say(view.describe(layer) if layer is not None else self.nothing_open)
        self.model_line.say(card.summary if card is not None else self.no_model)
        self.cost.say(self._cost())
        reason = self.blocked()
        for button, tip in ((self.run_bar.preview, words.PREVIEW_TIP), (self.run_bar.run, words.RUN_TIP)):
            button.setEnabled(not reason)
            button.setToolTip(reason or tip)
        self.actions.refresh()

    def _cost(self) -> str:
        try:
            spent = carried_out(self.request(), by_prior=self.model.by_prior)
        except (MicrodiffError, ValueError):
            return ""  # what is missing is said by the buttons
        layer = self.image.layer
        shape = None if layer is None else view.level_0(layer).shape
        return cost(spent, shape, self.runner.seconds_of_work(spent.model, self.more.device))

    def offer_sample(self) -> None:
        """Offer a sample where there are steps for one; the mean is complete after the first."""
        one_step = self.more.steps == 1
        self.ticks.offer("sample", words.NO_SAMPLE if one_step else "")
        idle = not one_step and "sample" not in self.ticks.ticked and self.more.samples == 1
        self.make_line.say(words.STEPS_IDLE if idle else "")

    def _image_changed(self) -> None:
        self._begin_anew()

    def _model_changed(self) -> None:
        self._begin_anew()

    def _begin_anew(self) -> None:
        self.familiar.say("")
        if self.image.layer is None:
            self.looker.stop()
        else:
            self.looker.look_soon()
        self.refresh()

    def detail_changed(self, position: int) -> None:
        """Set what a position of the slider stands for."""
        self.more.set_fields(self.details[position])
        self.refresh()

    def _more_changed(self) -> None:
        now = self.more.fields()
        for position, detail in enumerate(self.details):
            if detail.items() <= now.items():
                self.detail.move_to(position)
        self.refresh()

    def _to_look_at(self) -> tuple[Request, LayerSource] | None:
        if not self.compares or self.image.layer is None or self.model.card is None or not self.asked:
            return None
        try:
            source = self.source_of(self.image.layer)
            return self.request(source.axes), source
        except (MicrodiffError, ValueError):
            return None  # running says what is wrong

    def _on_look(self, look: Any) -> None:
        text, warn = in_words(look)
        self.familiar.say(text, warn=warn)
        self.looked(look)
        self.refresh()

    def request(
        self,
        axes: str | None = None,
        region: tuple[Span, ...] | None = None,
        outputs: tuple[OutputName, ...] | None = None,
    ) -> Request:
        """Return what the panel asks for now, or that with other outputs."""
        card, layer = self.model.card, self.image.layer
        return Request(
            task=self.task,
            model=card.id if card is not None else "",
            outputs=outputs or self.asked,
            axes=axes or (view.axes_of(layer) if layer is not None else None),
            region=region,
            **self.more.fields(),
            **self.options(),
        )

    def set_request(self, request: Request) -> None:
        """Set the panel to what a request asks for, but for its image and region."""
        if not self.model.choose(request.model):
            show_warning(f"The model '{request.model}' is not installed; another one is chosen.")
        self.more.set_fields(request.model_dump())
        self.ticks.tick(request.outputs)
        self.refresh()

    def preview(self) -> None:
        """Run on what is visible."""
        layer = self.image.layer
        if layer is None:
            return
        try:
            region = view.visible_region(self.viewer, layer, view.axes_of(layer))
        except MicrodiffError as error:
            self.refuse(error)
            return
        if region is None:
            how = "Bring it back with View > Fit to View or its slider, then preview it."
            away = f"'{layer.name}' is out of view. {how}"
            show_warning(away)
            self._say(away, warn=True)
            return
        self.run(self.previewed(region, view.axes_of(layer)))

    def run_all(self) -> None:
        """Run on the whole image."""
        self.run(None)

    def run(self, region: tuple[Span, ...] | None) -> None:
        """Run on a region of the chosen image, or on all of it."""
        reason = self.blocked()
        if reason:
            show_warning(reason)
            return
        try:
            source = self.source_of(self.image.layer)
            request = self.request(source.axes, region)
        except (MicrodiffError, ValueError) as error:
            self.refuse(error)
            return
        detail = self.detail.position if self.detail_at_first is None else self._likes.detail
        self._likes = settings.remember_changes(self._likes, device=self.more.device, detail=detail)
        self.image.keep()
        self.runner.start(Run(request, source))

    def run_again(self) -> None:
        """Repeat the last run on the same layer, wherever that is now."""
        last = self.runner.last
        if last is None or last.result is None or self.runner.job is not None:
            return
        try:
            source = self.source_again(last.source)
            request = self.renewed(last.result.request, source.layer)
        except MicrodiffError as error:
            self.refuse(error)
            return
        self.runner.start(Run(request, source))

    def refuse(self, error: Exception) -> None:
        """Say why no job is started; the line would go on telling the outcome of the one before."""
        problem = problem_with(error) if isinstance(error, ValidationError) else str(error)
        show_error(problem)
        self._say(problem, warn=True)

    def end(self) -> None:
        """Cancel all jobs and look at nothing more."""
        self.looker.close()
        super().end()

    def cancel(self) -> None:
        """Cancel the running job."""
        self.run_bar.stopping()
        self.runner.cancel()

    def _say(self, text: str, warn: bool = False) -> None:
        self.results.line.say(text, warn=warn)

    def _job_changed(self) -> None:
        self.run_bar.busy(self.runner.job is not None)
        self.refresh()
