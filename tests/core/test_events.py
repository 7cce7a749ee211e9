"""Blocks: equal columns, views, concatenation, frames."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from bateia.core import Bars, DataError, Spans, Trades


def generated_trades(n: int) -> Trades:
    t = np.arange(n, dtype=np.int64) * 1_000
    return Trades(t, t + 5, np.linspace(10.0, 11.0, n), np.ones(n), np.zeros(n, np.int8))


def test_slices_are_views_and_selections_are_blocks():
    trades = generated_trades(10)
    part = trades[2:5]
    assert isinstance(part, Trades)
    assert np.shares_memory(part.price, trades.price)
    assert part.time.tolist() == [2000, 3000, 4000]
    assert trades[trades.price > 10.5].price.min() > 10.5
    assert trades[np.array([3, 1])].time.tolist() == [3000, 1000]


def test_concat_is_the_inverse_of_cutting():
    trades = generated_trades(10)
    again = Trades.concat([trades[:3], trades[3:3], trades[3:]])
    for name, column in trades.columns().items():
        assert np.array_equal(again.columns()[name], column)
        assert again.columns()[name].dtype == column.dtype


def test_nothing_makes_an_empty_block_with_the_right_types():
    empty = Bars.concat([])
    assert len(empty) == 0
    assert {str(column.dtype) for column in empty.columns().values()} == {"int64", "float64"}
    assert Trades.empty().side.dtype == np.int8
    assert len(Spans.empty()) == 0


def test_unequal_columns_are_refused():
    t = np.zeros(2, np.int64)
    with pytest.raises(DataError, match=r"unequal length.*'t1': 3"):
        Spans(t, np.zeros(3, np.int64))


def test_a_frame_has_utc_clocks():
    frame = generated_trades(3).to_frame()
    assert frame.schema["time"] == frame.schema["known_at"] == pl.Datetime("us", "UTC")
    assert frame["price"].to_list() == [10.0, 10.5, 11.0]
    assert frame["time"].dt.epoch("us").to_list() == [0, 1000, 2000]
