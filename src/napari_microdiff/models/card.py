"""The card of a model: what it is for, what it was trained on, how well it does and where it fails."""

from __future__ import annotations

from collections.abc import Sized
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from ..errors import ModelError, problem_of

CARD_NAME = "card.yaml"
IDENTITY = "^[a-z0-9][a-z0-9._-]*$"  # of models, which are folders of that name
LONGEST_IDENTITY = 100  # letters of a model that is made here: file systems end at 143 to 255, Windows' paths at 260

# Cards hold long rows of numbers, and all of them are read whenever a model is looked up. libyaml reads them many times
# as fast as Python does; nearly every build of PyYAML has it.
_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _Row(list[float]):
    """Numbers that are written in one line."""


class _Dumper(getattr(yaml, "CSafeDumper", yaml.SafeDumper)):  # type: ignore[misc]
    """Writes rows of numbers as rows, which leaves the rest of a card readable."""


_Dumper.add_representer(
    _Row, lambda dumper, row: dumper.represent_sequence("tag:yaml.org,2002:seq", row, flow_style=True)
)


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class TrainingSet(_Part):
    """Images that a model was trained on, with the licence and the credit that they ask for."""

    name: str
    licence: str
    attribution: str


class Quality(_Part):
    """One measured figure and the command that printed it."""

    measure: str
    data: str
    value: float
    unit: str
    command: str


class Architecture(_Part):
    """Constructor arguments of the network."""

    dims: Literal[2, 3] = 2
    channels: int = Field(default=1, ge=1)
    condition_channels: int = Field(default=0, ge=0)
    vector_length: int = Field(default=0, ge=0)
    widths: tuple[Annotated[int, Field(ge=1)], ...] = Field(min_length=1)
    blocks: int = Field(ge=1)
    unshuffle: int = Field(default=2, ge=1)
    injection: Literal["input", "concatenate", "modulate"] = "input"

    @property
    def stride(self) -> int:
        """The network's grid: sides in y and x must be multiples of this."""
        return self.unshuffle << (len(self.widths) - 1)


class Familiarity(_Part):
    """What some statistics of the training images look like, to tell when an image is unlike them.

    Attributes
    ----------
    mean, precision : tuple of float, tuple of tuple of float
        Mean of the statistics over the training images and the inverse of their covariance.
    threshold : float
        Mahalanobis distance that 99 % of the training images stay under.
    """

    mean: tuple[float, ...]
    precision: tuple[tuple[float, ...], ...]
    threshold: float

    @model_validator(mode="after")
    def _of_one_length(self) -> Self:
        if any(len(row) != len(self.mean) for row in (self.precision, *self.precision)):
            raise ValueError("the precision has to have a row and a column for each mean")
        return self

    def fits(self, statistics: Sized) -> bool:
        """Whether it tells of as many statistics; another version of this package may know of others."""
        return len(self.mean) == len(statistics)


class KnownOriginals(_Part):
    """What tells copies of the training images from images that the model drew itself.

    Attributes
    ----------
    limit : float
        How like the nearest of the training patches a patch of held-out images is at most; what is more like one is
        taken for a copy. See `imaging.originals`.
    count : int
        Training patches that are known.
    sha256 : str
        Fingerprint of the file that holds them.
    """

    limit: float
    count: int
    sha256: str = Field(pattern="^[0-9a-f]{64}$")


class Card(_Part):
    """Everything about a model that is not a weight.

    Attributes
    ----------
    id, title, summary : str
        ``title`` is what a menu shows; ``summary`` one line on what the model was trained on.
    task : str
        The task that it serves.
    sigma_data : float
        Standard deviation of the normalised training targets.
    sigma_max : float
        Noise level from which sampling starts, in normalised units.
    halo : int
        Pixels around a tile that the network needs to see for a result free of seams.
    spread_scale : float
        What the network's own standard deviations are multiplied by to be right on the validation images.
    pixel_size_um : (float, float), optional
        Range of pixel sizes in the training images.
    diameter_px : float, optional
        Typical diameter of the objects that it finds, to which images are brought.
    depth : {"even", "steep"}
        How it draws the depth of objects; see `imaging.instances.as_drawn`.
    classes : tuple of str
        Names of the classes of objects that it draws, in the order of their numbers; empty where there is only one.
    factors : tuple of int
        By how much it makes pixels finer.
    familiarity, content : Familiarity, optional
        How noisy and how sharp the training images are, and what they show: see `imaging.spectrum` and
        `imaging.texture`.
    architecture : Architecture
        How to build the network.
    weights_sha256 : str
        Fingerprint of ``weights.safetensors``.
    parent : str, optional
        The model that this one was adapted from.
    """

    id: str = Field(pattern=IDENTITY)
    title: str
    summary: str
    task: Literal["denoise", "superresolve", "isotropic", "segment", "synthesize"]
    version: str = "1"
    licence: str = "BSD-3-Clause"
    axes: str = "YX"
    pixel_size_um: tuple[float, float] | None = None
    diameter_px: float | None = Field(default=None, gt=0)
    sigma_data: float = Field(gt=0)
    sigma_max: float = Field(gt=0)
    halo: int = Field(ge=0)
    spread_scale: float = Field(default=1.0, gt=0)
    depth: Literal["even", "steep"] = "even"
    classes: tuple[str, ...] = ()
    factors: tuple[int, ...] = ()
    architecture: Architecture
    weights_sha256: str = Field(pattern="^[0-9a-f]{64}$")
    parent: str | None = None
    training_data: tuple[TrainingSet, ...] = ()
    training: dict[str, Any] = {}
    quality: tuple[Quality, ...] = ()
    known_failures: tuple[str, ...] = ()
    familiarity: Familiarity | None = None
    content: Familiarity | None = None
    originals: KnownOriginals | None = None


def read_card(folder: Path) -> Card:
    """Read the card of the model in ``folder``.

    Raises
    ------
    ModelError
        If there is no card or it is not valid.
    """
    path = folder / CARD_NAME
    try:
        return _parsed(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ModelError(f"{folder} is not a model: it has no {CARD_NAME}.") from None
    except ValidationError as error:
        first = error.errors()[0]
        problem = problem_of(".".join(str(part) for part in first["loc"]) or "card", first["msg"])
        raise ModelError(f"{path} is not a valid model card: {problem}.") from None
    except (yaml.YAMLError, ValueError):  # of bytes that are no text, and of dates that there are not
        raise ModelError(f"{path} is not readable as YAML. Get the model again from its source.") from None


@lru_cache(maxsize=64)
def _parsed(text: str) -> Card:
    """Parse what has not changed only once; every request looks for its model among all."""
    return Card.model_validate(yaml.load(text, Loader=_Loader))


def write_card(card: Card, folder: Path) -> None:
    """Write ``card`` into ``folder`` as YAML."""
    content = _in_rows(card.model_dump(mode="json"))
    text: str = yaml.dump(content, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=110)
    (folder / CARD_NAME).write_text(text, encoding="utf-8")


def _in_rows(content: Any) -> Any:
    """Mark all lists of numbers as rows."""
    if isinstance(content, dict):
        return {name: _in_rows(value) for name, value in content.items()}
    if isinstance(content, list) and content and all(isinstance(value, int | float) for value in content):
        return _Row(content)
    return [_in_rows(value) for value in content] if isinstance(content, list) else content
