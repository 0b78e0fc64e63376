"""The objects of label images as a population: their outlines, how densely they lie, how many touch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from ..errors import ImageError
from .instances import check_labels, diameters, in_sequence

_NEIGHBOURS = np.ones((3, 3), dtype=bool)
_KINDRED = 1.25  # times the typical diameter of one image, within which that of another is alike


@dataclass(frozen=True)
class Outline:
    """One object, cut out.

    Attributes
    ----------
    mask : ndarray of bool, shape (y, x)
        In its box.
    kind : int
        Its class, from 1.
    """

    mask: NDArray[np.bool_]
    kind: int = 1


@dataclass(frozen=True)
class Population:
    """What random layouts are made of, see `layout`.

    Attributes
    ----------
    outlines : tuple of Outline
        Of objects that no border of their image cuts.
    density : tuple of float
        Objects per pixel of each image.
    touching : float
        Share of all objects that touch another, 0 to 1.
    """

    outlines: tuple[Outline, ...]
    density: tuple[float, ...]
    touching: float


@dataclass(frozen=True)
class Census:
    """The objects of one label image.

    Attributes
    ----------
    whole, cut : tuple of Outline
        Objects that no border of the image cuts, and the others.
    touching : int
        How many touch another.
    pixels : int
        Size of the image.
    """

    whole: tuple[Outline, ...]
    cut: tuple[Outline, ...]
    touching: int
    pixels: int

    @property
    def count(self) -> int:
        """Number of objects."""
        return len(self.whole) + len(self.cut)


def census_of(image: NDArray[np.generic], kinds: Mapping[int, int] | None = None) -> Census:
    """Cut out and count the objects of a label image.

    Parameters
    ----------
    image : ndarray, shape (y, x)
        Labels; 0 is the background.
    kinds : mapping, optional
        Class of each label, from 1; labels that it does not name are of class 1.

    Raises
    ------
    ImageError
        As of `check_labels`.
    """
    (labels, names), named = in_sequence(check_labels(image)), kinds or {}
    boxes = ndimage.find_objects(labels) if labels.size else []
    whole: list[Outline] = []
    cut: list[Outline] = []
    touching = 0
    for label, box in enumerate(boxes, 1):
        if box is None:
            continue
        inside = all(span.start > 0 and span.stop < n for span, n in zip(box, labels.shape, strict=True))
        (whole if inside else cut).append(Outline(labels[box] == label, named.get(int(names[label]), 1)))
        touching += _touches(labels, label, box)
    return Census(tuple(whole), tuple(cut), touching, labels.size)


def population_of(
    images: Sequence[NDArray[np.generic]], kinds: Sequence[Mapping[int, int]] | None = None
) -> Population:
    """Measure the population of label images.

    Parameters
    ----------
    images : sequence of ndarray, each of shape (y, x)
        Labels; 0 is the background.
    kinds : sequence of mapping, optional
        For each image the class of each label; see `census_of`.

    Raises
    ------
    ImageError
        As of `check_labels`, or if there is no object.
    """
    named = kinds if kinds is not None else [None] * len(images)
    return pooled([census_of(image, each) for image, each in zip(images, named, strict=True)])


def pooled(found: Sequence[Census]) -> Population:
    """Return the population of images whose objects were counted.

    Objects that a border cuts are taken only where there are no others.

    Raises
    ------
    ImageError
        If there is no object.
    """
    total = sum(each.count for each in found)
    if not total:
        raise ImageError("There are no objects in these labels. Choose labels that hold some.")
    outlines = [outline for each in found for outline in each.whole]
    cut = [outline for each in found for outline in each.cut]
    density = [each.count / each.pixels for each in found if each.pixels]
    return Population(tuple(outlines or cut), tuple(density), sum(each.touching for each in found) / total)


def _touches(labels: NDArray[np.integer], label: int, box: tuple[slice, ...]) -> bool:
    """Return whether a neighbouring pixel of an object, diagonal ones too, belongs to another."""
    wider = tuple(slice(max(0, span.start - 1), span.stop + 1) for span in box)
    here = labels[wider]
    around = ndimage.binary_dilation(here == label, _NEIGHBOURS)
    return bool(np.any(around & (here > 0) & (here != label)))


def kindred(images: Sequence[NDArray[np.generic]]) -> list[tuple[int, ...]]:
    """Return for each label image which images have objects about as large as its own, itself among them.

    Images from several microscopes and magnifications do not mix: no image has the nuclei of both.

    Parameters
    ----------
    images : sequence of ndarray, each of shape (y, x)
        Labels; 0 is the background. One without objects is like none, not even itself.

    Raises
    ------
    ImageError
        As of `check_labels`.
    """
    found = (diameters(check_labels(image)) for image in images)
    sizes = np.array([np.log(np.median(each)) if each.size else np.nan for each in found])  # no number is near to none
    return [tuple(np.flatnonzero(np.abs(sizes - size) <= np.log(_KINDRED)).tolist()) for size in sizes]
