"""From a recorded hour of Binance to minutes of the book and to labels that no lost minute is inside of."""

import os
from pathlib import Path

import numpy as np
import pytest

from bateia.book.bars import FEATURES, BookBars
from bateia.book.binance import Depth
from bateia.book.component import Book
from bateia.book.recordings import read_recording
from bateia.book.sync import Synchroniser
from bateia.book.synced import SyncedReplay
from bateia.core import Bars
from bateia.labels import AsymmetricHorizon
from plain_binance import levels, plain_sync

REAL = Path(os.environ.get("BATEIA_DATA", Path(__file__).parents[3] / "shared" / "data"))
HOUR = REAL / "recordings" / "binance-spot-ethbtc-20201101T09"
pytestmark = pytest.mark.skipif(
    not HOUR.is_dir(), reason=f"no recorded hour at {HOUR}: set BATEIA_DATA to the folder above `recordings`"
)
MINUTE = 60_000_000
LABEL = AsymmetricHorizon(horizon=10, up_bps=8, down_bps=4)
"""The rule of quantgod for a shorter time, and moves that an hour has."""
LOST = range(1500, 1700)
"""Diffs, one a second, that the second feed never got."""


@pytest.fixture(scope="module")
def messages():
    return [row for row in read_recording(HOUR) if row[1] != "trade"]


def minutes(messages):
    """Closing times and the ten features of the minutes of the book; faults by kind."""
    replay = SyncedReplay(Synchroniser(market="spot"), Book(tick_size=1e-6, depth=50), 1_000_000)
    rows = BookBars(depth=50).run(replay.run(messages))
    return rows.time, rows.features, replay.replay.faults.counts


def labels(time, close):
    zeros = np.zeros(len(time))
    return LABEL.make(Bars(time - MINUTE, time, time, close, close, close, close, *[zeros] * 7))


def feature(features, name):
    return features[:, FEATURES.index(name)]


def plain_labels(returns):
    """Spec: the sum of the next ten log returns against the two thresholds; none for the last ten rows."""
    found = np.full(len(returns), np.nan)
    for row in range(len(returns) - 10):
        future = returns[row + 1 : row + 11].sum()
        found[row] = 1 if future > 8e-4 else -1 if future < -4e-4 else 0
    return found


def test_labels_of_the_hour_are_the_sums_of_its_own_log_returns(messages):
    time, features, faults = minutes(messages)
    assert faults == {} and np.all(np.diff(time) == MINUTE) and len(time) == 59
    found = labels(time, feature(features, "close"))
    np.testing.assert_array_equal(found.value, plain_labels(feature(features, "log_ret_close")))
    assert {-1.0, 0.0, 1.0} == set(found.value[found.valid].tolist())


def test_lost_minutes_take_the_labels_that_cross_them_and_change_no_other(messages):
    diffs = [message for _, kind, message in messages if kind == "diff"]
    snapshot = next(message for _, kind, message in messages if kind == "depth")
    gone, back = {diffs[at].last for at in LOST}, diffs[LOST.stop + 30]
    heard = []
    for row in messages:
        if row[1] == "depth" or row[2].last not in gone:
            heard.append(row)
        if row[2] is back:
            heard.append((row[0], "depth", rest_answer(diffs, snapshot, back)))
    time, features, faults = minutes(heard)
    assert faults == {"gap": 1}
    whole_time, whole_features, _ = minutes(messages)
    # Between the first minute that lacks a diff and the first that begins with a book in sync.
    lost = sorted(set(whole_time.tolist()) - set(time.tolist()))
    first, last = diffs[LOST.start].time, back.time
    assert lost == list(range(first - first % MINUTE + MINUTE, last - last % MINUTE + MINUTE + 1, MINUTE))
    found = labels(time, feature(features, "close"))
    whole = labels(whole_time, feature(whole_features, "close"))
    crossing = (time < lost[0]) & (time + 10 * MINUTE >= lost[0])
    assert not found.valid[crossing].any() and crossing.sum() == 10
    same = whole[np.isin(whole_time, time)]
    np.testing.assert_array_equal(found.value, np.where(crossing, np.nan, same.value))


def rest_answer(diffs, snapshot, at):
    """What the REST interface would have answered just after a diff."""
    for diff, plain in plain_sync(diffs, snapshot):
        if diff is at:
            return Depth("", None, diff.last, levels(plain.bids), levels(plain.asks))
    raise AssertionError("no such diff")
