"""Which files belong together, by their names."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

_ENDINGS = (".ome.tiff", ".ome.tif", ".ome.zarr", ".tiff", ".tif", ".png", ".jpeg", ".jpg")


def bare(name: str) -> str:
    """Return the name of an image without the ending that tells its format."""
    return next((name[: -len(end)] for end in _ENDINGS if name.lower().endswith(end)), name)


def shorter(name: str) -> Iterator[str]:
    """Yield a name without its ending, and then without what follows the last dot, the last but one, and so on."""
    name = bare(name)
    while name:
        yield name
        name = name.rpartition(".")[0]


def partners(names: Sequence[str], others: Sequence[str]) -> list[int | None]:
    """Return for each name which of the others it belongs to.

    That is the one of the same name but for the endings of both; else the longest that it begins with, up to a dot: the
    labels of ``a.tif`` may be ``a.labels.tif``. Else it is one that is the same up to the first dot, where no other
    name and no other of the others is. Dates that are written with dots tell files apart by this.

    Parameters
    ----------
    names, others : sequence of str
        Of files, without their folders; empty of what has none.
    """
    numbers = {bare(other): number for number, other in enumerate(others) if other}
    ours, theirs = (Counter(name.partition(".")[0] for name in some if name) for some in (names, others))
    first = {other.partition(".")[0]: number for number, other in enumerate(others) if other}

    def partner(name: str) -> int | None:
        stem = name.partition(".")[0]
        for part in shorter(name):
            if part in numbers:
                return numbers[part]
        return first[stem] if ours[stem] == theirs[stem] == 1 else None

    return [partner(name) if name else None for name in names]
