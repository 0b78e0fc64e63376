"""Write the benchmarks' results into the documentation, so that no figure is copied by hand.

Every ``<!-- figures: NAME -->`` in README and docs is followed by what ``benchmarks/results/NAME.json`` says, up to
``<!-- end of figures -->``. Run it after a benchmark: ``python benchmarks/fill_docs.py``.
"""

from __future__ import annotations

import json
import math
import re
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "benchmarks" / "results"
END = "<!-- end of figures -->"
MARK = re.compile(rf"<!-- figures: (\w+) -->\n(?:(?:(?!<!-- figures:).)*?{re.escape(END)}\n)?", re.DOTALL)

# Of these the table with this title is shown, in these columns; of others the claims.
COLUMNS = ("method", "dB over Gaussian", "PSNR dB", "SSIM", "resolution px")
GAINS = ("share of the outlined images", "images alone", "images and pairs", "gain", "sd of the gain over seeds")
TABLES = {
    "denoise_quality": ("mean over the images", COLUMNS),
    "denoise_breadth": ("mean over all", COLUMNS),
    "segment_stacks": ("objects in space", ("stack", "method", "labelled", "found", "AP 0.3", "AP 0.5")),
    "segment_quality": ("fluo", ("method", "AP .5", "mean AP .5-.9", "pooled AP .5", "Dice", "count error")),
    "segment_speed": ("1024 x 1024", ("method", "seconds", "times ours")),
    "gpu": ("one evaluation of 1024 x 1024, bfloat16", ("what", "a second")),
    "synth_fidelity": (
        "the masks come back, and distances from real images",
        (
            "images",
            "AP .5, StarDist",
            "AP .5, segment-nuclei",
            "AP .5, Otsu",
            "spectrum dB",
            "levels",
            "kernel distance",
        ),
    ),
    "adapt_gain": (
        "300 steps of learning from the noisy image",
        ("image", "model, PSNR dB", "gain, dB", "estimate, dB"),
    ),
    "augmentation_gain": ("means", GAINS),
    "augmentation_gain_longer": ("means", GAINS),
    "augmentation_gain_outsider": ("means", GAINS),
    "correction_effort": (
        "one stroke for each mistake",
        ("mistake", "count", "put right", "put right without the model", "others spoiled", "median s"),
    ),
}


def number(value: Any) -> str:
    """Return a value as it stands in a table."""
    if isinstance(value, bool):
        return "yes" if value else "**no**"
    if not isinstance(value, float) or not math.isfinite(value):
        return "" if value is None else str(value)
    return f"{value:.1e}" if 0 < abs(value) < 1e-3 else f"{value:.4g}" if abs(value) < 1e3 else f"{value:,.0f}"


def table(rows: list[dict[str, Any]], columns: tuple[str, ...]) -> str:
    """Return rows as a Markdown table."""
    first, *others = columns
    lines = [f"| {' | '.join(columns)} |", f"|---|{'---:|' * len(others)}"]
    lines += [f"| {row[first]} | {' | '.join(number(row.get(name)) for name in others)} |" for row in rows]
    return "\n".join(lines)


def claims(found: list[dict[str, Any]]) -> str:
    """Return what was claimed, what was measured, and whether that holds."""
    rows = []
    for claim in found:
        least, most = (None if end is None or math.isinf(end) else end for end in (claim["least"], claim["most"]))
        wanted = " to ".join(number(float(end)) for end in (least, most) if end is not None)
        word = "" if least is not None and most is not None else "at least " if least is not None else "at most "
        rows.append({"": claim["claim"], "measured": claim["value"], "wanted": word + wanted, "holds": claim["met"]})
    return table(rows, ("", "measured", "wanted", "holds"))


def section(name: str) -> str:
    """Return what the documentation shows of a benchmark; nothing if it has not been run."""
    path = RESULTS / f"{name}.json"
    if not path.exists():
        return ""
    content = json.loads(path.read_text(encoding="utf-8"))
    machine = content["machine"]
    if name in TABLES:
        title, columns = TABLES[name]
        rows = content["tables"][title]
        measured = tuple(column for column in columns if any(column in row for row in rows))
        shown = table(rows, measured)
    else:
        shown = claims(content["claims"])
    cores = f"{machine['cores']} core{'s' * (machine['cores'] != 1)}"
    where = f"{machine['cpu']}, {cores}" + (f", {machine['gpu']}" if "gpu" in machine else "")
    notes = " ".join(content["notes"])
    by = script(name)
    return f"{shown}\n\n*Measured by `benchmarks/{by}.py` on {where}. {notes}*".replace(". *", ".*")


def script(name: str) -> str:
    """Return the benchmark that printed a result, such as ``gui_responsiveness`` for that of one of its tasks."""
    while not (ROOT / "benchmarks" / f"{name}.py").exists() and "_" in name:
        name = name.rpartition("_")[0]
    return name


def filled(text: str) -> str:
    """Return a page with the present results in it."""

    def fill(mark: re.Match[str]) -> str:
        name = mark.group(1)
        shown = section(name)
        opening = f"<!-- figures: {name} -->\n"
        return f"{opening}\n{shown}\n\n{END}\n" if shown else opening

    return MARK.sub(fill, text)


def pages() -> list[Path]:
    """Return the files that may show figures."""
    return [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


def main() -> None:
    """Fill all pages and say which changed."""
    for page in pages():
        before = page.read_text(encoding="utf-8")
        after = filled(before)
        if after != before:
            page.write_text(after, encoding="utf-8")
            print(f"filled {page.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
