"""Requests refuse what makes no sense and survive JSON and YAML unchanged."""

from __future__ import annotations

import pickle

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from napari_microdiff.engine.options import DenoiseOptions
from napari_microdiff.engine.request import Request

spans = st.tuples(st.integers(0, 10**6), st.integers(1, 10**6)).map(lambda s: (s[0], s[0] + s[1]))
finite = st.floats(0, 20, allow_nan=False)
requests = st.builds(
    Request,
    model=st.from_regex("[a-z0-9][a-z0-9._-]{0,20}", fullmatch=True),
    weights_sha256=st.one_of(st.none(), st.text("0123456789abcdef", min_size=64, max_size=64)),
    sampler=st.sampled_from(["dpmpp-2m", "heun", "ddim", "ddpm", "sde"]),
    steps=st.integers(1, 1000),
    samples=st.integers(1, 1000),
    outputs=st.lists(st.sampled_from(["mean", "sample", "uncertainty"]), min_size=1, max_size=5),
    guidance=finite,
    seed=st.integers(0, 2**63 - 1),
    axes=st.one_of(st.none(), st.text("PTCZYXS", min_size=2, max_size=6)),
    region=st.one_of(st.none(), st.lists(spans, min_size=2, max_size=6).map(tuple)),
    tile=st.one_of(st.none(), st.integers(32, 65536)),
    device=st.sampled_from(["auto", "cpu", "mps", "cuda", "cuda:0", "cuda:11"]),
    precision=st.sampled_from(["auto", "float32", "bfloat16"]),
    options=st.builds(
        DenoiseOptions,
        noise_level=st.one_of(st.none(), st.floats(1e-12, 1e12)),
        start=st.sampled_from(["condition", "measured-noise"]),
    ),
)


@given(request=requests)
def test_a_request_survives_json_yaml_and_pickle(request):
    assert Request.model_validate_json(request.model_dump_json()) == request
    text = yaml.safe_dump(request.model_dump(mode="json"), allow_unicode=True)
    assert Request.model_validate(yaml.safe_load(text)) == request
    assert pickle.loads(pickle.dumps(request)) == request


@given(request=requests)
def test_a_request_can_be_a_key_and_cannot_change(request):
    assert {request: 1}[Request.model_validate(request.model_dump())] == 1
    with pytest.raises(ValidationError, match="frozen"):
        request.steps = 5


@pytest.mark.parametrize(
    ("field", "bad"),
    [
        ("task", "paint"),
        ("steps", 0),
        ("steps", 1001),
        ("steps", 1.5),
        ("samples", 0),
        ("sampler", "euler-a"),
        ("outputs", ()),
        ("outputs", ("median",)),
        ("guidance", -1),
        ("guidance", float("nan")),
        ("seed", -1),
        ("seed", 2**63),
        ("tile", 31),
        ("device", "tpu"),
        ("device", "cuda:"),
        ("device", "cuda:0\n"),
        ("precision", "float16"),
        ("weights_sha256", "abc"),
        ("weights_sha256", "G" * 64),
        ("region", ((0, 5), (5, 5))),
        ("region", ((-1, 5),)),
        ("region", ((3, 2),)),
        ("options", {"noise_level": 0}),
        ("options", {"noise_level": float("nan")}),
        ("options", {"noise_level": float("inf")}),
        ("options", {"start": "blind"}),
        ("options", {"unknown": 1}),
        ("stpes", 3),
    ],
)
def test_what_makes_no_sense_is_refused(field, bad):
    with pytest.raises(ValidationError, match=field):
        Request.model_validate({field: bad})


def test_outputs_are_named_once_in_the_order_asked_for():
    assert Request(outputs=("sample", "mean", "sample")).outputs == ("sample", "mean")


def test_the_defaults_are_one_evaluation_with_its_uncertainty():
    request = Request()
    assert (request.steps, request.samples, request.outputs) == (1, 1, ("mean", "uncertainty"))
    assert request.options.start == "condition"


def test_drawing_takes_steps_and_follows_the_mask():
    request = Request(task="synthesize")
    assert (request.steps, request.guidance, request.outputs) == (16, 2.0, ("sample",))
    assert Request(task="synthesize", guidance=0).guidance == 0
