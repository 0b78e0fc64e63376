"""Where models are: those that came with the package, and those that the user added.

A model is a folder with ``card.yaml`` and ``weights.safetensors``. Nothing in it is ever run: weights are numbers, and
files that could carry code are refused. Listing models and reading cards does not import torch.
"""

from __future__ import annotations

import difflib
import os
import shutil
from pathlib import Path

from ..errors import ModelError
from .card import CARD_NAME, Card, read_card
from .model import BUNDLED_FOLDER, Model, model_draft, read_weights, save_model, verify_model
from .originals import check_model
from .weights_file import WEIGHTS_NAME

__all__ = [
    "Model",
    "add_model",
    "broken_models",
    "find_model",
    "list_models",
    "read_weights",
    "remove_model",
    "save_model",
    "taken_names",
    "user_folder",
    "verify_model",
]

FOLDER_VARIABLE = "NAPARI_MICRODIFF_MODELS"


def user_folder() -> Path:
    """Return the folder of the user's own models; it need not exist yet.

    The variable ``NAPARI_MICRODIFF_MODELS`` sets it; otherwise it lies where the system keeps the data of programmes.
    """
    if chosen := os.environ.get(FOLDER_VARIABLE):
        return Path(chosen).expanduser().absolute()
    from platformdirs import user_data_path

    return user_data_path("napari-microdiff", appauthor=False) / "models"


def list_models() -> list[Model]:
    """Return the usable models, the bundled ones first; broken ones are left to :func:`broken_models`."""
    return _look()[0]


def broken_models() -> dict[Path, str]:
    """Return the folders among the models that are not usable, each with the reason."""
    return _look()[1]


def find_model(id: str) -> Model:
    """Return the model called ``id``.

    Raises
    ------
    ModelError
        If there is none; the message names the nearest.
    """
    models, broken = _look()
    for model in models:
        if model.card.id == id:
            return model
    for folder, reason in broken.items():
        if folder.name == id:
            raise ModelError(reason)
    ids = [model.card.id for model in models]
    near = difflib.get_close_matches(id, ids, n=3, cutoff=0.5)
    if near:
        raise ModelError(f"There is no model called {id!r}. Did you mean {' or '.join(near)}?")
    raise ModelError(f"There is no model called {id!r}. There are: {', '.join(ids) or 'none; add one first'}.")


def add_model(source: str | Path, sha256: str | None = None) -> Model:
    """Add a model to the user's own.

    Parameters
    ----------
    source : str or Path
        The folder of a model, a ``.zip`` of it, or an ``https://`` or ``doi:`` address of such a zip.
    sha256 : str, optional
        Fingerprint of the zip, or of the weights if ``source`` is a folder. An address needs it.

    Returns
    -------
    Model
        As it is in the store. Adding the same model again changes nothing.

    Raises
    ------
    ModelError
        If the source is not a model, does not have that fingerprint, could carry code, or has the name of another
        model.
    """
    from .fetch import fetch_model

    with fetch_model(source, sha256) as folder:
        found = Model(read_card(folder), folder, bundled=False)
        check_model(found)
        card = found.card
        there = next((model for model in list_models() if model.card.id == card.id), None)
        if there and there.card == card and _is_whole(there):
            return there
        if there and (there.bundled or there.card != card):
            raise _taken(there, card)
        place = there.folder if there else user_folder() / card.id
        with model_draft(place, replace=there is not None or _is_remains(place)) as draft:
            for file in sorted(folder.iterdir()):
                shutil.copyfile(file, draft / file.name)
    return find_model(card.id)


def taken_names() -> set[str]:
    """Return what no new model can be called: identities of models, and folders among those of the user."""
    return {model.card.id for model in list_models()} | {folder.name for folder in _folders(user_folder())}


def remove_model(id: str) -> None:
    """Remove a model that the user added.

    Raises
    ------
    ModelError
        If there is no such model, it came with the package, or its folder cannot be removed.
    """
    broken = user_folder() / id
    if broken in broken_models():
        folder = broken
    else:
        model = find_model(id)
        if model.bundled:
            raise ModelError(f"The model {id} came with the package and cannot be removed.")
        folder = model.folder
    try:
        if folder.is_symlink():
            folder.unlink()
        else:
            shutil.rmtree(folder)
    except OSError as error:
        raise ModelError(f"The model {id} cannot be removed: {folder}: {error.strerror}.") from None


def _look() -> tuple[list[Model], dict[Path, str]]:
    models: dict[str, Model] = {}
    broken: dict[Path, str] = {}
    for parent, bundled in ((BUNDLED_FOLDER, True), (user_folder(), False)):
        for folder in _folders(parent):
            try:
                card = read_card(folder)
                if not (folder / WEIGHTS_NAME).is_file():
                    raise ModelError(f"The model {card.id} has no {WEIGHTS_NAME} in {folder}. Add it again.")
                if card.id in models:
                    raise ModelError(f"{folder} has the id of another model, {card.id}. Change the id in its card.")
                models[card.id] = Model(card, folder, bundled)
            except ModelError as error:
                broken[folder] = str(error)
            except OSError as error:
                broken[folder] = f"{folder / CARD_NAME} cannot be read: {error.strerror}."
    return list(models.values()), broken


def _is_whole(model: Model) -> bool:
    try:
        check_model(model)
    except ModelError:
        return False
    return True


def _taken(there: Model, card: Card) -> ModelError:
    if there.card == card:
        return ModelError(f"The model {card.id} came with the package, and is damaged: install the package again.")
    what_to_do = "It came with the package: give yours another id." if there.bundled else "Remove it first."
    return ModelError(f"There is already another model called {card.id}. {what_to_do}")


def _is_remains(folder: Path) -> bool:
    """Whether a folder holds no model, or only parts of one."""
    try:
        read_card(folder)
    except (ModelError, OSError):
        return True
    return not (folder / WEIGHTS_NAME).is_file()


def _folders(parent: Path) -> list[Path]:
    try:
        return sorted(p for p in parent.iterdir() if p.is_dir() and not p.name.startswith((".", "_")))
    except OSError:  # there are no models of the user yet
        return []
