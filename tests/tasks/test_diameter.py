from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from napari_microdiff.imaging.intensity import Normalization
from napari_microdiff.tasks import diameter


@pytest.fixture
def looked_at(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Say how many objects are seen in a field of so many magnified pixels, and note the fields."""
    fields: list[int] = []

    def see(counts: dict[int, int]) -> list[int]:
        def look_at(denoiser: Any, pixels: Any, depth: str, zoom: float, most: int) -> diameter._Seen:
            fields.append(most)
            return diameter._Seen(size=20.0, sure=0.8, count=counts[most])

        monkeypatch.setattr(diameter, "_look_at", look_at)
        return fields

    return see


@pytest.mark.parametrize(
    ("side", "counts", "fields"),
    [
        (2000, {384: 8, 768: 40}, [384]),
        (2000, {384: 7, 768: 40}, [384, 768]),
        (500, {384: 7}, [384]),  # magnified by 0.5 all of it was seen
    ],
)
def test_where_few_objects_are_seen_more_of_the_image_is_looked_at(
    looked_at: Any, side: int, counts: dict[int, int], fields: list[int]
) -> None:
    noted = looked_at(counts)
    seen = diameter._look(None, np.zeros((side, side), np.float32), "even", 0.5)  # type: ignore[arg-type]
    assert seen.count == counts[fields[-1]]
    assert noted == fields


KNOWN = 26.0


@pytest.fixture
def measured(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Measure objects of a true diameter in an image of 500 pixels; return the diameter and the looks that it took."""

    def measure(true: float, *, sure: float = 0.9, count: int = 20, power: float = 0.8) -> tuple[float, list[float]]:
        zooms: list[float] = []

        def look(denoiser: Any, pixels: Any, depth: str, zoom: float) -> diameter._Seen:
            zooms.append(zoom)
            # What is magnified wrongly looks a little more like what is known, and less surely.
            error = abs(np.log(zoom * true / KNOWN))
            size = KNOWN * (zoom * true / KNOWN) ** power
            return diameter._Seen(size=size, count=count, sure=sure - 0.1 * error)

        monkeypatch.setattr(diameter, "_look", look)
        plane, as_it_is = np.zeros((500, 500)), Normalization(0.0, 1.0)
        found, there = diameter.estimate_diameter(None, plane, as_it_is, KNOWN, "even")  # type: ignore[arg-type]
        assert there == bool(count)
        return found, zooms

    return measure


def test_one_look_is_enough_where_objects_are_as_large_as_those_that_are_known(measured: Any) -> None:
    assert measured(KNOWN) == (pytest.approx(KNOWN), [1.0])


@pytest.mark.parametrize("true", [12.0, 20.0, 60.0])
def test_further_looks_follow_what_the_objects_suggest(measured: Any, true: float) -> None:
    found, zooms = measured(true)
    assert found == pytest.approx(true, rel=diameter._SETTLED)
    assert len(zooms) <= diameter._HOMING


@pytest.mark.parametrize("unsure", [{"sure": 0.79}, {"count": 7}])
def test_whatever_is_not_sure_is_looked_at_in_all_magnifications(measured: Any, unsure: dict[str, float]) -> None:
    found, zooms = measured(20.0, **unsure)
    assert found == pytest.approx(20.0, rel=0.1)
    assert set(zooms) >= set(diameter._ZOOMS)
    assert zooms.count(1.0) == 1  # which was seen already


def test_what_looks_alike_in_all_magnifications_is_searched(measured: Any) -> None:
    _, zooms = measured(80.0, power=0.1)
    assert set(zooms) >= set(diameter._ZOOMS)


def test_where_nothing_is_seen_the_known_diameter_is_taken(measured: Any) -> None:
    assert measured(20.0, count=0)[0] == KNOWN
