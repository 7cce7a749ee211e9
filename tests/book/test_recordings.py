"""Real recordings of Binance: read, kept in sync, equal to a slow book and to Binance's own best prices."""

import bisect
import copy
import gzip
import os
import random
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from bateia.book.component import Book
from bateia.book.recordings import read_recording
from bateia.book.samples import Samples
from bateia.book.sync import Synchroniser
from bateia.book.synced import SyncedReplay
from bateia.core import DataError
from plain_binance import PlainBook, joined, plain_sync

REAL = Path(os.environ.get("BATEIA_DATA", Path(__file__).parents[3] / "shared" / "data")) / "recordings"
needs_real = pytest.mark.skipif(
    not REAL.is_dir(), reason=f"no recordings at {REAL}: set BATEIA_DATA to the folder above"
)
# Files, market, tick size.
HOURS = {
    "spot": (["binance-spot-btcusdt-20240808.gz", "binance-spot-btcusdt-20240809.gz"], "spot", 0.01),
    "um-btc": (["binance-um-btcusdt-20240808.gz"], "futures", 0.1),
    "um-eth": (["binance-um-ethusdt-20240808.gz"], "futures", 0.01),
    "cm": (["binance-cm-btcusd_perp-20240808.gz"], "futures", 0.1),
    "hour": (["binance-spot-ethbtc-20201101T09"], "spot", 1e-6),
}
SESSIONS = {
    "NKNUSDT": "spot",
    "BLZETH": "spot",
    "LRCBTC": "spot",
    "RUNEEUR": "spot",
    "SUSHIUSDT": "futures",
    "AKROUSDT": "futures",
    "CTKUSDT": "futures",
    "KEEPUSDT": "futures",
}
SECOND = 1_000_000


@pytest.fixture(scope="module")
def recording(request):
    """Messages, market and tick size; one recording at a time in memory."""
    files, market, tick_size = HOURS[request.param]
    return list(read_recording(*(REAL / name for name in files))), market, tick_size


def session(symbol):
    name = "binance_futures" if SESSIONS[symbol] == "futures" else "binance"
    return [row for row in read_recording(REAL / f"sessions/{name}.jsonl.zst") if row[2].symbol == symbol]


def diffs_of(rows):
    return [message for _, kind, message in rows if kind == "diff"]


def snapshot_of(rows):
    return next(message for _, kind, message in rows if kind == "depth")


def synced(rows, market, book):
    """The machine and its events after each message of the book."""
    sync = Synchroniser(market=market).start(book)
    for received, kind, message in rows:
        if kind in {"diff", "depth"}:
            take = sync.on_diff if kind == "diff" else sync.on_snapshot
            yield sync, take(message, received)


def assert_same(stream, plain):
    """All levels of both sides."""
    found = stream.snapshot()
    for side, expected in zip(("bids", "asks"), plain.sorted(), strict=True):
        assert np.array_equal(found[side], np.array(expected).reshape(-1, 2))


def assert_followed(rows, market, tick_size, every):
    """In sync from the snapshot to the end without a fault, as the reference has it; samples compared."""
    truth, book = plain_sync(diffs_of(rows), snapshot_of(rows)), Book(tick_size=tick_size).start()
    due, compared, told = 0, 0, Counter()
    for sync, events in synced(rows, market, book):
        told.update(event.kind for event in events)
        assert not book.crossed
        for event in events:
            if event.kind != "applied":
                continue
            diff, plain = next(truth)
            assert diff.last == event.update_id
            # More than one applied at once are the buffer's: the book is then as of the last.
            if diff.time >= due and diff.last == sync.update_id:
                due, compared = diff.time - diff.time % every + every, compared + 1
                assert_same(book, plain)
    assert next(truth, None) is None, "a diff was not applied"
    assert_same(book, plain)
    assert told.keys() <= {"applied", "dropped", "wanted", "in sync"}
    stats = sync.stats
    assert (stats.gaps, stats.resets, stats.rebuilt, stats.stale, stats.crossed) == (0, 0, 0, 0, 0)
    assert stats.applied + stats.dropped == stats.messages == len(diffs_of(rows))
    lags = [received - message.time for received, kind, message in rows if kind == "diff"]
    assert (stats.lag_mean, stats.lag_most, stats.lag) == (np.mean(lags), max(lags), lags[-1])
    return compared


