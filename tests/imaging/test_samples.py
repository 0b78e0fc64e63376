"""Sample images need no download, repeat exactly, and are what their truth and camera say."""

from __future__ import annotations

import socket

import numpy as np
import pytest

from napari_microdiff.errors import RequestError
from napari_microdiff.imaging.axes import check_axes
from napari_microdiff.imaging.quality import psnr
from napari_microdiff.imaging.samples import SAMPLES, filaments_and_blobs, noisy_sample, nuclei


@pytest.fixture
def _offline(monkeypatch):
    def refuse(*_args, **_kwargs):
        raise OSError("a sample image must not need the network")

    monkeypatch.setattr(socket.socket, "connect", refuse)


@pytest.mark.usefixtures("_offline")
@pytest.mark.parametrize("name", SAMPLES)
def test_noise_is_what_the_camera_says(name):
    noisy, truth = noisy_sample(name)
    sample = SAMPLES[name]
    check_axes(sample.axes, noisy.shape)
    assert noisy.shape == truth.shape
    assert noisy.dtype == (np.uint8 if sample.saturation == 255 else np.uint16)
    assert truth.dtype == np.float32
    assert truth.min() >= sample.camera.offset
    free = (truth > 4 * sample.camera.noise(truth)) & (truth + 4 * sample.camera.noise(truth) < sample.saturation)
    deviation = ((noisy - truth) / sample.camera.noise(truth))[free]
    assert deviation.size > 0.1 * noisy.size
    assert deviation.mean() == pytest.approx(0, abs=0.03)
    assert deviation.std() == pytest.approx(1, abs=0.02)
    assert 15 < psnr(truth, noisy) < 32


@pytest.mark.parametrize("make", [filaments_and_blobs, nuclei])
@pytest.mark.parametrize("shape", [(64, 64), (100, 300), (40, 30)])
def test_simulated_structures(make, shape):
    image = make(shape, 3)
    assert image.shape == shape
    assert image.min() >= 1.9
    assert 10 < image.max() < 500
    np.testing.assert_array_equal(image, make(shape, 3))
    assert not np.array_equal(image, make(shape, 4))


def test_nuclei_in_three_dimensions():
    image = nuclei((12, 60, 70), 0)
    assert image.shape == (12, 60, 70)
    assert image.max() > 10
    # neighbouring planes show the same nuclei, distant ones others
    near, far = (np.corrcoef(image[0].ravel(), image[k].ravel())[0, 1] for k in (1, 11))
    assert near > 0.9 > far


def test_the_same_seed_gives_the_same_sample():
    first, second, other = (noisy_sample("nuclei", seed)[0] for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, second)
    assert not np.array_equal(first, other)


def test_an_unknown_sample_is_refused_with_the_names_of_the_others():
    with pytest.raises(RequestError, match="filaments, nuclei"):
        noisy_sample("elephant")
