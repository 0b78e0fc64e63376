"""A first look: the noise in the image's own units, and whether a model suits it, without any model being run."""

from __future__ import annotations

import numpy as np
import pytest

from napari_microdiff.errors import ImageError, ModelError
from napari_microdiff.models import store
from napari_microdiff.tasks import look


def test_noise_is_measured_in_grey_levels(ask, noisy):
    assert look(ask(), noisy).noise_level == pytest.approx(10, rel=0.15)
    assert look(ask(), 7 * noisy + 1000).noise_level == pytest.approx(70, rel=0.15)


def test_a_familiar_image_is_like_the_training_images(ask, noisy):
    seen = look(ask(), noisy)
    assert seen.likeness.threshold == 10.0
    assert seen.likeness.distance < 10
    assert seen.likeness.alike
    assert "is like those" in seen.advice


def test_an_unfamiliar_image_is_unlike_them_and_the_advice_says_what_to_do(ask):
    y, x = np.mgrid[:128, :128]
    seen = look(ask(), 1000 * np.sin(x / 9) * np.sin(y / 8) + np.random.default_rng(0).normal(0, 1e-2, (128, 128)))
    assert seen.likeness.distance > 10
    assert not seen.likeness.alike
    assert "may need no denoising" in seen.advice


def test_the_look_agrees_with_the_report_of_a_run(ask, result, noisy):
    seen, report = look(ask(), noisy), result(noisy).report
    assert seen.noise_level == pytest.approx(report["noise_level"][0])
    assert seen.likeness.distance == pytest.approx(report["familiarity"]["distance"])
    assert seen.advice == report["familiarity"]["advice"]


def test_of_several_channels_the_noisiest_and_strangest_count(ask, noisy):
    smooth = np.random.default_rng(0).normal(noisy.mean(), 0.3, noisy.shape) + noisy.mean() * np.linspace(0, 1, 112)
    both = look(ask(axes="CYX"), np.stack([smooth, noisy]))
    assert both.noise_level == pytest.approx(look(ask(), noisy).noise_level)
    alone = [look(ask(), channel).likeness.distance for channel in (smooth, noisy)]
    assert both.likeness.distance == pytest.approx(max(alone))


def test_only_the_channels_of_the_region_are_looked_at(ask, noisy):
    image = np.stack([noisy, 100 * noisy])
    first = look(ask(axes="CYX", region=((0, 1), (0, 96), (0, 112))), image)
    assert first.noise_level == pytest.approx(look(ask(), noisy).noise_level)


def test_a_constant_image_has_nothing_to_denoise(ask):
    seen = look(ask(), np.full((64, 64), 5, np.uint8))
    assert (seen.noise_level, seen.likeness) == (0.0, None)
    assert "nothing to do" in seen.advice


def test_a_model_without_statistics_cannot_say(ask, noisy, tiny_model):
    model = store.find_model(tiny_model)
    card = model.card.model_copy(update={"familiarity": None, "id": "mute"})
    store.save_model(card, store.read_weights(model), store.user_folder() / "mute")
    seen = look(ask(model="mute"), noisy)
    assert seen.likeness is None
    assert "does not say" in seen.advice
    assert seen.noise_level == pytest.approx(10, rel=0.15)


def test_bad_images_and_unknown_models_are_refused(ask, noisy):
    with pytest.raises(ImageError, match="not numbers"):
        look(ask(), np.full((64, 64), np.nan))
    with pytest.raises(ModelError, match="no model called"):
        look(ask(model="nothing"), noisy)


def test_only_blocks_of_a_large_image_are_read(ask):
    class Vast:
        """Noise without end, made where it is looked at."""

        shape, dtype = (10**6, 10**6), np.dtype(np.uint16)
        read = 0

        def __getitem__(self, index):
            shape = tuple(part.stop - part.start for part in index)
            self.read += int(np.prod(shape))
            return np.random.default_rng(index[0].start).poisson(100, shape).astype(np.uint16)

    vast = Vast()
    assert look(ask(), vast).noise_level == pytest.approx(10, rel=0.1)
    assert vast.read < 10**7


def test_who_super_resolves_is_not_told_to_denoise(ask, sharpener):
    request = ask(task="superresolve", model=sharpener)
    assert look(request, np.random.default_rng(0).random((64, 64))).noise_level > 0
    assert "denois" not in look(request, np.ones((64, 64))).advice
