"""Does a set of synthetic pairs make a segmenter better? Where few images were outlined, and where many were.

For each share of the outlined training images a model that draws is trained on these alone, and makes pairs whose masks
and styles are theirs; nothing else of the training images comes in, and no other model judges. Segmenters are then
trained on the images alone, and on the images and the pairs, with equal steps, and measured on the test images.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.sharedctypes import Synchronized
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from common import DATA, HERE, Image, OutOption, QuickOption, run_peer
from outlined import Outlined, figures, load_outlined
from report import Report, Row, say
from segment_peers import STARDIST

import napari_microdiff
from napari_microdiff.engine.request import build_request
from napari_microdiff.files import Picture, read_image
from napari_microdiff.models.store import FOLDER_VARIABLE, add_model
from napari_microdiff.training.recipes import read_recipe
from napari_microdiff.training.segment.recipe import Labelled, SegmentRecipe
from napari_microdiff.training.synthesize.recipe import SynthesizeRecipe

TRAIN = "dsb2018/fluo/train"
HELD_OUT = 6  # images that choose the weights of a segmenter
ECHO, FIELDS = 4, 8
SCORE = "mean AP .5-.9"
STEPS_OF_AN_IMAGE = 16
SIDE = 256

WorkOption = Annotated[Path, typer.Option(help="Folder for models and pairs; what is there is not made again.")]


@dataclass(frozen=True)
class Plan:
    """What one run measures.

    Attributes
    ----------
    data, work : Path
    device : str
    drawer_minutes : float
        Of training of each model that draws.
    pairs, steps : int
        Pairs of each set, and steps of each segmenter.
    cores : int
        Of each process.
    drawer_fields : int, optional
        Squares that a batch of a model that draws is cut from; ``None`` takes the recipe's, which suit a GPU.
    """

    data: Path
    work: Path
    device: str
    drawer_minutes: float
    pairs: int
    steps: int
    cores: int
    drawer_fields: int | None = None

    def folder(self, percent: int) -> Path:
        """Return where everything of a share lies."""
        return self.work / f"share-{percent}"


@dataclass(frozen=True)
class Arm:
    """A segmenter that is trained: ours, or StarDist, which has nothing in common with what drew the pairs."""

    percent: int
    seed: int
    synthetic: bool
    outsider: bool = False

    @property
    def name(self) -> str:
        """Identity of the model."""
        kind = "stardist" if self.outsider else "segment"
        return f"{kind}-{self.percent}-{'both' if self.synthetic else 'real'}-{self.seed}"


def take_share(plan: Plan, percent: int) -> int:
    """Copy every so many of the training images with their labels, and return how many there are."""
    target = plan.folder(percent) / "real"
    names = sorted(path.name for path in (plan.data / TRAIN / "images").iterdir())
    chosen = names[:: max(1, round(100 / percent))]
    for part in ("images", "labels"):
        (target / part).mkdir(parents=True, exist_ok=True)
        for name in chosen:
            shutil.copyfile(plan.data / TRAIN / part / name, target / part / name)
    return len(chosen)


def trained(plan: Plan, recipe: SegmentRecipe | SynthesizeRecipe, percent: int, **how: Any) -> str:
    """Train, unless it was, and return the identity of the model."""
    from napari_microdiff.training.fit import train

    home = plan.folder(percent) / recipe.id
    if not (home / "done").exists():
        home.mkdir(parents=True, exist_ok=True)
        file = home / "recipe.yaml"
        file.write_text(recipe.model_dump_json(), encoding="utf-8")
        train(file, plan.folder(percent), home, device=plan.device, progress=_told(recipe.id), **how)
        (home / "done").touch()
    return add_model(home / "model").card.id


def train_drawer(plan: Plan, percent: int) -> str:
    """Train the model that draws on a share of the images."""
    recipe = read_recipe("synth-nuclei")
    assert isinstance(recipe, SynthesizeRecipe)
    own = Labelled(images="real/images/*", labels="real/labels/*")
    changes: dict[str, Any] = {"id": f"synth-{percent}", "labelled": (own,)}
    changes |= {"batch_fields": plan.drawer_fields} if plan.drawer_fields else {}
    recipe = recipe.model_copy(update=changes)
    return trained(plan, recipe, percent, minutes=plan.drawer_minutes)


def make_set(plan: Plan, percent: int, seed: int) -> int:
    """Make pairs from the masks and in the styles of the share; return how many there are."""
    from napari_microdiff.tasks.pairs import PairsMade, Wanted, make_pairs

    images, labels = (_pictures(plan.folder(percent) / "real" / part) for part in ("images", "labels"))
    fields = {"model": f"synth-{percent}", "seed": seed, "device": plan.device, "steps": STEPS_OF_AN_IMAGE}
    request = build_request({"task": "synthesize", **fields})
    wanted = Wanted(request, labels, images, plan.pairs, size=(SIDE, SIDE), agreement=0)
    for event in make_pairs(wanted, plan.folder(percent) / f"pairs-{seed}"):
        if isinstance(event, PairsMade):
            return event.accepted
    raise AssertionError("a set ends with PairsMade")


def train_and_score(plan: Plan, arm: Arm) -> Row:
    """Train a segmenter and measure it on the test images, whose diameters are told."""
    home = plan.folder(arm.percent) / arm.name
    scores = home / "scores.json"
    if not scores.exists():
        images = load_outlined(plan.data, "fluo")
        found = (_stardist if arm.outsider else _ours)(plan, arm, images)
        row = figures(arm.name, [item.labels for item in images], found)
        scores.write_text(json.dumps({SCORE: row[SCORE], "AP .5": row["AP .5"]}), encoding="utf-8")
    return {"share": f"{arm.percent} %", "synthetic": arm.synthetic, "seed": arm.seed, **json.loads(scores.read_text())}


def _ours(plan: Plan, arm: Arm, images: Sequence[Outlined]) -> list[Image]:
    recipe = read_recipe("segment-nuclei")
    assert isinstance(recipe, SegmentRecipe)
    count = sum(1 for _ in (plan.folder(arm.percent) / "real" / "images").iterdir())
    sources = [Labelled(images="real/images/*", labels="real/labels/*", hold_out=max(2, count // HELD_OUT))]
    if arm.synthetic:
        pairs = f"pairs-{arm.seed}"
        sources.append(Labelled(images=f"{pairs}/images/*", labels=f"{pairs}/labels/*", hold_out=plan.pairs))
    changes = {"id": arm.name, "labelled": tuple(sources), "strokes": 0.0, "seed": arm.seed}
    changes |= {"echo": ECHO, "batch_fields": FIELDS}
    model = trained(plan, recipe.model_copy(update=changes), arm.percent, steps=plan.steps)
    fields = {"model": model, "device": plan.device, "axes": "YX"}
    found = [napari_microdiff.segment(item.image, diameter=item.diameter, **fields).labels for item in images]
    return [labels for labels in found if labels is not None]


def _stardist(plan: Plan, arm: Arm, images: Sequence[Outlined]) -> list[Image]:
    here, home = plan.folder(arm.percent), plan.folder(arm.percent) / arm.name
    told = ["--steps", plan.steps, "--seed", arm.seed]
    if arm.synthetic:
        told += ["--pairs", here / f"pairs-{arm.seed}"]
    command = [STARDIST.python, HERE / "peers" / STARDIST.script, "train", here / "real", home / "model", *told]
    subprocess.run([str(part) for part in command], check=True)
    given = {f"image_{number}": item.image for number, item in enumerate(images)}
    made = run_peer(STARDIST.python, STARDIST.script, given, home / "model", mode="outline")
    assert made is not None
    return [made[f"labels_{number}"] for number in range(len(images))]


def _pictures(folder: Path) -> list[Picture]:
    return [read_image(path) for path in sorted(folder.iterdir())]


def _told(name: str) -> Callable[[str], None]:
    return lambda line: print(f"{name}: {line}", flush=True)


def _call(work: tuple[Callable[..., Any], Plan, tuple[Any, ...]]) -> Any:
    import torch

    function, plan, given = work
    torch.set_num_threads(plan.cores)
    return function(plan, *given)


def in_parallel(jobs: int, plan: Plan, function: Callable[..., Any], each: Iterable[tuple[Any, ...]]) -> list[Any]:
    """Call a function in processes of their own, and return what it returns."""
    context = get_context("spawn")
    started = context.Value("i", 0)
    with ProcessPoolExecutor(
        jobs, mp_context=context, initializer=_keep_to_own_cores, initargs=(started, plan.cores)
    ) as pool:
        return list(pool.map(_call, [(function, plan, given) for given in each]))


def _keep_to_own_cores(started: Synchronized[int], cores: int) -> None:
    """Take some cores, so that processes do not start as many helpers each as if they were alone."""
    with started.get_lock():
        number = started.value
        started.value += 1
    if hasattr(os, "sched_setaffinity"):
        usable = sorted(os.sched_getaffinity(0))
        os.sched_setaffinity(0, {usable[(number * cores + i) % len(usable)] for i in range(cores)})


def summary(rows: Sequence[Row]) -> list[Row]:
    """Return means over seeds: with and without the pairs, and what they add."""
    found = []
    for share in dict.fromkeys(row["share"] for row in rows):
        without, with_ = (
            np.array([row[SCORE] for row in rows if row["share"] == share and row["synthetic"] is synthetic])
            for synthetic in (False, True)
        )
        found.append(
            {
                "share of the outlined images": share,
                "images alone": float(without.mean()),
                "images and pairs": float(with_.mean()),
                "gain": float(with_.mean() - without.mean()),
                "sd of the gain over seeds": float((with_ - without).std(ddof=1)) if len(with_) > 1 else None,
            }
        )
    return found


def main(
    data: Annotated[Path, typer.Option(help=f"Folder with {TRAIN} and the test images.")] = DATA,
    work: WorkOption = Path("runs/augmentation"),
    shares: Annotated[str, typer.Option(help="Of the outlined images, in percent.")] = "5,10,25,100",
    seeds: Annotated[int, typer.Option(help="Segmenters of each kind.")] = 3,
    pairs: Annotated[int, typer.Option(help="Pairs of a set.")] = 200,
    steps: Annotated[int, typer.Option(help="Of each segmenter.")] = 3000,
    drawer_minutes: Annotated[float, typer.Option(help="Training of each model that draws.")] = 30.0,
    drawer_fields: Annotated[int | None, typer.Option(help="Squares of a batch of these; else the recipe's.")] = None,
    jobs: Annotated[int, typer.Option(help="Processes at a time.")] = 1,
    device: Annotated[str, typer.Option(help="auto, cpu or cuda.")] = "auto",
    outsider: Annotated[bool, typer.Option(help="Train StarDist instead of our segmenter.")] = False,
    quick: QuickOption = False,
    out: OutOption = None,
) -> None:
    """Measure what synthetic pairs add to a segmenter."""
    if quick:
        shares, seeds, pairs, steps, drawer_minutes = "10", 1, 4, 20, 0.2
    percents = [int(part) for part in shares.split(",")]
    data, work = data.resolve(), work.resolve()
    os.environ[FOLDER_VARIABLE] = str(work / "models")
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    plan = Plan(data, work, device, drawer_minutes, pairs, steps, max(1, usable // jobs), drawer_fields)
    settings = {"shares": percents, "seeds": seeds, "pairs": pairs, "steps": steps, "drawer minutes": drawer_minutes}
    settings |= {"drawer fields": drawer_fields, "segmenter": STARDIST.name if outsider else "ours"}
    if outsider and not STARDIST.python.exists():
        raise typer.BadParameter(f"{STARDIST.name} is not installed; README says how.")
    report = Report("augmentation_gain", settings)
    for percent in percents:
        say(f"{percent} %: {take_share(plan, percent)} images")
    in_parallel(jobs, plan, train_drawer, [(percent,) for percent in percents])
    chosen = [(percent, seed) for percent in percents for seed in range(seeds)]
    in_parallel(jobs, plan, make_set, chosen)
    arms = [(Arm(percent, seed, synthetic, outsider),) for percent, seed in chosen for synthetic in (False, True)]
    rows = in_parallel(jobs, plan, train_and_score, arms)
    report.table("segmenters", rows)
    report.note(
        f"Mean AP .5 to .9 on the test images, {'of StarDist' if outsider else 'their diameters told'}, of {seeds} "
        f"segmenters of each kind, {steps} steps each; {pairs} pairs, drawn by a model that learned "
        f"{drawer_minutes:.0f} minutes from the share alone."
    )
    means = summary(rows)
    report.table("means", means)
    gains = {row["share of the outlined images"]: row["gain"] for row in means}
    if "10 %" in gains:
        report.claim("gain in mean AP with a tenth of the outlined images", gains["10 %"], least=0.03)
    if "100 %" in gains:
        report.claim("gain in mean AP with all of them", gains["100 %"], least=-0.005)
    report.save(out, quick=quick)


if __name__ == "__main__":
    typer.run(main)
