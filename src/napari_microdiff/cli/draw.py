"""One mask through a request: all that can fail is tried before the long part, and files appear one by one, whole."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..engine.options import SynthesizeOptions
from ..engine.record import note
from ..engine.request import Request, build_request
from ..errors import ImageError, RequestError
from ..files import (
    OutputImage,
    Picture,
    check_writable,
    checked_labels,
    prepare,
    read_image,
    write_images,
)
from ..files.convert import type_for
from ..files.label_image import without
from ..files.table_reader import kinds_in
from ..imaging.axes import check_region, full_region, region_shape
from ..imaging.mask_edits import background
from ..models.store import find_model
from .process import check_names, say_what_was_made
from .terminal import follow, say

_COLOURS = 3
_WORTH_SAYING = 0.01  # share of the pixels


@dataclass(frozen=True)
class Masks:
    """Files that images are drawn from.

    Attributes
    ----------
    labels : Path
        The mask.
    style : Path, optional
        An image whose style and grey levels are taken over.
    behind : Path, optional
        An image under the mask, see `tasks.run`.
    objects : Path, optional
        The objects of the image behind: its background, where the mask has none either, is kept.
    classes : Path, optional
        A table with the class of each object, see `imaging.kinds`.
    """

    labels: Path
    style: Path | None = None
    behind: Path | None = None
    objects: Path | None = None
    classes: Path | None = None

    @property
    def beside(self) -> dict[str, str]:
        """Names of the files that a request does not hold, without which it cannot be repeated."""
        told = {"behind": self.behind, "objects_behind": self.objects}
        return {word: path.name for word, path in told.items() if path is not None}

    def paths(self) -> list[Path]:
        """Return all that are given."""
        given = (self.labels, self.style, self.behind, self.objects, self.classes)
        return [path for path in given if path is not None]


def draw(request: Request, masks: Masks, targets: Sequence[Mapping[str, Path]], *, overwrite: bool = False) -> None:
    """Read a mask, draw images under it and write them.

    Parameters
    ----------
    request : Request
        What to do; without axes, those of the file are used.
    masks : Masks
        Files to read.
    targets : sequence of mapping of str to Path
        For each image that is drawn, the file of each output. The first has the seed of the request, the next has the
        seed after it, and so on.
    overwrite : bool
        Whether files that exist may be replaced.

    Raises
    ------
    MicrodiffError
        If anything is wrong with the request, the images or the files; then the image that was being drawn is not
        written.
    """
    check_names(masks.paths(), (path for files in targets for path in files.values()), overwrite)
    model = find_model(request.model)
    labels, request = _mask(request, masks.labels)
    style = None if masks.style is None else read_image(masks.style)
    if style is not None:
        request = _in_style(request, style)
    if masks.classes is not None:
        request = _of_classes(request, masks.classes, model.card.classes)
    behind = None if masks.behind is None else _under(labels, read_image(masks.behind))
    kept = None if masks.objects is None else _kept(labels, read_image(masks.objects))
    assert isinstance(request.options, SynthesizeOptions)
    if behind is not None and kept is None and request.options.start is None:
        raise RequestError(
            "Nothing would be taken from the image behind. Say which of its objects are replaced, or with how much "
            "noise over it drawing begins."
        )
    colours = model.card.architecture.channels == _COLOURS
    made_as: dict[str, Any] = {"like": labels, "axes": labels.axes + "S" * colours}

    def kind(path: Path) -> np.dtype[Any]:
        return _type(path, request, colours, style, behind)

    _check_room(request, targets, colours, kind, made_as)

    from ..tasks import run

    for number, files in enumerate(targets):
        one = request.model_copy(update={"seed": request.seed + number})
        result = follow(run(one, labels.array, behind=None if behind is None else behind.array, kept=kept))
        outputs = []
        for name, path in files.items():
            facts = note(result, name, masks.labels.name, masks.beside)
            outputs.append(prepare(path, result.images()[name], description=facts, dtype=kind(path), **made_as))
        write_images(outputs)
        say_what_was_made(result, files)
        _say_what_was_cut(outputs)


def _mask(request: Request, path: Path) -> tuple[Picture, Request]:
    """Return the labels in the order of the file, which noise goes by, and the request with its axes."""
    picture = read_image(path)
    labels = checked_labels(replace(picture, axes=request.axes or picture.axes))
    return labels, request.model_copy(update={"axes": labels.axes})


def _of_classes(request: Request, path: Path, classes: Sequence[str]) -> Request:
    kinds = kinds_in(path, classes)
    options = request.options.model_copy(update={"kinds": tuple(sorted(kinds.items()))})
    return request.model_copy(update={"options": options})


def _in_style(request: Request, style: Picture) -> Request:
    from ..tasks import reference_of

    known = reference_of(style.array, axes=style.axes)
    options = request.options.model_dump(exclude_unset=True)
    fields = request.model_dump(exclude={"options"})
    return build_request({**fields, "options": {"style": known.style, "levels": known.levels, **options}})


def _under(labels: Picture, image: Picture) -> Picture:
    """Return an image with the axes of the labels that lie on it, colours last."""
    image = without(image, set(image.axes) - set(labels.axes) - {"S"})
    axes = labels.axes + "S" * image.rgb
    if set(axes) != set(image.axes):
        raise ImageError(
            f"The image behind has the axes {image.axes} and the mask {labels.axes}. Choose one that lies under it."
        )
    return Picture(_in_order(image, axes), axes, path=image.path)


def _kept(labels: Picture, objects: Picture) -> NDArray[np.bool_]:
    objects = checked_labels(objects)
    if set(objects.axes) == set(labels.axes):
        objects = replace(objects, array=_in_order(objects, labels.axes), axes=labels.axes)
    return background(objects.array, labels.array, labels.axes)


def _in_order(picture: Picture, axes: str) -> NDArray[Any]:
    return picture.array.transpose([picture.axes.index(letter) for letter in axes])


def _type(path: Path, request: Request, coloured: bool, *likenesses: Picture | None) -> np.dtype[Any]:
    """Return the type of the image that is imitated, else the smallest that holds the grey levels.

    A PNG has whole numbers only, so that in it grey levels may end at those that are named.
    """
    for picture in likenesses:
        if picture is not None:
            return picture.dtype
    options = request.options
    assert isinstance(options, SynthesizeOptions)
    ends = coloured or path.name.lower().endswith(".png")
    return type_for(options.levels, ends=ends, noise=0.0 if ends else options.camera_noise)


def _say_what_was_cut(outputs: Sequence[OutputImage]) -> None:
    """Say which share of the pixels does not fit into the type of a grey image."""
    for output in outputs:
        if output.dtype.kind != "u" or output.picture.rgb:
            continue
        limits, pixels = np.iinfo(output.dtype), output.picture.array
        share = float(np.mean((pixels < limits.min - 0.5) | (pixels > limits.max + 0.5)))
        if share >= _WORTH_SAYING:
            other = ", or a name that ends in .tif" if output.dialect is None else ""
            say(
                f"note: {share:.0%} of the pixels of {output.path.name} are darker than {limits.min} or brighter than "
                f"{limits.max}, and were cut off there. Choose --levels that leave room{other}."
            )


def _check_room(
    request: Request,
    targets: Sequence[Mapping[str, Path]],
    colours: bool,
    kind: Callable[[Path], np.dtype[Any]],
    made_as: Mapping[str, Any],
) -> None:
    """Check before the work that formats, folders and disk will do."""
    shape = made_as["like"].shape
    region = request.region or full_region(shape)
    check_region(region, shape)
    blank = np.broadcast_to(np.float32(0), (*region_shape(region), *([_COLOURS] if colours else [])))
    paths = [path for files in targets for path in files.values()]
    outputs: list[OutputImage] = [prepare(path, blank, dtype=kind(path), **made_as) for path in paths]
    needed = sum(output.nbytes for output in outputs)
    for path in paths:
        check_writable(path, needed)
