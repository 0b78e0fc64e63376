"""Correcting objects by hand: which are doubtful, strokes that the model understands, and what became of each."""
