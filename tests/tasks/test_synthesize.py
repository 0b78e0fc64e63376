"""Images from masks: the same in tiles and parts, far from an edit as before, and fitting to what lies behind."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import dask.array as da
import numpy as np
import pytest
import torch
from skimage.draw import disk
from torch import Tensor

from napari_microdiff.diffusion.denoiser import Condition, Preconditioned, Prediction
from napari_microdiff.engine.events import Preview, Progress, Result
from napari_microdiff.engine.options import SynthesizeOptions
from napari_microdiff.engine.request import Request
from napari_microdiff.errors import ImageError, ModelError, RequestError
from napari_microdiff.imaging.mask_edits import common_background, move
from napari_microdiff.models.store import find_model
from napari_microdiff.tasks import reference_of, run, synthesize

SHAPE = (112, 144)
Draw = Callable[..., Result]


def mask(shape: tuple[int, int] = SHAPE, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    labels = np.zeros(shape, np.int32)
    for number in range(1, 13):
        middle = rng.integers(0, shape[0]), rng.integers(0, shape[1])
        labels[disk(middle, rng.integers(5, 14), shape=shape)] = 3 * number
    return labels


@pytest.fixture
def draw(painter: str) -> Draw:
    def drawn(labels: Any, **fields: Any) -> Result:
        settings = {"model": painter, "device": "cpu", "precision": "float32", "steps": 3, **fields}
        return synthesize(labels, **settings)

    return drawn


def test_an_image_is_drawn_between_the_levels_of_the_reference(draw: Draw, noisy: np.ndarray) -> None:
    made = draw(mask(), reference=noisy, outputs=("sample", "mean"))
    assert made.sample is not None
    assert made.mean is not None
    assert made.sample.shape == made.mean.shape == SHAPE
    assert made.sample.dtype == np.float32
    dark, bright = reference_of(noisy).levels
    assert dark - (bright - dark) < made.sample.mean() < bright + (bright - dark)
    assert made.report["synthetic"] is True
    assert made.request.options.style == reference_of(noisy).style  # type: ignore[union-attr]


def test_noise_as_faint_as_that_of_a_camera_is_drawn(draw: Draw, painter: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of images that are nothing but faint noise the posterior mean is known; what is drawn must be as noisy."""
    faint = 0.02 * find_model(painter).card.sigma_data

    def exact(self: Preconditioned, x: Tensor, sigma: float | Tensor, condition: Condition) -> Prediction:
        level = torch.as_tensor(sigma, dtype=x.dtype).reshape(-1, 1, 1, 1)
        kept = faint**2 / (faint**2 + level**2)
        return Prediction(kept * x, (kept * level**2).expand_as(x))

    monkeypatch.setattr(Preconditioned, "forward", exact)
    sample = draw(mask(), steps=16, guidance=0).sample
    scale = np.ptp(SynthesizeOptions().levels) / 2
    assert 0.85 * faint < sample.std() / scale < 1.1 * faint


