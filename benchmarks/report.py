"""Tables, claims and result files of the benchmarks, and the machine that they were measured on."""

from __future__ import annotations

import json
import math
import os
import platform
import statistics
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from rich.console import Console
from rich.table import Table

RESULTS = Path(__file__).resolve().parent / "results"

Row = dict[str, Any]

console = Console(width=None if os.isatty(1) else 150)


def machine() -> Row:
    """Describe the machine without naming it."""
    has = torch.cpu.get_capabilities() if hasattr(torch.cpu, "get_capabilities") else {}
    found: Row = {
        "cpu": _cpu_name(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "ram_gib": _ram_gib(),
        "system": platform.system(),
        "python": platform.python_version(),
        "torch": torch.__version__,
        "threads": torch.get_num_threads(),
        "bfloat16_units": [name for name in ("avx512_bf16", "amx_bf16") if has.get(name)],
    }
    if torch.cuda.is_available():
        found["gpu"] = torch.cuda.get_device_name()
    return found


def _cpu_name() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = (line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.machine())


def _ram_gib() -> float | None:
    if "SC_PHYS_PAGES" not in getattr(os, "sysconf_names", {}):
        return None
    return round(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30, 1)


def shown(value: object) -> str:
    """Return a value as it stands in a table: numbers with four significant digits."""
    if isinstance(value, bool):
        return "yes" if value else "NO"
    if not isinstance(value, float):
        return "" if value is None else str(value)
    if not math.isfinite(value) or value == 0:
        return f"{value:g}"
    return f"{value:.1e}" if abs(value) < 1e-3 else f"{value:.4g}" if abs(value) < 1e4 else f"{value:.0f}"


def plain(value: Any) -> Any:
    """Return a value that JSON can hold; floats are cut to six digits, and those that are not finite are ``None``."""
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, np.ndarray)):
        return [plain(item) for item in value]
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float):
        return float(f"{value:.6g}") if math.isfinite(value) else None
    return value


def mean_rows(rows: Sequence[Row], by: str) -> list[Row]:
    """Average the numbers of rows that agree in the column ``by``; other columns are left out."""
    groups: dict[Any, list[Row]] = {}
    for row in rows:
        groups.setdefault(row[by], []).append(row)
    return [{by: key, **_mean_of(group)} for key, group in groups.items()]


def _mean_of(rows: Sequence[Row]) -> Row:
    numbers = {key for key in rows[0] if all(isinstance(row.get(key), float) for row in rows)}
    return {key: statistics.fmean(row[key] for row in rows) for key in rows[0] if key in numbers}


def earlier_row(benchmark: str, tables: Sequence[str], method: str, folder: Path = RESULTS) -> Row | None:
    """Return the figures of a method in the result file that is there; ``None`` if it was not measured.

    Parameters
    ----------
    tables : sequence of str
        Titles of the tables over which its columns are spread.
    """
    path = folder / f"{benchmark}.json"
    if not path.exists():
        return None
    kept = json.loads(path.read_text(encoding="utf-8"))["tables"]
    rows = [row for title in tables for row in kept.get(title, []) if row["method"] == method]
    return {key: value for row in rows for key, value in row.items()} if len(rows) == len(tables) else None


def earlier_notes(benchmark: str, start: str, folder: Path = RESULTS) -> list[str]:
    """Return the notes in the result file that is there which begin so."""
    path = folder / f"{benchmark}.json"
    notes = json.loads(path.read_text(encoding="utf-8"))["notes"] if path.exists() else []
    return [note for note in notes if note.startswith(start)]


@dataclass
class Report:
    """Tables, claims and notes of one benchmark, printed as they come and saved at the end."""

    benchmark: str
    settings: Row
    tables: dict[str, list[Row]] = field(default_factory=dict)
    claims: list[Row] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def table(self, title: str, rows: Sequence[Row]) -> None:
        """Print and keep a table."""
        self.tables[title] = list(rows)
        columns = list(dict.fromkeys(key for row in rows for key in row))
        drawn = Table(title=title, title_justify="left")
        for column in columns:
            words = any(isinstance(row.get(column), str) for row in rows)
            drawn.add_column(column, justify="left" if words else "right")
        for row in rows:
            drawn.add_row(*(shown(row.get(column)) for column in columns))
        console.print(drawn)

    def claim(self, text: str, value: float, *, least: float = -math.inf, most: float = math.inf) -> None:
        """Keep a claim with the figure that holds it up or does not; printed by `save`."""
        self.claims.append({"claim": text, "value": value, "least": least, "most": most, "met": least <= value <= most})

    def note(self, text: str) -> None:
        """Print and keep a sentence, once."""
        if text in self.notes:
            return
        self.notes.append(text)
        console.print(text, style="italic", highlight=False)

    def save(self, out: Path | None, *, quick: bool) -> None:
        """Print the claims and write everything as JSON: to ``out``, or among the results unless this was ``quick``."""
        if self.claims:
            self.table("Claims", self.claims)
            del self.tables["Claims"]
        if out is None and quick:
            return
        path = out or RESULTS / f"{self.benchmark}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        content = {"benchmark": self.benchmark, "quick": quick, "machine": machine(), "settings": self.settings}
        content |= {"tables": self.tables, "claims": self.claims, "notes": self.notes}
        path.write_text(json.dumps(plain(content), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
        console.print(f"written: {path.name}")


def say(text: str) -> None:
    """Print what is being done."""
    console.print(f"… {text}", style="dim", highlight=False)
