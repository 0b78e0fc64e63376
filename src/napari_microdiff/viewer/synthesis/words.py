"""Sentences that the Synthesise panel says."""

from __future__ import annotations

OUTPUTS = {
    "sample": "An image that could lie under the mask, one out of many.",
    "mean": "What all images that could lie under the mask have in common: smooth, without noise.",
}
NOTHING_OPEN = "Open or draw a mask: a Labels layer in which every object has a number of its own."
NOTHING_CHOSEN = "Choose a mask first: a Labels layer."
NO_MODEL = (
    "No model that draws images is installed. Train one on pairs of images and masks with: "
    "napari-microdiff train synth-nuclei --data DIR"
)
MASK_TIP = "The mask to draw an image under. Only Labels layers are offered."
STYLE_TIP = "An image whose noise, sharpness and grey levels are taken over. It need not show the same objects."
NO_STYLE = "of no image"
STYLE_KEPT = "as it was"
LAYOUT = "New like it"
LAYOUT_TIP = "Lay the objects of this mask out anew at random: as large, as dense and as often touching as in it."
OUTLINES = "Show the mask as outlines"
OUTLINES_TIP = "So that the image can be seen under it."
FOLLOW = "Draw again where I edit the mask"
FOLLOW_TIP = (
    "After each stroke its surroundings are drawn anew and fitted to the rest, which stays as it is.\n"
    "Ctrl+Z on the mask brings the image back, too."
)
BEHIND_TIP = "A real image that lies under the mask pixel by pixel, and of which something is to be kept."
NOTHING_BEHIND = "nothing"
DETAIL_TIP = (
    "Instant shows what all images that could lie there have in common. Further to the right one of them is drawn."
)
GUIDANCE_TIP = "How closely the image follows the mask. 2 is usual; 0 takes half the time; high values look artificial."
OBJECTS_TIP = "The objects of that image. Its background stays as it is, and they give way to the objects of the mask."
NOTHING_KEPT_BEHIND = "all of it"
BEGIN = "begin from it, with noise"
BEGIN_TIP = (
    "In standard deviations of the images that the model knows. With little noise much of the image shows through;\n"
    "untick it to draw anew."
)
NOT_WITH_BEHIND = "Edits are not followed with an image behind. Choose nothing behind under More and draw again."
OBJECTS = "Change objects of the mask"
CLASS = "Class"
CLASS_TIP = "What kind of object the selected one is. The model draws each kind as it learned it."
CLASS_CHOSEN = "Object {} is of the class “{}” now. Choose its old class to take it back."
CLICK_OBJECT = "Click an object of the mask to change it."
OBJECT_CHOSEN = "Object {} is selected. Shift and an arrow key move it."
MASK_NOT_WRITABLE = "'{}' cannot be written in place. Open it in memory, or draw on a copy of it, to change objects."
MASK_TOO_LARGE = "A plane of '{}' is too large to change objects one by one. Crop the mask first."
NO_IMAGE_YET = "Draw an image first, with Preview view or Run on all."
FOLLOWING = "Edit the mask: the image follows."
DRAWING = "Drawing what you edited…"
REDRAWN = "Drawn again where you edited. Ctrl+Z on the mask takes both back."
BROUGHT_BACK = "The image is as it was."
NOT_FOLLOWED = "The mask is not in memory or too large, so that edits cannot be followed. Use Preview view."

SET = "Make a training set…"
SET_TIP = "Draw many images under objects like those of the mask, and write those that are good as pairs to train on."
SET_CANCELLED = "Cancelled. The pairs that were made are in {}; the same again goes on with them."

VARIATIONS_TIP = "Draw several images under the part of the mask that is visible, each from noise of its own."
JUDGE = "check each"
JUDGE_TIP = (
    "A segmenter looks for the objects of the mask in every image, and the style is compared with that asked for."
)
KEEP_TIP = "Keep the selected image as a layer (K)."
REJECT_TIP = "Put the selected image away (Delete)."
SAVE = "Save kept…"
SAVE_TIP = "Write the kept images and their mask as pairs to train on, each marked as synthetic."
NOTHING_KEPT = "Keep at least one image first."
FORMING = "The images form together. Click one when they are done."
READY = "Click an image to see it large. K keeps it, Delete puts it away."
GOOD = "Image {}: it can be learned from."
UNJUDGED = "Image {}."
POOR = "Image {}: {}"
SAVED = "{} in {}."
