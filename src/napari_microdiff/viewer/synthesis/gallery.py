"""The gallery: images that form together under one mask, to be looked at, kept or put away."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from napari.components import ViewerModel
from napari.layers import Layer
from numpy.typing import NDArray
from qtpy.QtCore import QObject, Signal

from ...engine.events import Preview, Progress
from ...engine.options import SynthesizeOptions
from ...engine.request import Request
from ..jobs import Job
from ..layers import Completion, put, result_layers
from ..words import progress as progress_in_words
from . import words
from .mask_source import MaskSource
from .saving import save_pairs
from .thumbnails import Thumbnail

if TYPE_CHECKING:
    from ...tasks.variations import Variation, Variations

KEPT, REJECTED, POOR = "kept", "rejected", "poor"


@dataclass
class GalleryImage:
    """One image of the gallery.

    Attributes
    ----------
    thumbnail : Thumbnail
    variation : Variation, optional
        What came of it.
    state : {"", "kept", "rejected", "poor"}
        What the user, or before that the judge, says of it.
    """

    thumbnail: Thumbnail
    variation: Variation | None = None
    state: str = ""


@dataclass
class Sheet:
    """All images of one request.

    Attributes
    ----------
    limits : (float, float)
        Grey levels that are shown as black and white.
    mask : ndarray
        What they were drawn under: a copy of the region, for the layer may be edited.
    """

    source: MaskSource
    samples: list[GalleryImage] = field(default_factory=list)
    limits: tuple[float, float] = SynthesizeOptions().levels
    mask: NDArray[Any] = field(default_factory=lambda: np.zeros((0, 0), np.int32))


class Gallery(QObject):
    """Draws variations and keeps what the user wants to keep.

    Parameters
    ----------
    viewer : ViewerModel
        Where images are shown large.
    made : str
        What comes after the name of the mask in that of an image.
    parent : QObject
        Who asks; when it goes, drawing stops.
    """

    began = Signal()  # with another sheet
    drawn = Signal(int)  # an image changed
    changed = Signal()  # a job began or ended
    progressed = Signal(int, int, str)
    said = Signal(str, bool)  # a sentence, and whether it is a warning
    enlarged = Signal(object)  # the mask of an image that is shown large

    def __init__(self, viewer: ViewerModel, made: str, parent: QObject) -> None:
        super().__init__(parent)
        self._viewer, self._made = viewer, made
        self.sheet: Sheet | None = None
        self.job: Job | None = None
        self._large: Layer | None = None  # the layer that shows the image that is looked at
        self._number: int | None = None  # of that image

    @property
    def kept(self) -> list[GalleryImage]:
        """The images that the user keeps."""
        return [] if self.sheet is None else [sample for sample in self.sheet.samples if sample.state == KEPT]

    def draw(self, request: Request, source: MaskSource, count: int, *, judged: bool) -> None:
        """Begin with new variations.

        Parameters
        ----------
        request : Request
            With a region of one plane.
        source : MaskSource
            The mask.
        count : int
            Number of images.
        judged : bool
            Whether each is checked in the end.
        """
        if self.job is not None or request.region is None:
            return
        thumbnails = [Thumbnail(request.region, source.axes, colours=source.colours) for _ in range(count)]
        mask = np.array(source.array[tuple(slice(*span) for span in request.region)])
        self.sheet = Sheet(source, [GalleryImage(thumbnail) for thumbnail in thumbnails], source.limits, mask)
        self._let_go()
        start = partial(_variations, request, source.array, source.completion(), count, judged)
        job = Job(f"Drawing {count} images", start, self)
        job.previewed.connect(self._preview)
        job.progressed.connect(self._progress)
        job.noticed.connect(lambda message: self.said.emit(message, False))
        job.done.connect(self._done)
        self.began.emit()
        self.said.emit(words.FORMING, False)
        self._begin(job)

    def _begin(self, job: Job) -> None:
        job.failed.connect(lambda message: self.said.emit(message, True))
        job.cancelled.connect(lambda: self.said.emit("Cancelled.", False))
        job.ended.connect(self._ended)
        self.job = job
        self.changed.emit()
        job.start()

    def cancel(self) -> None:
        """Stop drawing; what is not finished is no image."""
        if self.job is not None:
            self.job.cancel()

    def look_at(self, number: int) -> None:
        """Show an image large, in the place of the one that was looked at before."""
        sample = self.finished(number)
        if sample is None or self.sheet is None or sample.variation is None:
            return
        if number == self._number and self._large in self._viewer.layers and self._large.visible:
            return
        self._number = number
        first = result_layers(self._viewer, self.sheet.source, sample.variation.result, self._made)[0]
        name = f"{first.arguments['name']} {number + 1}"
        if self._large is not None and self._large in self._viewer.layers:
            self._large.data = first.data
            self._large.name, self._large.metadata = name, first.arguments["metadata"]
            self._large.visible = True
        else:
            active = self._viewer.layers.selection.active
            first.arguments["name"] = name
            self._large = first.make()
            put(self._viewer, self.sheet.source, self._large)
            self._viewer.layers.selection.active = active
        self.enlarged.emit(self.sheet.source.layer)
        self.say_of(number)

    def say_of(self, number: int) -> None:
        """Tell what the judge says of an image."""
        sample = self.finished(number)
        if sample is None or sample.variation is None:
            return
        if sample.variation.reasons:
            self.said.emit(words.POOR.format(number + 1, " ".join(sample.variation.reasons)), True)
        else:
            judged = sample.variation.scores.mask is not None
            self.said.emit((words.GOOD if judged else words.UNJUDGED).format(number + 1), False)

    def keep(self, number: int) -> None:
        """Keep an image as a layer of its own; one that is kept is given back."""
        sample = self.finished(number)
        if sample is None:
            return
        if sample.state == KEPT:
            self._mark(number, "")
            return
        self.look_at(number)
        self._let_go()
        self._mark(number, KEPT)

    def reject(self, number: int) -> None:
        """Put an image away, and the layer that shows it large with it; one that was rejected comes back."""
        sample = self.finished(number)
        if sample is None:
            return
        self._mark(number, "" if sample.state == REJECTED else REJECTED)
        if sample.state == REJECTED and self._large is not None and self._large in self._viewer.layers:
            self._large.visible = False

    def save(self, folder: Path) -> None:
        """Write the kept images and their masks as pairs into a folder, in the background."""
        if self.job is not None or self.sheet is None or not self.kept:
            return
        source = self.sheet.source
        variations = [sample.variation for sample in self.kept if sample.variation is not None]
        style = None if source.style is None else source.style.name
        facts = (source.name, style, source.dtype, source.sizes_um)
        start = partial(save_pairs, folder, variations, self.sheet.mask, *facts)
        job = Job(f"Saving to {folder.name}", start, self)
        job.done.connect(lambda words_: self.said.emit(words_, False))
        self._begin(job)

    def finished(self, number: int) -> GalleryImage | None:
        """Return an image if it is there and done."""
        if self.sheet is None or not 0 <= number < len(self.sheet.samples):
            return None
        sample = self.sheet.samples[number]
        return sample if sample.variation is not None else None

    def _mark(self, number: int, state: str) -> None:
        assert self.sheet is not None
        self.sheet.samples[number].state = state
        self.drawn.emit(number)
        self.changed.emit()

    def _let_go(self) -> None:
        """Leave the large layer to the user; the next image gets one of its own."""
        self._large = self._number = None

    def _preview(self, previews: list[Preview]) -> None:
        assert self.sheet is not None
        for preview in previews:
            self.sheet.samples[preview.number].thumbnail.draw(preview)
        for number in sorted({preview.number for preview in previews}):
            self.drawn.emit(number)

    def _progress(self, progress: Progress) -> None:
        self.progressed.emit(progress.done, progress.total, progress_in_words(progress))

    def _done(self, done: Variations) -> None:
        assert self.sheet is not None
        for number, (sample, variation) in enumerate(zip(self.sheet.samples, done.all, strict=True)):
            result = variation.result
            assert result.sample is not None
            sample.variation = variation
            sample.thumbnail.draw(Preview(result.sample, result.region))
            sample.state = POOR if variation.reasons else ""
            self.drawn.emit(number)
        self.said.emit(words.READY, False)

    def _ended(self) -> None:
        self.job = None
        self.changed.emit()


def _variations(request: Request, mask: Any, complete: Completion | None, count: int, judged: bool) -> Any:
    from ...tasks.judge import Judge  # here, in the worker: torch comes with it
    from ...tasks.variations import variations

    request, more = (request, {}) if complete is None else complete(request)
    return variations(request, mask, count, judge=Judge(device=request.device) if judged else None, **more)
