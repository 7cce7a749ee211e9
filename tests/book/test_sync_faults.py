"""Faults put into real streams of Binance: each is told, survived, and the book after it is exact."""

import gzip
import json
import os
from pathlib import Path

import pytest

from bateia.book.binance import Depth, parse_message
from bateia.book.component import Book
from bateia.book.sync import Synchroniser
from plain_binance import PlainBook, levels

REAL = Path(os.environ.get("BATEIA_DATA", Path(__file__).parents[3] / "shared" / "data")) / "recordings"
pytestmark = pytest.mark.skipif(
    not REAL.is_dir(), reason=f"no recordings at {REAL}: set BATEIA_DATA to the folder above"
)
STREAMS = {
    "spot": ("binance-spot-btcusdt-20240808.gz", "spot", 0.01),
    "um": ("binance-um-ethusdt-20240808.gz", "futures", 0.01),
    "cm": ("binance-cm-btcusd_perp-20240808.gz", "futures", 0.1),
}
COUNT, AT, ANSWER = 400, 200, 5
"""Diffs of a stream, where the fault is, and diffs from a wish for a snapshot to its answer."""
HOUR = 3_600_000_000


class RealStream:
    """The first diffs of a recording as text, and the book after each from an empty start."""

    def __init__(self, file, market, tick_size):
        self.market, self.tick_size, self.texts, self.states = market, tick_size, [], []
        book = PlainBook()
        with gzip.open(REAL / file, "rt") as lines:
            for line in lines:
                if '"depthUpdate"' in line:
                    text = line.partition(" ")[2]
                    book.bids, book.asks = apply(book, parse_message(text))
                    self.texts.append(text)
                    self.states.append((book.bids, book.asks))
                if len(self.texts) == COUNT:
                    return

    def snapshot(self, at, last):
        bids, asks = self.states[at]
        return Depth("", None, last, levels(bids), levels(asks))


def apply(book, diff):
    """The book after a diff; a level that is not known is none to remove, for there is no snapshot here."""
    sides = []
    for side, rows in ((book.bids, diff.bids), (book.asks, diff.asks)):
        new = {**side, **dict(rows.tolist())}
        sides.append({price: size for price, size in new.items() if size})
    return sides


@pytest.fixture(scope="module", params=STREAMS)
def stream(request):
    return RealStream(*STREAMS[request.param])


def edited(text, shift=0, later=0):
    """A message with its ids and its times moved."""
    message = json.loads(text)
    inner = message["data"]
    for key in inner.keys() & {"U", "u", "pu"}:
        inner[key] += shift
    inner["E"] += later // 1000
    return json.dumps(message)


def plain(texts):
    return [(at, text, 0) for at, text in enumerate(texts)]


def without(*gone):
    return lambda texts: [row for row in plain(texts) if row[0] - AT not in gone]


def twice(texts):
    rows = plain(texts)
    return [*rows[: AT + 1], rows[AT], *rows[AT + 1 :]]


def late(texts):
    rows = plain(texts)
    return rows[: AT + 9] + rows[AT - 30 : AT - 20] + rows[AT + 9 :]


def exchanged(texts):
    rows = plain(texts)
    rows[AT], rows[AT + 1] = rows[AT + 1], rows[AT]
    return rows


def turned(texts):
    rows = plain(texts)
    return rows[:AT] + rows[AT : AT + 20][::-1] + rows[AT + 20 :]


def cut_short(texts):
    rows = plain(texts)
    rows[AT] = (AT, rows[AT][1][: len(rows[AT][1]) // 2], 0)
    return rows


def shifted(by):
    return lambda texts: [
        (at, edited(text, by, 1000 * at) if at >= AT else text, 0) for at, text in enumerate(texts)
    ]


def silent(texts):
    return [(at, edited(text, 0, HOUR), HOUR) if at >= AT else (at, text, 0) for at, text in enumerate(texts)]


def silent_and_missed(texts):
    return [row for row in silent(texts) if not AT <= row[0] < AT + 50]


# What is done to the messages, what is told of it, and how often the book is built anew.
FAULTS = {
    "nothing": (plain, set(), 0),
    "one dropped": (without(0), {"gap"}, 1),
    "many dropped": (without(*range(60)), {"gap"}, 1),
    "dropped here and there": (without(0, 40, 80), {"gap"}, 3),
    "said twice": (twice, {"dropped"}, 0),
    "said again much later": (late, {"dropped"}, 0),
    "two exchanged": (exchanged, {"gap", "dropped"}, 1),
    "twenty reversed": (turned, {"gap", "dropped"}, 1),
    "cut short": (cut_short, {"unreadable", "gap"}, 1),
    "ids jump on": (shifted(10**9), {"gap"}, 1),
    "ids jump back": (shifted(-(10**9)), {"reset"}, 1),
    "an hour of silence": (silent, {"silence"}, 0),
    "an hour of silence in which diffs were missed": (silent_and_missed, {"silence", "gap"}, 1),
}
QUIET = {"applied", "wanted", "in sync"}


@pytest.mark.parametrize("fault", FAULTS)
def test_each_fault_is_told_and_survived(stream, fault):
    damage, expected, rebuilt = FAULTS[fault]
    sync = Synchroniser(market=stream.market).start(Book(tick_size=stream.tick_size).start())
    told, wished, at_of, newest = set(), None, {}, 0
    for step, (at, text, moved) in enumerate(damage(stream.texts)):
        received = step * 100_000 + moved
        told.update(event.kind for event in sync.on_text(text, received))
        if text.rstrip().endswith("}}"):
            last = parse_message(text).last
            at_of[last], newest = at, max(newest, at)
        if sync.wants_snapshot:
            wished = step if wished is None else wished
            if step - wished >= ANSWER and at == newest:
                told.update(event.kind for event in sync.on_snapshot(stream.snapshot(at, last), received))
                wished = None
        assert_exact(sync, stream, at_of)
    assert sync.state == "in sync" and at_of[sync.update_id] == COUNT - 1
    assert told - QUIET - {"dropped"} == expected - {"dropped"} and told >= expected
    stats = sync.stats
    assert stats.rebuilt == rebuilt
    named = {
        "gap": stats.gaps,
        "reset": stats.resets,
        "unreadable": stats.unreadable,
        "silence": stats.silences,
    }
    assert {name for name, count in named.items() if count} == expected - {"dropped"}
    assert (
        f"gaps {stats.gaps}, resets {stats.resets}" in stats.line() and f"rebuilt {rebuilt}" in stats.line()
    )


def assert_exact(sync, stream, at_of):
    """Either not in sync, and it says so, or the true book and not crossed."""
    if sync.state != "in sync":
        assert sync.update_id is None
        return
    assert not sync.book.crossed
    found, (bids, asks) = sync.book.snapshot(), stream.states[at_of[sync.update_id]]
    assert dict(found["bids"].tolist()) == bids and dict(found["asks"].tolist()) == asks


def test_a_snapshot_in_mid_stream_is_left_aside(stream):
    sync = Synchroniser(market=stream.market).start(Book(tick_size=stream.tick_size).start())
    at_of = {}
    for at, text in enumerate(stream.texts):
        sync.on_text(text, at)
        last = parse_message(text).last
        at_of[last] = at
        if at % 50 == 7:
            told = sync.on_snapshot(stream.snapshot(at, last), at)
            assert told[-1].kind == (
                "ignored" if at > 7 else "applied" if stream.market == "futures" else "dropped"
            )
        assert_exact(sync, stream, at_of)
    assert sync.stats.rebuilt == 0 and sync.update_id == last
