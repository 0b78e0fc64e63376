"""The one door: events in order, every sampler, the same array again, and what happens without memory."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch

from napari_microdiff.diffusion.denoiser import Preconditioned
from napari_microdiff.engine.events import Done, Notice, Preview, Progress
from napari_microdiff.engine.request import Request
from napari_microdiff.errors import DeviceError, ModelError, RequestError
from napari_microdiff.models.store import find_model
from napari_microdiff.tasks import denoise, run
from napari_microdiff.tasks import run as run_module_function
from napari_microdiff.tasks.collect import Collector
from napari_microdiff.tasks.run import finish

SAMPLERS = ["dpmpp-2m", "heun", "ddim", "ddpm", "sde"]
ALL = ("mean", "sample", "uncertainty")


@pytest.fixture
def run_module():
    import sys

    return sys.modules[run_module_function.__module__]


@pytest.mark.parametrize("sampler", SAMPLERS)
@pytest.mark.parametrize("start", ["condition", "measured-noise"])
def test_progress_rises_to_its_total_and_done_comes_last(sampler, start, events, noisy):
    happened = events(noisy, sampler=sampler, steps=4, samples=2, tile=32, outputs=ALL, options={"start": start})
    *before, last = happened
    assert isinstance(last, Done)
    assert not any(isinstance(event, Done) for event in before)
    progress = [event for event in before if isinstance(event, Progress)]
    assert [p.done for p in progress] == list(range(1, len(progress) + 1))
    assert {p.total for p in progress} == {len(progress)}
    assert progress[-1].seconds_left == 0
    assert all(p.seconds_left >= 0 for p in progress)
    assert {name: image.shape for name, image in last.result.images().items()} == dict.fromkeys(ALL, noisy.shape)
    for image in last.result.images().values():
        assert image.dtype == np.float32
        assert np.isfinite(image).all()
    assert (last.result.uncertainty > 0).all()


def test_a_run_is_finished_with_its_result(events, noisy):
    def passed_on(happened):
        told.append((yield from finish(iter(happened))))

    told = []
    happened = events(noisy, steps=2)
    assert list(passed_on(happened)) == happened[:-1]
    assert told == [happened[-1].result]


@pytest.mark.parametrize("outputs", [("mean",), ("sample",), ("uncertainty",), ("uncertainty", "mean"), ALL])
@pytest.mark.parametrize("steps", [1, 3])
@pytest.mark.parametrize("samples", [1, 2])
def test_what_is_asked_for_is_given_and_nothing_else(outputs, steps, samples, result, noisy):
    given = result(noisy, outputs=outputs, steps=steps, samples=samples)
    assert set(given.images()) == set(outputs)
    assert given.request.outputs == outputs


def test_a_job_does_not_depend_on_another_one_that_runs_meanwhile(ask, result, noisy):
    alone = result(noisy, precision="float32", steps=2)
    job = run(ask(precision="float32", steps=2), noisy)
    next(job)
    list(run(ask(precision="bfloat16"), noisy))
    *_, done = job
    np.testing.assert_array_equal(done.result.mean, alone.mean)


def test_previews_lie_in_the_region_and_the_last_ones_of_a_sample_are_the_sample(events, noisy):
    region = ((10, 90), (20, 100))
    happened = events(noisy, steps=3, tile=32, outputs=("sample",), region=region)
    canvas = np.full(noisy.shape, np.nan, np.float32)
    for event in happened:
        if isinstance(event, Preview):
            assert event.image.shape == tuple(b - a for a, b in event.region)
            if event.image.size:
                assert all(a >= c and b <= d for (a, b), (c, d) in zip(event.region, region, strict=True))
            canvas[tuple(slice(*span) for span in event.region)] = event.image
    inside = canvas[10:90, 20:100]
    np.testing.assert_allclose(inside, happened[-1].result.sample, atol=1e-2)
    assert np.isnan(canvas).sum() == canvas.size - inside.size


def test_the_first_previews_are_the_posterior_mean(events, noisy):
    happened = events(noisy, outputs=("mean",))
    preview = next(event for event in happened if isinstance(event, Preview))
    np.testing.assert_array_equal(preview.image, happened[-1].result.mean)


def test_the_request_of_a_result_gives_the_identical_array(tiny_model, noisy):
    first = denoise(noisy, model=tiny_model, steps=4, samples=3, outputs=ALL, seed=5, device="cpu")
    again = list(run(first.request, noisy))[-1].result
    assert again.request == first.request
    from_text = list(run(Request.model_validate_json(first.request.model_dump_json()), noisy))[-1].result
    for name, image in first.images().items():
        np.testing.assert_array_equal(again.images()[name], image)
        np.testing.assert_array_equal(from_text.images()[name], image)


def test_a_result_says_what_was_really_done(tiny_model, noisy):
    made = denoise(noisy, model=tiny_model)
    card = find_model(tiny_model).card
    assert made.request.weights_sha256 == card.weights_sha256
    assert made.request.axes == "YX"
    assert made.request.device in {"cpu", "cuda", "mps"}
    assert made.request.precision in {"float32", "bfloat16"}
    assert made.request.tile is not None
    assert made.region == ((0, 96), (0, 112))
    assert json.loads(json.dumps(made.report)) == made.report
    assert {"seconds", "device", "notices", "noise_level", "normalization", "residual"} <= set(made.report)
    assert made.report["notices"] == []
    assert made.report["evaluations"] == 1
    assert made.report["noise_level"] == pytest.approx([10], rel=0.2)


@pytest.mark.parametrize(("outputs", "evaluations"), [(("mean", "uncertainty"), 1), (("mean", "sample"), 4)])
def test_a_result_says_how_many_evaluations_were_spent(outputs, evaluations, result, noisy):
    assert result(noisy, steps=4, outputs=outputs).report["evaluations"] == evaluations


def test_another_seed_changes_samples_and_not_the_mean(result, noisy):
    one, other = (result(noisy, steps=4, outputs=ALL, seed=seed) for seed in (0, 1))
    np.testing.assert_array_equal(one.mean, other.mean)
    np.testing.assert_array_equal(one.uncertainty, other.uncertainty)
    assert np.abs(one.sample - other.sample).max() > 1


@pytest.mark.parametrize(("steps", "tolerance"), [(1, 1e-3), (8, 1e-2)])
def test_tiles_and_regions_do_not_show(steps, tolerance, result, noisy):
    outputs, span = ("mean", "sample"), np.ptp(noisy)
    whole = result(noisy, steps=steps, outputs=outputs)
    tiled = result(noisy, steps=steps, outputs=outputs, tile=32)
    part = result(noisy, steps=steps, outputs=outputs, region=((30, 61), (17, 80)))
    assert part.mean.shape == (31, 63)
    assert part.region == ((30, 61), (17, 80))
    for name in outputs:
        reference = whole.images()[name]
        assert np.abs(tiled.images()[name] - reference).max() < 1e-3 * span
        assert np.abs(part.images()[name] - reference[30:61, 17:80]).max() < tolerance * span


def test_closing_stops_the_job(ask, noisy):
    running = run(ask(steps=8, samples=8, tile=32, outputs=ALL), noisy)
    for _ in range(20):
        next(running)
    running.close()
    with pytest.raises(StopIteration):
        next(running)


def test_several_samples_are_the_mean_and_spread_of_single_ones(result, noisy):
    # Samples differ by their number only, and are drawn one after the other: the same draws, asked for in two ways.
    eight = result(noisy, steps=3, samples=8, outputs=ALL)
    nine = result(noisy, steps=3, samples=9, outputs=ALL)
    ninth = 9 * nine.mean.astype(float) - 8 * eight.mean
    squares = 8 * eight.uncertainty.astype(float) ** 2 + 8 * eight.mean.astype(float) ** 2 + ninth**2
    spread = np.sqrt((squares - 9 * nine.mean.astype(float) ** 2) / 9)
    np.testing.assert_allclose(nine.uncertainty, spread, rtol=0.02, atol=0.05)
    np.testing.assert_array_equal(eight.sample, nine.sample)
    assert (eight.uncertainty > 0).all()


def test_mean_and_spread_of_samples_by_hand(monkeypatch, result, noisy):
    drawn = []
    take = Collector.take_sample

    def watch(self, index, job, image, sample):
        drawn.append(self._task.read(index, image[0]))
        return take(self, index, job, image, sample)

    monkeypatch.setattr(Collector, "take_sample", watch)
    made = result(noisy, steps=4, samples=8, outputs=ALL)
    assert len(drawn) == 8
    np.testing.assert_array_equal(made.sample, drawn[0])
    np.testing.assert_allclose(made.mean, np.mean(drawn, axis=0, dtype=float), rtol=1e-5)
    np.testing.assert_allclose(made.uncertainty, np.std(drawn, axis=0, dtype=float), rtol=1e-4)


def test_few_samples_keep_the_uncertainty_of_the_denoiser(result, noisy):
    one = result(noisy, steps=3, outputs=ALL)
    seven = result(noisy, steps=3, samples=7, outputs=ALL)
    np.testing.assert_array_equal(one.uncertainty, seven.uncertainty)
    np.testing.assert_array_equal(one.sample, seven.sample)
    assert np.abs(one.mean - seven.mean).max() > 0.1


def test_an_unknown_model_is_named_with_the_nearest(ask, noisy):
    with pytest.raises(ModelError, match=r"no model called 'tinny'.*tiny"):
        list(run(ask(model="tinny"), noisy))


def test_a_request_made_with_other_weights_is_refused(ask, noisy):
    with pytest.raises(RequestError, match=r"other weights of 'tiny'.*remove weights_sha256"):
        list(run(ask(weights_sha256="0" * 64), noisy))


@pytest.mark.skipif(torch.cuda.is_available(), reason="has a CUDA device")
def test_a_device_that_is_not_there_is_an_error_and_not_silently_the_cpu(ask, noisy):
    with pytest.raises(DeviceError, match="no device 'cuda'"):
        list(run(ask(device="cuda"), noisy))


class Starved(Preconditioned):
    """A denoiser on a device without any memory left."""

    def forward(self, *_, **__):
        raise torch.OutOfMemoryError("CUDA out of memory")


@pytest.fixture
def small_gpu(run_module, monkeypatch):
    """A device, better than the CPU by name, that runs out of memory whatever is asked of it."""
    load = run_module.load_denoiser

    def load_on(model, device):
        denoiser = load(model, torch.device("cpu"))
        if device.type == "cpu":
            return denoiser
        return Starved(denoiser.network, denoiser.sigma_data, denoiser.sigma_max)

    def choose(name):
        return torch.device("meta" if name == "auto" else name)

    monkeypatch.setattr(run_module, "load_denoiser", load_on)
    monkeypatch.setattr(run_module, "choose_device", choose)
    return monkeypatch


def test_auto_falls_back_to_the_cpu_and_says_so(small_gpu, events, result, noisy):
    happened = events(noisy, device="auto")
    messages = [event.message for event in happened if isinstance(event, Notice)]
    assert any("Going on with the CPU" in message for message in messages)
    made = happened[-1].result
    assert made.request.device == "cpu"
    assert made.report["notices"] == messages[-1:]  # what came before concerns a device that was left
    np.testing.assert_array_equal(made.mean, result(noisy, device="cpu").mean)


def test_a_device_that_was_named_is_not_left(small_gpu, run_module, events, noisy):
    small_gpu.setattr(run_module, "choose_device", lambda name: torch.device("meta"))
    with pytest.raises(DeviceError, match="does not suffice even for the smallest tile"):
        events(noisy, device="cuda")


def test_a_device_without_room_for_the_network_is_left_too(run_module, monkeypatch, events, noisy):
    load = run_module.load_denoiser

    def load_on(model, device):
        if device.type != "cpu":
            raise torch.OutOfMemoryError("CUDA out of memory")
        return load(model, device)

    monkeypatch.setattr(run_module, "load_denoiser", load_on)
    monkeypatch.setattr(run_module, "choose_device", lambda name: torch.device("meta" if name == "auto" else name))
    happened = events(noisy, device="auto")
    assert any(isinstance(event, Notice) and "Going on with the CPU" in event.message for event in happened)
    assert happened[-1].result.request.device == "cpu"


def test_the_short_way_in_takes_the_fields_of_a_request(tiny_model, noisy):
    made = denoise(noisy, model=tiny_model, noise_level=20, device="cpu", outputs=("mean",))
    assert made.request.options.noise_level == 20
    assert made.uncertainty is None
    with pytest.raises(RequestError, match="stepps"):
        denoise(noisy, model=tiny_model, stepps=3)
