from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from napari_microdiff.imaging.samples import filaments_and_blobs
from napari_microdiff.training.denoise.risk import squared_error

ALL = (slice(None), slice(None))


def blurred(image: Tensor) -> Tensor:
    return F.avg_pool2d(F.pad(image[None, None], (1, 1, 1, 1), mode="reflect"), 3, 1)[0, 0]


def clean_noisy_and_deviation(seed: int, side: int = 256) -> tuple[Tensor, Tensor, Tensor]:
    clean = torch.from_numpy(filaments_and_blobs((side, side), seed=5).astype(np.float32))
    deviation = 0.1 + 0.2 * clean  # brighter pixels are noisier
    noise = torch.randn(clean.shape, generator=torch.Generator().manual_seed(seed))
    return clean, clean + deviation * noise, deviation


def test_what_scales_pixels_one_by_one_is_judged_exactly() -> None:
    """Prods with either sign tell the same then, and the derivative is the scale."""
    _, noisy, deviation = clean_noisy_and_deviation(0, 32)
    found = squared_error(lambda image: 0.7 * image, noisy, deviation, ALL, prods=1)
    exact = ((0.3 * noisy) ** 2 - deviation**2 + 2 * 0.7 * deviation**2).mean()
    assert found == pytest.approx(float(exact), rel=1e-5)


def test_what_does_nothing_keeps_all_the_noise() -> None:
    _, noisy, deviation = clean_noisy_and_deviation(0, 32)
    assert squared_error(lambda image: image, noisy, deviation, ALL, prods=1) == pytest.approx(
        float((deviation**2).mean()), rel=1e-4
    )


def test_errors_are_those_by_the_truth_on_average() -> None:
    part = (slice(None), slice(128, None))
    ratios = []
    for seed in range(4):
        clean, noisy, deviation = clean_noisy_and_deviation(seed)
        for denoise in (blurred, torch.tanh):
            true = float(((denoise(noisy) - clean) ** 2)[part].mean())
            ratios.append(squared_error(denoise, noisy, deviation, part, prods=4) / true)
    assert np.mean(ratios) == pytest.approx(1, abs=0.05)
    assert ratios == pytest.approx([1] * len(ratios), abs=0.2)


def test_the_difference_of_two_survives_a_wrong_deviation() -> None:
    clean, noisy, deviation = clean_noisy_and_deviation(0)
    twice = [blurred, lambda image: blurred(blurred(image))]
    told = 0.95 * deviation
    found = [squared_error(denoise, noisy, told, ALL, prods=4) for denoise in twice]
    true = [float(((denoise(noisy) - clean) ** 2).mean()) for denoise in twice]
    assert found[0] - found[1] == pytest.approx(true[0] - true[1], rel=0.2)
