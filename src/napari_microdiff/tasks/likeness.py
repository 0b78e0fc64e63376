"""Whether an image is like those that a model was trained on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..imaging.spectrum import LIKENESS
from ..models.card import Card, Familiarity
from ..models.store import list_models
from .statistics import Statistics

# Natural logarithm of how many times as likely an image has to be among the training images of another model, before
# that one is recommended.
_DECISIVE = 3.0
_LITTLE_NOISE = 0.01  # of the range of the image


@dataclass(frozen=True)
class Likeness:
    """How an image compares with the training images of a model.

    Attributes
    ----------
    distance, threshold : float
        Mahalanobis distance of its noise and sharpness from theirs, and what 99 % of them stay under.
    content, content_threshold : float, optional
        The same of what it shows; ``None`` if the card does not say.
    better : str, optional
        Title of another model for the same task, whose training images are much more like it.
    """

    distance: float
    threshold: float
    content: float | None = None
    content_threshold: float | None = None
    better: str | None = None

    @property
    def alike(self) -> bool:
        """Whether it is like them in all that is looked at, and no other model is nearer."""
        return self.distance <= self.threshold and not self.strange_content and self.better is None

    @property
    def strange_content(self) -> bool:
        """Whether what it shows is unlike what they show."""
        return self.content is not None and self.content > (self.content_threshold or 0.0)

    def advice(self, noise_ratio: float = 1.0, task: str = "denoise") -> str:
        """Say in a sentence whether the model of a task suits the image, with noise of a share of its range."""
        if self.alike:
            return "The image is like those that the model was trained on."
        if self.better is not None:
            return f"The image looks much more like those that the model “{self.better}” was trained on. Try that one."
        if task != "denoise":
            return (
                "The image is unlike those that the model was trained on: what it adds may be made up. Compare the "
                "result with the image."
            )
        if noise_ratio < _LITTLE_NOISE:
            return "The image has much less noise than those that the model was trained on: it may need no denoising."
        return (
            "The image is unlike those that the model was trained on. Compare the result with the image, try another "
            "model, or adapt this one to the image."
        )

    def report(self, noise_ratio: float = 1.0, task: str = "denoise") -> dict[str, Any]:
        """Return all that is known, as it stands in the report of a result."""
        return {**asdict(self), "alike": self.alike, "advice": self.advice(noise_ratio, task)}


def likeness(card: Card, channels: Sequence[tuple[Statistics, NDArray[np.floating]]]) -> Likeness | None:
    """Compare an image with the training images of a model, and of all others; of channels, the strangest counts.

    Parameters
    ----------
    card : Card
        Of the model.
    channels : sequence of (Statistics, ndarray)
        Of each channel, and the condition vector that the network is shown of it.

    Returns
    -------
    Likeness or None
        None if the card does not say what the training images are like, in the statistics of this version.
    """
    if card.familiarity is None or not card.familiarity.fits(channels[0][1][LIKENESS]):
        return None
    distance = max(_distance(vector[LIKENESS], card.familiarity) for _, vector in channels)
    if card.content is None or not card.content.fits(channels[0][0].texture):
        return Likeness(distance, card.familiarity.threshold)
    content, strangest = max(
        ((_distance(s.texture, card.content), s.texture) for s, _ in channels), key=lambda found: found[0]
    )
    better = _better(card, strangest)
    return Likeness(distance, card.familiarity.threshold, content, card.content.threshold, better)


def _better(card: Card, texture: NDArray[np.floating]) -> str | None:
    """Return the title of the model whose training images an image is most likely one of, if it is another one."""
    assert card.content is not None
    mine = _log_likelihood(texture, card.content)
    rivals = [
        (_log_likelihood(texture, other.card.content), other.card.title)
        for other in list_models()
        if other.card.task == card.task and other.card.content is not None and other.card.content.fits(texture)
    ]
    best, title = max(rivals, default=(mine, card.title))
    return title if best > mine + _DECISIVE else None


def _distance(vector: NDArray[np.floating], known: Familiarity) -> float:
    away = np.asarray(vector, dtype=np.float64) - np.asarray(known.mean)
    return float(np.sqrt(away @ np.asarray(known.precision) @ away))


def _log_likelihood(vector: NDArray[np.floating], known: Familiarity) -> float:
    """Return the logarithm of a Gaussian density, but for a constant."""
    _, log_determinant = np.linalg.slogdet(np.asarray(known.precision))
    return float(log_determinant - _distance(vector, known) ** 2) / 2
