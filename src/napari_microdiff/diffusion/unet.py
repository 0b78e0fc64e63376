"""The local U-Net: a network whose output at a pixel depends on a neighbourhood only."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .features import Features, Injection
from .layers import SILU_GAIN, Conv, Fourier, mix, silu

_USUAL = 4.0  # standard deviations


class Scalar(nn.Module):
    """A number for each image, linear in the embedding and zero at first.

    The mean over the embedding, not the sum: all its weights are pulled the same way, and the sum of their steps would
    throw the number about.
    """

    def __init__(self, embedding: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(embedding))

    def forward(self, embedding: Tensor) -> Tensor:
        """Map (batch, embedding) to (batch,)."""
        return (embedding * self.weight).mean(dim=1)


def tamed(x: Tensor) -> Tensor:
    """Compress what is far out of the usual range: the identity up to `_USUAL`, a logarithm beyond.

    Nothing in the network normalises, so that a speck ten times brighter than all that it was trained on would come
    out of every layer ten times too large, and sampling would not come to an end there.
    """
    # Nothing is that far out of most images; to ask this of a GPU would make it wait.
    if x.device.type == "cpu" and max(map(abs, map(float, x.detach().aminmax()))) <= _USUAL:
        return x
    size = x.abs()
    return torch.where(size <= _USUAL, x, x.sign() * (_USUAL + torch.log1p((size - _USUAL).clamp_min(0))))


class LocalUNet(nn.Module):
    """U-Net without any normalisation or attention over space.

    The input is unshuffled (each ``unshuffle`` x ``unshuffle`` patch of pixels becomes channels), which makes the
    network about five times cheaper at the same number of parameters.

    Parameters
    ----------
    channels : int
        Channels of the image that is denoised.
    condition_channels : int
        Channels of the maps that it is conditioned on.
    vector_length : int
        Length of the optional condition vector; 0 for none.
    widths : sequence of int
        Channels of each level, finest first.
    blocks : int
        Residual blocks on each level of the encoder and of the decoder.
    unshuffle : int
        Side of the patches of pixels that become channels.
    dims : {2, 3}
        Spatial dimensions.
    injection : {"input", "concatenate", "modulate"}
        Whether the maps enter with the image only, or every level of the decoder is shown them again: as further
        channels, or scaling and shifting its features pixel by pixel (see `Modulation`).

    Attributes
    ----------
    stride : int
        Sides in y and x must be multiples of this.
    """

    def __init__(
        self,
        channels: int = 1,
        condition_channels: int = 0,
        vector_length: int = 0,
        widths: Sequence[int] = (32, 64, 96, 128),
        blocks: int = 2,
        unshuffle: int = 2,
        dims: int = 2,
        injection: Injection = "input",
    ) -> None:
        super().__init__()
        self.dims = dims
        self.channels = channels
        self.condition_channels = condition_channels
        self.vector_length = vector_length
        self.unshuffle = unshuffle
        self.stride = unshuffle * 2 ** (len(widths) - 1)
        embedding = 4 * widths[0]
        patch = unshuffle**2
        inputs = (channels + condition_channels) * patch + 1  # one constant channel stands in for biases
        self.fourier = Fourier(widths[0])
        self.embed_sigma = Conv(widths[0], embedding, 0)
        self.embed_vector = Conv(vector_length + 1, embedding, 0) if vector_length else None
        self.features = Features(inputs, widths, blocks, embedding, dims, condition_channels * patch, injection)
        self.mean = Conv(widths[0], channels * patch, 3, dims)
        self.mean_gain = nn.Parameter(torch.zeros(()))
        # How large the result is depends on the image more than its pattern does; these two say it in one number each.
        self.mean_size = Scalar(embedding)
        self.spread_size = Scalar(embedding)
        self.spread_hidden = Conv(widths[0] + 1, widths[0], 3, dims)
        # One value for each patch: errors of neighbours are alike, and a map without noise is calibrated better.
        self.spread = Conv(widths[0], channels, 3, dims)
        self.spread_gain = nn.Parameter(torch.zeros(()))

    def forward(
        self,
        x: Tensor,
        c_noise: Tensor,
        maps: Tensor | None = None,
        vector: Tensor | None = None,
        precision: torch.dtype = torch.float32,
        with_spread: bool = True,
    ) -> tuple[Tensor, Tensor | None]:
        """Evaluate the raw network.

        Parameters
        ----------
        x : Tensor
            Scaled noisy image, shape (batch, channels, [z,] y, x).
        c_noise : Tensor
            Encoded noise level, shape (batch,).
        maps : Tensor, optional
            Condition maps, shape (batch, condition_channels, [z,] y, x).
        vector : Tensor, optional
            Condition vector, shape (batch, vector_length).
        precision : torch.dtype
            Format of all but the last layers, which are float32 so that coarse numbers do not show as steps of grey.
        with_spread : bool
            Whether the second result is wanted, which takes a tenth of the time.

        Returns
        -------
        mean, log_variance : Tensor
            Both of the shape of ``x``. The second is computed from detached features, so that training it cannot
            change the first; it is None where it is not wanted.
        """
        inputs = self._to_patches(tamed(x if maps is None else torch.cat([x, maps], dim=1))).to(precision)
        shown = None if maps is None else inputs[:, self.channels * self.unshuffle**2 :]
        inputs = torch.cat([inputs, torch.ones_like(inputs[:, :1])], dim=1)
        layout = torch.channels_last if self.dims == 2 else torch.channels_last_3d
        embedding = self._embed(c_noise, vector)
        features = self.features(inputs.contiguous(memory_format=layout), embedding.to(precision), shown)
        each = (-1, *([1] * (x.ndim - 1)))
        size = self.mean_size(embedding).exp()
        mean = self._to_pixels(self.mean(features.float(), gain=self.mean_gain)) * size.view(each)
        if not with_spread:
            return mean, None
        return mean, self._log_variance(features.detach()) + self.spread_size(embedding.detach()).view(each)

    def _log_variance(self, features: Tensor) -> Tensor:
        hidden = F.silu(self.spread_hidden(torch.cat([features, torch.ones_like(features[:, :1])], dim=1)))
        return self._enlarge(self.spread(hidden, gain=self.spread_gain * SILU_GAIN).float())

    def _embed(self, c_noise: Tensor, vector: Tensor | None) -> Tensor:
        embedding = self.embed_sigma(self.fourier(c_noise))
        if self.embed_vector is not None:
            if vector is None:
                vector = embedding.new_zeros(len(embedding), self.vector_length + 1)
            else:
                vector = torch.cat([vector.to(embedding.dtype), embedding.new_ones(len(embedding), 1)], dim=1)
            embedding = mix(embedding, self.embed_vector(vector), 0.5)
        return silu(embedding)

    def _enlarge(self, x: Tensor) -> Tensor:
        """Interpolate a value for each patch to each pixel."""
        across = (1.0,) * (self.dims - 2) + (float(self.unshuffle),) * 2
        mode = "bilinear" if self.dims == 2 else "trilinear"
        return F.interpolate(x, scale_factor=across, mode=mode, align_corners=False)

    def _to_patches(self, x: Tensor) -> Tensor:
        return self._by_plane(F.pixel_unshuffle, x)

    def _to_pixels(self, x: Tensor) -> Tensor:
        return self._by_plane(F.pixel_shuffle, x)

    def _by_plane(self, shuffle: Callable[[Tensor, int], Tensor], x: Tensor) -> Tensor:
        """Apply a function of images to an image, or to each plane of a volume."""
        if self.dims == 2:
            return shuffle(x, self.unshuffle)
        shuffled = shuffle(x.transpose(1, 2).flatten(0, 1), self.unshuffle)
        return shuffled.view(len(x), x.shape[2], *shuffled.shape[1:]).transpose(1, 2)
