"""Limit orders in a book: by hand where the answer is plain, and on recordings against the book itself."""

import sys
from itertools import islice
from types import SimpleNamespace

import numpy as np
import pytest

from bateia.backtest import measure, simulate
from bateia.backtest.report.table import assumptions, numbers_table
from bateia.bars import TimeBars
from bateia.book.bybit_trades import bybit_trades
from bateia.book.events import binance_events, bybit_events
from bateia.book.recordings import read_recording
from bateia.core import BateiaError, ConfigError, DataError, Trades
from bateia.core.book_events import LEVEL, TRADE, BookEvents
from bateia.sources.unpack import unpacked
from bateia.trading import BookBroker, Fills
from bateia.trading.book_market import EVENT, event_array, open_market
from bateia.trading.risk import Fixed, Risk
from plain_lines import REAL, RECORDING, plain_top

FUTURES = REAL / "recordings/binance-um-btcusdt-20240808.gz"
TRADED_BYBIT = REAL / "recordings/bybit-linear-trades-20260809.jsonl.zst"
pytestmark = pytest.mark.compiled
absent = pytest.mark.skipif(not FUTURES.exists(), reason="real data is absent")
MS, SECOND = 1000, 1_000_000
START = 1_700_000_000_000_000
DELAY = 5 * MS
"""Of the made-up feed."""


@pytest.fixture(scope="session")
def library():
    return pytest.importorskip("hftbacktest", reason="hftbacktest is absent: the extra `fills`, by itself")


def broker(**changed):
    plain = {"tick": 1.0, "lot": 1.0, "latency": "20ms", "answer": "10ms", "maker_bps": 1, "taker_bps": 5}
    return BookBroker(**{**plain, **changed})


def book(*rows, until=10_000):
    """Events from (ms, kind, side, price, size) on a quiet book of 100 (5 lots) to 102 (3), 103, 105."""
    quiet = [(0, LEVEL, 1, 99, 9), (0, LEVEL, 1, 100, 5)]
    quiet += [(0, LEVEL, -1, 102, 3), (0, LEVEL, -1, 103, 4), (0, LEVEL, -1, 105, 8)]
    # hftbacktest ends with its data.
    clock = [(ms, LEVEL, 1, 50, 1 + ms) for ms in range(1, until, 10)]
    every = sorted([*quiet, *rows, *clock], key=lambda row: row[0])
    ms, kind, side, price, size = map(np.array, zip(*every, strict=True))
    time = START + ms * MS
    bytes_ = (kind.astype(np.int8), side.astype(np.int8))
    return BookEvents(time, time + DELAY, *bytes_, price.astype(float), size.astype(float))


def decide(*at):
    """Decisions at (ms, target)."""
    return START + np.array([ms for ms, _ in at]) * MS, np.array([float(target) for _, target in at])


TRADED = (9_000, TRADE, 1, 102, 1)
"""Some trade, late: a book without any is refused."""


def test_rows_are_those_of_the_library(library):
    assert library.types.event_dtype == EVENT
    flags = event_array(book(TRADED))["ev"]
    known = library.EXCH_EVENT | library.LOCAL_EVENT
    assert flags[0] == known | library.BUY_EVENT | library.DEPTH_EVENT
    assert known | library.BUY_EVENT | library.TRADE_EVENT in flags


def test_an_aggressive_order_takes_level_after_level_when_it_arrives(library):
    events = book((1000, LEVEL, -1, 102, 2), (1015, LEVEL, -1, 102, 1), (1025, LEVEL, -1, 102, 9), TRADED)
    stream = broker(orders="aggressive", quantity=6.0).start()
    fills = stream.run(*decide((1000, 1.0)), events)
    # Sent at 1000, there at 1020: 1 at 102, 4 at 103, 1 at 105.
    assert fills.time.tolist() == [START + 1020 * MS]
    assert fills.price.tolist() == pytest.approx([(102 + 4 * 103 + 105) / 6])
    assert (fills.quantity.tolist(), fills.market.tolist(), fills.maker.tolist()) == ([6.0], [101.0], [0])
    assert fills.fee.tolist() == pytest.approx([619 * 5e-4])
    assert fills.spread.tolist() == pytest.approx([619 - 6 * 101])
    assert stream.cash == pytest.approx(-619 * 1.0005)
    assert stream.position == 6.0


def test_an_order_beyond_reach_is_sent_again(library):
    events = book((1010, LEVEL, -1, 102, 0), (1010, LEVEL, -1, 103, 0), (1200, LEVEL, -1, 103, 2), TRADED)
    stream = broker(orders="aggressive", reach=0).start()
    fills = stream.run(*decide((1000, 1.0)), events)
    assert fills.price.tolist()[0] in (103.0, 105.0)
    assert (stream.refused, stream.position) == (1, 1.0)


