"""How much a request is to do, told from the shape of an image before any of it is looked at."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from ..engine.canvas import Plane
from ..engine.device import choose_device, default_tile
from ..engine.request import Request, Span
from ..engine.tiles import Reach, grown, make_tiles, side_of_tiles
from ..imaging.axes import planes
from ..models.store import find_model
from .base import Source, evaluations_needed, open_source, samples_needed

PIXELS_BESIDE = 6000  # take a CPU as long as what is done for a tile however small it is


def count_evaluations(request: Request, shape: tuple[int, ...]) -> int:
    """Return about how many tiles a request will evaluate on an image of this shape, without looking at it."""
    source = _blank(request, shape)
    tile = request.tile or default_tile(choose_device(request.device))
    finer, all_finer = _finer(request, source)
    along = {}
    for letter, (start, stop) in finer.items():
        side = side_of_tiles(all_finer[letter][1], tile)  # the grid is that of the whole image
        along[letter] = (stop - 1) // side - start // side + 1
    across = {letter: stop - start for letter, (start, stop) in finer.items()}
    return _count_looks(request, source) * _per_plane(request, along, across)


def count_work(request: Request, shape: tuple[int, ...]) -> int:
    """Return about how much work a request is on an image of this shape: what takes twice as long is twice as much.

    It is the number of pixels that the network sees, those around tiles included, and as many for each tile as take as
    long as all that is done for a tile of any size.

    Raises
    ------
    RequestError, ModelError
        If the request does not fit the image, or there is no such model.
    """
    source, card = _blank(request, shape), find_model(request.model).card
    tile = request.tile or default_tile(choose_device(request.device))
    reach = Reach.of(card.architecture.stride, card.halo)
    stride, halo = reach.stride[-1:], reach.halo[-1:]
    margin = round(Plane.margin * halo[0]) if evaluations_needed(request) > 1 else 0
    finer, all_finer = _finer(request, source)
    across, tiles, seen = {}, {}, {}
    for letter in set(request.within) & finer.keys():
        whole = (all_finer[letter][1],)
        area = grown((finer[letter],), whole, (margin,))
        parts = make_tiles(whole, area, tile, Reach(stride, halo))  # along one axis only: there are few
        across[letter], tiles[letter] = area[0][1] - area[0][0], len(parts)
        seen[letter] = sum(part.window_shape[0] for part in parts)
    work = _per_plane(request, seen, across) + PIXELS_BESIDE * _per_plane(request, tiles, across)
    return _count_looks(request, source) * work


def _per_plane(request: Request, along: Mapping[str, int], across: Mapping[str, int]) -> int:
    """Return how much there is in a plane, or in the planes of a volume from both sides, of what is so much along axes.

    Parameters
    ----------
    across : mapping of str to int
        How many planes lie behind each other along each axis.
    """
    if request.within != "ZYX":
        return along["Y"] * along["X"]
    return along.get("Z", 1) * (across["Y"] * along["X"] + across["X"] * along["Y"])


def _blank(request: Request, shape: tuple[int, ...]) -> Source:
    return open_source(request, np.broadcast_to(np.zeros((), dtype=np.uint8), shape))


def _finer(request: Request, source: Source) -> tuple[dict[str, Span], dict[str, Span]]:
    """Return the region and the whole image in pixels of the result, per axis."""
    whole = tuple((0, length) for length in source.shape)
    part, everything = (request.finer.region(spans, source.axes) for spans in (source.region, whole))
    return dict(zip(source.axes, part, strict=True)), dict(zip(source.axes, everything, strict=True))


def _count_looks(request: Request, source: Source) -> int:
    """Return how often the region of a plane, or of a volume, is gone through."""
    number = len(planes(source.axes, source.shape, source.region, request.within))
    return number * samples_needed(request) * evaluations_needed(request)
