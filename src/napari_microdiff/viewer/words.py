"""Sentences that panels say."""

from __future__ import annotations

from ..engine.events import Progress, Result

DENOISED = {
    "mean": "The best estimate of every pixel. Measure on the mean, look at a sample.",
    "sample": "One plausible sharp image out of many: good to look at, not to measure on.",
    "uncertainty": "How far each pixel may be off (one standard deviation): where not to trust the result.\n"
    "Its layer starts hidden.",
}
SEGMENTED = {
    "labels": "One layer in which every object has a number and a colour of its own.",
    "maps": "What the objects were read from: how deep in an object each pixel lies, and where two of them touch.",
}
NO_SAMPLE = "One step gives the mean only. Move Detail to the right for a sample."
UNCERTAINTY_HINT = "Open the eye of the layer “uncertainty” to see where not to trust it."
STEPS_IDLE = "The mean takes one step only. Tick sample to use the others."
PREVIEW_TIP = "Run on the part of the image that is visible now."
RUN_TIP = "Run on the whole image: all planes, time points and channels."


def count(number: int, thing: str) -> str:
    """Return a number with its noun."""
    return f"{number} {thing}" if number == 1 else f"{number} {thing}s"


def duration(seconds: float) -> str:
    """Return a duration as one would say it."""
    if seconds < 1:
        return f"{max(seconds, 0.1):.1f} s"
    if seconds < 90:
        return f"{seconds:.0f} s"
    if seconds < 90 * 60:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h"


def progress(progress: Progress) -> str:
    """Return how far a job is and how long it will take."""
    share = f"{100 * progress.done / max(progress.total, 1):.0f} %"
    return share if progress.seconds_left is None else f"{share}, {duration(progress.seconds_left)} left"


def outcome(name: str, made: str, result: Result) -> str:
    """Return the one line that says where a result came from, and below it what the job had to say."""
    report, request = result.report, result.request
    if result.labels is not None:
        facts = [f"{name}: {count(len(result.objects['label']), 'object')}"]
    else:
        facts = [f"{name} {made}"]
    if report.get("seconds"):
        facts.append(duration(float(report["seconds"])))
    steps = report.get("evaluations", request.steps)
    facts += [str(report.get("device", request.device)), count(steps, "step"), f"seed {request.seed}"]
    hint = [UNCERTAINTY_HINT] if result.uncertainty is not None else []
    return "\n".join([", ".join(facts), *hint, *(str(notice) for notice in report.get("notices", ()))])
