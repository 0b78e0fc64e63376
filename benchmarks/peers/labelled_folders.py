"""Images with labels in folders, as the peers of segmentation are trained on them and leave what they found.

Needs numpy and tifffile only, as it runs in the peers' environments.
"""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import tifffile

HOLD_OUT = 8  # every so many images one is kept for validation, as in the recipe of our model

Image = np.ndarray


def load(folder: Path, *, validation: bool, count: int | None = None) -> tuple[list[Image], list[Image]]:
    """Return the images of a folder and their labels: those to train on, or those held out for validation.

    Parameters
    ----------
    folder : Path
        Has ``images`` and ``labels`` with files of the same names.
    count : int, optional
        Only so many.
    """
    files = sorted((folder / "images").glob("*.tif"))
    kept = [path for i, path in enumerate(files) if (i % HOLD_OUT == HOLD_OUT - 1) == validation][:count]
    if not kept:
        raise SystemExit(f"{folder} has no images to train on.")
    labels = [tifffile.imread(folder / "labels" / path.name).astype(np.int32) for path in kept]
    return [tifffile.imread(path) for path in kept], labels


def predict(images: Path, out: Path, outline: Callable[[Image], Image]) -> None:
    """Outline all images of a folder and write the labels under the same names."""
    out.mkdir(parents=True, exist_ok=True)
    for path in sorted(images.glob("*.tif")):
        tifffile.imwrite(out / path.name, outline(tifffile.imread(path)).astype(np.int32))
        print(path.name, flush=True)


def note_training(model: Path, **facts: Any) -> None:
    """Write how a model was trained beside it; minutes and steps add to those of earlier runs."""
    path = model / "training.json"
    before = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    for name in ("minutes", "steps"):
        facts[name] = round(facts[name] + before.get(name, 0), 1)
    path.write_text(json.dumps(facts, indent=1) + "\n", encoding="utf-8")


def median_seconds(call: Callable[[], object], repeats: int) -> float:
    """Time a call: the median of some repeats, after warming up."""
    seconds = []
    for _ in range(repeats + 1):
        started = time.perf_counter()
        call()
        seconds.append(time.perf_counter() - started)
    return statistics.median(seconds[1:])
