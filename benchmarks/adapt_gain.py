"""Is what *Adapt to this image* says of itself true? Its estimate of the gain against the gain by the truth."""

from __future__ import annotations

import time
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from typing import Annotated

import numpy as np
import torch
import typer
from common import DataOption, OutOption, Pair, QuickOption, load_pairs, simulated_pairs
from report import Report, Row, say

import napari_microdiff
from napari_microdiff.imaging.quality import psnr
from napari_microdiff.models.store import remove_model
from napari_microdiff.training.adapted import LEAST_GAIN_DB, Adapted
from napari_microdiff.training.denoise.adapt import adapt

SIDE, STEPS, SEEDS = 512, 300, 2
NOTICEABLE = 0.1  # dB; less is neither better nor worse


def measured(pair: Pair, steps: int) -> Row:
    """Adapt the model to the noisy image, and compare what it says with what the clean image says."""
    started = time.perf_counter()
    events = adapt(pair.model, pair.noisy, name=f"benchmark-{pair.name}", axes="YX", steps=steps)
    done = next(event for event in events if isinstance(event, Adapted))
    seconds = time.perf_counter() - started
    try:
        before, after = (
            psnr(pair.clean, napari_microdiff.denoise(pair.noisy, model=model, axes="YX", outputs=("mean",)).mean)
            for model in (pair.model, done.model_id)
        )
    finally:
        remove_model(done.model_id)
    estimate = float("nan") if done.gain_db is None else done.gain_db
    return {
        "image": pair.name,
        "model, PSNR dB": before,
        "gain, dB": after - before,
        "estimate, dB": estimate,
        "seconds": round(seconds),
    }


def judge(report: Report, rows: list[Row]) -> None:
    """Hold what was said against what came out."""
    gains, estimates = (np.array([row[name] for row in rows]) for name in ("gain, dB", "estimate, dB"))
    wrong = ((estimates >= LEAST_GAIN_DB) & (gains < -NOTICEABLE)).sum()
    apart = float(np.nanmedian(abs(estimates - gains)))  # none where what is taken away is not white
    report.claim("median of the difference of estimate and gain, dB", apart, most=0.3)
    report.claim("images said to be better that are worse", float(wrong), most=0)
    report.note(f"Mean gain over {len(rows)} images: {gains.mean():+.2f} dB.")


def main(
    data: DataOption = None,
    jobs: Annotated[int, typer.Option(help="Images at a time; the cores are shared out.")] = 1,
    quick: QuickOption = False,
    out: OutOption = None,
) -> None:
    """Adapt to the real test pairs, and to simulated images whose truth is exact."""
    side, steps = (256, 3) if quick else (SIDE, STEPS)
    real, what = load_pairs(data)
    pairs = [*real, *simulated_pairs(1 if quick else SEEDS)] if what.startswith("real") else simulated_pairs(SEEDS)
    report = Report("adapt_gain", {"data": what, "side": side, "steps": steps})
    say(f"{len(pairs)} images")
    threads = max(1, torch.get_num_threads() // jobs)
    with ProcessPoolExecutor(
        jobs, mp_context=get_context("spawn"), initializer=torch.set_num_threads, initargs=(threads,)
    ) as pool:
        rows = list(pool.map(partial(measured, steps=steps), [pair.crop(side) for pair in pairs]))
    report.table(f"{steps} steps of learning from the noisy image", rows)
    judge(report, rows)
    report.save(out, quick=quick)


if __name__ == "__main__":
    typer.run(main)
