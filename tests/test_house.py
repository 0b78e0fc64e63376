"""The house rules that no single test of a room can see: imports, dependencies, other people's private names."""

from __future__ import annotations

import ast
import json
import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "src" / "napari_microdiff"
VIEWERS = ("napari", "qtpy", "superqt", "magicgui", "vispy", "PyQt5", "PyQt6", "PySide2", "PySide6")
TORCH = ("torch", "lightning_fabric", "safetensors.torch")
ROOMS = {path.stem for path in PACKAGE.glob("[a-z]*") if path.suffix in {"", ".py"}}
BELOW_THE_VIEWER = sorted(ROOMS - {"viewer", "cli"})
BEFORE_A_JOB = ("errors", "imaging", "files", "engine.request", "engine.events", "models.card", "models.store", "cli")

# Underscored, but documented for everyone.
PUBLIC_ALL_THE_SAME = {"_asdict", "_fields", "_make", "_replace"}
ATTRIBUTE_FUNCTIONS = {"getattr", "setattr", "hasattr", "delattr"}


def python(code: str, *arguments: str) -> str:
    """Run ``code`` in a fresh interpreter and return what it prints."""
    done = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


IMPORT_AND_LIST = """
import importlib, json, pkgutil, sys
for name in sys.argv[1:]:
    module = importlib.import_module(name)
    for found in pkgutil.walk_packages(getattr(module, "__path__", ()), name + "."):
        importlib.import_module(found.name)
print(json.dumps(sorted(sys.modules)))
"""


def loaded_by(*names: str) -> set[str]:
    """Return the modules that are loaded after importing the named ones and all that lies within them."""
    return set(json.loads(python(IMPORT_AND_LIST, *names)))


def test_import_linter_contracts_hold() -> None:
    command = [sys.executable, "-c", "from importlinter.cli import lint_imports_command as c; c()", "--no-logo"]
    utf8 = os.environ | {"PYTHONUTF8": "1"}
    done = subprocess.run(
        [*command, "--no-cache"], cwd=ROOT, env=utf8, capture_output=True, encoding="utf-8", check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_importing_the_package_loads_neither_torch_nor_napari_nor_qt() -> None:
    modules = json.loads(python("import json, sys, napari_microdiff; print(json.dumps(sorted(sys.modules)))"))
    assert "napari_microdiff" in modules
    assert not set(modules) & {*VIEWERS, *TORCH}


def test_rooms_below_the_viewer_load_neither_napari_nor_qt() -> None:
    rooms = {f"napari_microdiff.{room}" for room in BELOW_THE_VIEWER}
    modules = loaded_by(*rooms)
    assert modules >= {*rooms, "torch"}
    assert not modules & set(VIEWERS)


def test_what_is_asked_before_a_job_starts_loads_neither_torch_nor_napari() -> None:
    rooms = {f"napari_microdiff.{room}" for room in BEFORE_A_JOB}
    modules = loaded_by(*rooms)
    assert modules >= rooms
    assert not modules & {*VIEWERS, *TORCH}


def test_the_viewer_itself_loads_no_torch() -> None:
    modules = loaded_by("napari_microdiff.viewer")
    assert "napari" in modules
    assert not modules & set(TORCH)


def requirements() -> list[Requirement]:
    """Return the requirements of pyproject.toml, those of the extras included."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"].values()
    return [Requirement(line) for lines in (project["dependencies"], *extras) for line in lines]


@pytest.mark.parametrize("requirement", requirements(), ids=str)
def test_requirements_are_lower_bounds(requirement: Requirement) -> None:
    assert [bound.operator for bound in requirement.specifier] == [">="]


def test_constraints_satisfy_the_lower_bounds() -> None:
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    tested = {}
    for line in lines:
        if line and not line.startswith("#"):
            name, _, version = line.partition("==")
            tested[re.sub("[-_.]+", "-", name).lower()] = version
    assert tested["torch"] == "2.13.0"
    assert not [version for version in tested.values() if "+" in version]
    for requirement in requirements():
        assert requirement.specifier.contains(tested[requirement.name.lower()]), requirement


def test_no_viewer_among_the_hard_requirements() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    hard = {Requirement(line).name.lower() for line in project["dependencies"]}
    assert not hard & {"napari", "pyqt5", "pyqt6", "pyside2", "pyside6"}


def own_names(trees: list[ast.Module]) -> set[str]:
    """Return the underscored names that we define: functions, classes, attributes and variables."""
    names = set()
    for node in (node for tree in trees for node in ast.walk(tree)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            names.add(node.name)
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
            if isinstance(node.value, ast.Name) and node.value.id in {"self", "cls"}:
                names.add(node.attr)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            names.add(node.id)
    return names


def private_uses(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Yield line and name of each underscored name that is taken from an object or a foreign module."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute):
            yield node.lineno, node.attr
        elif (
            isinstance(node, ast.ImportFrom)
            and node.level == 0
            and not (node.module or "").startswith("napari_microdiff")
        ):
            for name in [*(node.module or "").split("."), *(alias.name for alias in node.names)]:
                yield node.lineno, name
        elif isinstance(node, ast.Import):
            for name in (part for alias in node.names for part in alias.name.split(".")):
                yield node.lineno, name
        elif isinstance(node, ast.Call) and getattr(node.func, "id", "") in ATTRIBUTE_FUNCTIONS:
            yield from ((node.lineno, str(name.value)) for name in node.args[1:2] if isinstance(name, ast.Constant))


def test_no_private_attribute_of_napari_or_anyone_else() -> None:
    found = (path for folder in ("src", "tests", "benchmarks") for path in (ROOT / folder).rglob("*.py"))
    # The peers of the benchmarks have an environment of their own, in a hidden folder.
    files = [path for path in found if not any(part.startswith(".") for part in path.relative_to(ROOT).parts)]
    trees = {path: ast.parse(path.read_text(encoding="utf-8"), str(path)) for path in files}
    ours = own_names([tree for path, tree in trees.items() if PACKAGE in path.parents]) | PUBLIC_ALL_THE_SAME
    own = {path: ours | own_names([tree]) for path, tree in trees.items()}
    foreign = [
        f"{path.relative_to(ROOT)}:{line}: {name}"
        for path, tree in trees.items()
        for line, name in private_uses(tree)
        if re.match("_[a-z]", name) and name not in own[path]
    ]
    assert not foreign, "\n".join(foreign)


def test_the_manifest_is_linked_from_the_root() -> None:
    link = ROOT / "napari.yaml"
    manifest = PACKAGE / "napari.yaml"
    # A checkout without symbolic links, as on Windows, holds the target's path as text.
    assert (
        link.read_bytes() == manifest.read_bytes()
        or (link.parent / link.read_text(encoding="utf-8").strip()) == manifest
    )
