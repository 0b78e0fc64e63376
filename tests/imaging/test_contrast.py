from __future__ import annotations

import numpy as np
import pytest

from napari_microdiff.errors import ImageError
from napari_microdiff.imaging.contrast import bright_objects, red_green_blue

GREY = np.array([[10, 200]], dtype=np.uint8)
COLOUR = np.array([[[90, 40, 160], [240, 230, 235]]], dtype=np.uint8)  # a purple pixel, a white one


def test_dark_objects_become_bright_in_any_unsigned_type() -> None:
    np.testing.assert_array_equal(bright_objects(GREY, "bright"), [[10, 200]])
    np.testing.assert_array_equal(bright_objects(GREY, "dark"), [[-10, -200]])


def test_stained_objects_are_those_that_absorb_red() -> None:
    purple, white = bright_objects(COLOUR, "stained", 2)[0]
    assert purple > white
    pink = np.array([[[235, 120, 180]]], dtype=np.uint8)  # eosin
    assert bright_objects(pink, "stained", 2)[0, 0] < purple


def test_transparency_is_left_out() -> None:
    clear = np.concatenate([COLOUR, np.full((1, 2, 1), 255, np.uint8)], axis=2)
    for shown in ("bright", "dark", "stained"):
        np.testing.assert_array_equal(bright_objects(clear, shown, 2), bright_objects(COLOUR, shown, 2))


def test_colours_may_lie_along_any_axis() -> None:
    moved = np.moveaxis(COLOUR, 2, 0)
    np.testing.assert_array_equal(bright_objects(moved, "dark", 0), bright_objects(COLOUR, "dark", -1))


def test_colours_come_last_and_without_transparency() -> None:
    clear = np.concatenate([COLOUR, np.full((1, 2, 1), 255, np.uint8)], axis=2)
    np.testing.assert_array_equal(red_green_blue(np.moveaxis(clear, 2, 0), 0), COLOUR.astype(np.float32))
    with pytest.raises(ImageError, match="3 or 4 samples"):
        red_green_blue(GREY)


def test_what_is_not_in_colours_is_refused() -> None:
    with pytest.raises(ImageError, match="3 or 4 samples"):
        bright_objects(np.zeros((4, 4, 2)), "bright", 2)
