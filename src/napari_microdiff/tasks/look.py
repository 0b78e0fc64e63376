"""A first look at an image: how noisy it is and whether a model suits it."""

from __future__ import annotations

from dataclasses import dataclass

from ..engine.request import Request
from ..imaging.axes import Sliceable
from ..models.store import find_model
from .base import open_source
from .statistics import advice, familiarity, measure, positions


@dataclass(frozen=True)
class Look:
    """A first look at an image, before anything is run.

    Attributes
    ----------
    noise_level : float
        Standard deviation of the noise, in the units of the image.
    familiarity : float
        Distance of the image's statistics from those of the training images; small is alike.
    threshold : float, optional
        Distance that 99 % of the training images stay under; ``None`` if the card does not say.
    like_training : bool, optional
        Whether the distance is under the threshold.
    advice : str
        One sentence for people.
    """

    noise_level: float
    familiarity: float
    threshold: float | None
    like_training: bool | None
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
    measured = [s for s in (measure(opened, p) for p in positions(opened)) if not s.constant]
    if not measured:
        nothing = "The image has the same value everywhere, so there is nothing to do."
        return Look(0.0, 0.0, None, None, nothing)
    noisiest = max(measured, key=lambda s: s.noise_level / s.normalization.scale)
    if card.familiarity is None:
        return Look(noisiest.noise_level, 0.0, None, None, advice(0.0, None, 1.0))
    distance = max(familiarity(s.vector(), card.familiarity) for s in measured)
    threshold = card.familiarity.threshold
    words = advice(distance, threshold, noisiest.noise_level / noisiest.normalization.scale, request.task)
    return Look(noisiest.noise_level, distance, threshold, distance <= threshold, words)
