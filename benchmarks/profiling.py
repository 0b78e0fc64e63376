"""What share of the machine's matrix products one evaluation reaches, and what explains the rest."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from common import timed
from report import Report, Row, say
from torch.profiler import ProfilerActivity, profile
from torch.utils.flop_counter import FlopCounterMode

from napari_microdiff.engine.device import choose_precision, torch_dtype

CONVOLUTION = "convolution"
KINDS = {
    CONVOLUTION: ("conv",),
    "resizing": ("upsample", "pool", "shuffle"),
    "copies and changes of layout": ("copy", "cat", "contiguous", "clone", "to_"),
    "activation and arithmetic": ("silu", "mul", "add", "div", "exp", "clamp", "where", "sqrt", "norm"),
}


def synchronised(call: Callable[[], object], device: torch.device) -> Callable[[], None]:
    """Return a call that ends when the device has done it."""

    def wrapped() -> None:
        call()
        if device.type == "cuda":
            torch.cuda.synchronize(device)

    return wrapped


def matmul_rate(dtype: torch.dtype, device: torch.device, side: int) -> float:
    """Return the operations per second that the machine does in a product of large matrices."""
    a, b = (torch.randn(side, side, device=device).to(dtype) for _ in range(2))
    return 2 * side**3 / timed(synchronised(lambda: torch.mm(a, b), device), repeats=9, warm_up=2).median


def share_of_machine(report: Report, evaluate: Callable[[], object], device: torch.device, quick: bool) -> None:
    """Compare one evaluation with what the machine can multiply, and profile it."""
    say("matrix products")
    precision, repeats = choose_precision("auto", device), 1 if quick else 7
    rates = {name: matmul_rate(torch_dtype(name), device, 512 if quick else 2048) for name in ("float32", "bfloat16")}
    with FlopCounterMode(display=False) as counter:
        evaluate()
    operations = counter.get_total_flops()
    seconds = timed(synchronised(evaluate, device), repeats).median
    share = operations / seconds / rates[precision]
    row = {
        "precision": precision,
        "1e9 operations": operations / 1e9,
        "seconds": seconds,
        "1e9/s": operations / seconds / 1e9,
        "product float32, 1e9/s": rates["float32"] / 1e9,
        "product bfloat16, 1e9/s": rates["bfloat16"] / 1e9,
        f"share of {precision} product, %": 100 * share,
    }
    report.table("share of the machine", [row])
    say("profile")
    _profile(report, evaluate, device, rates[precision], repeats)


def _profile(report: Report, evaluate: Callable[[], object], device: torch.device, rate: float, repeats: int) -> None:
    on_gpu = device.type == "cuda"
    activities = [ProfilerActivity.CPU, *([ProfilerActivity.CUDA] if on_gpu else [])]
    with profile(activities=activities, record_shapes=True) as profiler:
        for _ in range(repeats):
            synchronised(evaluate, device)()
    own = {e.key: e.self_device_time_total if on_gpu else e.self_cpu_time_total for e in profiler.key_averages()}
    total = sum(own.values())
    kinds = dict.fromkeys([*KINDS, "other"], 0.0)
    for name, time in own.items():
        kinds[kind_of(name)] += time / total
    longest = sorted(own.items(), key=lambda item: -item[1])[:10]
    convolutions = _convolutions(profiler, repeats, rate, on_gpu)
    report.table("profile by kind", [{"kind": kind, "share, %": 100 * share} for kind, share in kinds.items()])
    report.table("profile, ten longest", [{"operation": name, "share, %": 100 * t / total} for name, t in longest])
    report.table("convolutions, ten longest", convolutions[:10])
    report.note(explanation(kinds, convolutions))


def kind_of(operation: str) -> str:
    """Return what an operation of the profile does."""
    return next((kind for kind, parts in KINDS.items() if any(part in operation for part in parts)), "other")


def _convolutions(profiler: profile, repeats: int, rate: float, on_gpu: bool) -> list[Row]:
    rows: list[Row] = []
    for event in profiler.key_averages(group_by_input_shape=True):
        if event.key != "aten::convolution":
            continue
        (images, _, *sides), weight = event.input_shapes[:2]
        seconds = max(1e-9, (event.device_time_total if on_gpu else event.cpu_time_total) / 1e6)
        operations = 2 * images * int(np.prod(sides)) * int(np.prod(weight)) * event.count
        size = f"{weight[1]} to {weight[0]} channels, kernel {weight[-1]}, at {' x '.join(map(str, sides))}"
        share = 100 * operations / seconds / rate
        rows.append(
            {"convolution": size, "calls": event.count // repeats, "ms": 1e3 * seconds / repeats, "% of product": share}
        )
    return sorted(rows, key=lambda row: -row["ms"])


def explanation(kinds: dict[str, float], convolutions: list[dict[str, Any]]) -> str:
    """Say in words where the time goes and what is the next thing to gain.

    Parameters
    ----------
    kinds : dict
        Share of the time of each kind of operation, of 1.
    convolutions : list of dict
        Rows with ``convolution``, ``ms`` and ``% of product``, the longest first.
    """
    busy = kinds[CONVOLUTION]
    reached = (
        sum(row["ms"] * row["% of product"] for row in convolutions) / sum(row["ms"] for row in convolutions) / 100
    )
    inside, outside = busy * max(0.0, 1 - reached), 1 - busy
    rest, share = max(((kind, share) for kind, share in kinds.items() if kind != CONVOLUTION), key=lambda item: item[1])
    lost = {row["convolution"]: row["ms"] * (1 - row["% of product"] / 100) for row in convolutions}
    slow = max(lost, key=lambda name: lost[name])
    gain = f"the convolutions of {slow}" if inside > outside else f"fewer passes over memory for {rest}"
    return (
        f"Convolutions take {100 * busy:.0f} % of the time, at {100 * reached:.0f} % of the rate of a large matrix "
        f"product. So {100 * inside:.0f} % of the time is lost within them and {100 * outside:.0f} % is spent outside "
        f"them, most of it on {rest} ({100 * share:.0f} %). The next thing to gain: {gain}."
    )
