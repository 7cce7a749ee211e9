"""Generated streams of Binance to samples: each is the true book of its moment, whatever was done to them."""

import copy
import json
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bateia.book.binance import Depth, Diff
from bateia.book.component import Book
from bateia.book.samples import Samples
from bateia.book.sync import Synchroniser
from bateia.book.synced import SyncedReplay
from bateia.core import DataError
from plain_binance import GeneratedStream, time_of

DEPTH = 7
"""More levels than the generated books have."""
STEP = 300_000


def fresh(market="spot", **options):
    return SyncedReplay(Synchroniser(market=market), Book(tick_size=0.5, depth=DEPTH), STEP, **options)


def diff(first, last, time, bids=(), asks=()):
    return Diff("A", time, first, last, None, *(np.array(x, float).reshape(-1, 2) for x in (bids, asks)))


def depth(last, bids=((9, 1),), asks=((11, 1),)):
    return Depth("A", None, last, np.array(bids, float), np.array(asks, float))


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


@st.composite
def feeds(draw):
    """A stream, its messages in the order they come, diffs lost, repeated or exchanged, and snapshots."""
    stream = GeneratedStream(draw(st.sampled_from(["spot", "futures"])), 60, draw(st.integers(0, 10**6)))
    order = list(range(60))
    for _ in range(draw(st.integers(0, 3))):
        at = draw(st.integers(1, len(order) - 2))
        fault = draw(st.sampled_from(["drop", "twice", "exchange"]))
        if fault == "drop":
            del order[at : at + draw(st.integers(1, 3))]
        elif fault == "twice":
            order.insert(at, order[at])
        else:
            order[at], order[at + 1] = order[at + 1], order[at]
    messages = []
    for step, at in enumerate(order):
        messages.append((time_of(step), "diff", stream.diffs[at]))
        if step % 4 == 3:
            # In, before or after the newest diff.
            lowest, highest = stream.diffs[max(at - 1, 0)].first, stream.diffs[min(at + 1, 59)].last
            snapshot = stream.snapshot(draw(st.integers(lowest, highest)))
            messages.append((time_of(step), "depth", snapshot))
    return stream, messages


@given(feeds(), st.lists(st.integers(0, 75), max_size=10))
def test_each_sample_is_the_true_book_and_no_cut_shows(feed, cuts):
    stream, messages = feed
    whole = fresh(stream.market)
    found = whole.run(messages)
    assert_true(found, stream)
    parts, replay = [], fresh(stream.market)
    edges = sorted({0, *cuts, len(messages)})
    for start, stop in pairwise(edges):
        parts.append(replay.run(messages[start:stop]))
        replay = copy.deepcopy(replay)
    again = Samples.concat(parts)
    for name, column in found.columns().items():
        assert np.array_equal(column, again.columns()[name], equal_nan=True)
    assert replay.replay.faults == whole.replay.faults and replay.sync.stats == whole.sync.stats
    counts = whole.replay.faults.counts
    assert counts.get("gap", 0) == whole.sync.stats.gaps


@pytest.mark.parametrize("market", ["spot", "futures"])
def test_whole_streams_give_every_sample_and_no_fault(market):
    stream = GeneratedStream(market, 50, seed=3)
    first = stream.diffs[0]
    messages = [(first.time, "diff", first), (first.time, "depth", stream.snapshot(first.last))]
    replay = fresh(market)
    found = replay.run(messages + [(one.time, "diff", one) for one in stream.diffs[1:]])
    assert_true(found, stream)
    due = range(found.time[0], stream.diffs[-1].time + 1, STEP)
    two_sided = [time for time in due if all(stream.book_at(last_before(stream, time)))]
    assert found.time.tolist() == two_sided and len(two_sided) > 10
    assert replay.replay.faults.counts == {} and replay.read == 51


def last_before(stream, time):
    return [one.last for one in stream.diffs if one.time < time][-1]


