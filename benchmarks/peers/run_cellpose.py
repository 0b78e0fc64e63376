"""Cellpose 3 (Stringer et al., Nature Methods 2021), trained from scratch in an environment of its own, used and timed.

run_cellpose.py train FOLDER MODEL --minutes 60   FOLDER has images and labels; every eighth image is for validation
run_cellpose.py predict MODEL IMAGES LABELS       label TIFFs for a folder of images
run_cellpose.py time IN.npy OUT.npz MODEL         seconds of one image
"""

from __future__ import annotations

import argparse
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import numpy as np
import torch
from cellpose import models, train
from labelled_folders import load, median_seconds, note_training, predict

Image = np.ndarray
_GREY = [0, 0]
_BATCH, _SIDE = 8, 224  # crops in a batch, and pixels along a side, as Cellpose's
_EPOCHS = 120  # above 100 Cellpose lets the learning rate fall at the end; how long one is follows from the time
_SIZE_EPOCHS = 1  # it is a linear fit, and a pass over all images takes many minutes
_NAME = "cellpose"


def _network(weights: Path | None = None) -> models.CellposeModel:
    gpu = torch.cuda.is_available()
    return models.CellposeModel(gpu=gpu, pretrained_model=str(weights) if weights else False, mkldnn=False)


def _weights(folder: Path) -> Path:
    return folder / "models" / _NAME


@dataclass(frozen=True)
class _Trainer:
    """Trains with Cellpose's own settings from random weights.

    Its schedule wants to know how long it will be, so that it takes all of the time; whether the validation loss is
    flat at the end is in training.json.
    """

    data: dict[str, list[Image]]
    out: Path
    quick: bool

    @property
    def batch(self) -> int:
        return 4 if self.quick else _BATCH

    def fit(self, model: models.CellposeModel, epochs: int, crops: int) -> list[float]:
        """Train and return the validation losses."""
        _, _, losses = train.train_seg(
            model.net,
            **self.data,
            channels=_GREY,
            batch_size=self.batch,
            bsize=96 if self.quick else _SIDE,
            n_epochs=epochs,
            nimg_per_epoch=crops,
            save_path=str(self.out),
            model_name=_NAME,
        )
        return [round(float(loss), 4) for loss in losses if loss]

    def seconds(self, crops: int) -> float:
        """Return how long an epoch of so many crops takes, with all that is done once before it."""
        started = time.monotonic()
        self.fit(_network(), 1, crops)
        return time.monotonic() - started

    def fit_size(self, model: models.CellposeModel, epochs: int) -> None:
        """Train the model that estimates the diameter."""
        data = {name: part for name, part in self.data.items() if name.startswith("train")}
        weights = str(_weights(self.out))
        train.train_size(model.net, weights, **data, channels=_GREY, batch_size=self.batch, n_epochs=epochs)


def learn(folder: Path, out: Path, minutes: float, quick: bool) -> None:
    """Train for about so many minutes, from scratch."""
    few = 8 if quick else None
    parts = {"train": load(folder, validation=False, count=few), "test": load(folder, validation=True, count=few)}
    data = {f"{name}_{what}": part[i] for name, part in parts.items() for i, what in enumerate(("data", "labels"))}
    out.mkdir(parents=True, exist_ok=True)
    (out / "training.json").unlink(missing_ok=True)
    torch.manual_seed(0)
    started = time.monotonic()
    trainer = _Trainer(data, out, quick)
    short, long = trainer.seconds(trainer.batch), trainer.seconds(5 * trainer.batch)
    pace = max(1e-3, (long - short) / (4 * trainer.batch))  # seconds a crop
    left = 60 * minutes - short
    crops = max(1, round(left / pace / _EPOCHS / trainer.batch)) * trainer.batch
    epochs = min(_EPOCHS, max(6, round(left / pace / crops)))
    print(f"{pace:.2f} s a crop: {epochs} epochs of {crops} crops", flush=True)
    model = _network()
    losses = trainer.fit(model, epochs, crops)
    spent = (time.monotonic() - started) / 60
    trainer.fit_size(model, 1 if quick else _SIZE_EPOCHS)
    steps = epochs * crops // trainer.batch
    facts = {"version": version("cellpose"), "minutes": spent, "steps": steps, "validation": losses}
    note_training(out, peer="Cellpose", **facts)


def _outliner(folder: Path) -> Callable[[Image], Image]:
    model = _network(_weights(folder))
    size = models.SizeModel(model, pretrained_size=f"{_weights(folder)}_size.npy")

    def outline(image: Image) -> Image:
        diameter, _ = size.eval(image, channels=_GREY)
        return model.eval(image, channels=_GREY, diameter=float(diameter))[0]

    return outline


def time_one(source: Path, target: Path, folder: Path, repeats: int) -> None:
    """Time an image to its labels with its diameter estimated and told, and all but reading the masks."""
    outline, model, image = _outliner(folder), _network(_weights(folder)), np.load(source)
    labels = outline(image)
    areas = np.bincount(labels.ravel())[1:]
    diameter = float(np.median(2 * np.sqrt(areas / np.pi))) if areas.size else 30.0
    told = {"channels": _GREY, "diameter": diameter}
    np.savez(
        target,
        seconds=median_seconds(lambda: outline(image), repeats),
        told_seconds=median_seconds(lambda: model.eval(image, **told), repeats),
        forward_seconds=median_seconds(lambda: model.eval(image, compute_masks=False, **told), repeats),
        parameters=sum(part.numel() for part in model.net.parameters()),
        objects=labels.max(),
        version=version("cellpose"),
    )


def main() -> None:
    """Do what the first word says."""
    parser = argparse.ArgumentParser(description=__doc__)
    modes = parser.add_subparsers(dest="mode", required=True)
    for name, words in {
        "train": ("folder", "model"),
        "predict": ("model", "images", "labels"),
        "time": ("source", "target", "model"),
    }.items():
        mode = modes.add_parser(name)
        for word in words:
            mode.add_argument(word, type=lambda text: Path(text).resolve())
    modes.choices["train"].add_argument("--minutes", type=float, default=60)
    modes.choices["train"].add_argument("--quick", action="store_true")
    modes.choices["time"].add_argument("--repeats", type=int, default=5)
    given = parser.parse_args()
    if given.mode == "train":
        logging.basicConfig(level=logging.INFO, format="%(message)s")
        learn(given.folder, given.model, given.minutes, given.quick)
    elif given.mode == "predict":
        predict(given.images, given.labels, _outliner(given.model))
    else:
        time_one(given.source, given.target, given.model, given.repeats)


if __name__ == "__main__":
    main()
