from __future__ import annotations

import json
from typing import Any

import dask.array as da
import numpy as np
import pytest
from napari.components import ViewerModel
from napari.layers import Image, Labels

from napari_microdiff.engine.record import KEY
from napari_microdiff.engine.request import Request
from napari_microdiff.errors import ImageError
from napari_microdiff.viewer.layers import LayerSource, placement, recall
from napari_microdiff.viewer.looks import cuts

from .conftest import add_results, result_of

RNG = np.random.default_rng(0)
# All within the plane: napari cannot show a plane that is tilted against its slider.
SHEARED: dict[str, Any] = {
    "scale": (2.0, 0.5, 0.25),
    "translate": (10, -3, 7),
    "rotate": np.array([[1, 0, 0], [0, 0.8, -0.6], [0, 0.6, 0.8]]),
    "shear": (0, 0, 0.3),
    "affine": np.array([[2, 0, 0, 5], [0, 1, 0.1, -2], [0, 0.3, 1, 1], [0, 0, 0, 1]]),
    "units": ("micrometer", "micrometer", "micrometer"),
    "axis_labels": ("z", "y", "x"),
}


def stack(**arguments: Any) -> Image:
    return Image(RNG.normal(100, 5, (6, 20, 30)).astype(np.uint16), name="actin", **arguments)


def done(layer: Image, viewer: ViewerModel, **fields: Any) -> list[Any]:
    source = LayerSource.of(layer)
    request = Request(axes=source.axes, **fields)
    return add_results(viewer, source, result_of(source.array, request))


@pytest.fixture
def viewer() -> ViewerModel:
    return ViewerModel()


def test_results_lie_on_their_source_and_look_like_it(viewer: ViewerModel) -> None:
    layer = viewer.add_layer(stack(**SHEARED, colormap="green", contrast_limits=(90, 120), gamma=0.7, opacity=0.5))
    mean, uncertainty = done(layer, viewer)
    assert [new.name for new in viewer.layers] == ["actin", "actin denoised", "actin uncertainty"]
    for new in (uncertainty, mean):
        np.testing.assert_allclose(new.extent.world, layer.extent.world)
        for name in ("scale", "translate", "rotate", "shear"):
            np.testing.assert_allclose(getattr(new, name), getattr(layer, name), atol=1e-12)
        np.testing.assert_allclose(new.affine.affine_matrix, layer.affine.affine_matrix)
        assert new.units == layer.units
        assert new.axis_labels == layer.axis_labels == ("z", "y", "x")
    for name in ("contrast_limits", "gamma", "opacity", "blending"):
        assert getattr(mean, name) == getattr(layer, name)
    assert mean.colormap.name == "green"
    assert viewer.layers.selection.active is mean
    assert [new.visible for new in (mean, uncertainty)] == [True, False]  # which would cover the mean
    np.testing.assert_array_equal(mean.data, layer.data.astype(np.float32) + 1)


def test_what_the_user_wrote_to_an_image_stays_with_what_is_made_of_it(viewer: ViewerModel) -> None:
    frames = np.zeros((2, 2))
    own = {"experiment": "day 3", "frames": frames, KEY: json.dumps({"source": "of another result"})}
    layer = viewer.add_layer(stack(metadata=own))
    for made in done(layer, viewer):
        assert made.metadata["experiment"] == "day 3"
        assert made.metadata["frames"] is frames
        assert json.loads(made.metadata[KEY])["source"] == "actin"
    assert json.loads(layer.metadata[KEY])["source"] == "of another result"


def test_in_3d_a_result_is_shown_and_cut_as_its_source_is(viewer: ViewerModel) -> None:
    seen = {"rendering": "iso", "iso_threshold": 110.0, "attenuation": 0.2, "depiction": "plane"}
    half = {"position": (2, 5, 9), "normal": (0, 1, 1)}
    layer = viewer.add_layer(
        stack(**seen, experimental_clipping_planes=[half, {**half, "enabled": False}], plane={**half, "thickness": 4})
    )
    mean, uncertainty = done(layer, viewer, region=((1, 6), (4, 20), (0, 30)))
    for name, value in seen.items():
        assert getattr(mean, name) == value
    for made in (mean, uncertainty):
        on, off = made.experimental_clipping_planes
        assert on.position == made.plane.position == (1, 1, 9)
        assert on.normal == made.plane.normal == pytest.approx((0, 0.5**0.5, 0.5**0.5))
        assert (on.enabled, off.enabled) == (True, False)
        assert made.plane.thickness == pytest.approx(4)


