"""Which device computes, in which number format, on how much at once."""

from __future__ import annotations

from typing import Literal

import torch

from ..errors import DeviceError

Precision = Literal["float32", "bfloat16"]
_DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16}
_KINDS = ("cpu", "cuda", "mps")
_FIRST_CUDA_WITH_BFLOAT16 = (8, 0)


def choose_device(name: str) -> torch.device:
    """Return the device of this name, or the best there is for ``"auto"``.

    Raises
    ------
    DeviceError
        If there is no such device here.
    """
    if name == "auto":
        if torch.cuda.is_available():
            return torch.device("cuda")
        return torch.device("mps" if torch.backends.mps.is_available() else "cpu")
    kind = name.split(":", maxsplit=1)[0]
    if kind not in _KINDS:
        raise DeviceError(f"There is no device '{name}' on this computer. Choose 'auto' or one of {', '.join(_KINDS)}.")
    try:
        device = torch.device(name)
        is_there = device.type != "cuda" or (device.index or 0) < torch.cuda.device_count()
    except RuntimeError:  # of what is no number, or a larger one than any computer has devices
        is_there = False
    if not is_there:
        raise DeviceError(
            f"There is no device '{name}' on this computer. Choose 'auto' or 'cpu': in a panel that is under More, on "
            "the command line it is --device."
        )
    if device.type == "mps" and not torch.backends.mps.is_available():
        raise DeviceError("There is no Apple GPU that PyTorch can use here. Choose 'auto' or 'cpu'.")
    return device


def torch_dtype(precision: str) -> torch.dtype:
    """Return the number format of this name."""
    return _DTYPES[precision]


def choose_precision(wanted: str, device: torch.device) -> Precision:
    """Return the number format to compute in.

    ``"auto"`` is bfloat16 where the hardware multiplies matrices in it, and float32 elsewhere. This is asked of the
    hardware, not timed: on a busy computer two timings can disagree, and then the same request would give two results.
    """
    if wanted == "float32" or wanted == "bfloat16":
        return "float32" if wanted == "float32" else "bfloat16"
    return "bfloat16" if _multiplies_bfloat16(device) else "float32"


def _multiplies_bfloat16(device: torch.device) -> bool:
    if device.type == "cuda":
        return torch.cuda.get_device_capability(device) >= _FIRST_CUDA_WITH_BFLOAT16
    if device.type == "cpu" and hasattr(torch.cpu, "get_capabilities"):
        has = torch.cpu.get_capabilities()
        return bool(has.get("avx512_bf16") or has.get("amx_bf16"))
    return False


def default_tile(device: torch.device) -> int:
    """Return the largest side of a tile, in pixels, that keeps a device busy without filling its memory.

    On a processor the network takes some 700 MB for it, and images of usual cameras are few tiles with little halo.
    """
    return 1024 if device.type == "cuda" else 1344


def default_batch(device: torch.device) -> int:
    """Return how many tiles are evaluated at once."""
    return 4 if device.type == "cuda" else 1


def small_together(device: torch.device) -> int:
    """Return how many pixels small tiles have that are evaluated at once, as planes across a volume are.

    A GPU would else be idle most of the time. A processor gains a tenth, and would stop the later when cancelled.
    """
    return 1024**2 if device.type == "cuda" else 0


def describe_device(device: torch.device) -> str:
    """Return a name of a device for people."""
    if device.type == "cuda":
        return f"{device} ({torch.cuda.get_device_name(device)})"
    return str(device)
