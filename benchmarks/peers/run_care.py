"""CARE (Weigert et al., Nature Methods 2018) as CAREamics has it: a U-Net for one blur, factor and noise.

Runs in the peers' environment, on pairs from ``superres_pairs.py``:

run_care.py train PAIRS.npz FOLDER --minutes 20   every eighth pair is for validation
run_care.py restore IN.npy OUT.npz FOLDER         OUT.npz holds ``image``, of an interpolated and normalised image
"""

from __future__ import annotations

import argparse
import json
import time
import warnings
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import torch
from run_n2v import let_torchvision_load, quietly

_HOLD_OUT, _PATCH, _BATCH = 8, 64, 16
_STEPS = 200  # in an epoch
_PATIENCE = 20  # epochs without a better validation loss after which it is flat
_EDGE = 8  # two halvings, twice
_WEIGHTS = "care.ckpt"


def _peer(folder: Path, minutes: float | None = None) -> Any:
    """Return an untrained CARE, with CAREamics' defaults."""
    from careamics import CAREamist
    from careamics.config import create_advanced_care_config

    config = create_advanced_care_config(
        experiment_name="care",
        data_type="array",
        axes="SYX",
        patch_size=(_PATCH, _PATCH),
        batch_size=_BATCH,
        num_epochs=10_000,
        num_steps=_STEPS,
        normalization="none",  # each image is by itself
        num_workers=0,
        early_stopping_params={"monitor": "val_loss", "patience": _PATIENCE},
        trainer_params={"enable_model_summary": False, "max_time": minutes and timedelta(minutes=minutes)},
        seed=1,
    )
    return CAREamist(config, work_dir=folder, enable_progress_bar=False)


def train(pairs: Path, out: Path, minutes: float) -> None:
    """Train until the time is over or the validation loss is flat, and keep the weights of the least one."""
    from careamics import __version__

    with np.load(pairs) as given:
        interpolated, sharp = given["interpolated"], given["sharp"]
    held = np.arange(len(sharp)) % _HOLD_OUT == _HOLD_OUT - 1
    peer = _peer(out, minutes)
    started = time.monotonic()
    peer.train(
        train_data=interpolated[~held],
        train_data_target=sharp[~held],
        val_data=interpolated[held],
        val_data_target=sharp[held],
    )
    best = peer.trainer.checkpoint_callback.best_model_path
    Path(best).replace(out / _WEIGHTS)
    facts = {
        "peer": "CARE",
        "version": __version__,
        "minutes": round((time.monotonic() - started) / 60, 1),
        "steps": peer.trainer.global_step,
        "validation": round(float(peer.trainer.checkpoint_callback.best_model_score), 5),
        "parameters": sum(p.numel() for p in peer.model.model.parameters()),
    }
    (out / "training.json").write_text(json.dumps(facts, indent=1) + "\n", encoding="utf-8")


def restore(source: Path, target: Path, folder: Path) -> None:
    """Restore a whole image at once."""
    peer = _peer(folder)
    # The checkpoint also holds the configuration, of which CAREamics cannot read the time again.
    peer.model.load_state_dict(torch.load(folder / _WEIGHTS, weights_only=False)["state_dict"])
    network = peer.model.model.eval()
    image = np.load(source)
    height, width = image.shape
    padded = np.pad(image, ((0, -height % _EDGE), (0, -width % _EDGE)), mode="symmetric")
    with torch.inference_mode():
        made = network(torch.from_numpy(padded)[None, None])[0, 0, :height, :width]
    np.savez(target, image=made.numpy())


def main() -> None:
    """Do what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    modes = parser.add_subparsers(required=True)
    trains = modes.add_parser("train")
    trains.add_argument("pairs", type=Path)
    trains.add_argument("out", type=Path)
    trains.add_argument("--minutes", type=float, default=20)
    trains.set_defaults(do=train)
    restores = modes.add_parser("restore")
    for name in ("source", "target", "folder"):
        restores.add_argument(name, type=Path)
    restores.set_defaults(do=restore)
    said = vars(parser.parse_args())
    do = said.pop("do")
    let_torchvision_load()
    do(**said)


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    with quietly():
        main()
