"""Events of real books: rebuilt level by level they are the book of every moment; broken input is told."""

import gzip
import json
from itertools import groupby, islice

import numpy as np
import pytest

from bateia.book.bybit_trades import bybit_trades
from bateia.book.component import Book
from bateia.book.events import binance_events, bybit_events
from bateia.book.recordings import read_recording
from bateia.book.sync import Synchroniser
from bateia.book.synced import SyncedReplay
from bateia.core import DataError, Trades
from bateia.core.book_events import FRESH, TRADE
from bateia.sources.unpack import unpacked
from plain_lines import REAL, RECORDING, SYMBOLS, generated_line, plain_samples, plain_top

TRADED = REAL / "recordings/bybit-linear-trades-20260809.jsonl.zst"
FUTURES = REAL / "recordings/binance-um-btcusdt-20240808.gz"
absent = pytest.mark.skipif(not RECORDING.exists(), reason="real data is absent")
SECOND = 1_000_000


def assert_books(events, samples, depth):
    """At each (time, _, levels) the events before it make that book."""
    sides, at = ({}, {}), 0
    for due, _, levels in samples:
        stop = int(np.searchsorted(events.time, due))
        for row in np.flatnonzero(events.kind[at:stop] != TRADE) + at:
            side = sides[0 if events.side[row] > 0 else 1]
            side[events.price[row]] = events.size[row]
            if not events.size[row]:
                del side[events.price[row]]
        at = stop
        np.testing.assert_array_equal(plain_top(sides, depth), levels)


def assert_clocks(events):
    assert (np.diff(events.time) >= 0).all() and (np.diff(events.known_at) >= 0).all()
    assert (events.known_at >= events.time).all()


@absent
@pytest.mark.parametrize("symbol", SYMBOLS)
def test_bybit_events_rebuild_the_book_and_hold_every_trade(symbol):
    trades = bybit_trades(b"".join(unpacked(TRADED)).splitlines(), symbol)
    events = bybit_events(unpacked(RECORDING), trades, symbol, delay=3000)
    lines = b"".join(unpacked(RECORDING)).splitlines()
    samples = plain_samples(lines, SECOND, 200, symbol)
    assert len(samples) > 40
    assert_books(events, samples, 200)
    assert_clocks(events)
    after = trades[trades.time >= events.time[0]]
    assert len(after)
    for name, column in events.trades().columns().items():
        if name != "known_at":
            np.testing.assert_array_equal(column, getattr(after, name))


@absent
def test_bybit_trades_are_read_as_json_reads_them():
    lines = b"".join(unpacked(TRADED)).splitlines()
    for symbol in SYMBOLS:
        plain = [one for line in lines for one in json.loads(line)["data"] if one["s"] == symbol]
        plain.sort(key=lambda one: one["T"])
        trades = bybit_trades(lines, symbol)
        assert trades.time.tolist() == [one["T"] * 1000 for one in plain]
        assert trades.price.tolist() == [float(one["p"]) for one in plain]
        assert trades.size.tolist() == [float(one["v"]) for one in plain]
        assert trades.side.tolist() == [1 if one["S"] == "Buy" else -1 for one in plain]


@absent
def test_no_state_within_a_message_is_crossed():
    events = bybit_events(unpacked(RECORDING), Trades.empty(), "BTCUSDT")
    bids, asks = {}, {}
    for side, price, size in zip(events.side, events.price, events.size, strict=True):
        one = bids if side > 0 else asks
        one[price] = size
        if not size:
            del one[price]
        assert not (bids and asks) or max(bids) < min(asks)


@absent
def test_binance_events_rebuild_the_synchronised_book():
    messages = list(islice(read_recording(FUTURES), 20_000))
    events = binance_events(messages, "futures", 0.1)
    replay = SyncedReplay(Synchroniser(market="futures"), Book(tick_size=0.1, depth=100), SECOND)
    found = replay.run(messages)
    levels = np.stack([found.bid_price, found.bid_size, found.ask_price, found.ask_size], axis=1)
    assert len(found) > 60
    assert_books(events, zip(found.time, found.messages, levels, strict=True), 100)
    assert_clocks(events)
    # This recorder's clock was behind the exchange's, so the fastest message is known at once.
    assert (events.known_at - events.time).min() == 0
    traded = [m for _, kind, m in messages if kind == "trade" and m.time >= events.time[0] and m.size]
    assert sorted(events.trades().price) == sorted(one.price for one in traded)


def lines_of(*rows):
    return [b"".join(generated_line(i, *row[:2], **row[2]) for i, row in enumerate(rows))]


FIRST = ([("9.99", "1"), ("9.98", "4")], [("10.01", "2")], {"kind": "snapshot", "number": 1})


def test_a_later_snapshot_takes_away_what_it_does_not_name():
    again = ([("9.98", "3")], [("10.01", "2")], {"kind": "snapshot", "number": 9})
    events = bybit_events(lines_of(FIRST, again), Trades.empty())
    assert (events.kind == FRESH).all()
    rows = list(zip(events.time, events.side, events.price, events.size, strict=True))
    by_time = [list(rows) for _, rows in groupby(rows, key=lambda row: row[0])]
    assert [row[1:] for row in by_time[1]] == [(1, 9.99, 0.0), (1, 9.98, 3.0), (-1, 10.01, 2.0)]


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ((FIRST, ([("9.99", "2")], [], {"number": 3})), "line 2: messages are missing: .* from 1 to 3"),
        ((FIRST, ([("10.02", "2")], [], {"number": 2})), "line 2: the book is crossed"),
        ((FIRST, ([("9.991", "2")], [], {"number": 2})), "off the tick grid"),
        ((([("9.99", "2")], [], {"number": 2}),), "no snapshot"),
    ],
)
def test_broken_lines_are_told(rows, said):
    with pytest.raises(DataError, match=said):
        bybit_events(lines_of(*rows), Trades.empty())


def test_other_broken_input_is_told():
    with pytest.raises(DataError, match="line 2"):
        bybit_events([*lines_of(FIRST), b'{"topic": "orderbook.50.GENERATED"\n'], Trades.empty())
    time = np.array([1_700_000_000_000_000])
    off = Trades(time, time, np.array([10.005]), np.ones(1), np.ones(1, np.int8))
    with pytest.raises(DataError, match="off the tick grid"):
        bybit_events(lines_of(FIRST), off)
    with pytest.raises(DataError, match="line 1 is no message of trades"):
        bybit_trades(['{"topic": "publicTrade.X", "ts": 1, "data": [{"T": 1, "S": "Hold"}]}'], "X")
    with pytest.raises(DataError, match="no snapshot of a book in sync"):
        binance_events([], "spot", 0.1)


def test_a_gap_of_binance_is_told(tmp_path):
    def diff(first, last):
        return json.dumps(
            {"e": "depthUpdate", "E": last, "s": "A", "U": first, "u": last, "b": [["9", "1"]], "a": []}
        )

    depth = '{"lastUpdateId": 4, "bids": [["9", "1"]], "asks": [["11", "1"]]}'
    rows = [diff(1, 4), depth, diff(5, 6), diff(9, 9)]
    path = tmp_path / "a.gz"
    path.write_bytes(
        gzip.compress("\n".join(f"{i}000000000 {row}" for i, row in enumerate(rows, 1)).encode())
    )
    assert len(binance_events(islice(read_recording(path), 3), "spot", 1.0)) == 3
    with pytest.raises(DataError, match="message 4: gap"):
        binance_events(read_recording(path), "spot", 1.0)
