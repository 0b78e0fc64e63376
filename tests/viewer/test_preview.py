from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from napari.components import ViewerModel
from napari.layers import Image, Labels

from napari_microdiff.engine.events import Preview, Result
from napari_microdiff.engine.request import Request
from napari_microdiff.viewer.layers import LayerSource, recall, result_layers
from napari_microdiff.viewer.preview import BUDGET, LivePreview, is_forming

from .conftest import result_of


@pytest.fixture
def viewer() -> ViewerModel:
    return ViewerModel()


def live(viewer: ViewerModel, array: Any, region: Any = None, **arguments: Any) -> tuple[Image, LivePreview]:
    arguments = {"contrast_limits": None if arguments.get("rgb") else (0, 1), **arguments}
    layer = viewer.add_image(array, name="actin", **arguments)
    return layer, LivePreview(viewer, LayerSource.of(layer), region or tuple((0, n) for n in array.shape))


def test_tiles_fill_up_one_layer_and_the_rest_stays_transparent(viewer: ViewerModel) -> None:
    layer, preview = live(viewer, np.zeros((64, 64), np.float32), scale=(0.5, 0.5), units=("um", "um"))
    preview.show([Preview(np.full((32, 64), 1, np.float32), ((0, 32), (0, 64)))])
    assert [new.name for new in viewer.layers] == ["actin", "actin (forming)"]
    assert viewer.layers.selection.active is layer  # the user goes on with the source
    shown = viewer.layers[1]
    assert np.isnan(shown.data[32:]).all()
    preview.show([Preview(np.full((32, 64), 2, np.float32), ((32, 64), (0, 64)))])
    np.testing.assert_array_equal(shown.data[::32, 0], [1, 2])
    np.testing.assert_allclose(shown.extent.world, layer.extent.world)
    preview.remove()
    assert list(viewer.layers) == [layer]
    preview.remove()


def test_a_large_image_is_shown_coarser_and_in_place(viewer: ViewerModel) -> None:
    ramp = np.arange(3000, dtype=np.float32)[:, None] * np.ones((1, 2000), np.float32)
    layer, preview = live(viewer, ramp, rotate=10, translate=(5, 6))
    for start in (0, 700, 1400, 2100, 2800):
        stop = min(3000, start + 700)
        preview.show([Preview(ramp[start:stop], ((start, stop), (0, 2000)))])
    shown = preview.layer
    assert shown is not None
    assert shown.data.shape == (1000, 667)
    np.testing.assert_array_equal(shown.data[:, 0], np.arange(0, 3000, 3))
    np.testing.assert_allclose(shown.data_to_world((10, 10)), layer.data_to_world((31, 31)))


def test_a_region_of_a_stack_is_shown_where_it_lies(viewer: ViewerModel) -> None:
    layer, preview = live(viewer, np.zeros((5, 40, 40), np.float32), ((2, 3), (10, 30), (20, 40)), scale=(3, 1, 1))
    preview.show([Preview(np.ones((1, 10, 20), np.float32), ((2, 3), (20, 30), (20, 40)))])
    shown = preview.layer
    assert shown is not None
    assert shown.data.shape == (1, 20, 20)
    np.testing.assert_array_equal(np.isnan(shown.data[0, :, 0]), [True] * 10 + [False] * 10)
    np.testing.assert_allclose(shown.data_to_world((0, 0, 0)), layer.data_to_world((2, 10, 20)))


def test_a_huge_stack_stays_within_the_budget(viewer: ViewerModel) -> None:
    lazy = np.broadcast_to(np.float32(0), (500, 4096, 4096))
    _, preview = live(viewer, lazy)
    preview.show([Preview(np.ones((1, 4096, 4096), np.float32), ((7, 8), (0, 4096), (0, 4096)))])
    assert preview.layer is not None
    assert preview.layer.data.size <= BUDGET
    assert (preview.layer.data[7] == 1).all()


def test_colours_of_rgb_come_one_by_one(viewer: ViewerModel) -> None:
    _, preview = live(viewer, np.zeros((8, 8, 3), np.uint8), rgb=True)
    preview.show([Preview(np.full((4, 8, 1), 255, np.float32), ((0, 4), (0, 8), (1, 2)))])
    assert preview.layer is not None
    np.testing.assert_array_equal(preview.layer.data[0, 0], [0, 1, 0, 1])
    np.testing.assert_array_equal(preview.layer.data[7, 0], [0, 0, 0, 0])


