"""Candles live: closed ones only, joined to the store without a seam; and the best bid and ask."""

import asyncio
import json
from contextlib import aclosing

import numpy as np
import pytest

from bateia.core import Bars, ConfigError, parse_duration
from bateia.core.clock import MINUTE, WEEK
from bateia.core.coverage import Coverage
from bateia.core.period import Period
from bateia.live import LiveCandles, LiveTickers, Place
from bateia.sources.binance.tables import KLINE, candle_table, text_rows
from bateia.sources.stored import as_candles
from bateia.sources.web import Web
from bateia.store import Series, Store
from loopback_exchange import Exchange, generated_klines, serving
from loopback_stream import DROP, Stream, kline, streaming

MONTH = Period("2024-01")
STEP = 5 * MINUTE
QUICK = {"backoff": 0.001, "longest": 0.01, "silence": 10.0}
ROWS = generated_klines(MONTH.start, MONTH.start + 1500 * STEP, STEP)


def live(stream, rows, count, now=1500, interval="5m", **how):
    """The first candles of a stream whose exchange knows `rows`, at the close of candle `now`."""
    exchange = Exchange()
    exchange.klines["/api/v3/", "BTCUSDT", interval] = rows
    exchange.now = int(MONTH.start + now * parse_duration(interval)) // 1000

    async def main():
        web = Web(tries=2, sleep=lambda seconds: None, forgives=True)
        async with streaming(stream):
            place = Place(stream=stream.url, rest=exchange.url, web=web, patience=QUICK, wait=0.001)
            candles, blocks = LiveCandles("BTCUSDT", interval, place=place, **how), []
            with web:
                async with aclosing(candles.bars()) as coming:
                    async for block in coming:
                        blocks.append(block)
                        if sum(map(len, blocks)) >= count:
                            break
            return Bars.concat(blocks), candles

    with serving(exchange):
        return asyncio.run(asyncio.wait_for(main(), 30))


def table_of(rows):
    return candle_table(text_rows(rows, KLINE, ""), STEP, "")


def assert_same(found, rows):
    """What the store would give of these rows, but for the second clock."""
    for name, column in as_candles(table_of(rows), STEP).columns().items():
        if name != "known_at":
            assert np.array_equal(found.columns()[name], column, equal_nan=True), name
    assert (found.known_at >= found.time).all() and (np.diff(found.known_at) >= 0).all()


def test_only_closed_candles_come_and_missed_ones_are_asked_for():
    texts = [kline(ROWS[0]), kline(ROWS[1], closed=False), "no json", '{"k": {"x": true}}', DROP]
    other = [kline(ROWS[2], symbol="ETHUSDT"), kline(ROWS[2], interval="1m"), kline(ROWS[9])]
    found, candles = live(Stream(texts, other), ROWS[:10], 10, now=10)
    assert_same(found, ROWS[:10])
    assert candles.follower.unreadable == 4 and candles.follower.seam.stats.lost == 0


def test_a_candle_that_is_not_closed_yet_is_not_taken_from_rest():
    found, candles = live(Stream([kline(ROWS[0]), DROP], [0.1, kline(ROWS[7])]), ROWS, 8, now=7)
    assert_same(found, ROWS[:8])
    assert candles.follower.seam.stats.duplicates == 0


def test_a_week_under_way_is_not_taken_from_rest():
    """Weeks begin on Monday: on Friday, and 1970 began on a Thursday, the last one is not closed."""
    rows = generated_klines(MONTH.start, MONTH.start + 5 * WEEK, WEEK)  # from a Monday on
    texts = [0.1, kline(rows[4], interval="1w")]
    found, candles = live(Stream([kline(rows[0], interval="1w"), DROP], texts), rows, 5, 4.6, "1w")
    assert ((found.open_time - MONTH.start) // WEEK).tolist() == [0, 1, 2, 3, 4]
    assert candles.follower.seam.stats.duplicates == 0


def test_one_that_neither_has_is_lost_and_told():
    found, candles = live(Stream([kline(ROWS[0]), kline(ROWS[3])]), [ROWS[0], ROWS[3]], 2, now=4)
    assert_same(found, [ROWS[0], ROWS[3]])
    assert candles.follower.seam.stats.lost == 2 and "cannot be had" in candles.follower.told[0]


@pytest.mark.parametrize("first", [90, 100, 101, 1400])
def test_history_and_the_present_join_without_a_seam(tmp_path, first):
    made = Store.create(tmp_path / "store")
    with made.writer(Series("binance", "spot", "BTCUSDT", "candles-5m")) as writer:
        writer.write(MONTH, table_of(ROWS[:100]), Coverage.of([(MONTH.start, MONTH.start + 100 * STEP)]))
    stream = Stream([kline(row) for row in ROWS[first:]])
    found, candles = live(stream, ROWS, 1500, store=tmp_path / "store")
    assert_same(found, ROWS)
    assert candles.follower.seam.stats.lost == 0


def test_a_length_that_is_none():
    with pytest.raises(ConfigError, match="no candles of '7m'"):
        LiveCandles("BTCUSDT", "7m")


def test_the_best_bid_and_ask_come_once_each_and_in_order():
    def said(update, symbol="BTCUSDT"):
        return json.dumps({"u": update, "s": symbol, "b": "9", "B": "1", "a": "11", "A": "2"})

    stream = Stream(
        [said(5), said(5), said(4), "no json", said(6, "ETHUSDT"), DROP], [said(5), said(9), said(10)]
    )

    async def main():
        async with streaming(stream):
            live, found = LiveTickers("btcusdt", place=Place(stream=stream.url, patience=QUICK)), []
            async with aclosing(live.tickers()) as coming:
                async for received, ticker in coming:
                    found.append((received, ticker.update_id))
                    if ticker.update_id == 10:
                        break
            return found, live

    found, tickers = asyncio.run(asyncio.wait_for(main(), 20))
    assert [update for _, update in found] == [5, 9, 10] and found == sorted(found)
    assert (tickers.rows, tickers.old, tickers.unreadable) == (3, 3, 1) and "opened 2" in tickers.line()
    assert stream.paths[0] == "/ws/btcusdt@bookTicker"
