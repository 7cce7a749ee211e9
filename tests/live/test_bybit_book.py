"""Bybit's books live: a recorded session gives the recording's samples; no fault gives a false book."""

import asyncio
import json
import os
from contextlib import aclosing
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bateia.book.archive import ArchiveReader
from bateia.book.samples import Samples
from bateia.core import ConfigError, DataError
from bateia.live.bybit import BybitPlace
from bateia.live.bybit_book import BybitBook
from bateia.live.bybit_tickers import BybitTickers
from bateia.sources.unpack import unpacked
from loopback_bybit import PONG, SUBSCRIBED
from loopback_stream import DROP, SILENT, Stream, streaming
from plain_lines import plain_apply, plain_samples

REAL = Path(os.environ.get("BATEIA_DATA", Path(__file__).parents[3] / "shared" / "data")) / "recordings"
NEEDED = pytest.mark.skipif(not REAL.is_dir(), reason=f"no recordings at {REAL}: set BATEIA_DATA")
QUICK = {"backoff": 0.001, "longest": 0.01, "silence": 10.0}
STEP, DEPTH, NAME = 300_000, 7, "GENERATED"


def live(stream, until, symbol=NAME, market="linear", silence=10.0, **how):
    """All samples up to a moment, and the book that gave them."""

    async def main():
        async with streaming(stream):
            place = BybitPlace(market=market, stream=stream.url, patience=QUICK | {"silence": silence})
            book, made = BybitBook(symbol, depth=DEPTH, every=STEP, place=place, **how), []
            async with aclosing(book.samples()) as coming:
                async for samples in coming:
                    made.append(samples)
                    if samples.time[-1] >= until:
                        break
            return Samples.concat(made), book

    return asyncio.run(asyncio.wait_for(main(), 60))


def session(connection, topic):
    """What the server said of a topic in a recorded session, and its answers to subscriptions."""
    for line in b"".join(unpacked(REAL / "sessions/bybit.jsonl.zst")).splitlines():
        row = json.loads(line)
        if row["t"] == "recv" and row["conn"] == connection:
            message = json.loads(row["data"])
            if message.get("topic", topic) == topic:
                yield row["data"]


@NEEDED
@pytest.mark.parametrize(
    ("symbol", "market", "connection"),
    [
        ("BTCUSDT", "linear", "BYBIT.ws.2"),
        ("ETHUSDT", "linear", "BYBIT.ws.2"),
        ("SOLUSDT", "linear", "BYBIT.ws.2"),
        ("DOGEUSDT", "linear", "BYBIT.ws.2"),
        ("BTCUSDT", "spot", "BYBIT.ws.3"),
        ("ETHUSDT", "spot", "BYBIT.ws.3"),
    ],
)
def test_a_recorded_session_gives_the_samples_of_the_batch(symbol, market, connection, tmp_path):
    script = list(session(connection, f"orderbook.200.{symbol}"))
    path = tmp_path / "lines.jsonl"
    path.write_text("\n".join(text for text in script if "topic" in text))
    expected = Samples.concat(list(ArchiveReader(depth=DEPTH, every="300ms").open(path)))[:-1]
    found, book = live(Stream(script), int(expected.time[-1]), symbol, market)
    assert len(expected) > 100
    for name, column in expected.columns().items():
        assert found.columns()[name].tobytes() == column.tobytes(), name
    assert (book.faults.counts, book.left) == ({}, 0) and f"samples {len(found)}" in book.line()


def generated(count=60, seed=1):
    """A snapshot and changes of one level a side, 100 ms each, and the whole book after each of them."""
    random, sides, lines, books = np.random.default_rng(seed), ({}, {}), [], []
    for k in range(count):
        if k:
            bids, asks = ([[f"{100 - random.integers(1, 12) / 2}", str(random.integers(0, 9))]], [])
            asks = [[f"{100 + random.integers(0, 12) / 2}", str(random.integers(0, 9))]]
        else:
            bids = [[f"{100 - level / 2}", str(level)] for level in range(1, 25)]
            asks = [[f"{100 + level / 2}", str(1 + level)] for level in range(24)]
        lines.append(line(k, bids, asks, "delta" if k else "snapshot"))
        plain_apply(sides, json.loads(lines[-1]))
        books.append([[[f"{p}", f"{q:g}"] for p, q in side.items()] for side in sides])
    return lines, books


def line(k, bids, asks, kind):
    ts = 1_704_067_200_000 + 100 * k
    data = {"s": NAME, "b": bids, "a": asks, "u": 50 + k, "seq": 7 * k}
    return json.dumps({"topic": f"orderbook.200.{NAME}", "type": kind, "ts": ts, "data": data, "cts": ts})


def assert_true(found, lines):
    """Each sample holds the book after the last message before it."""
    whole = {time: levels for time, _, levels in plain_samples(lines, STEP, DEPTH)}
    for row in range(len(found)):
        names = ("bid_price", "bid_size", "ask_price", "ask_size")
        levels = np.stack([getattr(found, name)[row] for name in names])
        assert np.array_equal(levels, whole[int(found.time[row])], equal_nan=True)


