from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from scipy import ndimage

from napari_microdiff.diffusion.denoiser import Prediction
from napari_microdiff.diffusion.unet import LocalUNet
from napari_microdiff.engine.events import Done, Notice, Preview, Progress, Result
from napari_microdiff.engine.options import Stroke
from napari_microdiff.engine.request import build_request
from napari_microdiff.errors import ImageError, ModelError, RequestError
from napari_microdiff.imaging.instances import reading_labels
from napari_microdiff.imaging.matching import match_all
from napari_microdiff.models.card import Architecture, Card
from napari_microdiff.models.model import save_model
from napari_microdiff.models.store import find_model, user_folder
from napari_microdiff.tasks import objects, run
from napari_microdiff.tasks import segment as find_objects

KNOWN = 24.0  # diameter in pixels that the models of these tests know


def discs(radius: float = 12, side: int = 160, seed: int = 0) -> NDArray[np.int64]:
    """Labels of discs that do not touch."""
    y, x = np.mgrid[:side, :side]
    step = 2.6 * radius
    centres = [(a, b) for a in np.arange(step, side - radius, step) for b in np.arange(step, side - radius, step)]
    return sum((np.hypot(y - a, x - b) <= radius) * number for number, (a, b) in enumerate(centres, start=1))  # type: ignore[return-value]


def recorded(labels: NDArray[np.int64]) -> NDArray[np.uint8]:
    """Bright objects under noise."""
    rng = np.random.default_rng(0)
    return (np.where(labels > 0, 180, 40) + rng.normal(0, 4, labels.shape)).clip(0, 255).astype(np.uint8)


def segment(image: Any, **fields: Any) -> Result:
    return find_objects(image, **{"model": "segment-tiny", **fields})


@pytest.mark.usefixtures("oracle")
def test_objects_are_found_and_described() -> None:
    truth = discs()
    result = segment(recorded(truth), diameter=KNOWN)
    assert result.labels is not None
    assert result.labels.dtype == np.int32
    assert match_all(truth, result.labels, [0.8])[0].average_precision == 1
    number = int(truth.max())
    table = result.objects
    assert set(table) == {"label", "area", "confidence", "y", "x"}
    np.testing.assert_array_equal(table["label"], np.arange(1, number + 1))
    np.testing.assert_allclose(table["area"], np.pi * 12**2, rtol=0.1)
    assert np.isnan(table["confidence"]).all()  # one evaluation does not disagree with itself
    centres = ndimage.center_of_mass(result.labels > 0, result.labels, table["label"])
    np.testing.assert_allclose(np.stack([table["y"], table["x"]], axis=1), centres)
    assert result.report["objects"] == number
    assert (result.mean, result.maps) == (None, None)


def test_a_steep_depth_gives_the_same_objects_maps_and_diameter(oracle: Any) -> None:
    fields: dict[str, Any] = {"steps": 2, "samples": 2, "outputs": ("labels", "maps")}
    even = segment(recorded(discs()), **fields)
    model = find_model("segment-tiny")
    card = model.card.model_copy(update={"id": "segment-steep", "depth": "steep"})
    save_model(card, LocalUNet(**card.architecture.model_dump()).state_dict(), user_folder() / "segment-steep")
    oracle.depth = "steep"
    steep = segment(recorded(discs()), model="segment-steep", **fields)
    assert steep.report["diameter"] == pytest.approx(even.report["diameter"], rel=0.02)
    assert match_all(even.labels, steep.labels, [0.9])[0].average_precision == 1
    assert np.abs(steep.maps - even.maps).mean() < 0.03  # resized and averaged while steep
    assert np.abs(steep.maps).max() <= 1.001


@pytest.mark.usefixtures("oracle")
@pytest.mark.parametrize("axes", ["ZYX", "TYX"])
def test_dim_planes_have_a_range_of_their_own_and_empty_ones_stay_empty(axes: str) -> None:
    truth, rng = discs(), np.random.default_rng(0)
    stack = np.stack([30 + (truth > 0) * light for light in (160, 50, 0)]) + rng.normal(0, 3, (3, *truth.shape))
    result = segment(stack.astype(np.float32), diameter=KNOWN, axes=axes)
    for plane in result.labels[:2]:
        assert match_all(truth, plane, [0.8])[0].average_precision == 1
    assert not result.labels[2].any()


