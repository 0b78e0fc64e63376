"""The training loop: resumable, seeded, on one CPU, one GPU or several, through Lightning Fabric."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor
from torch.utils.data import DataLoader

from ..diffusion.denoiser import Preconditioned
from ..diffusion.unet import LocalUNet
from ..engine.device import choose_device, choose_precision, torch_dtype
from ..errors import MicrodiffError, TrainingError
from ..files.faults import writing
from ..imaging.threads import usable_cores
from ..models.build import load_denoiser
from ..models.card import CARD_NAME, read_card
from ..models.fetch import TRAINED
from ..models.model import Model, read_weights, save_model
from .average import PowerAverage
from .checkpoint import read_checkpoint, write_checkpoint
from .course import open_course
from .export import export_model
from .origin import origin_of
from .parent import parent_of, weights_of
from .rate import rate_at
from .recipes import AnyRecipe, read_recipe

if TYPE_CHECKING:
    from lightning_fabric import Fabric

Report = Callable[[str], None]
_SECONDS_BETWEEN_VALIDATIONS = 300.0
_WARM_UP_STEPS = 200


def train(
    recipe: str | Path,
    data: Path,
    out: Path,
    *,
    steps: int | None = None,
    minutes: float | None = None,
    device: str = "auto",
    devices: int = 1,
    resume: bool = True,
    seed: int | None = None,
    progress: Report = lambda _: None,
) -> Path:
    """Train the model of a recipe.

    The checkpoint with the best validation figure is exported as a model folder; the last one is kept for resuming.

    Parameters
    ----------
    recipe : str or Path
        Name of a bundled recipe or path of a YAML file.
    data, out : Path
        Folder that the recipe's patterns are relative to, and folder for checkpoints and the model.
    steps : int, optional
        Steps in all; ``None`` takes the recipe's.
    minutes : float, optional
        Stop after this time even if the steps are not done; the learning rate falls to zero by then. More than 0.
    device, devices : str, int
        Accelerator ("auto", "cpu", "cuda", "mps") and how many of them.
    resume : bool
        Go on from the checkpoint in ``out`` if there is one.
    seed : int, optional
        ``None`` takes the recipe's.
    progress : callable
        Receives lines of text.

    Returns
    -------
    Path
        Folder of the exported model.

    Raises
    ------
    TrainingError
        If the recipe, the data or the time are unusable, ``out`` holds a run of another recipe or of other data, or
        the weights do not stay finite numbers.
    DeviceError
        If there is no such device.
    FileError
        If ``out`` cannot be written.
    ModelError
        If the model that the recipe starts from is not there.
    """
    from lightning_fabric import Fabric  # which loads the compilers of torch, too

    if minutes is not None and minutes <= 0:
        raise TrainingError("A training needs some time. Give more than 0 minutes, or leave them out.")
    if seed is not None and not 0 <= seed < 2**63:
        raise TrainingError(f"The seed must be at least 0 and less than {2**63}, not {seed}. Choose another.")
    plan = read_recipe(recipe)
    changes = {"steps": steps, "seed": seed}
    plan = plan.model_copy(update={name: value for name, value in changes.items() if value is not None})
    chosen, is_new = choose_device(device), not out.exists()
    with writing(out):
        out.mkdir(parents=True, exist_ok=True)
    which = devices if chosen.index is None else [chosen.index]
    fabric = Fabric(accelerator=chosen.type, devices=which, precision="32-true")
    fabric.launch()
    try:
        run = _Run(plan, data, out, fabric, minutes, resume, progress)
    except MicrodiffError:
        if is_new:
            with suppress(OSError):  # it holds something by now
                out.rmdir()
        raise
    return run.fit()


class _Run:
    """State of one training run."""

    def __init__(
        self,
        recipe: AnyRecipe,
        data: Path,
        out: Path,
        fabric: Fabric,
        minutes: float | None,
        resume: bool,
        report: Report,
    ) -> None:
        self.recipe, self.out, self.fabric = recipe, out, fabric
        self.minutes, self.report = minutes, report
        self.origin = origin_of(recipe, data)
        self.step, self.seconds, self.best = 0, 0.0, -math.inf
        checkpoint = read_checkpoint(out, self.origin) if resume else None
        parent = None if checkpoint else parent_of(recipe)
        self.course = open_course(recipe, data, out / "cache")
        torch.manual_seed(recipe.seed)
        network = LocalUNet(**recipe.architecture.model_dump())
        if checkpoint:
            self.sigma_data = checkpoint["sigma_data"]
        elif parent:
            self.sigma_data = parent.card.sigma_data
            network.load_state_dict(weights_of(parent, recipe))
            report(f"starting from {parent.card.id}")
        else:
            self.sigma_data = self.course.sigma_data()
        denoiser = Preconditioned(network, self.sigma_data, recipe.sigma_max)
        if checkpoint:
            denoiser.load_state_dict(checkpoint["weights"])
        self.average = PowerAverage(denoiser)
        denoiser.precision = torch_dtype(choose_precision("auto", fabric.device))
        optimizer = torch.optim.Adam(denoiser.parameters(), lr=recipe.learning_rate, betas=(0.9, 0.99))
        if checkpoint:
            self.average.module.load_state_dict(checkpoint["average"])
            self.step, self.seconds, self.best = (checkpoint[name] for name in ("step", "seconds", "best"))
            report(f"resumed at step {self.step}")
        self.denoiser, self.optimizer = fabric.setup(denoiser, optimizer)
        if checkpoint:  # now that the weights are where they will be trained, to which its moments have to follow
            self.optimizer.load_state_dict(checkpoint["optimizer"])
        self.average.module.to(fabric.device)

    def fit(self) -> Path:
        """Run to the end and export the best weights; an interrupted run leaves a checkpoint."""
        if self.recipe.start_from and not self.step:
            self._validate([])  # what was there already is kept unless something better is found
        try:
            self._validate(self._take_steps())
            self._complete_card()
        except KeyboardInterrupt:
            self._save_checkpoint()
            self.report(f"interrupted at step {self.step}; the same command goes on from there")
            raise
        return self.out / TRAINED

    def _take_steps(self) -> list[Tensor]:
        """Train until the end, validating now and then; return the losses since the last time."""
        started = validated = time.monotonic()
        before = self.seconds
        losses: list[Tensor] = []  # left on the device: to fetch each would make it wait
        self.denoiser.train()
        for batch in self._echoed():
            self.seconds = self._agreed(before + time.monotonic() - started)
            if self.step >= self.recipe.steps or self._portion() >= 1:
                break
            losses.append(self._one_step(batch))
            if time.monotonic() - validated > _SECONDS_BETWEEN_VALIDATIONS:
                self._validate(losses)
                losses = []
                validated = time.monotonic()
        return losses

    def _agreed(self, seconds: float) -> float:
        """Return the time of the first process: the rate and the end hang on it, and all copies must take the same."""
        if self.minutes is None or self.fabric.world_size == 1:
            return seconds
        return float(self.fabric.broadcast(seconds))

    def _one_step(self, batch: Any) -> Tensor:
        batch = type(batch)(*(part.to(self.fabric.device) for part in batch))
        generator = torch.Generator().manual_seed((self.recipe.seed * 1_000_003 + self.step) % 2**63)
        for group in self.optimizer.param_groups:
            group["lr"] = self._learning_rate()
        loss = self.course.loss(self.denoiser, batch, generator)
        self.optimizer.zero_grad()
        self.fabric.backward(loss.mean + loss.spread)
        self.fabric.clip_gradients(self.denoiser, self.optimizer, max_norm=5.0, error_if_nonfinite=False)
        self.optimizer.step()
        self.step += 1
        self.average.update(self.denoiser.module, self.step)
        return loss.mean.detach()

    def _portion(self) -> float:
        by_time = self.seconds / (60 * self.minutes) if self.minutes is not None else 0.0
        return max(self.step / self.recipe.steps, by_time)

    def _learning_rate(self) -> float:
        return self.recipe.learning_rate * rate_at(self.step + 1, self._portion(), _WARM_UP_STEPS)

    def _echoed(self) -> Iterator[Any]:
        """Yield each batch as often as the recipe says; the first one less often if it was begun with before."""
        done = self.step % self.recipe.echo
        for batch in self._batches():
            yield from [batch] * (self.recipe.echo - done)
            done = 0

    def _batches(self) -> DataLoader[Any]:
        rank, world = self.fabric.global_rank, self.fabric.world_size
        first = self.step // self.recipe.echo
        batches = self.course.batches(seed=self.recipe.seed * world + rank, first=first)
        workers = self._workers()
        return DataLoader(batches, batch_size=None, num_workers=workers, prefetch_factor=max(2, 8 // workers))

    def _workers(self) -> int:
        """Return how many processes make batches; where the network runs on the processor itself, it is one.

        The batches and their order do not depend on it.
        """
        if self.fabric.device.type == "cpu":
            return 1
        return max(1, usable_cores() // self.fabric.world_size - 1)

    def _validate(self, losses: list[Tensor]) -> None:
        if self.fabric.global_rank:
            return
        average = self.average.module
        figures = self.course.measure(average)
        loss = f", loss {float(torch.stack(losses).mean()):.3f}" if losses else ""
        shown = self.course.in_words(figures)
        self.report(f"step {self.step}, {self.seconds / 60:.0f} min{loss}: {shown}")
        score = sum(figures.values()) / len(figures)
        if not math.isfinite(score):
            raise TrainingError(
                f"The training went astray: at step {self.step} what the network makes are no finite numbers. Begin "
                "anew with --no-resume and a smaller learning_rate in the recipe."
            )
        try:
            if score > self.best or not (self.out / TRAINED / CARD_NAME).exists():
                training = {"steps": self.step, "minutes": round(self.seconds / 60), "seed": self.recipe.seed}
                fields = self.course.card_fields(average, figures)
                export_model(self.recipe, average, self.out / TRAINED, training, fields, self.course.write_beside)
                self.best = score
        finally:  # what could not be exported, or was killed before, is made again
            self._save_checkpoint()

    def _complete_card(self) -> None:
        """Look at the best weights once more, for what takes long to find out."""
        if self.fabric.global_rank:
            return
        folder = self.out / TRAINED
        best = Model(read_card(folder), folder, bundled=False)
        fields = self.course.last_fields(load_denoiser(best, self.fabric.device))
        if fields:
            save_model(best.card.model_copy(update=fields), read_weights(best), folder, self.course.write_beside)

    def _save_checkpoint(self) -> None:
        if self.fabric.global_rank:
            return
        state = {
            "weights": self.denoiser.module.state_dict(),
            "average": self.average.module.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "sigma_data": self.sigma_data,
            "step": self.step,
            "seconds": self.seconds,
            "best": self.best,
        }
        write_checkpoint(self.out, state, self.origin)
