"""Synthetic pairs for training: masks laid out like given ones, images drawn under them, and a judge of both.

Attempt number n of a seed is always the same, whatever came before it, so that a set can be interrupted and gone on
with.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..engine.events import Result, Update
from ..engine.options import SynthesizeOptions
from ..engine.request import Request
from ..errors import ImageError, RequestError
from ..imaging.instances import check_labels, in_sequence
from ..imaging.judging import Scores
from ..imaging.layout import random_layout
from ..imaging.population import Census, Population, census_of, kindred, pooled
from ..models.store import find_model
from .base import check_model_fits
from .judge import Judge
from .reference import Reference
from .run import finish, run

_PATIENCE = 5  # attempts for each pair that is wanted, before it is given up
_AT_LEAST = 20


@dataclass(frozen=True)
class Plan:
    """What a set is made of.

    Attributes
    ----------
    request : Request
        For synthesis: model, guidance, camera and so on. Its seed is that of the whole set.
    masks : sequence of ndarray, each of shape (y, x)
        Labels whose objects are laid out anew, or that are used as they are.
    references : sequence of Reference
        Styles, one of which is chosen for each pair; none leaves the style to the request.
    own : sequence of int, optional
        For each mask the number of the style of its own image, or ``None`` where there is none; empty for none at all.
    layouts : {"random", "given"}
        Whether objects are laid out at random, each time like one of the masks: as dense, and with the objects of all
        masks whose objects are about as large, which touch as often; or the masks are used one after the other as
        they are.
    shape : (int, int), optional
        Of random layouts; that of the mask that it is like if not given.
    judge : Judge, optional
        Who decides which pairs are good; without one all are.
    kinds : sequence of mapping of int to int
        For each mask the class of each label, from 1; empty where all objects are of one.
    """

    request: Request
    masks: Sequence[NDArray[np.integer]]
    references: Sequence[Reference] = ()
    own: Sequence[int | None] = ()
    layouts: Literal["random", "given"] = "random"
    shape: tuple[int, int] | None = None
    judge: Judge | None = None
    kinds: Sequence[Mapping[int, int]] = ()


class Attempt(NamedTuple):
    """An image that was drawn, good or not.

    Attributes
    ----------
    number : int
        From 0.
    labels : ndarray of int32, shape (y, x)
        The mask.
    result : Result
        Of `run`; ``result.sample`` is the image.
    mask : int, optional
        Number of the mask that was used as it is.
    parents : tuple of int
        Numbers of the masks that objects were taken from.
    reference : int, optional
        Number of the style.
    scores : Scores
        Of the judge.
    reasons : tuple of str
        Why it is rejected; empty if it is good.
    """

    number: int
    labels: NDArray[np.int32]
    result: Result
    mask: int | None
    parents: tuple[int, ...]
    reference: int | None
    scores: Scores
    reasons: tuple[str, ...]


class Augmentation:
    """Makes the attempts of a plan.

    Raises
    ------
    ImageError
        If there are no masks, or no objects in them to lay out.
    RequestError
        If the request is for something else than synthesis.
    ModelError
        If there is no such model, or it is for something else.
    """

    def __init__(self, plan: Plan) -> None:
        if not isinstance(plan.request.options, SynthesizeOptions):
            raise RequestError(f"Pairs are made by 'synthesize', not by '{plan.request.task}'. Change the task.")
        if not plan.masks:
            raise ImageError("There are no masks to make pairs from. Choose at least one.")
        if any(mask.ndim != 2 for mask in plan.masks):
            raise ImageError("Pairs are made from masks of one plane each. Save the planes of stacks one by one.")
        check_model_fits(plan.request, find_model(plan.request.model).card)
        if plan.judge is not None:
            plan.judge.check()
        self.plan = plan
        self._kindred = kindred(plan.masks) if plan.layouts == "random" else []
        # A mask without objects is none: trainers refuse images without any.
        holds = [bool(members) for members in self._kindred] or [bool(np.any(mask)) for mask in plan.masks]
        self._models = [n for n, some in enumerate(holds) if some]
        if not self._models:
            raise ImageError("There are no objects in these masks. Choose masks that hold some.")
        self._counted: dict[int, Census] = {}

    def attempt(self, number: int) -> Generator[Update, None, Attempt]:
        """Make one attempt.

        Yields
        ------
        Progress, Notice, Preview
            Of the drawing and of the judge; closing the generator stops it.

        Raises
        ------
        ImageError, RequestError, ModelError, DeviceError
            As of `run`.
        """
        rng = np.random.default_rng([self.plan.request.seed, number])
        like = int(rng.choice(self._models)) if self._kindred else self._models[number % len(self._models)]
        labels, kinds = self._mask(like, rng)
        request, reference = self._request(number, like, kinds, rng)
        result = yield from finish(run(request, labels))
        mask, parents = (None, self._kindred[like]) if self._kindred else (like, (like,))
        judge = self.plan.judge
        if judge is None:
            return Attempt(number, labels, result, mask, parents, reference, Scores(), ())
        scores = yield from judge.look_at(result, labels)
        return Attempt(number, labels, result, mask, parents, reference, scores, judge.reasons(result, scores))

    def _mask(self, like: int, rng: np.random.Generator) -> tuple[NDArray[np.int32], Mapping[int, int]]:
        """Return labels, and their classes where there are several."""
        mask, kinds = self.plan.masks[like], self.plan.kinds
        if not self._kindred:
            return _in_32_bits(check_labels(mask), kinds[like] if kinds else {})
        shape = self.plan.shape or mask.shape
        density = np.count_nonzero(np.unique(mask)) / mask.size
        population = self._population(self._kindred[like])
        layout = random_layout(population, (int(shape[0]), int(shape[1])), rng, density=density)
        while not layout.labels.any():  # trainers refuse images without objects
            density *= 2
            layout = random_layout(population, (int(shape[0]), int(shape[1])), rng, density=density)
        return layout.labels, dict(enumerate(layout.kinds.tolist(), start=1)) if kinds else {}

    def _population(self, members: tuple[int, ...]) -> Population:
        """Return the objects of some of the masks, each of which is measured when it is first needed."""
        for n in members:
            if n not in self._counted:
                self._counted[n] = census_of(self.plan.masks[n], self.plan.kinds[n] if self.plan.kinds else None)
        return pooled([self._counted[n] for n in members])

    def _request(
        self, number: int, like: int, kinds: Mapping[int, int], rng: np.random.Generator
    ) -> tuple[Request, int | None]:
        changes: dict[str, Any] = {"axes": "YX", "samples": 1, "outputs": ("sample",)}
        changes["seed"] = self.plan.request.seed + number
        if kinds:
            told = {"kinds": tuple(sorted(kinds.items()))}
            changes["options"] = self.plan.request.options.model_copy(update=told)
        request = self.plan.request.model_copy(update=changes)
        if not self.plan.references:
            return request, None
        own = self.plan.own[like] if self.plan.own else None
        which = int(rng.integers(len(self.plan.references))) if own is None else own
        known = self.plan.references[which]
        options = request.options.model_copy(update={"style": known.style, "levels": known.levels})
        return request.model_copy(update={"options": options}), which


def _in_32_bits(labels: NDArray[np.integer], kinds: Mapping[int, int]) -> tuple[NDArray[np.int32], Mapping[int, int]]:
    """Return labels and their classes, numbered anew where a label needs more bits."""
    if labels.max(initial=0) > np.iinfo(np.int32).max:
        labels, names = in_sequence(labels)
        kinds = {new: kinds[old] for new, old in enumerate(names.tolist()) if old in kinds}
    return labels.astype(np.int32), kinds


def check_patience(attempts: int, accepted: int, wanted: int, last: Sequence[str]) -> None:
    """Raise RequestError when so many were rejected that going on makes no sense.

    Parameters
    ----------
    attempts, accepted, wanted : int
        Images that were drawn, that were good, and that are asked for.
    last : sequence of str
        Why the last one was rejected; empty if none was drawn since the set was opened again.
    """
    if attempts >= max(_AT_LEAST, _PATIENCE * max(1, accepted)) and accepted < wanted:
        why = f" The last one: {' '.join(last)}" if last else " Why is in the manifest of the set."
        raise RequestError(
            f"Of {attempts} images that were drawn {attempts - accepted} were rejected.{why} "
            "Choose another model or reference, or ask for less."
        )
