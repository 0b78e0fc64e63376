"""Does the uncertainty tell the size of the errors? Errors against predicted sigma, in bins of equally many pixels."""

from __future__ import annotations

import numpy as np
import typer
from common import DataOption, Image, OutOption, Pair, QuickOption, load_pairs, simulated_pairs
from report import Report, Row, console, say

import napari_microdiff
from napari_microdiff.imaging.noise import noise_sigma
from napari_microdiff.imaging.quality import Calibration, affine_fit, calibration

BINS = 20
BAR = 60  # characters of the longest bar
KINDS = {"1 evaluation": {}, "spread of samples": {"steps": 8, "samples": 8}}

Errors = tuple[Image, Image]  # error and predicted sigma, in shares of the truth's range


def errors_of(pair: Pair, kind: str) -> Errors:
    """Denoise a pair and return error and sigma, after fitting scale and shift of the mean to the truth."""
    result = napari_microdiff.denoise(pair.noisy, model=pair.model, axes="YX", **KINDS[kind])
    fitted, span = affine_fit(result.mean, pair.clean), float(np.ptp(pair.clean))
    scale = float(np.ptp(fitted) / np.ptp(result.mean))
    return (fitted - pair.clean) / span, result.uncertainty * scale / span


def figures(name: str, kind: str, found: Calibration) -> Row:
    """Return a calibration as a row of the table."""
    return {
        "image": name,
        "uncertainty": kind,
        "slope": found.slope,
        "intercept": found.intercept,
        "slope through 0": found.ratio,
        "RMSE": float(np.sqrt((found.error**2).mean())),
        "mean sigma": float(np.sqrt((found.predicted**2).mean())),
    }


def pooled(all_errors: list[Errors]) -> Errors:
    """Join images, each cut at random to as many pixels as the smallest has, so that each counts alike."""
    rng, count = np.random.default_rng(0), min(error.size for error, _ in all_errors)
    picks = [rng.choice(error.size, count, replace=False) for error, _ in all_errors]
    errors = [error.ravel()[pick] for (error, _), pick in zip(all_errors, picks, strict=True)]
    sigmas = [sigma.ravel()[pick] for (_, sigma), pick in zip(all_errors, picks, strict=True)]
    return np.concatenate(errors), np.concatenate(sigmas)


def draw(title: str, found: Calibration) -> None:
    """Print RMSE (bars) and predicted sigma (|) of each bin."""
    console.print(f"{title}: bars are the RMSE, | is the predicted sigma, in % of the truth's range", highlight=False)
    longest = max(found.error.max(), found.predicted.max(), 1e-12)
    for predicted, error in zip(found.predicted, found.error, strict=True):
        bar = list("█" * round(BAR * error / longest) + " " * BAR)[: BAR + 1]
        bar[min(BAR, round(BAR * predicted / longest))] = "|"
        console.print(f"  {100 * predicted:6.2f} {100 * error:6.2f}  {''.join(bar)}", highlight=False)


def study(report: Report, title: str, pairs: list[Pair], kind: str) -> Calibration:
    """Calibrate on a set of pairs, one by one and together."""
    rows, all_errors = [], []
    for pair in pairs:
        say(f"{title}: {pair.name}, {kind}")
        all_errors.append(errors_of(pair, kind))
        row = figures(pair.name, kind, calibration(*all_errors[-1], bins=BINS))
        rows.append({**row, "noise of the clean image": noise_sigma(pair.clean, "YX") / float(np.ptp(pair.clean))})
    together = calibration(*pooled(all_errors), bins=BINS)
    rows.append(figures("all together", kind, together))
    report.table(f"{title}, {kind}", rows)
    draw(title, together)
    bins = zip(together.predicted.tolist(), together.error.tolist(), strict=True)
    report.tables[f"{title}, {kind}, bins"] = [{"predicted sigma": p, "RMSE": e} for p, e in bins]
    return together


def main(data: DataOption = None, quick: QuickOption = False, out: OutOption = None) -> None:
    """Measure the calibration on the test pairs and on simulated images whose truth is known exactly."""
    pairs, what = load_pairs(data)
    side = 192 if quick else None
    report = Report("calibration", {"data": what, "bins": BINS, "side": side, "side of samples": side or 512})
    report.note(f"On {what}. A clean image that is itself a recording has noise, which counts as error here.")
    real = study(report, "test pairs", [pair.crop(side) for pair in pairs], "1 evaluation")
    study(report, "test pairs", [pair.crop(side or 512) for pair in pairs], "spread of samples")
    simulated = [pair.crop(side) for pair in simulated_pairs(seeds=1 if quick else 4)]
    exact = study(report, "simulated", simulated, "1 evaluation")
    for name, found in (("test pairs", real), ("simulated", exact)):
        for line, slope in (("with intercept", found.slope), ("through 0", found.ratio)):
            report.claim(f"{name}, 1 evaluation: slope of RMSE on sigma, {line}", slope, least=0.8, most=1.25)
    report.save(out, quick=quick)


if __name__ == "__main__":
    typer.run(main)
