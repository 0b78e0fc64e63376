"""Tests of `tasks.strokes`."""

from __future__ import annotations

import numpy as np
import pytest

from napari_microdiff.engine.options import Stroke
from napari_microdiff.errors import RequestError
from napari_microdiff.tasks.strokes import StrokeMaps


def _maps(*strokes: Stroke, zoomed: tuple[int, int] = (8, 10), width: int = 1) -> np.ndarray:
    plane = StrokeMaps(strokes, "YX").of_plane((slice(0, 8), slice(0, 10)), (8, 10), zoomed)
    return plane.in_window(((0, zoomed[0]), (0, zoomed[1])), width)


def test_each_kind_has_a_map_of_its_own() -> None:
    maps = _maps(
        Stroke(kind="object", points=((1, 1), (1, 4))),
        Stroke(kind="background", points=((6, 2),)),
        Stroke(kind="cut", points=((3, 5), (6, 8))),
    )
    assert [np.argwhere(each).tolist() for each in maps] == [
        [[1, 1], [1, 2], [1, 3], [1, 4]],
        [[6, 2]],
        [[3, 5], [4, 6], [5, 7], [6, 8]],
    ]


def test_a_wider_line_lies_around_the_thin_one_and_is_cut_at_the_border() -> None:
    stroke = Stroke(kind="cut", points=((0, 2), (0, 4)))
    wide = _maps(stroke, width=3)[2]
    assert np.argwhere(wide).tolist() == [[y, x] for y in (0, 1) for x in range(1, 6)]


def test_windows_show_parts_of_the_whole() -> None:
    plane = StrokeMaps((Stroke(kind="cut", points=((1, 1), (6, 8))),), "YX").of_plane(
        (slice(0, 8), slice(0, 10)), (8, 10), (16, 20)
    )
    whole = plane.in_window(((0, 16), (0, 20)), 3)
    np.testing.assert_array_equal(plane.in_window(((3, 9), (5, 20)), 3), whole[:, 3:9, 5:20])


def test_a_magnified_line_stays_where_it_was_drawn() -> None:
    (place,) = np.argwhere(_maps(Stroke(kind="object", points=((3, 4),)), zoomed=(24, 30))[0])
    assert place.tolist() == [10, 13]  # the middle of a pixel stays its middle


def test_a_stroke_is_on_the_plane_of_its_first_corner() -> None:
    maps = StrokeMaps((Stroke(kind="object", points=((2, 1, 1), (2, 1, 3))),), "ZYX")
    for z, count in ((1, 0), (2, 3)):
        plane = maps.of_plane((z, slice(0, 8), slice(0, 10)), (8, 10), (8, 10))
        assert plane.in_window(((0, 8), (0, 10))).sum() == count


def test_a_corner_of_another_number_of_axes_is_told() -> None:
    with pytest.raises(RequestError, match="a corner of 2 numbers, but the image has the 3 axes ZYX"):
        StrokeMaps((Stroke(kind="object", points=((1, 1),)),), "ZYX")
