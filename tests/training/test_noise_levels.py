from __future__ import annotations

import math

import pytest
import torch

from napari_microdiff.training.noise_levels import draw_sigmas


def test_half_of_the_noise_levels_are_the_highest_and_the_rest_log_normal() -> None:
    sigmas = draw_sigmas(torch.full((4096,), 0.5), 5.0, torch.Generator().manual_seed(0))
    assert (sigmas[:2048] == 2.5).all()
    rest = sigmas[2048:]
    assert (rest < 2.5).all()
    assert float(rest.log().median()) == pytest.approx(math.log(0.25), abs=0.03)


def test_stratified_levels_fill_every_stratum() -> None:
    sigmas = draw_sigmas(torch.full((16,), 0.5), 200.0, torch.Generator().manual_seed(1))[8:]
    place = 0.5 * (1 + torch.erf((sigmas.log() - math.log(0.25)) / (1.2 * math.sqrt(2))))
    assert sorted((place * 8).floor().int().tolist()) == list(range(8))


def test_noise_levels_follow_the_scale_of_each_image() -> None:
    one, other = (draw_sigmas(torch.full((16,), scale), 5.0, torch.Generator().manual_seed(1)) for scale in (0.01, 0.1))
    torch.testing.assert_close(10 * one, other)