@pytest.mark.usefixtures("oracle")
def test_nuclei_on_each_other_in_a_stack_are_two() -> None:
    z, disc = np.arange(14), discs() == 1
    light = np.maximum(1 - (np.minimum(np.abs(z - 3), np.abs(z - 10)) / 4) ** 2, 0.5)
    stack = 30 + light[:, None, None] * disc * 150 + np.random.default_rng(0).normal(0, 2, (14, *disc.shape))
    result = segment(stack.astype(np.float32), diameter=KNOWN, axes="ZYX")
    assert result.labels.max() == 2
    np.testing.assert_array_equal(np.unique(result.labels[:5]), [0, 1])
    np.testing.assert_array_equal(np.unique(result.labels[9:]), [0, 2])
    assert len(result.objects["label"]) == 2


@pytest.mark.usefixtures("oracle")
def test_draws_are_the_objects_of_each_sample() -> None:
    truth = discs()
    result = segment(recorded(truth), diameter=KNOWN, steps=2, samples=3, outputs=("labels", "draws"))
    assert result.draws is not None
    assert result.draws.shape == (3, *truth.shape)
    for draw in result.draws:
        assert match_all(truth, draw, [0.8])[0].average_precision == 1
    alone = segment(recorded(truth), diameter=KNOWN, outputs=("labels", "draws"))
    assert alone.draws is not None
    np.testing.assert_array_equal(alone.draws[0], alone.labels)


def test_several_samples_see_objects_smaller_and_larger(oracle: Any) -> None:
    truth = discs(side=192)
    result = segment(recorded(truth), diameter=KNOWN, steps=2, samples=4)
    seen = [side for side, _ in oracle.sizes[::2]]  # one of the two evaluations of each sample
    assert seen[1] < seen[0] < seen[2]
    assert seen[3] == seen[0]
    assert match_all(truth, result.labels, [0.8])[0].average_precision == 1


def test_confidence_is_the_geometric_mean_of_agreement_and_depth(monkeypatch: pytest.MonkeyPatch, oracle: Any) -> None:
    truth = discs()
    sure = segment(recorded(truth), diameter=KNOWN, steps=2, samples=2).objects["confidence"]
    seen = type(oracle).forward

    def doubted(self: Any, *arguments: Any) -> Prediction:
        told = seen(self, *arguments)
        return Prediction(0.5 * told.mean, told.variance)

    monkeypatch.setattr(type(oracle), "forward", doubted)
    unsure = segment(recorded(truth), diameter=KNOWN, steps=2, samples=2).objects["confidence"]
    assert (sure > 0.85).all()
    np.testing.assert_allclose(unsure, sure / np.sqrt(2), rtol=0.02)


def test_objects_that_the_camera_cut_off_are_objects() -> None:
    truth = discs(12, side=200)
    rng = np.random.default_rng(0)
    image = np.where(truth > 0, 255, rng.normal(20, 8, truth.shape).clip(0, 200)).astype(np.uint8)
    assert find_objects(image, device="cpu").labels.max() == truth.max()
    image[truth > 0] = image[::-1][truth > 0].clip(0, 60)  # noise alone, with a scale bar
    image[180:188, 100:180] = 255
    assert find_objects(image, device="cpu", diameter=24).labels[180:188, 100:180].max() == 0


def test_channels_have_objects_of_sizes_of_their_own() -> None:
    small, large = (recorded(discs(radius, side=160)) for radius in (7, 20))
    both = find_objects(np.stack([small, large]), axes="CYX", device="cpu")
    alone = [find_objects(image, device="cpu") for image in (small, large)]
    for position, one in enumerate(alone):
        np.testing.assert_array_equal(both.labels[position] > 0, one.labels > 0)
    assert both.report["diameters"] == [one.report["diameter"] for one in alone]
    assert both.report["diameters"][1] > 2 * both.report["diameters"][0]


def test_a_diameter_that_is_not_in_pixels_is_refused(segmenter: str) -> None:
    with pytest.raises(RequestError, match=r"Objects 0\.001 pixels across are too small.*in pixels"):
        segment(recorded(discs()), diameter=0.001)


def test_objects_larger_than_the_others_are_less_sure(oracle: Any) -> None:
    truth = discs(KNOWN / 2, side=200)
    told, half, double = (
        segment(recorded(truth), diameter=diameter, steps=2, samples=2).objects["confidence"]
        for diameter in (KNOWN, KNOWN / 2, 2 * KNOWN)
    )
    np.testing.assert_allclose(half, told * (1.3 / 2) ** (1 / 3), rtol=0.05)
    np.testing.assert_allclose(double, told, rtol=0.08)


