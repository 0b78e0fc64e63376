from __future__ import annotations

from itertools import islice
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy import ndimage

from napari_microdiff import denoise
from napari_microdiff.diffusion.denoiser import Prediction
from napari_microdiff.engine.events import Notice, Progress
from napari_microdiff.engine.request import Request
from napari_microdiff.errors import ImageError, ModelError, RequestError
from napari_microdiff.imaging.quality import psnr
from napari_microdiff.imaging.samples import filaments_and_blobs
from napari_microdiff.imaging.spectrum import measure_spectrum
from napari_microdiff.models.build import load_denoiser
from napari_microdiff.models.store import find_model, list_models
from napari_microdiff.tasks.base import open_source
from napari_microdiff.training.adapted import Adapted
from napari_microdiff.training.denoise.adapt import adapt
from napari_microdiff.training.denoise.fresh_noise import FreshNoise
from napari_microdiff.training.denoise.noisy_images import NoisyImages
from napari_microdiff.training.denoise.recorrupt import RecorruptedFit


def _noisy(side: int = 160) -> tuple[np.ndarray, np.ndarray]:
    clean = 200 * filaments_and_blobs((side, side), seed=5)
    return clean, clean + 20 * np.random.default_rng(0).standard_normal(clean.shape)


def test_adapting_brings_a_model_nearer_to_the_truth(harmful_model: str) -> None:
    clean, noisy = _noisy(256)
    events = list(adapt(harmful_model, noisy, name="My actin", steps=40, device="cpu"))
    adapted = events[-1]
    assert isinstance(adapted, Adapted)
    assert adapted.model_id == "my-actin"
    assert adapted.gain_db is not None
    assert adapted.gain_db > 1
    assert [e.done for e in events if isinstance(e, Progress)] == [*range(1, 41), 40, 40]
    card = find_model("my-actin").card
    assert (card.parent, card.training["estimated_gain_db"]) == (harmful_model, round(adapted.gain_db, 2))
    before = denoise(noisy, model=harmful_model, device="cpu").mean
    after = denoise(noisy, model="my-actin", device="cpu").mean
    assert before is not None
    assert after is not None
    assert psnr(clean, after) > psnr(clean, before) + 2
    assert np.corrcoef(adapted.before.ravel(), before.ravel())[0, 1] > 0.95


def _images(noisy: np.ndarray, model: str) -> NoisyImages:
    device = torch.device("cpu")
    return NoisyImages(open_source(Request(model=model), noisy), load_denoiser(find_model(model), device), device)


@pytest.mark.parametrize("shape", [(256, 160), (160, 288)])
def test_what_is_judged_by_was_never_learned_from(tiny_model: str, shape: tuple[int, int]) -> None:
    images = _images(_noisy(288)[1][: shape[0], : shape[1]], tiny_model)
    axis = int(np.argmax(shape))
    images.noisy[0].narrow(axis, shape[axis] - 128, 128).fill_(torch.nan)
    inputs, targets, deviation = images.learned().draw(np.random.default_rng(0), 30)
    assert torch.isfinite(inputs).all()
    assert torch.isfinite(targets).all()
    assert inputs.shape == targets.shape == deviation.shape == (30, 1, 128, 128)
    (strip,) = images.kept_back()
    assert torch.isnan(strip.noisy[strip.part]).all()
    assert strip.noisy[strip.part].shape[axis] == 128
    assert strip.noisy.shape == strip.deviation.shape


def test_recorrupted_pairs_share_the_image_but_no_noise(tiny_model: str) -> None:
    images = _images(_noisy(288)[1], tiny_model)
    clean = torch.full_like(images.noisy[0], 3.0)
    noise = torch.randn(clean.shape, generator=torch.Generator().manual_seed(0))
    images.noisy, images.deviation = (clean + 0.5 * noise,), (torch.full_like(clean, 0.5),)
    images.fresh = FreshNoise.like([np.random.default_rng(1).standard_normal(clean.shape)])
    inputs, targets, deviation = images.learned().draw(np.random.default_rng(0), 40)
    assert (deviation == 0.5).all()
    first, second = inputs - 3, targets - 3
    assert float(first.std()) == pytest.approx(0.5 * np.sqrt(1 + 0.7**2), rel=0.02)
    assert float(second.std()) == pytest.approx(0.5 * np.sqrt(1 + 0.7**-2), rel=0.02)
    assert abs(float((first * second).mean())) < 0.05 * 0.5**2


