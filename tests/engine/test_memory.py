"""Large arrays live in files that vanish; too little memory makes tiles smaller until it cannot."""

from __future__ import annotations

import errno
import gc
import io
import os
import tempfile
import weakref

import numpy as np
import pytest
import torch

from napari_microdiff.engine.memory import Workplace, blank_array, is_out_of_memory, release_memory
from napari_microdiff.engine.tiles import Reach, make_tiles
from napari_microdiff.errors import DeviceError, FileError

CPU = torch.device("cpu")
REACH = Reach.of(4, 32)
SHAPE = (256, 256)
ALL = ((0, 256), (0, 256))


def on_disk(array):
    return isinstance(array.base, np.memmap)


@pytest.mark.parametrize(("dtype", "rows"), [(np.float32, 10), (np.float64, 5)])
def test_small_arrays_are_in_memory_and_large_ones_on_disk(dtype, rows):
    small, large = (blank_array((10, n), dtype, largest_in_memory=400) for n in (rows, rows + 1))
    assert not on_disk(small)
    assert on_disk(large)
    for array in (small, large):
        assert type(array) is np.ndarray
        assert array.dtype == dtype
        assert not array.any()
        array[3:5] = 2
        assert array.sum() == 4 * array.shape[1]


def test_a_file_goes_with_the_last_view_of_its_array(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    array = blank_array((64, 64), largest_in_memory=0)
    array[...] = 1
    file, view = weakref.ref(array.base), array[3:5]
    del array
    gc.collect()
    assert view.sum() == 2 * 64
    assert file() is not None
    del view
    gc.collect()
    assert file() is None
    assert list(tmp_path.iterdir()) == []


def no_room(*_):
    raise OSError(errno.ENOSPC, "No space left on device")


class FullFile(io.FileIO):
    write = no_room


@pytest.mark.parametrize("reserves", [True, False], ids=["reserved", "written"])
def test_a_full_disk_is_said_before_an_array_is_written_to(tmp_path, monkeypatch, reserves):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    file = FullFile(tmp_path / "file", "w+")
    monkeypatch.setattr(tempfile, "TemporaryFile", lambda **_: file)
    if reserves:
        monkeypatch.setattr(os, "posix_fallocate", no_room, raising=False)
    else:
        monkeypatch.delattr(os, "posix_fallocate", raising=False)
    with pytest.raises(FileError) as told:
        blank_array((1024, 1024), largest_in_memory=0)
    assert f"A temporary file of 4 MiB cannot be made in {tmp_path}: No space left" in str(told.value)
    assert "Free some space there, or set the environment variable TMPDIR" in str(told.value)
    assert file.closed


def test_where_room_cannot_be_reserved_all_of_a_file_is_written(monkeypatch):
    monkeypatch.delattr(os, "posix_fallocate", raising=False)
    array = blank_array((600, 700), largest_in_memory=0)
    assert array.shape == (600, 700)
    assert not array.any()


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB"), True),
        (MemoryError(), True),
        (
            RuntimeError("[enforce fail at alloc_cpu.cpp:117] DefaultCPUAllocator: can't allocate memory: you tried"),
            True,
        ),
        (RuntimeError("MPS backend out of memory (MPS allocated: 1 GB)"), True),
        (RuntimeError("Given groups=1, weight of size [4, 9] expected input"), False),
        (ValueError("out of memory"), False),
        (KeyboardInterrupt(), False),
    ],
)
def test_only_a_lack_of_memory_is_one(error, expected):
    assert is_out_of_memory(error) is expected


def test_releasing_memory_of_the_cpu_does_nothing():
    release_memory(CPU)


def test_first_the_batch_shrinks_then_the_tiles():
    workplace = Workplace(CPU, batch=4, tile=64)
    tiles = make_tiles(SHAPE, ALL, 64, REACH)[:4]
    again, notice = workplace.shrink(tiles, SHAPE, REACH)
    assert (again, workplace.batch, workplace.tile) == (tiles, 2, 64)
    assert "2 tiles at once" in notice.message
    again, _ = workplace.shrink(again[:2], SHAPE, REACH)
    assert workplace.batch == 1
    smaller, notice = workplace.shrink(tiles[:1], SHAPE, REACH)
    assert len(smaller) == 4
    assert workplace.tile == 32
    assert "tiles of 32 pixels" in notice.message


def test_small_tiles_are_evaluated_together_until_memory_runs_out():
    small, large = (make_tiles(SHAPE, ALL, side, REACH)[0] for side in (32, None))
    workplace = Workplace(CPU, batch=2, tile=32, pixels=4 * 64 * 64)
    area = np.prod(small.window_shape)
    assert workplace.count(small) == max(2, 4 * 64 * 64 // area)
    assert workplace.count(large) == 2
    workplace.shrink([small] * 4, SHAPE, REACH)
    assert workplace.count(small) == 2


def test_a_batch_of_three_shrinks_to_one():
    workplace = Workplace(CPU, batch=4, tile=64)
    workplace.shrink(make_tiles(SHAPE, ALL, 64, REACH)[:3], SHAPE, REACH)
    assert workplace.batch == 1


def test_tiles_shrink_by_half_wherever_they_lie_on_the_grid():
    # The first part of a tile that begins off the grid is a sliver; later tiles need not be as small as that.
    workplace = Workplace(CPU, tile=None)
    tile = make_tiles(SHAPE, ((60, 160), (60, 160)), None, REACH)[0]
    smaller, _ = workplace.shrink([tile], SHAPE, REACH)
    largest = max(b - a for part in smaller for a, b in part.core)
    assert 40 < largest <= 50
    assert workplace.tile == largest


def test_in_the_end_the_user_is_told_what_to_do():
    tile = make_tiles(SHAPE, ((0, 8), (0, 8)), None, REACH)[0]
    with pytest.raises(DeviceError, match=r"memory of cpu does not suffice.*Close other programs"):
        Workplace(CPU).shrink([tile], SHAPE, REACH)


def test_on_a_gpu_the_advice_is_the_cpu(monkeypatch):
    monkeypatch.setattr(torch.cuda, "empty_cache", lambda: None)
    tile = make_tiles(SHAPE, ((0, 4), (0, 4)), None, REACH)[0]
    with pytest.raises(DeviceError, match=r"memory of cuda does not suffice.*Choose the CPU"):
        Workplace(torch.device("cuda")).shrink([tile], SHAPE, REACH)


@pytest.mark.parametrize(("kind", "module"), [("cuda", torch.cuda), ("mps", torch.mps)])
def test_cached_memory_is_given_back(monkeypatch, kind, module):
    calls = []
    monkeypatch.setattr(module, "empty_cache", lambda: calls.append(kind))
    release_memory(torch.device(kind))
    assert calls == [kind]
