"""Trades live: no gap and no duplicate, whatever the stream does, and none at the seam with the store."""

import asyncio
import json
from contextlib import aclosing
from itertools import chain

import polars as pl
import pytest
from hypothesis import given, settings

from bateia.core import ConfigError, DataError
from bateia.core.coverage import Coverage
from bateia.core.period import Period
from bateia.live import LiveTrades, NumberedTrades, Place
from bateia.sources.binance.prints import AGGREGATED, rest_rows, trade_table
from bateia.sources.web import Web
from bateia.store import Series, Store
from faulty_stream import faulty
from loopback_exchange import Exchange, generated_trades, serving
from loopback_stream import DROP, SILENT, Stream, agg_trade, streaming

DAY = Period("2024-01-01")
STEP = 1_000_000
QUICK = {"backoff": 0.001, "longest": 0.01, "silence": 10.0}


def generated(count, first=1):
    start = DAY.start + (first - 1) * STEP
    return generated_trades(start, start + count * STEP, STEP, first)


def live(stream, rows, count, kind="agg_trades", known=None, faults=(), silence=10.0, **how):
    """The first `count` trades from a stream whose exchange knows `rows`, and who brought them."""
    exchange = Exchange()
    exchange.trades["/api/v3/", "BTCUSDT"] = rows
    exchange.faults["aggTrades"] = list(faults)

    patience = QUICK | {"silence": silence}

    async def main():
        web = Web(tries=2, sleep=lambda seconds: None, forgives=True)
        async with streaming(stream):
            place = Place(stream=stream.url, rest=exchange.url, web=web, patience=patience, wait=0.001)
            place.clock = known or place.clock
            trades, blocks = LiveTrades("btcusdt", kind, place=place, **how), []
            with web:
                coming = trades.blocks()
                async with aclosing(coming):
                    async for block in coming:
                        blocks.append(block)
                        if sum(map(len, blocks)) >= count:
                            break
            return NumberedTrades.concat(blocks), trades

    with serving(exchange):
        found, trades = asyncio.run(asyncio.wait_for(main(), 30))
    return found, trades, exchange


def assert_same(found, rows):
    """The very trades, in order, each once."""
    assert found.id.tolist() == [row["a"] for row in rows]
    assert found.time.tolist() == [row["T"] * 1000 for row in rows]
    assert found.price.tolist() == [float(row["p"]) for row in rows]
    assert found.size.tolist() == [float(row["q"]) for row in rows]
    assert found.side.tolist() == [-1 if row["m"] else 1 for row in rows]
    assert (found.known_at >= found.time).all() and (found.known_at[1:] >= found.known_at[:-1]).all()


@settings(max_examples=25)
@given(faulty(generated(40), agg_trade))
def test_whatever_the_stream_does_each_trade_comes_once(script):
    rows = generated(40)
    first = next(json.loads(text)["a"] for text in chain.from_iterable(script) if '"a"' in text)
    found, trades, _ = live(Stream(*script), rows, len(rows) + 1 - first)
    assert_same(found, rows[first - 1 :])
    assert trades.follower.seam.stats.lost == 0


def test_what_was_missed_between_two_connections_is_asked_for_even_if_nothing_follows():
    rows = generated(3000)
    script = [agg_trade(row) for row in rows[:10]]
    found, trades, exchange = live(Stream([*script, DROP], [SILENT]), rows, 3000)
    assert_same(found, rows)
    assert exchange.count("aggTrades") == 3 and "opened 2, dropped 1" in trades.line()


def test_a_silent_socket_is_left_and_nothing_is_lost():
    rows = generated(30)
    stream = Stream([agg_trade(rows[0]), SILENT], [agg_trade(rows[29])])
    found, trades, _ = live(stream, rows, 30, silence=1.5)
    assert_same(found, rows)
    assert trades.follower.socket.stats.silent == 1


