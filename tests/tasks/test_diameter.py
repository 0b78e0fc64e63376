from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from napari_microdiff.tasks import diameter


@pytest.fixture
def looked_at(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Say how many objects are seen in a field of so many magnified pixels, and note the fields."""
    fields: list[int] = []

    def see(counts: dict[int, int]) -> list[int]:
        def look_at(denoiser: Any, pixels: Any, zoom: float, depth: str, most: int) -> diameter._Seen:
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
    seen = diameter._look(None, np.zeros((side, side), np.float32), 0.5, "even")  # type: ignore[arg-type]
    assert seen.count == counts[fields[-1]]
    assert noted == fields
