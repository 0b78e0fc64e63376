"""A model that fills in slices learns from those of one stack, and is judged where it did not learn."""

from __future__ import annotations

from itertools import islice

import numpy as np
import pytest
from scipy import ndimage

from napari_microdiff import isotropic
from napari_microdiff.engine.events import Notice, Progress
from napari_microdiff.engine.options import IsotropicOptions
from napari_microdiff.engine.request import Request
from napari_microdiff.errors import ImageError, ModelError, RequestError
from napari_microdiff.models.model import Model
from napari_microdiff.models.store import find_model, list_models
from napari_microdiff.tasks.base import open_source
from napari_microdiff.training.adapted import Adapted
from napari_microdiff.training.isotropic.adapt import adapt
from napari_microdiff.training.isotropic.slices import LEAST, Slices
from napari_microdiff.training.isotropic.validate import Validation


def stack(depth: int, height: int, width: int, seed: int = 0) -> np.ndarray:
    """Slices of smooth random tissue, 4 pixels apart."""
    noise = np.random.default_rng(seed).standard_normal((depth, height, width))
    smooth = ndimage.gaussian_filter(noise, (0.5, 2, 2))
    return (128 + 30 * smooth / smooth.std()).astype(np.float32)


def slices_of(model: str, image: np.ndarray, axes: str = "ZYX") -> Slices:
    request = Request(task="isotropic", model=model, axes=axes, options=IsotropicOptions(factor=4))
    return Slices.of(open_source(request, image))


def test_a_stack_makes_a_model_better_at_its_slices(harmful_slicer: str) -> None:
    image = stack(3, 2 * LEAST, LEAST)
    events = list(adapt(harmful_slicer, image, factor=4, axes="ZYX", name="My tissue", steps=30, device="cpu"))
    adapted = events[-1]
    assert isinstance(adapted, Adapted)
    assert adapted.model_id == "my-tissue"
    assert [e.done for e in events if isinstance(e, Progress)] == [*range(1, 31), 30]
    assert f"3 slices of {LEAST} x {LEAST} pixels" in next(e.message for e in events if isinstance(e, Notice))
    assert adapted.gain_db is not None
    assert adapted.gain_db > 0.3
    assert adapted.before.shape == adapted.after.shape
    assert np.abs(adapted.before - adapted.after).max() > 0
    card = find_model("my-tissue").card
    assert (card.task, card.parent) == ("isotropic", harmful_slicer)
    assert card.training["estimated_gain_db"] == round(adapted.gain_db, 2)
    made = isotropic(image[:, :40, :40], factor=4, axes="ZYX", model="my-tissue", device="cpu", outputs=("mean",))
    assert made.mean is not None
    np.testing.assert_array_equal(made.mean[::4], image[:, :40, :40])


def test_what_is_judged_by_was_never_learned_from(slicer: str) -> None:
    image = stack(2, 2 * LEAST + 7, LEAST + 5)
    image[:, -LEAST:] += 1000
    learned, kept_back = slices_of(slicer, image)
    assert kept_back is not None
    assert all(plane.image.max() < 500 for plane in learned.clean)
    assert all(plane.image.min() > 500 for plane in kept_back.clean)


def test_of_many_slices_and_channels_some_are_read(slicer: str) -> None:
    image = np.stack([stack(90, LEAST, LEAST), np.full((90, LEAST, LEAST), 7, np.float32)])
    slices = slices_of(slicer, image, "CZYX")
    assert slices.kept_back is None
    assert slices.side == LEAST
    assert len(slices.learned.clean) == 64
    np.testing.assert_array_equal(slices.learned.clean[0].image, image[0, 0])
    np.testing.assert_array_equal(slices.learned.clean[-1].image, image[0, -1])


def volume(*shape: int) -> np.ndarray:
    """Tissue that looks alike from all sides."""
    smooth = ndimage.gaussian_filter(np.random.default_rng(0).standard_normal(shape), 2)
    return (128 + 30 * smooth / smooth.std()).astype(np.float32)