@needs_real
@pytest.mark.parametrize("recording", HOURS, indirect=True)
def test_recordings_are_followed_without_a_gap_and_all_levels_are_the_reference_s(recording):
    rows, market, tick_size = recording
    span = (diffs_of(rows)[-1].time - diffs_of(rows)[0].time) // SECOND
    # The best levels are compared at each second below.
    assert assert_followed(rows, market, tick_size, 5 * SECOND) >= span // 5 - 1


@needs_real
@pytest.mark.parametrize("symbol", SESSIONS)
def test_sessions_of_many_books_are_followed_too(symbol):
    # No tick of these markets is finer; the exchange's own is coarser.
    assert assert_followed(session(symbol), SESSIONS[symbol], 1e-8, 1)


@needs_real
@pytest.mark.parametrize("recording", ["spot", "um-btc", "um-eth", "cm"], indirect=True)
def test_best_levels_are_those_that_binance_told(recording):
    """After each diff; two on spot end inside a taker's sweep, of which the best prices tell only the end."""
    rows, market, tick_size = recording
    best = {ticker.update_id: ticker for _, kind, ticker in rows if kind == "ticker"}
    ids, book, differ, compared = sorted(best), Book(tick_size=tick_size).start(), 0, 0
    for sync, _ in synced(rows, market, book):
        at = bisect.bisect_right(ids, sync.update_id or 0) - 1
        if at >= 0:
            told, top = best[ids[at]], book.top(1)
            own = [
                float(column[0, 0]) for column in (top.bid_price, top.bid_size, top.ask_price, top.ask_size)
            ]
            differ += own != [told.bid, told.bid_size, told.ask, told.ask_size]
            compared += 1
    assert differ == (2 if market == "spot" else 0) and compared > 6000


@needs_real
@pytest.mark.parametrize("recording", HOURS, indirect=True)
def test_samples_are_the_reference_s_books_at_each_second_however_the_messages_are_cut(recording):
    rows, market, tick_size = recording
    book = [row for row in rows if row[1] in {"diff", "depth"}]
    replay = SyncedReplay(Synchroniser(market=market), Book(tick_size=tick_size, depth=20), SECOND)
    draw, made, at = random.Random(len(rows)), [], 0
    while at < len(book):
        size = draw.choice([1, 1, 7, 500])
        made.append(replay.run(book[at : at + size]))
        at += size
    found = Samples.concat(made)
    live = SyncedReplay(Synchroniser(market=market), Book(tick_size=tick_size, depth=20), SECOND)
    singles = Samples.concat([live.on(message, received) for received, _, message in book[:3000]])
    for name, column in found[: len(singles)].columns().items():
        assert np.array_equal(column, singles.columns()[name], equal_nan=True)
    assert found.time[0] <= diffs_of(rows)[0].time + 3 * SECOND
    expected = plain_samples(rows, found.time[0], 20)
    assert found.time.tolist() == [time for time, _, _ in expected] and len(expected) > 300
    for side, at in (("bid", 1), ("ask", 2)):
        levels = np.array([row[at] for row in expected])
        assert np.array_equal(getattr(found, f"{side}_price"), levels[:, :, 0])
        assert np.array_equal(getattr(found, f"{side}_size"), levels[:, :, 1])
    assert replay.replay.faults.counts == {} and replay.read == len(book)


def plain_samples(rows, start, depth):
    """Time, bids and asks at each second from `start`: the book after all diffs before it."""
    due, made = start, []
    # The book that comes with a diff is one object, so each is looked at before the next is asked for.
    diffs = diffs_of(rows)
    after = dict(zip([diff.last for diff in diffs], [*diffs[1:], None], strict=True))
    for diff, plain in plain_sync(diffs, snapshot_of(rows)):
        following = after[diff.last]
        while following is not None and diff.time < due <= following.time:
            made.append((due, *plain.top(depth)))
            due += SECOND
    return made


