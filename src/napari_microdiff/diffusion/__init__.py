"""The mathematics of diffusion: noise levels, networks, denoisers, samplers and guidance.

Nothing here knows what a microscope is. Everything is a function of tensors, noise levels and integers.
"""
