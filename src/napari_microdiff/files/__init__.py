"""Images on disk: TIFF, OME-TIFF, ImageJ TIFF and PNG in and out, JPEG in; tables as CSV.

Labels also become OME-Zarr, and in `rois` and `training_set`, which load more, ROIs of ImageJ and training sets.

Only reading and writing live here. What a pixel means is kept on the way: axes, pixel size, channel names, type.
"""

from __future__ import annotations

from .label_image import as_labels, checked_labels, describe_objects, on_image
from .picture import Picture
from .read import read_image
from .table import OutputTable
from .table_reader import read_table
from .write import IMAGES, TABLES, OutputImage, check_writable, label_type, prepare, write_image, write_images
from .zarr_labels import write_zarr_labels

__all__ = [
    "IMAGES",
    "TABLES",
    "OutputImage",
    "OutputTable",
    "Picture",
    "as_labels",
    "check_writable",
    "checked_labels",
    "describe_objects",
    "label_type",
    "on_image",
    "prepare",
    "read_image",
    "read_table",
    "write_image",
    "write_images",
    "write_zarr_labels",
]
