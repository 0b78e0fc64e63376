"""A folder of images that is gone through one by one: what is known of each image, and its labels, on disk.

The images are never touched. Labels, tables and one journal lie in a folder of ours, beside the images or elsewhere.
"""

from __future__ import annotations

from .fingerprint import Fingerprint
from .journal import Entry, State
from .listing import list_images, natural_order
from .objects import ACCEPTED, AUTO, EDITED, changed_objects, state_table
from .opening import OUTPUT, OutputError, open_series
from .segmentation import Segmentation, labels_axes
from .store import Series

__all__ = [
    "ACCEPTED",
    "AUTO",
    "EDITED",
    "OUTPUT",
    "Entry",
    "Fingerprint",
    "OutputError",
    "Segmentation",
    "Series",
    "State",
    "changed_objects",
    "labels_axes",
    "list_images",
    "natural_order",
    "open_series",
    "state_table",
]
