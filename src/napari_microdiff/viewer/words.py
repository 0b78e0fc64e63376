"""Sentences that panels say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ..engine.events import Progress, Result
from ..engine.trust import count
from ..imaging.lattice import square_pixel

DENOISED = {
    "mean": "The best estimate of every pixel. Measure on the mean, look at a sample.",
    "sample": "One plausible sharp image out of many: good to look at, not to measure on.",
    "uncertainty": "How far each pixel may be off (one standard deviation): where not to trust the result.\n"
    "Its layer starts hidden.",
}
BETWEEN = {
    "sample": "One volume that could lie between the slices, with their noise: good to look at, not to measure on.",
    "mean": "The best estimate of every voxel. It is smoother than the slices, which stay as they are.",
    "uncertainty": "How far each voxel may be off (one standard deviation); nothing in the slices themselves.\n"
    "Its layer starts hidden.",
}
REPAIRED = {
    "sample": "One image that could lie under the damage: good to look at, not to measure on.",
    "mean": "The best estimate: half the mean of the samples (ask for several under More), half a smooth filling.",
    "uncertainty": "How far each repaired pixel may be off (one standard deviation). Its layer starts hidden.",
}
RESIDUAL = (
    "Your image less what this microscope would see of the result:\n"
    "structure in it was left out of the result, or put into it. Its layer starts hidden."
)
SEGMENTED = {
    "labels": "One layer in which every object has a number and a colour of its own.",
    "maps": "What the objects were read from: how deep in an object each pixel lies, and where two of them touch.",
}
DETAIL_TIP = (
    "Instant gives the best estimate of every pixel in one step: measure on it.\n"
    "More steps add the detail that a sharp image would have, and take as much longer."
)
DETAIL_BETWEEN_TIP = "Instant gives the mean in one step. More steps draw a sample, and take as much longer."
DETAIL_REPAIRED_TIP = "More steps draw with less error, and take as much longer. What is drawn is not for measuring."
DETAIL_OBJECTS_TIP = (
    "Instant outlines the objects in one step. Further to the right several samples tell how sure the model is\n"
    "of each object."
)
NO_SAMPLE = "One step gives the mean only. Move Detail to the right for a sample."
UNCERTAINTY_HINT = "Open the eye of the layer “uncertainty” to see where not to trust it."
STEPS_IDLE = "The mean takes one step only. Tick sample to use the others."
PREVIEW_TIP = "Run on the part of the image that is visible now."
RUN_TIP = "Run on the whole image: all planes, time points and channels."


def optics_told(wavelength_um: float | None, aperture: float | None, pixel_um: float | None) -> str:
    """Say what of the objective, and of pixels, is taken from the file of an image; nothing if that is nothing."""
    told = [f"NA {aperture:g}"] if aperture else []
    told += [f"light of {1000 * wavelength_um:.0f} nm"] if wavelength_um else []
    told += [f"pixels of {1000 * pixel_um:.4g} nm"] if pixel_um else []
    *first, last = told or [""]
    listed = f"{', '.join(first)} and {last}" if first else last
    return f"The file tells {listed}, which “of the objective” uses." if told else ""


READING_OPTICS = "The file is being read for what it tells of the objective. Wait a moment."
NO_PIXEL = "Type in at Pixel how large a pixel is in the sample."
PIXEL_UNTOLD = "The image does not say how large its pixels are: type it in at Pixel."


def optics_untold(wavelength_um: float | None, aperture: float | None) -> str:
    """Say what an image does not tell of the objective, so that it is as it was typed last; nothing if it tells all."""
    untold = [word for word, told in (("light", wavelength_um), ("NA", aperture)) if not told]
    are_right = "they are" if len(untold) > 1 else "it is"
    return f"The image does not tell {' and '.join(untold)}: look whether {are_right} right." if untold else ""


def oblong(sizes: Mapping[str, float]) -> str:
    """Say that pixels are no squares, if they are none; their sizes along Y and X are in micrometres."""
    if not {"Y", "X"} <= sizes.keys() or square_pixel(sizes):
        return ""
    return (
        f"The pixels are {sizes['Y']:.3g} × {sizes['X']:.3g} µm, but all blur is taken for round. "
        "Make them square first, or leave the blur as it is."
    )


def oblong_beads(sizes: Mapping[str, float]) -> str:
    """Say that the pixels of an image of beads are no squares, if they are none."""
    return "" if not oblong(sizes) else "The pixels of these beads are no squares. Make them square first."


NO_BEADS = "Choose an image of beads, from which the blur is measured."


def beads_measured(beads: int, width: float, pixel_um: float | None) -> str:
    """Say how wide a blur is that was measured on beads.

    Parameters
    ----------
    beads : int
        How many; 0 for what an earlier request tells.
    width : float
        Standard deviation in pixels of the image.
    pixel_um : float, optional
        Side of a pixel of the image in micrometres.
    """
    told = "" if pixel_um is None else f", {1000 * pixel_um * width:.0f} nm"
    said = f"{width:.2f} px wide{told} (standard deviation)"
    return f"{said}, measured on {count(beads, 'bead')}." if beads else f"{said}, as it was measured."


def duration(seconds: float) -> str:
    """Return a duration as one would say it."""
    if seconds < 1:
        return f"{max(seconds, 0.1):.1f} s"
    if seconds < 90:
        return f"{seconds:.0f} s"
    if seconds < 90 * 60:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h"


def progress(progress: Progress) -> str:
    """Return how far a job is and how long it will take."""
    share = f"{100 * progress.done / max(progress.total, 1):.0f} %"
    return share if progress.seconds_left is None else f"{share}, {duration(progress.seconds_left)} left"


def hidden(name: str) -> str:
    """Say why a source was hidden."""
    return f"“{name}” is hidden, as it would be added to the result on the screen."


def write_over(name: str, there: Sequence[str]) -> str:
    """Ask about files that are there already, and would be written together with the one that was chosen."""
    several = len(there) > 1
    others = " and ".join(f"'{other}'" for other in there)
    return (
        f"Together with '{name}', {others} would be written, which {'are' if several else 'is'} there already. "
        f"Write over {'them' if several else 'it'}?"
    )


def outcome(name: str, made: str, result: Result) -> str:
    """Return the one line that says where a result came from, and below it what the job had to say."""
    report, request = result.report, result.request
    if result.labels is not None:
        facts = [f"{name}: {count(len(result.objects['label']), 'object')}"]
    else:
        facts = [f"{name} {made}"]
    if report.get("seconds"):
        facts.append(duration(float(report["seconds"])))
    steps = report.get("evaluations", request.steps)
    facts += [str(report.get("device", request.device)), count(steps, "step"), f"seed {request.seed}"]
    hidden = result.uncertainty is not None and len(result.images()) > 1  # else it is what is shown
    hint = [UNCERTAINTY_HINT] if hidden else []
    return "\n".join([", ".join(facts), *hint, *(str(notice) for notice in report.get("notices", ()))])
