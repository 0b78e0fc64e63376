"""Layers keep the magnitude of what goes through them, and never use stale weights."""

from __future__ import annotations

import copy

import pytest
import torch

from napari_microdiff.diffusion.layers import Conv, Fourier, joining, mix, mixing, silu


def unit(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize(
    ("kernel", "dims", "shape"),
    [(3, 2, (8, 24, 40, 40)), (1, 2, (8, 24, 40, 40)), (3, 3, (2, 24, 12, 20, 20)), (0, 2, (4000, 24))],
)
def test_convolutions_keep_unit_variance(kernel, dims, shape, training):
    torch.manual_seed(1)
    conv = Conv(24, 32, kernel, dims).train(training)
    with torch.no_grad():
        conv.weight.mul_(37)  # whatever the parameter's own size
        out = conv(unit(*shape))
    inner = out if kernel == 0 else out[(..., *[slice(1, -1)] * dims)]  # zeros enter at the border
    assert inner.var().item() == pytest.approx(1, rel=0.1)
    assert out.shape == (shape[0], 32, *shape[2:])


def test_filters_have_unit_norm_and_no_bias():
    conv = Conv(5, 7, 3).eval()
    impulse = torch.zeros(1, 5, 7, 7)
    impulse[:, :, 3, 3] = 1
    assert [name for name, _ in conv.named_parameters()] == ["weight"]
    response = torch.stack([conv(impulse * torch.eye(5)[i].view(1, 5, 1, 1))[0] for i in range(5)])
    norms = response.square().sum(dim=(0, 2, 3)).sqrt()
    torch.testing.assert_close(norms, torch.ones(7))


def test_training_and_inference_agree():
    conv = Conv(4, 6, 3)
    x = unit(1, 4, 9, 9)
    torch.testing.assert_close(conv.train()(x), conv.eval()(x))
    torch.testing.assert_close(conv.train()(x, gain=0.3), conv.eval()(x) * 0.3)


def test_training_keeps_the_parameter_at_its_norm():
    conv = Conv(4, 6, 3).train()
    with torch.no_grad():
        conv.weight.mul_(9)
    conv(unit(1, 4, 9, 9))
    torch.testing.assert_close(conv.weight.detach().square().mean(dim=(1, 2, 3)).sqrt(), torch.ones(6))


def test_prepared_weights_are_dropped_when_the_mode_is_set():
    conv = Conv(4, 6, 3).eval()
    x = unit(1, 4, 9, 9)
    before = conv(x)
    with torch.no_grad():
        conv.weight.copy_(unit(6, 4, 3, 3, seed=5))
    changed = conv.train().eval()(x)
    assert not torch.allclose(changed, before)
    with torch.no_grad():
        conv.weight.copy_(unit(6, 4, 3, 3, seed=6))
    assert not torch.allclose(conv.eval()(x), changed)  # eval() alone is enough


def test_prepared_weights_are_dropped_when_weights_are_loaded():
    conv, other = Conv(4, 6, 3).eval(), Conv(4, 6, 3).eval()
    x = unit(1, 4, 9, 9)
    conv(x)
    conv.load_state_dict(other.state_dict())
    torch.testing.assert_close(conv(x), other(x))


def test_weights_prepared_in_inference_mode_do_not_spoil_training():
    conv = Conv(4, 6, 3).eval()
    x = unit(1, 4, 9, 9)
    with torch.inference_mode():
        conv(x)
    conv.train()(x).sum().backward()
    assert conv.weight.grad is not None
    copy.deepcopy(conv).train()(x).sum().backward()


def test_inference_follows_the_number_format():
    conv = Conv(4, 6, 3).eval()
    x = unit(1, 4, 9, 9)
    full = conv(x)
    assert conv(x.bfloat16()).dtype == torch.bfloat16
    torch.testing.assert_close(conv(x), full)


def test_the_gradient_is_at_right_angles_to_the_weight():
    # what the norm takes out cannot be learned, so that the step size is relative (Karras et al. 2024)
    conv = Conv(4, 6, 3).train()
    x = unit(2, 4, 9, 9)
    (conv(x) * unit(2, 6, 9, 9, seed=2)).sum().backward()
    along = (conv.weight.grad * conv.weight).sum(dim=(1, 2, 3))
    torch.testing.assert_close(along, torch.zeros(6), atol=1e-4, rtol=0)


def test_silu_mixing_and_joining_keep_unit_variance():
    a, b = unit(2, 24, 200, 200), unit(2, 8, 200, 200, seed=1)
    assert silu(a).square().mean().item() == pytest.approx(1, rel=0.03)
    for share in (0.0, 0.3, 0.5, 1.0):
        assert mix(a[:, :8], b, share).var().item() == pytest.approx(1, rel=0.03)
        kept, taken = mixing(share)
        torch.testing.assert_close(mix(a[:, :8], b, share), kept * a[:, :8] + taken * b)
    of_a, of_b = joining(24, 8)
    both = torch.cat([of_a * a, of_b * b], dim=1)
    assert both.var().item() == pytest.approx(1, rel=0.03)
    assert both[:, :24].square().sum().item() == pytest.approx(both[:, 24:].square().sum().item(), rel=0.03)


def test_fourier_features_have_unit_variance_and_are_the_same_in_every_network():
    first, second = Fourier(64), Fourier(64)
    x = torch.linspace(-3, 3, 500)
    assert torch.equal(first(x), second(x))
    assert first(x).square().mean().item() == pytest.approx(1, rel=0.05)
    assert first(x).shape == (500, 64)
