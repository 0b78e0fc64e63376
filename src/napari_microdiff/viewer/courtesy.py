"""Keeps workers from holding the viewer up, as far as the interpreter is what they share.

Two habits of Python are in the way. It collects garbage in whichever thread makes the next object, and all threads
wait until it is done: with napari and torch loaded a full collection takes a third of a second, and the import of
torch alone causes several. And a thread that computes in Python gives way only every 5 ms, while the GUI thread, which
lets go of the interpreter with every call of Qt, has to wait for its turn hundreds of times to show a layer.
"""

from __future__ import annotations

import gc
import sys
import time
from functools import cache

from qtpy.QtCore import QObject, QTimer

TURN = 0.0005  # seconds after which a worker gives way
SWEEP_MS = 50
LINGER_MS = 2000  # a job has ended before its layers are there
LONG = 60.0  # seconds without a full collection


class Courtesy(QObject):
    """As long as there are jobs, garbage is collected on the GUI thread, a little at a time, and turns are short.

    There are no full collections in the first minute. Then what is old is laid aside until the end, so that those that
    follow, one a minute, take only as long as what was made since needs.
    """

    def __init__(self) -> None:
        super().__init__()
        self._jobs = 0
        self._in_charge = self._collecting = self._laid_aside = False
        self._turn = sys.getswitchinterval()
        self._full = 0.0
        self._sweeps = QTimer(self)
        self._sweeps.setInterval(SWEEP_MS)
        self._sweeps.timeout.connect(self.sweep)
        self._lingers = QTimer(self)
        self._lingers.setInterval(LINGER_MS)
        self._lingers.setSingleShot(True)
        self._lingers.timeout.connect(self.leave)

    def begin(self) -> None:
        """Take note of a job that begins."""
        self._jobs += 1
        self._lingers.stop()
        if not self._in_charge:
            self._take_over()

    def end(self) -> None:
        """Take note of a job that has ended."""
        self._jobs -= 1
        if self._jobs == 0:
            self._lingers.start()

    def _take_over(self) -> None:
        self._in_charge, self._laid_aside = True, False
        self._turn = sys.getswitchinterval()
        sys.setswitchinterval(min(TURN, self._turn))
        self._collecting = gc.isenabled()  # else somebody does without, and goes on to
        if self._collecting:
            gc.disable()
            self._full = time.monotonic()
            self._sweeps.start()

    def leave(self) -> None:
        """Leave all to Python again."""
        self._lingers.stop()
        if not self._in_charge:
            return
        self._in_charge = False
        self._sweeps.stop()
        sys.setswitchinterval(self._turn)
        if self._laid_aside:
            gc.unfreeze()
        if self._collecting:
            gc.enable()

    def sweep(self) -> None:
        """Collect what Python would have collected by now, but for what takes long."""
        counts, limits = gc.get_count(), gc.get_threshold()
        if counts[0] <= limits[0]:
            return
        gc.collect(1 if counts[1] > limits[1] else 0)
        if time.monotonic() - self._full > LONG:
            self._collect_all()

    def _collect_all(self) -> None:
        if self._laid_aside:
            gc.collect()
        if self._laid_aside or gc.get_freeze_count() == 0:  # else somebody laid aside what they will take back
            self._laid_aside = True
            gc.freeze()
        self._full = time.monotonic()


@cache
def courtesy() -> Courtesy:
    """Return the one for all jobs; to be called on the GUI thread."""
    return Courtesy()