@pytest.mark.parametrize("radius", [7, 12, 22])
def test_images_are_brought_to_the_size_that_the_model_knows(oracle: Any, radius: int) -> None:
    truth = discs(radius, side=200)
    result = segment(recorded(truth), diameter=2.0 * radius, outputs=("labels", "maps"))
    zoomed = round(200 * KNOWN / (2 * radius))
    assert all(zoomed <= side <= zoomed + 200 for side in oracle.sizes[-1])
    assert result.labels is not None
    assert result.maps is not None
    assert result.labels.shape == truth.shape
    assert result.maps.shape == (2, *truth.shape)
    assert match_all(truth, result.labels, [0.7])[0].average_precision == 1


@pytest.mark.parametrize("radius", [8, 14, 30])
@pytest.mark.usefixtures("oracle")
def test_the_diameter_is_estimated(radius: int) -> None:
    result = segment(recorded(discs(radius, side=300)))
    assert result.report["diameter"] == pytest.approx(2 * radius, rel=0.2)
    assert not result.report["diameter_was_given"]


@pytest.mark.usefixtures("oracle")
def test_objects_that_the_frame_cuts_are_whole_ones() -> None:
    truth = discs(side=120)[20:100, 26:94]
    result = segment(recorded(truth), diameter=KNOWN)
    assert len(np.unique(truth[[0, -1]])) > 2
    assert match_all(truth, result.labels, [0.7])[0].average_precision == 1


@pytest.mark.usefixtures("oracle")
def test_one_object_that_fills_nearly_all_is_one() -> None:
    truth = np.ones((150, 140), dtype=np.int64)
    truth[:, :8] = 0
    result = segment(recorded(truth), diameter=140)
    assert result.objects["label"].tolist() == [1]
    np.testing.assert_allclose(result.objects["area"], truth.sum(), rtol=0.05)


@pytest.mark.usefixtures("oracle")
def test_an_image_in_colours_may_be_taken_for_a_grey_one() -> None:
    truth = discs()
    coloured = np.repeat(recorded(truth)[..., None], 3, axis=-1)
    result = segment(coloured, axes="YXS", shown="bright", diameter=KNOWN)
    assert result.labels is not None
    assert result.labels.shape == truth.shape
    assert match_all(truth, result.labels, [0.8])[0].average_precision == 1


def test_the_estimated_diameter_stays_within_reason(segmenter: str) -> None:
    """A model that sees specks at any magnification would else ask for an ever larger image."""
    result = segment(np.random.default_rng(0).integers(0, 255, (96, 96)).astype(np.uint8))
    assert KNOWN / 4 <= result.report["diameter"] <= KNOWN * 8


@pytest.mark.usefixtures("oracle")
def test_dark_and_stained_objects() -> None:
    truth = discs()
    grey = recorded(truth)
    dark = segment(255 - grey, shown="dark", diameter=KNOWN).labels
    tissue = np.stack([255 - grey, np.full_like(grey, 120), np.full_like(grey, 190)], axis=-1)
    stained = segment(tissue, shown="stained", diameter=KNOWN, axes="YXS")
    assert stained.request.axes == "YXS"
    assert stained.region == ((0, 160), (0, 160))
    for found in (dark, stained.labels):
        assert found is not None
        assert found.shape == truth.shape
        assert match_all(truth, found, [0.8])[0].average_precision == 1


@pytest.mark.usefixtures("oracle")
def test_slices_of_a_stack_are_linked_and_frames_are_not() -> None:
    image = np.stack([recorded(discs())] * 3)
    number = int(discs().max())
    stack, film = (segment(image, axes=axes, diameter=KNOWN) for axes in ("ZYX", "TYX"))
    assert stack.labels is not None
    assert film.labels is not None
    assert int(stack.labels.max()) == number
    np.testing.assert_array_equal(stack.labels[0], stack.labels[2])
    np.testing.assert_allclose(stack.objects["z"], 1)
    assert int(film.labels.max()) == 3 * number
    assert len(set(np.unique(film.labels[0])) & set(np.unique(film.labels[1])) - {0}) == 0


@pytest.mark.usefixtures("oracle")
def test_a_region_is_placed_where_it_was_asked_for() -> None:
    truth = discs()
    region = ((30, 130), (0, 160))
    result = segment(recorded(truth), region=region, diameter=KNOWN)
    assert result.region == region
    assert result.labels is not None
    assert result.labels.shape == (100, 160)
    assert ((result.labels > 0) == (truth[30:130] > 0)).mean() > 0.99
    assert result.objects["y"].min() >= 30


@pytest.mark.usefixtures("oracle")
def test_large_objects_are_measured_where_there_are_enough_of_them() -> None:
    y, x = np.mgrid[:1024, :1024]
    truth = np.zeros(y.shape, dtype=np.int64)
    for number, (a, b) in enumerate(np.ndindex(8, 8), start=1):
        inner = 2 <= a < 6 and 2 <= b < 6  # in the middle 512 pixels all are smaller than most
        truth[np.hypot(y - 128 * a - 64, x - 128 * b - 64) <= (30 if inner else 48)] = number
    assert segment(recorded(truth)).report["diameter"] == pytest.approx(96, rel=0.05)