def test_cuts_are_where_they_were_also_between_finer_pixels() -> None:
    layer = Image(np.zeros((2, 3, 20, 30)), experimental_clipping_planes={"position": (1, 5, 9), "normal": (0, 3, 4)})
    layer.plane = {"position": (1, 5, 9), "normal": (0, 3, 4), "thickness": 2}
    where = (0, 1, 3.75, -0.25), (1, 1, 0.5, 0.25)
    made = Image(np.zeros((2, 3, 40, 120)), **placement(layer, *where), **cuts(layer, *where))
    (cut,) = made.experimental_clipping_planes
    inside = np.array([(0, 1, 5, 9), (0, 0, 9, 6)])  # pixels of the layer that lie on the plane
    for pixel in (made.world_to_data(layer.data_to_world(pixel)) for pixel in inside):
        assert np.dot(pixel[1:] - np.array(cut.position), cut.normal) == pytest.approx(0, abs=1e-9)
    ends = np.array([(0, 1, 5, 9), (0, 1, 5.6, 9.8)])  # from the middle of the plane that is shown to its surface
    middle, surface = (np.array(made.world_to_data(layer.data_to_world(pixel)))[1:] for pixel in ends)
    assert np.dot(surface - middle, made.plane.normal) == pytest.approx(made.plane.thickness / 2)


def test_a_flat_image_keeps_its_cuts() -> None:
    layer = Image(np.zeros((20, 30)), experimental_clipping_planes={"position": (0, 5, 9), "normal": (0, 0, 1)})
    (cut,) = Image(np.zeros((40, 60)), **cuts(layer, (-0.25, -0.25), (0.5, 0.5))).experimental_clipping_planes
    assert cut.position == (0, 10.5, 18.5)


def test_the_uncertainty_is_a_hidden_magma_map_up_to_its_99th_percentile(viewer: ViewerModel) -> None:
    layer = viewer.add_layer(stack())
    _, uncertainty = done(layer, viewer)
    assert uncertainty.colormap.name == "magma"
    assert tuple(uncertainty.contrast_limits) == (0, 3)
    assert not uncertainty.visible


@pytest.mark.parametrize("where", [{}, {"scale": (1, 0.1, 0.1), "translate": (3, 4, 5)}, SHEARED])
def test_a_region_lies_where_its_pixels_are(viewer: ViewerModel, where: dict[str, Any]) -> None:
    layer = viewer.add_layer(stack(**where))
    (mean,) = done(layer, viewer, region=((2, 3), (4, 12), (5, 30)), outputs=("mean",))
    assert mean.name == "actin denoised (view)"
    assert mean.data.shape == (1, 8, 25)
    for pixel in ((0, 0, 0), (0, 7, 24), (0, 3, 11)):
        np.testing.assert_allclose(mean.data_to_world(pixel), layer.data_to_world(np.add(pixel, (2, 4, 5))), atol=1e-9)


def test_a_coarse_pixel_lies_in_the_middle_of_those_that_it_spans() -> None:
    layer = Image(np.zeros((40, 40)), scale=(0.5, 2), rotate=30, translate=(1, 2))
    coarse = Image(np.zeros((10, 10)), **placement(layer, (1.5, 1.5), (4, 4)))
    np.testing.assert_allclose(coarse.data_to_world((0, 0)), layer.data_to_world((1.5, 1.5)))
    np.testing.assert_allclose(coarse.data_to_world((2, 3)), layer.data_to_world((9.5, 13.5)))


def test_a_layer_remembers_how_it_was_made(viewer: ViewerModel) -> None:
    layer = viewer.add_layer(stack())
    source = LayerSource.of(layer)
    request = Request(axes="ZYX", steps=4, seed=7, region=((0, 1), (0, 8), (0, 8)))
    (mean, _) = add_results(viewer, source, result_of(source.array, request, seconds=np.float32(0.5), device="cpu"))
    assert json.loads(mean.metadata[KEY])["source"] == "actin"
    memory = recall(mean)
    assert memory is not None
    assert memory["request"] == request
    assert memory["report"] == {"seconds": 0.5, "device": "cpu"}
    assert memory["output"] == "mean"
    assert recall(layer) is None


@pytest.mark.parametrize("dtype", [bool, np.uint16, np.float64])
def test_any_type_gives_float_layers_in_the_units_of_the_image(viewer: ViewerModel, dtype: type) -> None:
    layer = viewer.add_layer(Image(RNG.integers(0, 2, (16, 16)).astype(dtype)))
    (mean,) = done(layer, viewer, outputs=("mean",))
    assert mean.data.dtype == np.float32
    np.testing.assert_array_equal(mean.data, layer.data.astype(np.float32) + 1)


