"""What the recipes of all tasks have in common."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from ..models.card import Architecture, TrainingSet


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

    id: str
    title: str
    summary: str
    architecture: Architecture
    start_from: str | None = None
    sigma_max: float = 5.0
    halo: int = Field(default=96, ge=0)
    steps: int = 60_000
    batch_fields: int = 4
    echo: int = Field(default=1, ge=1)
    learning_rate: float = 0.01
    seed: int = 0
    training_data: tuple[TrainingSet, ...] = ()
    known_failures: tuple[str, ...] = ()
