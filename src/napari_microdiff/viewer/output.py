"""What can be done with a result: run it again, copy it as code, save it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from napari.layers import Labels
from napari.utils.notifications import show_info
from numpy.typing import NDArray
from qtpy.QtWidgets import QApplication, QFileDialog, QMessageBox

from . import words
from .corrections.settling import when_settled
from .jobs import Job
from .layers import arrays_of
from .script import as_command, as_python, command_copied
from .view import sizes_um

if TYPE_CHECKING:
    from ..engine.events import Result
    from .panel import Panel
    from .running import Run

_TABLE = "objects"  # what is known of each object, beside the labels


class ResultActions:
    """The three buttons below a result."""

    def __init__(self, panel: Panel) -> None:
        self._panel = panel
        bar = panel.results
        bar.copy.clicked.connect(self.copy_python)
        bar.copy_command.clicked.connect(self.copy_command)
        bar.save.clicked.connect(self.ask_and_save)

    def refresh(self) -> None:
        """Show the buttons if there is a result."""
        self._panel.results.buttons.setVisible(self._panel.runner.last is not None)
        self._panel.results.again.setEnabled(self._panel.runner.job is None)
        self._panel.results.save.setEnabled(self._panel.runner.job is None)

    def _run(self) -> tuple[Run, Result]:
        run = self._panel.runner.last
        assert run is not None
        assert run.result is not None
        return run, run.result

    def copy_python(self) -> None:
        """Put Python code that makes the result on the clipboard."""
        run, result = self._run()
        _clipboard(as_python(result.request, run.source.layer, run.source.beside))
        show_info("Copied. Paste it into napari's console or a script.")

    def copy_command(self) -> None:
        """Put a command that does the same to a file on the clipboard."""
        run, result = self._run()
        path = run.source.layer.source.path
        _clipboard(as_command(result.request, path or "INPUT.tif", run.source.beside))
        whole = result.region == tuple((0, length) for length in run.source.array.shape)
        show_info(command_copied(result.request, whole=whole))

    def ask_and_save(self) -> None:
        """Ask for a file and save the result there."""
        run, result = self._run()
        suggestion = f"{run.source.name} {self._panel.made}.tif"
        path, _ = QFileDialog.getSaveFileName(self._panel, "Save the result", suggestion, "TIFF (*.tif *.tiff)")
        if path and self._may_write(Path(path), result):
            self.save(Path(path))

    def _may_write(self, path: Path, result: Result) -> bool:
        """Ask whether files beside the chosen one may be written over: the file dialog asked of that one only."""
        there = [target.name for target in _targets(path, result).values() if target != path and target.exists()]
        if not there:
            return True
        buttons = QMessageBox.StandardButton
        asked = words.write_over(path.name, there)
        title, choices = "Save the result", buttons.Yes | buttons.No
        return bool(QMessageBox.question(self._panel, title, asked, choices, buttons.No) == buttons.Yes)

    def save(self, path: Path) -> Job:
        """Save the result in the background; the outputs after the first get their name behind the file's.

        Objects are saved as they are now, not as the model made them. The job starts once their states are known.
        """
        run, result = self._run()
        panel = self._panel
        sizes = sizes_um(run.source.layer, run.source.axes)
        objects = next((layer for layer in run.layers if isinstance(layer, Labels)), None)
        corrected: list[_Objects] = []
        facts = (run.source.name, run.source.names_beside, run.source.dtype, sizes)
        job = Job(f"Saving {path.name}", partial(_save, path, result, corrected, *facts), panel)
        job.done.connect(lambda paths: panel.results.line.say("Saved " + ", ".join(p.name for p in paths)))
        job.failed.connect(partial(panel.results.line.say, warn=True))

        def start() -> None:
            if objects is not None:
                corrected.append(_Objects.of(objects))
            job.start()

        when_settled(objects, start)
        return job


@dataclass(frozen=True, eq=False)
class _Objects:
    """Objects as they are in the viewer, which a worker may keep."""

    labels: NDArray[Any]
    known: dict[str, NDArray[Any]]

    @classmethod
    def of(cls, layer: Labels) -> _Objects:
        table = {str(name): layer.features[name].to_numpy(copy=True) for name in layer.features.columns}
        known = {"label": table.pop("index"), **table} if "index" in table else {}
        return cls(np.array(layer.data), known)

    def in_place_of(self, result: Result) -> Result:
        """Return a result with these objects; areas and centres are measured anew."""
        from ..files import Picture, describe_objects

        axes = (result.request.axes or "").replace("S", "")
        table = describe_objects(Picture(self.labels, axes), self.known)
        names = [name for name in result.objects if name in table]
        table = {name: table[name] for name in (*names, *(name for name in table if name not in names))}
        states = Counter(str(state) for state in table.get("state", ()))
        report = {**result.report, "states": dict(sorted(states.items()))}
        return replace(result, labels=self.labels, objects=table, report=report)


def _save(
    path: Path,
    result: Result,
    corrected: list[_Objects],
    source: str,
    beside: dict[str, str],
    dtype: Any,
    sizes: dict[str, float],
) -> Iterator[list[Path]]:
    """Write all outputs or none: the first under the chosen name, the others with theirs behind it."""
    for objects in corrected:
        result = objects.in_place_of(result)
    from ..engine.record import note
    from ..files import OutputImage, OutputTable, label_type, prepare, write_images

    axes = result.request.axes or ""
    if result.labels is not None:
        axes = axes.replace("S", "")  # objects have no colours
    targets = _targets(path, result)
    outputs: list[OutputImage | OutputTable] = []
    for output, array in arrays_of(result).items():
        size = sizes if output == "residual" else result.request.finer.sizes(sizes)
        kept = label_type(array) if output == "labels" else _type_of(output, np.dtype(dtype))
        facts = note(result, output, source, beside)
        here = axes + "S" * (array.ndim - len(axes))  # a mask has no colours, what is drawn under it may have
        outputs.append(prepare(targets[output], array, dtype=kept, axes=here, pixel_size_um=size, description=facts))
        if output == "labels":
            outputs.append(OutputTable(targets[_TABLE], result.objects))
    write_images(outputs)
    yield [output.path for output in outputs]


def _targets(path: Path, result: Result) -> dict[str, Path]:
    """Return the file of each output: the first under the chosen name, the others and the table with theirs behind."""
    ending = ".ome" * path.stem.endswith(".ome") + path.suffix
    name = path.name.removesuffix(ending)
    first, *others = arrays_of(result)
    targets = {first: path, **{output: path.with_name(f"{name} {output}{ending}") for output in others}}
    return {**targets, _TABLE: path.with_name(f"{name}.csv")} if "labels" in targets else targets


def _type_of(output: str, source: np.dtype[Any]) -> np.dtype[Any]:
    """Return the type of the source for what is in its units, if these are whole numbers."""
    kept = source.kind in "ui" and output in ("mean", "sample")
    return source if kept else np.dtype(np.float32)


def _clipboard(text: str) -> None:
    clipboard: Any = QApplication.clipboard()
    clipboard.setText(text)
