"""What is said of how far a result can be trusted."""

from __future__ import annotations

from typing import Any

import pytest

from napari_microdiff.engine.events import Result
from napari_microdiff.engine.request import Request
from napari_microdiff.engine.trust import agreement, detail_beyond, detail_shown, disagrees, left_over, trusted

AGREES = {
    "deviation": 8.36,
    "noise": 8.48,
    "in_noise": 0.99,
    "correlation": 0.01,
    "range": 1000.0,
    "compared": 4096,
    "places": 0,
    "of": "mean",
}


def made(**report: Any) -> Result:
    return Result(Request(task="superresolve"), ((0, 64), (0, 64)), report={"residual": AGREES, **report})


def test_the_mean_is_spoken_of_unless_only_a_sample_was_made() -> None:
    said = agreement(made(), "More")
    assert said.startswith("What this microscope would see of the result is 8.36 off your image")
    assert said.endswith("The two agree.")
    assert "would see of the sample is" in agreement(made(residual={**AGREES, "of": "sample"}), "More")


@pytest.mark.parametrize(("places", "said"), [(1, "in 1 place:"), (3, "in 3 places:")])
def test_what_only_a_sample_shows_is_warned_of_beside_a_mean_that_agrees(places: int, said: str) -> None:
    assert not disagrees(made(residual_of_sample=AGREES))
    result = made(residual_of_sample={**AGREES, "places": places})
    assert disagrees(result)
    assert f"The sample disagrees with your image {said}" in agreement(result, "More")


def test_the_channel_that_agrees_least_is_named() -> None:
    said = agreement(made(residual={**AGREES, "channel": 1, "channels": 3}), "More")
    assert said.startswith("What this microscope would see of the result, in channel 2 of 3, is 8.36 off your image")


@pytest.mark.parametrize(
    ("in_noise", "alike", "compared", "warned"),
    [
        (1.0, 0.0, 4096, False),
        (1.3, 0.2, 4096, True),
        (1.0, 0.2, 4096, True),
        (1.3, -0.2, 4096, True),
        (1.2, 0.0, 4096, False),  # noise that was measured wrong
        (1.35, 0.0, 4096, True),
        (1.13, 0.08, 2**20, True),
        (1.13, 0.08, 1100, False),  # few pixels tell little
        (3.0, 0.5, 1000, False),
    ],
)
def test_they_disagree_if_what_is_left_over_is_louder_than_noise_or_no_noise(
    in_noise: float, alike: float, compared: int, warned: bool
) -> None:
    result = made(residual={**AGREES, "in_noise": in_noise, "correlation": alike, "compared": compared})
    assert disagrees(result) is warned
    assert ("They disagree" in agreement(result, "More")) is warned


def test_of_few_pixels_nothing_is_claimed() -> None:
    few = {**AGREES, "compared": 1000, "in_noise": 3.0}
    assert agreement(made(residual=few), "More").endswith("The part is too small to tell whether they agree.")
    assert left_over(made(residual={**few, "correlation": 0.5})) == ""
    assert disagrees(made(residual={**few, "places": 1}))


def test_what_shows_the_places_is_named() -> None:
    result = made(residual={**AGREES, "places": 2})
    assert agreement(result, "The file of --residual").endswith("The file of --residual shows where.")


@pytest.mark.parametrize(
    ("sizes", "shown", "agreed"),
    [
        ({}, "4.0 px", "3.0 px"),
        ({"Z": 1.0}, "4.0 px", "3.0 px"),
        ({"Y": 0.5, "X": 0.5}, "2 µm", "1.5 µm"),
        ({"Y": 0.5, "X": 0.25}, "2 µm along Y and 1 µm along X", "1.5 µm along Y and 0.75 µm along X"),
    ],
)
def test_detail_is_told_along_both_sides_of_a_pixel(sizes: dict[str, float], shown: str, agreed: str) -> None:
    said = detail_shown(made(image_shows_to=4.0, samples_agree_to=3.0), sizes)
    assert said.startswith(f"Your image shows detail down to {shown}; samples")
    assert f"agree down to {agreed}. What" in said


@pytest.mark.parametrize(
    ("correlation", "said"),
    [
        (0.02, "left over correlate by 0.02: it is like white noise."),
        (-0.15, "left over correlate by -0.15: some coarse noise is still in the result."),
        (0.3, "left over correlate by 0.30: it is no white noise."),
    ],
)
def test_whether_noise_is_left_over_is_said(correlation: float, said: str) -> None:
    assert left_over(made(residual={**AGREES, "correlation": correlation})).endswith(said)


def test_what_is_left_over_beyond_noise_is_not_called_noise() -> None:
    residual = {**AGREES, "correlation": -0.15, "in_noise": 3.5}
    assert left_over(made(residual=residual)).endswith("correlate by -0.15: it is no white noise.")


def test_of_what_is_left_over_nothing_is_said_where_nothing_is() -> None:
    assert left_over(made(residual={**AGREES, "deviation": 1e-4})) == ""
    assert left_over(made(residual={**AGREES, "compared": 0})) == ""


@pytest.mark.parametrize(("share", "said"), [(0.42, "42% of"), (0.0042, "0.4% of")])
def test_how_much_no_recording_could_show_is_said(share: float, said: str) -> None:
    assert f"{said} the contrast of the result" in detail_beyond(made(power_beyond=share))
    assert detail_beyond(made(power_beyond=1e-4)).startswith("Hardly any of the contrast of the result is finer")
    assert detail_beyond(made(power_beyond=None)) == ""


@pytest.mark.parametrize(("samples", "said"), [(1, "Ask for 4 samples"), (4, "The part is too small to tell")])
def test_what_is_missing_to_compare_samples_is_said(samples: int, said: str) -> None:
    report = {"image_shows_to": 4.0, "samples_agree_to": None}
    result = Result(Request(task="superresolve", samples=samples), ((0, 8), (0, 8)), report=report)
    assert f". {said}" in detail_shown(result, {})


def test_all_is_said_that_a_report_tells() -> None:
    detail = {"image_shows_to": 4.0, "samples_agree_to": None}
    familiar = {"familiarity": {"alike": True, "advice": "The image is like them."}}
    said = trusted(made(**familiar, **detail), "More", {"Y": 0.5, "X": 0.5})
    assert said[0] == "The image is like them."
    assert said[1] == agreement(made(), "More")
    assert said[2] == left_over(made())
    assert said[3].startswith("Your image shows detail down to 2 µm.")
    assert len(said) == 4
    assert trusted(made(**detail, power_beyond=0.02), "More", {})[-1] == detail_beyond(made(power_beyond=0.02))
    isotropic = Result(Request(task="isotropic"), ((0, 64),), report={"slices_tell": 0.25})
    assert [line[:40] for line in trusted(isotropic, "More", {})] == ["Slices so far apart tell about 25% of th"]
    denoised = Result(Request(), ((0, 64),), report={"residual": {"deviation": 1.0, "correlation": 0.0}})
    assert trusted(denoised, "More", {}) == []
