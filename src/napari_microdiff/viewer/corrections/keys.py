"""Keys of the correction tools. They work while the layer of objects is selected, and none of them is napari's."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from napari.layers import Labels

KEYS = {
    "next": "N",
    "accept": "K",
    "merge": "Shift+M",
    "cut": "Shift+C",
    "add": "Shift+N",
    "delete": "Shift+D",
    "split": "Shift+S",
    "redraw": "Shift+R",
    "look": "Shift+Q",
}


def bind(layer: Labels, actions: Mapping[str, Callable[[], None]]) -> None:
    """Bind the keys of a layer to the actions of the same names."""
    for name, action in actions.items():
        layer.bind_key(KEYS[name].replace("+", "-"), _ignoring_the_layer(action), overwrite=False)


def unbind(layer: Labels) -> None:
    """Give the keys of a layer back."""
    for key in KEYS.values():
        layer.bind_key(key.replace("+", "-"), None)


def _ignoring_the_layer(action: Callable[[], None]) -> Callable[[Labels], None]:
    return lambda layer: action()
