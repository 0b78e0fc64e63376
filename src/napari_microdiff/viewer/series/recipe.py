"""How the images of a series are segmented."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from ...engine.options import SegmentOptions
from ...engine.request import Request
from ...files import Picture

AUTOMATIC = "automatic"
STEPS = SAMPLES = 4  # several samples, so that each object has a confidence


@dataclass(frozen=True)
class SeriesRecipe:
    """The settings of a series.

    Attributes
    ----------
    model : str
        Identity of the model.
    shown : str
        How objects are shown, as in `SegmentOptions`, or ``"automatic"``: stained in an image in colours, else bright.
    diameter : float, optional
        Typical diameter in pixels; None measures it in each image.
    device : str
        Where the model runs.
    """

    model: str = Request(task="segment").model
    shown: str = AUTOMATIC
    diameter: float | None = None
    device: str = "auto"

    def request(self, picture: Picture) -> Request:
        """Return what is asked for an image."""
        automatic = "stained" if picture.rgb else "bright"
        shown: Any = automatic if self.shown == AUTOMATIC else self.shown
        return Request(
            task="segment",
            model=self.model,
            steps=STEPS,
            samples=SAMPLES,
            axes=picture.axes,
            device=self.device,
            options=SegmentOptions(shown=shown, diameter=self.diameter),
        )

    def facts(self) -> dict[str, Any]:
        """Return what the journal of a series keeps."""
        return {key: value for key, value in asdict(self).items() if key != "device"}

    @classmethod
    def from_facts(cls, facts: Mapping[str, Any], device: str) -> SeriesRecipe:
        """Return the settings that a journal kept; what it lacks is as usual."""
        known = {field.name for field in fields(cls)} - {"device"}
        return cls(device=device, **{key: value for key, value in facts.items() if key in known})
