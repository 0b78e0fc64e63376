"""``models``: see, check, add and remove models."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .terminal import one_line, say

if TYPE_CHECKING:
    from ..models.store import Model

app = typer.Typer(help="See, check, add and remove models.", no_args_is_help=False)
Id = Annotated[str, typer.Argument(metavar="ID", help="See 'models list'.")]


@app.callback(invoke_without_command=True)
def _start(context: typer.Context) -> None:
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())


@app.command("list")
def list_() -> None:
    """List the models on this machine."""
    from rich.console import Console
    from rich.table import Table

    from ..models.store import broken_models, list_models

    table = Table(box=None, pad_edge=False)
    for heading in ("id", "where", "summary"):
        table.add_column(heading, overflow="fold", no_wrap=heading != "summary")
    models = list_models()
    for model in models:
        table.add_row(model.card.id, "bundled" if model.bundled else "added", model.card.summary)
    if models:
        Console(markup=False, highlight=False).print(table)
    else:
        say("there are no models; add one with: napari-microdiff models add SOURCE")
    for reason in broken_models().values():
        say(f"note: not usable: {one_line(reason)}")


@app.command()
def info(id: Id) -> None:
    """Show what a model is for, what it was trained on, how well it does and where it fails."""
    from ..models.store import find_model

    typer.echo("\n".join(_describe(find_model(id))))


@app.command()
def verify(
    ids: Annotated[list[str] | None, typer.Argument(metavar="[ID]...", help="All if none is given.")] = None,
) -> None:
    """Check that the weights and what lies beside them are unchanged and hold numbers only."""
    from ..errors import ModelError
    from ..models.originals import check_model
    from ..models.store import broken_models, find_model, list_models

    models = [find_model(id) for id in ids] if ids else list_models()
    faults = [] if ids else list(broken_models().values())
    for model in models:
        try:
            check_model(model)
        except ModelError as error:
            faults.append(str(error))
        else:
            typer.echo(f"{model.card.id}: ok")
    if faults:
        raise ModelError(" ".join(faults))


@app.command()
def add(
    source: Annotated[str, typer.Argument(help="Folder, .zip, https:// address or doi: of a model.")],
    sha256: Annotated[str | None, typer.Option(help="Fingerprint of the zip; an address needs it.")] = None,
) -> None:
    """Add a model."""
    from ..models.store import add_model

    model = add_model(source, sha256)
    say(f"added {model.card.id} in {model.folder}")


@app.command()
def remove(id: Id) -> None:
    """Remove a model that was added."""
    from ..models.store import remove_model

    remove_model(id)
    say(f"removed {id}")


def _describe(model: Model) -> list[str]:
    card = model.card
    lines = [f"{card.title} ({card.id}, version {card.version})", card.summary, ""]
    facts = {
        "task": card.task,
        "axes": card.axes,
        "pixel size": "any" if card.pixel_size_um is None else "{:g} to {:g} um".format(*card.pixel_size_um),
        "adapted from": card.parent,
        "licence": card.licence,
        "folder": str(Path(model.folder)) + (" (bundled)" if model.bundled else ""),
        "sha256": card.weights_sha256,
    }
    lines += [f"{name + ':':14}{value}" for name, value in facts.items() if value]
    sections = {
        "trained on": [f"{data.name} ({data.licence}): {data.attribution}" for data in card.training_data],
        "measured": [f"{q.measure} on {q.data}: {q.value:g} {q.unit} (printed by {q.command})" for q in card.quality],
        "known to fail on": list(card.known_failures),
    }
    for name, entries in sections.items():
        if entries:
            lines += ["", f"{name}:", *(f"  {one_line(entry)}" for entry in entries)]
    return lines
