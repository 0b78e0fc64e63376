"""Recipes of models that outline objects, and the labelled images that they learn from."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from ...engine.options import Frozen
from ..recipe import Pattern, Recipe, check_network

_NETWORK = {"dims": 2, "channels": 2, "condition_channels": 4, "vector_length": 0}


class Labelled(Frozen):
    """Images whose objects were outlined.

    Attributes
    ----------
    images, labels : str
        Glob patterns below the data folder, matched in the order of their names.
    shown : {"bright", "dark", "stained"}
        Whether objects are brighter than the background, darker, or of another colour.
    hold_out : int
        Every so many images one is kept for validation.
    weight : float
        How often images from here are drawn, relative to the other entries.
    objects : str, optional
        Glob pattern of tables (CSV) with the columns ``label`` and ``class``, matched as the labels are; for models
        that know classes.
    """

    images: Pattern
    labels: Pattern
    objects: Pattern | None = None
    shown: Literal["bright", "dark", "stained"] = "bright"
    hold_out: int = Field(default=8, ge=2)
    weight: float = Field(default=1.0, gt=0)


class SegmentRecipe(Recipe):
    """A training run of a model that outlines objects.

    Attributes
    ----------
    labelled : tuple of Labelled
        The images.
    diameter_px : float
        Median diameter of objects that images are brought to.
    zoom : float
        Standard deviation of the logarithm of what they miss it by, so that diameters may be told a little wrong.
    altered : float
        Share of the crops that are shown as another microscope would, with other light, blur, noise and ground.
    strokes : float
        Share of the crops on which a user has drawn.
    depth : {"even", "steep"}
        How the depth of objects is drawn; see `imaging.instances.as_drawn`.
    blind : int
        Crops in eight that are trained as a regression network is, for one evaluation; the rest is for sampling.
    """

    task: Literal["segment"]
    labelled: tuple[Labelled, ...] = Field(min_length=1)
    diameter_px: float = Field(default=24.0, gt=4)
    zoom: float = Field(default=0.3, ge=0)
    altered: float = Field(default=0.7, ge=0, le=1)
    strokes: float = Field(default=0.5, ge=0, le=1)
    depth: Literal["even", "steep"] = "even"
    blind: int = Field(default=4, ge=1, le=8)

    @model_validator(mode="after")
    def _suits_the_task(self) -> SegmentRecipe:
        check_network(self.architecture, _NETWORK)
        return self
