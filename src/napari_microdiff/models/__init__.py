"""What a model is: a folder with a card and weights, and the store that finds, verifies and loads it."""
