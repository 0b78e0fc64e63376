"""Says so where napari is too old for the panels: whoever has it already may install without asking for a version."""

from __future__ import annotations

import re

import napari

from ..errors import VersionError

OLDEST = (0, 7)


def check_napari() -> None:
    """Check that napari is new enough.

    Raises
    ------
    VersionError
        If it is not.
    """
    found = re.match(r"(\d+)\.(\d+)", napari.__version__)  # run from its sources, napari may not know its version
    if found and tuple(map(int, found.groups())) < OLDEST:
        wanted = ".".join(map(str, OLDEST))
        raise VersionError(
            f"napari {napari.__version__} is too old for napari-microdiff, which needs {wanted} or later. Close it, "
            f'run pip install --upgrade "napari>={wanted}" in its environment, and start it again.'
        )
