"""Lines of text for people: on the standard error, so that the standard output stays for what was asked."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from ..engine.events import Events, Result

Last = TypeVar("Last")


def one_line(text: str) -> str:
    """Return ``text`` without line breaks and runs of spaces."""
    return " ".join(text.split())


def say(line: str) -> None:
    """Write one line to the standard error, whatever the width of the terminal."""
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()


def follow(events: Events) -> Result:
    """Drive a job to its end: show its progress and notices, return its result.

    An interrupt closes the job, which cancels it.
    """
    from ..engine.events import Done

    return drive(events, Done).result


def drive(events: Iterator[object], last: type[Last]) -> Last:
    """Drive a generator of events to the one that ends it: show its progress and notices, return that event.

    An interrupt closes it, which stops what it does.
    """
    from ..engine.events import Notice, Progress

    with _closing(events), _bar() as bar:
        for event in events:
            match event:
                case Progress(done, total, seconds_left):
                    bar.show(done, total, seconds_left)
                case Notice(message):
                    bar.line(f"note: {one_line(message)}")
            if isinstance(event, last):
                return event
    raise RuntimeError("the job ended without a result")


@contextmanager
def _closing(events: object) -> Iterator[None]:
    try:
        yield
    finally:
        if close := getattr(events, "close", None):
            close()


class _Bar:
    """A progress bar where somebody is watching, nothing where the output goes to a file."""

    def __init__(self) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, TaskProgressColumn, TextColumn
        from rich.progress import Progress as Display

        console = Console(stderr=True)
        columns = (BarColumn(), TaskProgressColumn(), TextColumn("{task.fields[left]}"))
        self.display = Display(*columns, console=console, transient=True, disable=not console.is_terminal)
        self._task = self.display.add_task("", total=None, left="")

    def show(self, done: int, total: int, seconds_left: float | None) -> None:
        left = "" if seconds_left is None else f"{_duration(seconds_left)} left"
        self.display.update(self._task, completed=done, total=total, left=left)

    def line(self, text: str) -> None:
        if self.display.disable:
            say(text)
        else:
            self.display.console.print(text, markup=False, highlight=False, soft_wrap=True)


@contextmanager
def _bar() -> Iterator[_Bar]:
    bar = _Bar()
    with bar.display:
        yield bar


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes:02} min"
    return f"{minutes} min {rest:02} s" if minutes else f"{rest} s"
