"""Whether images drawn under masks are like real ones: do their masks come back, and is none of them a copy."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from common import DATA, DataOption, Image, OutOption, QuickOption
from deep_features import Vectors, features_of, kernel_distance
from drawn import STEPS, drawn_under
from numpy.typing import NDArray
from outlined import Outlined, figures, load_outlined, otsu_watershed
from report import Report, Row, say
from scipy.stats import wasserstein_distance
from segment_peers import STARDIST, TRAINED, TrainedOption
from simple_synthesis import by_rule, pasted
from skimage import io

import napari_microdiff
from napari_microdiff.imaging.blocks import sample_blocks
from napari_microdiff.imaging.style import powers_in, style_vector
from napari_microdiff.models.originals import read_originals
from napari_microdiff.models.store import find_model
from napari_microdiff.tasks.reference import between, reference_of

MODEL = "synth-nuclei"
DRAWN = Path("runs") / "drawn"
SPLITS = 50  # of the real images into halves
PIXELS = 2000  # of each image, of which grey levels are compared
DONORS = 8  # every so many of the training images is pasted from
OUTSIDER = "AP .5, StarDist"
REAL, RULE, PASTED = "real images", "rule: levels, blur, noise", "copy and paste"

Measure = Callable[[list[int], list[int]], float]


def segment(item: Outlined, image: Image) -> Image:
    """Outline with the bundled model, told how large objects are."""
    labels = napari_microdiff.segment(image, shown=item.shown, diameter=item.diameter, axes="YX").labels
    assert labels is not None
    return labels


def masks_that_come_back(images: Sequence[Outlined], made: Sequence[Image], trained: Path) -> Row:
    """Measure how far segmenters find the objects of the masks: ours, a rule, and StarDist where it was trained."""
    truth = [item.labels for item in images]
    ours = figures("", truth, [segment(item, image) for item, image in zip(images, made, strict=True)])
    otsu = figures("", truth, [otsu_watershed(image, "bright") for image in made])
    row: Row = {
        "AP .5, segment-nuclei": ours["AP .5"],
        "mean AP, segment-nuclei": ours["mean AP .5-.9"],
        "AP .5, Otsu": otsu["AP .5"],
    }
    found = STARDIST.outline(trained, made)
    if found is not None:
        stardist = figures("", truth, found)
        row |= {OUTSIDER: stardist["AP .5"], "mean AP, StarDist": stardist["mean AP .5-.9"]}
    return row


def spectra_of(images: Sequence[Outlined], made: Sequence[Image]) -> NDArray[np.float64]:
    """Return the radial power spectra in dB, in the units of the real images; shape (images, bands)."""
    rows = []
    for item, image in zip(images, made, strict=True):
        scale = between(reference_of(item.image, axes="YX").levels)
        blocks = scale.apply(sample_blocks(image.astype(float), "YX", count=24, size=192))
        rows.append(10 * powers_in(style_vector(blocks[:, None])))
    return np.array(rows)


def levels_of(images: Sequence[Outlined], made: Sequence[Image]) -> NDArray[np.float64]:
    """Return grey levels of some pixels, in the units of the real images; shape (images, PIXELS)."""
    rng, rows = np.random.default_rng(0), []
    for item, image in zip(images, made, strict=True):
        scale = between(reference_of(item.image, axes="YX").levels)
        rows.append(scale.apply(rng.choice(image.ravel(), PIXELS)).astype(float))
    return np.array(rows)


def apart(one: NDArray[np.float64], other: NDArray[np.float64]) -> float:
    """Return the root mean square difference of two mean spectra, in dB."""
    return float(np.sqrt(np.mean((one.mean(axis=0) - other.mean(axis=0)) ** 2)))


def against_real(measure: Callable[[bool, list[int], list[int]], float], count: int) -> tuple[float, float]:
    """Compare one half of the images with the real ones of the other half, over many splits.

    Parameters
    ----------
    measure : callable
        Takes whether the first half is real, and both halves.

    Returns
    -------
    (float, float)
        Mean distance of made images from real ones, and of real ones from real ones.
    """
    rng, found = np.random.default_rng(0), []
    for _ in range(SPLITS):
        order = rng.permutation(count).tolist()
        halves = order[: count // 2], order[count // 2 :]
        found.append([measure(real, *halves) for real in (False, True)])
    made, real = np.mean(found, axis=0).tolist()
    return made, real


def likeness(images: Sequence[Outlined], made: Sequence[Image]) -> Row:
    """Measure how far images are from real ones, and how far real ones are from each other."""
    count, real = len(images), [item.image for item in images]
    spectra = spectra_of(images, made), spectra_of(images, real)
    levels = levels_of(images, made), levels_of(images, real)
    features = _features(images, made), _features(images, real)
    row: Row = {}
    row["spectrum dB"], row["halves, dB"] = against_real(
        lambda is_real, one, other: apart(spectra[is_real][one], spectra[1][other]), count
    )
    row["levels"], row["halves, levels"] = against_real(
        lambda is_real, one, other: wasserstein_distance(levels[is_real][one].ravel(), levels[1][other].ravel()), count
    )
    row["kernel distance"], row["halves, kernel"] = against_real(
        lambda is_real, one, other: kernel_distance(_joined(features[is_real], one), _joined(features[1], other)), count
    )
    return row


def _features(images: Sequence[Outlined], made: Sequence[Image]) -> list[Vectors]:
    return [features_of(image, "bright", item.diameter) for item, image in zip(images, made, strict=True)]


def _joined(vectors: Sequence[Vectors], which: Sequence[int]) -> Vectors:
    return np.concatenate([vectors[i] for i in which])


def donors_in(data: Path) -> list[Outlined]:
    """Return some of the training images, to paste from."""
    folder = data / "dsb2018" / "fluo" / "train"
    paths = sorted((folder / "images").iterdir())[::DONORS]
    return [Outlined(p.stem, "bright", io.imread(p), io.imread(folder / "labels" / p.name)) for p in paths]


def nearest(model: str, images: Sequence[Outlined], made: Sequence[Image]) -> NDArray[np.float64]:
    """Return how like each object's surroundings are the training patch that they are most like."""
    originals = read_originals(find_model(model))
    assert originals is not None
    return np.concatenate(
        [originals.nearest(image, item.labels) for item, image in zip(images, made, strict=True)]
    ).astype(float)