def test_a_preview_that_the_user_put_away_stays_away(viewer: ViewerModel) -> None:
    layer, preview = live(viewer, np.zeros((8, 8), np.float32))
    news = [Preview(np.ones((8, 8), np.float32), ((0, 8), (0, 8)))]
    preview.show(news)
    viewer.layers.remove(preview.layer)
    preview.show(news)
    assert list(viewer.layers) == [layer]


@pytest.mark.parametrize(("side", "rgb"), [(300, False), (2500, False), (64, True)])
def test_a_preview_turns_into_the_result(viewer: ViewerModel, side: int, rgb: bool) -> None:
    shape = (side, side, 3) if rgb else (side, side)
    layer, preview = live(viewer, np.zeros(shape, np.uint8), rgb=rgb, scale=(0.5, 0.5), translate=(3, 4))
    region = tuple((0, n) for n in shape)
    preview.show([Preview(np.ones(shape, np.float32), region)])
    shown = preview.layer
    source = LayerSource.of(layer)
    request = Request(axes=source.axes, outputs=("mean",))
    (result,) = result_layers(viewer, source, result_of(source.array, request))
    assert preview.become(result) is shown
    assert shown is not None
    assert shown.name == "actin denoised"
    assert shown.data.shape == shape
    np.testing.assert_array_equal(shown.data, layer.data + 1)
    np.testing.assert_allclose(shown.extent.world, layer.extent.world)
    assert recall(shown) is not None
    preview.remove()
    assert shown in viewer.layers
    assert preview.become(result) is None


@pytest.mark.parametrize(("dtype", "high"), [(np.uint8, 200), (np.uint16, 3000), (np.float32, 0.7)])
@pytest.mark.parametrize("output", ["mean", "sample"])
def test_colours_that_formed_are_shown_as_a_new_layer_is(
    viewer: ViewerModel, dtype: type, high: float, output: str
) -> None:
    colours = (np.random.default_rng(0).uniform(0, high, (32, 40, 3))).astype(dtype)
    layer, preview = live(viewer, colours, rgb=True)
    preview.show([Preview(colours.astype(np.float32), ((0, 32), (0, 40), (0, 3)))])
    source = LayerSource.of(layer)
    request = Request.model_validate({"axes": source.axes, "outputs": (output,)})
    (result,) = result_layers(viewer, source, result_of(source.array, request))
    shown, new = preview.become(result), result.make()
    assert shown is not None
    assert shown.contrast_limits == new.contrast_limits
    assert shown.contrast_limits_range == new.contrast_limits_range


def test_what_forms_and_the_result_are_cut_where_the_image_is(viewer: ViewerModel) -> None:
    cut = {"position": (0, 30, 40), "normal": (0, 0, 1)}
    layer, preview = live(viewer, np.zeros((2500, 8), np.uint8), scale=(0.5, 0.5), experimental_clipping_planes=cut)
    preview.show([Preview(np.ones((2500, 8), np.float32), ((0, 2500), (0, 8)))])
    shown = preview.layer
    assert shown is not None
    assert shown.scale[0] == 1.5  # it is coarser
    at = shown.experimental_clipping_planes[0].position[1:]
    np.testing.assert_allclose(shown.data_to_world(at), layer.data_to_world((30, 40)))
    source = LayerSource.of(layer)
    (result,) = result_layers(viewer, source, result_of(source.array, Request(axes=source.axes, outputs=("mean",))))
    preview.become(result)
    assert [plane.position for plane in shown.experimental_clipping_planes] == [(0, 30, 40)]


def test_a_preview_takes_the_units_that_were_set_meanwhile(viewer: ViewerModel) -> None:
    layer, preview = live(viewer, np.zeros((64, 64), np.uint8))
    preview.show([Preview(np.ones((64, 64), np.float32), ((0, 64), (0, 64)))])
    assert preview.layer is not None
    assert not preview.layer.editable  # what is painted on it would be lost
    layer.scale, layer.units, layer.axis_labels = (0.1, 0.1), ("um", "um"), ("y", "x")
    source = LayerSource.of(layer)
    request = Request(axes=source.axes, outputs=("mean",))
    (result,) = result_layers(viewer, source, result_of(source.array, request))
    shown = preview.become(result)
    assert shown is not None
    assert (shown.units, shown.axis_labels) == (layer.units, layer.axis_labels)
    np.testing.assert_allclose(shown.scale, layer.scale)
    assert shown.editable


