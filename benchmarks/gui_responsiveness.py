"""Does the viewer stay usable while a model runs? Longest waits of the GUI thread, latency of Cancel, cost of previews.

A 20 ms timer on the GUI thread notes how late it is while jobs run on a real viewer window with a panel, and how much
of the time in between the GUI thread itself was computing ("busy"), which other programmes do not change. With
``--task segment`` strokes of corrections are timed, too, and with ``--task synthesize`` a gallery and edits of a mask.
Needs a display: ``xvfb-run -a -s "-screen 0 1366x768x24" python benchmarks/gui_responsiveness.py``.
"""

from __future__ import annotations

import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Any

import typer

TICK = 0.02
CANCEL_AFTER = (0.1, 0.3, 0.5, 0.7, 0.9)  # of an evaluation

# As in `common`, which imports more than a viewer that is timed should have imported.
OutOption = Annotated[
    Path | None, typer.Option("--out", help="Result file; results/gui_responsiveness.json by default.")
]


class Ticker:
    """Notes when a timer on the GUI thread fires."""

    def __init__(self) -> None:
        from qtpy.QtCore import Qt, QTimer

        self.times: list[float] = []
        self.busy: list[float] = []
        self._timer = QTimer()
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.setInterval(round(1000 * TICK))
        self._timer.timeout.connect(self._tick)

    def _tick(self) -> None:
        self.times.append(time.perf_counter())
        self.busy.append(time.thread_time())

    @contextmanager
    def listening(self) -> Iterator[dict[str, float]]:
        """Fill in the waits of what happens inside."""
        waits: dict[str, float] = {}
        self.times, self.busy = [time.perf_counter()], [time.thread_time()]
        self._timer.start()
        yield waits
        self._timer.stop()
        gaps = [later - earlier for earlier, later in zip(self.times, self.times[1:], strict=False)]
        late = sorted(max(0.0, gap - TICK) for gap in gaps)
        waits["longest_wait_ms"] = round(1000 * late[-1], 1)
        waits["wait_99_percent_ms"] = round(1000 * late[int(0.99 * (len(late) - 1))], 1)
        busy = [later - earlier for earlier, later in zip(self.busy, self.busy[1:], strict=False)]
        waits["longest_busy_ms"] = round(1000 * max(busy), 1)
        waits["seconds"] = round(self.times[-1] - self.times[0], 2)


def wait(ready: Callable[[], bool], seconds: float = 600) -> None:
    """Run the event loop as napari does, until ``ready``."""
    from qtpy.QtCore import QEventLoop, QTimer

    loop, end = QEventLoop(), time.perf_counter() + seconds
    timer = QTimer()
    timer.setInterval(5)
    timer.timeout.connect(lambda: loop.quit() if ready() or time.perf_counter() > end else None)
    timer.start()
    loop.exec()
    if not ready():
        sys.exit("error: it did not get ready in time")


def pause(seconds: float) -> None:
    """Run the event loop for a while."""
    end = time.perf_counter() + seconds
    wait(lambda: time.perf_counter() > end)


def model_or_stand_in(model: str) -> str:
    """Return ``model`` if it is installed, else a network of its size with random weights."""
    from napari_microdiff.models.store import list_models

    if any(found.card.id == model for found in list_models()):
        return model
    from napari_microdiff.diffusion.unet import LocalUNet
    from napari_microdiff.models.card import Card
    from napari_microdiff.models.store import save_model
    from napari_microdiff.training.recipes import read_recipe

    store = Path(tempfile.mkdtemp())
    os.environ["NAPARI_MICRODIFF_MODELS"] = str(store)
    shape = read_recipe("denoise-fluorescence").architecture
    network = LocalUNet(**shape.model_dump())
    card = Card(
        id="random-weights",
        title="Random weights",
        summary="a network of the size of the bundled ones, for timing",
        task="denoise",
        sigma_data=0.5,
        sigma_max=2.5,
        halo=96,
        architecture=shape,
        weights_sha256="0" * 64,
    )
    save_model(card, network.state_dict(), store / card.id)
    return card.id