def test_the_same_request_makes_the_same_image_and_another_seed_another(draw: Draw) -> None:
    first, again, other = (draw(mask(), seed=seed).sample for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert np.abs(first - other).mean() > 1


def test_mask_style_and_classes_are_seen(draw: Draw, make_painter: Callable[..., str], noisy: np.ndarray) -> None:
    make_painter("two-kinds", classes=2)
    base = draw(mask(), model="two-kinds").sample
    for other in (
        draw(mask(seed=1), model="two-kinds"),
        draw(mask(), model="two-kinds", kinds={3: 2, 6: 2}),
        draw(mask(), model="two-kinds", reference=noisy, levels=(0, 255)),
        draw(mask(), model="two-kinds", guidance=0.0),
    ):
        assert np.abs(other.sample - base).max() > 0.5


@pytest.mark.parametrize("camera", [{}, {"photons": 50.0, "read_noise": 2.0, "blur": 0.8}])
def test_tiles_and_parts_do_not_show(draw: Draw, camera: dict[str, float]) -> None:
    whole = draw(mask(), tile=1024, **camera).sample
    np.testing.assert_allclose(draw(mask(), tile=32, **camera).sample, whole, atol=0.05 if not camera else 6)
    part = draw(mask(), region=((40, 100), (30, 120)), tile=1024, **camera).sample
    off = np.abs(part - whole[40:100, 30:120])
    assert np.median(off) < 0.05
    assert np.quantile(off, 0.98) < (0.05 if not camera else 6)  # a photon more or less where a mean is on the edge


def test_what_is_far_from_an_edit_comes_out_as_it_was(draw: Draw) -> None:
    labels = mask((64, 320))
    labels[:, :60] = 0
    labels[disk((32, 30), 10)] = 99
    edited = move(labels, 99, (8, 5)).applied_to(labels)
    before, after = draw(labels).sample, draw(edited).sample
    assert (before != after)[:, :60].any()
    np.testing.assert_array_equal(before[:, 240:], after[:, 240:])


def test_known_pixels_of_the_image_behind_are_what_the_model_is_told(draw: Draw) -> None:
    behind = draw(mask(), seed=3).sample
    region = ((40, 104), (48, 128))
    other = behind.copy()
    other[40:104, 48:128] += 1000  # is not looked at: it is drawn anew
    first, second = (draw(mask(), region=region, behind=image).sample for image in (behind, other))
    np.testing.assert_array_equal(first, second)
    assert np.abs(first - behind[40:104, 48:128]).mean() > 1
    other = behind.copy()
    other[30:40] += 100
    assert (draw(mask(), region=region, behind=other).sample != first).any()


def test_what_is_kept_of_the_image_behind_comes_out_as_it_was(draw: Draw) -> None:
    behind = np.random.default_rng(0).normal(100, 20, SHAPE).astype(np.float32)
    before, after = mask(), mask(seed=1)
    kept = common_background(before, after)
    camera = {"photons": 50.0, "read_noise": 2.0, "blur": 0.8}
    made = draw(after, behind=behind, kept=kept, samples=2, outputs=("sample", "mean"), **camera)
    for image in (made.sample, made.mean):
        np.testing.assert_array_equal(image[kept], behind[kept])
        assert np.abs(image - behind)[~kept].mean() > 1
    region = ((40, 104), (48, 128))
    part = draw(after, behind=behind, kept=kept, region=region).sample
    assert part.shape == (64, 80)
    here = (slice(40, 104), slice(48, 128))
    np.testing.assert_array_equal(part[kept[here]], behind[here][kept[here]])


def test_drawing_begins_from_the_image_behind_under_little_noise(draw: Draw) -> None:
    behind = np.zeros(SHAPE, np.float32)
    behind[:, 72:] = 255
    near, far = (draw(mask(), behind=behind, start=start).sample for start in (0.1, 20.0))
    contrasts = [float(image[:, 72:].mean() - image[:, :72].mean()) for image in (near, far)]
    assert contrasts[0] > 2 * abs(contrasts[1])
    whole = draw(mask(), behind=behind, start=0.5, tile=1024).sample
    np.testing.assert_allclose(draw(mask(), behind=behind, start=0.5, tile=32).sample, whole, atol=0.05)


def test_samples_begin_under_noise_of_their_own(draw: Draw) -> None:
    behind = np.zeros(SHAPE, np.float32)
    one, two, four = (
        draw(mask(), behind=behind, start=1.0, samples=samples, outputs=("mean",)).mean for samples in (1, 2, 4)
    )
    assert (two != one).any()
    assert (four != two).any()


def test_colours_are_the_last_axis(draw: Draw, make_painter: Callable[..., str]) -> None:
    make_painter("colours", channels=3)
    stack = np.stack([mask((48, 64)), mask((48, 64), seed=1)])
    made = draw(stack, model="colours", axes="ZYX", outputs=("sample", "mean")).sample
    assert made.shape == (2, 48, 64, 3)
    assert np.ptp(made, axis=-1).mean() > 1
    behind = np.zeros((2, 48, 64, 3), np.float32)
    region = ((0, 1), (0, 48), (16, 48))
    settings = {"model": "colours", "axes": "ZYX", "region": region, "behind": behind, "start": 1.0}
    part = draw(stack, kept=stack == 0, **settings).sample
    assert part.shape == (1, 48, 32, 3)
    assert (part[stack[:1, :, 16:48] == 0] == 0).all()
    assert (part[stack[:1, :, 16:48] > 0] != 0).any()


def test_planes_of_a_stack_have_noise_of_their_own(draw: Draw) -> None:
    stack = np.stack([mask((64, 64))] * 2)
    first, second = draw(stack, axes="TYX").sample
    assert np.abs(first - second).mean() > 1


def test_one_step_is_the_first_look(draw: Draw) -> None:
    made = draw(mask(), steps=1, outputs=("sample", "mean"))
    np.testing.assert_array_equal(made.sample, made.mean)
    assert made.mean.std() > 0


def test_the_mean_of_several_samples_lies_between_them(draw: Draw) -> None:
    made = draw(mask((64, 64)), samples=2, outputs=("sample", "mean"))
    assert 0 < np.abs(made.sample - made.mean).mean() < 200


def test_lazy_masks_are_read_part_by_part(draw: Draw) -> None:
    labels = mask()
    lazy = da.from_array(labels, chunks=(50, 60))
    np.testing.assert_array_equal(draw(lazy).sample, draw(labels).sample)


@pytest.mark.parametrize("dtype", [bool, np.uint8, np.int64])
def test_masks_of_any_whole_type(draw: Draw, dtype: type) -> None:
    assert np.isfinite(draw((mask((48, 48)) > 0).astype(dtype)).sample).all()


@pytest.mark.parametrize(
    "labels",
    [np.zeros((40, 40), int), np.full((40, 40), 7), np.eye(40, dtype=int) * np.arange(1, 41), np.ones((1, 1), int)],
    ids=["empty", "full", "single pixels", "one pixel"],
)
def test_odd_masks_are_drawn(draw: Draw, labels: np.ndarray) -> None:
    made = draw(labels, guidance=1.0).sample
    assert made.shape == labels.shape
    assert np.isfinite(made).all()


def test_events_come_in_order_and_previews_lie_in_the_region(painter: str) -> None:
    request = Request(
        task="synthesize",
        model=painter,
        device="cpu",
        steps=3,
        tile=32,
        region=((10, 90), (20, 130)),
        options={"blur": 1.0},
    )
    happened = list(run(request, mask()))
    progress = [event for event in happened if isinstance(event, Progress)]
    assert [p.done for p in progress] == list(range(1, len(progress) + 1))
    for event in happened:
        if isinstance(event, Preview) and event.image.size:
            (top, bottom), (left, right) = event.region
            assert event.image.shape == (bottom - top, right - left)
            assert top >= 10
            assert bottom <= 90
            assert left >= 20
            assert right <= 130


@pytest.mark.parametrize(
    ("labels", "fields", "error", "message"),
    [
        (mask().astype(np.float32), {}, ImageError, "whole numbers"),
        (np.full((20, 20), -1), {}, ImageError, "negative"),
        (np.zeros((20, 20, 3), np.uint8), {"axes": "YXS"}, ImageError, "no colours"),
        (np.zeros((0, 20), int), {}, ImageError, "empty"),
        (mask(), {"kinds": {3: 2}}, RequestError, "knows 1 class"),
        (mask(), {"levels": (5, 5)}, RequestError, "below the upper"),
        (mask(), {"kinds": {3: 0}}, RequestError, "from 1"),
        (mask(), {"reference": np.random.default_rng(0).random((64, 64, 3))}, RequestError, "numbers"),
        (mask(), {"behind": np.zeros((10, 10))}, ImageError, "image behind"),
        (mask(), {"behind": np.zeros(SHAPE), "kept": np.zeros((10, 10))}, ImageError, "one value for each pixel"),
        (mask(), {"kept": np.zeros(SHAPE)}, RequestError, "no image behind"),
        (mask(), {"start": 1.0}, RequestError, "no image behind"),
        (mask(), {"behind": np.zeros(SHAPE), "start": 0.0}, RequestError, "start must be at least"),
        (mask(), {"model": "tiny"}, ModelError, "is for 'denoise'"),
        (mask(), {"outputs": ("labels",)}, RequestError, "makes sample, mean"),
    ],
)
def test_what_cannot_be_drawn_is_said(draw: Draw, labels: Any, fields: Any, error: type, message: str) -> None:
    with pytest.raises(error, match=message):
        draw(labels, **fields)


def test_only_synthesis_takes_an_image_behind(tiny_model: str, noisy: np.ndarray) -> None:
    for given in ({"behind": noisy}, {"kept": noisy}):
        with pytest.raises(RequestError, match="image behind"):
            next(run(Request(model=tiny_model), noisy, **given))
