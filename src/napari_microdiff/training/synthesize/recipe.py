"""Recipes of models that draw images from masks."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from ...imaging.mask_maps import EXTRA_MAPS
from ...imaging.style import style_length
from ..recipe import Recipe, check_network
from ..segment.recipe import Labelled


class SynthesizeRecipe(Recipe):
    """A training run of a model that makes images from masks.

    Attributes
    ----------
    labelled : tuple of Labelled
        The images; in colours if the architecture has three channels.
    classes : tuple of str
        Names of the classes of objects, as the tables have them; empty where all objects are of one.
    diameter_px : float
        Median diameter of objects that images are brought to.
    zoom : float
        Standard deviation of the logarithm of what they miss it by: objects of these sizes can be drawn.
    crops : int
        That are cut from each square.
    untold : float
        Share of the crops that are shown neither mask nor style, for classifier-free guidance; as large a share again
        is not told the style only.
    """

    task: Literal["synthesize"]
    labelled: tuple[Labelled, ...] = Field(min_length=1)
    classes: tuple[str, ...] = ()
    diameter_px: float = Field(default=24.0, gt=4)
    zoom: float = Field(default=0.35, ge=0)
    crops: int = Field(default=2, ge=1)
    untold: float = Field(default=0.15, ge=0, le=0.5)

    @model_validator(mode="after")
    def _suits_the_task_and_its_classes(self) -> SynthesizeRecipe:
        channels = self.architecture.channels
        if channels not in (1, 3):
            raise ValueError(f"architecture.channels must be 1, or 3 for images in colours, not {channels}")
        check_network(self.architecture, {"dims": 2, "vector_length": style_length(channels)})
        maps = max(1, len(self.classes)) + EXTRA_MAPS
        if self.architecture.condition_channels != maps:
            raise ValueError(f"architecture.condition_channels must be {maps}: one for each class, and {EXTRA_MAPS}")
        if len(set(self.classes)) < len(self.classes):
            raise ValueError("classes: each needs a name of its own")
        if self.classes and not all(entry.objects for entry in self.labelled):
            raise ValueError("classes: each entry of labelled needs the tables that name them, objects")
        return self
