"""What all tests rely on."""

from __future__ import annotations

import time

import pytest


def begin(request: pytest.FixtureRequest) -> None:
    request.config.hook.pytest_runtest_setup(item=request.node)


def test_what_begins_after_the_time_given_is_left_out(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TEST_UNTIL", str(time.time() - 1))
    with pytest.raises(pytest.skip.Exception, match="not reached"):
        begin(request)
