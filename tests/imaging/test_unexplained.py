"""Structures in what is left over are found, and noise is not taken for one."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from napari_microdiff.imaging.unexplained import _SIZES, UNLIKELY, _left, _over_lines, deviations, unexplained

SHAPE = (384, 384)


@pytest.fixture(scope="module")
def seen() -> np.ndarray:
    field = ndimage.gaussian_filter(np.random.default_rng(1).standard_normal(SHAPE), 6)
    return 100 + 80 * field / np.abs(field).max()


def blob(side: float, height: float) -> np.ndarray:
    rows, columns = np.mgrid[: SHAPE[0], : SHAPE[1]]
    return height * np.exp(-((rows - 130) ** 2 + (columns - 200) ** 2) / (2 * side**2))


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("kind", ["white", "of the light", "smooth"])
def test_noise_is_no_structure(seen: np.ndarray, seed: int, kind: str) -> None:
    noise = np.random.default_rng(seed).standard_normal(SHAPE) * 5
    if kind == "of the light":
        noise *= np.sqrt(seen / seen.mean())
    if kind == "smooth":
        noise = 3 * ndimage.gaussian_filter(noise, 0.8)
    assert unexplained(noise, seen, 5.0, 160.0).places == 0


@pytest.mark.parametrize("side", [1.5, 3.0, 6.0])
@pytest.mark.parametrize("sign", [-1, 1])
def test_what_was_made_up_is_found_where_it_is(seen: np.ndarray, side: float, sign: int) -> None:
    noise = np.random.default_rng(0).standard_normal(SHAPE) * 5
    residual = noise + sign * blob(side, 40.0)
    found = unexplained(residual, seen, 5.0, 160.0)
    assert found.places == 1
    assert found.strongest > UNLIKELY
    place = np.unravel_index(deviations(residual, seen, 5.0, 160.0).argmax(), SHAPE)
    assert np.hypot(place[0] - 130, place[1] - 200) < 2 * side


def line(angle: float, height: float) -> np.ndarray:
    rows, columns = np.mgrid[: SHAPE[0], : SHAPE[1]] - np.array([130, 200])[:, None, None]
    along = columns * np.cos(angle) + rows * np.sin(angle)
    across = rows * np.cos(angle) - columns * np.sin(angle)
    return height * np.exp(-(across**2) / (2 * 1.0**2)) * (np.abs(along) < 12)


@pytest.mark.parametrize("angle", np.linspace(0, np.pi, 13)[:-1])
def test_a_thin_line_is_found_that_is_hardly_brighter_than_noise(seen: np.ndarray, angle: float) -> None:
    noise = np.random.default_rng(0).standard_normal(SHAPE) * 5
    residual = noise - line(angle, 13.0)
    assert unexplained(residual, seen, 5.0, 160.0).places == 1
    rows, columns = np.nonzero(deviations(residual, seen, 5.0, 160.0) > UNLIKELY)
    assert np.hypot(rows - 130, columns - 200).max() < 24


def test_noise_is_that_of_what_was_there_and_not_of_what_was_made_up(seen: np.ndarray) -> None:
    dark, rng = seen - seen.min() + 4, np.random.default_rng(0)  # whose noise is that of its light
    recorded = rng.poisson(dark)
    made_up = blob(3.0, 100.0)
    deviation = np.sqrt(dark[130, 200])
    expected = made_up[130, 200] / deviation
    scores = deviations(recorded - dark - made_up, dark + made_up, 5.0, 160.0)
    assert scores[130, 200] > 2 * expected  # averaging over it brings more than that


def test_without_noise_only_what_is_larger_than_rounding_counts(seen: np.ndarray) -> None:
    rounding = 1e-5 * np.random.default_rng(0).standard_normal(SHAPE)
    assert unexplained(rounding, seen, 0.0, 160.0).places == 0
    assert unexplained(rounding + blob(2.0, 5.0), seen, 0.0, 160.0).places == 1
    assert unexplained(np.zeros((3, 4)), np.zeros((3, 4)), 0.0, 0.0).strongest == 0


@pytest.mark.parametrize("length", [1, 2, 5, 7, 19, 60, 300])
@pytest.mark.parametrize("size", _SIZES)
def test_what_smoothing_leaves_of_noise_is_known_up_to_the_border(length: int, size: float) -> None:
    weights = ndimage.gaussian_filter1d(np.eye(length), size, axis=0, mode="reflect")
    np.testing.assert_allclose(_left(length, size), np.sqrt((weights**2).sum(axis=1)), rtol=1e-6)


@pytest.mark.parametrize("shape", [(24, 30), (60, 5), (1, 40)])
def test_noise_along_lines_is_known_up_to_the_border(shape: tuple[int, int]) -> None:
    noise = np.eye(shape[0] * shape[1]).reshape(-1, *shape)
    squares = sum(np.square(np.stack(list(_over_lines(one)))) for one in noise)
    np.testing.assert_allclose(squares, 1, rtol=1e-6)


def test_structures_at_the_border_stand_out_no_more_than_elsewhere() -> None:
    noise = np.random.default_rng(0).standard_normal((3000, 24, 24))
    flat = np.zeros((24, 24))
    strongest = np.stack([deviations(one, flat, 1.0, 1.0) for one in noise]).std(axis=0)
    assert strongest[0, 0] == pytest.approx(strongest[12, 12], rel=0.15)
