from __future__ import annotations

import numpy as np
import pytest

from napari_microdiff.files.convert import type_for


@pytest.mark.parametrize(
    ("levels", "kind"),
    [
        ((0, 255), np.uint8),
        ((20.5, 90), np.uint8),
        ((100, 4011), np.uint16),
        ((-3, 200), np.float32),
        ((0, 1), np.float32),
        ((100, 1e6), np.float32),
    ],
)
def test_grey_levels_tell_the_type(levels: tuple[float, float], kind: type) -> None:
    assert type_for(levels) == kind