@contextmanager
def watched() -> Iterator[tuple[list[tuple[float, float]], list[float]]]:
    """Note when each evaluation of a tile begins and ends, with all that is read for it, and when a job stops."""
    from napari_microdiff.engine import canvas
    from napari_microdiff.viewer.worker import EventWorker

    evaluate, work = canvas._evaluate_batch, EventWorker.work
    evaluations: list[tuple[float, float]] = []
    stopped: list[float] = []

    def noted_evaluation(*arguments: Any) -> Any:
        begun = time.perf_counter()
        try:
            return evaluate(*arguments)
        finally:
            evaluations.append((begun, time.perf_counter()))

    def noted_work(worker: EventWorker) -> Any:
        result = work(worker)
        stopped.append(time.perf_counter())
        return result

    canvas._evaluate_batch, EventWorker.work = noted_evaluation, noted_work
    yield evaluations, stopped
    canvas._evaluate_batch, EventWorker.work = evaluate, work


class Bench:
    """A viewer with a noisy image and the panel, and what is measured on it."""

    outputs: tuple[str, ...] = ("mean", "sample", "uncertainty")

    def __init__(self, side: int, steps: int, model: str) -> None:
        import napari

        self.viewer = napari.Viewer(show_welcome_screen=False)
        self.viewer.window.resize(1366, 740)
        self.add_layer(side)
        (self.source,) = self.viewer.layers
        self.panel = self.make_panel()
        self.viewer.window.add_dock_widget(self.panel, name="Panel", area="right")
        self.panel.model.choose(model)
        self.panel.more.device = "cpu"
        self.panel.more.steps = steps
        self.panel.ticks.tick(self.outputs)
        self.ticker = Ticker()

    def add_layer(self, side: int) -> None:
        """Show what the job is about."""
        self.viewer.add_image(self.image(side), name="bench")

    def image(self, side: int) -> Any:
        """Return waves with the noise of photons."""
        import numpy as np

        rng = np.random.default_rng(0)
        y, x = np.mgrid[:side, :side]
        return rng.poisson(200 + 100 * np.sin(x / 15) * np.sin(y / 21)).astype(np.uint16)

    def make_panel(self) -> Any:
        """Return the panel of the task."""
        from napari_microdiff.viewer.denoise import DenoisePanel

        return DenoisePanel(self.viewer)

    def job(self) -> dict[str, Any]:
        """Run the job once, to its end."""
        from napari_microdiff.viewer import running

        spent = {"previews": 0, "seconds": 0.0}
        show = running.LivePreview.show

        def timed(preview: Any, news: Any) -> None:
            began = time.perf_counter()
            show(preview, news)
            spent["previews"] += 1
            spent["seconds"] += time.perf_counter() - began

        running.LivePreview.show = timed
        with self.ticker.listening() as waits:
            self.panel.run_bar.run.click()
            wait(lambda: self.panel.runner.job is None)
        running.LivePreview.show = show
        self.clear()
        if self.panel.runner.last is None:
            raise SystemExit(f"error: {self.panel.results.line.text()}")
        evaluations = self.panel.runner.last.evaluations
        share = spent["seconds"] / waits["seconds"]
        return {**waits, "evaluations": evaluations, "previews": spent["previews"], "preview_share": round(share, 4)}

    def cancel(self, after: float) -> dict[str, float]:
        """Click Cancel this share of an evaluation after a sign of progress, and see what still happens."""
        self.panel.more.steps = 100
        self.panel.more.tile.value = 256
        with watched() as (evaluations, stopped):
            self.panel.run_bar.run.click()
            wait(lambda: self.panel.run_bar.bar.value() >= 3)
            pace = self.panel.runner.job.seconds_per_evaluation
            pause(after * pace)
            clicked = time.perf_counter()
            self.panel.run_bar.cancel.click()
            wait(lambda: self.panel.runner.job is None)
            gone = time.perf_counter()
        # The evaluation that was going on is the measure: what is drawn meanwhile slows it down as well.
        lasted = next((end - begin for begin, end in evaluations if begin <= clicked < end), pace)
        return {
            "stopped_ms": round(1000 * (stopped[-1] - clicked), 1),
            "gone_ms": round(1000 * (gone - clicked), 1),
            "evaluation_ms": round(1000 * lasted, 1),
            "evaluations_begun_after": sum(begin > clicked for begin, _ in evaluations),
            "layers_left": len(self.viewer.layers) - 1,
        }

    def more(self) -> dict[str, dict[str, Any]]:
        """Measure what only this panel can do; the name of each and its waits."""
        return {}

    def clear(self) -> None:
        """Remove all layers but the source."""
        for layer in [layer for layer in self.viewer.layers if layer is not self.source]:
            self.viewer.layers.remove(layer)
        pause(0.5)