def test_a_trade_that_waited_is_known_when_what_came_before_it_is():
    rows = generated(4)
    ticks = iter(range(DAY.end, DAY.end + 1000))
    stream = Stream([agg_trade(rows[0]), agg_trade(rows[3])])
    found, _, _ = live(stream, rows, 4, known=lambda: next(ticks))
    # The clock is read as the connection opens, for each message, and for REST's answer.
    assert [at - DAY.end for at in found.known_at.tolist()] == [1, 3, 3, 3]


def test_what_rest_fails_to_give_is_asked_again_then_counted_as_lost():
    rows = generated(9)
    stream = Stream([agg_trade(rows[0]), agg_trade(rows[8])])
    found, trades, _ = live(stream, rows, 9, faults=[503, 503, "drop", "drop"])
    assert_same(found, rows)
    assert trades.follower.failed == 2 and trades.follower.seam.stats.lost == 0
    stream = Stream([agg_trade(rows[0]), agg_trade(rows[8])])
    found, trades, _ = live(stream, [rows[0], rows[8]], 2)
    assert found.id.tolist() == [1, 9] and trades.follower.seam.stats.lost == 7
    assert trades.follower.told == ["7 rows from number 2 on cannot be had"]


def test_single_trades_cannot_be_asked_for_and_a_gap_is_told():
    messages = [
        json.dumps({"e": "trade", "s": "BTCUSDT", "T": t, "t": t, "p": "1", "q": "2", "m": t % 2 == 0})
        for t in (5, 6, 9)
    ]
    found, trades, _ = live(Stream(messages), [], 3, kind="trades")
    assert found.id.tolist() == [5, 6, 9] and found.side.tolist() == [1, -1, 1]
    assert trades.follower.told == ["2 rows from number 7 on cannot be had"]


def test_another_symbols_trade_is_left_out_and_told():
    rows = generated(2)
    found, trades, _ = live(Stream([agg_trade(rows[0], "ETHUSDT"), agg_trade(rows[1])]), rows, 1)
    assert found.id.tolist() == [2] and trades.follower.unreadable == 1


@pytest.fixture
def store(tmp_path):
    """The first 100 generated trades, in a store of which the rest of the day is unknown."""
    made = Store.create(tmp_path / "store")
    table = trade_table(rest_rows(generated(100), AGGREGATED, ""), "")
    with made.writer(Series("binance", "spot", "BTCUSDT", "agg_trades")) as writer:
        writer.write(DAY, table, Coverage.of([(DAY.start, DAY.start + 100 * STEP)]))
    return tmp_path / "store"


@pytest.mark.parametrize("first", [51, 100, 101, 102, 180, 2500])
def test_history_and_the_present_join_without_a_seam(store, first):
    rows = generated(2600)
    stream = Stream([agg_trade(row) for row in rows[first - 1 :]])
    found, trades, _ = live(stream, rows, 2600, store=store)
    assert_same(found, rows)
    assert trades.follower.seam.stats.lost == 0


def test_history_from_a_moment_on(store):
    rows = generated(120)
    stream = Stream([agg_trade(rows[119])])
    found, _, _ = live(stream, rows, 70, store=store, since="2024-01-01T00:00:50")
    assert_same(found, rows[50:])


def test_a_store_that_lacks_it_says_how_to_fetch_it(tmp_path):
    Store.create(tmp_path)
    with pytest.raises(DataError, match="bateia fetch binance BTCUSDT"):
        live(Stream(), [], 1, store=tmp_path)
    with pytest.raises(ConfigError, match="no trades of kind 'ticks'"):
        LiveTrades("BTCUSDT", "ticks")
    made = Store.create(tmp_path)
    with made.writer(Series("binance", "spot", "BTCUSDT", "agg_trades")) as writer:
        writer.write(DAY, pl.DataFrame({"time": [DAY.start]}), Coverage.of([(DAY.start, DAY.end)]))
    with pytest.raises(DataError, match="has no ids"):
        live(Stream(), [], 1, store=tmp_path)
