"""Sentences and signs of the Series panel."""

from __future__ import annotations

from collections import Counter
from datetime import datetime

from ...files.series import Entry, Series, State
from ..words import count

SIGNS = {State.NEW: "○", State.SEGMENTED: "●", State.CORRECTING: "◆", State.DONE: "✓"}
PROBLEM, BUSY = "▲", "…"
START = "Open a folder of images. Labels are kept in a folder “segmentation” in it; the images are never changed."
REMOVED = "The labels of {} were taken out of the viewer. They are on disk as last saved; click the image to go on."
CLOSED = "{} is saved. What is corrected from now on is saved only after the folder is opened in Series again."
UNSAVED = "The last corrections of {} could not be saved. {}"
STILL_THERE = "They are still in the layer “{}”: select it and use File > Save Selected Layers…"
STAYS_OPEN = "The window stays open for that. Close it once more to close it all the same."
NOT_SAVED = "{} Nothing is lost yet: the corrections of {} are in their layer."
RESULTS_TIP = "Keep labels and tables in a folder that can be written to. The images stay where they are."
DONE_TIP = "Say that the labels are right, and open the next image. ({})"
HINT = "What you correct in the labels is saved as you go."
WAITING = "Its labels come by themselves. You need not wait."
NOTHING_YET = "Wait until the image has labels."
STROKES = "Waiting for the last stroke…"


def row(name: str, entry: Entry, problem: str, busy: bool) -> str:
    """Return what a row says: the name, and below it how far the image is."""
    if problem:
        return f"{name}\n{PROBLEM} has a problem"
    if busy:
        return f"{name}\n{BUSY} being segmented"
    objects = "" if entry.objects is None else f", {count(entry.objects, 'object')}"
    return f"{name}\n{SIGNS[entry.state]} {entry.state}{objects}"


def summary(series: Series) -> str:
    """Return how many images there are and how far they are."""
    states = Counter(entry.state for entry in series.entries.values() if entry.state is not State.NEW)
    known = [f"{states[state]} {state}" for state in reversed(State) if states[state]]
    return ": ".join([count(len(series.names), "image"), *([", ".join(known)] if known else [])])


def status(series: Series, row: int) -> str:
    """Return the line on the image of a row."""
    name = series.names[row]
    entry = series.entries[name]
    known = "" if entry.objects is None else f": {count(entry.objects, 'object')}, saved {moment(entry.saved)}"
    return f"{row + 1} of {len(series.names)}, {name}{known}"


def moment(iso: str) -> str:
    """Return a time as one would say it: of today the hour, else the day too."""
    try:
        then = datetime.fromisoformat(iso)
    except ValueError:
        return "earlier"
    today = then.date() == datetime.now(then.tzinfo).date()
    return f"{then:%H:%M}" if today else f"{then.day} {then:%B %Y %H:%M}"
