"""Adapting a model to one noisy image, without any clean one.

The image is recorrupted (Pang et al. 2021, arXiv:2102.02798): from ``y = x + n`` and a fresh ``m`` with the
statistics of ``n``, make ``y + a m`` and ``y - m / a``. Their noises are uncorrelated, so that a network that is
trained to predict the second from the first learns the mean of the clean image. Fresh noise is like what the model
takes away from the image now, see `fresh_noise`.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator

from ...engine.device import choose_device, choose_precision, torch_dtype
from ...engine.events import Notice, Progress, Update
from ...engine.request import build_request
from ...imaging.axes import Sliceable
from ...models.build import load_denoiser
from ...models.model import Model
from ...models.store import find_model
from ...tasks.base import check_architecture, check_model_fits, open_source
from ...tasks.starting import PRIOR
from ..adapted import Adapted, check_steps, new_identity, nothing_gained, save_adapted, tell_progress
from .fresh_noise import WHITE
from .noisy_images import NoisyImages
from .recorrupt import RecorruptedFit


def adapt(
    model_id: str,
    source: Sliceable,
    *,
    name: str | None = None,
    axes: str | None = None,
    steps: int = 300,
    seed: int = 0,
    device: str = "auto",
) -> Iterator[Update | Adapted]:
    """Fine-tune a denoising model on a noisy image and save it as a model of its own.

    Parameters
    ----------
    model_id : str
        The model to start from.
    source : array-like
        The noisy image; of several channels the first is learned from, of many planes a few.
    name : str, optional
        Identity of the new model: small letters, digits, dots and dashes. ``None`` makes one up.
    steps : int
        Steps of training; 300 take a minute or two on a laptop.

    Yields
    ------
    Progress, Preview, Notice
        Closing the generator stops the job; nothing is saved then.
    Adapted
        Last.

    Raises
    ------
    ImageError, ModelError, DeviceError, RequestError
        If the image has no noise or is too small, the model is of the wrong kind, or there is no such seed or number of
        steps.
    """
    check_steps(steps)
    asked = build_request({"model": model_id, "axes": axes, "seed": seed, "device": device})
    parent = find_model(model_id)
    check_model_fits(asked, parent.card)
    check_architecture(parent.card, PRIOR)
    opened = open_source(asked, source)
    place = choose_device(device)
    new_id = new_identity(parent, name)
    denoiser = copy.deepcopy(load_denoiser(parent, place))
    denoiser.precision = torch_dtype(choose_precision("auto", place))
    images = NoisyImages(opened, denoiser, place)
    yield Notice(f"Learning from {images.describe()}.")
    is_white = images.fresh.agreement <= WHITE
    if not is_white:
        yield Notice(_not_white(parent, images.fresh.agreement))
    fit = RecorruptedFit(denoiser, images, steps, seed)
    yield from tell_progress(fit.steps(), steps)
    gain = fit.gain_db() if is_white else None
    if gain is None:
        yield Notice(_not_measured(is_white))
    before = images.denoise(load_denoiser(parent, place))
    yield Progress(steps, steps, 0.0)  # for whoever wants to stop it now
    after = images.denoise(fit.average.module)
    yield Progress(steps, steps, 0.0)
    new_id = save_adapted(parent, new_id, fit.average.module, to="one noisy image", steps=steps, gain_db=gain)
    adapted = Adapted(new_id, before, after, gain)
    if gain is not None and not adapted.helped:
        yield Notice(nothing_gained(parent, "image", gain))
    yield adapted


def _not_white(parent: Model, agreement: float) -> str:
    return (
        f"What '{parent.card.id}' takes away from this image is not white: neighbouring pixels agree "
        f"({agreement:.2f}). If that is structure, adapting helps; if it is noise, as of a scanning detector or a "
        "resampled image, adapting seldom helps. Compare before and after."
    )


def _not_measured(is_white: bool) -> str:
    small = "the image is too small to keep a part of it back to judge by"
    why = small if is_white else "what is taken away is not white"
    return f"Whether adapting helped was not measured: {why}. Compare before and after."
