from __future__ import annotations

import numpy as np
import pytest

from napari_microdiff.errors import ImageError
from napari_microdiff.imaging.style import style_length, style_vector
from napari_microdiff.tasks import reference_of


def test_style_and_levels_are_those_of_the_image(noisy: np.ndarray) -> None:
    found = reference_of(noisy)
    dark, bright = found.levels
    assert noisy.min() < dark < np.median(noisy)
    assert np.quantile(noisy, 0.95) < bright < noisy.max()
    normalised = (noisy - (dark + bright) / 2) / ((bright - dark) / 2)
    np.testing.assert_allclose(found.style, style_vector(normalised[None, None]), atol=1e-4)


def test_the_style_does_not_depend_on_the_units(noisy: np.ndarray) -> None:
    first, second = reference_of(noisy), reference_of(4 * noisy + 50)
    np.testing.assert_allclose(first.style, second.style, atol=1e-3)
    np.testing.assert_allclose(second.levels, 4 * np.array(first.levels) + 50, rtol=1e-5)


def test_all_colours_count_and_of_several_channels_the_first(noisy: np.ndarray) -> None:
    colours = np.stack([noisy, noisy / 2, noisy / 4], axis=-1)
    assert len(reference_of(colours, axes="YXS").style) == style_length(3)
    channels = np.stack([noisy, noisy[::-1] * 3])
    assert reference_of(channels, axes="CYX") == reference_of(noisy)


def test_an_image_that_is_no_number_is_refused(noisy: np.ndarray) -> None:
    noisy[3, 4] = np.nan
    with pytest.raises(ImageError, match="NaN"):
        reference_of(noisy)


def test_a_scale_bar_and_a_hot_pixel_have_no_style(noisy: np.ndarray) -> None:
    noisy = np.tile(noisy, (3, 3))
    spoilt = noisy.copy()
    spoilt[88:92, 10:40] = 6e4
    spoilt[20, 30] = 3e3
    expected, found = reference_of(noisy), reference_of(spoilt)
    np.testing.assert_allclose(found.levels, expected.levels, rtol=0.05)
    np.testing.assert_allclose(found.style, expected.style, atol=0.7)  # the quietest places are few
