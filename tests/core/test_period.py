"""Days, months and years of UTC."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bateia.core import ConfigError
from bateia.core.clock import DAY
from bateia.core.period import Period, parse_edge

moments = st.integers(0, 4_000_000_000_000_000)


def date(moment):
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=moment)


@given(moments, st.sampled_from(["day", "month"]))
def test_a_period_holds_its_moment_and_has_whole_days(moment, unit):
    period = Period.at(moment, unit)
    assert period.start <= moment < period.end
    assert date(period.start).strftime("%Y-%m-%d %H:%M:%S.%f").endswith("00:00:00.000000")
    assert date(period.start).strftime("%Y-%m") == date(moment).strftime("%Y-%m")
    assert Period.parse(period.name) == period
    after = Period.at(period.end, unit)
    assert after.start == period.end
    assert after > period
    assert [day.start for day in period.days] == list(range(period.start, period.end, DAY))


@given(moments, st.integers(1, 400 * DAY), st.sampled_from(["day", "month"]))
def test_covering_has_no_hole_and_nothing_to_spare(start, length, unit):
    found = Period.covering(start, start + length, unit)
    assert found[0].start <= start < found[0].end
    assert found[-1].start < start + length <= found[-1].end
    assert all(a.end == b.start for a, b in pairwise(found))


def test_edges():
    assert parse_edge("2024-02", last=True) == parse_edge("2024-02-29", last=True) == parse_edge("2024-03-01")
    assert parse_edge("2024", last=True) == parse_edge("2025-01-01T00:00:00Z", last=True)
    assert parse_edge("2024-01-01T02:00+02:00") == parse_edge("2024")


@pytest.mark.parametrize("text", ["2024-13", "2024-02-30", "tomorrow", "", "24-1", "2024-1", "0000"])
def test_no_dates(text):
    with pytest.raises(ConfigError, match=r"no date|no day, month or year"):
        parse_edge(text)
