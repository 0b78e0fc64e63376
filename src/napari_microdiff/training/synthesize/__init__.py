"""Training to draw images under masks: crops of labelled images, the maps of their masks, and their style."""
