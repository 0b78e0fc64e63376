"""How large the error of a denoised image is, told by the noisy image alone.

Stein's unbiased risk estimate (Stein 1981, Annals of Statistics 9, 1135): where noise ``n`` is independent from pixel
to pixel and of known deviation, the mean of ``(f(y) - y)^2 - sigma^2 + 2 sigma^2 df/dy`` is that of ``(f(y) - x)^2``.
The last term counts how much of its own noise a pixel keeps; it is found by prodding all pixels at once with random
signs (Ramani et al. 2008, IEEE Transactions on Image Processing 17, 1540).
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

_PROD = 0.1  # of the deviation of the noise


@torch.inference_mode()
def squared_error(
    denoise: Callable[[Tensor], Tensor],
    noisy: Tensor,
    deviation: Tensor,
    part: tuple[slice, ...],
    *,
    prods: int,
) -> float:
    """Estimate the mean squared error of a denoised image.

    Parameters
    ----------
    denoise : callable
        From a noisy image to the denoised one.
    noisy, deviation : Tensor, shape (y, x)
        The image, and the standard deviation of its noise at each pixel, in the same units.
    part : tuple of slice
        Pixels over which the mean is taken.
    prods : int
        How often it is prodded; always in the same way, so that denoisers can be compared.

    Returns
    -------
    float
        In squared units of the image. Where the deviation is told too large, it can be negative; the difference of two
        denoisers hardly depends on it.
    """
    mean = denoise(noisy)
    generator, kept = torch.Generator().manual_seed(0), 0.0
    for _ in range(prods):
        signs = 2.0 * torch.randint(0, 2, noisy.shape, generator=generator) - 1
        prod = signs.to(noisy.device) * deviation
        moved = denoise(noisy + _PROD * prod) - mean
        kept += float((prod * moved)[part].mean()) / (_PROD * prods)
    return float(((mean - noisy) ** 2 - deviation**2)[part].mean()) + 2 * kept
