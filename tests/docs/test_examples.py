"""What README and documentation show can be typed: commands have these options, functions these parameters."""

from __future__ import annotations

import ast
import importlib
import inspect
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

import napari_microdiff
from napari_microdiff.cli import app

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted([ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").glob("*.md")])
BLOCK = re.compile(r"^( *)```(\w*)[^\n]*\n(.*?)^ *```", re.DOTALL | re.MULTILINE)
SIGNATURE = re.compile(r"```python\n(\w+)\(([^`]*?)\) -> \w+\n```")
OPTION = re.compile(r"--[a-z][a-z0-9-]*")


def blocks(page: Path, *languages: str) -> Iterator[str]:
    for indent, language, text in BLOCK.findall(page.read_text(encoding="utf-8")):
        if language in languages:
            yield "\n".join(line.removeprefix(indent) for line in text.splitlines())


def command(words: list[str]) -> tuple[Any, list[str]]:
    """Return the command that words begin with, and the other words."""
    found: Any = typer.main.get_command(app)
    while words and words[0] in getattr(found, "commands", {}):
        found, words = found.commands[words[0]], words[1:]
    return found, words


def names_of_options(found: Any) -> list[set[str]]:
    """Return the long names of each option, such as --noise and --no-noise."""
    names = [{name for name in (*each.opts, *each.secondary_opts) if name.startswith("--")} for each in found.params]
    return [each for each in names if each and each != {"--help"}]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_commands_have_the_options_that_they_are_shown_with(page: Path) -> None:
    for block in blocks(page, "sh", "powershell", ""):
        for line in block.replace("\\\n", " ").splitlines():
            shown = re.search(r"napari-microdiff ([a-z].*)", line.split(" #")[0])
            if shown is None:
                continue
            found, words = command(shlex.split(shown.group(1)))
            assert not hasattr(found, "commands"), line
            assert set(OPTION.findall(" ".join(words))) <= set().union(*names_of_options(found)), line


def test_every_option_is_documented_and_no_other() -> None:
    text = (ROOT / "docs" / "command-line.md").read_text(encoding="utf-8")
    sections = {part.split("\n")[0].strip(): part for part in text.split("\n## ")[1:]}
    for name, found in command([])[0].commands.items():
        leaves = getattr(found, "commands", {name: found}).values()
        real = [names for leaf in leaves for names in names_of_options(leaf)]
        documented = set(OPTION.findall(sections[name]))
        assert documented <= set().union(*real), name
        assert [names for names in real if not names & documented] == [], name


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_python_is_python_and_imports_what_is_there(page: Path) -> None:
    for block in blocks(page, "python"):
        if SIGNATURE.fullmatch(f"```python\n{block}\n```"):
            continue
        for node in ast.walk(ast.parse(block)):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("napari_microdiff"):
                module = importlib.import_module(str(node.module))
                assert all(hasattr(module, name.name) for name in node.names), ast.unparse(node)


def test_signatures_are_those_of_the_functions() -> None:
    shown = SIGNATURE.findall((ROOT / "docs" / "api.md").read_text(encoding="utf-8"))
    assert {"denoise", "superresolve", "isotropic", "repair", "segment", "synthesize"} <= {name for name, _ in shown}
    for name, parameters in shown:
        written = ast.unparse(ast.parse(f"def f({parameters}): ...")).split("\n")[0]
        real = inspect.signature(getattr(napari_microdiff, name))
        bare = [each.replace(annotation=inspect.Parameter.empty) for each in real.parameters.values()]
        now = str(real.replace(parameters=bare, return_annotation=inspect.Signature.empty))
        assert written == ast.unparse(ast.parse(f"def f{now}: ...")).split("\n")[0]
