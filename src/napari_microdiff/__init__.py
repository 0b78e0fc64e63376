"""Diffusion models for microscopy: see through the noise, and see where not to trust it.

``denoise(image)``, ``superresolve(image)``, ``isotropic(stack)``, ``repair(image, damaged)``, ``segment(image)`` and
``synthesize(labels)`` are the short ways in, and ``measure_psf(beads)`` measures the blur that ``superresolve`` takes
back; :func:`run` takes any :class:`Request`. Importing this package loads neither torch nor napari nor Qt.
"""

from __future__ import annotations

from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .engine.events import Result
    from .engine.request import Request
    from .imaging.point_spread import measure_psf
    from .tasks import denoise, isotropic, repair, run, segment, superresolve, synthesize

__all__ = [
    "Request",
    "Result",
    "__version__",
    "denoise",
    "isotropic",
    "measure_psf",
    "repair",
    "run",
    "segment",
    "superresolve",
    "synthesize",
]

try:
    __version__ = version("napari-microdiff")
except PackageNotFoundError:  # run from a source tree that is not installed
    __version__ = "0+unknown"

_HOMES = {
    "Request": ".engine.request",
    "Result": ".engine.events",
    "denoise": ".tasks",
    "measure_psf": ".imaging.point_spread",
    "repair": ".tasks",
    "run": ".tasks",
    "segment": ".tasks",
    "superresolve": ".tasks",
    "isotropic": ".tasks",
    "synthesize": ".tasks",
}


def __getattr__(name: str) -> Any:
    """Load what is asked for when it is asked for, so that importing the package stays cheap."""
    if name in _HOMES:
        return getattr(import_module(_HOMES[name], __name__), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
