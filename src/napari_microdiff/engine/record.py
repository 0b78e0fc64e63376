"""What a result says of itself, in a layer's metadata and in files."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from .events import Result

KEY = "napari_microdiff"


def record(result: Result, output: str, source: str, beside: Mapping[str, str] | None = None) -> dict[str, Any]:
    """Return the facts about one output of a result, which JSON can hold.

    Parameters
    ----------
    output : str
        Which of the result's arrays, by the name of its layer or file: "mean", "sample", "uncertainty", "residual",
        "labels", "depth" and so on.
    source : str
        Name of the image that it was made from.
    beside : mapping of str to str, optional
        Names of other images that it was made with, such as the one ``"behind"`` a mask.

    Returns
    -------
    dict
        The entries ``request``, ``report``, ``source``, ``output`` and ``region``; ``docs/trust.md`` explains them.
    """
    facts = {
        "request": result.request.model_dump(mode="json"),
        "report": result.report,
        "source": source,
        "output": output,
        "region": result.region,
        **(beside or {}),
    }
    plain: dict[str, Any] = json.loads(json.dumps(facts, default=_plain))
    return plain


def note(result: Result, output: str, source: str, beside: Mapping[str, str] | None = None) -> str:
    """Return the same as the description of a file: JSON under the key that `cli` and panel look for."""
    return json.dumps({KEY: record(result, output, source, beside)})


def _plain(value: Any) -> Any:
    return value.item() if hasattr(value, "item") else str(value)
