"""Memory: arrays that go to disk when they are large, and what to do when a device has no more."""

from __future__ import annotations

import math
import os
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from typing import IO, Any

import numpy as np
import torch
from numpy.typing import DTypeLike, NDArray

from ..errors import DeviceError, FileError
from .events import Notice
from .tiles import Reach, Tile, make_tiles, side_of, split_tile

_LARGEST_TO_WORK_ON = 2**26  # bytes in memory: a plane of 4096 x 4096
_LARGEST_RESULT = 2**29
_BLOCK = 2**20  # bytes of zeros that are written at once


def blank_array(
    shape: Sequence[int], dtype: DTypeLike = np.float32, largest_in_memory: int | None = None
) -> NDArray[Any]:
    """Return an array of zeros; a large one lies in an unnamed temporary file, which is gone with the array.

    Parameters
    ----------
    largest_in_memory : int, optional
        Bytes of the largest array that is kept in memory; ``None`` for what suits an array to work on.

    Raises
    ------
    FileError
        If there is no room for it on the disk; then no file is left.
    """
    size = int(np.prod(shape)) * np.dtype(dtype).itemsize
    if size <= (_LARGEST_TO_WORK_ON if largest_in_memory is None else largest_in_memory):
        return np.zeros(shape, dtype=dtype)
    try:
        with tempfile.TemporaryFile(prefix="microdiff-", buffering=0) as file:
            _reserve(file, size)
            return np.asarray(np.memmap(file, dtype=dtype, mode="r+", shape=tuple(shape)))  # holds on to the file
    except OSError as error:
        raise FileError(
            f"A temporary file of {size / 2**20:.0f} MiB cannot be made in {tempfile.tempdir or 'any folder'}: "
            f"{error.strerror or error}. Free some space there, or set the environment variable TMPDIR to a folder "
            "on another disk and start again."
        ) from error


def result_array(shape: Sequence[int], dtype: DTypeLike = np.float32) -> NDArray[Any]:
    """Return an array of zeros for a result, in a file only if it would crowd out what else is in memory."""
    return blank_array(shape, dtype, _LARGEST_RESULT)


def _reserve(file: IO[bytes], size: int) -> None:
    """Take room on the disk for a file; writing to a mapped page for which there is none would kill the process."""
    if hasattr(os, "posix_fallocate"):
        os.posix_fallocate(file.fileno(), 0, size)
        return
    while size:
        size -= file.write(bytes(min(size, _BLOCK)))


def is_out_of_memory(error: BaseException) -> bool:
    """Tell whether an error means that a device ran out of memory, in any of the ways that PyTorch says so."""
    if isinstance(error, (torch.OutOfMemoryError, MemoryError)):
        return True
    text = str(error).lower()
    return isinstance(error, RuntimeError) and ("out of memory" in text or "can't allocate memory" in text)


def release_memory(device: torch.device) -> None:
    """Give cached memory back to the device."""
    if device.type == "cuda":
        torch.cuda.empty_cache()
    elif device.type == "mps":
        torch.mps.empty_cache()


@dataclass
class Workplace:
    """Where tiles are evaluated.

    Attributes
    ----------
    device : torch.device
        Device of the network.
    batch : int
        How many tiles are evaluated at once.
    tile : int, optional
        Side of a tile; ``None`` for the whole plane at once.
    pixels : int
        Pixels that are evaluated at once where tiles are smaller than that.
    """

    device: torch.device
    batch: int = 1
    tile: int | None = None
    pixels: int = 0

    def count(self, tile: Tile) -> int:
        """Return how many tiles like this one are evaluated at once."""
        return max(self.batch, self.pixels // math.prod(tile.window_shape))

    def cut(self, tiles: Sequence[Tile], shape: Sequence[int], reach: Reach) -> list[Tile]:
        """Return tiles that were made before `shrink`, none of them larger than what is known to suffice."""
        if self.tile is None:
            return list(tiles)
        fitting = []
        for tile in tiles:
            small = side_of(tile, reach) <= self.tile
            fitting += [tile] if small else make_tiles(shape, tile.core, self.tile, reach)
        return fitting

    def shrink(self, failed: Sequence[Tile], shape: Sequence[int], reach: Reach) -> tuple[list[Tile], Notice]:
        """Ask for less memory: halve the batch, then the tiles.

        Returns
        -------
        list of Tile
            What to evaluate in place of the failed tiles; the result is the same, since tiles are exact.
        Notice
            What was done.

        Raises
        ------
        DeviceError
            If the tiles are as small as can be.
        """
        release_memory(self.device)
        if len(failed) > 1:
            self.batch, self.pixels = max(1, len(failed) // 2), 0
            message = f"Not enough memory on {self.device}: going on with {self.batch} tiles at once."
            return list(failed), Notice(message)
        smaller = split_tile(failed[0], shape, reach)
        if not smaller:
            remedy = (
                "Close other programs." if self.device.type == "cpu" else "Choose the CPU as device, or close others."
            )
            raise DeviceError(f"The memory of {self.device} does not suffice even for the smallest tile. {remedy}")
        self.tile = max(side_of(part, reach) for part in smaller)
        return smaller, Notice(f"Not enough memory on {self.device}: going on with tiles of {self.tile} pixels.")
