from __future__ import annotations

import numpy as np
import pytest

from napari_microdiff.files.convert import type_for


@pytest.mark.parametrize(
    ("levels", "kind"),
    [
        ((20.5, 90), np.uint8),
        ((40, 160), np.uint16),
        ((1000, 4011), np.uint16),
        ((0, 255), np.float32),
        ((100, 4011), np.float32),
        ((-3, 200), np.float32),
        ((0, 1), np.float32),
        ((100, 1e6), np.float32),
    ],
)
def test_grey_levels_tell_the_type(levels: tuple[float, float], kind: type) -> None:
    assert type_for(levels) == kind


def test_colours_reach_from_black_to_white_and_a_camera_reaches_further() -> None:
    assert type_for((0, 255), ends=True) == np.uint8
    assert type_for((20.5, 90), noise=5) == np.float32
    assert type_for((60, 130), noise=5) == np.uint8
