"""One order at a time in hftbacktest: sent, watched, taken back, and its fills read off."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from bateia.core import BateiaError
from bateia.core.clock import MILLISECOND
from bateia.trading.book_market import NANOS, resting_levels

if TYPE_CHECKING:
    from bateia.trading.book_broker import BookBroker
    from bateia.trading.book_stream import BookStream

AGAIN = MILLISECOND * NANOS
"""How long an order that found nothing, or no price to be sent at, waits for the next try."""
_POST_ONLY, _AT_ONCE, _LIMIT = 1, 3, 0
_WORKING = (0, 1, 5)
"""States of an order that is on its way, in the book, or filled in part."""
_MORE = 0.6
"""Of a lot, asked for beyond what a waiting order is for and never counted: hftbacktest 2.4 fails on the next
trade after a fill of exactly what is left."""
_FOREVER = np.iinfo(np.int64).max // 4


@dataclass
class _Order:
    row: int
    decided: int
    lots: int
    """Above 0 to buy."""
    passive: bool
    middle: float
    stop: int | None
    """Nanoseconds; None: until it is done."""
    done: int = 0
    """Lots booked so far."""

    @property
    def sign(self) -> int:
        return 1 if self.lots > 0 else -1


class Desk:
    """Orders worked on hftbacktest's clock, which is ours: nanoseconds, when news reached us."""

    def __init__(self, stream: BookStream, market: Any, events: npt.NDArray[Any]) -> None:
        self.stream, self.market, self.events = stream, market, events
        self.broker: BookBroker = stream.broker
        self._number = 0
        # The clock says nothing before the first call.
        self._going(market.elapse(0))

    @property
    def now(self) -> int:
        """The time at which we are."""
        return int(self.market.current_timestamp)

    def work(self, row: int, decided: int, target: float, start: int, until: int | None) -> bool:
        """Trade to `target` until the next decision; False where the recording ended with it not held."""
        broker = self.broker
        goal = int(np.trunc(round(target * broker.quantity / broker.lot, 6)))
        going = self._going(self.market.elapse(max(start - self.now, 0)))
        patient = (decided + broker.patience) * NANOS
        while going and (until is None or self.now < until):
            missing = goal - round(self.stream.position / broker.lot)
            if not missing:
                return True
            passive = broker.orders == "passive" and self.now < patient
            stop = (patient if until is None else min(patient, until)) if passive else None
            depth = self.market.depth(0)
            bid, ask = float(depth.best_bid), float(depth.best_ask)
            if np.isfinite(bid) and np.isfinite(ask):
                going = self._send(_Order(row, decided, missing, passive, (bid + ask) / 2, stop), bid, ask)
            else:
                going = self._going(self.market.elapse(AGAIN))
        return going or goal == round(self.stream.position / broker.lot)

    def _send(self, order: _Order, bid: float, ask: float) -> bool:
        """An order from its sending to its end; False at the end of the recording."""
        broker, market = self.broker, self.market
        self._number += 1
        near, far = (bid, ask) if order.lots > 0 else (ask, bid)
        price = near if order.passive else max(far + order.sign * broker.reach * broker.tick, broker.tick)
        size = (abs(order.lots) + (_MORE if order.passive else 0.0)) * broker.lot
        how = _POST_ONLY if order.passive else _AT_ONCE
        submit = market.submit_buy_order if order.lots > 0 else market.submit_sell_order
        self._going(submit(0, self._number, price, size, how, _LIMIT, False))
        going = self._watch(order)
        market.clear_inactive_orders(0)
        return going

    def _watch(self, order: _Order) -> bool:
        market, going, recalled = self.market, True, False
        while going:
            left = _FOREVER if order.stop is None or recalled else order.stop - self.now
            if left > 0:
                going = self._going(market.wait_order_response(0, self._number, left))
            found = market.orders(0).get(self._number)
            self._book(order, found)
            if found.status not in _WORKING:
                if order.done or recalled:
                    return going
                self.stream.refused += 1
                return going and self._going(market.elapse(AGAIN))
            late = order.stop is not None and self.now >= order.stop
            if not recalled and found.cancellable and (late or order.done == order.lots):
                going = self._going(market.cancel(0, self._number, False)) and going
                recalled = True
        return False

    def _book(self, order: _Order, found: Any) -> None:
        """Book what was executed since the last look.

        hftbacktest 2.4 leaves fills in part, and all levels but the last, out of its own account; what is
        left of the order is right.
        """
        lot = self.broker.lot
        executed = min(int((found.qty - found.leaves_qty) / lot + 1e-6), abs(order.lots)) * order.sign
        if executed == order.done:
            return
        lots, order.done = executed - order.done, executed
        time = int(found.exch_timestamp)
        price = float(found.price) if order.passive else self._paid(found, time, abs(lots) * lot, order.sign)
        filled = (time // NANOS, order.decided, order.row, order.middle, price, lots * lot)
        self.stream.add(*filled, maker=order.passive)

    def _paid(self, found: Any, time: int, size: float, sign: int) -> float:
        """The mean price of an order that took level after level, up to the last, which hftbacktest tells."""
        last = int(found.exec_price_tick)
        for before in (False, True):
            ticks, sizes = resting_levels(self.events, time, -sign, self.broker.tick, before)
            order = np.argsort(sign * ticks)
            ticks, sizes = ticks[order], sizes[order]
            taken = np.minimum(sizes, np.maximum(size - (np.cumsum(sizes) - sizes), 0.0))
            legs = taken > self.broker.lot / 2
            if legs.any() and ticks[legs][-1] == last:
                return float((ticks * taken)[legs].sum() / taken[legs].sum() * self.broker.tick)
        raise BateiaError(
            f"hftbacktest filled {size:g} up to the tick {last}, which the book did not hold",
            allowed="the book that it was given",
        )

    @staticmethod
    def _going(code: int) -> bool:
        """Whether the recording goes on; BateiaError for a failure of hftbacktest."""
        if code not in (0, 1):
            raise BateiaError(f"hftbacktest stopped with code {code}", allowed="0, or 1 at the end")
        return code == 0
