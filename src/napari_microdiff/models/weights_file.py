"""The file of the weights: numbers in the safetensors format and nothing else."""

from __future__ import annotations

import hashlib
from pathlib import Path

from ..errors import ModelError

WEIGHTS_NAME = "weights.safetensors"
ORIGINALS_NAME = "originals.safetensors"  # see `originals`
PICKLE_SUFFIXES = (".pt", ".pth", ".ckpt", ".bin", ".pkl", ".pickle")

_ZIP, _PICKLE = b"PK\x03\x04", b"\x80"  # torch.save writes a zip of pickles, older versions a bare pickle


def fingerprint(path: Path) -> str:
    """Return the SHA-256 of a file as 64 hexadecimal digits."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def check_weights(path: Path) -> None:
    """Check that a file is safetensors; only its header is read.

    Raises
    ------
    ModelError
        If it is a pickle, which could run code when opened, or is corrupt, or holds no tensors.
    OSError
        If it cannot be read.
    """
    from safetensors import SafetensorError, safe_open

    with path.open("rb") as stream:
        start = stream.read(9)
    try:
        with safe_open(path, framework="numpy") as tensors:
            names = list(tensors.keys())
    except SafetensorError:
        # The length of a safetensors header may begin with the byte that begins a pickle; a brace follows only there.
        if start.startswith((_ZIP, _PICKLE)) and start[8:] != b"{":
            raise pickle_refused(path.name) from None
        raise ModelError(f"{path} is corrupt or not a safetensors file. Get the model again from its source.") from None
    if not names:
        raise ModelError(f"{path} holds no weights. Get the model again from its source.")


def pickle_refused(name: str) -> ModelError:
    """Return the error for a file called ``name`` that is a pickle."""
    return ModelError(
        f"{name} is a pickle, which can run code when it is opened, so it is refused. "
        "Ask its author for the weights as .safetensors."
    )
