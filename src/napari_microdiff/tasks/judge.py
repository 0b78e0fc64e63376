"""Judges an image that was drawn under a mask: a segmenter looks for its objects, its style is compared."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from ..engine.events import Done, Notice, Preview, Progress, Result
from ..engine.options import SynthesizeOptions
from ..engine.request import Request, build_request
from ..errors import ImageError
from ..imaging.instances import check_labels, diameters
from ..imaging.judging import Limits, Scores
from ..imaging.matching import panoptic_quality
from ..imaging.style import unlikeness
from ..models.originals import read_originals
from ..models.store import find_model
from .base import check_model_fits
from .reference import style_between
from .run import run

_PROGRESS = Generator[Progress | Notice, None, Scores]


@dataclass(frozen=True)
class Judge:
    """How drawn images are judged.

    Attributes
    ----------
    segmenter : str
        Identity of the model that looks for the objects. It says the more, the less it has in common with the model
        that drew them.
    shown : {"bright", "dark", "stained"}, optional
        How objects are shown; ``None`` takes images in colours for stained ones and others for bright objects.
    limits : Limits
        From which scores on an image is rejected.
    device : str
        See `Request`.
    """

    segmenter: str = "segment-nuclei"
    shown: str | None = None
    limits: Limits = field(default_factory=Limits)
    device: str = "auto"

    def check(self) -> None:
        """Raise ModelError if there is no such segmenter, or it is for something else."""
        check_model_fits(Request(task="segment"), find_model(self.segmenter).card)

    def look_at(self, drawn: Result, labels: NDArray[np.integer]) -> _PROGRESS:
        """Judge the first sample of a result.

        Parameters
        ----------
        drawn : Result
            Of a mask that is one plane; with ``sample``.
        labels : ndarray, shape (y, x)
            The mask, in the region of the result.

        Yields
        ------
        Progress, Notice
            Of the segmentation; closing the generator stops it.

        Returns
        -------
        Scores
            The style is compared only where the request had one, and training images only where the model knows its
            own.

        Raises
        ------
        ImageError, RequestError, ModelError, DeviceError
            As of `run`, or if the mask does not lie on the result.
        """
        image = drawn.sample
        if image is None or labels.ndim != 2 or image.shape[:2] != labels.shape:
            raise ImageError("Only an image that was drawn under a mask of one plane can be judged with this mask.")
        scores = Scores(mask=(yield from self._mask_comes_back(image, labels)))
        scores = replace(scores, nearest=(yield from _nearest(drawn, labels)))
        options = drawn.request.options
        assert isinstance(options, SynthesizeOptions)
        if options.style is None:
            return scores
        axes = "YXS" if image.ndim == 3 else "YX"
        apart = unlikeness(style_between(image, options.levels, axes=axes), options.style)
        return replace(scores, **apart._asdict())

    def reasons(self, drawn: Result, scores: Scores) -> tuple[str, ...]:
        """Return why an image is rejected, each reason a sentence; nothing if it is good.

        From which likeness on it is taken for a copy is said by the limits, else by the model that drew it.
        """
        known = find_model(drawn.request.model).card.originals
        limits = self.limits
        if limits.nearest is None and known is not None:
            limits = replace(limits, nearest=known.limit)
        return limits.reasons(scores)

    def _mask_comes_back(
        self, image: NDArray[np.float32], labels: NDArray[np.integer]
    ) -> Generator[Progress | Notice, None, float]:
        for event in run(self._request(image, labels), image):
            if isinstance(event, Done):
                assert event.result.labels is not None
                return panoptic_quality(labels, event.result.labels)
            if not isinstance(event, Preview):  # of outlines, which are no image that is drawn
                yield event
        raise AssertionError("a run ends with Done")

    def _request(self, image: NDArray[np.float32], labels: NDArray[np.integer]) -> Request:
        coloured = image.ndim == 3
        known = diameters(check_labels(labels))
        options = {
            "shown": self.shown or ("stained" if coloured else "bright"),
            "diameter": float(np.median(known)) if known.size else None,
        }
        axes = "YXS" if coloured else "YX"
        fields = {"model": self.segmenter, "axes": axes, "device": self.device, "options": options}
        return build_request({"task": "segment", **fields})


def _nearest(drawn: Result, labels: NDArray[np.integer]) -> Generator[Progress, None, float | None]:
    """Compare the objects of an image with those that its model was trained on."""
    originals = read_originals(find_model(drawn.request.model))
    if originals is None or drawn.sample is None:
        return None
    total, done, highest = len(np.unique(labels[labels > 0])), 0, None
    for found in originals.compare(drawn.sample, labels):
        done += len(found)
        highest = max(float(found.max()), -1.0 if highest is None else highest)
        yield Progress(done, total)
    return highest
