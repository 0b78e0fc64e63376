"""Adapting a model that fills in what lies between slices to one stack, whose slices are all that it learns from.

Along the axes of its slices a stack has all its pixels, and what a model learns to fill in there it can fill in along z
(vEMDiffuse-a, Lu et al. 2024, Nature Communications 15:4677). Where voxels are cubes, the slices between two slices are
there to learn from, too (vEMDiffuse-i, there), and so are the planes beside the one that is filled in.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator

import torch
from torch.utils.data import DataLoader

from ...diffusion.denoiser import Preconditioned
from ...engine.device import choose_device, choose_precision, torch_dtype
from ...engine.events import Notice, Progress
from ...engine.request import build_request
from ...errors import ModelError
from ...imaging.axes import Sliceable
from ...models.build import load_denoiser
from ...models.model import Model
from ...models.store import find_model
from ...tasks.base import open_source
from ...tasks.isotropic import check_stack
from ..adapted import Adapted, check_steps, new_identity, nothing_gained, save_adapted, tell_progress
from ..average import PowerAverage
from ..descent import Descent
from ..restore.batch import Batch
from ..restore.loss import restoring_loss
from .data import IsotropicBatches
from .recipe import IsotropicRecipe
from .slices import Slices
from .validate import Validation

_LEARNING_RATE = 1e-3
_WARM_UP = 20  # steps


def adapt(
    model_id: str,
    source: Sliceable,
    *,
    factor: int,
    name: str | None = None,
    axes: str | None = None,
    isotropic: bool = False,
    steps: int = 300,
    seed: int = 0,
    device: str = "auto",
) -> Iterator[Progress | Notice | Adapted]:
    """Fine-tune a model that fills in what lies between slices on the slices of a stack, and save it as one of its own.

    Parameters
    ----------
    model_id : str
        The model to start from.
    source : array-like
        The stack; of several channels the first is learned from, of many slices some.
    factor : int
        Distance of slices in pixels, of the stacks that the model is for.
    isotropic : bool
        Whether the voxels of this stack are cubes, so that it can be cut along all its axes. Such a stack, of a piece
        of the same tissue, teaches what thicker slices of other pieces cannot.
    name : str, optional
        Identity of the new model: small letters, digits, dots and dashes. ``None`` makes one up.
    steps : int
        Steps of training; 300 take some minutes on a laptop.

    Yields
    ------
    Progress, Notice
        Closing the generator stops the job; nothing is saved then.
    Adapted
        Last. Before and after are a part of a slice of which every `factor`-th row was shown.

    Raises
    ------
    ImageError, ModelError, DeviceError, RequestError
        If the image is no stack or its slices are too small, the model is of the wrong kind, or there is no such
        factor, seed or number of steps.
    """
    check_steps(steps)
    fields = {"model": model_id, "axes": axes, "seed": seed, "device": device}
    asked = build_request({"task": "isotropic", "options": {"factor": factor}, **fields})
    parent = find_model(model_id)
    if parent.card.task != "isotropic":
        raise ModelError(f"The model '{model_id}' does not fill in what lies between slices. Choose one that does.")
    stack = open_source(asked, source)
    check_stack(stack)
    place = choose_device(device)
    new_id = new_identity(parent, name)
    slices = Slices.of_volume(stack) if isotropic else Slices.of(stack)
    yield Notice(f"Learning from {slices.describe()}.")
    recipe = _recipe(parent, factor, steps, seed)
    denoiser = copy.deepcopy(load_denoiser(parent, place))
    average = PowerAverage(denoiser)
    denoiser.precision = torch_dtype(choose_precision("auto", place))
    yield from tell_progress(_fitting(denoiser, average, recipe, slices), steps)
    judged = Validation(recipe, slices.kept_back or slices.learned, slices.side)
    before, after = load_denoiser(parent, place), average.module
    gain = _gain(judged, after, before) if slices.kept_back else None
    if gain is None:
        yield Notice(
            "Whether adapting helped was not measured: slices are too small to keep a part back to judge by, or what "
            "would be kept back shows nothing."
        )
    examples = judged.example(before), judged.example(after)
    yield Progress(steps, steps, 0.0)  # for whoever wants to stop it now
    to = "one isotropic stack" if isotropic else "the slices of one stack"
    new_id = save_adapted(parent, new_id, after, to=to, steps=steps, gain_db=gain, factors=(factor,))
    adapted = Adapted(new_id, *examples, gain)
    if gain is not None and not adapted.helped:
        yield Notice(nothing_gained(parent, "stack", gain))
    yield adapted


def _gain(judged: Validation, after: Preconditioned, before: Preconditioned) -> float | None:
    """Return how many decibels one is better than the other; ``None`` where nothing is shown to judge by."""
    figures = judged.measure(after), judged.measure(before)
    return figures[0]["recorded"] - figures[1]["recorded"] if "recorded" in figures[0] else None


def _recipe(parent: Model, factor: int, steps: int, seed: int) -> IsotropicRecipe:
    """Return how a stack is learned from: its slices as they are, and nothing else."""
    return IsotropicRecipe(
        task="isotropic",
        id=parent.card.id,
        title=parent.card.title,
        summary="",
        architecture=parent.card.architecture,
        procedural="electron_microscopy",
        factors=(factor, factor),
        simulated=0.0,
        noisier=0.0,
        blurred=0.0,
        steps=steps,
        seed=seed,
        learning_rate=_LEARNING_RATE,
    )


def _fitting(
    denoiser: Preconditioned, average: PowerAverage[Preconditioned], recipe: IsotropicRecipe, slices: Slices
) -> Iterator[None]:
    """Take the steps of a recipe, and yield after each."""
    batches = IsotropicBatches(recipe, slices.learned, seed=recipe.seed, length=recipe.steps)
    batches.side = slices.side
    denoiser.requires_grad_(True).train()
    descent = Descent(denoiser.parameters(), _LEARNING_RATE, _WARM_UP, recipe.steps)
    for step, batch in enumerate(DataLoader(batches, batch_size=None), start=1):
        number = (recipe.seed * 1_000_003 + step) % 2**63  # torch takes none that is much larger
        generator = torch.Generator().manual_seed(number)
        loss = restoring_loss(denoiser, Batch(*(part.to(denoiser.device) for part in batch)), generator)
        descent.step(loss.mean + loss.spread, step)
        average.update(denoiser, step)
        yield