def test_of_a_small_image_nothing_is_kept_back_and_nothing_claimed(tiny_model: str) -> None:
    events = list(adapt(tiny_model, _noisy(160)[1], name="small", steps=1, device="cpu"))
    assert events[-1].gain_db is None  # type: ignore[union-attr]
    assert any("was not measured" in event.message for event in events if isinstance(event, Notice))
    assert "estimated_gain_db" not in find_model("small").card.training


@pytest.mark.parametrize(("gain", "helped"), [(-0.25, False), (0.15, False), (0.25, True)])
def test_a_model_that_got_no_better_is_said_to_suit_already(
    tiny_model: str, monkeypatch: pytest.MonkeyPatch, gain: float, helped: bool
) -> None:
    monkeypatch.setattr(RecorruptedFit, "gain_db", lambda _: gain)
    events = list(adapt(tiny_model, _noisy(160)[1], steps=1, device="cpu"))
    said = f"brought next to nothing ({gain:+.2f} dB)"
    assert any(said in event.message for event in events if isinstance(event, Notice)) != helped
    assert events[-1].helped == helped  # type: ignore[union-attr]


def test_nothing_is_claimed_where_noise_cannot_be_told_from_structure(
    tiny_model: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    noise = ndimage.gaussian_filter(np.random.default_rng(0).standard_normal((288, 288)), 0.8)
    taken_away = torch.from_numpy((noise / noise.std()).astype(np.float32))
    monkeypatch.setattr(NoisyImages, "_noise_of", lambda *_: (torch.ones(288, 288), taken_away))
    events = list(adapt(tiny_model, _noisy(288)[1], steps=1, device="cpu"))
    assert events[-1].gain_db is None  # type: ignore[union-attr]
    assert any("not measured: what is taken away is not white" in e.message for e in events if isinstance(e, Notice))


@pytest.mark.parametrize("told", [1, 6])
def test_a_cancelled_adaptation_leaves_no_model(tiny_model: str, told: int) -> None:
    """Also one that is cancelled after its last step, while its gain is measured."""
    running = adapt(tiny_model, _noisy()[1], steps=4, device="cpu")
    for _ in range(told):
        while not isinstance(next(running), Progress):
            pass
    running.close()  # type: ignore[attr-defined]
    assert [model.card.id for model in list_models() if not model.bundled] == [tiny_model]


def test_names_are_made_up_and_never_taken_twice(tiny_model: str) -> None:
    noisy = _noisy()[1]
    ids = [list(adapt(tiny_model, noisy, steps=1, device="cpu"))[-1].model_id for _ in range(2)]  # type: ignore[union-attr]
    assert ids == ["tiny-adapted-1", "tiny-adapted-2"]
    with pytest.raises(ModelError, match="already is a model"):
        next(adapt(tiny_model, noisy, name="tiny-adapted-1"))
    with pytest.raises(ModelError, match="no letters"):
        next(adapt(tiny_model, noisy, name="---"))
    with pytest.raises(ModelError, match=r"has 101 letters, .* 100 at most"):
        next(adapt(tiny_model, noisy, name="n" * 101))


def test_a_folder_that_no_model_can_be_saved_in_is_told_of_before_anything_is_learned(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("NAPARI_MICRODIFF_MODELS", str(tmp_path / "file" / "models"))
    with pytest.raises(ModelError, match=r"cannot be saved in .*file.*NAPARI_MICRODIFF_MODELS"):
        next(adapt("denoise-fluorescence", _noisy()[1], device="cpu"))


def test_a_name_that_was_taken_meanwhile_is_not_taken_from_its_model(tiny_model: str) -> None:
    noisy = _noisy()[1]
    jobs = [adapt(tiny_model, noisy, steps=1, device="cpu") for _ in range(2)]
    for job in jobs:
        next(job)  # both have looked which names are free
    ids = [list(job)[-1].model_id for job in jobs]  # type: ignore[union-attr]
    assert ids == ["tiny-adapted-1", "tiny-adapted-2"]
    assert set(ids) <= {model.card.id for model in list_models()}


@pytest.mark.parametrize(("seed", "said"), [(-1, "seed must be at least 0"), (2**63, "seed must be less than")])
def test_a_seed_is_what_it_may_be_of_any_request(tiny_model: str, seed: int, said: str) -> None:
    with pytest.raises(RequestError, match=said):
        next(adapt(tiny_model, _noisy()[1], seed=seed, device="cpu"))


def test_models_of_other_tasks_and_no_steps_are_refused(slicer: str, tiny_model: str) -> None:
    with pytest.raises(ModelError, match="is for 'isotropic', not for 'denoise'"):
        next(adapt(slicer, _noisy()[1], device="cpu"))
    with pytest.raises(RequestError, match="more steps"):
        next(adapt(tiny_model, _noisy()[1], steps=0, device="cpu"))
    for steps in (2.5, float("nan"), float("inf")):
        with pytest.raises(RequestError, match="whole number of steps"):
            next(adapt(tiny_model, _noisy()[1], steps=steps, device="cpu"))  # type: ignore[arg-type]


def test_the_parent_is_left_as_it_was(tiny_model: str) -> None:
    noisy = _noisy()[1]
    before = denoise(noisy, model=tiny_model, device="cpu").mean
    list(adapt(tiny_model, noisy, steps=3, device="cpu"))
    np.testing.assert_array_equal(denoise(noisy, model=tiny_model, device="cpu").mean, before)


def test_a_stack_with_channels_is_learned_from(tiny_model: str) -> None:
    stack = np.stack([_noisy()[1]] * 3)[:, None].repeat(2, axis=1)
    events = list(adapt(tiny_model, stack, axes="ZCYX", steps=1, device="cpu"))
    assert isinstance(events[0], Notice)
    assert "3 planes" in events[0].message


@pytest.mark.parametrize("image", [np.zeros((160, 160)), _noisy(100)[1]])
def test_images_that_teach_nothing_are_refused(tiny_model: str, image: np.ndarray) -> None:
    with pytest.raises(ImageError, match=r"no noise|too small"):
        next(adapt(tiny_model, image))


@pytest.mark.parametrize(("sigma", "warned"), [(0.0, False), (0.8, True)])
def test_correlated_noise_is_told_of(
    tiny_model: str, monkeypatch: pytest.MonkeyPatch, sigma: float, warned: bool
) -> None:
    noise = ndimage.gaussian_filter(np.random.default_rng(0).standard_normal((160, 160)), sigma)
    taken_away = torch.from_numpy((noise / noise.std()).astype(np.float32))
    monkeypatch.setattr(NoisyImages, "_noise_of", lambda *_: (torch.ones(160, 160), taken_away))
    first = list(islice(adapt(tiny_model, _noisy()[1], steps=1, device="cpu"), 2))
    said = [event.message for event in first if isinstance(event, Notice)]
    assert any("is not white" in message for message in said) == warned


@pytest.mark.parametrize("shared", [False, True])
def test_noise_that_neighbours_share_is_taken_for_as_strong_as_it_is(
    tiny_model: str, monkeypatch: pytest.MonkeyPatch, shared: bool
) -> None:
    clean, _ = _noisy()
    noise = np.random.default_rng(0).standard_normal((161, 161))
    noise = (noise[1:, 1:] + noise[:-1, 1:] + noise[1:, :-1] + noise[:-1, :-1]) / 2 if shared else noise[1:, 1:]
    source = open_source(Request(model=tiny_model), clean + 20 * noise)
    model = find_model(tiny_model)

    def exact(images: NoisyImages, *_: object) -> Prediction:
        return Prediction(torch.from_numpy(images.normalization.apply(clean)), None)

    monkeypatch.setattr(NoisyImages, "predict", exact)
    images = NoisyImages(source, load_denoiser(model, torch.device("cpu")), torch.device("cpu"))
    deviation = float(images.deviation[0].median()) * images.normalization.scale
    assert deviation == pytest.approx(20, rel=0.12)


def test_pixels_that_hardly_have_noise_do_not_set_how_strong_it_is(tiny_model: str) -> None:
    """Divided by next to nothing, what is taken away there would be a thousand times as large as elsewhere."""
    rng = np.random.default_rng(0)
    photons = 20 + 20 * filaments_and_blobs((256, 256), seed=5)
    photons[100:104, 50:54] = 0
    images = _images(rng.poisson(photons).astype(float) + 100, tiny_model)
    deviation = images.deviation[0].numpy()
    assert deviation.min() > 0.3 * np.median(deviation)
    inputs, targets, noise = images.learned().draw(rng, 20)
    drawn = (inputs - targets) / noise / (0.7 + 1 / 0.7)
    assert float(drawn.std()) == pytest.approx(1, rel=0.03)


def test_fresh_noise_is_as_strong_at_low_frequencies_as_at_high_ones(tiny_model: str) -> None:
    """What the model leaves of low frequencies must not be taken for structure: fresh noise is white all the same."""
    images = _images(_noisy(288)[1], tiny_model)
    drawn = images.fresh.draw((256, 256), np.random.default_rng(0))
    powers = measure_spectrum(drawn[None]).powers
    assert powers.min() > 0.85
    assert powers.max() < 1.15
