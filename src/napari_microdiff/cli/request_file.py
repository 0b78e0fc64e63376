"""A request from a file, with the names of the images that it is for."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import yaml

from ..engine.request import Request, build_request
from ..errors import FileError, RequestError

_FILES = ("input", "output", "sample", "uncertainty", "residual", "table", "behind", "objects_behind", "damaged")
_PRINCIPAL = {
    "denoise": ("mean", "sample", "uncertainty"),
    "superresolve": ("mean", "sample", "uncertainty", "residual"),
    "isotropic": ("sample", "mean", "uncertainty"),
    "repair": ("sample", "mean", "uncertainty"),
    "synthesize": ("sample", "mean"),
}


@dataclass(frozen=True)
class SavedRequest:
    """What a file asks for.

    Attributes
    ----------
    request : Request
        The job.
    path : Path
        The file itself.
    files : dict
        Its ``input``, ``output`` and so on, as far as it names them.
    says_outputs : bool
        Whether the file says which outputs to make.
    """

    request: Request
    path: Path
    files: dict[str, Path]
    says_outputs: bool

    def source(self, given: Path | None) -> Path:
        """Return the image to read: the one given, else the one that the file names."""
        return given or self._named("input", "IN")

    def targets(self, given: Path | None, **others: Path | None) -> dict[str, Path]:
        """Return the file for each output, the principal one first."""
        if self.request.task == "segment":
            table = others.get("table") or self.files.get("table")
            return {"labels": given or self._named("output", "OUT")} | ({"table": table} if table else {})
        order = _PRINCIPAL[self.request.task]
        wanted = self.request.outputs if self.says_outputs else order[:1]
        principal: str = next(name for name in order if name in wanted)
        targets = {principal: given or self._named("output", "OUT")}
        beside = targets[principal]
        suffix = ".tif" if beside.suffix.lower() == ".png" else "".join(beside.suffixes)
        for name in order:
            chosen = others.get(name) or self.files.get(name)
            if name != principal and chosen:
                targets[name] = chosen
            elif name != principal and name in wanted:
                targets[name] = beside.with_name(f"{beside.name.partition('.')[0]}.{name}{suffix}")
        return targets

    def request_for(self, targets: dict[str, Path]) -> Request:
        """Return the request for these outputs."""
        return build_request(
            self.request.model_dump() | {"outputs": tuple(name for name in targets if name != "table")}
        )

    def _named(self, key: str, word: str) -> Path:
        if key not in self.files:
            raise RequestError(
                f"{self.path} names no {key}. Add '{key}: FILE' to it, or give {word} on the command line."
            )
        return self.files[key]


def read_request(path: Path, *, device: str | None = None) -> SavedRequest:
    """Read a request from YAML or JSON; names of files in it are relative to its folder.

    What a result layer or file remembers (the request under ``napari_microdiff`` or ``request``) is understood too.

    Raises
    ------
    FileError
        If the file cannot be read.
    RequestError
        If it is not a request.
    """
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise FileError(f"There is no file {path}. Check its name and folder.") from None
    except OSError as error:
        raise FileError(f"{path} cannot be read: {error.strerror}.") from None
    except (yaml.YAMLError, UnicodeDecodeError):
        raise RequestError(f"{path} is not readable as YAML. Save the request again.") from None
    if not isinstance(content, dict):
        raise RequestError(f"{path} is not a request: it must name fields such as 'model: denoise-em'.")
    files = {key: content.pop(key) for key in _FILES if key in content}
    for key, name in files.items():
        if not isinstance(name, str):
            raise RequestError(f"{path}: {key}: must be the name of a file.")
    for envelope in ("napari_microdiff", "request"):
        inner = content.get(envelope)
        content = inner if isinstance(inner, dict) else content
    if device is not None:
        content = content | {"device": device}
    request = build_request(content, where=f"{path}: ")
    places = {key: path.parent / Path(name).expanduser() for key, name in files.items()}
    return SavedRequest(request, path, places, "outputs" in content)
