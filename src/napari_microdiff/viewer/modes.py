"""The Super-resolve panel: finer pixels, isotropic z and repair are three modes of one panel.

Each mode is a panel of its own that is built when it is first chosen, and that goes on with its job while another one
is looked at.
"""

from __future__ import annotations

from typing import Any, ClassVar

from qtpy.QtWidgets import QSizePolicy, QStackedWidget, QTabBar, QVBoxLayout

from .docked import Docked
from .isotropic import IsotropicPanel
from .panel import WIDTH, Panel
from .repair import RepairPanel
from .superresolve import SuperresolvePanel


class SuperresolveModes(Docked):
    """Choose one of three ways to show more than was recorded, and use it.

    Parameters
    ----------
    napari_viewer : napari.viewer.Viewer
        The viewer to work in.
    """

    kinds: ClassVar[tuple[tuple[str, type[Panel], str], ...]] = (
        ("Finer pixels", SuperresolvePanel, "Make pixels finer and take back blur."),
        ("Isotropic z", IsotropicPanel, "Draw what may lie between the slices of a stack."),
        ("Repair", RepairPanel, "Draw what may lie under dust, folds and dead lines."),
    )

    def __init__(self, napari_viewer: napari.viewer.Viewer) -> None:  # type: ignore[name-defined]  # noqa: F821
        super().__init__()
        self.viewer = napari_viewer
        self._panels: dict[int, Panel] = {}
        self.bar, self._stack = QTabBar(), QStackedWidget()
        self._stack.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Expanding)
        self.bar.setDrawBase(False)
        self.bar.setExpanding(True)
        for number, (word, _, tip) in enumerate(self.kinds):
            self.bar.addTab(word)
            self.bar.setTabToolTip(number, tip)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 6, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.bar)
        column.addWidget(self._stack)
        self.setMinimumWidth(WIDTH)
        self.bar.currentChanged.connect(self._show)
        self._show(0)

    def end(self) -> None:
        """End what the modes have begun."""
        for panel in self._panels.values():
            panel.shut()

    @property
    def panel(self) -> Panel:
        """The mode that is shown."""
        shown = self._stack.currentWidget()
        assert isinstance(shown, Panel)
        return shown

    def choose(self, task: str) -> Panel:
        """Show the mode for a task, and return its panel."""
        tasks = [kind.task for _, kind, _ in self.kinds]
        self.bar.setCurrentIndex(tasks.index(task))
        return self.panel

    def _show(self, number: int) -> None:
        if number in self._panels:
            self._stack.setCurrentWidget(self._panels[number])
            return
        before: Any = self._stack.currentWidget()
        panel = self._panels[number] = self.kinds[number][1](self.viewer)
        self._stack.addWidget(panel)
        self._stack.setCurrentWidget(panel)
        if before is not None and before.image.layer is not None:
            panel.image.choose(before.image.layer)