@pytest.mark.usefixtures("oracle")
def test_objects_of_a_region_are_as_large_as_those_of_the_whole() -> None:
    image = recorded(np.hstack([discs(side=320), discs(radius=6, side=320)]))
    regions = [None, ((0, 320), (0, 320)), ((0, 320), (320, 640))]
    found = [segment(image, region=region, axes="YX").report["diameter"] for region in regions]
    assert found[1] == found[2] == found[0]


@pytest.mark.usefixtures("oracle")
def test_where_the_middle_of_a_stack_is_empty_the_middle_of_the_region_is_measured() -> None:
    shown, empty = recorded(discs(radius=9)), np.full((160, 160), 40, np.uint8)
    stack = np.stack([shown, empty, empty, empty, empty])
    result = segment(stack, axes="TYX", region=((0, 1), (0, 160), (0, 160)))
    assert result.report["diameter"] == pytest.approx(18, rel=0.05)
    assert not result.report["notices"]


def test_one_sample_is_drawn_where_its_objects_are_asked_for(oracle: Any) -> None:
    image = recorded(discs())
    segment(image, diameter=KNOWN, steps=3, outputs=("labels", "draws"))
    assert len(oracle.sizes) == 3
    oracle.sizes.clear()
    segment(image, diameter=KNOWN, steps=3)
    assert len(oracle.sizes) == 1


def test_strokes_reach_the_model_where_they_were_drawn(oracle: Any) -> None:
    truth = discs()
    y, x = (int(c) for c in ndimage.center_of_mass(truth == 1))
    across = [[[0, y, x - 20], [0, y, x + 20]], [[0, y + 1, x - 20], [0, y + 1, x + 20]]]
    strokes = [Stroke(kind="background", points=points) for points in across]
    image = np.stack([recorded(truth)] * 2)
    result = segment(image, axes="TYX", strokes=strokes, diameter=KNOWN)
    assert result.labels is not None
    counts = [len(np.unique(plane)) - 1 for plane in result.labels]
    assert counts[0] == counts[1] + 1  # the stroke cut one of them in two, on its own frame only
    assert sum(oracle.drawn) > 0


@pytest.mark.usefixtures("segmenter")
def test_tiles_make_no_difference() -> None:
    image = recorded(discs(side=200))
    whole, tiled = (
        segment(image, diameter=KNOWN, tile=tile, outputs=("labels", "maps"), precision="float32", steps=3, samples=2)
        for tile in (None, 64)
    )
    assert whole.maps is not None
    assert tiled.maps is not None
    np.testing.assert_allclose(tiled.maps, whole.maps, atol=1e-3)


@pytest.mark.usefixtures("segmenter")
def test_the_same_request_gives_the_same_labels_and_confidences() -> None:
    image = recorded(discs())
    shallow = {"saddle": 0.001, "smallest": 0.0}  # the network is not trained, so that nothing is clearly there
    one, other = (segment(image, diameter=KNOWN, steps=4, samples=3, seed=5, **shallow) for _ in range(2))
    np.testing.assert_array_equal(one.labels, other.labels)
    np.testing.assert_array_equal(one.objects["confidence"], other.objects["confidence"])
    known = one.objects["confidence"]
    assert known.size
    assert ((known >= 0) & (known <= 1)).all()
    assert len(set(known.tolist())) > 1


@pytest.mark.usefixtures("oracle")
def test_samples_that_agree_are_confident() -> None:
    result = segment(recorded(discs()), diameter=KNOWN, steps=3, samples=4)
    assert (result.objects["confidence"] > 0.9).all()


@pytest.mark.usefixtures("oracle")
def test_previews_cover_the_image_and_progress_ends_at_its_total() -> None:
    image = recorded(discs())
    request = build_request({"task": "segment", "model": "segment-tiny", "options": {"diameter": 31}, "tile": 48})
    events = list(run(request, image))
    covered = np.zeros(image.shape, dtype=int)
    for event in events:
        if isinstance(event, Preview):
            (top, bottom), (left, right) = event.region
            assert event.image.shape == (bottom - top, right - left)
            covered[top:bottom, left:right] += 1
    assert (covered == 1).all()
    last = [event for event in events if isinstance(event, Progress)][-1]
    assert last.done == last.total > 1


