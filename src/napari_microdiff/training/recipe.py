"""What the recipes of all tasks have in common."""

from __future__ import annotations

from pathlib import PurePosixPath, PureWindowsPath
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from ..models.card import IDENTITY, Architecture, TrainingSet


def _relative(pattern: str) -> str:
    if not pattern or PurePosixPath(pattern).is_absolute() or PureWindowsPath(pattern).is_absolute():
        raise ValueError(f"'{pattern}' has to be a pattern of files below the data folder")
    return pattern


Pattern = Annotated[str, AfterValidator(_relative)]  # for `pathlib.Path.glob` in the data folder


class Part(BaseModel):
    """A part of a recipe; it cannot be changed, and takes no field that it does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Recipe(Part):
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
    seed: int = Field(default=0, ge=0)
    training_data: tuple[TrainingSet, ...] = ()
    known_failures: tuple[str, ...] = ()
