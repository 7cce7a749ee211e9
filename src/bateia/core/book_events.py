"""What happens to an order book, one level or trade a row: what simulators of limit orders take."""

from __future__ import annotations

from dataclasses import dataclass

from bateia.core.events import Block, Bytes, Floats, Ints, Trades

LEVEL, FRESH, TRADE = 0, 1, 2
"""`BookEvents.kind`: a level that changed, a level of a snapshot, a trade."""


@dataclass(frozen=True, eq=False)
class BookEvents(Block):
    """A book's changes and its trades by `time` at the exchange; both clocks in microseconds, rising.

    `side` is +1 for a bid or a buying taker, -1 for an ask or a selling taker. `size` is the level's new
    size, 0 where it is gone, or the trade's.
    """

    time: Ints
    known_at: Ints
    kind: Bytes
    side: Bytes
    price: Floats
    size: Floats

    def trades(self) -> Trades:
        """The trades alone."""
        rows = self[self.kind == TRADE]
        return Trades(rows.time, rows.known_at, rows.price, rows.size, rows.side)
