"""Groups of bars against the calendar of the standard library."""

from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bateia.backtest.grouping import (
    by_day,
    by_fold,
    by_hour,
    by_month,
    by_name,
    by_period,
    by_regime,
    by_weekday,
)
from bateia.core import Bars, DataError
from bateia.regimes import TrendStrength
from bateia.splits import Piece

moments = st.lists(st.integers(-(10**15), 4 * 10**15), min_size=1, max_size=20).map(sorted)


@given(moments)
def test_calendar(times):
    time = np.array(times, np.int64)
    clock = [datetime.fromtimestamp(t // 1_000_000, UTC) for t in times]
    for grouping, form in ((by_hour, "%H:00"), (by_weekday, "%A"), (by_day, "%Y-%m-%d"), (by_month, "%Y-%m")):
        groups, names = grouping(time)
        assert [names[k] for k in groups] == [moment.strftime(form) for moment in clock]


def test_period_is_the_day_of_a_short_sample_and_the_month_of_a_long_one():
    day = 86_400_000_000
    assert len(by_period(np.arange(62) * day).names) == 62
    assert by_period(np.arange(90) * day).names == ["1970-01", "1970-02", "1970-03"]


def test_folds_and_names():
    path = [Piece(0, 10, 12), Piece(1, 12, 13), Piece(0, 13, 14)]
    groups, names = by_fold(path, slice(11, 15))
    assert groups.tolist() == [0, 1, 0, -1] and list(names) == ["fold 1", "fold 2"]
    with pytest.raises(DataError, match="fold 2 decides bars 2 to 4, some of them not alone"):
        by_fold([Piece(0, 0, 3), Piece(1, 2, 4)], slice(0, 5))
    groups, names = by_name(["b", "a", "b"])
    assert groups.tolist() == [1, 0, 1] and list(names) == ["a", "b"]


def test_a_regime_is_no_hindsight():
    """Holding a random walk earns nothing in a trend that is already known, however trends are found."""
    generated = np.random.default_rng(0).normal(0, 1e-3, 20_000)
    close, time = np.exp(np.cumsum(generated)), np.arange(20_000) * 60_000_000
    bars = Bars(time, time, time, *[close] * 4, *[np.ones(20_000)] * 7)
    detector = TrendStrength()
    number = detector.run(bars.columns())
    groups, names = by_regime(number, detector.names, slice(100, 20_000))
    assert groups.tolist() == number[99:-1].tolist()

    def surprise(regimes, name):
        earned = generated[100:][regimes == names.index(name)]
        return float(earned.mean() / earned.std() * np.sqrt(len(earned)))

    for name, sign in (("trend_up", 1), ("trend_down", -1)):
        assert sign * surprise(number[100:], name) > 5
        assert abs(surprise(groups, name)) < 3
