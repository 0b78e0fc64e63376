"""Images on disk: TIFF, OME-TIFF, ImageJ TIFF and PNG in and out, JPEG in; tables as CSV out.

Only reading and writing live here. What a pixel means is kept on the way: axes, pixel size, channel names, type.
"""

from __future__ import annotations

from .picture import Picture
from .read import read_image
from .table import OutputTable
from .write import IMAGES, TABLES, OutputImage, check_writable, label_type, prepare, write_image, write_images

__all__ = [
    "IMAGES",
    "TABLES",
    "OutputImage",
    "OutputTable",
    "Picture",
    "check_writable",
    "label_type",
    "prepare",
    "read_image",
    "write_image",
    "write_images",
]
