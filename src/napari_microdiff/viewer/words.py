"""Sentences that panels say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ..engine.events import Progress, Result
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


_HALF = 0.5
_STRUCTURE = 0.1  # correlation of neighbouring pixels of the residual, from which on it is no noise
_AS_NOISE = 1.1  # largest deviation of the residual, in that of the noise
_EXACT = 1e-3  # of the range of the image
_ALL = 64  # pixels; detail that is larger is none


def disagrees(result: Result) -> bool:
    """Whether more is left of the image than its noise, once what would be measured of the result is taken away."""
    residual = result.report.get("residual", {})
    if residual.get("compared") == 0:
        return False
    if residual.get("places"):
        return True
    if residual.get("deviation", 0.0) <= _EXACT * residual.get("range", 0.0):
        return False
    in_noise = residual["in_noise"]
    return in_noise is None or bool(in_noise > _AS_NOISE or residual["correlation"] > _STRUCTURE)


def agreement(result: Result) -> str:
    """Say how what would be measured of a result agrees with the image that it was made from."""
    residual = result.report["residual"]
    if not residual["compared"]:
        return "The part is too small to be compared with your image: this blur reaches over all of it."
    left, noise = residual["deviation"], residual["noise"]
    if left <= _EXACT * residual["range"] and not disagrees(result):
        return "This microscope would see of the result just what your image shows."
    said = f"What this microscope would see of the result is {left:.3g} off your image, whose noise is {noise:.3g}."
    if residual.get("places"):
        where = count(residual["places"], "place")
        return (
            f"{said} They disagree in {where}, more than noise explains: something was made up there, or left out. "
            "'What is left of the image', under More, shows where."
        )
    if disagrees(result):
        return f"{said} They disagree: the blur may be told wrong, or something was made up."
    return f"{said} The two agree."


def optics_told(wavelength_um: float | None, aperture: float | None) -> str:
    """Say what the file of an image tells of the objective; nothing if it tells nothing."""
    told = [f"NA {aperture:g}"] if aperture else []
    told += [f"light of {1000 * wavelength_um:.0f} nm"] if wavelength_um else []
    return f"The file tells {' and '.join(told)}, which “of the objective” uses." if told else ""


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


def detail_shown(result: Result, pixel_um: float | None) -> str:
    """Say how fine the detail is that the image shows, and that samples of the result agree on.

    Parameters
    ----------
    pixel_um : float, optional
        Side of a pixel of the image in micrometres.
    """
    shown, agreed = result.report["image_shows_to"], result.report["samples_agree_to"]
    begins = "Your image shows hardly more than noise" if shown > _ALL else "Your image shows detail down to {}"
    begins = begins.format(_length(shown, pixel_um))
    if agreed is None:
        return f"{begins}. Ask for 4 samples and more steps than one to see how far finer detail can be trusted."
    ends = "do not agree on anything" if agreed > _ALL else f"agree down to {_length(agreed, pixel_um)}"
    return f"{begins}; samples of the result {ends}. What is finer is made up."


def _length(pixels: float, pixel_um: float | None) -> str:
    return f"{pixels:.1f} px" if pixel_um is None else f"{pixels * pixel_um:.2g} µm"


def count(number: int, thing: str) -> str:
    """Return a number with its noun."""
    return f"{number} {thing}" if number == 1 else f"{number} {thing}s"


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


def slices_tell(result: Result | None) -> str:
    """Say how much of what lies between slices they tell, and what the rest is."""
    if result is None:
        return ""
    share = float(result.report["slices_tell"])
    rest = (
        "Most of what lies between them is made up."
        if slices_are_far(result)
        else "The rest, noise included, is drawn."
    )
    return f"Slices so far apart tell about {share:.0%} of the contrast between them. {rest}"


def slices_are_far(result: Result | None) -> bool:
    """Whether slices tell less than half of what lies between them."""
    return result is not None and float(result.report["slices_tell"]) < _HALF


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
