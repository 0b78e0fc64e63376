from __future__ import annotations

import numpy as np

from napari_microdiff.imaging.tissue import tissue_volume


def test_a_volume_is_the_same_for_everybody_and_alike_along_all_axes() -> None:
    volume = tissue_volume((48, 56, 64), seed=1)
    assert (volume.shape, volume.dtype) == ((48, 56, 64), np.uint8)
    np.testing.assert_array_equal(volume, tissue_volume((48, 56, 64), seed=1))
    assert (volume != tissue_volume((48, 56, 64), seed=2)).any()
    assert 20 < volume.std() < 80
    steps = [np.diff(volume.astype(float), axis=axis).std() for axis in range(3)]
    assert max(steps) < 1.3 * min(steps)