@pytest.mark.parametrize("traded", [4, 5, 6, 7, 8])
def test_a_waiting_order_fills_once_the_queue_before_it_has_traded(library, traded):
    # 5 were there before our 2; each trade of 1 takes the front.
    trades = [(2000 + 10 * i, TRADE, -1, 100, 1) for i in range(traded)]
    stream = broker(quantity=2.0, patience="4s").start()
    fills = stream.run(*decide((1000, 1.0)), book(*trades, until=4000))
    done = min(max(traded - 5, 0), 2)
    assert fills.maker.tolist() == [1] * done
    assert fills.time.tolist() == [START + (2050 + 10 * i) * MS for i in range(done)]
    assert fills.price.tolist() == [100.0] * done
    assert fills.spread.tolist() == [-1.0] * done
    assert stream.position == done
    assert len(stream.pending) == (done < 2)


def test_a_trade_beyond_its_price_fills_all_of_a_waiting_order(library):
    events = book((2000, TRADE, -1, 99, 1), (3000, TRADE, -1, 100, 50), TRADED)
    fills = broker(quantity=2.0, patience="4s").start().run(*decide((1000, 1.0)), events)
    assert (fills.time.tolist(), fills.quantity.tolist()) == ([START + 2000 * MS], [2.0])


def test_a_waiting_order_crosses_when_its_patience_ends(library):
    fills = broker(patience="500ms").start().run(*decide((1000, 1.0)), book(TRADED))
    # Taken back at 1500, known at 1530, sent again, there at 1550.
    assert fills.time.tolist() == [START + 1550 * MS]
    assert (fills.maker.tolist(), fills.price.tolist()) == ([0], [102.0])


def test_a_decision_replaces_the_one_before(library):
    stream = broker(patience="5s").start()
    fills = stream.run(*decide((1000, 1.0), (2000, 0.0), (3000, 0.0), (4000, -1.0)), book(TRADED, until=4500))
    assert len(fills) == 0
    assert (stream.pending.row.tolist(), stream.pending.target.tolist()) == ([3], [-1.0])


def test_exact_fills_leave_a_working_market(library):
    """hftbacktest 2.4 fails on the next trade after a fill of exactly what was left."""
    trades = [(2000 + 10 * i, TRADE, -1, 100, 7) for i in range(5)]
    one = broker(quantity=2.0, patience="4s")
    fills = one.fill(*decide((1000, 1.0), (3000, 0.0)), book(*trades, TRADED))
    assert fills.position.tolist() == [2.0, 0.0]


@pytest.fixture(scope="module")
def recorded():
    messages = list(islice(read_recording(FUTURES), 20_000))
    return binance_events(messages, "futures", 0.1)


REAL_BROKER = {"tick": 0.1, "lot": 0.001, "quantity": 0.05, "maker_bps": 2, "taker_bps": 5}


def targets(events, every, seed):
    time = np.arange(events.known_at[0] + every, events.known_at[-1] - every, every)
    return time, np.random.default_rng(seed).integers(-1, 2, len(time)).astype(float)


def sides_at(events, time):
    """Two dicts of the book at the exchange after everything up to `time`."""
    sides = ({}, {})
    for row in np.flatnonzero((events.time <= time) & (events.kind != TRADE)):
        side = sides[0 if events.side[row] > 0 else 1]
        side[events.price[row]] = events.size[row]
        if not events.size[row]:
            del side[events.price[row]]
    return sides


@absent
def test_the_book_in_the_library_is_the_book(library, recorded):
    rows = event_array(recorded)
    market = open_market(broker(**REAL_BROKER), rows)
    market.elapse(0)
    for at in np.linspace(recorded.known_at[0] + SECOND, recorded.known_at[-1] - SECOND, 12).astype(np.int64):
        market.elapse(int(at) * 1000 - market.current_timestamp)
        known = recorded[recorded.known_at <= at]
        bids, _, asks, _ = plain_top(sides_at(known, known.time[-1]), 20)
        depth = market.depth(0)
        assert (depth.best_bid, depth.best_ask) == pytest.approx((bids[0], asks[0]), abs=1e-9)
        ours = sides_at(known, known.time[-1])
        for price in (*bids, *asks):
            tick = round(price / 0.1)
            assert depth.bid_qty_at_tick(tick) == ours[0].get(price, 0.0)
            assert depth.ask_qty_at_tick(tick) == ours[1].get(price, 0.0)
    market.close()


@pytest.fixture(scope="module")
def bybit():
    trades = bybit_trades(b"".join(unpacked(TRADED_BYBIT)).splitlines(), "BTCUSDT")
    return bybit_events(unpacked(RECORDING), trades, "BTCUSDT", delay=DELAY)


