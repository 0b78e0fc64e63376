"""The commands put together, and what becomes of an error."""

from __future__ import annotations

import signal
import sys
import threading
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Annotated

import typer

from .. import __version__
from ..errors import MicrodiffError, in_plain_words
from . import adapt, augment, export, isotropic, jobs, others, repair, store, superresolve, synthesize
from .terminal import one_line, say

_CANCELLED = 130  # what a shell expects of a programme that Ctrl-C ended
_USER_ERROR = 2
# Typer has a copy of click since 0.26 and used click itself before; this is the base of the usage errors of either.
_UsageError: type[Exception] = next(t for t in typer.BadParameter.__mro__ if t.__name__ == "ClickException")

app = typer.Typer(
    name="napari-microdiff",
    help="Diffusion models for microscopy: see through the noise, and see where not to trust it.",
    pretty_exceptions_enable=False,
    add_completion=False,
)
app.command()(jobs.denoise)
app.command()(superresolve.superresolve)
app.command()(isotropic.isotropic)
app.command()(repair.repair)
app.command()(jobs.segment)
app.command()(synthesize.synthesize)
app.command()(augment.augment)
app.command()(export.export)
app.command()(jobs.run)
app.add_typer(store.app, name="models")
app.command()(others.train)
app.command()(adapt.adapt)
app.command()(others.demo)


def _show_version(asked: bool) -> None:
    if asked:
        typer.echo(f"napari-microdiff {__version__}")
        raise typer.Exit


@app.callback(invoke_without_command=True)
def _start(
    context: typer.Context,
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and exit.

    Parameters
    ----------
    arguments : sequence of str, optional
        Words after the name of the programme; ``None`` takes those of this process.
    """
    if arguments is None and not sys.warnoptions:
        warnings.simplefilter("ignore")  # those of the libraries are for their authors; Python's -W brings them back
    sys.exit(_run(arguments))


def _run(arguments: Sequence[str] | None) -> int:
    words = list(sys.argv[1:] if arguments is None else arguments)
    try:
        with _sigterm_like_ctrl_c():
            code = app(words, prog_name="napari-microdiff", standalone_mode=False)
    except MicrodiffError as error:
        return _fail(str(error))
    except _UsageError as error:
        what, _, why = (error.format_message() if hasattr(error, "format_message") else str(error)).partition(": ")
        return _fail(f"{what}: {in_plain_words(why)}" if why else what)
    except (KeyboardInterrupt, typer.Abort):
        code = _CANCELLED
    if code == _CANCELLED:
        say("cancelled")
    return code if isinstance(code, int) else 0


@contextmanager
def _sigterm_like_ctrl_c() -> Iterator[None]:
    """Let SIGTERM, with which the queues of clusters stop a job, interrupt it, so that nothing half-written is left."""
    if threading.current_thread() is not threading.main_thread():  # which alone may say what a signal does
        yield
        return
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _fail(message: str) -> int:
    say(f"error: {one_line(message)}")
    return _USER_ERROR
