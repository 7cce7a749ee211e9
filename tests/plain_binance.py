"""A slow, obvious book, and generated Binance diffs whose every state is known."""

import random
from itertools import pairwise

import numpy as np

from bateia.book.binance import Depth, Diff


class PlainBook:
    """Two dicts of price to size."""

    def __init__(self):
        self.bids, self.asks = {}, {}

    def apply_snapshot(self, bids, asks):
        self.bids, self.asks = dict(bids.tolist()), dict(asks.tolist())

    def apply_delta(self, bids, asks):
        for side, levels in ((self.bids, bids), (self.asks, asks)):
            for price, size in levels.tolist():
                side[price] = size
                if size == 0:
                    del side[price]

    def sorted(self):
        return sorted(self.bids.items(), reverse=True), sorted(self.asks.items())

    def apply(self, diff):
        self.apply_delta(diff.bids, diff.asks)

    @property
    def crossed(self):
        return bool(self.bids and self.asks) and max(self.bids) >= min(self.asks)

    def top(self, n):
        bids, asks = self.sorted()
        return bids[:n], asks[:n]


def plain_sync(diffs, snapshot):
    """Each diff that follows the snapshot and the book after it, as Binance's documents say, all at once."""
    futures = diffs[0].previous is not None
    due = snapshot.last if futures else snapshot.last + 1
    kept = [diff for diff in diffs if diff.last >= due]
    assert kept[0].first <= due, "the snapshot is before the first diff"
    for one, two in pairwise(kept):
        assert (two.previous == one.last) if futures else (two.first == one.last + 1), "a gap"
    book = PlainBook()
    book.apply_snapshot(snapshot.bids, snapshot.asks)
    for diff in kept:
        book.apply(diff)
        yield diff, book


def levels(side):
    return np.array(list(side.items()), float).reshape(-1, 2)


class GeneratedStream:
    """Diffs of a random walk of levels, bids below 100 and asks above, and the book after every update id."""

    def __init__(self, market, diffs, seed, symbol="GENERATED"):
        self.market, self.symbol = market, symbol
        self.diffs, self.states = [], {}
        draw, sides, last = random.Random(seed), ({}, {}), 1000
        self.states[last] = ({}, {})
        for at in range(diffs):
            previous = last
            first = last + 1 + (draw.choice([0, 0, 5]) if market == "futures" else 0)
            last, changed = first - 1, ({}, {})
            for _ in range(draw.randint(1, 4)):
                last += 1
                side = draw.randrange(2)
                price = float(draw.randint(95, 99) + 6 * side)
                size = float(draw.randint(0, 3))
                sides[side][price] = changed[side][price] = size
                if size == 0:
                    del sides[side][price]
                self.states[last] = (dict(sides[0]), dict(sides[1]))
            pu = previous if market == "futures" else None
            self.diffs.append(
                Diff(symbol, time_of(at), first, last, pu, levels(changed[0]), levels(changed[1]))
            )
        self.last = last

    def book_at(self, update_id):
        """Bids and asks after the last update that is not after this id."""
        return self.states[max(known for known in self.states if known <= update_id)]

    def snapshot(self, update_id):
        """What the REST interface answers when `update_id` is its last."""
        bids, asks = self.book_at(update_id)
        return Depth(self.symbol, None, update_id, levels(bids), levels(asks))


def time_of(at):
    """When the diff of this number is sent, microseconds."""
    return (at + 1) * 100_000


def joined(diffs):
    """Consecutive diffs as one, as a slower stream sends them."""
    sides = [{}, {}]
    for diff in diffs:
        for side, changed in zip(sides, (diff.bids, diff.asks), strict=True):
            side.update(dict(changed.tolist()))
    first, last = diffs[0], diffs[-1]
    return Diff(first.symbol, last.time, first.first, last.last, first.previous, *map(levels, sides))
