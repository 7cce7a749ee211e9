"""Higher timeframes: bars are seen once they are whole, whatever the clock does."""

import numpy as np
import pytest

from bateia.core import ExpressionError
from bateia.features import Plan, col, fn

MINUTE = 60_000_000
COLUMNS = ("time", "close", "volume")


def closes(timeframe, *rows):
    """What at(timeframe, close) shows for rows (minute, close)."""
    time, close = (np.array(column, np.float64) for column in zip(*rows, strict=True))
    plan = Plan({"f": f'at("{timeframe}", close)'}, COLUMNS)
    return plan.run({"time": time * MINUTE, "close": close})["f"].tolist()


def test_the_first_bar_is_cut_short_and_left_out():
    assert closes("5m", (3, 1.0), (4, 2.0), (6, 3.0), (11, 4.0), (12, 5.0)) == pytest.approx(
        [np.nan, np.nan, np.nan, 3.0, 3.0], nan_ok=True
    )


def test_a_row_at_the_end_of_a_bar_closes_it_at_once():
    assert closes("5m", (3, 1.0), (5, 2.0), (7, 3.0), (10, 4.0), (11, 5.0)) == pytest.approx(
        [np.nan, np.nan, np.nan, 4.0, 4.0], nan_ok=True
    )


def test_one_row_can_end_two_bars():
    # The bar of minute 7 ended unseen at 10; the row at 20 ends its own as well.
    plan = Plan({"sum": 'at("5m", sum(close, 2))', "last": 'at("5m", close)'}, COLUMNS)
    rows = {"time": np.array([3, 7, 20, 21]) * MINUTE, "close": np.array([1.0, 2.0, 4.0, 8.0])}
    found = plan.run(rows)
    assert found["last"].tolist()[2:] == [4.0, 4.0]
    assert found["sum"].tolist()[2:] == [6.0, 6.0]


def test_rows_of_one_time_at_the_end_of_a_bar_start_the_next():
    plan = Plan({"f": 'at("5m", volume)'}, COLUMNS)
    rows = {"time": np.array([2, 5, 7, 10, 10, 12, 15]) * MINUTE, "volume": 2.0 ** np.arange(7)}
    assert plan.run(rows)["f"].tolist()[3:] == [12.0, 12.0, 12.0, 112.0]


def test_empty_bars_are_no_bars():
    assert closes("5m", (1, 1.0), (6, 2.0), (59, 3.0), (61, 4.0))[2:] == [2.0, 3.0]


def test_weeks_begin_on_a_monday():
    day = 86_400_000_000
    plan = Plan({"f": 'at("7d", volume)'}, COLUMNS)
    time = np.arange(1, 40) * day // 2  # half days from Thursday 1 January 1970 on
    volume = plan.run({"time": time, "volume": np.ones(39)})["f"]
    assert np.flatnonzero(np.isfinite(volume))[0] == 21, "Monday 12 January at 0:00 ends the first whole week"
    assert volume[21] == 14


def test_features_and_functions_work_within_a_timeframe():
    features = {"trend": "ema(close, 2) - ema(close, 3)", "higher": 'at("5m", trend)'}
    plan = Plan(features, COLUMNS)
    time, close = np.arange(1, 200) * MINUTE, np.sin(np.arange(199.0))
    seen = plan.run({"time": time, "close": close})["higher"]
    whole = slice(9, None, 5)  # the last minute of each bar, but for the first bar
    alone = Plan({"trend": features["trend"]}, COLUMNS).run({"close": close[whole]})["trend"]
    assert np.array_equal(seen[whole], alone, equal_nan=True)
    assert str(fn.at("5m", fn.ema(col.close, 2))) == 'at("5m", ema(close, 2))'


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("at(5, close)", "the timeframe of at.* is 5.*duration"),
        ('at("5x", close)', "5x"),
        ('at("5m")', "at\\(\\) got 1 arguments"),
        ('at("1h", at("5m", close))', "at\\(\\) within at"),
        ('at("1h", 3)', "not a series"),
        ('at("1h", clsoe)', "unknown column 'clsoe'.*close"),
    ],
)
def test_mistakes_are_named(text, says):
    with pytest.raises(ExpressionError, match=says):
        Plan({"f": text}, COLUMNS)


def test_a_timeframe_needs_a_clock():
    with pytest.raises(ExpressionError, match="a higher timeframe needs a clock"):
        Plan({"f": 'at("1h", close)'}, ("close",))


def test_a_feature_cannot_need_itself_through_a_timeframe():
    with pytest.raises(ExpressionError, match="f -> f"):
        Plan({"f": 'at("1h", f)'}, COLUMNS)
