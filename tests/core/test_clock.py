"""Durations and moments."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bateia.core import Component, ConfigError, Duration, format_duration, format_time, parse_duration
from bateia.core.clock import LONGEST


@given(st.integers(1, LONGEST))
def test_a_duration_is_read_back_as_written(micros):
    assert parse_duration(format_duration(micros)) == micros


@pytest.mark.parametrize(
    ("text", "micros"), [("1.5s", 1_500_000), ("1h 30m", 5_400_000_000), ("2w", 1_209_600_000_000)]
)
def test_forms_of_a_duration(text, micros):
    assert parse_duration(text) == micros


@pytest.mark.parametrize("text", ["", "5", "m", "5 parsecs", "5m!", "-5m", "0s", "5m 5"])
def test_what_is_no_duration(text):
    with pytest.raises(ConfigError, match=r"is not a duration|is zero"):
        parse_duration(text)


@pytest.mark.parametrize("text", ["36525d 1us", "99999999999w", "9" * 5000 + "s"])
def test_durations_that_no_clock_could_hold(text):
    with pytest.raises(ConfigError, match="longer than a century; allowed: at most 36525d"):
        parse_duration(text)


def test_nothing_is_zero_microseconds():
    assert format_duration(0) == "0us"


def test_moments_keep_their_microseconds():
    assert format_time(1_378_072_800_083_001) == "2013-09-01T22:00:00.083001Z"
    assert format_time(-1) == "1969-12-31T23:59:59.999999Z"


class Waiting(Component):
    pause: Duration


def test_a_duration_field_is_text_outside_and_microseconds_inside():
    waiting = Waiting.model_validate({"pause": "90s"})
    assert waiting.pause == 90_000_000
    assert waiting.model_dump(mode="json") == {"pause": "1m30s"}


@pytest.mark.parametrize("given", [90, 1.5, None, "soon", True])
def test_a_bare_number_is_refused_since_it_has_no_unit(given):
    with pytest.raises(ValueError, match="is not a duration"):
        Waiting.model_validate({"pause": given})


def test_components_are_frozen_and_refuse_unknown_keys():
    waiting = Waiting(pause="1s")
    with pytest.raises(ValueError, match="frozen"):
        waiting.pause = 3
    with pytest.raises(ValueError, match="Extra inputs"):
        Waiting.model_validate({"pause": "1s", "puase": "2s"})
    assert waiting == Waiting(pause="1000ms")
    assert hash(waiting) == hash(Waiting(pause="1s"))
