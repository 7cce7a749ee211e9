"""Sampled books against two dicts and a sort, on real recordings and on generated faults."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bateia.book.bybit import BybitLines, Malformed
from bateia.book.component import Book, single
from bateia.book.replay import LISTED, BookReplay
from bateia.core import DataError
from bateia.sources.unpack import unpacked
from plain_lines import (
    ARCHIVE,
    RECORDING,
    SYMBOLS,
    assert_same_samples,
    cut,
    generated_line,
    generated_lines,
    plain_samples,
    together,
)

SECOND = 1_000_000
KIND = Book(tick_size=0.01, depth=20)
absent = pytest.mark.skipif(not ARCHIVE.exists(), reason="real data is absent")


def messages_of(lines, symbol="", mixed=False):
    """One block of all lines' messages, and the tick size."""
    parser = BybitLines(symbol, mixed=mixed)
    return [*parser.feed(b"".join(lines)), *parser.finish()], parser.tick_size


def replayed(lines, every=500_000, kind=KIND, **options):
    replay = BookReplay(kind, every, **options)
    parser = BybitLines(tick_size=kind.tick_size)
    samples = []
    for part in [*parser.feed(b"".join(lines)), *parser.finish()]:
        if isinstance(part, Malformed):
            replay.broken(part.line, "malformed", part.what)
        else:
            samples.append(replay.run(part))
    return replay, samples[0].concat(samples)


@absent
@pytest.mark.parametrize("every", [100_000, 250_000, SECOND])
def test_the_archive_gives_the_plain_books(every):
    lines = b"".join(unpacked(ARCHIVE)).splitlines(keepends=True)
    [first, *rest], tick = messages_of(lines)
    replay = BookReplay(Book(tick_size=tick, depth=200), every)
    found = type(replay.run(first)).concat([replay.run(part) for part in rest])
    assert_same_samples(found, plain_samples(lines, every, 200))
    assert (replay.faults.counts, replay.book.missing, tick) == ({}, 0, 0.0001)


@absent
@pytest.mark.parametrize("symbol", SYMBOLS)
def test_every_symbol_of_the_recording_gives_the_plain_books(symbol):
    lines = b"".join(unpacked(RECORDING)).splitlines(keepends=True)
    parts, tick = messages_of(lines, symbol, mixed=True)
    replay = BookReplay(Book(tick_size=tick, depth=200), 100_000)
    samples = [replay.run(part) for part in parts]
    assert_same_samples(samples[0].concat(samples), plain_samples(lines, 100_000, 200, symbol))
    assert (replay.faults.counts, replay.book.missing, replay.skipped) == ({}, 0, 0)


@given(st.integers(0, 5), st.lists(st.integers(0, 120), max_size=8))
@settings(max_examples=30)
def test_any_cut_gives_the_same_rows(seed, at):
    lines = generated_lines(120, seed, snapshots=(0, 50))
    [head, whole], _ = messages_of(lines)
    assert (len(head), len(whole)) == (1, 119)
    expected = BookReplay(KIND, 300_000)
    rows = together([expected.run(head), expected.run(whole)])
    found = BookReplay(KIND, 300_000)
    parts = [found.run(part) for part in [head, *cut(whole, [min(a, 119) for a in at])]]
    for ours, theirs in zip(together(parts), rows, strict=True):
        np.testing.assert_array_equal(ours, theirs)
    assert_same_samples(replayed(lines, 300_000)[1], plain_samples(lines, 300_000, 20))


