"""Books live: a recorded session played by a server gives the recording's samples; no fault a false book."""

import asyncio
import json
import os
from contextlib import aclosing
from functools import partial
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bateia.book.binance import parse_message
from bateia.book.component import Book
from bateia.book.recordings import _zstd
from bateia.book.samples import Samples
from bateia.book.sync import Synchroniser
from bateia.book.synced import SyncedReplay
from bateia.core import ConfigError, DataError
from bateia.live import LiveBook, Place
from bateia.sources.web import Web
from loopback_exchange import Exchange, serving
from loopback_stream import DROP, SILENT, Stream, streaming
from plain_binance import GeneratedStream

REAL = Path(os.environ.get("BATEIA_DATA", Path(__file__).parents[3] / "shared" / "data")) / "recordings"
QUICK = {"backoff": 0.001, "longest": 0.01, "silence": 10.0}
STEP, DEPTH, NAME = 300_000, 7, "GENERATED"
SYNC = "until the book is in sync"


def live(make, stream, exchange, until):
    """All samples up to a moment, and the book that gave them; `make(place)` makes it."""

    async def main():
        web = Web(tries=2, sleep=lambda seconds: None, forgives=True)
        async with streaming(stream):
            place = Place(stream=stream.url, rest=exchange.url, web=web, patience=QUICK, wait=0.001)
            book, made = make(place), []
            with web:
                async with aclosing(book.samples()) as coming:
                    async for samples in coming:
                        made.append(samples)
                        if samples.time[-1] >= until:
                            break
            return Samples.concat(made), book

    with serving(exchange):
        return asyncio.run(asyncio.wait_for(main(), 60))


@pytest.fixture(scope="module", autouse=True)
def compiled():
    """The kernels, which the event loop would otherwise wait for."""
    feed = GeneratedStream("spot", 60, 1, NAME)
    replay = SyncedReplay(Synchroniser(market="spot"), Book(tick_size=0.5, depth=DEPTH), STEP)
    replay.on(feed.diffs[0], 0)
    replay.on(feed.snapshot(feed.diffs[0].last), 0)
    for diff in feed.diffs[1:]:
        replay.on(diff, 0)
    assert replay.sync.state == "in sync"


SESSIONS = {
    "NKNUSDT": ("binance.jsonl.zst", "spot", 0.00001),
    "SUSHIUSDT": ("binance_futures.jsonl.zst", "um", 0.001),
    "AKROUSDT": ("binance_futures.jsonl.zst", "um", 0.00001),
}


@pytest.mark.skipif(not REAL.is_dir(), reason=f"no recordings at {REAL}: set BATEIA_DATA to the folder above")
@pytest.mark.parametrize("symbol", SESSIONS)
def test_a_real_session_played_by_a_server_gives_the_recordings_samples(symbol):
    file, market, tick = SESSIONS[symbol]
    frames = sorted(map(json.loads, _zstd(REAL / "sessions" / file)), key=lambda frame: frame.get("ts", 0))
    books, kind = [], Book(tick_size=tick, depth=20)

    def make(place):
        place.market = market
        books.append(LiveBook(symbol, tick, depth=20, every=200_000, place=place))
        return books[0]

    offline = SyncedReplay(
        Synchroniser(market="spot" if market == "spot" else "futures"), kind, 200_000, 60_000_000
    )
    exchange, script, expected = Exchange(), [], []
    exchange.symbols = [symbol]
    for frame in frames:
        received = round(frame.get("ts", 0) * 1e6)
        if frame["t"] == "http" and "/depth?" in frame["url"]:
            if parse_qs(urlsplit(frame["url"]).query)["symbol"] == [symbol]:
                snapshot = json.loads(frame["data"])
                exchange.depth[symbol] = lambda snapshot=snapshot: snapshot
                script.append(lambda: books[0].synced.sync.state == "in sync")
                expected.append(offline.on(parse_message(frame["data"], symbol), received))
        elif frame["t"] == "recv" and f'"{symbol.lower()}@depth@100ms"' in frame["data"]:
            script.append(frame["data"])
            expected.append(offline.on(parse_message(frame["data"]), received))
    expected = Samples.concat(expected)
    found, book = live(make, Stream(script), exchange, int(expected.time[-1]))
    assert len(expected) > 50
    for name, column in expected.columns().items():
        assert np.array_equal(found.columns()[name], column, equal_nan=True), name
    assert (book.asked, book.failed, book.synced.replay.faults.counts) == (1, 0, {})
    assert "gaps 0" in book.line() and "opened 1" in book.line()


