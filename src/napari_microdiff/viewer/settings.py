"""What the user likes: napari's Preferences for this plugin, with defaults where napari has none."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

PLUGIN = "napari-microdiff"
DEVICES = {"Automatic": "auto", "CPU": "cpu", "NVIDIA GPU": "cuda", "Apple GPU": "mps"}


@dataclass(frozen=True)
class Preferences:
    """Where a panel starts.

    Attributes
    ----------
    device : str
        ``"auto"``, ``"cpu"``, ``"cuda"`` or ``"mps"``.
    detail : int
        Position of the Detail slider, 0 (instant) to 3 (finest).
    previews : bool
        Whether the result is shown while it forms.
    """

    device: str = "auto"
    detail: int = 0
    previews: bool = True


def _stored() -> Any | None:
    """Return napari's own settings object for the panels, or None where napari or the manifest lacks it."""
    try:
        from napari.settings import get_plugin_settings  # napari 0.9 and later

        return get_plugin_settings(PLUGIN).panels
    except (ImportError, KeyError, AttributeError):
        return None


def load() -> Preferences:
    """Return the preferences as they are now."""
    stored = _stored()
    if stored is None:
        return Preferences()
    return Preferences(stored.device, stored.detail, stored.previews)


def remember_changes(since: Preferences, *, device: str, detail: int) -> Preferences:
    """Start the next panel where this one was used, in what differs from where it began; return where it is now.

    All else stays as it is in napari's Preferences, where it may have been changed meanwhile.
    """
    now = load()
    remember(
        device=device if device != since.device else now.device,
        detail=detail if detail != since.detail else now.detail,
    )
    return replace(since, device=device, detail=detail)


def remember(*, device: str, detail: int) -> None:
    """Start the next panel where this one was used; napari writes it to its own settings folder."""
    stored = _stored()
    if stored is None:
        return
    if stored.device != device and device in DEVICES.values():
        stored.device = device
    if stored.detail != detail:
        stored.detail = detail
