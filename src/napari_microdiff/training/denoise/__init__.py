"""Training to denoise: noisy images, recorded or simulated, and the clean ones that they come from."""
