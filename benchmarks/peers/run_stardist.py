"""StarDist (Schmidt et al., MICCAI 2018) in an environment of its own: trained, used, timed, and its matching asked.

run_stardist.py train FOLDER MODEL --minutes 60   FOLDER has images and labels; every eighth image is for validation
run_stardist.py train FOLDER MODEL --steps 1500   the same, but for so many steps; --pairs PAIRS are learned from, too
run_stardist.py predict MODEL IMAGES LABELS       label TIFFs for a folder of images
run_stardist.py time IN.npy OUT.npz MODEL         seconds of one image
run_stardist.py outline IN.npz OUT.npz MODEL      labels of several images
run_stardist.py match IN.npz OUT.npz              true and false positives by `stardist.matching`
"""

from __future__ import annotations

import argparse
import math
import os
import time
from collections.abc import Callable
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
import tensorflow as tf
from csbdeep.utils import normalize
from labelled_folders import load, median_seconds, note_training, predict
from stardist import __version__, fill_label_holes
from stardist.matching import matching
from stardist.models import Config2D, StarDist2D

Image = np.ndarray
_STEPS = 100  # in an epoch, as StarDist's
_PATIENCE = 20  # epochs without a better validation loss after which it is flat


class _Limit(tf.keras.callbacks.Callback):
    """Stops training when the time is over or the steps are done, and counts them."""

    def __init__(self, minutes: float, steps: float) -> None:
        super().__init__()
        self.end, self.most, self.steps = time.monotonic() + 60 * minutes, steps, 0

    def on_train_batch_end(self, batch: int, logs: object = None) -> None:
        self.steps += 1
        if time.monotonic() > self.end or self.steps >= self.most:
            self.model.stop_training = True


def _prepared(image: Image) -> Image:
    return normalize(image.astype(np.float32), 1, 99.8)


def _augmented(image: Image, labels: Image) -> tuple[Image, Image]:
    """Turn, flip and change the brightness, as in StarDist's own examples."""
    turn, flip = np.random.randint(4), np.random.rand() < 0.5
    image, labels = np.rot90(image, turn), np.rot90(labels, turn)
    if flip:
        image, labels = image[::-1], labels[::-1]
    image = image * np.random.uniform(0.6, 2) + np.random.uniform(-0.2, 0.2)
    return image + 0.02 * np.random.uniform() * np.random.normal(size=image.shape), labels


def _open(folder: Path) -> StarDist2D:
    return StarDist2D(None, name=folder.name, basedir=str(folder.parent))


def train(
    folder: Path, out: Path, minutes: float, quick: bool, steps: int | None, pairs: Path | None, seed: int
) -> None:
    """Train until the time is over or the validation loss is flat, or for so many steps; go on from what is there."""
    few = 8 if quick else None
    (images, labels), (images_held, labels_held) = (load(folder, validation=v, count=few) for v in (False, True))
    if pairs is not None:
        for validation in (False, True):  # all of them are learned from
            more_images, more_labels = load(pairs, validation=validation, count=few)
            images, labels = images + more_images, labels + more_labels
    labels, labels_held = ([fill_label_holes(one) for one in part] for part in (labels, labels_held))
    images, images_held = ([_prepared(one) for one in part] for part in (images, images_held))
    if (out / "config.json").exists():
        model = _open(out)
    else:
        reduce = {"factor": 0.5, "patience": _PATIENCE // 3, "min_delta": 0}
        config = Config2D(n_rays=32, grid=(2, 2), n_channel_in=1, train_reduce_lr=reduce, train_tensorboard=False)
        model = StarDist2D(config, name=out.name, basedir=str(out.parent))
    model.prepare_for_training()
    limit = _Limit(minutes, steps or math.inf)
    model.callbacks.append(limit)
    if steps is None:
        model.callbacks.append(tf.keras.callbacks.EarlyStopping("val_loss", patience=_PATIENCE, verbose=1))
    started, held = time.monotonic(), (images_held, labels_held)
    done = model.train(
        images, labels, validation_data=held, augmenter=_augmented, seed=seed, steps_per_epoch=5 if quick else _STEPS
    )
    spent = (time.monotonic() - started) / 60
    model.optimize_thresholds(images_held[:few], labels_held[:few])
    note_training(
        out,
        peer="StarDist",
        version=__version__,
        minutes=spent,
        steps=limit.steps,
        validation=[round(float(loss), 4) for loss in done.history["val_loss"]],
    )


def _outliner(folder: Path) -> Callable[[Image], Image]:
    model = _open(folder)
    return lambda image: model.predict_instances(_prepared(image))[0]


def time_one(source: Path, target: Path, folder: Path, repeats: int) -> None:
    """Time an image to its labels, and the network alone."""
    model, image = _open(folder), np.load(source)
    prepared = _prepared(image)
    np.savez(
        target,
        seconds=median_seconds(lambda: model.predict_instances(_prepared(image)), repeats),
        forward_seconds=median_seconds(lambda: model.predict(prepared), repeats),
        parameters=model.keras_model.count_params(),
        objects=model.predict_instances(prepared)[0].max(),
        version=__version__,
    )


def outline(source: Path, target: Path, folder: Path) -> None:
    """Outline images; IN.npz has ``image_0``, ``image_1``, ...; OUT.npz ``labels_0``, ..."""
    outlined = _outliner(folder)
    with np.load(source) as given:
        np.savez(target, **{f"labels_{i}": outlined(given[f"image_{i}"]) for i in range(len(given.files))})


def match(source: Path, target: Path) -> None:
    """Count matches; IN.npz has ``thresholds`` and pairs ``true_0``, ``found_0``, ...; OUT.npz ``counts``."""
    with np.load(source) as given:
        pairs = [(given[f"true_{i}"], given[f"found_{i}"]) for i in range((len(given.files) - 1) // 2)]
        thresholds = given["thresholds"].tolist()
    found = [[matching(true, seen, thresh=least) for least in thresholds] for true, seen in pairs]
    np.savez(target, counts=[[(one.tp, one.fp, one.fn) for one in row] for row in found])


def main() -> None:
    """Do what the first word says."""
    parser = argparse.ArgumentParser(description=__doc__)
    modes = parser.add_subparsers(dest="mode", required=True)
    for name, words in {
        "train": ("folder", "model"),
        "predict": ("model", "images", "labels"),
        "time": ("source", "target", "model"),
        "outline": ("source", "target", "model"),
        "match": ("source", "target"),
    }.items():
        mode = modes.add_parser(name)
        for word in words:
            mode.add_argument(word, type=lambda text: Path(text).resolve())
    modes.choices["train"].add_argument("--minutes", type=float)
    modes.choices["train"].add_argument("--steps", type=int)
    modes.choices["train"].add_argument("--pairs", type=lambda text: Path(text).resolve())
    modes.choices["train"].add_argument("--seed", type=int, default=0)
    modes.choices["train"].add_argument("--quick", action="store_true")
    modes.choices["time"].add_argument("--repeats", type=int, default=5)
    given = parser.parse_args()
    if given.mode == "train":
        minutes = given.minutes or (math.inf if given.steps else 60)
        train(given.folder, given.model, minutes, given.quick, given.steps, given.pairs, given.seed)
    elif given.mode == "predict":
        predict(given.images, given.labels, _outliner(given.model))
    elif given.mode == "time":
        time_one(given.source, given.target, given.model, given.repeats)
    elif given.mode == "outline":
        outline(given.source, given.target, given.model)
    else:
        match(given.source, given.target)


if __name__ == "__main__":
    main()
