from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from napari.components import ViewerModel
from napari.layers import Image

from napari_microdiff.viewer.view import axes_of, camera, describe, sizes_um, visible_region


@pytest.fixture
def viewer() -> ViewerModel:
    return ViewerModel()


@pytest.mark.parametrize(
    ("shape", "arguments", "axes"),
    [
        ((32, 32), {}, "YX"),
        ((9, 32, 32), {}, "ZYX"),
        ((9, 32, 32), {"axis_labels": ("t", "y", "x")}, "TYX"),
        ((9, 32, 32), {"axis_labels": ("time", "y", "x")}, "ZYX"),
        ((9, 32, 32), {"axis_labels": ("y", "x", "z")}, "ZYX"),
        ((2, 9, 32, 32), {"axis_labels": ("C", "Z", "Y", "X")}, "CZYX"),
        ((32, 32, 3), {"rgb": True}, "YXS"),
        ((9, 32, 32, 3), {"rgb": True, "axis_labels": ("t", "y", "x")}, "TYXS"),
    ],
)
def test_axes_come_from_the_labels_if_these_say_it(shape: Any, arguments: dict[str, Any], axes: str) -> None:
    assert axes_of(Image(np.zeros(shape, np.uint8), **arguments)) == axes


@pytest.mark.parametrize(
    ("shape", "arguments", "text"),
    [
        ((32, 48), {}, "32 × 48, uint8"),
        ((9, 32, 48), {"scale": (1, 0.065, 0.065), "units": ("um",) * 3}, "9 × 32 × 48, uint8, 0.065 µm"),
        ((32, 48), {"scale": (0.2, 0.1), "units": ("nm",) * 2}, "32 × 48, uint8, 0.2 × 0.1 nm"),
        ((32, 48), {"scale": (0.2, 0.1)}, "32 × 48, uint8, pixel 0.2 × 0.1, no unit"),
        ((32, 48), {"scale": (-2, 3)}, "32 × 48, uint8, pixel 2 × 3, no unit"),
        ((32, 48), {"scale": (-1, 1)}, "32 × 48, uint8"),
        ((32, 48), {"scale": (-0.1, 0.1), "units": ("um",) * 2}, "32 × 48, uint8, 0.1 µm"),
        ((32, 48, 3), {"rgb": True}, "32 × 48, RGB, uint8"),
    ],
)
def test_an_image_is_described_in_one_line(shape: Any, arguments: dict[str, Any], text: str) -> None:
    assert describe(Image(np.zeros(shape, np.uint8), **arguments)) == text


def test_pixel_sizes_are_given_in_micrometres() -> None:
    layer = Image(np.zeros((2, 5, 8, 8)), scale=(1, 500, 65, 65), units=("s", "nm", "nm", "nm"))
    assert sizes_um(layer, "TZYX") == pytest.approx({"Z": 0.5, "Y": 0.065, "X": 0.065})
    assert sizes_um(Image(np.zeros((8, 8))), "YX") == {}


def test_what_is_visible_of_the_plane_that_is_shown(viewer: ViewerModel) -> None:
    layer = viewer.add_image(np.zeros((3, 20, 400, 300)), scale=(1, 2, 0.1, 0.1))
    viewer.dims.set_current_step((0, 1), (2, 7))
    layer.corner_pixels = np.array([[0, 0, 50, 60], [0, 0, 149, 259]])
    assert visible_region(viewer, layer, "CZYX") == ((2, 3), (7, 8), (50, 150), (60, 260))


def test_no_more_than_the_middle_of_a_large_view(viewer: ViewerModel) -> None:
    layer = viewer.add_image(np.zeros((4000, 300)))
    layer.corner_pixels = np.array([[0, 0], [3999, 299]])
    assert visible_region(viewer, layer, "YX") == ((1488, 2512), (0, 300))


def test_before_anything_was_drawn_the_whole_plane_counts_as_visible(viewer: ViewerModel) -> None:
    layer = viewer.add_image(np.zeros((200, 300)))
    assert visible_region(viewer, layer, "YX") == ((0, 200), (0, 300))


def test_colour_samples_stay_together(viewer: ViewerModel) -> None:
    layer = viewer.add_image(np.zeros((200, 300, 3)), rgb=True)
    layer.corner_pixels = np.array([[10, 20], [59, 79]])
    assert visible_region(viewer, layer, "YXS") == ((10, 60), (20, 80), (0, 3))


def test_corners_of_a_coarse_level_are_counted_in_full_resolution(viewer: ViewerModel) -> None:
    levels = [np.zeros((800, 800)), np.zeros((400, 400)), np.zeros((200, 200))]
    layer = viewer.add_image(levels, multiscale=True)
    layer.corner_pixels = np.array([[50, 0], [100, 199]])
    factor = round(800 / levels[layer.data_level].shape[0])
    region = visible_region(viewer, layer, "YX")
    assert region is not None
    assert region[0] == (50 * factor, min(800, 100 * factor + 1))


@pytest.mark.parametrize(
    ("centre", "corners"),
    [((-90, -90), ((0, 0), (0, 0))), ((260, 100), ((199, 0), (199, 150))), ((100, 900), ((40, 299), (160, 299)))],
)
def test_an_image_out_of_view_has_no_visible_part(viewer: ViewerModel, centre: Any, corners: Any) -> None:
    layer = viewer.add_image(np.zeros((200, 300)), scale=(0.5, 0.5))
    camera(viewer).center = (0, 0.5 * centre[0], 0.5 * centre[1])
    layer.corner_pixels = np.array(corners)  # napari brings them into the image
    assert visible_region(viewer, layer, "YX") is None


def test_an_image_of_one_row_is_seen_beside_the_middle_of_the_screen(viewer: ViewerModel) -> None:
    layer = viewer.add_image(np.zeros((1, 300)))
    camera(viewer).center = (0, 40, 150)
    layer.corner_pixels = np.array([[0, 20], [0, 199]])
    assert visible_region(viewer, layer, "YX") == ((0, 1), (20, 200))


def test_a_pixel_of_the_border_may_fill_the_screen(viewer: ViewerModel) -> None:
    layer = viewer.add_image(np.zeros((200, 300)))
    camera(viewer).center = (0, 199.1, 20.2)
    layer.corner_pixels = np.array([[199, 19], [199, 21]])
    assert visible_region(viewer, layer, "YX") == ((199, 200), (19, 22))


@pytest.mark.parametrize("turn", [{"ndisplay": 3}, {"order": (1, 0, 2)}])
def test_in_other_views_the_plane_of_the_slider_is_taken(viewer: ViewerModel, turn: dict[str, Any]) -> None:
    layer = viewer.add_image(np.zeros((20, 100, 120)))
    viewer.dims.set_current_step(0, 7)
    for name, value in turn.items():
        setattr(viewer.dims, name, value)
    region = visible_region(viewer, layer, "ZYX")
    assert region is not None
    assert region[0] == (7, 8)
    assert region[2] == (0, 120)


def test_a_layer_of_fewer_dimensions_than_the_viewer(viewer: ViewerModel) -> None:
    viewer.add_image(np.zeros((5, 20, 100, 120)))
    layer = viewer.add_image(np.zeros((100, 120)))
    layer.corner_pixels = np.array([[10, 20], [59, 79]])
    assert visible_region(viewer, layer, "YX") == ((10, 60), (20, 80))
