"""What is left over of each channel is held against the range and the noise of that channel."""

from __future__ import annotations

import numpy as np

from napari_microdiff.tasks.left_over import LeftOver


def noise(seed: int, sigma: float) -> np.ndarray:
    return sigma * np.random.default_rng(seed).standard_normal((96, 96))


def spot(height: float) -> np.ndarray:
    y, x = np.mgrid[:96, :96] - 48
    return height * np.exp(-(x**2 + y**2) / 18)


def reported(dim: np.ndarray, bright: np.ndarray) -> dict:
    left = LeftOver({0: 300.0, 1: 50_000.0})
    for channel, residual, sigma in ((0, dim, 5.0), (1, bright, 80.0)):
        left.add(channel, residual, np.zeros_like(residual), np.full(residual.shape, sigma))
    return left.report()


def test_what_is_made_up_in_a_dim_channel_is_found_beside_a_bright_one() -> None:
    clean = reported(noise(0, 5), noise(1, 80))
    assert clean["places"] == 0
    assert clean["channels"] == 2
    found = reported(noise(0, 5) + spot(40), noise(1, 80))
    assert found["places"] == 1
    assert found["channel"] == 0
    assert (found["range"], found["noise"]) == (300.0, 5.0)


def test_the_channel_that_agrees_least_is_told_and_places_of_all_are_counted() -> None:
    louder = reported(noise(0, 5), noise(1, 160))
    assert louder["channel"] == 1
    assert 1.9 < louder["in_noise"] < 2.1
    both = reported(noise(0, 5) + spot(60), noise(1, 80) + spot(1000))
    assert both["places"] == 2


def test_what_is_only_arithmetic_is_no_reason_to_speak_of_a_channel() -> None:
    told = reported(noise(0, 5), noise(1, 1e-4))
    assert told["channel"] == 0
    exact = LeftOver({0: 300.0, 1: 300.0})
    for channel in (0, 1):
        exact.add(channel, np.full((8, 8), 1e-5 * (1 + channel)), np.zeros((8, 8)), np.zeros((8, 8)))
    assert exact.report()["in_noise"] is None


def test_one_channel_is_not_counted() -> None:
    left = LeftOver({None: 300.0})
    left.add(None, noise(0, 5), np.zeros((96, 96)), np.full((96, 96), 5.0))
    report = left.report()
    assert "channel" not in report
    assert report["compared"] == 96 * 96
