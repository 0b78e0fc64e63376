"""Training to outline objects: images and labels, what a user might draw on them, and the maps to be found."""
