"""The file of a model by which copies of its training images are known again."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from ..errors import ModelError
from ..imaging.originals import Originals
from .card import KnownOriginals
from .model import Model, verify_model
from .weights_file import ORIGINALS_NAME, check_weights, fingerprint


def write_originals(originals: Originals, limit: float, folder: Path) -> KnownOriginals:
    """Write it into the folder of a model.

    Parameters
    ----------
    limit : float
        See `KnownOriginals`.

    Returns
    -------
    KnownOriginals
        What the card says of it.
    """
    from safetensors.numpy import save

    path = folder / ORIGINALS_NAME
    path.write_bytes(save({"strength": originals.strength, "prints": originals.prints}))
    return KnownOriginals(limit=limit, count=len(originals.prints), sha256=fingerprint(path))


def read_originals(model: Model) -> Originals | None:
    """Read it, or return None if the model has none.

    Raises
    ------
    ModelError
        If it is missing, changed or corrupt.
    """
    known = model.card.originals
    return None if known is None else _read(model.folder / ORIGINALS_NAME, known.sha256, model.card.id)


def check_model(model: Model) -> None:
    """Check that all that a card names is unchanged and holds numbers only: the weights, and what lies beside them.

    Raises
    ------
    ModelError
        As of `verify_model` and `read_originals`.
    """
    verify_model(model)
    read_originals(model)


@lru_cache(maxsize=2)
def _read(path: Path, sha256: str, name: str) -> Originals:
    from safetensors.numpy import load_file

    try:
        check_weights(path)
        found = fingerprint(path)
        tensors = load_file(path) if found == sha256 else {}
        return Originals(tensors["strength"], tensors["prints"])
    except OSError as error:
        raise ModelError(f"The model {name} has no readable {path.name}: {path}: {error.strerror}.") from None
    except KeyError:
        raise ModelError(
            f"{path} is not the file that the card of {name} names: it was changed or is incomplete. Remove the model "
            "and add it again from its source."
        ) from None
