"""What a user asks for: arrays in, `Result` out.

One file per task, and `run`, the one door through which the viewer, the command line and Python all go.
"""

from __future__ import annotations

from typing import Any

from ..engine.events import Done, Result
from ..engine.request import build_request
from ..imaging.axes import Sliceable
from .base import Look
from .look import look
from .run import count_evaluations, run

__all__ = ["Look", "count_evaluations", "denoise", "look", "run"]


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
    request = build_request({"task": "denoise", "options": options, **fields})
    for event in run(request, image):
        if isinstance(event, Done):
            return event.result
    raise AssertionError("a run ends with Done")
