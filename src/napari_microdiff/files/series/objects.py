"""The table of a label image: measured from the labels themselves, with what was known of each object before."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...errors import FileError
from ..faults import reading

AUTO, EDITED, ACCEPTED = "auto", "edited", "accepted"  # as the model made it; by hand; looked at and found right
_LARGEST = 2**24  # up to this label one counter for each is cheaper than sorting the pixels

Columns = dict[str, NDArray[np.generic]]


def describe(
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
    numbers, area, centres = _measure(labels)
    confidence, state = np.full(len(numbers), np.nan), np.full(len(numbers), unknown, dtype=object)
    if known is not None:
        rows = dict(zip(known["label"], zip(known["confidence"], known["state"], strict=True), strict=True))
        for at, number in enumerate(numbers.tolist()):
            if number in rows:
                confidence[at], state[at] = rows[number]
    places = {letter.lower(): centre for letter, centre in zip(axes, centres, strict=True)}
    return {"label": numbers, "area": area, "confidence": confidence, "state": state, **places}


def changed_objects(before: NDArray[np.integer[Any]], after: NDArray[np.integer[Any]]) -> set[int]:
    """Return the objects that have other pixels in one label image than in the other."""
    differs = before != after
    return {int(label) for labels in (before, after) for label in np.unique(labels[differs])} - {0}


def read_table(path: Path) -> Columns:
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


def _measure(labels: NDArray[np.integer[Any]]) -> tuple[NDArray[Any], NDArray[Any], list[NDArray[np.float64]]]:
    """Return label, area and centre along each axis of the objects that are there."""
    flat = labels.ravel()
    if int(flat.max(initial=0)) > _LARGEST or int(flat.min(initial=0)) < 0:
        names, flat = np.unique(flat, return_inverse=True)
    else:
        names = np.arange(int(flat.max(initial=0)) + 1)
    area = np.bincount(flat, minlength=len(names))
    there = (area > 0) & (names > 0)
    centres = []
    for axis, length in enumerate(labels.shape):
        along = np.arange(length, dtype=np.float64).reshape([-1 if a == axis else 1 for a in range(labels.ndim)])
        total = np.bincount(flat, weights=np.broadcast_to(along, labels.shape).ravel(), minlength=len(names))
        centres.append(total[there] / area[there])
    return names[there], area[there], centres
