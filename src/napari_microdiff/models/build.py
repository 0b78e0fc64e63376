"""From a model on disk to a denoiser on a device."""

from __future__ import annotations

from collections import OrderedDict

import torch

from ..diffusion.denoiser import Preconditioned
from ..diffusion.unet import LocalUNet
from ..errors import ModelError
from .model import Model, read_weights

_KEPT = 2  # denoisers that stay loaded
_loaded: OrderedDict[tuple[object, ...], Preconditioned] = OrderedDict()


def load_denoiser(model: Model, device: torch.device) -> Preconditioned:
    """Return a model's denoiser on a device, in float32; the last few stay loaded.

    Raises
    ------
    ModelError
        If the weights are missing, corrupt, or not those of the architecture on the card.
    """
    card = model.card  # cards may share weights and differ in how they are used
    key = (card.weights_sha256, card.sigma_data, card.sigma_max, card.architecture, str(device))
    if key not in _loaded:
        _loaded[key] = _build(model).to(device)
        while len(_loaded) > _KEPT:
            _loaded.popitem(last=False)
    _loaded.move_to_end(key)
    return _loaded[key]


def unload() -> None:
    """Forget all loaded denoisers and give their memory back to the devices."""
    _loaded.clear()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()


def _build(model: Model) -> Preconditioned:
    card = model.card
    network = LocalUNet(**card.architecture.model_dump())
    try:
        network.load_state_dict(read_weights(model))
    except RuntimeError:
        raise ModelError(
            f"The weights of {card.id} do not fit the architecture on its card. Get the model again from its source."
        ) from None
    denoiser = Preconditioned(network, card.sigma_data, card.sigma_max).eval()
    return denoiser.requires_grad_(False)