@st.composite
def broken(draw):
    """A feed cut into connections that begin with a snapshot, some changes lost, doubled, swapped or spoilt.

    After whatever breaks the book the server says no more: the client is to leave for the next connection.
    """
    lines, books = generated(60, draw(st.integers(0, 10**6)))
    script, scripts, at = [SUBSCRIBED, lines[0]], [], 1
    while at < 45:
        what = draw(st.sampled_from(["say"] * 8 + ["lose", "again", "swap", "drop", "noise", "spoil"]))
        if what == "swap":
            script += [lines[at + 1], lines[at]]
        elif what == "noise":
            script.append(draw(st.sampled_from([PONG, '{"op":"other"}'])))
        elif what == "spoil":
            script.append(lines[at][:-9])
        elif what in ("say", "again"):
            script += [lines[at]] * (2 if what == "again" else 1)
        at += {"swap": 2, "say": 1, "again": 1, "lose": 1, "spoil": 1}.get(what, 0)
        if what in ("swap", "lose", "drop", "spoil"):
            ends = [DROP] if what == "drop" else [*lines[at : at + 1], SILENT]
            scripts.append([*script, 0.01, *ends])
            at += what != "drop"
            script = [SUBSCRIBED, line(at, *books[at], "snapshot")]
            at += 1
    return lines, [*scripts, [*script, *lines[at:]]]


@settings(max_examples=25)
@given(broken())
def test_whatever_the_stream_does_each_sample_is_the_true_book(drawn):
    lines, scripts = drawn
    last = json.loads(lines[-1])["ts"] * 1000 // STEP * STEP
    found, book = live(Stream(*scripts), last)
    assert_true(found, lines)
    assert len(found) >= 3 and book.replay.whole and (np.diff(found.time) > 0).all()


def test_a_broken_book_is_left_and_begun_anew():
    lines, books = generated()
    again = line(30, *books[30], "snapshot")
    stream = Stream([SUBSCRIBED, *lines[:20], *lines[25:29], SILENT], [SUBSCRIBED, again, *lines[31:]])
    found, book = live(stream, json.loads(lines[-1])["ts"] * 1000 // STEP * STEP)
    assert_true(found, lines)
    assert (book.left, book.socket.stats.opened, book.socket.stats.silent) == (1, 2, 0)
    assert book.socket.stats.reason == "the book broke: a new connection begins with a snapshot"
    gap = [time for time in found.time.tolist() if json.loads(lines[20])["ts"] * 1000 < time]
    assert gap[0] > json.loads(again)["ts"] * 1000, "no samples while it was broken"


def test_a_wrong_tick_size_ends_it_after_some_tries():
    lines, _ = generated()
    with pytest.raises(DataError, match="off the tick grid"):
        live(Stream(*[[SUBSCRIBED, lines[0], lines[1]]] * 9), 2**62, tick_size=1.0, tries=3)


def test_what_no_book_can_be():
    with pytest.raises(ConfigError, match="a book of 500 levels; allowed: 1 to 200"):
        BybitBook("BTCUSDT", depth=500)
    with pytest.raises(ConfigError, match="is no symbol"):
        BybitBook("../x")


def tickers(stream, count, symbol, market="linear"):
    async def main():
        async with streaming(stream):
            live = BybitTickers(symbol, place=BybitPlace(market=market, stream=stream.url, patience=QUICK))
            found = []
            async with aclosing(live.tickers()) as coming:
                async for _, ticker in coming:
                    found.append(ticker)
                    if len(found) == count:
                        break
            return found, live

    return asyncio.run(asyncio.wait_for(main(), 20))


@NEEDED
def test_recorded_tickers_are_whole_after_each_change():
    texts = list(session("BYBIT.ws.2", "tickers.DOGEUSDT"))
    said = [json.loads(text) for text in texts if "topic" in text]
    found, _ = tickers(Stream(texts), len(said), "dogeusdt")
    merged = {}
    for ticker, message in zip(found, said, strict=True):
        merged |= message["data"]
        assert ticker.time == message["ts"] * 1000
        assert (ticker.bid, ticker.ask_size) == (float(merged["bid1Price"]), float(merged["ask1Size"]))
        assert (ticker.last, ticker.funding_rate) == (
            float(merged["lastPrice"]),
            float(merged["fundingRate"]),
        )


@NEEDED
def test_tickers_of_spot_have_no_bid_and_ask():
    texts = list(session("BYBIT.ws.3", "tickers.ETHUSDT"))
    (ticker, *_), _ = tickers(Stream(texts), 1, "ethusdt", "spot")
    assert (ticker.last, ticker.bid, ticker.ask) == (1923.27, None, None)


def test_old_tickers_and_changes_without_a_beginning_are_left_out():
    def said(ts, kind="delta", **data):
        return json.dumps({"topic": "tickers.XY", "type": kind, "ts": ts, "cs": ts, "data": data})

    first = [
        said(1, lastPrice="5"),
        said(2, "snapshot", lastPrice="6", bid1Price="5"),
        said(3, bid1Price="4"),
    ]
    stream = Stream(
        [SUBSCRIBED, *first, said(3, bid1Price="4"), said(2, bid1Price="9"), "no json", 0.5, DROP],
        [SUBSCRIBED, said(4, bid1Price="8"), said(5, "snapshot", lastPrice="7")],
    )
    found, live = tickers(stream, 3, "xy")
    assert [(one.last, one.bid) for one in found] == [(6, 5), (6, 4), (7, None)]
    assert (live.old, live.unreadable) == (2, 1) and "rows 3, old 2, unreadable 1" in live.line()
