"""One model on the disk: its folder, and reading, verifying and writing its weights."""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import ModelError, ModelExistsError
from .card import Card, write_card
from .weights_file import WEIGHTS_NAME, check_weights, fingerprint

if TYPE_CHECKING:
    import torch

BUNDLED_FOLDER = Path(__file__).parent / "weights"

_verified: set[tuple[str, int, int, str]] = set()


@dataclass(frozen=True)
class Model:
    """A model on this machine.

    Attributes
    ----------
    card : Card
        What it is.
    folder : Path
        Where its card and weights lie.
    bundled : bool
        Whether it came with the package; such a model cannot be removed.
    """

    card: Card
    folder: Path
    bundled: bool

    @property
    def weights_path(self) -> Path:
        """The file with the weights."""
        return self.folder / WEIGHTS_NAME


def verify_model(model: Model) -> None:
    """Check that the weights are those that the card names, and hold numbers only.

    Weights that were found right are not read again while their size and time of change stay the same.

    Raises
    ------
    ModelError
        If they are missing, changed, corrupt or a pickle.
    """
    path, expected = model.weights_path, model.card.weights_sha256
    try:
        state = path.stat()
        key = (str(path), state.st_mtime_ns, state.st_size, expected)
        if key in _verified:
            return
        check_weights(path)
        found = fingerprint(path)
    except OSError as error:
        raise ModelError(f"The weights of {model.card.id} cannot be read: {path}: {error.strerror}.") from None
    if found != expected:
        raise ModelError(
            f"The weights of {model.card.id} are not those that its card names ({path}): the file was changed or is "
            "incomplete. Remove the model and add it again from its source."
        )
    _verified.add(key)


def read_weights(model: Model) -> dict[str, torch.Tensor]:
    """Read the weights, after verifying them.

    Returns
    -------
    dict of str to torch.Tensor
        On the CPU; floating-point tensors as float32, others as they are.

    Raises
    ------
    ModelError
        As :func:`verify_model`.
    """
    verify_model(model)
    import torch
    from safetensors.torch import load_file

    # Copies, because the tensors of load_file are windows on the file, which could change or be in the way on Windows.
    loaded = load_file(model.weights_path)
    return {name: t.to(torch.float32 if t.is_floating_point() else t.dtype, copy=True) for name, t in loaded.items()}


def save_model(
    card: Card,
    tensors: Mapping[str, torch.Tensor],
    folder: Path,
    beside: Callable[[Path], Mapping[str, Any]] = lambda _: {},
    *,
    replace: bool = True,
) -> Model:
    """Write a model; one that is already in ``folder`` is replaced only when the new one is complete.

    Parameters
    ----------
    card : Card
        Its ``weights_sha256`` is replaced by that of the weights.
    tensors : mapping of str to torch.Tensor
        Floating-point tensors are stored as float16.
    folder : Path
        The folder of this model, such as ``user_folder() / card.id``.
    beside : callable
        Writes further files into the folder that it is given, and returns the fields of the card that tell of them.
    replace : bool
        Whether a model that is already there may be replaced.

    Returns
    -------
    Model
        The model with the card as it was written.

    Raises
    ------
    ModelError
        If a weight is not finite in float16, or the folder cannot be written.
    ModelExistsError
        If there is a folder of that name, and it must not be replaced.
    """
    import torch
    from safetensors.torch import save

    stored: dict[str, torch.Tensor] = {}
    for name, tensor in tensors.items():
        values = tensor.detach().to("cpu", copy=True)
        if values.is_floating_point():
            values = values.half()
            if not torch.isfinite(values).all():
                raise ModelError(
                    f"The weight {name} of {card.id} is not finite, so the model was not saved. Train again."
                )
        stored[name] = values.contiguous()
    with model_draft(folder, replace=replace) as draft:
        (draft / WEIGHTS_NAME).write_bytes(save(stored))
        card = card.model_copy(update={"weights_sha256": fingerprint(draft / WEIGHTS_NAME), **beside(draft)})
        write_card(card, draft)
    return Model(card, folder, bundled=folder.resolve().parent == BUNDLED_FOLDER.resolve())


def check_can_be_saved(folder: Path) -> None:
    """Raise ModelError if no model can be saved in ``folder``; found by trying, which leaves the folder around it."""
    draft = _draft_of(folder)
    try:
        draft.mkdir(parents=True)
        draft.rmdir()
    except OSError as error:
        raise _not_saved(folder, error) from error


@contextmanager
def model_draft(folder: Path, *, replace: bool) -> Iterator[Path]:
    """Give an empty folder to fill, which takes the place of ``folder`` when all went well.

    Raises
    ------
    ModelExistsError
        If there is one and it must not be replaced, also if another process made it meanwhile.
    ModelError
        If it cannot be written.
    """
    draft = _draft_of(folder)
    old = draft.with_suffix(".old")
    try:
        draft.mkdir(parents=True)
        yield draft
        if replace and os.path.exists(folder):
            os.replace(folder, old)
        os.replace(draft, folder)  # unlike for files, fails where there is one that is not empty
    except OSError as error:  # os.path.exists, unlike Path.exists, is no error for a name that is too long
        if not replace and os.path.exists(folder):
            raise ModelExistsError(
                f"There already is a folder {folder}, of another model. Move it, or choose another id."
            ) from error
        if os.path.exists(old) and not os.path.exists(folder):
            os.replace(old, folder)
        raise _not_saved(folder, error) from error
    finally:
        shutil.rmtree(draft, ignore_errors=True)
        if os.path.exists(folder):
            shutil.rmtree(old, ignore_errors=True)


def _draft_of(folder: Path) -> Path:
    return folder.with_name(f".{folder.name}.{secrets.token_hex(4)}.part")


def _not_saved(folder: Path, error: OSError) -> ModelError:
    return ModelError(f"The model cannot be saved in {folder}: {error.strerror or error}.")
