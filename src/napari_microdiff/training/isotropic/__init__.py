"""Training to fill in what lies between slices: images of which only some rows are shown."""
