from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from skimage.draw import disk

from napari_microdiff.engine.events import Progress
from napari_microdiff.engine.request import Request, build_request
from napari_microdiff.errors import ImageError, RequestError
from napari_microdiff.tasks import reference_of
from napari_microdiff.tasks.augment import Attempt, Augmentation, Plan, check_patience

MASK = np.zeros((48, 64), np.uint16)
MASK[disk((14, 14), 7)] = 4
MASK[disk((30, 45), 9)] = 9


@pytest.fixture
def request_for(painter: str) -> Request:
    fields = {"model": painter, "device": "cpu", "precision": "float32", "steps": 1, "seed": 5}
    return build_request({"task": "synthesize", **fields})


def made(plan: Plan, number: int) -> Attempt:
    attempt = Augmentation(plan).attempt(number)
    seen: list[Any] = []
    while True:
        try:
            seen.append(next(attempt))
        except StopIteration as stop:
            assert any(isinstance(event, Progress) for event in seen)
            return stop.value


def test_an_attempt_depends_on_its_number_and_nothing_else(request_for: Request) -> None:
    plan = Plan(request_for, [MASK])
    first, again, other = (made(plan, number) for number in (3, 3, 4))
    np.testing.assert_array_equal(first.labels, again.labels)
    np.testing.assert_array_equal(first.result.sample, again.result.sample)
    assert (first.labels != other.labels).any()
    assert first.result.request.seed == 8
    assert first.reasons == ()


def test_given_masks_are_used_one_after_the_other(request_for: Request) -> None:
    plan = Plan(request_for, [MASK, MASK.T], layouts="given")
    for number in range(3):
        attempt = made(plan, number)
        assert attempt.mask == number % 2
        np.testing.assert_array_equal(attempt.labels, (MASK, MASK.T)[number % 2])


def test_labels_too_large_for_32_bits_are_numbered_anew(request_for: Request, make_painter: Callable[..., str]) -> None:
    large = np.where(MASK == 9, 2**32 + 4, np.where(MASK == 4, 4, 0)).astype(np.uint64)
    request = request_for.model_copy(update={"model": make_painter("two-kinds", classes=2)})
    attempt = made(Plan(request, [large], layouts="given", kinds=[{4: 1, 2**32 + 4: 2}]), 0)
    np.testing.assert_array_equal(attempt.labels, np.where(MASK == 9, 2, MASK == 4))
    assert attempt.result.request.options.kinds == ((1, 1), (2, 2))


def test_objects_keep_their_classes(request_for: Request, make_painter: Callable[..., str]) -> None:
    """The two objects are of different size, by which they are told apart where they are laid out at random."""
    request = request_for.model_copy(update={"model": make_painter("two-kinds", classes=2)})
    given = made(Plan(request, [MASK], layouts="given", kinds=[{4: 1, 9: 2}]), 0)
    assert given.result.request.options.kinds == ((4, 1), (9, 2))
    random = made(Plan(request, [MASK], shape=(256, 256), kinds=[{4: 1, 9: 2}]), 0)
    kinds = dict(random.result.request.options.kinds)
    areas = np.bincount(random.labels.ravel())
    assert kinds.keys() == set(range(1, len(areas)))
    assert len(areas) > 20
    small, large = (np.median([areas[label] for label, kind in kinds.items() if kind == which]) for which in (1, 2))
    assert large > 1.2 * small
    assert made(Plan(request, [MASK]), 0).result.request.options.kinds == ()


def test_every_pair_has_one_of_the_styles(request_for: Request) -> None:
    images = [level + np.random.default_rng(0).normal(0, 5, (96, 96)) for level in (100, 1000)]
    references = [reference_of(image) for image in images]
    plan = Plan(request_for, [MASK], references, shape=(32, 40))
    attempts = [made(plan, number) for number in range(6)]
    assert {attempt.reference for attempt in attempts} == {0, 1}
    for attempt in attempts:
        assert attempt.reference is not None
        known = references[attempt.reference]
        options = attempt.result.request.options
        assert (options.style, options.levels) == (known.style, known.levels)  # type: ignore[union-attr]
        assert attempt.labels.shape == (32, 40)


def test_a_layout_is_like_one_of_the_masks_in_the_style_of_its_own_image(request_for: Request) -> None:
    """Objects of different magnifications never meet in an image, and sparse masks give sparse layouts."""
    large = np.zeros((160, 160), np.uint16)
    large[disk((80, 80), 40)] = 1
    references = [reference_of(np.random.default_rng(n).normal(100, 5 + n, (96, 96))) for n in range(2)]
    plan = Plan(request_for, [MASK, large], references, own=[1, 0], shape=(160, 160))
    attempts = [made(plan, number) for number in range(8)]
    for attempt in attempts:
        assert attempt.parents in ((0,), (1,))
        assert attempt.reference == 1 - attempt.parents[0]
        areas = np.bincount(attempt.labels.ravel())[1:]
        if attempt.parents == (0,):
            assert len(areas) > 5
            assert areas.max() < 1000
        elif len(areas):
            assert areas.max() > 1000  # but for what the border cuts
    assert {attempt.parents for attempt in attempts} == {(0,), (1,)}


def test_every_layout_has_objects_and_masks_without_any_are_passed_over(request_for: Request) -> None:
    """In so small an image there would be none in three of four."""
    sparse = np.zeros((200, 200), np.uint16)
    sparse[disk((100, 100), 9)] = 1
    plan = Plan(request_for, [np.zeros_like(MASK), sparse], shape=(100, 110))
    for number in range(8):
        attempt = made(plan, number)
        assert attempt.labels.any()
        assert attempt.parents == (1,)


def test_given_masks_without_objects_are_passed_over(request_for: Request) -> None:
    plan = Plan(request_for, [MASK, np.zeros_like(MASK), MASK], layouts="given")
    assert [made(plan, number).parents for number in range(3)] == [(0,), (2,), (0,)]
    with pytest.raises(ImageError, match="no objects"):
        Augmentation(Plan(request_for, [np.zeros_like(MASK)], layouts="given"))


@pytest.mark.parametrize(
    ("masks", "message"),
    [([], "at least one"), ([np.zeros((2, 8, 8), int)], "one plane"), ([np.zeros((8, 8), int)], "no objects")],
)
def test_masks_that_cannot_be_used(request_for: Request, masks: list[np.ndarray], message: str) -> None:
    with pytest.raises(ImageError, match=message):
        Augmentation(Plan(request_for, masks))


def test_only_synthesis_makes_pairs() -> None:
    with pytest.raises(RequestError, match="'synthesize', not by 'denoise'"):
        Augmentation(Plan(Request(), [MASK]))


def test_patience_ends_after_many_rejections() -> None:
    check_patience(19, 0, 1, ["No."])
    check_patience(100, 50, 60, ["No."])
    with pytest.raises(RequestError, match=r"Of 20 images that were drawn 20 were rejected\. The last one: No\."):
        check_patience(20, 0, 1, ["No."])
    check_patience(20, 1, 1, ["No."])
    with pytest.raises(RequestError, match=r"rejected\. Why is in the manifest"):
        check_patience(20, 0, 1, [])
