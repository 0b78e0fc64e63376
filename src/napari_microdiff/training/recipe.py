"""What the recipes of all tasks have in common."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Annotated, Any

from pydantic import AfterValidator, Field, field_validator

from ..engine.options import Finite, Frozen
from ..models.card import IDENTITY, Architecture, TrainingSet

GRID = 32  # pixels; squares whose sides are multiples of it suit any network


def _relative(pattern: str) -> str:
    absolute = PurePosixPath(pattern).is_absolute() or PureWindowsPath(pattern).is_absolute()
    if absolute or not _is_understood(pattern):
        raise ValueError(
            f"'{pattern}' has to be a pattern of files below the data folder, such as 'images/*.tif', or "
            "'images/**/*.tif' for folders within folders"
        )
    return pattern


def _is_understood(pattern: str) -> bool:
    """Try a pattern where there is nothing to find."""
    try:
        next(Path(__file__).glob(pattern), None)
    except (ValueError, IndexError):  # of none, of '**' within a name, and of the folder itself
        return False
    return True


def _ascending(bounds: tuple[Any, Any]) -> tuple[Any, Any]:
    if bounds[0] > bounds[1]:
        raise ValueError("the first number must not be larger than the second")
    return bounds


Pattern = Annotated[str, AfterValidator(_relative)]  # for `pathlib.Path.glob` in the data folder
_Positive = Annotated[Finite, Field(gt=0)]
_Share = Annotated[Finite, Field(ge=0, le=1)]
_Factor = Annotated[int, Field(ge=2, le=10)]
Range = Annotated[tuple[Finite, Finite], AfterValidator(_ascending)]
PositiveRange = Annotated[tuple[_Positive, _Positive], AfterValidator(_ascending)]  # which has logarithms
ShareRange = Annotated[tuple[_Share, _Share], AfterValidator(_ascending)]
FactorRange = Annotated[tuple[_Factor, _Factor], AfterValidator(_ascending)]  # as requests may ask for


def check_network(architecture: Architecture, wanted: Mapping[str, int]) -> None:
    """Raise ValueError if a network would not take and give what the task needs, which could not use the model."""
    for name, value in wanted.items():
        if getattr(architecture, name) != value:
            raise ValueError(f"architecture.{name} must be {value}, not {getattr(architecture, name)}")


class Recipe(Frozen):
    """What the recipes of all tasks have in common.

    Attributes
    ----------
    start_from : str, optional
        Model of the same task and architecture whose weights the run begins with; ``None`` begins with random ones.
    sigma_max : float
        Highest noise level, from which on the network is blind.
    halo : int
        Pixels around a tile that the network has to see; `benchmarks/tiling.py` shows whether they suffice.
    batch_fields : int
        Squares that a batch draws.
    echo : int
        Steps that each batch is used for, with other noise: for machines that learn faster than batches are made (Choi
        et al. 2019, arXiv:1907.05550).
    """

    id: str = Field(pattern=IDENTITY)
    title: str
    summary: str
    architecture: Architecture
    start_from: str | None = None
    sigma_max: float = Field(default=5.0, gt=0)
    halo: int = Field(default=96, ge=0)
    steps: int = Field(default=60_000, ge=1)
    batch_fields: int = Field(default=4, ge=1)
    echo: int = Field(default=1, ge=1)
    learning_rate: float = Field(default=0.01, ge=0)
    seed: int = Field(default=0, ge=0, lt=2**63)
    training_data: tuple[TrainingSet, ...] = ()
    known_failures: tuple[str, ...] = ()

    @field_validator("architecture")
    @classmethod
    def _suits_squares(cls, architecture: Architecture) -> Architecture:
        stride = architecture.unshuffle * 2 ** (len(architecture.widths) - 1)
        if GRID % stride:
            raise ValueError(
                f"with unshuffle {architecture.unshuffle} and {len(architecture.widths)} widths, sides of images would "
                f"have to be multiples of {stride} pixels, and those that are trained on are multiples of {GRID}. Take "
                "2 and up to 5 of them"
            )
        return architecture