@needs_real
@pytest.mark.parametrize("recording", HOURS, indirect=True)
def test_any_cut_of_the_messages_ends_in_the_same_books(recording):
    rows, market, _ = recording
    snapshot = snapshot_of(rows)
    kept = [diff for diff, _ in plain_sync(diffs_of(rows), snapshot)][:3000]
    draw = random.Random(len(rows))
    cuts = sorted(draw.sample(range(1, len(kept)), 150))
    truth = {diff.last: plain.sorted() for diff, plain in at_cuts(kept, snapshot, cuts)}
    sync = Synchroniser(market=market).start(PlainBook())
    for start, stop in zip([0, *cuts], [*cuts, len(kept)], strict=True):
        group = joined(kept[start:stop])
        sync.on_diff(group, group.time)
        if start == cuts[9]:
            sync.on_snapshot(
                as_depth(snapshot, kept[start - 1].last, truth[kept[start - 1].last]), group.time
            )
        if draw.random() < 0.1:
            # Saved and resumed.
            sync = copy.deepcopy(sync)
        if start > cuts[9]:
            assert sync.state == "in sync" and sync.book.sorted() == truth[group.last]
    assert sync.update_id == kept[-1].last and sync.book.sorted() == truth[kept[-1].last]


def at_cuts(diffs, snapshot, cuts):
    """The reference where a cut ends, and at the end."""
    ends = {diffs[cut - 1].last for cut in cuts} | {diffs[-1].last}
    return ((diff, plain) for diff, plain in plain_sync(diffs, snapshot) if diff.last in ends)


def as_depth(like, last, sides):
    """What the REST interface would have answered, without its limit of levels."""
    bids, asks = (np.array(side) for side in sides)
    return type(like)(like.symbol, None, last, bids, asks)


LINE = """1723161255000000000 {"u":4,"s":"A","b":"1","B":"2","a":"3","A":"4"}"""


def written(path, *lines):
    with gzip.open(path, "wt") as file:
        file.write("\n".join(lines))
    return path


def test_lines_are_read_in_order_and_other_kinds_left_out(tmp_path):
    path = written(tmp_path / "a.gz", LINE, '1723161256000000999 {"result":null,"id":1}', "", LINE)
    found = list(read_recording(path, path))
    assert [(received, kind, row.update_id) for received, kind, row in found] == [
        (1723161255000000, "ticker", 4)
    ] * 4


BAD_LINES = {"no time": "soon {}", "cut short": LINE[:-9], "empty": "5 ", "no object": "5 [1]"}


@pytest.mark.parametrize("bad", BAD_LINES.values(), ids=BAD_LINES)
def test_bad_line_stops_or_is_told_with_its_number(tmp_path, bad):
    path = written(tmp_path / "a.gz", LINE, bad, LINE)
    reading = read_recording(path)
    next(reading)
    with pytest.raises(DataError, match=r"a\.gz, line 2: "):
        next(reading)
    told = []
    assert len(list(read_recording(path, broken=told.append))) == 2
    assert len(told) == 1 and "a.gz, line 2: " in str(told[0])


def test_archive_cut_short_gives_what_it_holds_and_says_so(tmp_path):
    path = written(tmp_path / "a.gz", *[LINE] * 5000)
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(DataError, match=r"a\.gz, line \d+: "):
        list(read_recording(path))
    told = []
    assert list(read_recording(path, broken=told.append)) and len(told) == 1


def test_frames_of_a_session_that_cannot_be_read(tmp_path):
    path = tmp_path / "a.jsonl"
    good = '{"t":"recv","ts":5.0,"data":"{\\"u\\":4,\\"s\\":\\"A\\",\\"b\\":\\"1\\",\\"B\\":\\"2\\"'
    good += ',\\"a\\":\\"3\\",\\"A\\":\\"4\\"}"}'
    path.write_text("\n".join(['{"t":"header"}', good, "[]", '{"t":"recv"}', "{", good]))
    told = []
    assert [row[0] for row in read_recording(path, broken=told.append)] == [5_000_000] * 2
    assert [str(error).split(": ")[0].rsplit(", ", 1)[1] for error in told] == ["line 3", "line 4", "line 5"]


def test_missing_empty_and_foreign_files(tmp_path):
    with pytest.raises(DataError, match="there is no file"):
        list(read_recording(tmp_path / "none.gz"))
    with pytest.raises(DataError, match="holds no market message"):
        list(read_recording(written(tmp_path / "a.gz", "")))
    with pytest.raises(DataError, match="is no recording"):
        list(read_recording(tmp_path / "a.txt"))
    (tmp_path / "b.gz").write_bytes(b"no gzip")
    with pytest.raises(DataError, match=r"b\.gz, line 1: "):
        list(read_recording(tmp_path / "b.gz"))
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "update.json").write_text("[1]")
    with pytest.raises(DataError, match=r"update\.json: "):
        list(read_recording(folder))
