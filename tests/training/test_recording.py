from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy import ndimage

from napari_microdiff.training.recording import blur, simulate_recording
from napari_microdiff.training.restore.recipe import Noise

_PLAIN = {"correlated": 0.0, "quantised": 0.0, "stripes": 0.0, "hot_pixels": 0.0}


def _ramp() -> torch.Tensor:
    return torch.linspace(0, 1, 256).repeat(256, 1)


@pytest.mark.parametrize("decibels", [15.0, 25.0])
@pytest.mark.parametrize("share", [0.0, 0.5, 1.0])
def test_noise_is_as_strong_as_asked_whatever_its_kind(decibels: float, share: float) -> None:
    noise = Noise(psnr_db=(decibels, decibels), shot_share=(share, share), **_PLAIN)
    clean = _ramp()
    noisy = simulate_recording(noise, clean, np.random.default_rng(0), torch.Generator().manual_seed(0))
    assert float((noisy - clean).std()) == pytest.approx(10 ** (-decibels / 20), rel=0.03)
    assert float((noisy - clean).mean()) == pytest.approx(0, abs=0.01)


def test_shot_noise_grows_with_the_light_and_read_noise_does_not() -> None:
    def ratio(share: float) -> float:
        noise = Noise(psnr_db=(20.0, 20.0), shot_share=(share, share), **_PLAIN)
        residual = (
            simulate_recording(noise, _ramp(), np.random.default_rng(1), torch.Generator().manual_seed(0)) - _ramp()
        )
        return float(residual[:, -64:].var() / residual[:, :64].var())

    assert ratio(0.0) == pytest.approx(1, abs=0.1)
    assert ratio(1.0) > 1.5


def test_correlated_noise_keeps_its_strength() -> None:
    noise = Noise(
        psnr_db=(20.0, 20.0), shot_share=(0, 0), **{**_PLAIN, "correlated": 1.0, "correlation_px": (0.8, 0.8)}
    )
    residual = simulate_recording(noise, _ramp(), np.random.default_rng(0), torch.Generator().manual_seed(0)) - _ramp()
    assert float(residual.std()) == pytest.approx(0.1, rel=0.03)
    lag_one = float((residual[:, 1:] * residual[:, :-1]).mean() / residual.var())
    assert lag_one == pytest.approx(np.exp(-1 / (4 * 0.8**2)), abs=0.05)


def test_eight_bit_storage_leaves_at_most_256_values() -> None:
    noise = Noise(**{**_PLAIN, "quantised": 1.0})
    noisy = simulate_recording(noise, _ramp(), np.random.default_rng(0), torch.Generator().manual_seed(0))
    assert len(torch.unique(noisy)) <= 256


@pytest.mark.parametrize("sigma", [0.5, 1.3, 3.0])
def test_blur_is_scipys_gaussian(sigma: float) -> None:
    image = np.random.default_rng(0).random((48, 48)).astype(np.float32)
    expected = ndimage.gaussian_filter(image, sigma, mode="mirror", radius=int(np.ceil(3 * sigma)))
    np.testing.assert_allclose(blur(torch.from_numpy(image), sigma).numpy(), expected, atol=1e-5)
