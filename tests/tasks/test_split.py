from __future__ import annotations

import numpy as np
import pytest

from napari_microdiff.engine.options import SegmentOptions
from napari_microdiff.engine.request import Request
from napari_microdiff.errors import RequestError
from napari_microdiff.imaging.axes import Sliceable
from napari_microdiff.tasks.split import Splits, propose_splits

BUNDLED = "segment-nuclei"


def clump() -> tuple[np.ndarray, np.ndarray]:
    """Two bright discs that touch and were taken for one, and one that stands alone."""
    y, x = np.mgrid[:160, :160]
    two = (np.hypot(y - 60, x - 50) <= 13) | (np.hypot(y - 60, x - 76) <= 13)
    other = np.hypot(y - 120, x - 120) <= 12
    noise = 4 * np.random.default_rng(0).standard_normal(two.shape)
    return (20 + 150 * (two | other) + noise).astype(np.float32), (3 * two + 5 * other).astype(np.int32)


def splits(image: Sliceable, labels: np.ndarray, place: tuple[int, ...], **fields: object) -> Splits:
    options = SegmentOptions(diameter=26.0)
    request = Request(task="segment", model=BUNDLED, options=options, device="cpu", **fields)  # type: ignore[arg-type]
    *_, last = propose_splits(request, image, labels, place, fresh=6)
    assert isinstance(last, Splits)
    return last


def test_the_likeliest_way_parts_the_clump_where_it_is_narrow() -> None:
    image, labels = clump()
    found = splits(image, labels, (60, 50))
    assert found.after
    here = tuple(slice(*span) for span in found.region)
    after = labels.copy()
    after[here] = found.after[0]
    np.testing.assert_array_equal(found.before, labels[here])
    assert after[60, 45] != after[60, 81]
    np.testing.assert_array_equal(after > 0, labels > 0)
    np.testing.assert_array_equal(after == 5, labels == 5)
    assert {3, 6} <= set(np.unique(after))


def test_ways_are_told_once_each() -> None:
    image, labels = clump()
    ways = splits(image, labels, (60, 50)).after
    assert len({way.tobytes() for way in ways}) == len(ways)


def test_labels_of_a_region_are_parted_as_those_of_the_whole() -> None:
    image, labels = clump()
    part = labels[10:130, 5:]
    found = splits(image, part, (50, 45), region=((10, 130), (5, 160)))
    assert found.after
    here = tuple(slice(*span) for span in found.region)
    np.testing.assert_array_equal(found.before, part[here])


def test_nothing_there_is_said() -> None:
    image, labels = clump()
    with pytest.raises(RequestError, match="no object at this place"):
        splits(image, labels, (0, 0))
