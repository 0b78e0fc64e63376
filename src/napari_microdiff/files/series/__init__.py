"""A folder of images that is gone through one by one: what is known of each image, and its labels, on disk.

The images are never touched. Labels, tables and one journal lie in a folder of ours, beside the images or elsewhere.
"""

from __future__ import annotations

from .fingerprint import Fingerprint
from .journal import Entry, State
from .labelled import Labelled, labels_axes
from .listing import list_images, natural_order
from .objects import ACCEPTED, AUTO, EDITED, changed_objects, describe
from .opening import OUTPUT, OutputError, open_series
from .store import Series

__all__ = [
    "ACCEPTED",
    "AUTO",
    "EDITED",
    "OUTPUT",
    "Entry",
    "Fingerprint",
    "Labelled",
    "OutputError",
    "Series",
    "State",
    "changed_objects",
    "describe",
    "labels_axes",
    "list_images",
    "natural_order",
    "open_series",
]
