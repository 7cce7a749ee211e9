"""Validation names the first row that is wrong, and lets real data pass."""

import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bateia.core import Bars, DataError, Trades
from bateia.quality import validate_bars, validate_trades
from bateia.sources import read_trades
from bateia.testing.bars import generated_trades

TRADES = generated_trades(200)
PRICES = np.array([5.0, 6.0, 5.5, 7.0])
ONES = np.ones(4)
TIME = np.array([10, 20, 30, 40])
BARS = Bars(
    open_time=TIME - 5, time=TIME, known_at=TIME, open=PRICES, high=PRICES + 1, low=PRICES - 1, close=PRICES,
    volume=ONES, signed_volume=ONES, value=PRICES, vwap=PRICES, trades=ONES, up_ticks=ONES, down_ticks=ONES,
)  # fmt: skip


REAL = Path(os.environ.get("BATEIA_DATA", Path(__file__).parents[3] / "shared" / "data"))
BYBIT = REAL / "bybit/trading/BTCUSD/BTCUSD2019-10-01.csv.gz"


def put(block, name, row, value):
    column = getattr(block, name).copy()
    column[row] = value
    return replace(block, **{name: column})


def test_good_data_passes(es_trades):
    validate_trades(TRADES)
    validate_trades(TRADES[:1])
    validate_trades(es_trades)
    validate_bars(BARS)
    validate_bars(BARS[:1])


def test_nothing_is_refused():
    with pytest.raises(DataError, match="no trades"):
        validate_trades(Trades.empty())
    with pytest.raises(DataError, match="no bars"):
        validate_bars(Bars.empty())


BAD = [
    (name, value)
    for name in ("price", "size")
    for value in (np.nan, np.inf, -np.inf, 0.0, -1.5, 1e-300, 2e15)
]


@pytest.mark.parametrize(("name", "value"), [*BAD, ("side", 2), ("side", -128)])
@given(rows=st.sets(st.integers(0, 199), min_size=1, max_size=4))
def test_the_first_bad_value_is_named_by_row(name, value, rows):
    trades = put(TRADES, name, sorted(rows), value)
    with pytest.raises(DataError, match=rf"^{name} of row {min(rows)} is {value}\b") as caught:
        validate_trades(trades)
    assert (f"({len(rows)} such rows)" in str(caught.value)) == (len(rows) > 1)


@given(row=st.integers(1, 199), back=st.integers(1, 10**9))
def test_times_running_backwards(row, back):
    trades = put(TRADES, "time", row, TRADES.time[row - 1] - back)
    with pytest.raises(DataError, match=rf"^trade {row} of .* comes after trade {row - 1} of .*oldest first"):
        validate_trades(trades)


@given(row=st.integers(0, 199))
def test_known_before_it_happened(row):
    trades = put(TRADES, "known_at", row, TRADES.time[row] - 1)
    with pytest.raises(DataError, match=rf"^known_at of row {row} .*no earlier than time"):
        validate_trades(trades)


def test_equal_times_and_equal_trades_are_real():
    same = np.zeros(100, np.int64)
    validate_trades(replace(TRADES[:100], time=same, known_at=same))
    validate_trades(TRADES[np.sort(np.append(np.arange(100), [3, 3, 50]))])
    validate_trades(TRADES[[0, 0]])


@pytest.mark.parametrize("times", [2, 4])
def test_a_file_joined_to_itself_is_refused_sorted_or_not(times, es_trades):
    for trades in (TRADES, es_trades[:30_000]):
        joined = Trades.concat([trades] * times)
        with pytest.raises(DataError, match=r"comes after .*a file appended to itself"):
            validate_trades(joined)
        with pytest.raises(DataError, match="comes twice"):
            validate_trades(joined[np.argsort(joined.time, kind="stable")])


@pytest.mark.parametrize("name", ["open", "high", "low", "close"])
@pytest.mark.parametrize("value", [np.nan, np.inf, 0.0, -1.0])
def test_prices_of_bars(name, value):
    with pytest.raises(DataError, match=rf"^{name} of row 2 is {value}\b"):
        validate_bars(put(BARS, name, 2, value))


@pytest.mark.parametrize(
    ("name", "row", "value", "words"),
    [
        ("time", 2, 20, "^bars 1 and 2 have the same time .*drop the duplicates"),
        ("time", 2, 19, "^bar 2 of .* comes after bar 1"),
        ("high", 1, 5.9, "^high of row 1 is 5.9; allowed: the highest"),
        ("low", 3, 7.5, "^low of row 3 is 7.5; allowed: the lowest"),
        ("volume", 0, -1, "^volume of row 0 is -1.0; allowed: 0 or more"),
        ("volume", 0, np.nan, "^volume of row 0 is nan"),
    ],
)
def test_bars_that_cannot_be(name, row, value, words):
    with pytest.raises(DataError, match=words):
        validate_bars(put(BARS, name, row, value))


def test_a_bar_without_volume_can_be():
    validate_bars(put(BARS, "volume", 1, 0.0))


@pytest.mark.skipif(not BYBIT.is_file(), reason=f"no real trades at {BYBIT}: set BATEIA_DATA to their folder")
def test_real_trades_of_an_exchange_pass_once_they_are_sorted():
    """Newest first, times in fractions of a second, sides in words."""
    trades = read_trades(BYBIT, {"time": "timestamp"})
    assert len(trades) == 41_454
    with pytest.raises(DataError, match=r"^trade \d+ of .*oldest first; try: sort by time"):
        validate_trades(trades)
    validate_trades(trades[::-1][np.argsort(trades.time[::-1], kind="stable")])
    assert set(trades.side.tolist()) == {-1, 1}
    # To the microsecond, as the file has it.
    assert trades.time[0] == 1_569_931_199_673_977
