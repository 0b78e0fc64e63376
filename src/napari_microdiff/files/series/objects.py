"""The table of a label image: measured from the labels themselves, with what was known of each object before."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...errors import FileError
from ...imaging.measured import measure
from ..faults import reading

AUTO, EDITED, ACCEPTED = "auto", "edited", "accepted"  # as the model made it; by hand; looked at and found right

Columns = dict[str, NDArray[np.generic]]


def state_table(
    labels: NDArray[np.integer[Any]], axes: str, known: Mapping[str, Any] | None = None, unknown: str = EDITED
) -> Columns:
    """Return the table of the objects of a label image.

    Parameters
    ----------
    labels : ndarray of int
        Objects, numbered from 1 with gaps.
    axes : str
        One letter per axis of ``labels``.
    known : mapping of str to sequence, optional
        Columns ``label``, ``confidence`` and ``state``; rows of objects that are gone are left out.
    unknown : str
        State of the objects that ``known`` has no row for.

    Returns
    -------
    dict of str to ndarray
        Columns ``label``, ``area`` (pixels), ``confidence`` (nan where it is not known), ``state``, and a column for
        each axis with the centre, in pixels.
    """
    found = measure(labels)
    count = len(found.labels)
    confidence, state = np.full(count, np.nan), np.full(count, unknown, dtype=object)
    if known is not None:
        rows = dict(zip(known["label"], zip(known["confidence"], known["state"], strict=True), strict=True))
        for at, number in enumerate(found.labels.tolist()):
            if number in rows:
                confidence[at], state[at] = rows[number]
    places = {letter.lower(): centre for letter, centre in zip(axes, found.centres, strict=True)}
    return {"label": found.labels, "area": found.areas, "confidence": confidence, "state": state, **places}


def changed_objects(before: NDArray[np.integer[Any]], after: NDArray[np.integer[Any]]) -> set[int]:
    """Return the objects that have other pixels in one label image than in the other."""
    differs = before != after
    return {int(label) for labels in (before, after) for label in np.unique(labels[differs])} - {0}


def read_states(path: Path) -> Columns:
    """Read what a table says of confidence and state.

    Returns
    -------
    dict of str to ndarray
        Columns ``label``, ``confidence`` and ``state``.

    Raises
    ------
    FileError
        If the file cannot be read or is not such a table.
    """
    with reading(path), path.open(newline="", encoding="utf-8-sig") as stream:
        rows = list(csv.DictReader(stream))
    try:
        return {
            "label": np.array([int(row["label"]) for row in rows], dtype=np.int64),
            "confidence": np.array([float(row.get("confidence") or "nan") for row in rows]),
            "state": np.array([row.get("state") or AUTO for row in rows], dtype=object),
        }
    except (KeyError, TypeError, ValueError):
        raise FileError(
            f"{path} is not a table of objects. Move it elsewhere; another one is written with the labels."
        ) from None
