"""Whether an image that was drawn under a mask is one to learn from, and if not, why.

A segmenter that learns from pairs learns their faults, too. So an image has to show the objects of its mask, and to
look like the image whose style it was to have.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass


@dataclass(frozen=True)
class Scores:
    """What was measured of one image; ``None`` where it was not.

    Attributes
    ----------
    mask : float, optional
        Panoptic quality of the objects that a segmenter found in the image, against the mask; 1 is best.
    spectrum_db, fine_db, levels : float, optional
        How far its style is from that of the reference, see `style.Unlikeness`; 0 is best.
    nearest : float, optional
        How like one of the training images of the model the part of it is that is most like one, see
        `originals.Originals`; 1 is a copy.
    """

    mask: float | None = None
    spectrum_db: float | None = None
    fine_db: float | None = None
    levels: float | None = None
    nearest: float | None = None

    def as_dict(self) -> dict[str, float]:
        """Return what was measured."""
        return {name: value for name, value in asdict(self).items() if value is not None}


@dataclass(frozen=True)
class Limits:
    """From which scores on an image is rejected; ``None`` never does.

    The limits of the style are those that the two halves of nine of ten real images of nuclei keep
    (``benchmarks/real_halves.py``).

    Attributes
    ----------
    mask : float, optional
        Rejected below.
    spectrum_db, levels : float, optional
        Rejected above.
    nearest : float, optional
        Rejected above; usually that of the model, see `models.card.KnownOriginals`.
    """

    mask: float | None = 0.6
    spectrum_db: float | None = 8.0
    levels: float | None = 0.15
    nearest: float | None = None

    def reasons(self, scores: Scores) -> tuple[str, ...]:
        """Return why an image is rejected, each reason a sentence; nothing if it is good."""
        found = []
        if _below(scores.mask, self.mask):
            found.append(
                f"The objects of the mask do not come back: a segmenter agrees with it to {scores.mask:.2f}, and "
                f"{self.mask:.2f} is asked for."
            )
        if _below(self.spectrum_db, scores.spectrum_db):
            found.append(
                f"{_texture(scores.fine_db, scores.spectrum_db)}: {scores.spectrum_db:.1f} dB apart, and up to "
                f"{self.spectrum_db:.1f} dB are allowed."
            )
        if _below(self.levels, scores.levels):
            found.append(
                f"Its grey levels are not those of the reference: {scores.levels:.0%} of their range apart, and up to "
                f"{self.levels:.0%} are allowed."
            )
        if _below(self.nearest, scores.nearest):
            found.append(
                f"A part of it is nearer to an image that the model was trained on than real images are: "
                f"{scores.nearest:.2f}, and up to {self.nearest:.2f} is allowed."
            )
        return tuple(found)


def _texture(fine_db: float | None, spectrum_db: float | None) -> str:
    """Say what it is about a spectrum that is not that of the reference."""
    if fine_db is None or spectrum_db is None or abs(fine_db) < spectrum_db / 2:
        return "Its texture is not that of the reference"
    if fine_db < 0:
        return "It is smoother than the reference, or has less noise, which a camera on top of it would add"
    return "It is sharper than the reference, or has more noise"


def _below(value: float | None, limit: float | None) -> bool:
    return value is not None and limit is not None and value < limit
