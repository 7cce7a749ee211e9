"""Bybit's trades live: each once and in order whatever the stream does; what may be lost is told."""

import asyncio
import json
import os
from contextlib import aclosing
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bateia.book.bybit_trades import bybit_trades
from bateia.core import ConfigError, Trades
from bateia.core.coverage import Coverage
from bateia.core.period import Period
from bateia.live.bybit import BybitPlace
from bateia.live.bybit_trades import BybitTrades
from bateia.sources.importing import table_of
from bateia.sources.unpack import unpacked
from bateia.sources.web import Web
from bateia.store import Series, Store
from loopback_bybit import PONG, SUBSCRIBED, BybitExchange, as_print, generated_prints, told
from loopback_exchange import serving
from loopback_stream import DROP, SILENT, Stream, streaming

REAL = Path(os.environ.get("BATEIA_DATA", Path(__file__).parents[3] / "shared" / "data")) / "recordings"
REAL = REAL / "bybit-linear-trades-20260809.jsonl.zst"
QUICK = {"backoff": 0.001, "longest": 0.01, "silence": 10.0}


CLIENTS = []
"""The client that is at work."""


def had(count):
    """A step of a script: until the client has had so many messages of the market, or is done."""
    return lambda: not CLIENTS or CLIENTS[0].socket.stats.frames >= count


def live(stream, exchange, count, symbol="XYUSDT", silence=10.0, **how):
    """The first `count` trades, and who brought them."""

    async def main():
        web = Web(tries=2, sleep=lambda seconds: None, forgives=True)
        patience = QUICK | {"silence": silence}
        async with streaming(stream):
            place = BybitPlace(stream=stream.url, rest=exchange.url, web=web, patience=patience, wait=0.001)
            trades, blocks = BybitTrades(symbol, place=place, **how), []
            CLIENTS.append(trades)
            with web:
                async with aclosing(trades.blocks()) as coming:
                    async for block in coming:
                        blocks.append(block)
                        if sum(map(len, blocks)) >= count:
                            break
            CLIENTS.clear()
            return Trades.concat(blocks), trades

    with serving(exchange):
        try:
            return asyncio.run(asyncio.wait_for(main(), 30))
        finally:
            CLIENTS.clear()


def knowing(rows, reach=1000):
    exchange = BybitExchange()
    exchange.prints, exchange.reach = [as_print(row) for row in rows], reach
    return exchange


def assert_same(found, rows):
    assert found.time.tolist() == [row["T"] * 1000 for row in rows]
    assert found.price.tolist() == [float(row["p"]) for row in rows]
    assert found.size.tolist() == [float(row["v"]) for row in rows]
    assert found.side.tolist() == [1 if row["S"] == "Buy" else -1 for row in rows]
    assert (found.known_at >= found.time).all() and (found.known_at[1:] >= found.known_at[:-1]).all()


@st.composite
def scripts(draw):
    """Connections that together say the first and the last trade, and leave out, repeat or cut the others."""
    rows, at = generated_prints(40), 1
    script, made, count = [SUBSCRIBED, told(rows[:1])], [], 1
    for what, more in draw(
        st.lists(st.tuples(st.sampled_from(["say", "say", "again", "drop", "noise"]), st.integers(1, 4)))
    ):
        stop = min(at + more, 39)
        if what == "noise":
            script.append(draw(st.sampled_from(["no json", PONG, '{"topic":"publicTrade.XYUSDT"}'])))
            count += script[-1] != PONG
        elif what == "drop":
            made.append([*script, had(count), 0.01, DROP])
            script, at = [SUBSCRIBED], stop
        elif stop > at:
            times = 2 if what == "again" else 1
            script, count = script + [told(rows[at:stop])] * times, count + times
            at = stop
    made.append([*script, *([told(rows[at:])] if at < 40 else [])])
    return rows, made


@settings(max_examples=20)
@given(scripts())
def test_whatever_the_stream_does_each_trade_comes_once(drawn):
    rows, made = drawn
    found, trades = live(Stream(*made), knowing(rows), 40)
    assert_same(found, rows)
    assert (trades.seam.stats.breaks, trades.seam.stats.late) == (0, 0)


def test_what_was_missed_comes_even_if_nothing_follows():
    rows = generated_prints(500)
    stream = Stream([SUBSCRIBED, told(rows[:10]), had(1), DROP], [SUBSCRIBED, SILENT])
    found, trades = live(stream, knowing(rows), 500)
    assert_same(found, rows)
    assert trades.asked == 1 and "opened 2, dropped 1" in trades.line()


