"""The file from which a run goes on."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from ..errors import TrainingError
from ..files.complete import new_file
from ..files.faults import cannot_read

_NAME = "checkpoint.pt"
_PARTS = {"weights", "average", "optimizer", "sigma_data", "step", "seconds", "best"}


def write_checkpoint(folder: Path, state: Mapping[str, Any], origin: str) -> None:
    """Write the state of a run; what was there before stays until it is complete.

    Parameters
    ----------
    origin : str
        Of what the run is made; see `origin.origin_of`.

    Raises
    ------
    FileError
        If it cannot be written.
    """
    with new_file(folder / _NAME) as stream:
        torch.save({**state, "origin": origin}, stream)


def read_checkpoint(folder: Path, origin: str) -> dict[str, Any] | None:
    """Return the state of a run, or None if there is no checkpoint.

    Raises
    ------
    TrainingError
        If it is damaged, or of a run of another origin. Older checkpoints do not tell theirs.
    FileError
        If it cannot be read.
    """
    path = folder / _NAME
    if not path.exists():
        return None
    state = _read(path)
    if not (isinstance(state, dict) and state.keys() >= _PARTS):
        raise _damaged(path)
    if state.get("origin", origin) != origin:
        raise TrainingError(
            f"{folder} holds a run of another recipe or of other data. Choose another folder with --out, or begin anew "
            "with --no-resume."
        )
    return state


def _read(path: Path) -> Any:
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except OSError as error:
        raise cannot_read(path, error) from error
    except Exception as error:  # whatever is made of bytes that are no checkpoint
        raise _damaged(path) from error


def _damaged(path: Path) -> TrainingError:
    return TrainingError(f"{path} is damaged. Remove it, or begin anew with --no-resume.")
