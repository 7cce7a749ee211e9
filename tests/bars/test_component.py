"""Bars as components and streams."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from bateia.bars import AnyBars, DollarBars, TickBars, TimeBars, VolumeBars, component, parse_bars
from bateia.core import Bars, ConfigError, DataError, Trades
from bateia.testing.bars import generated_trades

TRADES = generated_trades(500, seed=1)
KINDS = [TimeBars(size="10s"), TickBars(size=20), VolumeBars(size=50), DollarBars(size=50_000)]


def rows(bars):
    return np.column_stack(list(bars.columns().values())).tolist()


@pytest.mark.parametrize("bars", KINDS, ids=repr)
def test_no_trades_and_one_trade_are_blocks_too(bars):
    stream = bars.start()
    assert len(stream.run(Trades.empty())) == 0
    assert stream.open_trades == 0
    assert stream.open_volume == 0.0
    stream.run(TRADES[:1])
    assert stream.open_trades == 1
    assert stream.open_volume == TRADES.size[0]
    assert bars.run(Trades.empty()).columns().keys() == Bars.empty().columns().keys()


@pytest.mark.parametrize("bars", KINDS, ids=repr)
def test_more_bars_than_one_call_has_room_for(bars, monkeypatch):
    expected = rows(bars.run(TRADES))
    monkeypatch.setattr(component, "MOST_AT_ONCE", 3)
    assert rows(bars.run(TRADES)) == expected
    assert len(expected) > 6


def test_a_bar_for_every_trade():
    bars = TickBars(size=1).run(TRADES)
    assert np.array_equal(bars.close, TRADES.price)
    assert np.array_equal(bars.time, TRADES.time)
    assert np.array_equal(bars.volume, TRADES.size)


def test_the_trade_that_reaches_the_size_closes_the_bar_unsplit():
    trades = TRADES[:3][:]
    trades = Trades(trades.time, trades.known_at, np.full(3, 10.0), np.array([1.0, 99.0, 1.0]), trades.side)
    stream = VolumeBars(size=2).start()
    assert stream.run(trades).volume.tolist() == [100.0]
    assert stream.open_volume == 1.0
    assert DollarBars(size=1000).run(trades).value.tolist() == [1000.0]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, len(TRADES)), max_size=8), st.integers(0, 20_000_000))
def test_closing_by_the_clock_gives_the_same_bars_sooner(cuts, early):
    """`advance` to any time up to the next trade's changes no bar."""
    bars = TimeBars(size="7s")
    stream, made = bars.start(), []
    cuts = [0, *sorted(cuts), len(TRADES)]
    for first, end in pairwise(cuts):
        made.append(stream.run(TRADES[first:end]))
        if end < len(TRADES):
            made.append(stream.advance(int(TRADES.time[end]) - early))
            made.append(stream.advance(int(TRADES.time[end])))
            assert len(stream.advance(int(TRADES.time[end]))) == 0
    assert rows(Bars.concat(made)) == rows(bars.run(TRADES))


def test_advance_closes_at_the_boundary_and_not_before():
    stream = TimeBars(size="10us").start()
    moment = np.array([13])
    trade = Trades(moment, moment + 20, np.array([5.0]), np.array([2.0]), np.array([1], np.int8))
    stream.run(trade)
    assert len(stream.advance(19)) == 0
    bar = stream.advance(20)
    assert (bar.open_time[0], bar.time[0], bar.known_at[0]) == (13, 20, 33)
    assert (bar.close[0], bar.signed_volume[0], bar.trades[0]) == (5.0, 2.0, 1.0)
    assert stream.open_trades == 0


@pytest.mark.parametrize("bars", KINDS[1:], ids=repr)
def test_only_time_bars_close_by_the_clock(bars):
    with pytest.raises(DataError, match="cannot close by the clock"):
        bars.start().advance(0)


