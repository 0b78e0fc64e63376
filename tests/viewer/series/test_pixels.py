from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import numpy as np
import pytest

from napari_microdiff.files import Picture
from napari_microdiff.viewer.series.pixels import display_limits, thumbnail
from napari_microdiff.viewer.series.recipe import SeriesRecipe
from napari_microdiff.viewer.series.words import moment


@pytest.mark.parametrize(
    ("shape", "axes"),
    [((300, 200), "YX"), ((300, 200, 3), "YXS"), ((5, 30, 20), "ZYX"), ((2, 3, 4, 90, 40), "TCZYX"), ((1, 1), "YX")],
)
@pytest.mark.parametrize("dtype", ["uint8", "uint16", "int16", "float32"])
def test_a_thumbnail_is_small_and_in_colours(shape: tuple[int, ...], axes: str, dtype: str) -> None:
    array = np.random.default_rng(0).integers(0, 100, shape).astype(dtype)
    small = thumbnail(Picture(array, axes))
    assert small.dtype == np.uint8
    assert small.shape[2] == 3
    assert max(small.shape) < 2 * 88


def test_a_thumbnail_is_the_middle_of_a_stack_and_the_first_channel() -> None:
    stack = np.zeros((2, 3, 4, 4), np.uint16)
    stack[0, 1, :2] = 1000
    small = thumbnail(Picture(stack, "CZYX"))
    assert (small[:2] == 255).all()
    assert (small[2:] == 0).all()


@pytest.mark.parametrize("value", [0.0, 7.0, np.nan, np.inf])
def test_flat_and_unusable_images_have_no_range(value: float) -> None:
    picture = Picture(np.full((9, 9), value), "YX")
    assert display_limits(picture) is None
    assert thumbnail(picture).shape == (9, 9, 3)


def test_nearly_all_pixels_lie_within_the_range() -> None:
    array: Any = np.arange(10_000.0).reshape(100, 100)
    array[0, 0] = 1e9
    array[0, 1] = np.nan
    limits = display_limits(Picture(array, "YX"))
    assert limits is not None
    assert limits == pytest.approx((10, 9990), abs=3)
    assert display_limits(Picture(np.zeros((4, 4, 3), np.uint8), "YXS")) is None


def test_settings_come_back_from_the_journal_whatever_it_holds() -> None:
    recipe = SeriesRecipe("mine", "dark", 12.5, "cuda")
    assert SeriesRecipe.from_facts(recipe.facts(), "cpu") == SeriesRecipe("mine", "dark", 12.5, "cpu")
    assert SeriesRecipe.from_facts({"device": "cuda", "colour": "red"}, "cpu") == SeriesRecipe(device="cpu")


def test_a_time_of_today_is_said_by_the_hour() -> None:
    now = datetime.now().astimezone().replace(hour=9, minute=5)
    assert moment(now.isoformat()) == "09:05"
    assert moment((now - timedelta(days=400)).isoformat()).endswith(f"{(now - timedelta(days=400)).year} 09:05")
    assert moment("") == "earlier"
