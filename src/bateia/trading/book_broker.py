"""A broker on a recorded order book: limit orders with a place in the queue, and delays both ways."""

from __future__ import annotations

from typing import Literal

import numpy.typing as npt
from pydantic import Field

from bateia.core import AMOUNT, INT32, Component, DataError, Duration
from bateia.core.book_events import TRADE, BookEvents
from bateia.core.clock import SECOND
from bateia.core.events import Ints
from bateia.trading.blocks import Fills
from bateia.trading.book_stream import BookStream
from bateia.trading.latency import Latency, format_latency
from bateia.trading.margin import Margin


class BookBroker(Component):
    """Orders in the book as it was recorded, by hftbacktest (the extra `fills`); one order at a time.

    A decision replaces the one before it, and its order is worked until the target is held. Modelled: the
    delay of the feed, of an order and of its answer; our place in the queue, from the trades and the
    changes at our price; orders filled in part, and through several levels. Not modelled: what others do
    because of us, and contracts that settle in the coin. Liquidity that we took is still there for our next
    order, so keep `quantity` small.

    `Fills.market` is the middle of the best prices that we knew when the order was sent, and `spread` what
    the fill was worse than that, below 0 for better.
    """

    kind: Literal["book"] = "book"
    tick: float = Field(gt=0.0, le=AMOUNT)
    """Smallest step of the price."""
    lot: float = Field(gt=0.0, le=AMOUNT)
    """Smallest step of the size; targets are whole lots, rounded towards 0."""
    latency: Latency
    """From us to the exchange."""
    answer: Latency
    """From the exchange to us, for what happens to an order."""
    maker_bps: float = Field(ge=-100.0, le=1000.0)
    """Fee of an order that waited in the book, basis points of notional; below 0 is paid to us."""
    taker_bps: float = Field(ge=-100.0, le=1000.0)
    """Fee of an order that did not."""
    quantity: float = Field(default=1.0, ge=1 / AMOUNT, le=AMOUNT)
    """Contracts or units held at a target of 1."""
    multiplier: float = Field(default=1.0, ge=1 / AMOUNT, le=AMOUNT)
    """Currency per price point per unit."""
    orders: Literal["passive", "aggressive"] = "passive"
    """`passive`: post-only at our side's best price, left there for `patience`, then what is left goes
    `aggressive`: through the other side's levels at once."""
    patience: Duration = SECOND
    """How long after its decision an order may wait in the book."""
    reach: int = Field(default=100, ge=0, le=INT32)
    """Ticks beyond the other side's best price, as we knew it, that an aggressive order may pay; what finds
    nothing there is sent again."""
    queue: Literal["risk_averse", "power", "log"] = "risk_averse"
    """Who left when the size at our price fell without a trade: `risk_averse` those behind us, unless fewer
    are left than were ahead; the others share it out by the sizes before and behind us, by a power or by
    logarithms."""
    power: float = Field(default=2.0, gt=0.0, le=100.0)
    """Of the `power` queue."""

    @property
    def margin(self) -> Margin | None:
        """None: positions may be of any size."""
        return None

    def start(self) -> BookStream:
        """A fresh stream, flat; ConfigError where hftbacktest is not installed."""
        return BookStream(self)

    def fill(self, decision_time: Ints, target: npt.ArrayLike, events: BookEvents) -> Fills:
        """Fills of a whole series, from flat."""
        return self.start().run(decision_time, target, events)

    def check(self, events: BookEvents) -> None:
        """DataError for events that are no book with trades."""
        if not isinstance(events, BookEvents):
            raise DataError(
                f"a {type(events).__name__} to a broker on the book",
                allowed="BookEvents",
                hint="bateia.book.events",
            )
        if not (events.kind == TRADE).any() or (events.kind == TRADE).all():
            raise DataError("events without trades, or trades alone", allowed="a book's changes and trades")

    def describe(self) -> str:
        """Costs and execution in words.

        >>> two = {"maker_bps": 1, "taker_bps": 5, "latency": "20ms", "answer": "10ms"}
        >>> BookBroker(tick=0.1, lot=0.001, **two).describe()
        'passive orders on the book, maker 1 bp, taker 5 bp, latency 20ms and 10ms back, queue risk_averse'
        """
        fees = f"maker {self.maker_bps:g} bp, taker {self.taker_bps:g} bp"
        delays = f"latency {format_latency(self.latency)} and {format_latency(self.answer)} back"
        return f"{self.orders} orders on the book, {fees}, {delays}, queue {self.queue}"
