"""The Synthesise panel: what it has beyond the anatomy that all panels share."""

from __future__ import annotations

from typing import Any
from weakref import WeakSet

from napari.layers import Image, Labels
from napari.utils.notifications import show_warning
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QCheckBox, QPushButton, QWidget

from ...engine.options import SynthesizeOptions
from ...engine.request import Request
from ...errors import MicrodiffError
from ..choices import LayerChoice
from ..decimals import DecimalSlider
from ..layers import LayerSource
from ..layout import Rows
from ..panel import Panel
from ..running import Run
from ..view import axes_of, visible_region
from . import words
from .behind_fields import BehindFields
from .camera_fields import CameraFields
from .classes import classes_in
from .drawn_pair import DrawnPair
from .following import Follower, with_classes
from .gallery import Gallery
from .gallery_view import GalleryView
from .layouts import Layouts
from .mask_source import MaskSource
from .object_bar import ObjectBar
from .sets import SetMaking

_COLOURS = 3
_VARIATION_SIDE = 512  # pixels of the part of a mask that variations are drawn of


class SynthesizePanel(Panel):
    """Draw images under masks: one of all of the mask, or many variations of what is visible."""

    task = "synthesize"
    doing = "Drawing"
    made = "synthetic"
    compares = False
    outputs = words.OUTPUTS
    # One evaluation gives what all images have in common; it takes several to draw one of them.
    details = ({"steps": 1}, {"steps": 8}, {"steps": 16}, {"steps": 40})
    detail_at_first = 2
    detail_tip = words.DETAIL_TIP
    source_word = "Mask"
    nothing_open = words.NOTHING_OPEN
    nothing_chosen = words.NOTHING_CHOSEN
    no_model = words.NO_MODEL

    def layer_choice(self) -> LayerChoice:
        """Return the choice of the mask, and beside it a way to a new one."""
        choice = LayerChoice(self.viewer, Labels, words.MASK_TIP)
        self.layouts = Layouts(self.viewer, self)
        self.layouts.made.connect(choice.choose)
        self.layout_button = QPushButton(words.LAYOUT)
        self.layout_button.clicked.connect(self._lay_out)
        choice.layout().addWidget(self.layout_button)
        return choice

    def source_of(self, layer: Any) -> LayerSource:
        """Take what a job needs from the mask and the image of the style."""
        card = self.model.card
        colours = card is not None and card.architecture.channels == _COLOURS
        behind, objects = self.behind.layers
        followed = self.follow.isChecked()
        return MaskSource.of_mask(
            layer, self.style.layer, colours=colours, behind=behind, objects=objects, followed=followed
        )

    def source_again(self, source: LayerSource) -> LayerSource:
        """Take from the same layers, and for the same model, as they are now what a job needs."""
        assert isinstance(source, MaskSource)
        if source.layer not in self.viewer.layers:
            return source
        return MaskSource.of_mask(
            source.layer,
            source.style,
            colours=source.colours,
            behind=source.behind,
            objects=source.objects,
            followed=self.follow.isChecked(),
        )

    def end(self) -> None:
        """Cancel all jobs, and let go of the mask."""
        super().end()
        self.follow.setChecked(False)
        self.objects.shut()

    def add_rows(self, rows: Rows) -> None:
        """Add the image whose style is taken over."""
        self.style = LayerChoice(self.viewer, Image, words.STYLE_TIP, none=words.NO_STYLE)
        self.style.changed.connect(self._style_changed)
        self._options: SynthesizeOptions | None = None  # whose style is used where no image is chosen
        rows.add("Style", self.style)

    def own_rows(self) -> list[QWidget]:
        """Return guidance, camera, and what lies behind."""
        self.guidance = DecimalSlider(Qt.Orientation.Horizontal)
        self.guidance.setRange(0, 4)
        self.guidance.setDecimals(1)
        self.guidance.setValue(Request(task=self.task).guidance)
        self.guidance.setToolTip(words.GUIDANCE_TIP)
        self.camera = CameraFields()
        rows = Rows()
        rows.add("Guidance", self.guidance)
        self.behind = BehindFields(self.viewer)
        self.behind.changed.connect(self.refresh)
        return [rows, self.camera, self.behind]

    def own_results(self) -> list[QWidget]:
        """Return what is done with mask and image together, and the gallery."""
        self.outlines = QCheckBox(words.OUTLINES)
        self.outlines.setToolTip(words.OUTLINES_TIP)
        self.outlines.toggled.connect(self._outline)
        self.follow = QCheckBox(words.FOLLOW)
        self.follow.toggled.connect(self._follow)
        self.follower = Follower(self.viewer, self)
        self.gallery = Gallery(self.viewer, self.made, self)
        self.gallery_view = GalleryView(self.viewer, self.gallery)
        self.gallery_view.asked.connect(self.draw_variations)
        self.gallery.changed.connect(self.refresh)
        self.sets = SetMaking(self)
        self.follower.said.connect(self._say)
        self.layouts.said.connect(self._say)
        self.layouts.changed.connect(self.refresh)
        self.gallery.enlarged.connect(self._uncover)
        self._shown: Run | None = None
        self._drawn: DrawnPair | None = None  # of the last run
        self._uncovered: WeakSet[Labels] = WeakSet()
        self.objects = ObjectBar(self.viewer)
        self.objects.class_changed.connect(self.follower.compare)
        return [self.outlines, self.follow, self.objects, self.gallery_view, self.sets.button]

    # requests -----------------------------------------------------------------------------------------------------

    def options(self) -> dict[str, Any]:
        """Return guidance, camera, and the style where it is that of an earlier request."""
        known: dict[str, Any] = {}
        if self.style.layer is None and self._options is not None:
            known = {"style": self._options.style, "levels": self._options.levels, "kinds": self._options.kinds}
        classes = {} if self.image.layer is None else classes_in(self.image.layer, self._known_classes())
        if classes:
            known["kinds"] = tuple(sorted(classes.items()))
        options = SynthesizeOptions(**self.camera.value, **known, start=self.behind.start)
        return {"options": options, "guidance": float(self.guidance.value())}

    def renewed(self, request: Request, layer: Any) -> Request:
        """Return an earlier request with the classes that the objects of a mask have now."""
        classes = classes_in(layer, self._known_classes(request.model))
        return request if classes is None else with_classes(request, classes)

    def _known_classes(self, model: str | None = None) -> tuple[str, ...]:
        """Return the classes of objects that a model knows; the one that is chosen, if none is named."""
        cards = [card for card in self.model.cards if card.id == model] if model else [self.model.card]
        return next((card.classes for card in cards if card is not None), ())

    def set_request(self, request: Request) -> None:
        """Set the panel to what a request asks for, but for its mask and region."""
        assert isinstance(request.options, SynthesizeOptions)
        self.style.choose(None)
        self._options = request.options
        self.style.call_none(words.STYLE_KEPT)
        self.guidance.setValue(request.guidance)
        self.camera.take(request.options)
        self.behind.take(request.options.start)
        super().set_request(request)

    def _style_changed(self) -> None:
        if self.style.layer is not None and self._options is not None:
            self._options = None
            self.style.call_none(words.NO_STYLE)

    # what is shown ------------------------------------------------------------------------------------------------

    def blocked(self) -> str:
        """Return why nothing can be run now, or nothing if it can."""
        if self.gallery.job is not None:
            return "Variations are being drawn. Wait for them or cancel them."
        return super().blocked()

    def refresh(self) -> None:
        """Bring everything up to date."""
        super().refresh()
        mask = self.image.layer
        self.gallery_view.allow(self.blocked() if self.gallery.job is None else "")
        self.sets.refresh()
        self.objects.offer(mask, self._known_classes())
        self.layout_button.setEnabled(mask is not None and self.layouts.job is None)
        self.layout_button.setToolTip(words.LAYOUT_TIP if mask is not None else self.nothing_chosen)
        pair = self._pair()
        for box, tip in ((self.follow, words.FOLLOW_TIP), (self.outlines, words.OUTLINES_TIP)):
            box.setEnabled(pair is not None)
            box.setToolTip(tip if pair is not None else words.NO_IMAGE_YET)
        if pair is not None and self._was_behind:
            self.follow.setEnabled(False)
            self.follow.setToolTip(words.NOT_WITH_BEHIND)
        if pair is None or self._was_behind:
            self.follower.stop()
            self._tick(self.follow, False)
        elif self.follow.isChecked() and self.runner.job is None and self.follower.pair is not pair:
            self._follow(True)
        self._tick(self.outlines, pair is not None and pair.mask.contour > 0)

    def _pair(self) -> DrawnPair | None:
        """Return the mask and the image of the last run, if both are still there."""
        last = self.runner.last
        if last is None or last.result is None or "sample" not in last.result.request.outputs or not last.layers:
            return None
        mask, image = last.source.layer, last.layers[0]
        if mask not in self.viewer.layers or image not in self.viewer.layers:
            return None
        if self._drawn is None or self._drawn.image is not image:
            known = self._known_classes(last.result.request.model)
            self._drawn = DrawnPair.of(mask, image, last.result, last.source.array, known)
        return self._drawn

    @property
    def _was_behind(self) -> bool:
        """Whether the last image was drawn with one behind, which edits of the mask would have to bring back."""
        last = self.runner.last
        return last is not None and isinstance(last.source, MaskSource) and last.source.others.behind is not None

    @staticmethod
    def _tick(box: QCheckBox, on: bool) -> None:
        before = box.blockSignals(True)
        box.setChecked(on)
        box.blockSignals(before)

    def _outline(self, on: bool) -> None:
        pair = self._pair()
        if pair is not None:
            pair.mask.contour = int(on)

    def _follow(self, on: bool) -> None:
        pair = self._pair()
        if on and pair is not None:
            self.follower.follow(pair)
        else:
            self.follower.stop()

    def _job_changed(self) -> None:
        last = self.runner.last
        if self.runner.job is None and last is not None and last is not self._shown:
            self._shown = last
            self._uncover(last.source.layer)
        super()._job_changed()

    def _uncover(self, mask: Labels) -> None:
        """Show a mask as outlines, since its objects would cover the image; but not again if the user fills them."""
        if mask in self.viewer.layers and mask not in self._uncovered and self.viewer.dims.ndisplay == 2:
            self._uncovered.add(mask)
            mask.contour = mask.contour or 1

    # what is asked for --------------------------------------------------------------------------------------------

    def draw_variations(self, count: int, judged: bool) -> None:
        """Draw several images under what is visible of the mask."""
        reason, mask = self.blocked(), self.image.layer
        if reason or mask is None:
            show_warning(reason)
            return
        try:
            region = visible_region(self.viewer, mask, axes_of(mask), _VARIATION_SIDE)
            if region is None:
                away = f"'{mask.name}' is out of view. Bring it back with View > Fit to View."
                show_warning(away)
                self._say(away, warn=True)
                return
            source = self.source_of(mask)
            assert isinstance(source, MaskSource)
            request = self.request(source.axes, region)
        except (MicrodiffError, ValueError) as error:
            self.refuse(error)
            return
        one = request.model_copy(update={"samples": 1, "outputs": ("sample",)})
        self.gallery.draw(one, source, count, judged=judged)

    def _lay_out(self) -> None:
        if self.image.layer is not None:
            self.layouts.make(self.image.layer)
