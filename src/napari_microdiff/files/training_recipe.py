"""The recipe of a training set: what ``napari-microdiff train`` reads."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml

from ..errors import FileError
from .faults import reading

RECIPE = "recipe.yaml"
_HEAD = "# Kept up to date by the export of training sets. Values that you change here stay; comments do not.\n"
_PARENT = "segment-nuclei"  # a few dozen crops do not suffice to begin from nothing
_NETWORK = {"channels": 2, "condition_channels": 4, "widths": [32, 64, 128, 160], "blocks": 2}  # as the parent's
_STEPS, _LEARNING_RATE = 3000, 0.003  # fewer and smaller ones than from nothing, so that the parent is not forgotten


def recipe_with(folder: Path, shown: str, more: int) -> str:
    """Return the text of the recipe of a training set to which crops are added.

    An existing recipe is kept but for two things. It gets an entry for objects that are shown in a new way. And as the
    crops become more, a smaller share is held out for validation: every second, from 8 on every fourth, from 16 on
    every eighth, unless somebody chose another number. Crops are numbered in sequence, so by this crops move from
    validation to training and never the other way; no later model is validated on what an earlier one learned from.

    Parameters
    ----------
    folder : Path
        The training set, which need not exist yet.
    shown : str
        How the objects of the new crops are shown.
    more : int
        How many crops are added.

    Raises
    ------
    FileError
        If there is a recipe that cannot be read.
    """
    text, recipe = _read(folder / RECIPE) or ("", _new(folder))
    old = yaml.safe_dump(recipe)
    images, before = pattern(shown, "images"), crops_in(folder, shown)
    entry = next((entry for entry in recipe["labelled"] if entry.get("images") == images), None)
    if entry is None:
        entry = {"images": images, "labels": pattern(shown, "labels"), "shown": shown, "hold_out": _hold_out(before)}
        recipe["labelled"].append(entry)
    if entry.get("hold_out") == _hold_out(before):
        entry["hold_out"] = _hold_out(before + more)
    if text and yaml.safe_dump(recipe) == old:
        return text
    return _HEAD + yaml.safe_dump(recipe, sort_keys=False, allow_unicode=True, width=110)


def recipe_for(folder: Path, images: str, labels: str, shown: str, count: int) -> str:
    """Return the text of a recipe that learns from synthetic pairs, and goes on from the bundled model.

    Parameters
    ----------
    folder : Path
        Where the pairs are, whose name the model gets.
    images, labels : str
        Patterns of the files below it.
    shown : {"bright", "dark", "stained"}
        How objects are shown.
    count : int
        How many pairs there are, of which some are held out as `recipe_with` does.
    """
    recipe = _new(folder)
    recipe["id"] = recipe["id"].replace("-outlines", "-synthetic")
    recipe["summary"] = f"trained on synthetic images, {folder.name}"
    recipe["labelled"] = [{"images": images, "labels": labels, "shown": shown, "hold_out": _hold_out(count)}]
    head = "# Add an entry for real images, and let no synthetic ones judge a model.\n"
    return head + yaml.safe_dump(recipe, sort_keys=False, allow_unicode=True, width=110)


def pattern(shown: str, part: str) -> str:
    """Return the pattern below a training set that matches its ``"images"`` or its ``"labels"``."""
    return f"{shown}/*/{part}/*.tif"


def crops_in(folder: Path, shown: str) -> int:
    """Return how many crops of one kind a training set has."""
    return len(list(folder.glob(pattern(shown, "images"))))


def _hold_out(crops: int) -> int:
    return 2 if crops < 8 else 4 if crops < 16 else 8


def _new(folder: Path) -> dict[str, Any]:
    name = re.sub("[^a-z0-9]+", "-", folder.name.lower()).strip("-") or "own"
    return {
        "id": f"{name}-outlines",  # unlike that of any bundled model
        "task": "segment",
        "title": f"Objects as in {folder.name}",
        "summary": f"trained on outlines that were accepted one by one, exported to {folder.name}",
        "architecture": dict(_NETWORK),
        "start_from": _PARENT,
        "sigma_max": 4.0,
        "diameter_px": 26.0,
        "steps": _STEPS,
        "learning_rate": _LEARNING_RATE,
        "labelled": [],
    }


def _read(path: Path) -> tuple[str, dict[str, Any]] | None:
    if not path.exists():
        return None
    with reading(path):
        text = path.read_text(encoding="utf-8")
    try:
        recipe = yaml.safe_load(text)
    except yaml.YAMLError:
        recipe = None
    entries = recipe.get("labelled") if isinstance(recipe, dict) else None
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise FileError(f"{path} is no recipe for outlining objects. Mend it, or choose another folder.")
    return text, dict(recipe)
