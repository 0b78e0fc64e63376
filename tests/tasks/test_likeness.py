"""Whether an image is like the training images of a model, and whether another model suits it better."""

from __future__ import annotations

import re

import numpy as np
import pytest

from napari_microdiff.imaging.intensity import Normalization
from napari_microdiff.imaging.spectrum import LIKENESS, VECTOR_LENGTH, Spectrum
from napari_microdiff.imaging.texture import TEXTURE_LENGTH
from napari_microdiff.models import store
from napari_microdiff.models.card import Card, Familiarity
from napari_microdiff.tasks.likeness import Likeness, likeness
from napari_microdiff.tasks.statistics import Statistics

LENGTH = LIKENESS.stop - LIKENESS.start


def around(value: float, length: int = TEXTURE_LENGTH, *, spread: float = 1.0, threshold: float = 8.0) -> Familiarity:
    """Training images whose numbers all scatter about one value."""
    precision = np.eye(length) / spread**2
    return Familiarity(mean=(value,) * length, precision=tuple(map(tuple, precision.tolist())), threshold=threshold)


def showing(value: float, noise: float = 0.0) -> tuple[Statistics, np.ndarray]:
    """A channel whose texture is all one number, and its condition vector."""
    texture = np.full(TEXTURE_LENGTH, value, np.float32)
    told = Statistics(Normalization(0.0, 1.0), 0.1, Spectrum(np.ones(16), np.ones(16)), texture, constant=False)
    vector = np.zeros(VECTOR_LENGTH, np.float32)
    vector[LIKENESS] = noise
    return told, vector


@pytest.fixture
def card(tiny_model: str) -> Card:
    known = {"familiarity": around(0.0, LENGTH), "content": around(0.0)}
    return store.find_model(tiny_model).card.model_copy(update=known)


@pytest.fixture
def rival(tiny_model: str):
    """Save another model for the same task, for images that show something else."""

    def save(content: Familiarity, task: str = "denoise") -> None:
        model = store.find_model(tiny_model)
        card = model.card.model_copy(update={"id": "rival", "title": "Rival", "content": content, "task": task})
        store.save_model(card, store.read_weights(model), store.user_folder() / "rival")

    return save


def test_an_image_like_the_training_images_is_alike(card: Card) -> None:
    found = likeness(card, [showing(0.5)])
    assert found == Likeness(0.0, 8.0, pytest.approx(0.5 * np.sqrt(TEXTURE_LENGTH)), 8.0, None)
    assert found.alike


def test_either_of_noise_and_content_can_be_strange(card: Card) -> None:
    noisy, shows = likeness(card, [showing(0.0, noise=3.0)]), likeness(card, [showing(3.0)])
    assert noisy is not None
    assert shows is not None
    assert (noisy.distance > 8, noisy.strange_content, noisy.alike) == (True, False, False)
    assert (shows.distance > 8, shows.strange_content, shows.alike) == (False, True, False)


def test_of_several_channels_the_strangest_counts(card: Card) -> None:
    found = likeness(card, [showing(0.1, noise=2.0), showing(0.7), showing(0.3)])
    assert found is not None
    assert found.distance == pytest.approx(2 * np.sqrt(LENGTH))
    assert found.content == pytest.approx(0.7 * np.sqrt(TEXTURE_LENGTH))


def test_a_model_that_suits_better_is_named(card: Card, rival) -> None:
    rival(around(2.0))
    found = likeness(card, [showing(1.8)])
    assert found is not None
    assert found.better == "Rival"
    assert not found.alike
    assert "“Rival”" in found.advice(task="superresolve")


def test_no_model_is_named_that_suits_hardly_better(card: Card, rival) -> None:
    # Densities differ by 28 (1 - 2 x) / 2 in their logarithms, x being what is shown on the way from 0 to 1.
    rival(around(1.0))
    for shown, expected in ((0.58, None), (0.62, "Rival")):
        found = likeness(card, [showing(shown)])
        assert found is not None
        assert found.better == expected


def test_a_model_for_all_kinds_of_images_does_not_suit_better_than_one_for_this_kind(card: Card, rival) -> None:
    rival(around(0.0, spread=10.0))
    found = likeness(card, [showing(1.0)])
    assert found is not None
    assert found.better is None


def test_a_model_for_another_task_is_not_named(card: Card, rival) -> None:
    rival(around(2.0), task="isotropic")
    found = likeness(card, [showing(1.8)])
    assert found is not None
    assert found.better is None


def test_statistics_of_another_version_are_not_compared(card: Card, rival) -> None:
    rival(Familiarity(mean=(0.0,) * 20, precision=tuple(map(tuple, np.eye(20))), threshold=8.0))
    found = likeness(card, [showing(0.5)])
    assert found is not None
    assert found.better is None
    short = Familiarity(mean=(0.0,), precision=((1.0,),), threshold=8.0)
    without = likeness(card.model_copy(update={"content": short}), [showing(0.5)])
    assert without is not None
    assert without.content is None
    assert likeness(card.model_copy(update={"familiarity": short}), [showing(0.5)]) is None


def test_cards_from_before_content_was_measured_tell_of_noise_alone(card: Card) -> None:
    found = likeness(card.model_copy(update={"content": None}), [showing(100.0)])
    assert found is not None
    assert (found.content, found.better, found.alike) == (None, None, True)
    assert likeness(card.model_copy(update={"familiarity": None}), [showing(0.0)]) is None


@pytest.mark.parametrize(
    ("found", "ratio", "words"),
    [
        (Likeness(1, 2), 0.1, "is like those"),
        (Likeness(2, 2, 2, 2), 0.1, "is like those"),
        (Likeness(3, 2), 0.001, "much less noise"),
        (Likeness(3, 2), 0.1, "unlike those.*adapt this one"),
        (Likeness(1, 2, 3, 2), 0.1, "unlike those.*adapt this one"),
        (Likeness(1, 2, 1, 2, "Other"), 0.1, "“Other”"),
    ],
)
def test_advice_is_one_or_two_sentences_for_people(found: Likeness, ratio: float, words: str) -> None:
    assert re.search(words, found.advice(ratio))
    assert found.report(ratio)["advice"] == found.advice(ratio)


def test_who_super_resolves_is_not_told_to_denoise() -> None:
    said = Likeness(2, 1).advice(0.001, "superresolve")
    assert "made up" in said
    assert "denois" not in said
    assert "denois" in Likeness(2, 1).advice(0.001)
