"""A set of synthetic pairs, made attempt by attempt; what was made already is not made again."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from ..engine.record import record
from ..engine.request import Request
from ..errors import FileError
from ..files import Picture, as_labels, read_image
from ..files.label_image import without
from ..files.pair_layouts import LayoutName
from ..files.pair_set import Pair, PairSet
from ..imaging.judging import Limits
from ..models.store import find_model
from .terminal import follow_part, say

if TYPE_CHECKING:
    from ..tasks.augment import Attempt

_COLOURS = 3
_ENDINGS = {".tif", ".tiff", ".png"}
_PHOTOGRAPHS = {".jpg", ".jpeg"}


@dataclass(frozen=True)
class Wanted:
    """What a set is to be.

    Attributes
    ----------
    masks : Path
        Folder of label images, or one.
    style : Path, optional
        Folder of images whose styles are taken over, or one.
    target : Path
        Folder of the set.
    count : int
        Pairs that it is to have in all.
    layout : str
        See `files.pair_layouts`.
    layouts : {"random", "given"}
        See `tasks.augment.Plan`.
    size : (int, int), optional
        Of random layouts.
    segmenter : str
        Model that judges.
    agreement : float
        How far it has to agree with a mask; 0 asks no judge.
    """

    masks: Path
    style: Path | None
    target: Path
    count: int
    layout: LayoutName
    layouts: Literal["random", "given"]
    size: tuple[int, int] | None
    segmenter: str
    agreement: float


def make_pairs(request: Request, wanted: Wanted) -> None:
    """Make the pairs that are missing in a set.

    Raises
    ------
    MicrodiffError
        If anything is wrong with the request, the masks, the styles or the folder. Pairs that were made stay, and the
        same call goes on with them.
    """
    from ..tasks import reference_of
    from ..tasks.augment import Augmentation, Plan, check_patience
    from ..tasks.judge import Judge

    model = find_model(request.model)
    masks = [_mask(path) for path in _files(wanted.masks, _ENDINGS)]
    styles = [] if wanted.style is None else [read_image(p) for p in _files(wanted.style, _ENDINGS | _PHOTOGRAPHS)]
    references = [reference_of(style.array, axes=style.axes) for style in styles]
    judge = Judge(wanted.segmenter, limits=Limits(mask=wanted.agreement), device=request.device)
    arrays = [mask.array for mask in masks]
    plan = Plan(request, arrays, references, wanted.layouts, wanted.size, judge if wanted.agreement else None)
    making = Augmentation(plan)
    made = PairSet(wanted.target, wanted.layout, _settings(request, wanted, model.card.weights_sha256, masks, styles))
    before = made.accepted
    last: tuple[str, ...] = ()
    while made.accepted < wanted.count:
        check_patience(made.attempts, made.accepted, wanted.count, last)
        attempt = follow_part(making.attempt(made.attempts), made.accepted, wanted.count)
        last = attempt.reasons
        _keep(made, attempt, masks, styles)
    made.finish(coloured=model.card.architecture.channels == _COLOURS, shown=_shown(model.card.architecture.channels))
    rejected = made.attempts - made.accepted
    say(f"{wanted.target} holds {made.accepted} pairs, {made.accepted - before} of them new; {rejected} were rejected.")


def _keep(made: PairSet, attempt: Attempt, masks: list[Picture], styles: list[Picture]) -> None:
    style = None if attempt.reference is None else styles[attempt.reference]
    parents = masks if attempt.mask is None else [masks[attempt.mask]]
    source = parents[0].path.name if attempt.mask is not None and parents[0].path else "objects laid out at random"
    facts: dict[str, Any] = record(attempt.result, "sample", source)
    facts |= {
        "scores": attempt.scores.as_dict(),
        "parents": [mask.path.name for mask in parents if mask.path],
        "style": style.path.name if style is not None and style.path else None,
    }
    if attempt.reasons:
        made.reject(facts | {"reasons": list(attempt.reasons)})
        return
    assert attempt.result.sample is not None
    image = _as_type(attempt.result.sample, np.dtype(np.uint8) if style is None else style.dtype)
    made.add(Pair(image, attempt.labels, facts, parents[0].pixel_size_um))


def _as_type(image: NDArray[np.float32], dtype: np.dtype[Any]) -> NDArray[Any]:
    if dtype.kind == "f":
        return image.astype(dtype)
    limits = np.iinfo(np.uint8 if dtype.kind == "b" else dtype)
    return np.clip(np.round(image), limits.min, limits.max).astype(limits.dtype)


def _shown(channels: int) -> str:
    return "stained" if channels == _COLOURS else "bright"


def _files(path: Path, endings: set[str]) -> list[Path]:
    """Return the images in a folder, by their names, or the one that is named."""
    if not path.is_dir():
        return [path]
    found = sorted(file for file in path.iterdir() if file.suffix.lower() in endings and not file.name.startswith("."))
    if not found:
        raise FileError(f"There are no images in {path}. Name a folder with TIFF or PNG files in it.")
    return found


def _mask(path: Path) -> Picture:
    labels = as_labels(read_image(path))
    flat = without(labels, set(labels.axes) - {"Y", "X"})
    return replace(flat, path=path)


def _settings(
    request: Request, wanted: Wanted, weights: str, masks: list[Picture], styles: list[Picture]
) -> dict[str, Any]:
    """Return all that decides what the pairs are; how many there are, and on which device, is left open."""
    return {
        "request": request.model_dump(mode="json", exclude={"device", "precision", "tile"}),
        "weights": weights,
        "masks": _fingerprint(masks),
        "styles": _fingerprint(styles),
        "layouts": wanted.layouts,
        "size": wanted.size,
        "segmenter": wanted.segmenter,
        "agreement": wanted.agreement,
    }


def _fingerprint(pictures: list[Picture]) -> str:
    digest = sha256()
    for picture in pictures:
        name = os.path.basename(picture.path or "")
        digest.update(f"{name} {picture.shape} {picture.dtype.str}".encode())
        digest.update(np.ascontiguousarray(picture.array).tobytes())
    return digest.hexdigest()