@pytest.mark.usefixtures("oracle")
def test_a_job_can_be_stopped_while_objects_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    image = recorded(discs())
    request = build_request({"task": "segment", "model": "segment-tiny", "options": {"diameter": 31}})
    whole = list(run(request, image))
    monkeypatch.setattr(objects, "reading_labels", partial(reading_labels, side=40))
    events = list(run(request, image))
    signs, evaluations = (sum(isinstance(event, kind) for event in events) for kind in (Progress, Preview))
    assert signs >= evaluations + 4
    np.testing.assert_array_equal(events[-1].result.labels, whole[-1].result.labels)
    stopped = run(request, image)
    for _ in range(2 * evaluations + 2):
        next(stopped)
    stopped.close()
    with pytest.raises(StopIteration):
        next(stopped)


@pytest.mark.usefixtures("oracle")
def test_an_image_without_objects_has_none() -> None:
    request = build_request({"task": "segment", "model": "segment-tiny"})
    events = list(run(request, np.full((64, 64), 7, np.uint8)))
    done = events[-1]
    assert isinstance(done, Done)
    assert done.result.labels is not None
    assert not done.result.labels.any()
    assert all(column.size == 0 for column in done.result.objects.values())
    assert any("No objects were found to measure" in e.message for e in events if isinstance(e, Notice))


@pytest.mark.usefixtures("segmenter")
def test_what_cannot_be_done_is_said() -> None:
    image = recorded(discs())
    with pytest.raises(ModelError, match="is for 'denoise', not for 'segment'"):
        segment(image, model="tiny")
    with pytest.raises(ModelError, match="is for 'segment', not for 'denoise'"):
        list(run(build_request({"model": "segment-tiny"}), image))
    broken = image.astype(np.float32)
    broken[3, 3] = np.nan
    with pytest.raises(ImageError, match="NaN"):
        segment(broken, diameter=KNOWN)
    with pytest.raises(RequestError, match="2 colour samples"):
        segment(np.zeros((40, 40, 2)), axes="YXS", diameter=KNOWN)
    with pytest.raises(RequestError, match="'segment' makes labels, maps, draws, but not mean"):
        segment(image, outputs=("mean",))
    with pytest.raises(RequestError, match="diameter"):
        segment(image, diameter=-1)
    for points in ([[3, 4, 5]], [[3, 4], [5]]):
        with pytest.raises(RequestError, match=r"corner of \d numbers, but the image has the 2 axes YX"):
            segment(image, strokes=[Stroke(kind="cut", points=points)], diameter=KNOWN)


def test_a_model_of_another_shape_is_refused(segmenter: str) -> None:
    shape = Architecture(channels=1, condition_channels=4, widths=(8, 8), blocks=1)
    torch.manual_seed(0)
    card = Card(
        id="segment-odd",
        title="Odd",
        summary="for tests",
        task="segment",
        sigma_data=0.8,
        sigma_max=4.0,
        halo=48,
        architecture=shape,
        weights_sha256="0" * 64,
    )
    save_model(card, LocalUNet(**shape.model_dump()).state_dict(), user_folder() / "segment-odd")
    with pytest.raises(ModelError, match="channels 1 instead of 2"):
        segment(recorded(discs()), model="segment-odd", diameter=KNOWN)


def test_a_model_that_knows_no_size_asks_for_one(segmenter: str) -> None:
    card = find_model(segmenter).card.model_copy(update={"id": "segment-unsized", "diameter_px": None})
    network = LocalUNet(**card.architecture.model_dump())
    save_model(card, network.state_dict(), user_folder() / card.id)
    with pytest.raises(ModelError, match="names no diameter"):
        segment(recorded(discs()), model="segment-unsized")


@pytest.mark.usefixtures("oracle")
@pytest.mark.parametrize("axes", ["ZYXC", "YXCZ", "ZYCX", "CYXZ"])
def test_the_order_of_axes_makes_no_difference_to_objects_of_a_stack(axes: str) -> None:
    stack = np.stack([recorded(discs())] * 3)
    usual = segment(np.stack([stack, stack // 2]), axes="CZYX", diameter=KNOWN)
    result = segment(
        np.transpose(np.stack([stack, stack // 2]), ["CZYX".index(a) for a in axes]), axes=axes, diameter=KNOWN
    )
    assert usual.labels is not None
    assert result.labels is not None
    number = len(np.unique(usual.labels)) - 1
    assert result.report["objects"] == usual.report["objects"] == number == 2 * discs().max()
    np.testing.assert_array_equal(np.transpose(result.labels, [axes.index(a) for a in "CZYX"]) > 0, usual.labels > 0)
    assert len(np.unique(result.labels)) - 1 == number
