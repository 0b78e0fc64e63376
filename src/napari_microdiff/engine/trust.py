"""How far a result can be trusted, in sentences that are the same wherever they are read."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from ..imaging.lattice import square_pixel
from .events import Result

_HALF = 0.5
_STRUCTURE = 0.1  # correlation of neighbouring pixels of the residual, from which on it is no noise
_WHITE = 0.05  # up to which it is white
_AS_NOISE, _AS_WHITE_NOISE = 1.1, 1.25  # largest deviations of the residual, in that of the noise
EXACT = 1e-3  # of the range of the image, what is left over is arithmetic
_ALL = 64  # pixels; detail that is larger is none
_HARDLY = 1e-3  # of the contrast of a result, of which it is not worth to speak
_MUCH = 0.1  # of it, from which on no decimals are told
_FEWEST = 1024  # pixels, of which the noise can be told
_SURE = 3  # standard deviations of a figure that few pixels tell
NOT_SQUARE = (
    "are not square, so its voxels do not become cubes, and the model takes tissue to look alike along all axes. Make "
    "its pixels square first."
)
_ENOUGH = 3  # samples, of which two were drawn from noise of their own


def disagrees(result: Result) -> bool:
    """Whether more is left of the image than its noise, once what would be measured of the result is taken away."""
    residual = result.report.get("residual", {})
    if residual.get("compared") == 0:
        return False
    if residual.get("places") or _places_in_sample(result):
        return True
    if residual.get("deviation", 0.0) <= EXACT * residual.get("range", 0.0) or residual["compared"] < _FEWEST:
        return False
    in_noise, alike, unsure = residual["in_noise"], residual["correlation"], _unsure(residual)
    if in_noise is None or alike > _STRUCTURE + unsure:
        return True
    # White noise that is louder than was measured is noise that was measured wrong.
    most = _AS_WHITE_NOISE if abs(alike) <= _WHITE + unsure else _AS_NOISE
    return bool(in_noise > most + unsure)


def _unsure(residual: Mapping[str, Any]) -> float:
    """Return by how much few pixels may be off in what they tell of noise."""
    return _SURE / math.sqrt(residual["compared"])


def trusted(result: Result, shown_by: str, sizes_um: Mapping[str, float]) -> list[str]:
    """Return all sentences on how far a result can be trusted, as far as its report tells.

    Parameters
    ----------
    shown_by : str
        See `agreement`.
    sizes_um : mapping of str to float
        See `detail_shown`.
    """
    said = []
    if "familiarity" in result.report:
        said.append(str(result.report["familiarity"]["advice"]))
    if "compared" in result.report.get("residual", {}):
        said += compared(result, shown_by, sizes_um)
    if "slices_tell" in result.report:
        said.append(slices_tell(result))
    return said


def compared(result: Result, shown_by: str, sizes_um: Mapping[str, float]) -> list[str]:
    """Return the sentences on what of a result the microscope saw; see `trusted`."""
    said = agreement(result, shown_by), left_over(result), detail_shown(result, sizes_um), detail_beyond(result)
    return [sentence for sentence in said if sentence]


def agreement(result: Result, shown_by: str) -> str:
    """Say how what would be measured of a result agrees with the image that it was made from.

    Parameters
    ----------
    shown_by : str
        What shows the places in which they disagree.
    """
    residual = result.report["residual"]
    if not residual["compared"]:
        return "The part is too small to be compared with your image: this blur reaches over all of it."
    left, noise = residual["deviation"], residual["noise"]
    made = _made(result)
    if left <= EXACT * residual["range"] and not disagrees(result):
        return f"This microscope would see of the {made} just what your image shows."
    seen = f"What this microscope would see of the {made}{_where(residual)}"
    said = f"{seen} is {left:.3g} off your image, whose noise is {noise:.3g}."
    if residual.get("places"):
        where = count(residual["places"], "place")
        return (
            f"{said} They disagree in {where}, more than noise explains: something was made up there, or left out. "
            f"{shown_by} shows where."
        )
    if _places_in_sample(result):
        where = count(_places_in_sample(result), "place")
        return f"{said} The sample disagrees with your image in {where}: something was made up there, or left out."
    if disagrees(result):
        return f"{said} They disagree: the blur may be told wrong, or something was made up."
    if residual["compared"] < _FEWEST:
        return f"{said} The part is too small to tell whether they agree."
    return f"{said} The two agree."


def _where(residual: Mapping[str, Any]) -> str:
    """Say in which channel the result agrees least with the image, if there are several."""
    return f", in channel {residual['channel'] + 1} of {residual['channels']}," if "channel" in residual else ""


def _made(result: Result) -> str:
    """Return what was held against the image."""
    return "sample" if result.report["residual"].get("of") == "sample" else "result"


def _places_in_sample(result: Result) -> int:
    """Return in how many places a sample disagrees with the image, beside a mean that was held against it, too."""
    return int(result.report.get("residual_of_sample", {}).get("places", 0))


def left_over(result: Result) -> str:
    """Say whether what a result leaves over is like white noise; nothing where nothing is, or too few pixels tell."""
    residual = result.report["residual"]
    if residual["compared"] < _FEWEST or residual["deviation"] <= EXACT * residual["range"]:
        return ""
    alike = residual["correlation"]
    said = f"Neighbouring pixels of what is left over correlate by {alike:.2f}"
    if abs(alike) <= _STRUCTURE + _unsure(residual):
        return f"{said}: it is like white noise."
    if alike > 0 or disagrees(result):
        return f"{said}: it is no white noise."
    return f"{said}: some coarse noise is still in the {_made(result)}."


def detail_beyond(result: Result) -> str:
    """Say how much of a result is finer than anything that its image could show; nothing if that was not measured."""
    share = result.report.get("power_beyond")
    if share is None:
        return ""
    if share < _HARDLY:
        return f"Hardly any of the contrast of the {_made(result)} is finer than your microscope can record at all."
    part = f"{share:.0%}" if share >= _MUCH else f"{share:.1%}"
    return f"{part} of the contrast of the {_made(result)} is finer than your microscope can record at all."


def detail_shown(result: Result, sizes_um: Mapping[str, float]) -> str:
    """Say how fine the detail is that the image shows, and that samples of the result agree on.

    Parameters
    ----------
    sizes_um : mapping of str to float
        Sizes of a pixel of the image in micrometres, by axis, as far as they are known.
    """
    shown, agreed = result.report["image_shows_to"], result.report["samples_agree_to"]
    begins = "Your image shows hardly more than noise" if shown > _ALL else "Your image shows detail down to {}"
    begins = begins.format(_length(shown, sizes_um))
    if agreed is None and result.request.samples >= _ENOUGH:
        return f"{begins}. The part is too small to tell how far samples agree."
    if agreed is None:
        return f"{begins}. Ask for 4 samples and more steps than one to see how far finer detail can be trusted."
    ends = "do not agree on anything" if agreed > _ALL else f"agree down to {_length(agreed, sizes_um)}"
    return f"{begins}; samples of the result {ends}. What is finer is made up."


def _length(pixels: float, sizes_um: Mapping[str, float]) -> str:
    if not {"Y", "X"} <= sizes_um.keys():
        return f"{pixels:.1f} px"
    side = square_pixel(sizes_um)
    if side is not None:
        return f"{pixels * side:.2g} µm"
    return f"{pixels * sizes_um['Y']:.2g} µm along Y and {pixels * sizes_um['X']:.2g} µm along X"


def count(number: int, thing: str) -> str:
    """Return a number with its noun."""
    return f"{number} {thing}" if number == 1 else f"{number} {thing}s"


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
