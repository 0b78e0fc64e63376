"""An image with its labels, of which a part can be outlined anew."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..engine.events import Update
from ..engine.options import SegmentOptions, Stroke
from ..engine.request import Request, Span
from ..errors import RequestError
from ..imaging.axes import Sliceable
from .base import Source, open_source
from .run import finish, run

MARGIN = 2.0  # diameters around what is concerned that are outlined anew, so that neighbours are seen whole


@dataclass(frozen=True)
class LabelledImage:
    """An image and the labels that lie on it, or on the region of the request.

    Attributes
    ----------
    axes : str
        One letter per axis of the labels.
    shape : tuple of int
        That of the labels.
    diameter : float
        Of the objects, in pixels.
    """

    request: Request
    image: Sliceable
    source: Source
    axes: str
    shape: tuple[int, ...]
    diameter: float
    _origin: tuple[int, ...]

    @classmethod
    def of(cls, request: Request, image: Sliceable, labels: Sliceable) -> LabelledImage:
        """Check that labels and image belong together.

        Raises
        ------
        RequestError
            If they do not fit, or the request says no diameter.
        """
        options = request.options
        if not isinstance(options, SegmentOptions) or options.diameter is None:
            raise RequestError("A correction needs a request to segment that says the diameter of the objects.")
        source = open_source(request, image)
        spans = [span for span, letter in zip(source.region, source.axes, strict=True) if letter != "S"]
        shape = tuple(stop - start for start, stop in spans)
        if tuple(labels.shape) != shape:
            raise RequestError(
                f"The labels have the shape {tuple(labels.shape)}, but the image {shape}. Choose the labels of this "
                "image."
            )
        origin = tuple(start for start, _ in spans)
        return cls(request, image, source, source.axes.replace("S", ""), shape, options.diameter, origin)

    def outline_anew(
        self,
        region: tuple[Span, ...],
        *,
        strokes: tuple[Stroke, ...] = (),
        steps: int = 1,
        samples: int = 1,
        saddle: float | None = None,
    ) -> Generator[Update, None, NDArray[np.int64]]:
        """Outline a region of the labels once more; yield updates, return labels for each sample.

        Parameters
        ----------
        region : tuple of (start, stop)
            One pair per axis of the labels.
        strokes : tuple of Stroke
            What to heed besides the strokes of the request; in pixels of the labels.
        steps, samples
            One step is the mean of all that might be, several draw samples of it.
        saddle : float, optional
            Another than that of the request.

        Returns
        -------
        ndarray of int64
            An axis of samples before those of the region.
        """
        options = self.request.options
        assert isinstance(options, SegmentOptions)
        changes = {"strokes": (*options.strokes, *(self._on_image(stroke) for stroke in strokes))}
        anew = self.request.model_copy(
            update={
                "region": self._with_colours(region),
                "outputs": ("draws",),
                "steps": steps,
                "samples": samples,
                "options": options.model_copy(update=changes | ({"saddle": saddle} if saddle else {})),
            }
        )
        found = yield from finish(run(anew, self.image))
        assert found.draws is not None
        return found.draws.astype(np.int64)

    def _on_image(self, stroke: Stroke) -> Stroke:
        points = tuple(tuple(p + o for p, o in zip(corner, self._origin, strict=True)) for corner in stroke.points)
        return stroke.model_copy(update={"points": points})

    def _with_colours(self, region: tuple[Span, ...]) -> tuple[Span, ...]:
        """Return the region of the image, which may have an axis of colours besides."""
        inside = iter((start + o, stop + o) for (start, stop), o in zip(region, self._origin, strict=True))
        return tuple(
            (0, length) if letter == "S" else next(inside)
            for letter, length in zip(self.source.axes, self.source.shape, strict=True)
        )


def window_around(concerned: NDArray[np.bool_], margin: int) -> tuple[Span, ...]:
    """Return the span along each axis of what is true on a plane, and a margin of so many pixels."""
    spans = []
    for axis, length in enumerate(concerned.shape):
        places = np.flatnonzero(concerned.any(axis=1 - axis))
        spans.append((max(0, int(places[0]) - margin), min(length, int(places[-1]) + 1 + margin)))
    return tuple(spans)
