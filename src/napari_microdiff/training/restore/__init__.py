"""What training to denoise and to super-resolve have in common: clean images, and networks that begin with a guess."""
