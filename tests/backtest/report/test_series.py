"""Downsampling keeps the ends, the extremes and the order."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from bateia.backtest.report.series import milliseconds, minmax_rows, numbers


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=300), st.integers(4, 60))
def test_few_rows_in_order_with_ends_and_extremes(values, limit):
    x = np.array(values)
    rows = minmax_rows(x, limit)
    assert len(rows) <= limit
    assert (np.diff(rows) > 0).all()
    assert rows[0] == 0 and rows[-1] == len(x) - 1
    assert x[rows].min() == x.min() and x[rows].max() == x.max()


def test_numbers_and_times_are_plain():
    assert numbers([1 / 3, float("nan"), float("inf")]) == [0.3333333, None, None]
    assert milliseconds(np.array([1_500_000, 250])) == [1500, 0]
