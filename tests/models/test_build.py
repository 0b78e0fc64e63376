from __future__ import annotations

import torch

from napari_microdiff.models import store
from napari_microdiff.models.build import load_denoiser


def test_models_that_share_weights_are_used_as_each_of_their_cards_says(tiny_model: str) -> None:
    parent = store.find_model(tiny_model)
    card = parent.card.model_copy(update={"id": "child", "sigma_max": parent.card.sigma_max / 5, "sigma_data": 0.125})
    child = store.save_model(card, store.read_weights(parent), store.user_folder() / "child")
    assert child.card.weights_sha256 == parent.card.weights_sha256
    place = torch.device("cpu")
    for model in (parent, child):
        denoiser = load_denoiser(model, place)
        assert (denoiser.sigma_max, denoiser.sigma_data) == (model.card.sigma_max, model.card.sigma_data)
    assert load_denoiser(parent, place) is load_denoiser(parent, place)
