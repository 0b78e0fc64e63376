"""Noise2Void of CAREamics trained on the very image: ``run_n2v.py IN.npy OUT.npz EPOCHS``.

Runs in the peers' environment. OUT.npz holds ``images`` (the prediction), ``steps``, ``train_seconds``,
``predict_seconds`` (of `CAREamist.predict`, median), ``forward_seconds`` (of its network alone, median),
``parameters`` and ``version``.
"""

import contextlib
import logging
import statistics
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator

import numpy as np
import torch

_OPERATORS = torch.library.Library("torchvision", "FRAGMENT")
_REPEATS = 5
_PATCH = 64
_COPIES = 5  # CAREamics draws as many patches in an epoch as fit into the images: 64 in 512 x 512, only 4 batches


def let_torchvision_load() -> None:
    """Declare two operators that torchvision expects of its own compiled part.

    CAREamics imports a few functions of torchvision that are plain Python. Where torch is a build for CPUs only and
    torchvision is not, the compiled part cannot be loaded and the import would fail for want of these.
    """
    try:
        import torchvision  # noqa: F401
    except RuntimeError:
        for name in ("nms", "qnms"):
            _OPERATORS.define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
        for name in [name for name in sys.modules if name.split(".")[0] == "torchvision"]:
            del sys.modules[name]


@contextlib.contextmanager
def quietly() -> Iterator[None]:
    """Let Lightning and CAREamics say what they must on stderr, and no more."""
    for name in ("lightning.pytorch", "careamics"):
        logging.getLogger(name).setLevel(logging.ERROR)
    with contextlib.redirect_stdout(sys.stderr):
        yield


def _median_seconds(call: Callable[[], object]) -> float:
    seconds = []
    for _ in range(_REPEATS + 1):
        started = time.perf_counter()
        call()
        seconds.append(time.perf_counter() - started)
    return statistics.median(seconds[1:])


def main() -> None:
    """Train with CAREamics' defaults for everything but the length, then predict."""
    let_torchvision_load()
    from careamics import CAREamist, __version__
    from careamics.config import create_advanced_n2v_config

    source, target, epochs = sys.argv[1:]
    noisy = np.load(source).astype(np.float32)
    patches = _COPIES * (noisy.shape[0] // _PATCH) * (noisy.shape[1] // _PATCH)
    config = create_advanced_n2v_config(
        experiment_name="n2v",
        data_type="array",
        axes="YX",
        patch_size=(_PATCH, _PATCH),
        batch_size=16,
        num_epochs=int(epochs),
        n_val_patches=min(8, patches // 4),
        num_workers=0,
        trainer_params={"enable_model_summary": False},
        seed=1,
    )
    with tempfile.TemporaryDirectory() as folder:
        peer = CAREamist(config, work_dir=folder, enable_progress_bar=False)
        started = time.perf_counter()
        peer.train(train_data=[noisy] * _COPIES)
        train_seconds = time.perf_counter() - started
        steps = peer.trainer.global_step
        predicted, _ = peer.predict(noisy)
        predict_seconds = _median_seconds(lambda: peer.predict(noisy))
        network = peer.model.model.eval()
        inputs = torch.from_numpy((noisy - noisy.mean()) / max(float(noisy.std()), 1e-6))[None, None]
        with torch.inference_mode():
            forward_seconds = _median_seconds(lambda: network(inputs))
    np.savez(
        target,
        images=np.array(predicted, dtype=np.float32).reshape(1, *noisy.shape),
        steps=steps,
        train_seconds=train_seconds,
        predict_seconds=predict_seconds,
        forward_seconds=forward_seconds,
        parameters=sum(p.numel() for p in network.parameters()),
        version=__version__,
    )


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    with quietly():
        main()
