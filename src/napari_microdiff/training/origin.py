"""What a run of training is made from, so that only the same one goes on from its checkpoint."""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

from .recipes import AnyRecipe

_LEFT_OPEN = {"steps", "seed"}  # what may be told anew
_SOURCES = ("clean", "pairs", "labelled")  # fields of recipes that hold patterns of files, and short words


def origin_of(recipe: AnyRecipe, data: Path) -> str:
    """Return a fingerprint of a recipe and of the names and sizes of the files that its patterns find."""
    facts = recipe.model_dump(mode="json", exclude=_LEFT_OPEN)
    texts = {text for name in _SOURCES for text in _texts(facts.get(name))}
    patterns = sorted(text for text in texts if text)
    files = sorted({path for pattern in patterns for path in data.glob(pattern) if path.is_file()})
    digest = sha256(repr(facts).encode())
    for path in files:
        digest.update(f"{path.relative_to(data).as_posix()} {path.stat().st_size}\n".encode())
    return digest.hexdigest()


def _texts(facts: Any) -> Iterator[str]:
    """Yield all texts in what JSON can hold."""
    if isinstance(facts, str):
        yield facts
    elif isinstance(facts, dict | list):
        for part in facts.values() if isinstance(facts, dict) else facts:
            yield from _texts(part)