class SegmentBench(Bench):
    """The same with simulated nuclei and the Segment panel, whose objects are corrected afterwards."""

    outputs = ("labels", "maps")

    def image(self, side: int) -> Any:
        """Return nuclei as a camera sees them."""
        from nuclei import nuclei_image

        return nuclei_image(side)

    def make_panel(self) -> Any:
        """Return the panel of the task; several samples are drawn."""
        from napari_microdiff.viewer.segment import SegmentPanel

        panel = SegmentPanel(self.viewer)
        panel.more.samples = 2
        return panel

    def more(self) -> dict[str, dict[str, Any]]:
        """Measure corrections."""
        return {"strokes": self.strokes(STROKES)}

    def strokes(self, count: int) -> dict[str, float]:
        """Cut objects one after the other, and see how long the GUI thread waits."""
        import numpy as np

        self.panel.more.steps = 1
        self.panel.more.tile.value = 0
        self.panel.run_bar.run.click()
        wait(lambda: self.panel.runner.job is None)
        self.viewer.layers.selection.active = self.panel.labels
        editor = self.panel.corrections.editor
        wait(lambda: editor.book is not None)
        editor.use("cut")
        pause(0.5)  # nobody draws sooner after taking up a tool
        inventory = editor.book.inventory
        places = np.linspace(0, len(inventory.labels) - 1, count).round().astype(int)
        boxes = [inventory.box(label) for label in inventory.labels[places].tolist()]
        with self.ticker.listening() as waits:
            for rows, columns in boxes:
                middle = (columns.start + columns.stop) / 2
                line = np.array([[rows.start, middle], [rows.stop - 1.0, middle]])
                editor.pen.drawn.emit("cut", line)
                wait(lambda: not editor.busy)
        seconds = waits["seconds"] / count
        return {**waits, "strokes": count, "seconds_a_stroke": round(seconds, 3)}