def main(
    data: DataOption = None,
    model: Annotated[str, typer.Option(help="Model that draws.")] = MODEL,
    guidance: Annotated[str, typer.Option(help="Weights of classifier-free guidance.")] = "0,1",
    drawn: Annotated[Path, typer.Option(help="Folder of drawn images; those in it are not drawn again.")] = DRAWN,
    trained: TrainedOption = TRAINED,
    held_out: Annotated[
        bool, typer.Option("--held-out", help="Take images that the trainings keep back, to choose settings by.")
    ] = False,
    every: Annotated[int, typer.Option(min=1, help="Take every so many of the images.")] = 1,
    quick: QuickOption = False,
    out: OutOption = None,
) -> None:
    """Compare drawn images with the real ones of the same masks."""
    if held_out and out is None:
        raise typer.BadParameter("With --held-out, name the file for the result with --out: it is not one to show.")
    images = load_outlined(data, "fluo", 4 if quick else None, held_out=held_out)[::every]
    weights = find_model(model).card.weights_sha256
    settings = {
        "model": model,
        "weights": weights,
        "images": len(images),
        "every": every,
        "steps": STEPS,
        "splits": SPLITS,
        "held out": held_out,
    }
    report = Report("synth_fidelity", settings)
    rng = np.random.default_rng(0)
    donors = donors_in(data or DATA)
    made: dict[str, list[Image]] = {
        REAL: [item.image for item in images],
        RULE: [by_rule(item, rng) for item in images],
        PASTED: [pasted(item, donors, rng) for item in images],
    }
    ours = []
    for weight in map(float, guidance.split(",")):
        name = f"ours, guidance {weight:g}"
        say(name)
        folder = drawn / f"{model}-{weights[:8]}-g{weight:g}"
        made[name] = drawn_under(images, folder, model=model, guidance=weight)
        ours.append(name)
    rows = []
    for name, pictures in made.items():
        say(f"measuring {name}")
        rows.append({"images": name, **masks_that_come_back(images, pictures, trained), **likeness(images, pictures)})
    report.table("the masks come back, and distances from real images", rows)
    copies = {name: nearest(model, images, made[name]) for name in (REAL, *ours)}
    report.table(
        "likeness to the nearest training patch",
        [
            {"images": name, "median": float(np.median(v)), "95 %": float(np.quantile(v, 0.95)), "most": float(v.max())}
            for name, v in copies.items()
        ],
    )
    segmenter = "StarDist" if OUTSIDER in rows[0] else "segment-nuclei"
    report.note(f"StarDist: {STARDIST.training(trained)}." if OUTSIDER in rows[0] else "Without StarDist's opinion.")
    by_name = {row["images"]: row for row in rows}
    for name in ours:
        row = by_name[name]
        report.claim(f"{name}: AP .5 of the mask, by {segmenter}", row[f"AP .5, {segmenter}"], least=0.9)
        report.claim(f"{name}: spectra, over halves of the real", row["spectrum dB"] / row["halves, dB"], most=2)
        report.claim(f"{name}: levels, over halves of the real", row["levels"] / row["halves, levels"], most=2)
        simple = min(by_name[other]["kernel distance"] for other in (RULE, PASTED))
        report.claim(f"{name}: kernel distance, over the simple ways", row["kernel distance"] / simple, most=1)
        report.claim(
            f"{name}: nearer to a training patch than real ones", float(copies[name].max() - copies[REAL].max()), most=0
        )
    report.save(out, quick=quick)


if __name__ == "__main__":
    typer.run(main)