def test_sliced_strided_read_only_and_narrow_columns_are_taken():
    bars = TickBars(size=7)
    expected = rows(bars.run(TRADES[::2]))
    copies = {name: column[::2].copy() for name, column in TRADES.columns().items()}
    assert rows(bars.run(Trades(**copies))) == expected
    for column in copies.values():
        column.flags.writeable = False
    assert rows(bars.run(Trades(**copies))) == expected
    assert rows(bars.run(Trades(**copies | {"side": copies["side"].astype(np.int64)}))) == expected
    whole = bars.run(Trades(**copies | {"size": np.ones(len(copies["size"]), np.int32)}))
    assert set(whole.volume.tolist()) == {7.0}


@pytest.mark.parametrize(("name", "kind"), [("time", np.float64), ("price", "U3"), ("known_at", np.float64)])
def test_columns_of_another_type_are_refused(name, kind):
    columns = TRADES[:5].columns()
    with pytest.raises(DataError, match=f"{name} of the trades is"):
        TickBars(size=2).run(Trades(**columns | {name: columns[name].astype(kind)}))


def test_a_snapshot_of_something_else_is_refused():
    bars = TickBars(size=2)
    whole = bars.start().snapshot()
    for broken in (
        {},
        {"ints": whole["ints"]},
        whole | {"floats": whole["floats"][:3]},
        whole | {"ints": [0.0]},
    ):
        with pytest.raises(DataError, match="the snapshot's"):
            bars.restore(broken)


@pytest.mark.parametrize(
    "wrong",
    [
        {"kind": "tick", "size": 0},
        {"kind": "tick", "size": 1.5},
        {"kind": "volume", "size": 0},
        {"kind": "volume", "size": float("nan")},
        {"kind": "dollar", "size": -1},
        {"kind": "dollar", "size": float("inf")},
        {"kind": "time", "size": "0s"},
        {"kind": "time", "size": 60},
        {"kind": "time", "size": "an hour"},
        {"kind": "imbalance", "size": 1},
        {"kind": "tick"},
        {"kind": "tick", "size": 1, "sizes": 2},
    ],
    ids=repr,
)
def test_sizes_that_make_no_sense_are_refused(wrong):
    with pytest.raises(ValidationError):
        TypeAdapter(AnyBars).validate_python(wrong)


def test_bars_from_words():
    assert [parse_bars(b.kind, str(b.model_dump(mode="json")["size"])) for b in KINDS] == KINDS
    with pytest.raises(ConfigError, match="try: dollar"):
        parse_bars("dolar", "5")
    for kind, size in (("tick", "many"), ("time", "5"), ("volume", "-1")):
        with pytest.raises(ConfigError, match=f"{kind} bars of size"):
            parse_bars(kind, size)


def test_the_bundled_trades_as_dollar_bars(es_trades):
    bars = DollarBars(size=500_000).run(es_trades)
    assert len(bars) == 5810
    assert bars.value.min() >= 500_000
    assert np.all(bars.value - es_trades.price.max() * es_trades.size.max() < 500_000)


@pytest.mark.parametrize(
    "bars", [TimeBars(size="1m"), TickBars(size=500), VolumeBars(size=3000), DollarBars(size=5e6)]
)
def test_the_bundled_trades_in_uneven_blocks(bars, es_trades):
    """Nothing of 500,000 real trades is lost, and the cut does not show."""
    stream, made, row, rng = bars.start(), [], 0, np.random.default_rng(0)
    while row < len(es_trades):
        step = int(rng.integers(1, 20_000))
        made.append(stream.run(es_trades[row : row + step]))
        row += step
    whole = bars.run(es_trades)
    assert rows(Bars.concat(made)) == rows(whole)
    assert whole.trades.sum() + stream.open_trades == len(es_trades)
    assert whole.volume.sum() + stream.open_volume == es_trades.size.sum()  # whole contracts: exact
    assert whole.high.max() <= es_trades.price.max()
    assert np.all(np.diff(whole.time) > 0) or bars.kind != "time"
    assert abs(whole.signed_volume.sum()) < whole.volume.sum() / 4
