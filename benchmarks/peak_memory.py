"""How much memory does a large image take? Run alone, since a process's peak cannot be undone: ``peak_memory.py SIDE``.

Prints JSON: bytes above what the interpreter and its imports take, without the output, and the seconds.
"""

from __future__ import annotations

import json
import resource
import sys
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np

from napari_microdiff.imaging.samples import noisy_sample


class Repeated:
    """A large image that exists only where it is read: a small one, repeated."""

    def __init__(self, side: int) -> None:
        self.pattern = noisy_sample("nuclei")[0]
        self.shape, self.ndim, self.dtype = (side, side), 2, self.pattern.dtype

    def __getitem__(self, part: tuple[slice, slice]) -> Any:
        """Read a part."""
        indices = (np.arange(*s.indices(n)) % m for s, n, m in zip(part, self.shape, self.pattern.shape, strict=True))
        return self.pattern[np.ix_(*indices)]


def peak_bytes() -> int:
    """Return the largest resident memory of this process so far."""
    try:
        # Unlike getrusage, this does not inherit the peak of the process that started this one.
        status = Path("/proc/self/status").read_text()
        return next(int(line.split()[1]) * 1024 for line in status.splitlines() if line.startswith("VmHWM"))
    except (OSError, StopIteration):
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


class Watch:
    """Follows how much memory this process has to itself: files that it works in can be dropped from memory, this not.

    Attributes
    ----------
    most : int
        Bytes, the largest amount so far.
    """

    def __init__(self) -> None:
        self.most = 0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._follow, daemon=True)

    def __enter__(self) -> Watch:
        self._look()
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _follow(self) -> None:
        while not self._stop.wait(0.02):
            self._look()

    def _look(self) -> None:
        status = Path("/proc/self/status").read_text()
        own = next(int(line.split()[1]) * 1024 for line in status.splitlines() if line.startswith("RssAnon"))
        self.most = max(self.most, own)


def main() -> None:
    """Denoise in one evaluation and print what it took."""
    from napari_microdiff.tasks import denoise  # with torch: part of the interpreter's own memory

    side, device = int(sys.argv[1]), sys.argv[2]
    image = Repeated(side)
    before, started = peak_bytes(), time.perf_counter()
    result = denoise(image, axes="YX", outputs=("mean",), device=device)
    seconds, output = time.perf_counter() - started, result.mean.nbytes
    print(json.dumps({"above": peak_bytes() - before - output, "before": before, "output": output, "seconds": seconds}))


if __name__ == "__main__":
    main()
