"""How weights are made: recipes, the data they name, and the loop that fits a denoiser to them."""