def test_pongs_keep_a_quiet_line_and_a_silent_one_is_left():
    rows = generated_prints(30)
    quiet = [step for _ in range(10) for step in (0.2, PONG)]
    stream = Stream(
        [SUBSCRIBED, told(rows[:9]), *quiet, told(rows[9:20]), SILENT], [SUBSCRIBED, told(rows[29:])]
    )
    found, trades = live(stream, knowing(rows), 30, silence=1.5)
    assert_same(found, rows)
    assert (trades.socket.stats.opened, trades.socket.stats.silent) == (2, 1)


def test_a_gap_longer_than_rest_reaches_is_a_possible_loss_that_is_told():
    rows = generated_prints(300)
    stream = Stream([SUBSCRIBED, told(rows[:10]), had(1), DROP], [SUBSCRIBED, told(rows[298:])])
    found, trades = live(stream, knowing(rows, reach=60), 70)
    assert_same(found, rows[:10] + rows[240:])
    assert trades.seam.stats.breaks == 1 and trades.asked == 5
    assert (
        trades.told == ["trades between 2024-01-01T00:00:01Z and 2024-01-01T00:00:30Z may be missing"]
        and trades.told[0] in trades.line()
    )


def test_rest_that_fails_is_asked_again():
    rows = generated_prints(30)
    exchange = knowing(rows)
    exchange.faults["recent-trade"] = [503, 503, "drop", "drop", b"no json"]
    stream = Stream([SUBSCRIBED, told(rows[:10]), had(1), DROP], [SUBSCRIBED, told(rows[29:])])
    found, trades = live(stream, exchange, 30)
    assert_same(found, rows)
    assert (trades.asked, trades.failed) == (4, 3) and "answers 503" in trades.told[0]


def test_a_refused_subscription_is_an_error_in_the_servers_words():
    said = '{"success":false,"ret_msg":"Invalid symbol :[publicTrade.QQUSDT]","conn_id":"x","op":"subscribe"}'
    with pytest.raises(
        ConfigError, match=r"Bybit refuses the stream: Invalid symbol :\[publicTrade.QQUSDT\]"
    ):
        live(Stream([said]), knowing([]), 1, symbol="qqusdt")


def test_messages_out_of_order_come_as_they_came_and_are_counted():
    rows = generated_prints(12)
    stream = Stream([SUBSCRIBED, told(rows[:4]), told(rows[8:]), told(rows[4:8])])
    found, trades = live(stream, knowing(rows), 12)
    assert found.time.tolist() == [row["T"] * 1000 for row in rows[:4] + rows[8:] + rows[4:8]]
    assert trades.seam.stats.late == 4


def test_after_a_store_some_may_be_missing_and_none_comes_twice(tmp_path):
    rows, day = generated_prints(60), Period("2024-01-01")
    stored, _ = live(Stream([SUBSCRIBED, told(rows[:20])]), knowing([]), 20)
    store = Store.create(tmp_path)
    end = rows[19]["T"] * 1000 + 1
    with store.writer(Series("bybit", "linear", "XYUSDT", "trades")) as writer:
        writer.write(day, table_of([stored]), Coverage.of([(day.start, end)]))
    stream = Stream([SUBSCRIBED, told(rows[10:])])
    found, trades = live(stream, knowing(rows), 60, store=tmp_path)
    assert_same(found, rows)
    assert trades.told == [
        "trades between 2024-01-01T00:00:02.250000Z and 2024-01-01T00:00:02.500000Z may be missing"
    ]


@pytest.mark.skipif(not REAL.is_file(), reason=f"no recording at {REAL}: set BATEIA_DATA")
@pytest.mark.parametrize("symbol", ["BTCUSDT", "ETHUSDT", "SOLUSDT", "DOGEUSDT"])
def test_recorded_trades_cut_and_doubled_are_those_of_the_recording(symbol):
    lines = b"".join(unpacked(REAL)).splitlines()
    mine = [line.decode() for line in lines if json.loads(line)["topic"] == f"publicTrade.{symbol}"]
    rows = [row for line in mine for row in json.loads(line)["data"]]
    third = len(mine) // 3
    stream = Stream(
        [SUBSCRIBED, *mine[:third], *mine[third - 2 : third], had(third + 2), DROP],
        [SUBSCRIBED, *mine[2 * third :]],
    )
    found, trades = live(stream, knowing(rows), len(rows), symbol)
    batch = bybit_trades(mine, symbol)
    for name in ("time", "price", "size", "side"):
        assert found.columns()[name].tolist() == batch.columns()[name].tolist()
    assert trades.seam.stats.breaks == 0 and trades.seam.stats.joins == 1