def test_an_isotropic_stack_is_learned_from_along_all_axes(harmful_slicer: str) -> None:
    image = volume(LEAST, 2 * LEAST, LEAST + 3)
    asked = {"factor": 4, "axes": "ZYX", "name": "cubes", "steps": 30, "device": "cpu", "isotropic": True}
    events = list(adapt(harmful_slicer, image, **asked))
    told = next(e.message for e in events if isinstance(e, Notice))
    assert told == f"Learning from {LEAST} x {LEAST} x {LEAST + 3} voxels, cut along all axes."
    adapted = events[-1]
    assert isinstance(adapted, Adapted)
    assert adapted.gain_db is not None
    assert adapted.gain_db > 0.3
    assert "one isotropic stack" in find_model("cubes").card.summary


def test_planes_of_an_isotropic_stack_know_those_beside_them(slicer: str) -> None:
    image = np.stack([volume(LEAST + 2, 200, 700), np.zeros((LEAST + 2, 200, 700), np.float32)])
    request = Request(task="isotropic", model=slicer, axes="CZYX", options=IsotropicOptions(factor=4))
    slices = Slices.of_volume(open_source(request, image))
    learned, kept_back = slices
    assert kept_back is None
    assert slices.side == LEAST  # the least of all three, of which squares are not magnified
    assert len(learned.clean) == LEAST + 2 + 200 + 256
    middle = image[0, :, :, 222:478]
    for first, axis in ((0, 0), (LEAST + 2, 1), (LEAST + 2 + 200, 2)):
        plane = learned.clean[first + 5]
        np.testing.assert_array_equal(plane.image, middle.take(5, axis))
        np.testing.assert_array_equal(plane.beside(-2), middle.take(3, axis))


def test_the_last_rows_of_an_isotropic_stack_are_kept_back(slicer: str) -> None:
    image = volume(LEAST, 2 * LEAST + 1, LEAST)
    image[:, -LEAST:] += 1000
    request = Request(task="isotropic", model=slicer, axes="ZYX", options=IsotropicOptions(factor=4))
    learned, kept_back = Slices.of_volume(open_source(request, image))
    assert kept_back is not None
    assert all(plane.volume.max() < 500 and plane.image.max() < 500 for plane in learned.clean)
    assert all(plane.volume.min() > 500 and plane.image.min() > 500 for plane in kept_back.clean)


@pytest.mark.parametrize(
    ("image", "said"),
    [
        (np.ones((LEAST - 1, LEAST, LEAST), np.float32), f"{LEAST - 1} x {LEAST} x {LEAST} voxels is too small"),
        (np.ones((LEAST, LEAST, LEAST), np.float32), "same value everywhere"),
        (np.full((LEAST, LEAST, LEAST), np.nan, np.float32), "NaN"),
    ],
)
def test_an_isotropic_stack_of_which_nothing_can_be_learned_is_refused(
    slicer: str, image: np.ndarray, said: str
) -> None:
    with pytest.raises(ImageError, match=said):
        next(adapt(slicer, image, factor=4, axes="ZYX", isotropic=True, device="cpu"))


def test_a_factor_that_the_parent_does_not_know_is_known_to_what_learned_it(
    slicer: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = find_model(slicer)
    few = Model(known.card.model_copy(update={"factors": (2, 3)}), known.folder, known.bundled)
    monkeypatch.setattr("napari_microdiff.training.isotropic.adapt.find_model", lambda _: few)
    image = stack(2, LEAST, LEAST)
    list(adapt(slicer, image, factor=6, axes="ZYX", name="wider", steps=1, device="cpu"))
    assert find_model("wider").card.factors == (2, 3, 6)
    made = isotropic(image[:, :32, :32], factor=6, axes="ZYX", model="wider", device="cpu", outputs=("mean",))
    assert made.mean is not None
    assert len(made.mean) == 7


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"factor": 1}, "factor"),
        ({"factor": 4, "steps": 0}, "more steps"),
        ({"factor": 4, "seed": -1}, "seed must be at least 0"),
        ({"factor": 4, "seed": 2**63}, "seed must be less than"),
    ],
)
def test_what_cannot_be_asked_for_is_said(slicer: str, fields: dict[str, int], message: str) -> None:
    with pytest.raises(RequestError, match=message):
        next(adapt(slicer, stack(2, LEAST, LEAST), axes="ZYX", device="cpu", **fields))


