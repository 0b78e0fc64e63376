"""BM3D on one image: ``run_bm3d.py IN.npy OUT.npz SIGMA [SIGMA ...]``, in the peers' environment.

Each sigma is the standard deviation of white noise in the units of the image. OUT.npz holds ``images`` (one for each
sigma) and ``seconds`` (of each).
"""

import sys
import time

import numpy as np
from bm3d import bm3d


def main() -> None:
    """Filter with every sigma; which one is best is decided by whoever knows the truth."""
    source, target, *sigmas = sys.argv[1:]
    noisy = np.load(source).astype(np.float64)
    # BM3D's constants are meant for a range of 0 to 1.
    low, span = noisy.min(), float(np.ptp(noisy)) or 1.0
    images, seconds = [], []
    for sigma in map(float, sigmas):
        started = time.perf_counter()
        images.append(bm3d((noisy - low) / span, sigma / span) * span + low)
        seconds.append(time.perf_counter() - started)
    np.savez(target, images=np.array(images, dtype=np.float32), seconds=np.array(seconds))


if __name__ == "__main__":
    main()
