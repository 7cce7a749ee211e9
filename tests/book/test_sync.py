"""The synchroniser on generated streams: rules at their edges, faults of every kind."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from bateia.book.binance import Depth, Diff
from bateia.book.sync import Synchroniser
from bateia.core import DataError
from plain_binance import GeneratedStream, PlainBook, joined, levels, time_of

SECOND = 1_000_000
MARKETS = ("spot", "futures")


def diff(first, last, previous=None, time=0, bids=(), asks=(), symbol="A"):
    return Diff(symbol, time, first, last, previous, pairs(bids), pairs(asks))


def depth(last, bids=((9, 1),), asks=((11, 1),)):
    return Depth("A", None, last, pairs(bids), pairs(asks))


def pairs(given_levels):
    return np.array(given_levels, float).reshape(-1, 2)


def machine(market="spot", **options):
    return Synchroniser(market=market, **options).start(PlainBook())


def kinds(events):
    return [event.kind for event in events]


def test_diffs_are_kept_until_the_snapshot_then_applied():
    sync = machine()
    assert (sync.state, sync.wants_snapshot, sync.update_id) == ("waiting", False, None)
    assert kinds(sync.on_diff(diff(8, 10, bids=[(9, 5)]), 0)) == ["wanted"]
    assert (sync.state, sync.wants_snapshot) == ("buffering", True)
    assert sync.on_diff(diff(11, 12, bids=[(9, 6)]), 0) == []
    assert kinds(sync.on_snapshot(depth(10), 0)) == ["in sync", "dropped", "applied"]
    assert (sync.state, sync.wants_snapshot, sync.update_id) == ("in sync", False, 12)
    assert kinds(sync.on_diff(diff(13, 13, asks=[(11, 0), (12, 3)]), 0)) == ["applied"]
    assert sync.book.top(5) == ([(9, 6)], [(12, 3)])


# The snapshot is at 100. (U, u) and what becomes of the one buffered diff.
SPOT_EDGES = {
    (90, 99): ["in sync", "dropped"],
    (90, 100): ["in sync", "dropped"],
    (90, 101): ["in sync", "applied"],
    (100, 100): ["in sync", "dropped"],
    (101, 101): ["in sync", "applied"],
    (101, 105): ["in sync", "applied"],
    (102, 105): ["stale", "wanted"],
}


@pytest.mark.parametrize(("ids", "becomes"), SPOT_EDGES.items())
def test_first_diff_on_spot(ids, becomes):
    sync = machine("spot")
    sync.on_diff(diff(*ids), 0)
    assert kinds(sync.on_snapshot(depth(100), 0)) == becomes
    assert sync.wants_snapshot == (becomes[0] == "stale")


# The same with (U, u, pu).
FUTURES_EDGES = {
    (90, 99, 80): ["in sync", "dropped"],
    (90, 100, 80): ["in sync", "applied"],
    (90, 101, 80): ["in sync", "applied"],
    (100, 105, 99): ["in sync", "applied"],
    (101, 105, 100): ["in sync", "applied"],
    (105, 110, 99): ["in sync", "applied"],
    (105, 110, 101): ["stale", "wanted"],
    (101, 105, 101): ["stale", "wanted"],
}


@pytest.mark.parametrize(("ids", "becomes"), FUTURES_EDGES.items())
def test_first_diff_on_futures(ids, becomes):
    sync = machine("futures")
    sync.on_diff(diff(*ids), 0)
    assert kinds(sync.on_snapshot(depth(100), 0)) == becomes


def test_snapshot_ahead_of_the_stream_waits_for_it():
    sync = machine()
    sync.on_diff(diff(1, 5, time=1), 0)
    sync.on_snapshot(depth(12), 0)
    assert kinds(sync.on_diff(diff(6, 10, time=2, bids=[(9, 7)]), 0)) == ["dropped"]
    assert sync.update_id == 12 and sync.book.bids == {9: 1}
    assert kinds(sync.on_diff(diff(11, 14, time=3, bids=[(9, 8)]), 0)) == ["applied"]
    assert sync.update_id == 14 and sync.book.bids == {9: 8}


def test_snapshot_that_stays_ahead_is_given_up():
    sync = machine(patience="10s")
    sync.on_diff(diff(1, 5, time=1), 0)
    sync.on_snapshot(depth(10**9), 0)
    assert kinds(sync.on_diff(diff(6, 7, time=2), 10 * SECOND)) == ["dropped"]
    assert kinds(sync.on_diff(diff(8, 9, time=3), 10 * SECOND + 1)) == ["stale", "wanted"]
    assert kinds(sync.on_snapshot(depth(7), 11 * SECOND)) == ["in sync", "applied"]


def test_stale_snapshot_is_asked_for_again():
    sync = machine()
    sync.on_diff(diff(50, 60), 0)
    assert kinds(sync.on_snapshot(depth(40), 0)) == ["stale", "wanted"]
    assert sync.wants_snapshot and sync.update_id is None and sync.stats.stale == 1
    assert kinds(sync.on_snapshot(depth(55), 0)) == ["in sync", "applied"]


def test_snapshot_before_any_diff_is_tried_at_the_first():
    sync = machine()
    assert sync.on_snapshot(depth(10), 0) == [] and sync.state == "waiting"
    assert kinds(sync.on_diff(diff(11, 12), 0)) == ["in sync", "applied"]
    late = machine()
    late.on_snapshot(depth(10), 0)
    assert kinds(late.on_diff(diff(15, 16), 0)) == ["stale", "wanted"] and late.wants_snapshot


def test_snapshot_in_mid_stream_changes_nothing():
    sync = machine()
    sync.on_diff(diff(1, 5), 0)
    sync.on_snapshot(depth(4), 0)
    assert kinds(sync.on_snapshot(depth(1, bids=[(1, 1)]), 0)) == ["ignored"]
    assert sync.update_id == 5 and sync.book.bids == {9: 1}


@pytest.mark.parametrize("market", MARKETS)
def test_gap_is_seen_at_once_and_mended_by_a_snapshot(market):
    stream = GeneratedStream(market, 40, seed=1)
    sync = machine(market)
    sync.on_diff(stream.diffs[0], 0)
    sync.on_snapshot(stream.snapshot(stream.diffs[0].last), 0)
    for one in stream.diffs[1:20]:
        assert kinds(sync.on_diff(one, 0)) == ["applied"]
    assert kinds(sync.on_diff(stream.diffs[21], 0)) == ["gap", "wanted"]
    assert sync.state == "buffering" and sync.update_id is None
    assert kinds(sync.on_snapshot(stream.snapshot(stream.diffs[19].last), 0)) == ["stale", "wanted"]
    sync.on_diff(stream.diffs[22], 0)
    assert kinds(sync.on_snapshot(stream.snapshot(stream.diffs[21].last), 0))[0] == "in sync"
    for one in stream.diffs[23:]:
        assert kinds(sync.on_diff(one, 0)) == ["applied"]
    assert exact(sync, stream)
    assert (sync.stats.gaps, sync.stats.rebuilt, sync.stats.stale) == (1, 1, 1)


def test_gap_among_buffered_diffs_starts_the_buffer_anew():
    sync = machine()
    sync.on_diff(diff(1, 5, time=1), 0)
    assert kinds(sync.on_diff(diff(9, 10, time=2), 0)) == ["gap", "wanted"]
    assert kinds(sync.on_snapshot(depth(5), 0)) == ["stale", "wanted"]
    assert kinds(sync.on_snapshot(depth(9), 0)) == ["in sync", "applied"]


def test_message_said_twice_and_message_come_late_are_dropped():
    sync = machine()
    sync.on_diff(diff(1, 5, time=1), 0)
    sync.on_snapshot(depth(5), 0)
    sync.on_diff(diff(6, 7, time=2, bids=[(9, 2)]), 0)
    assert kinds(sync.on_diff(diff(6, 7, time=2, bids=[(9, 2)]), 0)) == ["dropped"]
    assert kinds(sync.on_diff(diff(1, 5, time=1, bids=[(9, 9)]), 0)) == ["dropped"]
    assert kinds(sync.on_diff(diff(8, 8, time=3), 0)) == ["applied"]
    assert sync.book.bids == {9: 2} and sync.stats.dropped == 3


def test_diffs_that_overlap_break_the_chain():
    sync = machine()
    sync.on_diff(diff(1, 5, time=1), 0)
    sync.on_snapshot(depth(5), 0)
    assert kinds(sync.on_diff(diff(5, 8, time=2), 0)) == ["gap", "wanted"]


@pytest.mark.parametrize("market", MARKETS)
def test_ids_that_jump_back_are_a_new_count_and_not_old_news(market):
    stream = GeneratedStream(market, 20, seed=2)
    sync = machine(market)
    before = [
        dataclasses.replace(
            one,
            time=one.time - 10**9,
            first=one.first + 10**6,
            last=one.last + 10**6,
            previous=one.previous and one.previous + 10**6,
        )
        for one in stream.diffs
    ]
    sync.on_diff(before[0], 0)
    sync.on_snapshot(dataclasses.replace(stream.snapshot(stream.diffs[0].last), last=before[0].last), 0)
    for one in before[1:10]:
        sync.on_diff(one, 0)
    assert sync.state == "in sync"
    assert kinds(sync.on_diff(stream.diffs[0], 0)) == ["reset", "wanted"]
    sync.on_snapshot(stream.snapshot(stream.diffs[0].last), 0)
    for one in stream.diffs[1:]:
        sync.on_diff(one, 0)
    assert exact(sync, stream) and sync.stats.resets == 1


@pytest.mark.parametrize("crossing", [[(11, 1)], [(12, 1)]])
def test_crossed_book_is_built_anew(crossing):
    sync = machine()
    sync.on_diff(diff(1, 5, time=1), 0)
    sync.on_snapshot(depth(5), 0)
    assert kinds(sync.on_diff(diff(6, 6, time=2, bids=crossing), 0)) == ["crossed", "wanted"]
    assert sync.wants_snapshot and sync.update_id is None and sync.stats.crossed == 1
    sync.on_diff(diff(7, 7, time=3), 0)
    assert kinds(sync.on_snapshot(depth(6), 0)) == ["in sync", "dropped", "applied"]


def test_crossed_in_the_buffer_and_in_the_snapshot_itself():
    sync = machine()
    sync.on_diff(diff(1, 5, time=1), 0)
    assert kinds(sync.on_snapshot(depth(5, bids=[(11, 1)]), 0)) == ["crossed", "wanted"]
    for at, bids in ((6, []), (7, [(12, 1)]), (8, [(12, 0)])):
        sync.on_diff(diff(at, at, time=at, bids=bids), 0)
    told = kinds(sync.on_snapshot(depth(5), 0))
    assert told == ["in sync", "dropped", "applied", "crossed", "wanted"]
    assert kinds(sync.on_snapshot(depth(7), 0)) == ["in sync", "dropped", "applied"]


def test_buffer_is_bounded_and_the_oldest_go():
    sync = machine(buffer=3)
    told = [kind for at in range(1, 6) for kind in kinds(sync.on_diff(diff(at, at, time=at), 0))]
    assert told == ["wanted", "overflow", "overflow"] and sync.stats.overflows == 2
    assert kinds(sync.on_snapshot(depth(1), 0)) == ["stale", "wanted"]
    assert kinds(sync.on_snapshot(depth(2), 0)) == ["in sync", "applied", "applied", "applied"]


def test_an_hour_of_silence_is_told_and_survived():
    sync = machine()
    sync.on_diff(diff(1, 5), 0)
    sync.on_snapshot(depth(5), 0)
    hour = 3600 * SECOND
    assert kinds(sync.on_diff(diff(6, 6, time=hour), hour)) == ["silence", "applied"]
    assert sync.stats.silence_most == hour and sync.stats.silence(hour + 5) == 5
    told = sync.on_diff(diff(9, 9, time=2 * hour), 2 * hour)
    assert kinds(told) == ["silence", "gap", "wanted"]
    assert "1h" in told[0].detail and "6..6" in told[1].detail


class Refusing(PlainBook):
    """Takes no price above 20."""

    def apply_snapshot(self, bids, asks):
        self.check(asks)
        super().apply_snapshot(bids, asks)

    def apply_delta(self, bids, asks):
        self.check(asks)
        super().apply_delta(bids, asks)

    def check(self, rows):
        if (rows[:, 0] > 20).any():
            raise DataError("a price above 20")


def test_what_the_book_refuses_is_an_error_and_a_snapshot_after_it_mends():
    sync = Synchroniser(market="spot").start(Refusing())
    sync.on_diff(diff(1, 5, time=1), 0)
    with pytest.raises(DataError, match="above 20"):
        sync.on_snapshot(depth(5, asks=[(21, 1)]), 0)
    assert sync.wants_snapshot and sync.stats.synced == 0
    for at, asks in ((6, [(12, 1)]), (7, [(21, 1)]), (8, [(13, 1)])):
        sync.on_diff(diff(at, at, time=at, asks=asks), 0)
    with pytest.raises(DataError, match="above 20"):
        sync.on_snapshot(depth(5), 0)
    assert sync.wants_snapshot and sync.update_id is None
    assert kinds(sync.on_snapshot(depth(7), 0)) == ["in sync", "dropped", "applied"]
    with pytest.raises(DataError, match="above 20"):
        sync.on_diff(diff(9, 9, time=9, asks=[(21, 1)]), 0)
    assert sync.wants_snapshot and kinds(sync.on_diff(diff(10, 10, time=10, asks=[(14, 1)]), 0)) == []
    assert kinds(sync.on_snapshot(depth(9), 0)) == ["in sync", "dropped", "applied"]
    assert sync.book.asks == {11: 1, 14: 1} and sync.update_id == 10


def test_text_is_read_and_what_cannot_be_read_is_told():
    sync = machine()
    text = '{"e":"depthUpdate","E":1,"s":"A","U":1,"u":5,"b":[],"a":[]}'
    assert kinds(sync.on_text(text, 0)) == ["wanted"]
    assert kinds(sync.on_text(text[:-4], 0)) == ["unreadable"] and sync.stats.unreadable == 1
    assert sync.on_text('{"result":null,"id":1}', 0) == []
    told = sync.on_text('{"lastUpdateId":4,"bids":[["9","1"]],"asks":[["11","1"]]}', 0)
    assert kinds(told) == ["in sync", "applied"] and "unreadable 1" in sync.stats.line()


def test_stats_say_what_came():
    sync = machine()
    assert np.isnan(sync.stats.lag_mean) and sync.stats.silence(7) == 0 and sync.stats.rebuilt == 0
    sync.on_diff(diff(1, 5, time=1000), 5000)
    sync.on_diff(diff(6, 6, time=2000), 8000)
    sync.on_snapshot(depth(5), 9000)
    line = sync.stats.line(now=10_000)
    assert "messages 2, applied 1, dropped 1, gaps 0" in line
    assert "lag 6.0 ms (mean 5.0, most 6.0)" in line and line.endswith("silent for 2ms")


def test_other_markets_and_other_symbols_are_refused():
    with pytest.raises(DataError, match="without 'pu' in a book of futures"):
        machine("futures").on_diff(diff(1, 2), 0)
    with pytest.raises(DataError, match="with 'pu' in a book of spot"):
        machine("spot").on_diff(diff(1, 2, 0), 0)
    sync = machine()
    sync.on_diff(diff(1, 2), 0)
    with pytest.raises(DataError, match="a message of B in the book of A"):
        sync.on_diff(diff(3, 4, symbol="B"), 0)
    with pytest.raises(DataError, match="a message of B in the book of A"):
        sync.on_snapshot(dataclasses.replace(depth(2), symbol="B"), 0)
    assert sync.stats.messages == 1


@pytest.mark.parametrize(
    "wrong", [{"market": "options"}, {"buffer": 0}, {"silence": "0s"}, {"patiense": "1s"}]
)
def test_parameters_are_checked(wrong):
    with pytest.raises(ValidationError, match=next(iter(wrong))):
        Synchroniser(**{"market": "spot", **wrong})


def exact(sync, stream):
    """Whether the machine is in sync and its book is the true one."""
    return sync.state == "in sync" and (sync.book.bids, sync.book.asks) == stream.book_at(sync.update_id)


@st.composite
def faulty(draw):
    """A stream, and the order in which its diffs come: some dropped, said twice, exchanged or very late."""
    stream = GeneratedStream(draw(st.sampled_from(MARKETS)), 60, draw(st.integers(0, 10**6)))
    order = list(range(40))
    for _ in range(draw(st.integers(0, 4))):
        at = draw(st.integers(0, len(order) - 2))
        fault = draw(st.sampled_from(["drop", "twice", "exchange", "late"]))
        if fault == "drop":
            del order[at : at + draw(st.integers(1, 3))]
        elif fault == "twice":
            order.insert(draw(st.integers(at, len(order))), order[at])
        elif fault == "exchange":
            order[at], order[at + 1] = order[at + 1], order[at]
        else:
            order.insert(draw(st.integers(at, len(order))), order.pop(at))
    return stream, order + list(range(40, 60))


@settings(max_examples=300, deadline=None)
@given(faulty(), st.data())
def test_whatever_happens_to_the_diffs_the_book_is_exact_or_the_fault_is_told(case, data):
    stream, order = case
    sync, newest, answer_in = machine(stream.market), 0, None
    for step, at in enumerate(order):
        events = sync.on_diff(stream.diffs[at], time_of(step))
        newest = max(newest, at)
        if sync.wants_snapshot:
            # A request takes some messages; its answer may be before, in or after the newest diff.
            answer_in = data.draw(st.integers(0, 3)) if answer_in is None else answer_in - 1
            if answer_in <= 0 or step >= 55:
                around = stream.diffs[max(newest - 1, 0)].first
                lowest, highest = around, stream.diffs[min(newest + 1, 59)].last
                last = data.draw(st.integers(lowest, highest)) if step < 55 else stream.diffs[at].last
                events += sync.on_snapshot(stream.snapshot(last), time_of(step))
                answer_in = None
        assert sync.state != "in sync" or exact(sync, stream), (step, at)
    assert exact(sync, stream) and sync.update_id == stream.last
    missing = set(range(60)) - set(order)
    if any(at > order[0] for at in missing):
        assert sync.stats.gaps


@settings(max_examples=200, deadline=None)
@given(st.sampled_from(MARKETS), st.integers(0, 10**6), st.data())
def test_any_grouping_of_the_messages_gives_the_same_book(market, seed, data):
    stream = GeneratedStream(market, 30, seed)
    cuts = sorted(data.draw(st.sets(st.integers(1, 29), max_size=12)))
    groups = [joined(stream.diffs[a:b]) for a, b in zip([0, *cuts], [*cuts, 30], strict=True)]
    comes_after = data.draw(st.integers(0, len(groups) - 1))
    sync = machine(market)
    for at, group in enumerate(groups):
        sync.on_diff(group, 0)
        if at == comes_after:
            sync.on_snapshot(stream.snapshot(data.draw(st.integers(groups[0].first, stream.last))), 0)
    assert exact(sync, stream)
    assert sync.update_id == stream.last


def test_levels_of_the_reference():
    assert levels({}).shape == (0, 2) and levels({1.0: 2.0}).tolist() == [[1.0, 2.0]]
