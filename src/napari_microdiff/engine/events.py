"""What a running job tells whoever drives it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from .request import Request, Span


@dataclass(frozen=True)
class Progress:
    """How far the job is.

    A run tells it after each evaluation of the denoiser on one tile, and while results are read.

    Attributes
    ----------
    done, total : int
        So far and in all: the evaluations of a run, else what the job is made of, such as pairs, objects, files or
        steps of training.
    seconds_left : float, optional
        Estimated from the pace so far; ``None`` while there is no pace yet.
    """

    done: int
    total: int
    seconds_left: float | None = None


@dataclass(frozen=True)
class Notice:
    """Something that the user should know but need not act on, such as a smaller tile after running out of memory."""

    message: str


@dataclass(frozen=True)
class Preview:
    """The current estimate of one part of the output.

    Attributes
    ----------
    image : ndarray of float32
        Current posterior mean, with as many axes as the input and in its units; when segmenting, the depth within
        objects instead.
    region : tuple of (start, stop)
        Where it belongs in the input, one pair per axis; in the pixels of the result where these are finer.
    number : int
        Of which image it is, where several form at the same time.
    """

    image: NDArray[np.float32]
    region: tuple[Span, ...]
    number: int = 0


@dataclass(frozen=True)
class Result:
    """What was made and how.

    Attributes
    ----------
    mean, sample, uncertainty : ndarray of float32, optional
        In the units of the input; shape of the region that was asked for, with the pixels that ``request.finer`` makes
        of it. ``uncertainty`` is a standard deviation per pixel. What was not asked for is ``None``. A mean or a sample
        that keeps pixels of the input is of float64 where float32 does not hold them to the last bit.
    residual : ndarray of float32, optional
        What is left of the input when that which would be measured of the mean, or of the sample if that is made and
        no mean, is taken away; shape of the region. It is nan at the borders of a region within the input, where this
        cannot be told.
    labels : ndarray of int32, optional
        Objects, numbered from 1; the shape of the region, without an axis of colours.
    maps : ndarray of float32, optional
        What the objects were read from, see `imaging.instances.maps_of`; an axis of length 2 before the others.
    draws : ndarray of int32, optional
        Objects of each sample; an axis of their number before the others.
    objects : dict of str to ndarray
        A column for each fact about the objects: ``label``, ``area`` (pixels), ``confidence`` (0 to 1, nan where
        nothing is known), and ``z``, ``y``, ``x``, ... of the centre (pixels of the input).
    request : Request
        The request as it was carried out: model, weights, device, precision and axes filled in.
    region : tuple of (start, stop)
        Where the result belongs in the input, one pair per axis.
    report : dict
        JSON-able facts: ``seconds``, ``device``, ``evaluations`` (of the denoiser per sample), ``noise_level`` (input
        units), ``normalization``, ``familiarity`` (how like the training images this one is), ``notices``.
    """

    request: Request
    region: tuple[Span, ...]
    mean: NDArray[np.float32] | None = None
    sample: NDArray[np.float32] | None = None
    uncertainty: NDArray[np.float32] | None = None
    residual: NDArray[np.float32] | None = None
    labels: NDArray[np.int32] | None = None
    maps: NDArray[np.float32] | None = None
    draws: NDArray[np.int32] | None = None
    objects: dict[str, NDArray[np.generic]] = field(default_factory=dict)
    report: dict[str, Any] = field(default_factory=dict)

    def images(self) -> dict[str, NDArray[np.float32]]:
        """Return the arrays that were made, by the name of the output."""
        names = ("mean", "sample", "uncertainty", "residual")
        named = {name: getattr(self, name) for name in names}
        return {name: image for name, image in named.items() if image is not None}


@dataclass(frozen=True)
class Done:
    """The job is finished; nothing follows."""

    result: Result


Update: TypeAlias = Progress | Notice | Preview  # while a job goes on
Event: TypeAlias = Update | Done
Events: TypeAlias = Iterator[Event]
