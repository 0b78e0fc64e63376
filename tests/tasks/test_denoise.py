from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import ndimage

from napari_microdiff import denoise
from napari_microdiff.errors import ModelError
from napari_microdiff.models.model import save_model
from napari_microdiff.models.store import find_model, user_folder


@pytest.mark.parametrize("sampler", ["dpmpp-2m", "heun", "ddim"])
def test_samples_from_measured_noise_are_draws_whatever_the_sampler(
    tiny_model: str, noisy: NDArray[np.float32], sampler: str
) -> None:
    result = denoise(noisy, model=tiny_model, device="cpu", start="measured-noise", sampler=sampler, steps=4, samples=8)
    assert result.uncertainty is not None
    assert float(np.median(result.uncertainty)) > 0
    assert result.request.sampler == "ddpm"
    assert any(sampler in notice for notice in result.report["notices"])


def test_only_the_mean_takes_one_evaluation_and_is_the_same_at_any_detail(
    tiny_model: str, noisy: NDArray[np.float32]
) -> None:
    one = denoise(noisy, model=tiny_model, device="cpu", steps=1)
    eight = denoise(noisy, model=tiny_model, device="cpu", steps=8)
    with_sample = denoise(noisy, model=tiny_model, device="cpu", steps=8, outputs=("mean", "sample"))
    np.testing.assert_array_equal(one.mean, eight.mean)
    np.testing.assert_array_equal(one.mean, with_sample.mean)
    assert with_sample.sample is not None
    assert float(np.abs(with_sample.sample - with_sample.mean).max()) > 0


def test_a_model_of_another_shape_is_refused_in_words(tiny_model: str, noisy: NDArray[np.float32]) -> None:
    from napari_microdiff.diffusion.unet import LocalUNet

    parent = find_model(tiny_model)
    shape = parent.card.architecture.model_copy(update={"condition_channels": 1})
    card = parent.card.model_copy(update={"id": "other", "architecture": shape})
    save_model(card, LocalUNet(**shape.model_dump()).state_dict(), user_folder() / "other")
    with pytest.raises(ModelError, match="condition_channels 1 instead of 2"):
        denoise(noisy, model="other", device="cpu")


def test_where_no_photon_came_the_result_is_uncertain_too() -> None:
    counts = np.random.default_rng(0).poisson(0.02, (96, 96)).astype(np.uint16)
    none = ndimage.maximum_filter(counts, 7) == 0
    assert none.any()
    made = denoise(counts, device="cpu", outputs=("mean", "uncertainty"))
    assert made.mean is not None
    assert made.uncertainty is not None
    np.testing.assert_allclose(made.mean[none], 0, atol=1e-6)
    assert made.uncertainty[none].min() > 0.005


@pytest.mark.parametrize(("side", "said"), [(12, True), (24, False)])
def test_an_image_of_a_few_pixels_is_told_to_say_little(
    tiny_model: str, noisy: NDArray[np.float32], side: int, said: bool
) -> None:
    result = denoise(noisy[:side, :side], model=tiny_model)
    assert any("12 x 12 pixels" in notice for notice in result.report["notices"]) is said
