from __future__ import annotations

import pytest

from napari_microdiff.imaging.judging import Limits, Scores


def test_an_image_that_keeps_all_limits_is_good() -> None:
    assert Limits().reasons(Scores(mask=0.9, spectrum_db=1.0, levels=0.02)) == ()


def test_what_was_not_measured_is_not_judged() -> None:
    assert Limits().reasons(Scores()) == ()
    assert Scores(mask=0.5).as_dict() == {"mask": 0.5}


@pytest.mark.parametrize(
    ("scores", "words"),
    [
        (Scores(mask=0.5), "do not come back: a segmenter agrees with it to 0.50, and 0.60 is asked for"),
        (Scores(spectrum_db=9.0), "9.0 dB apart, and up to 8.0 dB are allowed"),
        (Scores(levels=0.2), "20% of their range apart, and up to 15% are allowed"),
    ],
)
def test_every_limit_has_a_reason(scores: Scores, words: str) -> None:
    (reason,) = Limits().reasons(scores)
    assert words in reason


@pytest.mark.parametrize(
    ("fine", "words"),
    [
        (-14.0, "It is smoother than the reference, or has less noise"),
        (14.0, "It is sharper than the reference, or has more noise: 15.0 dB apart"),
        (3.0, "Its texture is not that of the reference: 15.0 dB apart"),
        (None, "Its texture is not that of the reference"),
    ],
)
def test_it_is_said_what_about_the_texture_is_wrong(fine: float | None, words: str) -> None:
    (reason,) = Limits().reasons(Scores(spectrum_db=15.0, fine_db=fine))
    assert reason.startswith(words)


def test_what_is_on_a_limit_is_good_and_a_limit_can_be_lifted() -> None:
    bad = Scores(mask=0.0, spectrum_db=99.0, levels=1.0)
    assert Limits(mask=0.0, spectrum_db=99.0, levels=1.0).reasons(bad) == ()
    assert Limits(mask=None, spectrum_db=None, levels=None).reasons(bad) == ()
    assert len(Limits().reasons(bad)) == 3


def test_copies_are_rejected_where_a_limit_is_known() -> None:
    copy = Scores(nearest=0.97)
    assert Limits().reasons(copy) == ()
    (reason,) = Limits(nearest=0.8).reasons(copy)
    assert reason.endswith("0.97, and up to 0.80 is allowed.")
    assert Limits(nearest=0.8).reasons(Scores(nearest=0.8)) == ()
    assert copy.as_dict() == {"nearest": 0.97}
