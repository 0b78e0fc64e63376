"""Noise belongs to positions: any part of it equals that part of the whole."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from napari_microdiff.diffusion.noise import BLOCK, Stream, antithetic, positional_noise

WHOLE = positional_noise(3, 5, 7, (0, 0), (200, 150))
VOLUME = positional_noise(3, 5, 7, (0, 0, 0), (5, 90, 130))


def spans(length):
    return st.tuples(st.integers(0, length), st.integers(0, length)).map(sorted)


@given(rows=spans(200), columns=spans(150))
def test_a_crop_is_that_crop_of_the_whole(rows, columns):
    crop = positional_noise(3, 5, 7, (rows[0], columns[0]), (rows[1], columns[1]))
    np.testing.assert_array_equal(crop, WHOLE[slice(*rows), slice(*columns)])
    assert crop.dtype == np.float32


@settings(max_examples=40)
@given(depth=spans(5), rows=spans(90), columns=spans(130))
def test_a_box_is_that_box_of_the_volume(depth, rows, columns):
    start, stop = zip(depth, rows, columns, strict=True)
    box = tuple(slice(*span) for span in (depth, rows, columns))
    np.testing.assert_array_equal(positional_noise(3, 5, 7, start, stop), VOLUME[box])


def test_the_first_plane_of_a_volume_is_the_plane_alone():
    np.testing.assert_array_equal(VOLUME[0], WHOLE[:90, :130])


def test_the_same_key_gives_the_same_noise_for_good():
    # Results are promised to be reproducible: these numbers may not change between versions.
    again = positional_noise(0, 0, 0, (0, 0), (1, 3))
    np.testing.assert_array_equal(again, positional_noise(0, 0, 0, (0, 0), (64, 64))[:1, :3])
    block = np.random.Generator(np.random.Philox(key=[0, 0], counter=[0, 0, 0, 0])).standard_normal(3, np.float32)
    np.testing.assert_array_equal(again[0], block)


def test_the_streams_keep_their_numbers():
    # For the same reason. Those of samplers are below, and the first ones of sampling begin one for each pair.
    assert dict(Stream.__members__) == {"PHOTONS": 2**40, "READ": 2**40 + 1, "START": 2**40 + 2, "RECORDED": 2**41}
    np.testing.assert_array_equal(
        positional_noise(3, Stream.READ, 7, (0, 0), (2, 3)), positional_noise(3, 2**40 + 1, 7, (0, 0), (2, 3))
    )


def test_samples_come_in_pairs_of_opposite_sign():
    assert [antithetic(sample) for sample in range(5)] == [(0, 1), (0, -1), (1, 1), (1, -1), (2, 1)]


@pytest.mark.parametrize(
    "other",
    [(4, 5, 7), (3, 6, 7), (3, 5, 8), (5, 3, 7), (2**63 - 1, 5, 7), (3, 2**40, 7), (3, 5, 2**40)],
    ids=["seed", "stream", "plane", "swapped", "largest seed", "far stream", "far plane"],
)
def test_other_keys_give_unrelated_noise(other):
    noise = positional_noise(*other, (0, 0), (200, 150))
    correlation = np.corrcoef(noise.ravel(), WHOLE.ravel())[0, 1]
    assert abs(correlation) < 4 / np.sqrt(noise.size)


def test_no_two_blocks_are_alike():
    # Blocks at (row, column), (column, row) and neighbouring planes are the ones a careless key would confuse.
    blocks = [VOLUME[z, y : y + 26, x : x + 60] for z in range(5) for y in (0, BLOCK) for x in (0, BLOCK)]
    flat = np.stack([block.ravel() for block in blocks])
    correlations = np.corrcoef(flat)[np.triu_indices(len(flat), 1)]
    assert np.abs(correlations).max() < 5 / np.sqrt(flat.shape[1])


def test_far_positions_have_noise_of_their_own():
    far = 64 * 10**7
    here = positional_noise(0, 0, 0, (far, far), (far + 64, far + 64))
    assert abs(np.corrcoef(here.ravel(), positional_noise(0, 0, 0, (0, 0), (64, 64)).ravel())[0, 1]) < 0.07


def test_it_is_white_and_normal():
    noise = positional_noise(11, 0, 0, (0, 0), (512, 512)).astype(np.float64)
    count = noise.size
    assert abs(noise.mean()) < 4 / np.sqrt(count)
    assert noise.var() == pytest.approx(1, abs=4 * np.sqrt(2 / count))
    assert abs(stats.skew(noise, axis=None)) < 4 * np.sqrt(6 / count)
    assert abs(stats.kurtosis(noise, axis=None)) < 4 * np.sqrt(24 / count)
    for shift in ((0, 1), (1, 0), (1, 1), (0, BLOCK), (BLOCK, 0)):
        assert abs((noise * np.roll(noise, shift, (0, 1))).mean()) < 4 / np.sqrt(count)
    assert stats.kstest(noise.ravel()[::7], "norm").pvalue > 1e-3


def test_an_empty_box_is_empty():
    assert positional_noise(0, 0, 0, (5, 5), (5, 9)).shape == (0, 4)
