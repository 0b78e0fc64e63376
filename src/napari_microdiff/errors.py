"""What can go wrong for a reason that the user can mend.

Every message says what is wrong with which input and what to do about it. Anything else that is raised is a bug
and may show its traceback.
"""

from __future__ import annotations

import re

_IN_PLAIN_WORDS = (
    ("Value error, ", ""),
    ("Input should be greater than or equal to", "must be at least"),
    ("Input should be greater than", "must be more than"),
    ("Input should be less than or equal to", "must be at most"),
    ("Input should be a valid integer.*", "must be a whole number"),
    ("Input should be a valid number.*", "must be a number"),
    ("Input should be a valid string.*", "must be text"),
    ("Input should be", "must be"),
    ("Field required", "is missing"),
    ("Extra inputs are not permitted", "is not known here"),
)  # for how pydantic begins


class MicrodiffError(Exception):
    """Base of all errors that are shown to people: one sentence on what is wrong, one on what to do."""


class ImageError(MicrodiffError):
    """The image cannot be processed: empty, not finite, of an unusable type or number of axes."""


class RequestError(MicrodiffError):
    """The request asks for something that does not exist or does not fit the image."""


class ModelError(MicrodiffError):
    """A model is unknown, its card is invalid, or its weights are missing, corrupt or foreign."""


class ModelExistsError(ModelError):
    """There is a model where another one was to be saved."""


class FileError(MicrodiffError):
    """A file cannot be read or written."""


class DeviceError(MicrodiffError):
    """The chosen device does not exist here or has too little memory even for the smallest tile."""


class TrainingError(MicrodiffError):
    """Training data or a recipe are unusable."""


class VersionError(MicrodiffError):
    """Another package is too old."""


def in_plain_words(message: str) -> str:
    """Return what pydantic says of a value, as one would say it after the name of the field."""
    for theirs, ours in _IN_PLAIN_WORDS:
        said, changed = re.subn(f"^{theirs}", ours, message)
        if changed:
            return said
    return message


def problem_of(field: str, message: str) -> str:
    """Return what pydantic says of the value of a field, with its name."""
    said = in_plain_words(message)
    return f"{field} {said}" if said.startswith(("must be", "is ")) else f"{field}: {said}"
