"""A slow, obvious book, and generated Binance diffs whose every state is known."""

import random

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

    @property
    def crossed(self):
        return bool(self.bids and self.asks) and max(self.bids) >= min(self.asks)

    def top(self, n):
        return sorted(self.bids.items(), reverse=True)[:n], sorted(self.asks.items())[:n]


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
