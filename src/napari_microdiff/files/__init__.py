"""Images on disk: TIFF, OME-TIFF, ImageJ TIFF and PNG in and out, JPEG in.

Only reading and writing live here. What a pixel means is kept on the way: axes, pixel size, channel names, type.
"""

from __future__ import annotations

from .picture import Picture
from .read import read_image
from .write import OutputImage, check_writable, prepare, write_image, write_images

__all__ = ["OutputImage", "Picture", "check_writable", "prepare", "read_image", "write_image", "write_images"]