def text_of(diff):
    """A diff as the stream says it."""
    sides = {
        side: [[str(p), str(q)] for p, q in levels] for side, levels in (("b", diff.bids), ("a", diff.asks))
    }
    ids = {"U": diff.first, "u": diff.last} | ({"pu": diff.previous} if diff.previous is not None else {})
    return json.dumps({"e": "depthUpdate", "E": diff.time // 1000, "s": diff.symbol, **ids, **sides})


def as_answer(snapshot):
    """A snapshot as REST says it."""
    sides = {"bids": snapshot.bids[::-1], "asks": snapshot.asks}
    return {"lastUpdateId": snapshot.last} | {
        name: [[str(p), str(q)] for p, q in levels] for name, levels in sides.items()
    }


def assert_true(samples, stream):
    """Each sample holds the book after the last diff before it."""
    for row in range(len(samples)):
        before = [one for one in stream.diffs if one.time < samples.time[row]]
        bids, asks = stream.book_at(before[-1].last)
        for prices, sizes, levels in (
            (samples.bid_price, samples.bid_size, sorted(bids.items(), reverse=True)),
            (samples.ask_price, samples.ask_size, sorted(asks.items())),
        ):
            found = np.stack([prices[row], sizes[row]], axis=1)
            assert found[~np.isnan(found[:, 0])].tolist() == [list(level) for level in levels]


def play(feed, scripts, behind, faults=(), silence=10.0, **how):
    """A generated feed by these scripts; snapshot k is `behind[k]` diffs older than the newest, then none."""
    books, behind, exchange = [], list(behind), Exchange()
    exchange.symbols, exchange.faults["depth"] = [NAME], list(faults)

    def make(place):
        place.market = "spot" if feed.market == "spot" else "um"
        place.patience = QUICK | {"silence": silence}
        books.append(LiveBook(NAME, **{"tick_size": 0.5} | how, depth=DEPTH, every=STEP, place=place))
        return books[0]

    def in_sync(said):
        """Whether the book is in sync and has seen all that was said."""
        sync = books[0].synced.sync
        return sync.state == "in sync" and sync._newest.last >= said

    def snapshot():
        newest = books[0].synced.sync._newest.last
        at = next(k for k, diff in enumerate(feed.diffs) if diff.last >= newest)
        at = min(max(at - (behind.pop(0) if behind else 0), 0), len(feed.diffs) - 1)
        return as_answer(feed.snapshot(feed.diffs[at].last))

    exchange.depth[NAME] = snapshot
    scripts = [*scripts[:-1], [*scripts[-1], SYNC, *map(text_of, feed.diffs[-12:])]]
    for script in scripts:
        for at in [at for at, step in enumerate(script) if step == SYNC]:
            last = max(
                json.loads(text)["u"] for text in script[:at] if '"u"' in str(text) and text[-2:] == "]}"
            )
            script[at] = partial(in_sync, last)
    due = range(STEP, feed.diffs[-1].time + 1, STEP)
    last = [at for at in due if all(feed.book_at([one.last for one in feed.diffs if one.time < at][-1]))][-1]
    return live(make, Stream(*scripts), exchange, last)


@st.composite
def broken(draw):
    """A feed of diffs, cut into connections, some of them lost, doubled, exchanged or spoilt."""
    feed = GeneratedStream(draw(st.sampled_from(["spot", "futures"])), 60, draw(st.integers(0, 10**6)), NAME)
    script, scripts, at = [text_of(feed.diffs[0])], [], 1
    while at < 48:
        kinds = ["say"] * 8 + ["lose", "again", "swap", "drop", "noise", "wait"]
        what = draw(st.sampled_from(kinds))
        text = text_of(feed.diffs[at])
        if what == "swap":
            script += [text_of(feed.diffs[at + 1]), text]
        elif what == "noise":
            script.append(draw(st.sampled_from([text[:-9], '{"e":"trade"}', '{"result":null,"id":1}'])))
        elif what == "drop":
            scripts.append([*script, DROP])
            script = []
        elif what == "wait":
            script.append(0.01)
        elif what != "lose":
            script += [text] * (2 if what == "again" else 1)
        at += what in ("say", "lose", "again", "swap")
    return (
        feed,
        [*scripts, [*script, text_of(feed.diffs[47])]],
        draw(st.lists(st.integers(-3, 20), max_size=4)),
    )


@settings(max_examples=30)
@given(broken())
def test_whatever_the_stream_does_each_sample_is_the_true_book(drawn):
    found, book = play(*drawn)
    assert_true(found, drawn[0])
    assert book.synced.sync.state == "in sync" and len(found) >= 3


@pytest.mark.parametrize("market", ["spot", "futures"])
def test_a_snapshot_older_than_the_diffs_is_asked_for_again(market):
    feed = GeneratedStream(market, 60, 3, NAME)
    script = [text_of(diff) for diff in feed.diffs[20:48]]
    found, book = play(feed, [script], [60, 60])
    assert_true(found, feed)
    assert book.synced.sync.stats.stale == 2 and book.asked == 3


def test_a_drop_is_seen_by_the_ids_and_a_silent_socket_by_the_clock():
    feed = GeneratedStream("futures", 60, 5, NAME)
    texts = [text_of(diff) for diff in feed.diffs]
    script = [[*texts[:10], SYNC, DROP], [*texts[10:20], SILENT], texts[30:48]]
    found, book = play(feed, script, [], silence=1.5)
    assert_true(found, feed)
    stats = book.synced.sync.stats
    assert (stats.gaps, stats.rebuilt, book.asked) == (1, 1, 2)
    assert (book.socket.stats.dropped, book.socket.stats.silent) == (2, 1)


def test_rest_that_fails_is_asked_again_and_told():
    feed = GeneratedStream("spot", 60, 7, NAME)
    script = [text_of(diff) for diff in feed.diffs[:48]]
    faults = [503, 503, "drop", "drop", b"no json", b'{"u":1}']
    found, book = play(feed, [script], [], faults)
    assert_true(found, feed)
    assert book.asked == 5 and book.failed == 4 and len(book.told) == 4
    assert "answers 503" in book.told[0] and "no snapshot of a book" in book.told[3]


def test_a_wrong_tick_size_ends_it_after_some_tries():
    feed = GeneratedStream("spot", 60, 7, NAME)
    script = [[step for diff in feed.diffs[:48] for step in (text_of(diff), 0.01)]]
    with pytest.raises(DataError, match="off the tick grid"):
        play(feed, script, [], tries=3, tick_size=4.0)


def test_a_speed_that_is_none():
    with pytest.raises(ConfigError, match="diffs every '1s'"):
        LiveBook("BTCUSDT", 0.1, speed="1s")