class SynthesizeBench(Bench):
    """The same with a mask of nuclei and the Synthesise panel: a gallery, and edits that the image follows."""

    outputs = ("sample",)

    def add_layer(self, side: int) -> None:
        """Show the mask."""
        from nuclei import nuclei_mask

        self.viewer.add_labels(nuclei_mask(side), name="bench")
        # So that about as much is seen as is drawn in a gallery. It is done before anything is drawn: to zoom after
        # several images were removed from above a Labels layer makes napari crash where Mesa draws in software.
        self.viewer.scene.camera.zoom = 1.5

    def make_panel(self) -> Any:
        """Return the panel of the task."""
        from napari_microdiff.viewer.synthesis.panel import SynthesizePanel

        return SynthesizePanel(self.viewer)

    def more(self) -> dict[str, dict[str, Any]]:
        """Measure a gallery, and strokes."""
        self.panel.more.steps = 16
        self.panel.more.tile.value = 0
        return {f"gallery of {GALLERY}": self.gallery(GALLERY), "strokes": self.strokes(STROKES)}

    def gallery(self, count: int) -> dict[str, float]:
        """Let a gallery form, and see how long the GUI thread waits."""
        view = self.panel.gallery_view
        view.count.setValue(count)
        with self.ticker.listening() as waits:
            view.draw.click()
            wait(lambda: self.panel.gallery.job is None, 1800)
        if any(sample.variation is None for sample in self.panel.gallery.sheet.samples):
            raise SystemExit(f"error: {view.line.text()}")
        return waits

    def strokes(self, count: int) -> dict[str, float]:
        """Paint nuclei into the mask of an image that follows, one after the other."""
        self.panel.run_bar.preview.click()
        wait(lambda: self.panel.runner.job is None)
        self.panel.follow.click()
        wait(lambda: not self.panel.follower.busy)
        mask = self.panel.image.layer
        mask.brush_size = 24
        part = self.panel.runner.last.result.region
        middle = [(start + stop) / 2 for start, stop in part]
        with self.ticker.listening() as waits:
            for number in range(count):
                mask.paint((middle[0] + 30 * (number % 5) - 60, middle[1] + 40 * (number // 5) - 20), 10**6 + number)
                wait(lambda: not self.panel.follower.busy)
        return {**waits, "strokes": count, "seconds_a_stroke": round(waits["seconds"] / count, 3)}


class SuperresolveBench(Bench):
    """The same with the Super-resolve panel, whose result has as many pixels as those of the others."""

    outputs = ("mean", "sample", "uncertainty")

    def image(self, side: int) -> Any:
        """Return an image of half the side."""
        return super().image(side // 2)

    def make_panel(self) -> Any:
        """Return the panel of the task."""
        from napari_microdiff.viewer.superresolve import SuperresolvePanel

        return SuperresolvePanel(self.viewer)


class IsotropicBench(Bench):
    """The same with slices of tissue and the Isotropic z panel; its side is that of a square of as many voxels."""

    outputs = ("sample", "mean", "uncertainty")

    def image(self, side: int) -> Any:
        """Return slices 5 pixels apart."""
        from napari_microdiff.imaging.tissue import tissue_volume

        across = round((side**2 / SLICES) ** 0.5)
        return tissue_volume((SLICES, across, across))[::5]

    def make_panel(self) -> Any:
        """Return the panel of the task."""
        from napari_microdiff.viewer.isotropic import IsotropicPanel

        panel = IsotropicPanel(self.viewer)
        panel.factor.setValue(5)
        return panel


class RepairBench(Bench):
    """The same with the Repair panel and dust all over the image."""

    outputs = ("sample", "mean", "uncertainty")

    def make_panel(self) -> Any:
        """Return the panel of the task, and paint."""
        from napari_microdiff.viewer.repair import RepairPanel

        panel = RepairPanel(self.viewer)
        panel.add_mask()
        self.mask = panel.mask.layer
        for row in range(16, self.mask.data.shape[0], 64):
            self.mask.data[row : row + 6, 16::64] = 1
        return panel

    def clear(self) -> None:
        """Remove all layers but the source and the mask."""
        for layer in [layer for layer in self.viewer.layers if layer not in (self.source, self.mask)]:
            self.viewer.layers.remove(layer)
        pause(0.5)

    def cancel(self, after: float) -> dict[str, float]:
        """Do the same; the mask is no layer that is left."""
        found = super().cancel(after)
        return {**found, "layers_left": found["layers_left"] - 1}


BENCHES = {
    "denoise": Bench,
    "superresolve": SuperresolveBench,
    "isotropic": IsotropicBench,
    "repair": RepairBench,
    "segment": SegmentBench,
    "synthesize": SynthesizeBench,
}
MODELS = {
    "superresolve": "superres-fluorescence",
    "isotropic": "isotropic-em",
    "repair": "denoise-fluorescence",
    "segment": "segment-nuclei",
    "synthesize": "synth-nuclei",
}
PANELS = {
    "denoise": ("denoise", "DenoisePanel"),
    "superresolve": ("superresolve", "SuperresolvePanel"),
    "isotropic": ("isotropic", "IsotropicPanel"),
    "repair": ("repair", "RepairPanel"),
    "segment": ("segment", "SegmentPanel"),
    "synthesize": ("synthesis.panel", "SynthesizePanel"),
}
SLICES = 41
STROKES, GALLERY, ALONE = 10, 16, 5


def main(
    side: Annotated[int, typer.Option(help="Side of the image in pixels.")] = 2048,
    steps: Annotated[int, typer.Option(help="Steps of the job.")] = 4,
    model: Annotated[
        str, typer.Option(help="Identity of a model for denoising in the store.")
    ] = "denoise-fluorescence",
    task: Annotated[str, typer.Option(help="denoise, or another task with the bundled model.")] = "denoise",
    out: OutOption = None,
) -> None:
    """Measure a job, its cancelling and the opening of the panel in a real viewer window."""
    os.environ["NAPARI_CONFIG"] = str(Path(tempfile.mkdtemp()) / "settings.yaml")  # nobody's preferences are touched
    import napari  # noqa: F401

    opening = panel_opening(task)
    model = model_or_stand_in(model) if task == "denoise" else MODELS[task]
    bench = BENCHES[task](side, steps, model)
    pause(5)  # the look at the image, which imports torch
    with bench.ticker.listening() as idle:
        pause(3)
    jobs = {"first run": bench.job(), "second run": bench.job()}
    cancels = [bench.cancel(share) for share in CANCEL_AFTER]
    jobs |= bench.more()
    bench.viewer.close()
    alone = napari_alone(side, labels=task == "segment")  # last, or the first job would find napari warmed up
    # torch may be imported only now, since the opening of the panel is timed without it.
    from report import Report

    name = "gui_responsiveness" + ("" if task == "denoise" else f"_{task}")
    report = Report(name, {"model": model, "image": [side, side], "steps": steps, **versions()})
    waited = {"idle": idle, "napari alone adds layers": alone, **jobs}
    report.table("waits of the GUI thread", [{"when": when, **waits} for when, waits in waited.items()])
    report.table("cancel", cancels)
    report.table("opening the panel", [opening])
    report.claim("longest wait of a 20 ms timer on the GUI thread, ms", _worst(jobs, "longest_wait_ms"), most=200)
    ratio = _worst(jobs, "longest_wait_ms") / alone["longest_wait_ms"]
    report.claim("that, in longest waits of napari when it adds a layer by itself", ratio, most=1.5)
    previews = {when: job for when, job in jobs.items() if "preview_share" in job}
    report.claim("share of a job that previews take", _worst(previews, "preview_share"), most=0.1)
    begun = max(cancel["evaluations_begun_after"] for cancel in cancels)
    report.claim("evaluations of a tile that begin after Cancel was clicked", float(begun), most=0)
    late = statistics.median(cancel["stopped_ms"] / cancel["evaluation_ms"] for cancel in cancels)
    report.claim("median time until Cancel has stopped the computation, in evaluations of one tile", late, most=1)
    left = max(cancel["layers_left"] for cancel in cancels)
    report.claim("layers that a cancelled job leaves", float(left), most=0)
    report.claim("opening the panel, s", opening["seconds"], most=1)
    report.claim("torch imported by that", float(opening["torch_imported"]), most=0)
    report.save(out, quick=False)


def _worst(jobs: dict[str, dict[str, Any]], what: str) -> float:
    return float(max(job[what] for job in jobs.values()))


def panel_opening(task: str) -> dict[str, Any]:
    """Time the opening of the panel in a viewer that is already there, before torch is imported."""
    import napari
    import numpy as np

    viewer = napari.Viewer(show_welcome_screen=False)
    viewer.add_image(np.zeros((256, 256)))
    pause(1)
    began = time.perf_counter()
    module, panel = PANELS[task]
    made = getattr(import_module(f"napari_microdiff.viewer.{module}"), panel)(viewer)
    viewer.window.add_dock_widget(made, name="Panel", area="right")
    seconds = time.perf_counter() - began
    loaded = "torch" in sys.modules
    viewer.close()
    return {"seconds": round(seconds, 3), "torch_imported": loaded}


def napari_alone(side: int, *, labels: bool) -> dict[str, float]:
    """Let napari add layers as large as the result while nothing else goes on, which a plugin cannot make faster."""
    import napari
    import numpy as np

    viewer = napari.Viewer(show_welcome_screen=False)
    viewer.window.resize(1366, 740)
    pixels = np.random.default_rng(0).random((side, side), dtype=np.float32)

    def add(number: int) -> None:
        if labels:
            viewer.add_labels((10 * number * pixels).astype(np.int32))
        else:
            viewer.add_image(number * pixels)
        pause(1)

    viewer.add_image(pixels)
    add(1)  # the first of a kind takes longer
    ticker = Ticker()
    with ticker.listening() as waits:
        for number in range(2, ALONE + 2):
            add(number)
    viewer.close()
    return waits


def versions() -> dict[str, Any]:
    """Say what it ran with, and how busy the computer was."""
    from qtpy import API_NAME, QT_VERSION

    load = round(os.getloadavg()[0], 1) if hasattr(os, "getloadavg") else None
    return {"load": load, "qt": f"{API_NAME}, Qt {QT_VERSION}", "napari": version("napari")}


if __name__ == "__main__":
    typer.run(main)
