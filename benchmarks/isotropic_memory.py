"""Does a stack of any depth become isotropic within the memory of a slab? Linux only."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from typing import Any

import numpy as np
import typer
from common import HERE, OutOption, QuickOption
from numpy.typing import NDArray
from peak_memory import Watch
from report import Report, Row, say

import napari_microdiff
from napari_microdiff.imaging.tissue import tissue_volume

FACTOR, STEPS = 10, 2  # more steps take as much memory, and longer
OUTPUTS = ("mean", "sample", "uncertainty")
DEPTHS = (30, 60)  # slices that are shown
SIDE = 512


class RepeatedStack:
    """A deep stack that exists only where it is read: slices of simulated tissue, to and fro."""

    def __init__(self, depth: int, side: int) -> None:
        self.pattern: NDArray[np.float32] = tissue_volume((8, side, side))
        self.shape, self.ndim, self.dtype = (depth, side, side), 3, self.pattern.dtype

    def __getitem__(self, part: Any) -> Any:
        """Read some slices."""
        first, *others = part if isinstance(part, tuple) else (part,)
        last = len(self.pattern) - 1
        places = last - np.abs(np.arange(self.shape[0])[first] % (2 * last) - last)
        return self.pattern[places][(slice(None), *others)] if np.ndim(places) else self.pattern[places][tuple(others)]


def alone(depth: int, side: int) -> str:
    """Make a stack isotropic, and return as JSON what that took."""
    napari_microdiff.isotropic(RepeatedStack(3, 64)[:], factor=2, steps=1, axes="ZYX")  # all that is loaded once
    stack = RepeatedStack(depth, side)
    with Watch() as before:
        pass
    started = time.perf_counter()
    with Watch() as watch:
        made = napari_microdiff.isotropic(stack, factor=FACTOR, steps=STEPS, samples=2, outputs=OUTPUTS, axes="ZYX")
    output = sum(image.nbytes for image in made.images().values())
    seconds = time.perf_counter() - started
    return json.dumps({"above": watch.most - before.most, "output": output, "seconds": seconds})


def main(
    only: int = typer.Option(0, hidden=True),
    side: int = typer.Option(SIDE, hidden=True),
    quick: QuickOption = False,
    out: OutOption = None,
) -> None:
    """Measure stacks of several depths, each in a process of its own."""
    if only:
        print(alone(only, side))
        return
    depths, side = ((3, 4), 64) if quick else (DEPTHS, SIDE)
    report = Report("isotropic_memory", {"factor": FACTOR, "steps": STEPS, "side": side, "outputs": list(OUTPUTS)})
    report.note("Memory is what the process has to itself; files that it works in are dropped from memory as needed.")
    rows: list[Row] = []
    for depth in depths:
        say(f"{depth} slices of {side} x {side}")
        command = [sys.executable, str(HERE / "isotropic_memory.py"), "--only", str(depth), "--side", str(side)]
        told = json.loads(subprocess.run(command, capture_output=True, text=True, check=True, cwd=HERE).stdout)
        sizes = {"memory, MiB": told["above"] / 2**20, "what is made, MiB": told["output"] / 2**20}
        rows.append({"slices": depth, **sizes, "seconds": told["seconds"]})
    report.table("memory", rows)
    few, many = rows
    report.claim(f"memory for {many['slices']} slices, MiB", many["memory, MiB"], most=2048)
    times = many["memory, MiB"] / few["memory, MiB"]
    report.claim(f"memory for {many['slices']} slices over that for {few['slices']}", times, most=1.1)
    report.save(out, quick=quick)


if __name__ == "__main__":
    typer.run(main)