def test_rgb_stays_rgb_and_gets_one_uncertainty_per_pixel(viewer: ViewerModel) -> None:
    layer = viewer.add_layer(Image(RNG.integers(0, 255, (16, 18, 3), dtype=np.uint8), rgb=True, scale=(2, 3)))
    mean, sample, uncertainty = done(layer, viewer, outputs=("mean", "sample", "uncertainty"))
    assert mean.rgb
    assert sample.rgb
    assert mean.data.dtype == np.uint8
    np.testing.assert_array_equal(mean.data, np.clip(layer.data.astype(int) + 1, 0, 255))
    assert not uncertainty.rgb
    np.testing.assert_allclose(uncertainty.data, np.full((16, 18), 3))
    assert tuple(mean.scale) == tuple(uncertainty.scale) == (2, 3)


def test_float_rgb_is_cut_to_what_napari_can_show(viewer: ViewerModel) -> None:
    layer = viewer.add_layer(Image(RNG.random((16, 18, 3)), rgb=True))
    (mean,) = done(layer, viewer, outputs=("mean",))
    assert mean.data.max() <= 1


def test_of_a_multiscale_image_the_finest_level_is_taken(viewer: ViewerModel) -> None:
    fine = RNG.random((64, 64)).astype(np.float32)
    layer = viewer.add_layer(Image([fine, fine[::2, ::2]], multiscale=True, name="pyramid"))
    source = LayerSource.of(layer)
    assert source.array.shape == (64, 64)
    (mean,) = done(layer, viewer, outputs=("mean",))
    assert not mean.multiscale
    np.testing.assert_array_equal(mean.data, fine + 1)


def test_a_lazy_array_is_not_computed_by_taking_it() -> None:
    blocks: list[int] = []

    def count(block: Any) -> Any:
        blocks.append(1)
        return block

    lazy = da.zeros((4, 64, 64), chunks=(1, 64, 64)).map_blocks(count, dtype=float, meta=np.empty((0, 0, 0)))
    layer = Image(lazy, contrast_limits=(0, 1))
    shown = len(blocks)
    assert LayerSource.of(layer).array is lazy
    assert len(blocks) == shown


def test_label_layers_are_refused() -> None:
    with pytest.raises(ImageError, match="'cells' is not an image layer"):
        LayerSource.of(Labels(np.zeros((8, 8), int), name="cells"))


class TestChangesWhileAJobRuns:
    def test_nothing_happened(self, viewer: ViewerModel) -> None:
        assert LayerSource.of(viewer.add_layer(stack())).changes(viewer) == []

    def test_renamed_and_moved(self, viewer: ViewerModel) -> None:
        layer = viewer.add_layer(stack())
        source = LayerSource.of(layer)
        layer.name, layer.translate = "tubulin", (1, 2, 3)
        assert source.changes(viewer) == []
        (mean,) = add_results(viewer, source, result_of(source.array, Request(axes="ZYX", outputs=("mean",))))
        assert mean.name == "tubulin denoised"
        assert tuple(mean.translate) == (1, 2, 3)

    def test_removed(self, viewer: ViewerModel) -> None:
        layer = viewer.add_layer(stack(**SHEARED))
        source = LayerSource.of(layer)
        viewer.layers.remove(layer)
        assert "was removed" in source.changes(viewer)[0]
        (mean,) = add_results(viewer, source, result_of(source.array, Request(axes="ZYX", outputs=("mean",))))
        assert mean.name == "actin denoised"
        np.testing.assert_allclose(mean.extent.world, layer.extent.world)

    def test_replaced(self, viewer: ViewerModel) -> None:
        layer = viewer.add_layer(stack())
        source = LayerSource.of(layer)
        layer.data = layer.data.copy()
        assert "was edited" in source.changes(viewer)[0]

    def test_edited_in_place(self, viewer: ViewerModel) -> None:
        layer = viewer.add_layer(stack())
        source = LayerSource.of(layer)
        layer.data[2] = 0
        assert "was edited" in source.changes(viewer)[0]

    def test_not_a_number_is_not_an_edit(self, viewer: ViewerModel) -> None:
        layer = viewer.add_layer(Image(np.full((8, 8), np.nan), contrast_limits=(0, 1)))
        assert LayerSource.of(layer).changes(viewer) == []

    def test_another_size(self, viewer: ViewerModel) -> None:
        layer = viewer.add_layer(stack())
        source = LayerSource.of(layer)
        layer.data = layer.data[:, :10]
        assert "another size" in source.changes(viewer)[0]
        (mean,) = add_results(viewer, source, result_of(source.array, Request(axes="ZYX", outputs=("mean",))))
        assert mean.data.shape == (6, 20, 30)
