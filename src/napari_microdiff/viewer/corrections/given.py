"""What corrections are made from, and what the background makes of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from ...engine.options import Stroke
from ...engine.request import Request


@dataclass(frozen=True)
class Given:
    """The image as it was when the layer was chosen, and how it was segmented.

    Both methods run in a worker, where torch is loaded on the first call.
    """

    request: Request
    image: Any

    def correction(self, labels: Any, stroke: Stroke, fresh: int, locked: frozenset[int]) -> Iterator[Any]:
        """Work on one stroke; see `tasks.correct.correct`."""
        from ...tasks.correct import correct

        return correct(self.request, self.image, labels, stroke, fresh=fresh, locked=locked)

    def splits(self, labels: Any, place: tuple[int, ...], fresh: int) -> Iterator[Any]:
        """Find the ways to part the object at a place; see `tasks.split.propose_splits`."""
        from ...tasks.split import propose_splits

        return propose_splits(self.request, self.image, labels, place, fresh=fresh)
