"""A device that is not there is refused in words; formats are asked of the hardware."""

from __future__ import annotations

import pytest
import torch

from napari_microdiff.engine.device import (
    choose_device,
    choose_precision,
    default_batch,
    default_tile,
    describe_device,
    small_together,
    torch_dtype,
)
from napari_microdiff.errors import DeviceError

CPU = torch.device("cpu")
no_cuda = pytest.mark.skipif(torch.cuda.is_available(), reason="has a CUDA device")


def test_the_cpu_is_always_there():
    assert choose_device("cpu") == CPU
    assert describe_device(CPU) == "cpu"


@pytest.mark.parametrize(
    ("cuda", "mps", "expected"),
    [(True, False, "cuda"), (True, True, "cuda"), (False, True, "mps"), (False, False, "cpu")],
)
def test_auto_takes_the_best_there_is(monkeypatch, cuda, mps, expected):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: cuda)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: mps)
    assert choose_device("auto").type == expected


@no_cuda
@pytest.mark.parametrize("name", ["cuda", "cuda:0", "cuda:7", "cuda:99999999999", "cuda:x"])
def test_no_cuda_device_is_an_error_that_says_what_to_choose(name):
    with pytest.raises(DeviceError, match=f"no device '{name}'.*'auto' or 'cpu'.*under More.*--device"):
        choose_device(name)


def test_a_number_too_high_is_an_error(monkeypatch):
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    assert choose_device("cuda:1").index == 1
    with pytest.raises(DeviceError, match="cuda:2"):
        choose_device("cuda:2")


def test_no_apple_gpu_is_an_error_that_says_what_to_choose(monkeypatch):
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    with pytest.raises(DeviceError, match=r"Apple GPU.*'auto' or 'cpu'"):
        choose_device("mps")


@pytest.mark.parametrize(("name", "dtype"), [("float32", torch.float32), ("bfloat16", torch.bfloat16)])
def test_a_format_that_is_named_is_taken(name, dtype):
    assert choose_precision(name, CPU) == name
    assert torch_dtype(name) == dtype


@pytest.mark.parametrize(
    ("has", "expected"),
    [
        ({}, "float32"),
        ({"avx512_bf16": False, "amx_bf16": False}, "float32"),
        ({"avx512_bf16": True}, "bfloat16"),
        ({"amx_bf16": True}, "bfloat16"),
    ],
)
def test_the_cpu_is_asked_whether_it_multiplies_bfloat16(monkeypatch, has, expected):
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: has, raising=False)
    assert choose_precision("auto", CPU) == expected


@pytest.mark.parametrize(("capability", "expected"), [((7, 5), "float32"), ((8, 0), "bfloat16"), ((9, 0), "bfloat16")])
def test_a_gpu_is_asked_for_its_generation(monkeypatch, capability, expected):
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device: capability)
    assert choose_precision("auto", torch.device("cuda")) == expected


def test_the_choice_is_the_same_every_time():
    assert len({choose_precision("auto", CPU) for _ in range(5)}) == 1
    assert choose_precision("auto", torch.device("mps")) == "float32"


def test_tiles_are_on_the_grid_of_any_network():
    for device in (CPU, torch.device("cuda"), torch.device("mps")):
        assert default_tile(device) % 64 == 0
        assert default_batch(device) >= 1


def test_a_gpu_is_named(monkeypatch):
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda device: "Fast One")
    assert describe_device(torch.device("cuda:1")) == "cuda:1 (Fast One)"


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_a_real_gpu_is_chosen():
    assert choose_device("auto").type == "cuda"
    assert describe_device(choose_device("cuda:0")).startswith("cuda:0 (")


def test_only_a_gpu_gets_many_small_tiles_at_once():
    assert small_together(torch.device("cpu")) == 0
    assert small_together(torch.device("cuda")) >= 2**20
