"""What a judge says of images whose objects are known; the segmenter is one that is right for bright discs."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import numpy as np
import pytest
from scipy import ndimage
from skimage.draw import disk

from napari_microdiff.engine.events import Progress, Result
from napari_microdiff.engine.request import build_request
from napari_microdiff.errors import ImageError, ModelError
from napari_microdiff.imaging.judging import Limits, Scores
from napari_microdiff.imaging.originals import Originals
from napari_microdiff.models.card import write_card
from napari_microdiff.models.originals import write_originals
from napari_microdiff.models.store import find_model
from napari_microdiff.tasks import reference_of
from napari_microdiff.tasks.judge import Judge

SHAPE = (128, 160)
JUDGE = Judge(segmenter="segment-tiny", device="cpu")


def discs(*middles: tuple[int, int]) -> np.ndarray:
    labels = np.zeros(SHAPE, np.int32)
    for number, middle in enumerate(middles, start=1):
        labels[disk(middle, 12, shape=SHAPE)] = number
    return labels


@pytest.fixture(autouse=True)
def _drawn_by(painter: str) -> None:
    """The model that is said to have drawn the images is installed."""
    assert painter == "synth-tiny"


MASK = discs((30, 30), (30, 90), (90, 60), (95, 120))


def shown(labels: np.ndarray, noise: float = 3.0) -> np.ndarray:
    return (50 + 100 * (labels > 0) + noise * np.random.default_rng(0).standard_normal(labels.shape)).astype(np.float32)


def result(image: np.ndarray, **options: Any) -> Result:
    request = build_request({"task": "synthesize", "model": "synth-tiny", "options": options})
    return Result(request, tuple((0, n) for n in image.shape[:2]), sample=image)


def judged(drawn: Result, labels: np.ndarray = MASK, judge: Judge = JUDGE) -> Scores:
    def to_the_end(events: Generator[Any, None, Scores]) -> Scores:
        seen = []
        while True:
            try:
                seen.append(next(events))
            except StopIteration as stop:
                assert any(isinstance(event, Progress) for event in seen)
                return stop.value

    return to_the_end(judge.look_at(drawn, labels))


def test_a_mask_that_comes_back_scores_high_and_another_low(oracle: Any) -> None:
    good = judged(result(shown(MASK)))
    assert good.mask is not None
    assert good.mask > 0.8
    assert JUDGE.limits.reasons(good) == ()
    half = judged(result(shown(np.where(MASK < 3, MASK, 0))))
    assert half.mask == pytest.approx(good.mask * 2 / 3, abs=0.1)  # two pairs of four and two objects
    bad = judged(result(shown(discs((60, 30), (60, 140)))))
    assert bad.mask == 0
    assert "do not come back" in JUDGE.limits.reasons(bad)[0]


def test_the_style_is_compared_where_there_is_one(oracle: Any) -> None:
    reference = reference_of(shown(MASK))
    fields = {"style": reference.style, "levels": reference.levels}
    same, *noisier = (judged(result(shown(MASK, noise), **fields)) for noise in (3.0, 12.0, 48.0))
    assert same.spectrum_db == pytest.approx(0, abs=1e-3)
    assert same.levels == pytest.approx(0, abs=1e-3)
    some, much = (scores.spectrum_db or 0 for scores in noisier)
    assert 2 < some < much / 2
    assert "It is sharper than the reference, or has more noise" in " ".join(JUDGE.limits.reasons(noisier[1]))
    brighter = judged(result(shown(MASK) + 40, **fields))
    assert brighter.levels == pytest.approx(40 / np.diff(reference.levels)[0], rel=0.05)
    assert judged(result(shown(MASK))).spectrum_db is None


def test_an_empty_mask_comes_back_from_an_image_without_objects(oracle: Any) -> None:
    empty = np.zeros(SHAPE, np.int32)
    assert judged(result(np.full(SHAPE, 7, np.float32)), empty).mask == 1
    assert judged(result(shown(MASK)), empty).mask == 0


def test_limits_are_those_of_the_judge(oracle: Any) -> None:
    bad = judged(result(shown(discs((60, 30)))))
    assert Judge(limits=Limits(mask=None)).limits.reasons(bad) == ()


def test_a_copy_of_a_training_image_is_told_from_other_images(oracle: Any, painter: str) -> None:
    def textured(seed: int) -> np.ndarray:
        grain = np.random.default_rng(seed).standard_normal(SHAPE)
        return (shown(MASK) + 60 * ndimage.gaussian_filter(grain, 2) / 0.14).astype(np.float32)

    assert judged(result(textured(1))).nearest is None
    model = find_model(painter)
    known = write_originals(Originals.of([(textured(1), MASK), (textured(2), MASK)]), 0.8, model.folder)
    write_card(model.card.model_copy(update={"originals": known}), model.folder)
    copy, other = (judged(result(2 * textured(seed))) for seed in (1, 3))
    assert copy.nearest is not None
    assert other.nearest is not None
    assert copy.nearest > 0.98
    assert other.nearest < 0.8
    limits = Judge(limits=Limits(mask=None))
    assert "was trained on" in " ".join(limits.reasons(result(MASK), copy))
    assert limits.reasons(result(MASK), other) == ()
    assert Judge(limits=Limits(mask=None, nearest=1.0)).reasons(result(MASK), copy) == ()


def test_what_cannot_be_judged_is_said(segmenter: str) -> None:
    with pytest.raises(ImageError, match="mask of one plane"):
        next(JUDGE.look_at(result(shown(MASK)), MASK[:50]))
    with pytest.raises(ModelError, match="is for 'denoise'"):
        next(Judge(segmenter="tiny", device="cpu").look_at(result(shown(MASK)), MASK))
