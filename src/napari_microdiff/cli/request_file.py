"""A request from a file, with the names of the images that it is for."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import yaml

from ..engine.request import OUTPUTS, Request, build_request
from ..errors import FileError, RequestError
from ..files.names import bare

_FILES = ("input", "output", "sample", "uncertainty", "residual", "table", "behind", "objects_behind", "damaged")
_BESIDE = ("behind", "objects_behind", "damaged")
_MADE = ("sample", "uncertainty", "residual", "table")  # of the files


def _written_by(task: str) -> tuple[str, ...]:
    return ("labels", "table") if task == "segment" else OUTPUTS[task]


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
    made_with : dict
        Names of further images that a result was made with, as it remembers them.
    """

    request: Request
    path: Path
    files: dict[str, Path]
    says_outputs: bool
    made_with: dict[str, str]

    def source(self, given: Path | None) -> Path:
        """Return the image to read: the one given, else the one that the file names."""
        return given or self._named("input", "IN")

    def targets(self, given: Path | None, **others: Path | None) -> dict[str, Path]:
        """Return the file for each output, the principal one first.

        Raises
        ------
        RequestError
            If a file is named for what the task does not make.
        """
        self._check_made([name for name, path in {**self.files, **others}.items() if path is not None])
        if self.request.task == "segment":
            table = self.files.get("table")
            return {"labels": given or self._named("output", "OUT")} | ({"table": table} if table else {})
        order = OUTPUTS[self.request.task]
        wanted = self.request.outputs if self.says_outputs else order[:1]
        principal: str = next(name for name in order if name in wanted)
        targets = {principal: given or self._named("output", "OUT")}
        beside = targets[principal]
        stem = bare(beside.name)
        ending = ".tif" if beside.suffix.lower() == ".png" else beside.name.removeprefix(stem)
        for name in order:
            chosen = others.get(name) or self.files.get(name)
            if name != principal and chosen:
                targets[name] = chosen
            elif name != principal and name in wanted:
                targets[name] = beside.with_name(f"{stem}.{name}{ending}")
        return targets

    def beside(self, key: str) -> Path | None:
        """Return a further image, if there is any.

        Raises
        ------
        RequestError
            If the result was made with one, and no file is named.
        """
        if key in self.made_with and key not in self.files:
            raise RequestError(
                f"{self.path} was made with {self.made_with[key]}, which it does not hold. Add '{key}: FILE' to it."
            )
        return self.files.get(key)

    @property
    def unwritten(self) -> tuple[str, ...]:
        """Outputs that it asks for and that no file holds."""
        if not self.says_outputs:
            return ()
        return tuple(name for name in self.request.outputs if name not in _written_by(self.request.task))

    def _check_made(self, named: list[str]) -> None:
        for name in named:
            if name in _MADE and name not in _written_by(self.request.task):
                raise RequestError(f"'{self.request.task}' makes no {name}. Name no file for it.")

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
    made_with: dict[str, str] = {}
    for envelope in ("napari_microdiff", "request"):
        inner = content.get(envelope)
        if isinstance(inner, dict):
            made_with |= {key: str(content[key]) for key in _BESIDE if key in content}
            content = inner
    if device is not None:
        content = content | {"device": device}
    request = build_request(content, where=f"{path}: ")
    places = {key: path.parent / Path(name).expanduser() for key, name in files.items()}
    return SavedRequest(request, path, places, "outputs" in content, made_with)
