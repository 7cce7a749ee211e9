"""Recorded books that somebody damaged, and one that nobody traded; one kind a function."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np

from bateia.book.binance import Depth, Diff

# Bybit: lines of one symbol, the snapshot first.


def changed(lines, row, change):
    """The lines with one of them changed by `change(message)`."""
    message = json.loads(lines[row])
    change(message)
    return [*lines[:row], json.dumps(message, separators=(",", ":")).encode(), *lines[row + 1 :]]


def best_ask(lines):
    return min(float(price) for price, _ in json.loads(lines[0])["data"]["a"])


def a_dropped_change(lines):
    return [*lines[:100], *lines[101:]]


def a_doubled_change(lines):
    return [*lines[:100], lines[99], *lines[100:]]


def swapped_changes(lines):
    return [*lines[:100], lines[101], lines[100], *lines[102:]]


def no_snapshot(lines):
    return lines[1:]


def a_bid_above_the_asks(lines):
    return changed(lines, 100, lambda m: m["data"]["b"].append([f"{best_ask(lines) + 50:.2f}", "1"]))


def a_bid_at_the_asks(lines):
    return changed(lines, 1, lambda m: m["data"]["b"].append([f"{best_ask(lines):.2f}", "1"]))


def a_size_below_zero(lines):
    return changed(lines, 100, lambda m: m["data"]["b"].append([f"{best_ask(lines) - 50:.2f}", "-1"]))


def a_price_off_the_grid(lines):
    return changed(lines, 100, lambda m: m["data"]["b"].append([f"{best_ask(lines) - 50.0013:.5f}", "1"]))


def half_a_line(lines):
    return [*lines[:100], lines[100][:60], *lines[101:]]


def shifted(lines, rows, micros):
    for row in rows:
        lines = changed(lines, row, lambda m: m.update(ts=micros(m["ts"])))
    return lines


def times_that_fall_back(lines):
    return shifted(lines, [200], lambda ts: ts - 10_000)


def times_in_seconds(lines):
    return shifted(lines, range(len(lines)), lambda ts: ts // 1000)


def times_of_the_future(lines):
    return shifted(lines, range(len(lines)), lambda ts: ts + 40 * 366 * 86_400_000)


LINES = [
    a_dropped_change,
    a_doubled_change,
    swapped_changes,
    no_snapshot,
    a_bid_above_the_asks,
    a_bid_at_the_asks,
    a_size_below_zero,
    a_price_off_the_grid,
    half_a_line,
    times_that_fall_back,
    times_in_seconds,
    times_of_the_future,
]


def random_walk_book(rng, rows=2_000):
    """A middle that walks at random on a grid, a ladder of uniform sizes around it: lines of Bybit's form."""
    middle = 10_000 + np.cumsum(rng.integers(-2, 3, rows))
    book: tuple[dict[int, float], dict[int, float]] = ({}, {})
    for row in range(rows):
        want = tuple(
            {int(middle[row]) + sign * k: round(rng.uniform(1, 100), 2) for k in range(1, 21)}
            for sign in (-1, 1)
        )
        sides = []
        for side, (old, new) in enumerate(zip(book, want, strict=True)):
            gone = [[price, 0.0] for price in old if price not in new]
            sides.append(gone + [[p, size] for p, size in new.items() if p not in old or rng.random() < 0.2])
            book[side].clear()
            book[side].update(new)
        levels = [[[f"{price / 10:.1f}", f"{size:g}"] for price, size in rows_] for rows_ in sides]
        time = 1_704_067_200_000 + 100 * row
        data = {"s": "GENERATED", "b": levels[0], "a": levels[1], "u": row + 1, "seq": row}
        kind = "delta" if row else "snapshot"
        line = {"topic": "orderbook.200.GENERATED", "type": kind, "ts": time, "data": data, "cts": time}
        yield json.dumps(line, separators=(",", ":")).encode()


# Binance: messages as they were received.


def diffs(messages):
    return [row for row, (_, _, message) in enumerate(messages) if isinstance(message, Diff)]


def put(messages, row, received=None, **given):
    old, kind, message = messages[row]
    new = (old if received is None else received, kind, replace(message, **given))
    return [*messages[:row], new, *messages[row + 1 :]]


def a_lost_diff(messages):
    row = diffs(messages)[500]
    return [*messages[:row], *messages[row + 1 :]]


def a_diff_twice(messages):
    row = diffs(messages)[500]
    return [*messages[: row + 1], *messages[row:]]


def two_diffs_swapped(messages):
    a, b = diffs(messages)[500:502]
    return [*messages[:a], messages[b], *messages[a + 1 : b], messages[a], *messages[b + 1 :]]


def no_rest_snapshot(messages):
    return [one for one in messages if not isinstance(one[2], Depth)]


def a_crossing_bid(messages):
    row = diffs(messages)[500]
    return put(messages, row, bids=np.array([[1.0, 5.0]]))


def a_price_between_ticks(messages):
    row = diffs(messages)[2_500]
    return put(messages, row, bids=np.array([[0.0281234567, 5.0]]))


def sent_an_hour_before(messages):
    row = diffs(messages)[500]
    return put(messages, row, time=messages[row][2].time - 3_600_000_000)


def our_clock_set_back(messages):
    """By an hour, half way."""
    half = len(messages) // 2
    return [(one[0] - 3_600_000_000 * (row > half), *one[1:]) for row, one in enumerate(messages)]


def our_clock_in_milliseconds(messages):
    half = len(messages) // 2
    return [(one[0] // 1000 if row > half else one[0], *one[1:]) for row, one in enumerate(messages)]


def lost_trades(messages):
    traded = [row for row, one in enumerate(messages) if one[1] == "trade"]
    gone = set(traded[300:305])
    return [one for row, one in enumerate(messages) if row not in gone]


MESSAGES = [
    a_lost_diff,
    a_diff_twice,
    two_diffs_swapped,
    no_rest_snapshot,
    a_crossing_bid,
    a_price_between_ticks,
    sent_an_hour_before,
    our_clock_set_back,
    our_clock_in_milliseconds,
    lost_trades,
]
