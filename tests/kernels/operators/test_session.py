"""Sessions by hand: where they begin, what a missing row does, days and weeks of real dates, and no drift."""

import math
from datetime import UTC, datetime

import numpy as np
import pytest

from bateia.features import Plan

NAN = math.nan
DAY = 86_400_000_000


def run(expression, **columns):
    data = {name: np.array(values, np.float64) for name, values in columns.items()}
    return Plan({"feature": expression}, tuple(data)).run(data)["feature"].tolist()


X = [3.0, NAN, 2.0, 5.0, 1.0, 4.0, 9.0, 7.0]
BY = [0.0, 0.0, 0.0, NAN, 0.0, 8.0, 0.0, 0.0]


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("cumsum(x, by)", [3, NAN, 5, NAN, 6, 4, 9, 16]),
        ("cummax(x, by)", [3, NAN, 3, NAN, 3, 4, 9, 9]),
        ("cummin(x, by)", [3, NAN, 2, NAN, 1, 4, 9, 7]),
        ("first(x, by)", [3, NAN, 3, NAN, 3, 4, 9, 9]),
        ("cumcount(by)", [1, 2, 3, NAN, 4, 1, 1, 2]),
        ("cumsum(x, 0)", [3, NAN, 5, 10, 11, 15, 24, 31]),
        ("first(x, 7)", [3, NAN, 3, 3, 3, 3, 3, 3]),
        ("cumsum(1, by)", [1, 2, 3, NAN, 4, 1, 1, 2]),
        ("age(x > 2)", [1, NAN, 0, 1, 0, 1, 2, 3]),
    ],
)
def test_by_hand(expression, expected):
    assert run(expression, x=X, by=BY) == pytest.approx(expected, nan_ok=True, abs=0)


def test_a_session_may_begin_with_a_missing_value():
    assert run("first(x, by)", x=[1, NAN, 5, 6], by=[0, 1, 1, 1]) == pytest.approx(
        [1, NAN, 5, 5], nan_ok=True
    )
    assert run("cummax(x, by)", x=[9, NAN, 5, 6], by=[0, 1, 1, 1]) == pytest.approx(
        [9, NAN, 5, 6], nan_ok=True
    )


def test_days_and_weeks_of_real_dates():
    dates = [datetime(*date, tzinfo=UTC) for date in [(2024, 3, 11), (2024, 3, 11, 0, 1), (2024, 3, 17, 23)]]
    time = [date.timestamp() * 1e6 for date in dates]
    assert run("day()", time=time) == [19792, 19793, 19799]
    sunday, monday, next_sunday = run("week()", time=time)
    assert (monday, next_sunday) == (sunday + 1, sunday + 1)


def test_the_sessions_of_whole_bars_are_those_of_their_timeframe():
    """Hourly bars carry the hour's end: the 24 from midnight to midnight are a day, and the day of at()."""
    time = (np.arange(24 * 5) + 1) * 3_600_000_000
    volume = np.random.default_rng(2).integers(1, 99, len(time)).astype(float)
    features = {"so_far": "cumsum(volume, day())", "row": "cumcount(day())", "day": 'at("1d", volume)'}
    found = Plan(features, ("time", "volume")).run({"time": time, "volume": volume})
    assert found["row"].tolist() == [*range(1, 25)] * 5
    assert found["so_far"][23::24].tolist() == volume.reshape(5, 24).sum(1).tolist()
    assert found["day"][47::24].tolist() == found["so_far"][47::24].tolist()


def test_the_vwap_starts_again_with_the_day_and_is_the_close_before_the_first_trade():
    columns = {
        "time": [DAY - 1, DAY, DAY + 1, DAY + 2, DAY + 3],  # a bar that ends at midnight is of the day before
        "value": [100, 330, 0, 0, 600],
        "volume": [1, 3, 0, 0, 2],
        "close": [101, 111, 120, 130, 290],
    }
    assert run("session_vwap()", **columns) == [100, 107.5, 120, 130, 300]


def test_a_long_sum_does_not_drift():
    values = np.random.default_rng(5).normal(size=1_000_000) + 0.1
    values[1000], values[2000] = 1e17, -1e17
    got = Plan({"feature": "cumsum(x, 0)"}, ("x",)).run({"x": values})["feature"]
    for row in [999, 1000, 1500, 2000, 2001, 500_000, 999_999]:
        assert got[row] == pytest.approx(math.fsum(values[: row + 1]), rel=1e-15, abs=0), row


def test_a_sum_beyond_what_a_float_holds_is_missing_and_goes_on():
    assert run("cumsum(x, 0)", x=[1e308, 1e308, 5, -1e308]) == pytest.approx(
        [1e308, NAN, 1e308, 5], nan_ok=True
    )
