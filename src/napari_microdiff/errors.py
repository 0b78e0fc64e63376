"""What can go wrong for a reason that the user can mend.

Every message says what is wrong with which input and what to do about it. Anything else that is raised is a bug
and may show its traceback.
"""

from __future__ import annotations


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
