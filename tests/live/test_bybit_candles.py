"""Bybit's candles live: closed ones only, joined to the store without a seam, kept where that is asked."""

import asyncio
import json
import os
from contextlib import aclosing
from pathlib import Path

import numpy as np
import pytest

from bateia.core import Bars
from bateia.core.clock import MINUTE
from bateia.core.coverage import Coverage
from bateia.core.period import Period
from bateia.live import LiveCandles
from bateia.live.bybit import BybitPlace
from bateia.sources.bybit.rest import candles_of
from bateia.sources.importing import table_of
from bateia.sources.unpack import unpacked
from bateia.sources.web import Web
from bateia.store import Series, Store
from loopback_bybit import SUBSCRIBED, BybitExchange
from loopback_exchange import serving
from loopback_stream import DROP, Stream, streaming

REAL = Path(os.environ.get("BATEIA_DATA", Path(__file__).parents[3] / "shared" / "data"))
REAL = REAL / "recordings/sessions/bybit.jsonl.zst"
MONTH, STEP = Period("2024-01"), 5 * MINUTE
KEYS = ("start", "open", "high", "low", "close", "volume", "turnover")
QUICK = {"backoff": 0.001, "longest": 0.01, "silence": 10.0}
ROWS = [
    [str(MONTH.start // 1000 + 300_000 * k), "10", "12", "9", str(11 + k / 8), str(k), str(k * 11)]
    for k in range(1500)
]


def message(*rows, confirm=True, topic="kline.5.XYUSDT"):
    """Rows of REST as the stream says them: the last one is still open, if there are two."""
    data = [
        {**dict(zip(KEYS, row, strict=True)), "start": int(row[0]), "interval": "5", "confirm": confirm}
        for row in rows
    ]
    if len(data) > 1:
        data[-1]["confirm"] = False
    return json.dumps({"topic": topic, "type": "snapshot", "ts": int(rows[0][0]) + 300_100, "data": data})


def live(stream, rows, count, now=1500, symbol="XYUSDT", interval="5m", **how):
    """The first candles of a stream whose exchange knows `rows`, at the close of candle `now`."""
    exchange = BybitExchange()
    exchange.candles, exchange.now = rows, (MONTH.start + now * STEP) // 1000

    async def main():
        web = Web(tries=2, sleep=lambda seconds: None, forgives=True)
        async with streaming(stream):
            place = BybitPlace(stream=stream.url, rest=exchange.url, web=web, patience=QUICK, wait=0.001)
            candles, blocks = LiveCandles(symbol, interval, place=place, **how), []
            with web:
                async with aclosing(candles.bars()) as coming:
                    async for block in coming:
                        blocks.append(block)
                        if sum(map(len, blocks)) >= count:
                            break
            return Bars.concat(blocks), candles

    with serving(exchange):
        return asyncio.run(asyncio.wait_for(main(), 30))


def assert_same(found, rows):
    for name, column in candles_of(rows, STEP, "linear").columns().items():
        if name != "known_at":
            assert np.array_equal(found.columns()[name], column, equal_nan=True), name
    assert (found.known_at >= found.time).all() and (np.diff(found.known_at) >= 0).all()


def test_only_closed_candles_come_and_missed_ones_are_asked_for():
    texts = [SUBSCRIBED, message(ROWS[0], ROWS[1]), message(ROWS[1], confirm=False), "no json", 0.5, DROP]
    other = [SUBSCRIBED, message(ROWS[2], topic="kline.5.QQUSDT"), '{"topic":"kline.5.XYUSDT","data":[{}]}']
    found, candles = live(Stream(texts, [*other, message(ROWS[9], ROWS[10])]), ROWS[:10], 10, now=10)
    assert_same(found, ROWS[:10])
    assert (candles.follower.unreadable, candles.follower.seam.stats.lost) == (3, 0)


def test_one_that_neither_has_is_lost_and_told():
    stream = Stream([SUBSCRIBED, message(ROWS[0]), message(ROWS[3])])
    found, candles = live(stream, [ROWS[0], ROWS[3]], 2, now=4)
    assert_same(found, [ROWS[0], ROWS[3]])
    assert candles.follower.seam.stats.lost == 2


@pytest.mark.parametrize("first", [90, 100, 1400])
def test_history_and_the_present_join_without_a_seam(tmp_path, first):
    store = Store.create(tmp_path)
    with store.writer(Series("bybit", "linear", "XYUSDT", "candles-5m")) as writer:
        table = table_of([candles_of(ROWS[:100], STEP, "linear")])
        writer.write(MONTH, table, Coverage.of([(MONTH.start, MONTH.start + 100 * STEP)]))
    stream = Stream([SUBSCRIBED, *(message(row) for row in ROWS[first:])])
    found, candles = live(stream, ROWS, 1500, store=tmp_path)
    assert_same(found, ROWS)
    assert candles.follower.seam.stats.lost == 0


@pytest.mark.skipif(not REAL.is_file(), reason=f"no recording at {REAL}: set BATEIA_DATA")
def test_recorded_candles():
    rows = [json.loads(line) for line in b"".join(unpacked(REAL)).splitlines()]
    texts = [row["data"] for row in rows if row["t"] == "recv" and row["conn"] == "BYBIT.ws.2"]
    texts = [text for text in texts if '"topic"' not in text or "kline.1.SOLUSDT" in text]
    found, candles = live(Stream(texts), [], 1, symbol="solusdt", interval="1m")
    assert (found.open[0], found.close[0], found.volume[0], found.value[0]) == (77.28, 77.31, 1252.7, 96823.3)
    assert found.open_time[0] == 1_786_310_760_000_000 and candles.follower.unreadable == 0