@absent
@pytest.mark.parametrize(("name", "every"), [("recorded", 4 * SECOND), ("bybit", SECOND)])
def test_aggressive_fills_are_what_the_recorded_book_held(library, name, every, request):
    recorded = request.getfixturevalue(name)
    one = broker(**{**REAL_BROKER, "quantity": 0.5}, orders="aggressive", reach=10_000)
    fills = one.fill(*targets(recorded, every, 1), recorded)
    assert len(fills) > 8
    assert (fills.time - fills.decided == 20 * MS).all()
    for row in range(len(fills)):
        levels = sides_at(recorded, fills.time[row])[1 if fills.quantity[row] > 0 else 0]
        left, paid = abs(fills.quantity[row]), 0.0
        for price in sorted(levels, reverse=bool(fills.quantity[row] < 0)):
            taken = min(levels[price], left)
            left, paid = left - taken, paid + taken * price
        assert fills.price[row] == pytest.approx(paid / abs(fills.quantity[row]), rel=1e-12)


@absent
@pytest.mark.parametrize("queue", ["risk_averse", "power", "log"])
def test_passive_fills_are_at_or_through_a_recorded_trade(library, recorded, queue):
    one = broker(**REAL_BROKER, queue=queue, patience="3s")
    fills = one.fill(*targets(recorded, 4 * SECOND, 2), recorded)
    trades = recorded.trades()
    waited = fills[fills.maker == 1]
    assert len(waited) > 2
    for time, price, quantity in zip(waited.time, waited.price, waited.quantity, strict=True):
        side = np.sign(quantity)
        met = trades[(trades.time == time) & (trades.side == -side)]
        best = sides_at(recorded, time)[1 if side > 0 else 0]
        reached = (min(best) <= price) if side > 0 else (max(best) >= price)
        assert (side * met.price <= side * price + 1e-9).any() or reached


@absent
def test_accounts_of_real_fills_add_up_in_the_reports_tables(library, recorded):
    bars = TimeBars(size="1s").run(recorded.trades())
    target = np.random.default_rng(3).integers(-1, 2, len(bars)).astype(float)
    one = broker(**REAL_BROKER, patience="700ms")
    done = simulate(bars, target, recorded, one)
    fills, equity = done.fills, done.equity
    assert len(fills) > 40 and {0, 1} == set(fills.maker.tolist())
    assert (np.diff(fills.time) >= 0).all()
    np.testing.assert_allclose(fills.position, np.cumsum(fills.quantity), atol=1e-9)
    np.testing.assert_allclose(np.cumsum(-fills.quantity * fills.price - fills.fee), fills.cash, atol=1e-6)
    # What is in the account and what is held is worth the equity, at every bar.
    seen = np.searchsorted(fills.time, bars.time, side="right")
    cash = np.concatenate([[0.0], fills.cash])[seen]
    held = np.concatenate([[0.0], fills.position])[seen]
    np.testing.assert_allclose(equity.net, cash + held * bars.close, atol=1e-6)
    assert equity.position[-1] == 0.0
    np.testing.assert_allclose(done.trips.net.sum(), equity.net[-1], atol=1e-6)
    assert done.totals()["fee"] == pytest.approx(fills.fee.sum())
    measured = measure(done, bars=bars, draws=100)
    assert "passive orders on the book" in assumptions(SimpleNamespace(backtest=done, currency="USDT"))
    table = numbers_table({"on the book": measured})
    assert measured.financial.round_trips == len(done.trips) and f"{len(done.trips)}</td>" in table
    with pytest.raises(ConfigError, match="risk rules and a BookBroker"):
        simulate(bars, target, recorded, one, risk=Risk(rules=(Fixed(units=0.05),)))


def test_wrong_input_is_told(library):
    one, events = broker(), book(TRADED)
    with pytest.raises(DataError, match="a Trades to a broker on the book"):
        one.fill(*decide((0, 1.0)), Trades.empty())
    with pytest.raises(DataError, match="without trades"):
        one.fill(*decide((0, 1.0)), book())
    with pytest.raises(DataError, match="backwards"):
        one.fill(*decide((5, 1.0), (4, 0.0)), events)
    with pytest.raises(DataError, match="2 decision times and 1 targets"):
        one.fill(decide((5, 1.0), (6, 0.0))[0], [1.0], events)
    with pytest.raises(DataError, match="finite"):
        one.fill(*decide((5, np.nan)), events)
    stream = one.start()
    assert isinstance(stream.run(*decide((5, 0.0)), events), Fills)
    with pytest.raises(DataError, match="a second part"):
        stream.run(*decide((6, 1.0)), events)


def test_broken_events_are_told():
    events = book(TRADED)
    turned = events[np.arange(len(events))[::-1].copy()]
    with pytest.raises(DataError, match="falls back"):
        event_array(turned)
    early = BookEvents(**{**events.columns(), "known_at": events.time - 1})
    with pytest.raises(DataError, match="before it happened"):
        event_array(early)
    less = BookEvents(**{**events.columns(), "size": -events.size})
    with pytest.raises(DataError, match="size below 0"):
        event_array(less)


def test_without_the_library_the_error_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "hftbacktest", None)
    with pytest.raises(BateiaError, match="the extra fills"):
        broker().start()
