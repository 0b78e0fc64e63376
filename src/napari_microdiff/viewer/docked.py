"""A widget that knows when napari takes it out of the window."""

from __future__ import annotations

from qtpy.QtCore import QEvent
from qtpy.QtWidgets import QWidget


class Docked(QWidget):
    """Ends what it has begun when it is closed.

    napari does not delete a widget whose dock is closed. It lets go of it, and Python may find out much later; until
    then its jobs would run on, and layers would keep its keys.
    """

    def __init__(self) -> None:
        super().__init__()
        self._was_inside = False
        self.closed = False

    def event(self, event: QEvent) -> bool:
        """End everything when it is taken out of the window, in which it is not yet while it is made."""
        if event.type() == QEvent.Type.ParentChange:
            if self.parentWidget() is not None:
                self._was_inside = True
            elif self._was_inside:
                self.taken_out()
        return bool(super().event(event))

    def taken_out(self) -> None:
        """End everything, since nobody sees it any more."""
        self.shut()

    def shut(self) -> None:
        """End everything, once and for all; layers stay."""
        if not self.closed:
            self.closed = True
            self.end()

    def end(self) -> None:
        """Cancel all jobs and give back what was taken up."""
