"""What comes of adapting a model to one image: a model of its own, and what that brought."""

from __future__ import annotations

import re
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..diffusion.denoiser import Preconditioned
from ..engine.events import Progress
from ..errors import ModelError, ModelExistsError, RequestError
from ..models.card import LONGEST_IDENTITY
from ..models.model import Model, check_can_be_saved, save_model
from ..models.store import FOLDER_VARIABLE, taken_names, user_folder

LEAST_GAIN_DB = 0.2  # that is told from none: about as far is the estimate for a noisy image from the truth


@dataclass(frozen=True)
class Adapted:
    """A model was adapted and saved; nothing follows.

    Attributes
    ----------
    model_id : str
        Identity of the new model in the store.
    before, after : ndarray of float32, shape (y, x)
        The same part of the image, as the parent and the new model make it; in one unit, whichever that is.
    gain_db : float or None
        Estimated reduction of the mean squared error, in a part of the image that was kept back from training;
        ``None`` of an image so small that nothing could be kept back, of which that part is blank, or from which more
        than white noise is taken.
    """

    model_id: str
    before: NDArray[np.float32]
    after: NDArray[np.float32]
    gain_db: float | None

    @property
    def helped(self) -> bool | None:
        """Whether the error fell by more than the estimate may be wrong; ``None`` if that was not measured."""
        return None if self.gain_db is None else self.gain_db >= LEAST_GAIN_DB


def nothing_gained(parent: Model, to: str, gain_db: float) -> str:
    """Say that a model suits what it was adapted to as it is."""
    return (
        f"'{parent.card.id}' already suits this {to}: learning from it brought next to nothing ({gain_db:+.2f} dB). "
        "The model was saved all the same; prefer its parent."
    )


def check_steps(steps: int) -> None:
    """Raise RequestError if there is no step to take, or only a part of one."""
    if not float(steps).is_integer():
        raise RequestError(f"A model learns in a whole number of steps, not in {steps}. Ask for one, such as 300.")
    if steps < 1:
        raise RequestError(f"A model learns in 1 step or more, not in {steps}. Ask for more steps.")


def tell_progress(steps: Iterable[object], count: int) -> Iterator[Progress]:
    """Take steps, and tell after each how many were taken and how long the others will last."""
    started = time.monotonic()
    for done, _ in enumerate(steps, start=1):
        yield Progress(done, count, (time.monotonic() - started) / done * (count - done))


def new_identity(parent: Model, name: str | None) -> str:
    """Return an identity that no model has yet, and that one can be saved under: made of a name, or of the parent's.

    Raises
    ------
    ModelError
        If the name has nothing that an identity could be made of, is too long or is taken, or if no model can be saved
        in the user's folder.
    """
    identity = _made_up(parent) if name is None else _made_of(name)
    if len(identity) > LONGEST_IDENTITY:
        raise ModelError(
            f"The model's name '{identity[:20]}…' has {len(identity)} letters, and there can be {LONGEST_IDENTITY} at "
            "most. Choose a shorter one."
        )
    try:
        check_can_be_saved(user_folder() / identity)
    except ModelError as error:
        raise ModelError(
            f"{error} Make that folder writable, or name another one in the variable {FOLDER_VARIABLE}."
        ) from None
    return identity


def _made_of(name: str) -> str:
    identity = re.sub(r"[^a-z0-9._-]+", "-", name.strip().lower()).strip("-._")
    if not identity:
        raise ModelError(f"'{name}' has no letters or digits that a model's name could be made of. Choose another.")
    if identity in taken_names():
        raise ModelError(f"There already is a model '{identity}'. Choose another name, or remove that one.")
    return identity


def _made_up(parent: Model) -> str:
    taken, number = taken_names(), 1
    while f"{parent.card.id}-adapted-{number}" in taken:
        number += 1
    return f"{parent.card.id}-adapted-{number}"


def save_adapted(
    parent: Model,
    identity: str,
    denoiser: Preconditioned,
    *,
    to: str,
    steps: int,
    gain_db: float | None,
    factors: tuple[int, ...] = (),
) -> str:
    """Save an adapted model in the user's folder, and return its identity.

    Parameters
    ----------
    identity : str
        As of `new_identity`. If it was given away meanwhile, the next one that is free is taken: nobody should learn
        for minutes in vain.
    to : str
        What it was adapted to, such as ``"one noisy image"``.
    factors : tuple of int
        What it learned beside the factors of its parent.
    """
    measured = {} if gain_db is None else {"estimated_gain_db": round(gain_db, 2)}
    card = parent.card.model_copy(
        update={
            "id": identity,
            "title": f"{parent.card.title} (adapted)",
            "summary": f"'{parent.card.id}', adapted to {to} in {steps} steps",
            "parent": parent.card.id,
            "training": {"adapted_steps": steps, **measured},
            "factors": tuple(sorted({*parent.card.factors, *factors})),
            "quality": (),
        }
    )
    while True:
        try:
            save_model(card, denoiser.network.state_dict(), user_folder() / card.id, replace=False)
        except ModelExistsError:
            card = card.model_copy(update={"id": _next_after(card.id)})
        else:
            return card.id


def _next_after(identity: str) -> str:
    name, _, number = identity.rpartition("-")
    return f"{name}-{int(number) + 1}" if name and number.isdecimal() else f"{identity}-2"
