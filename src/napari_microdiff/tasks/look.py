"""A first look at an image: how noisy it is and whether a model suits it."""

from __future__ import annotations

from dataclasses import dataclass

from ..engine.request import Request
from ..imaging.axes import Sliceable
from ..models.store import find_model
from .base import open_source
from .likeness import Likeness, likeness
from .statistics import measure_channel, positions

UNTOLD = "This model does not say what its training images were like. Judge the result with care."


@dataclass(frozen=True)
class Look:
    """A first look at an image, before anything is run.

    Attributes
    ----------
    noise_level : float
        Standard deviation of the noise, in the units of the image.
    likeness : Likeness, optional
        How the image compares with those that the model was trained on; ``None`` if the card does not say.
    advice : str
        One sentence for people.
    """

    noise_level: float
    likeness: Likeness | None
    advice: str


def look(request: Request, source: Sliceable) -> Look:
    """Measure an image's noise and compare it with what a model was trained on.

    Only blocks that are spread over the image are read. Nothing is loaded but the model's card.

    Raises
    ------
    ImageError, RequestError, ModelError
        If the image, the request or the model are unusable.
    """
    card = find_model(request.model).card
    opened = open_source(request, source)
    measured = [s for s in (measure_channel(opened, p) for p in positions(opened)) if not s.constant]
    if not measured:
        return Look(0.0, None, "The image has the same value everywhere, so there is nothing to do.")
    noisiest = max(measured, key=lambda s: s.noise_level / s.normalization.scale)
    found = likeness(card, [(s, s.vector()) for s in measured])
    if found is None:
        return Look(noisiest.noise_level, None, UNTOLD)
    words = found.advice(noisiest.noise_level / noisiest.normalization.scale, request.task)
    return Look(noisiest.noise_level, found, words)
