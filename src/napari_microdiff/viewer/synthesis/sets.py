"""Making a training set from the Synthesise panel: the button, the wishes, and the job."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qtpy.QtWidgets import QPushButton

from ...errors import MicrodiffError
from ..jobs import Job
from . import words
from .mask_source import MaskSource
from .set_dialog import Parents, SetDialog, outcome_in_words, start_set

if TYPE_CHECKING:
    from .panel import SynthesizePanel


class SetMaking:
    """Many pairs of a mask and an image, with the mask and the settings of a panel.

    Parameters
    ----------
    panel : SynthesizePanel
        Whose job it is.
    """

    def __init__(self, panel: SynthesizePanel) -> None:
        self._panel = panel
        self.button = QPushButton(words.SET)
        self.button.clicked.connect(self.ask)

    def refresh(self) -> None:
        """Bring the button up to date."""
        reason = self._panel.blocked()
        self.button.setEnabled(not reason)
        self.button.setToolTip(reason or words.SET_TIP)

    def ask(self) -> None:
        """Ask for the wishes, then make a training set."""
        mask, style = self._panel.image.layer, self._panel.style.layer
        if mask is None:
            return
        dialog = SetDialog(mask.name, None if style is None else style.name, self._panel)
        dialog.accepted.connect(lambda: self.make(**dialog.wishes()))
        dialog.open()

    def make(self, *, folder: Path, **wishes: Any) -> None:
        """Make a training set in the background; see `set_dialog.start_set`."""
        panel, mask = self._panel, self._panel.image.layer
        if mask is None or panel.blocked():
            return
        try:
            source = panel.source_of(mask)
            request = panel.request(source.axes)
        except (MicrodiffError, ValueError) as error:
            panel.refuse(error)
            return
        assert isinstance(source, MaskSource)
        options = request.options.model_copy(update={"start": None})  # there is no image behind laid-out objects
        changes = {"samples": 1, "outputs": ("sample",), "axes": None, "options": options}
        one = request.model_copy(update=changes)
        start = partial(start_set, one, Parents.of(source, request), folder=folder, **wishes)
        job = Job(f"Making pairs in {folder.name}", start, panel)
        job.done.connect(lambda made: panel.results.line.say(outcome_in_words(made, folder)))
        panel.runner.begin(job)
        job.cancelled.connect(lambda: panel.results.line.say(words.SET_CANCELLED.format(folder.name)))
