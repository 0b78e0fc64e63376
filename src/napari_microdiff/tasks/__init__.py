"""What a user asks for: arrays in, `Result` out.

One file per task, and `run`, the one door through which the viewer, the command line and Python all go.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ..engine.events import Done, Result
from ..engine.options import Stroke
from ..engine.request import Request, build_request
from ..imaging.axes import Sliceable
from ..imaging.optics import Part
from .counting import count_evaluations, count_work
from .locked import check_locked, with_locked
from .look import Look, look
from .reference import Reference, reference_of
from .run import run

__all__ = [
    "Look",
    "Reference",
    "count_evaluations",
    "count_work",
    "denoise",
    "isotropic",
    "look",
    "reference_of",
    "repair",
    "run",
    "segment",
    "superresolve",
    "synthesize",
]


def denoise(image: Sliceable, *, noise_level: float | None = None, start: str = "condition", **fields: Any) -> Result:
    """Denoise an image.

    Parameters
    ----------
    image : array-like
        Any real type, two to six axes; numpy, dask, zarr, or nested lists of numbers.
    noise_level : float, optional
        Standard deviation of the noise in the units of the image; ``None`` measures it.
    start : {"condition", "measured-noise"}
        See `DenoiseOptions`.
    **fields
        Other fields of `Request`, such as ``model``, ``steps``, ``samples``, ``seed``, ``axes`` and ``device``.

    Returns
    -------
    Result
        ``result.mean`` and ``result.uncertainty`` are in the units of the image.

    Raises
    ------
    ImageError, RequestError, ModelError, DeviceError
        If something is unusable; the message says what to do.

    Examples
    --------
    >>> result = denoise(noisy, model="denoise-em", steps=8, samples=8)  # doctest: +SKIP
    """
    options = {"noise_level": noise_level, "start": start}
    return _finished(build_request({"task": "denoise", "options": options, **fields}), image)


def superresolve(
    image: Sliceable,
    *,
    factor: int = 2,
    blur: float = 0.0,
    optics: tuple[float, float, float] | None = None,
    psf: tuple[Part, ...] = (),
    noise_level: float | None = None,
    **fields: Any,
) -> Result:
    """Make the pixels of an image finer, and take back what is known of its blur.

    Parameters
    ----------
    image : array-like
        Any real type, two to six axes; numpy, dask, zarr, or nested lists of numbers.
    factor, blur, optics, psf, noise_level
        See `SuperresolveOptions`.
    **fields
        Other fields of `Request`, such as ``model``, ``steps``, ``samples``, ``seed``, ``axes`` and ``device``.

    Returns
    -------
    Result
        ``result.mean`` and ``result.uncertainty`` are in the units of the image, with ``factor`` times as many pixels
        along y and x: the first pixel of the image is the square of the first ``factor`` by ``factor`` of them.

    Raises
    ------
    ImageError, RequestError, ModelError, DeviceError
        If something is unusable; the message says what to do.

    Examples
    --------
    >>> result = superresolve(image, factor=2, optics=(0.52, 1.4, 0.1))  # doctest: +SKIP
    >>> result = superresolve(image, factor=2, psf=measure_psf(beads).parts)  # doctest: +SKIP
    """
    options = {"factor": factor, "blur": blur, "optics": optics, "psf": psf, "noise_level": noise_level}
    return _finished(build_request({"task": "superresolve", "options": options, **fields}), image)


def isotropic(image: Sliceable, *, factor: int, **fields: Any) -> Result:
    """Draw what may lie between the slices of a stack, so that its voxels become cubes.

    Parameters
    ----------
    image : array-like
        Any real type, three to six axes, of which one is Z; numpy, dask, zarr, or nested lists of numbers.
    factor : int
        Distance of slices in pixels, from 2 to 10.
    **fields
        Other fields of `Request`, such as ``model``, ``steps``, ``samples``, ``seed``, ``axes`` and ``device``.

    Returns
    -------
    Result
        ``result.sample`` and ``result.uncertainty`` are in the units of the image, with ``factor - 1`` slices between
        each two: slice ``n`` of the image is slice ``factor * n`` of the result, to the last bit.

    Raises
    ------
    ImageError, RequestError, ModelError, DeviceError
        If something is unusable; the message says what to do.

    Examples
    --------
    >>> result = isotropic(stack, factor=5, axes="ZYX")  # doctest: +SKIP
    """
    return _finished(build_request({"task": "isotropic", "options": {"factor": factor}, **fields}), image)


def repair(image: Sliceable, damaged: Sliceable, *, start: float = 1.0, noise: bool = True, **fields: Any) -> Result:
    """Draw what may lie under damaged pixels.

    Parameters
    ----------
    image : array-like
        Any real type, two to six axes; numpy, dask, zarr, or nested lists of numbers.
    damaged : array-like
        Not zero where pixels are damaged, with the axes of the image, all but the colours of these, or those of its
        planes.
    start, noise
        See `RepairOptions`.
    **fields
        Other fields of `Request`, such as ``model``, ``steps``, ``samples``, ``seed``, ``axes`` and ``device``.

    Returns
    -------
    Result
        ``result.sample``, in which all other pixels are as they were.

    Raises
    ------
    ImageError, RequestError, ModelError, DeviceError
        If something is unusable; the message says what to do.

    Examples
    --------
    >>> result = repair(section, dust, model="denoise-em", seed=2)  # doctest: +SKIP
    """
    damaged = damaged if hasattr(damaged, "shape") else np.asarray(damaged)
    request = build_request({"task": "repair", "options": {"start": start, "noise": noise}, **fields})
    return _finished(request, image, damaged=damaged)


def segment(
    image: Sliceable,
    *,
    shown: str = "bright",
    diameter: float | None = None,
    saddle: float = 0.35,
    smallest: float = 0.05,
    strokes: Sequence[Stroke] | None = None,
    locked: Sliceable | None = None,
    **fields: Any,
) -> Result:
    """Find the objects of an image.

    Parameters
    ----------
    image : array-like
        Any real type, two to six axes; numpy, dask, zarr, or nested lists of numbers.
    shown, diameter, saddle, smallest, strokes
        See `SegmentOptions`.
    locked : array-like of int, optional
        Labels of objects that are right already and keep every pixel, 0 elsewhere; the shape of the image without its
        axis of colours. They keep their labels, others are numbered after them.
    **fields
        Other fields of `Request`, such as ``model``, ``steps``, ``samples``, ``seed``, ``axes`` and ``device``. With
        several samples of several steps each object has a confidence.

    Returns
    -------
    Result
        ``result.labels`` and the table ``result.objects``.

    Raises
    ------
    ImageError, RequestError, ModelError, DeviceError
        If something is unusable; the message says what to do.

    Examples
    --------
    >>> result = segment(nuclei, samples=4, steps=4)  # doctest: +SKIP
    """
    options = {"shown": shown, "diameter": diameter, "saddle": saddle, "smallest": smallest, "strokes": strokes or ()}
    request = build_request({"task": "segment", "options": options, **fields})
    if locked is None:
        return _finished(request, image)
    locked = locked if hasattr(locked, "shape") else np.asarray(locked)
    check_locked(request, image, locked)
    return with_locked(_finished(request, image), locked)


def synthesize(
    labels: Sliceable,
    *,
    reference: Sliceable | Reference | None = None,
    levels: tuple[float, float] | None = None,
    kinds: Mapping[int, int] | None = None,
    photons: float | None = None,
    read_noise: float = 0.0,
    blur: float = 0.0,
    behind: Sliceable | None = None,
    kept: Sliceable | None = None,
    start: float | None = None,
    **fields: Any,
) -> Result:
    """Draw an image under a mask.

    Parameters
    ----------
    labels : array-like of int
        The mask: 0 is the background, every object has a number of its own; two to six axes, planes are drawn one by
        one.
    reference : array-like or Reference, optional
        An image whose style and grey levels are taken over.
    levels : (float, float), optional
        Grey levels of background and bright objects, about; instead of those of the reference.
    kinds : mapping of int to int, optional
        Class of each label, from 1; labels that it does not name are of class 1.
    photons, read_noise, blur
        See `SynthesizeOptions`.
    behind : array-like, optional
        An image of which all outside of ``region`` is kept, so that what is drawn in it fits; in grey levels.
    kept : array-like, optional
        With the shape of the mask; where it is not zero the image behind is kept within the region, too. For objects
        that are replaced see `imaging.mask_edits.common_background`.
    start : float, optional
        See `SynthesizeOptions`.
    **fields
        Other fields of `Request`, such as ``model``, ``steps``, ``guidance``, ``seed``, ``region`` and ``device``.

    Returns
    -------
    Result
        ``result.sample``; where the model draws in colours, they are a last axis.

    Raises
    ------
    ImageError, RequestError, ModelError, DeviceError
        If something is unusable; the message says what to do.

    Examples
    --------
    >>> result = synthesize(labels, reference=nuclei, seed=3)  # doctest: +SKIP
    """
    options: dict[str, Any] = {"photons": photons, "read_noise": read_noise, "blur": blur, "start": start}
    if reference is not None:
        known = reference if isinstance(reference, Reference) else reference_of(reference)
        options |= {"style": known.style, "levels": known.levels}
    if levels is not None:
        options["levels"] = levels
    options["kinds"] = tuple(sorted((kinds or {}).items()))
    request = build_request({"task": "synthesize", "options": options, **fields})
    given = {"behind": behind, "kept": kept}
    arrays = {name: a if a is None or hasattr(a, "shape") else np.asarray(a) for name, a in given.items()}
    return _finished(request, labels, **arrays)


def _finished(request: Request, image: Sliceable, **arrays: Sliceable | None) -> Result:
    return next(event.result for event in run(request, image, **arrays) if isinstance(event, Done))