def test_a_restored_replay_goes_on_as_the_one_it_was_taken_of():
    [head, rest], _ = messages_of(generated_lines(100))
    replay = BookReplay(KIND, 300_000)
    replay.run(head), replay.run(rest[:41])
    again = BookReplay(KIND, 300_000)
    again.restore(replay.snapshot())
    for ours, theirs in zip(together([again.run(rest[41:])]), together([replay.run(rest[41:])]), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    with pytest.raises(DataError, match="none of a replay"):
        again.restore(replay.book.snapshot())


@pytest.mark.parametrize("every", [100_000, 700_000])
def test_a_snapshot_in_the_middle_replaces_the_book_whatever_its_id(every):
    lines = generated_lines(60, snapshots=(0, 20, 21))
    lines[20:] = generated_lines_from(lines[20:], number=1)
    replay, found = replayed(lines, every)
    assert replay.faults.counts == {}
    assert_same_samples(found, plain_samples(lines, every, 20))


def generated_lines_from(lines, number):
    """The same lines with ids counted from `number`."""
    texts = [json.loads(line) for line in lines]
    for i, text in enumerate(texts):
        text["data"]["u"] = number + i
    return [json.dumps(text, separators=(",", ":")).encode() + b"\n" for text in texts]


def rows_equal(found, expected):
    for ours, theirs in zip(together([found]), together([expected]), strict=True):
        np.testing.assert_array_equal(ours, theirs)


AFTER_60 = (1_700_000_000_000 + 100 * 60) * 1000
DAMAGED = {
    "one missing": lambda lines: lines[:30] + lines[31:],
    "many missing": lambda lines: lines[:30] + lines[45:],
    "two swapped": lambda lines: [*lines[:30], lines[31], lines[30], *lines[32:]],
    "one cut short": lambda lines: [*lines[:30], lines[30][:40] + b"\n", *lines[31:]],
}


@pytest.mark.parametrize("damage", DAMAGED)
def test_after_a_break_there_are_no_samples_until_the_next_snapshot(damage):
    lines = generated_lines(100, snapshots=(0, 60))
    whole, bad = replayed(lines, 100_000)[1], DAMAGED[damage](lines)
    replay, found = replayed(bad, 100_000)
    known = (whole.time <= (1_700_000_000_000 + 100 * 29) * 1000) | (whole.time > AFTER_60)
    assert found.time.tolist() == whole.time[known].tolist()
    # The first sample after the snapshot counts the messages from it on.
    rows_equal(found, whole[known])
    kind = "malformed" if damage == "one cut short" else "gap"
    assert (replay.faults.counts, replay.faults.listed[0].line) == ({kind: 1}, 31)
    assert replay.skipped > 0
    with pytest.raises(DataError, match="line 31: "):
        replayed(bad, policy="stop")


def test_ids_that_begin_anew_without_a_snapshot_are_a_gap():
    """Not forty stale messages, with the old book sampled up to the snapshot."""
    lines = generated_lines(100, snapshots=(0, 60))
    bad = lines[:30] + generated_lines_from(lines[30:], number=1)
    whole, (replay, found) = replayed(lines, 100_000)[1], replayed(bad, 100_000)
    known = (whole.time <= (1_700_000_000_000 + 100 * 29) * 1000) | (whole.time > AFTER_60)
    rows_equal(found, whole[known])
    assert (replay.faults.counts, replay.faults.listed[0].line, replay.skipped) == ({"gap": 1}, 31, 29)
    assert replay.faults.listed[0].what.endswith("from 129 to 1")


def test_what_is_missing_before_a_snapshot_is_a_gap_and_not_sampled():
    lines = generated_lines(100, snapshots=(0, 60))
    whole, (replay, found) = replayed(lines, 100_000)[1], replayed(lines[:30] + lines[60:], 100_000)
    known = (whole.time <= (1_700_000_000_000 + 100 * 29) * 1000) | (whole.time > AFTER_60)
    rows_equal(found, whole[known])
    assert (replay.faults.counts, replay.faults.listed[0].line, replay.skipped) == ({"gap": 1}, 31, 0)
    with pytest.raises(DataError, match="line 31: messages are missing before a snapshot"):
        replayed(lines[:30] + lines[60:], policy="stop")


@pytest.mark.parametrize("policy", ["resync", "stop"])
def test_messages_said_twice_are_left_out(policy):
    lines = generated_lines(100)
    replay, found = replayed(
        lines[:31] + lines[30:60] + lines[59:60] * 3 + lines[60:], 100_000, policy=policy
    )
    rows_equal(found, replayed(lines, 100_000)[1])
    assert replay.faults.counts == {"stale": 4}
    assert [fault.line for fault in replay.faults.listed] == [32, 62, 63, 64]


def test_a_crossed_book_makes_no_samples_until_the_next_snapshot():
    lines = generated_lines(100, snapshots=(0, 60))
    message = json.loads(lines[40])
    message["data"]["b"].append(["99.00", "1"])
    bad = [*lines[:40], json.dumps(message).encode() + b"\n", *lines[41:]]
    replay, found = replayed(bad, 100_000)
    whole = replayed(lines, 100_000)[1]
    known = (whole.time <= (1_700_000_000_000 + 100 * 40) * 1000) | (whole.time > AFTER_60)
    rows_equal(found, whole[known])
    assert (replay.faults.counts, replay.faults.listed[0].line) == ({"crossed": 1}, 41)
    assert np.all(found.ask_price[:, 0] > found.bid_price[:, 0])
    with pytest.raises(DataError, match="line 41: the best bid is at or above the best ask"):
        replayed(bad, policy="stop")


def test_an_hour_of_silence_is_sampled_for_a_minute_and_counted():
    lines = generated_lines(20)
    later = [generated_line(i, [], [], ts=1_700_000_000_000 + 3_600_000 + 100 * i) for i in range(20, 23)]
    replay, found = replayed(lines + later, SECOND)
    assert replay.faults.counts == {"silence": 1}
    assert "1h" in replay.faults.listed[0].what and replay.faults.listed[0].line == 21
    assert np.diff(found.time).tolist() == [SECOND] * (len(found) - 1)
    assert len(found) == 1 + 60
    assert replay.whole and len(replay.advance(replay.last_time + 5 * SECOND)) == 5


@pytest.mark.parametrize("policy", ["resync", "stop"])
def test_times_that_run_backwards_are_an_error(policy):
    lines = generated_lines(40)
    lines[20] = generated_line(20, [], [], ts=1_700_000_000_000)
    with pytest.raises(DataError, match="line 21: 2023-11-14T22:13:20Z comes after"):
        replayed(lines, policy=policy)


def test_changes_before_the_first_snapshot_are_counted():
    lines = generated_lines(40, snapshots=(10,))
    replay, found = replayed(lines, 100_000)
    assert replay.skipped == 10
    assert_same_samples(found, plain_samples(lines[10:], 100_000, 20))


def test_a_book_deeper_than_planned_is_an_error_with_its_line():
    lines = generated_lines(10)
    levels = [(f"5.{i:02d}", "1") for i in range(100)]
    lines[6] = generated_line(6, levels, [])
    with pytest.raises(DataError, match=r"line 7: a book of \d+ levels on one side; allowed: at most 60"):
        replayed(lines, kind=Book(tick_size=0.01, most=60))
    assert replayed(lines)[0].book.levels[0] > 100


def test_more_levels_than_there_was_room_for():
    levels = [(f"{i // 100}.{i % 100:02d}", "1") for i in range(1, 9001)]
    lines = [generated_line(0, levels[:3000], [("95.00", "2")], kind="snapshot")]
    lines += [generated_line(1, levels[2500:], []), generated_line(2, [], [], ts=1_700_000_002_000)]
    assert_same_samples(replayed(lines)[1], plain_samples(lines, 500_000, 20))


def test_only_the_first_faults_are_kept_in_full():
    lines = generated_lines(10)
    replay, _ = replayed(lines + lines[9:] * (2 * LISTED))
    assert (replay.faults.counts, len(replay.faults.listed)) == ({"stale": 2 * LISTED}, LISTED)


def test_samples_come_on_the_grid_when_nothing_happens():
    replay = BookReplay(KIND, SECOND, silence=3 * SECOND)
    assert len(replay.advance(5 * SECOND)) == 0
    replay.run(single(KIND, 1_200_000, 1, [[1.0, 2.0]], [[1.5, 3.0]], snapshot=True))
    assert replay.advance(2_500_000).time.tolist() == [2 * SECOND]
    assert replay.advance(10 * SECOND).time.tolist() == [3 * SECOND, 4 * SECOND]


def test_a_book_of_one_side_is_not_sampled():
    replay = BookReplay(KIND, SECOND)
    replay.run(single(KIND, 0, 1, [[1.0, 2.0]], [], snapshot=True))
    assert len(replay.run(single(KIND, 2_500_000, 2, [], [[1.5, 1.0]]))) == 0
    assert replay.run(single(KIND, 3_500_000, 3, [], [])).time.tolist() == [3 * SECOND]


@pytest.mark.parametrize("options", [{"policy": "hope"}, {"every": 0}, {"silence": -1}])
def test_options_that_cannot_be_are_refused(options):
    with pytest.raises(DataError, match=r"policy|samples every"):
        BookReplay(KIND, **{"every": 1, **options})