def test_objects_form_as_labels_and_turn_into_the_result(viewer: ViewerModel) -> None:
    image = viewer.add_image(np.zeros((1500, 1200), np.uint16), name="dapi", scale=(0.5, 0.25), translate=(3, 4))
    preview = LivePreview(viewer, LayerSource.of(image), ((0, 1500), (0, 1200)), objects=True)
    depth = np.full((1500, 1200), -0.5, np.float32)
    depth[300:600] = 0.2
    preview.show([Preview(depth, ((0, 1500), (0, 1200)))])
    shown = preview.layer
    assert isinstance(shown, Labels)
    assert is_forming(shown)
    assert (shown.data[150:300] == 1).all()
    assert shown.data.sum() == 150 * 600
    labels = (depth > 0).astype(np.int32)
    labels[400:500] = 2
    objects = {"label": np.array([1, 2]), "area": np.array([240_000, 120_000]), "confidence": np.array([0.5, 0.75])}
    request = Request.model_validate({"task": "segment", "axes": "YX"})
    found = Result(request, ((0, 1500), (0, 1200)), labels=labels, objects=objects)
    (result,) = result_layers(viewer, LayerSource.of(image), found, "objects")
    assert preview.become(result) is shown
    assert not is_forming(shown)
    assert shown.name == "dapi objects"
    np.testing.assert_array_equal(shown.data, labels)
    np.testing.assert_allclose(shown.extent.world, image.extent.world)
    assert shown.features["confidence"].tolist() == [0.5, 0.75]
    shown.undo()  # what formed is no edit
    np.testing.assert_array_equal(shown.data, labels)


def test_turning_into_the_result_draws_once_where_the_place_stays(viewer: ViewerModel) -> None:
    image = viewer.add_image(np.zeros((64, 64), np.uint16), scale=(0.5, 0.25), rotate=20, affine=np.diag([2, 2, 1]))
    region = ((0, 64), (0, 64))
    preview = LivePreview(viewer, LayerSource.of(image), region, objects=True)
    preview.show([Preview(np.ones((64, 64), np.float32), region)])
    labels = np.ones((64, 64), np.int32)
    objects = {"label": np.array([1]), "area": np.array([64 * 64]), "confidence": np.array([0.5])}
    found = Result(Request.model_validate({"task": "segment", "axes": "YX"}), region, labels=labels, objects=objects)
    (result,) = result_layers(viewer, LayerSource.of(image), found, "objects")
    drawn: list[object] = []
    assert preview.layer is not None
    preview.layer.events.set_data.connect(drawn.append)
    assert preview.become(result) is not None
    assert len(drawn) == 1


@pytest.mark.parametrize("rgb", [False, True])
def test_an_image_does_not_turn_into_what_is_shown_otherwise(viewer: ViewerModel, rgb: bool) -> None:
    layer, preview = live(viewer, np.zeros((8, 8, 3) if rgb else (8, 8), np.float32), rgb=rgb)
    array = np.ones(layer.data.shape, np.float32)
    preview.show([Preview(array, tuple((0, n) for n in array.shape))])
    axes = "YXS" if rgb else "YX"
    (result,) = result_layers(
        viewer, LayerSource.of(layer), result_of(array, Request(axes=axes, outputs=("uncertainty",)))
    )
    assert preview.become(result) is None
    preview.remove()
    assert list(viewer.layers) == [layer]


def test_objects_do_not_turn_into_an_image(viewer: ViewerModel) -> None:
    image = viewer.add_image(np.zeros((8, 8), np.float32), name="dapi")
    source = LayerSource.of(image)
    preview = LivePreview(viewer, source, ((0, 8), (0, 8)), objects=True)
    preview.show([Preview(np.ones((8, 8), np.float32), ((0, 8), (0, 8)))])
    (result,) = result_layers(viewer, source, result_of(source.array, Request(axes="YX", outputs=("mean",))))
    assert preview.become(result) is None
    preview.remove()
    assert list(viewer.layers) == [image]