def test_the_largest_seed_is_learned_with(slicer: str) -> None:
    seed = 2**63 - 1
    events = adapt(slicer, stack(2, LEAST, LEAST), factor=4, axes="ZYX", steps=1, seed=seed, device="cpu")
    assert isinstance(list(events)[-1], Adapted)


def test_a_name_that_is_no_name_of_a_folder_is_refused_before_anything_is_learned(slicer: str) -> None:
    with pytest.raises(ModelError, match="has 300 letters"):
        next(adapt(slicer, stack(2, LEAST, LEAST), factor=4, axes="ZYX", name="n" * 300, device="cpu"))


def test_of_small_slices_nothing_is_kept_back_and_nothing_claimed(slicer: str) -> None:
    events = list(adapt(slicer, stack(2, LEAST, LEAST), factor=4, axes="ZYX", name="small", steps=1, device="cpu"))
    assert events[-1].gain_db is None  # type: ignore[union-attr]
    assert any("was not measured" in event.message for event in events if isinstance(event, Notice))
    assert "estimated_gain_db" not in find_model("small").card.training


@pytest.mark.parametrize("blank", [slice(LEAST), slice(LEAST, None)])
def test_of_slices_with_a_blank_part_nothing_is_kept_back(slicer: str, blank: slice) -> None:
    image = stack(2, 2 * LEAST, LEAST)
    image[:, blank] = 0
    learned, kept_back = slices_of(slicer, image)
    assert kept_back is None
    assert learned.clean[0].image.shape == (2 * LEAST, LEAST)


def test_where_all_that_is_drawn_is_blank_nothing_is_claimed(slicer: str) -> None:
    image = stack(2, 2 * LEAST, 4 * LEAST)
    image[:, -LEAST:, :-1] = 0
    events = list(adapt(slicer, image, factor=4, axes="ZYX", name="dark", steps=1, device="cpu"))
    assert events[-1].gain_db is None  # type: ignore[union-attr]
    assert any("was not measured" in event.message for event in events if isinstance(event, Notice))


def test_a_model_that_got_worse_is_said_to_suit_already(slicer: str, monkeypatch: pytest.MonkeyPatch) -> None:
    gains = iter([1.0, 1.25])  # of the new model, and of its parent
    monkeypatch.setattr(Validation, "measure", lambda *_: {"recorded": next(gains)})
    events = list(adapt(slicer, stack(2, 2 * LEAST, LEAST), factor=4, axes="ZYX", steps=1, device="cpu"))
    assert any("brought next to nothing (-0.25 dB)" in event.message for event in events if isinstance(event, Notice))


@pytest.mark.parametrize("told", [1, 3])
def test_a_cancelled_adaptation_leaves_no_model(slicer: str, told: int) -> None:
    """Also one that is cancelled after its last step, while its gain is measured."""
    before = [model.card.id for model in list_models()]
    running = adapt(slicer, stack(2, LEAST, LEAST), factor=4, axes="ZYX", steps=2, device="cpu")
    for _ in range(told):
        while not isinstance(next(running), Progress):
            pass
    running.close()  # type: ignore[attr-defined]
    assert [model.card.id for model in list_models()] == before


def test_what_cannot_be_learned_from_is_said(slicer: str, tiny_model: str) -> None:
    fields = {"factor": 4, "device": "cpu"}
    with pytest.raises(ImageError, match=f"at least {LEAST} pixels"):
        next(adapt(slicer, stack(2, LEAST - 1, 300), axes="ZYX", **fields))
    with pytest.raises(ImageError, match="no stack"):
        next(adapt(slicer, stack(2, LEAST, LEAST)[0], axes="YX", **fields))
    with pytest.raises(ImageError, match="same value everywhere"):
        list(islice(adapt(slicer, np.ones((2, LEAST, LEAST), np.float32), axes="ZYX", **fields), 2))
    with pytest.raises(ModelError, match="does not fill in"):
        next(adapt(tiny_model, stack(2, LEAST, LEAST), axes="ZYX", **fields))
