"""The local network: shapes, reach, and what conditions and the variance head may and may not do."""

from __future__ import annotations

import pytest
import torch

from napari_microdiff.diffusion.features import Block
from napari_microdiff.diffusion.unet import LocalUNet, tamed


def network(**options):
    """A small network all of whose parts count."""
    torch.manual_seed(0)
    net = LocalUNet(**{"widths": (8, 12), "blocks": 1, **options}).eval()
    with torch.no_grad():
        for name, parameter in net.named_parameters():
            if name.endswith("gain"):
                parameter.fill_(0.7)
    return net.requires_grad_(False)


def noise(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("vector_length", [0, 5])
@pytest.mark.parametrize(("channels", "condition_channels"), [(1, 0), (1, 1), (1, 7), (3, 1), (2, 2)])
@pytest.mark.parametrize(("dims", "space"), [(2, (16, 24)), (3, (3, 16, 24)), (3, (1, 8, 8))])
def test_shapes(dims, space, channels, condition_channels, vector_length):
    net = network(dims=dims, channels=channels, condition_channels=condition_channels, vector_length=vector_length)
    maps = noise(2, condition_channels, *space) if condition_channels else None
    vector = noise(2, vector_length) if vector_length else None
    mean, log_variance = net(noise(2, channels, *space), torch.zeros(2), maps, vector)
    assert mean.shape == log_variance.shape == (2, channels, *space)
    assert mean.isfinite().all()
    assert mean.std() > 0.03
    assert log_variance.std() > 0


@pytest.mark.parametrize(("unshuffle", "levels", "stride"), [(1, 1, 1), (2, 1, 2), (2, 2, 4), (4, 3, 16), (2, 4, 16)])
def test_the_stride_is_what_sides_must_be_multiples_of(unshuffle, levels, stride):
    net = network(unshuffle=unshuffle, widths=(4,) * levels)
    assert net.stride == stride
    side = 2 * stride
    assert net(noise(1, 1, side, stride), torch.zeros(1))[0].shape == (1, 1, side, stride)
    if stride > 1:
        with pytest.raises(RuntimeError):
            net(noise(1, 1, side + 1, side), torch.zeros(1))


def changed(net, space, place, **conditions):
    """Where the output changes when one pixel of the input does."""
    x = noise(1, net.channels, *space)
    poked = x.clone()
    poked[(0, 0, *place)] += 100.0
    one = net(x, torch.zeros(1), **conditions)
    other = net(poked, torch.zeros(1), **conditions)
    # exactly equal: nothing global, such as a norm over space, may let a far pixel through
    return [(a != b)[0].any(dim=0) for a, b in zip(one, other, strict=True)]


def reach_of(levels, blocks, unshuffle=2):
    """Count how far an influence can travel: every 3 x 3 convolution goes one pixel of its level further."""
    per_block = 2
    fine = [unshuffle * 2**level for level in range(levels)]
    encoder = fine[0] + sum(per_block * blocks * pixel for pixel in fine)
    decoder = sum(per_block * blocks * pixel for pixel in fine[:-1])
    heads = 2 * fine[0]
    alignment = 2 * fine[-1]  # pooled pixels and patches do not have the poked one in their middle
    return encoder + decoder + heads + alignment


@pytest.mark.parametrize(("levels", "blocks"), [(1, 1), (2, 1), (2, 2), (3, 1)])
def test_a_pixel_has_no_influence_beyond_the_reach(levels, blocks):
    net = network(widths=(4,) * levels, blocks=blocks)
    reach = reach_of(levels, blocks)
    side = -(-(2 * reach + 40) // net.stride) * net.stride
    middle = side // 2
    for touched in changed(net, (side, side), (middle, middle)):
        rows, columns = touched.nonzero(as_tuple=True)
        assert len(rows) > 9
        for place in (rows, columns):
            assert middle - reach <= place.min()
            assert place.max() <= middle + reach
        assert rows.min() > 0  # the image was large enough to tell
        assert rows.max() < side - 1


def test_a_pixel_of_a_volume_reaches_less_far_along_z_than_across():
    net = network(dims=3, widths=(4, 4), blocks=1)
    touched = changed(net, (25, 64, 64), (12, 32, 32))[0]
    depth, rows, _ = touched.nonzero(as_tuple=True)
    assert depth.min() >= 12 - 8  # stem, three blocks of two, head: eight convolutions of one plane each
    assert depth.max() <= 12 + 8
    assert (12 - depth.min()) < (32 - rows.min())


def test_far_parts_of_one_image_do_not_see_each_other_at_any_contrast():
    # the case that a network with GroupNorm fails: the far half is a thousand times brighter
    net = network(widths=(4, 4), blocks=1)
    x = noise(1, 1, 48, 192)
    bright = x.clone()
    bright[..., 96:] *= 1000
    a, b = net(x, torch.zeros(1))[0], net(bright, torch.zeros(1))[0]
    assert torch.equal(a[..., :40], b[..., :40])


def test_batch_members_do_not_see_each_other():
    net = network(condition_channels=1, vector_length=3)
    x, maps, vector = noise(3, 1, 16, 16), noise(3, 1, 16, 16, seed=1), noise(3, 3, seed=2)
    levels = torch.tensor([0.1, -0.5, 0.3])
    together = net(x, levels, maps, vector)[0]
    for i in range(3):
        alone = net(x[i : i + 1], levels[i : i + 1], maps[i : i + 1], vector[i : i + 1])[0]
        torch.testing.assert_close(together[i : i + 1], alone, atol=1e-4, rtol=1e-4)


def test_every_condition_counts():
    net = network(condition_channels=2, vector_length=3)
    x, maps, vector, level = noise(1, 1, 16, 16), noise(1, 2, 16, 16, seed=1), noise(1, 3, seed=2), torch.zeros(1)
    base = net(x, level, maps, vector)[0]
    swapped = net(x, level, maps.flip(1), vector)[0]
    others = (
        net(x, level + 0.5, maps, vector)[0],
        net(x, level, maps, -vector)[0],
        net(x, level, maps, None)[0],
        swapped,
    )
    for other in others:
        assert (other - base).abs().max() > 0.01


def test_no_vector_is_its_own_condition_not_zero_entries():
    net = network(vector_length=3)
    x, level = noise(1, 1, 16, 16), torch.zeros(1)
    assert not torch.allclose(net(x, level, None, None)[0], net(x, level, None, torch.zeros(1, 3))[0])


@pytest.mark.parametrize("injection", ["concatenate", "modulate"])
@pytest.mark.parametrize(("dims", "space"), [(2, (32, 48)), (3, (3, 16, 24))])
def test_the_decoder_is_shown_the_maps_again(injection, dims, space):
    net = network(dims=dims, condition_channels=3, injection=injection, widths=(8, 12, 16))
    once = network(dims=dims, condition_channels=3, widths=(8, 12, 16))
    x, maps = noise(2, 1, *space), noise(2, 3, *space, seed=1)
    with torch.no_grad():  # so that all that is seen of the maps is what the decoder is shown
        patch = net.unshuffle**2
        for features in (net.features, once.features):
            features.stem.weight[:, patch : 4 * patch] = 0
    assert torch.equal(once(x, torch.zeros(2), maps)[0], once(x, torch.zeros(2), -maps)[0])
    given, other = net(x, torch.zeros(2), maps)[0], net(x, torch.zeros(2), -maps)[0]
    assert given.shape == x.shape
    assert (given - other).abs().max() > 0.01


@pytest.mark.parametrize("injection", ["concatenate", "modulate"])
def test_maps_that_are_shown_again_reach_no_further(injection):
    net = network(condition_channels=1, widths=(4, 4), blocks=1, injection=injection)
    reach = reach_of(2, 1) + net.stride * (injection == "modulate") * 2  # each block reads the maps by a convolution
    side = -(-(2 * reach + 40) // net.stride) * net.stride
    x, maps = noise(1, 1, side, side), noise(1, 1, side, side, seed=1)
    poked = maps.clone()
    poked[0, 0, side // 2, side // 2] += 100
    touched = (net(x, torch.zeros(1), maps)[0] != net(x, torch.zeros(1), poked)[0])[0, 0]
    for place in touched.nonzero(as_tuple=True):
        assert side // 2 - reach <= place.min()
        assert place.max() <= side // 2 + reach
        assert len(place) > 9


def test_modulation_begins_as_if_it_were_not_there():
    torch.manual_seed(0)
    net = LocalUNet(condition_channels=2, widths=(8, 8), blocks=1, injection="modulate").eval()
    with torch.no_grad():
        net.mean_gain.fill_(1.0)
        net.features.stem.weight[:, 4:12] = 0
    x, maps = noise(1, 1, 16, 16), noise(1, 2, 16, 16, seed=1)
    assert torch.equal(net(x, torch.zeros(1), maps)[0], net(x, torch.zeros(1), -maps)[0])


def test_an_untrained_network_predicts_nothing():
    torch.manual_seed(0)
    mean, log_variance = LocalUNet(widths=(4, 4), blocks=1, condition_channels=1).eval()(
        noise(1, 1, 8, 8), torch.zeros(1), noise(1, 1, 8, 8)
    )
    assert mean.abs().max() == 0
    assert log_variance.abs().max() == 0


@pytest.mark.parametrize("dims", [2, 3])
def test_patches_and_pixels_are_inverse(dims):
    net = network(dims=dims)
    x = noise(2, 3, *(4, 8, 12)[-dims:])
    assert torch.equal(net._to_pixels(net._to_patches(x)), x)


def test_a_volume_of_one_plane_at_a_time_is_patched_as_planes_are():
    flat, deep = network(dims=2), network(dims=3)
    x = noise(1, 2, 5, 8, 12)
    for z in range(5):
        assert torch.equal(deep._to_patches(x)[:, :, z], flat._to_patches(x[:, :, z]))


def test_learning_the_spread_does_not_touch_the_mean():
    torch.manual_seed(0)
    net = LocalUNet(widths=(4, 6), blocks=1, condition_channels=1, vector_length=2).train()
    with torch.no_grad():
        for name, parameter in net.named_parameters():
            if name.endswith("gain"):
                parameter.fill_(0.7)
    _, log_variance = net(noise(1, 1, 16, 16), torch.zeros(1), noise(1, 1, 16, 16, seed=1), noise(1, 2))
    log_variance.square().mean().backward()
    reached = {name for name, parameter in net.named_parameters() if parameter.grad is not None}
    assert reached == {"spread_hidden.weight", "spread.weight", "spread_gain", "spread_size.weight"}


def test_bfloat16_is_close_and_comes_back_as_float32():
    net = network(condition_channels=1)
    x, maps, level = noise(1, 1, 32, 32), noise(1, 1, 32, 32, seed=1), torch.zeros(1)
    full = net(x, level, maps)
    coarse = net(x, level, maps, precision=torch.bfloat16)
    for a, b in zip(full, coarse, strict=True):
        assert b.dtype == torch.float32
        assert (a - b).abs().max() < 0.05 * a.abs().max()


def test_what_is_usual_is_seen_as_it_is_and_what_is_not_is_compressed() -> None:
    usual = torch.linspace(-4, 4, 101)
    torch.testing.assert_close(tamed(usual), usual, rtol=0, atol=0)
    far = torch.cat([usual, torch.tensor([99.0])])  # then all is computed
    torch.testing.assert_close(tamed(far)[:-1], usual, rtol=0, atol=0)
    wide = torch.linspace(-1000, 1000, 20001, dtype=torch.float64)
    seen = tamed(wide)
    assert (seen.diff() > 0).all()
    assert (seen.diff() <= wide.diff() + 1e-9).all()
    torch.testing.assert_close(seen, -tamed(-wide))
    assert float(seen.max()) < 12


@pytest.mark.parametrize(("dims", "space"), [(2, (16, 16)), (3, (3, 16, 16))])
def test_it_computes_in_bfloat16_too(dims, space):
    net = network(dims=dims)
    x, c_noise = noise(2, 1, *space), torch.zeros(2)
    exact, coarse = (net(x, c_noise, precision=precision) for precision in (torch.float32, torch.bfloat16))
    for one, other in zip(exact, coarse, strict=True):
        assert other.dtype == torch.float32
        torch.testing.assert_close(other, one, rtol=0, atol=0.05 * float(one.abs().max()))


@pytest.mark.parametrize("injection", ["input", "concatenate", "modulate"])
def test_what_is_written_over_without_gradients_is_not_needed_again(injection):
    net = network(condition_channels=2, widths=(8, 12, 16), injection=injection).eval()
    x, maps, level = noise(2, 1, 32, 48), noise(2, 2, 32, 48, seed=1), torch.zeros(2)
    before = x.clone(), maps.clone()
    kept = net(x, level, maps)
    with torch.inference_mode():
        again = net(x, level, maps)
    for one, other in zip(kept, again, strict=True):
        torch.testing.assert_close(one, other)
    assert torch.equal(x, before[0])
    assert torch.equal(maps, before[1])


def test_joined_inputs_count_alike_whatever_their_channels():
    """Scaling the filters of the projection is scaling what it reads."""
    torch.manual_seed(0)
    block = Block(12 + 4 + 3, 8, 16, 2, joined=(12, 4)).eval()
    x, embedding = noise(1, 19, 16, 16), noise(1, 16)
    assert block.gains is not None
    scaled = x * block.gains
    first, second = scaled[:, :12], scaled[:, 12:16]
    assert first.square().sum().item() == pytest.approx(second.square().sum().item(), rel=0.1)
    torch.testing.assert_close(scaled[:, 16:], x[:, 16:])
    expected = block(x, embedding)
    block.gains.fill_(1)
    torch.testing.assert_close(block(scaled, embedding), expected)