def test_a_snapshot_ahead_of_the_diffs_is_not_sampled_before_they_meet_it():
    replay = fresh()
    replay.on(diff(1, 5, 100_000), 0)
    assert len(replay.on(depth(9, bids=[(9, 7)]), 0)) == 0
    assert len(replay.on(diff(6, 7, 500_000), 0)) == 0 and not replay.replay.whole
    assert len(replay.on(diff(8, 10, 800_000, bids=[(8, 2)]), 0)) == 0 and replay.replay.whole
    made = replay.advance(900_000)
    assert made.time.tolist() == [900_000] and made.bid_size[0, :2].tolist() == [7, 2]


def test_a_time_that_falls_back_is_held():
    replay = fresh()
    replay.run([(0, "diff", diff(1, 5, 500_000)), (0, "depth", depth(4))])
    replay.on(diff(6, 6, 400_000, bids=[(8, 2)]), 0)
    assert replay.sync.time == 500_000
    assert replay.advance(600_000).bid_size[0, :2].tolist() == [1, 2]


def test_other_kinds_are_nothing():
    replay = fresh()
    assert len(replay.on(None, 0)) == 0 and replay.read == 0


def test_faults_say_the_number_of_their_message_and_end_the_samples():
    replay = fresh()
    replay.run([(0, "diff", diff(1, 5, 100_000)), (0, "depth", depth(4))])
    found = replay.run([(0, "diff", diff(8, 9, 700_000)), (0, "diff", diff(10, 10, 1_300_000))])
    assert len(found) == 0 and not replay.replay.whole
    assert [(fault.kind, fault.line) for fault in replay.replay.faults.listed] == [("gap", 3)]
    replay.run([(0, "depth", depth(9))])
    found = replay.run([(0, "diff", diff(11, 11, 1_600_000))])
    assert found.time.tolist() == [1_500_000] and replay.sync.stats.rebuilt == 1


def test_a_crossed_book_is_one_fault_and_makes_no_samples():
    replay = fresh()
    replay.run([(0, "diff", diff(1, 5, 100_000)), (0, "depth", depth(4))])
    found = replay.run([(0, "diff", diff(6, 6, 200_000, bids=[(12, 1)])), (0, "diff", diff(7, 7, 900_000))])
    assert len(found) == 0 and replay.replay.faults.counts == {"crossed": 1}
    assert replay.sync.stats.crossed == 1 and replay.sync.wants_snapshot
    crossed = replay.run([(0, "depth", depth(6, bids=[(12, 1)]))])
    assert len(crossed) == 0 and replay.sync.stats.crossed == 2 and not replay.replay.whole


def test_by_policy_a_gap_is_an_error():
    replay = fresh(policy="stop")
    replay.run([(0, "diff", diff(1, 5, 100_000)), (0, "depth", depth(4))])
    with pytest.raises(DataError, match=r"line 3: 8\.\.9 after 1\.\.5"):
        replay.run([(0, "diff", diff(8, 9, 700_000))])


@pytest.mark.parametrize("price", [9.25, 10.1])
def test_a_price_off_the_grid_is_an_error_and_the_book_is_not_kept(price):
    replay = fresh()
    replay.run([(0, "diff", diff(1, 5, 100_000)), (0, "depth", depth(4))])
    with pytest.raises(DataError, match="off the tick grid"):
        replay.on(diff(6, 6, 200_000, bids=[(price, 1)]), 0)
    assert len(replay.run([(0, "diff", diff(7, 7, 900_000))])) == 0
    assert not replay.replay.whole and replay.sync.wants_snapshot
    assert replay.replay.faults.counts == {"refused": 1}
    replay.run([(0, "depth", depth(6))])
    assert replay.replay.whole and replay.sync.update_id == 7


def test_text_that_cannot_be_read_is_counted_and_the_gap_after_it_found():
    replay = fresh()
    texts = [
        json.dumps({"e": "depthUpdate", "E": at, "s": "A", "U": at, "u": at, "b": [], "a": []})
        for at in range(1, 6)
    ]
    replay.on_text(texts[0], 0)
    replay.on_text(json.dumps({"lastUpdateId": 0, "bids": [["9", "1"]], "asks": [["11", "1"]]}), 0)
    replay.on_text(texts[1], 0)
    replay.on_text(texts[2][:-9], 0)
    replay.on_text(texts[3], 0)
    assert replay.replay.faults.counts == {"unreadable": 1, "gap": 1}
    assert [fault.line for fault in replay.replay.faults.listed] == [4, 5]
