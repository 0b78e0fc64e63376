"""What a series has segmented: the image that is open if it has no labels, and the next ones."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

from napari.utils.notifications import show_error

from ...engine.events import Progress
from ...files.series import State
from .ahead import Segmenter, Wish
from .recipe import SeriesRecipe
from .work import Opened

if TYPE_CHECKING:
    from .browser import Browser

AHEAD = 2  # images that are segmented while the user looks at another one


class Preparation:
    """Decides what is segmented, and brings the labels to the image that is open.

    Attributes
    ----------
    paused : bool
        Whether the user cancelled; until the next image is opened nothing is segmented then.
    """

    def __init__(self, browser: Browser) -> None:
        self._browser = browser
        self.paused = False
        self._failed: set[str] = set()
        self._again: Wish | None = None  # the image that is open, if the user wants it anew and it is not there yet
        self.segmenter = Segmenter(browser)
        self.segmenter.progressed.connect(self._on_progress)
        self.segmenter.finished.connect(self._on_segmented)
        self.segmenter.failed.connect(self._on_failed)
        self.segmenter.ended.connect(self._on_ended)
        self.segmenter.changed.connect(self._on_changed)

    @property
    def waiting(self) -> bool:
        """Whether the image that is open is being segmented, or is about to be once more."""
        current = self._browser.current
        return bool(current) and (self._again is not None or self.segmenter.busy == current)

    def begin(self) -> None:
        """End what is being segmented, and forget what failed: another folder is opened."""
        self.stop()
        self._failed.clear()

    def opens(self, name: str) -> None:
        """Try again to segment an image that is opened, so that it is said anew why it fails."""
        self.paused, self._again = False, None
        self._failed.discard(name)

    def gave_up(self, name: str) -> bool:
        """Whether an image is not segmented because the user cancelled, or because it failed."""
        return self.paused or name in self._failed

    def set_recipe(self, recipe: SeriesRecipe) -> None:
        """Segment in another way from now on."""
        if recipe == self._browser.recipe:
            return
        self._browser.recipe = recipe
        for name in self._failed:  # it may go better now
            self._browser.rows.set_problem(name, "")
        self._failed.clear()
        self.look_ahead()

    def look_ahead(self) -> None:
        """Segment what is open if it has no labels, and the next images."""
        opened = self._browser.opened
        missing = opened is not None and opened.segmentation is None and not opened.unusable
        if self._again is not None:
            self._want([self._again])
        else:
            self._want([Wish(opened.name, opened)] if missing and opened.name not in self._failed else [])

    def _want(self, first: list[Wish]) -> None:
        browser = self._browser
        if browser.series is not None and browser.current and not self.paused:
            new = filter(self._is_new, browser.shown.following(browser.current))
            wishes = [*first, *(Wish(name) for name in islice(new, AHEAD))]
            self.segmenter.want(browser.series, browser.recipe, wishes)

    def _is_new(self, name: str) -> bool:
        browser = self._browser
        assert browser.series is not None
        return browser.series.state(name) is State.NEW and name not in browser.rows.problems

    def segment_again(self) -> None:
        """Segment the image that is open. Labels that were corrected are kept under another name."""
        self._browser.when_saved(self._segment_again)

    def _segment_again(self) -> None:
        browser, opened = self._browser, self._browser.opened
        if browser.series is None or opened is None:
            return
        browser.autosave.detach()
        browser.stage.clear_labels()
        browser.rows.set_problem(opened.name, "")
        self.paused = False
        entry = browser.series.entries[opened.name]
        keep = opened.unusable or entry.state in (State.CORRECTING, State.DONE)
        self._again = Wish(opened.name, opened, entry if keep else None)
        self.look_ahead()
        browser.say("")

    def cancel(self) -> None:
        """Segment nothing until the user moves on; labels that were to be replaced come back."""
        again = self._again
        self.paused = True
        self.stop()
        if again is not None and self.segmenter.unfinished != again.name:  # else when the work on it has ended
            self._bring_back(again.name)

    def stop(self) -> None:
        """End what is being segmented."""
        self._again = None
        self.segmenter.stop()

    def _on_progress(self, name: str, progress: Progress) -> None:
        if name == self._browser.current:
            self._browser.progressed.emit(progress)

    def _on_segmented(self, name: str, opened: Opened) -> None:
        browser = self._browser
        self._fulfil(name)
        if self._is_bare(name):
            browser.say("\n".join(opened.notices))
            if opened.segmentation is not None and browser.opened.picture.shape == opened.picture.shape:
                browser.show_labels(opened)
            else:
                browser.reopen()  # the image itself is another one now
        browser.note(name)

    def _fulfil(self, name: str) -> bool:
        """Forget the wish for an image that was segmented again, or could not be; return whether there was one."""
        wished = self._again is not None and self._again.name == name
        if wished:
            self._again = None
        return wished

    def _on_failed(self, name: str, problem: str) -> None:
        if self._fulfil(name):
            show_error(problem)  # in the panel, what is told of the labels that come back takes its place
        self._failed.add(name)
        self._browser.rows.set_problem(name, problem)
        if name == self._browser.current:
            self._browser.say(problem, warn=True)

    def _on_ended(self, name: str) -> None:
        self._browser.note(name)
        if self._again is None:
            self._bring_back(name)

    def _bring_back(self, name: str) -> None:
        """Show the labels that an image had if it was not segmented again."""
        browser = self._browser
        has_labels = browser.series is not None and browser.series.state(name) is not State.NEW
        if has_labels and self._is_bare(name):
            browser.reopen()

    def _is_bare(self, name: str) -> bool:
        """Whether an image is open without labels."""
        browser = self._browser
        opened = browser.opened
        return opened is not None and opened.name == name == browser.current and browser.autosave.layer is None

    def _on_changed(self) -> None:
        self._browser.rows.set_busy(self.segmenter.busy)
        self._browser.changed.emit()
