"""Targets worked into a recorded book, order by order."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from bateia.core import DataError
from bateia.core.book_events import BookEvents
from bateia.core.events import Floats, Ints
from bateia.trading.blocks import REASONS, Charges, Fills, Orders
from bateia.trading.book_desk import Desk
from bateia.trading.book_market import NANOS, event_array, hftbacktest, open_market

if TYPE_CHECKING:
    from bateia.trading.book_broker import BookBroker


class BookStream:
    """A broker on one recording: `run` takes all of it, once: the simulator takes no parts."""

    def __init__(self, broker: BookBroker) -> None:
        hftbacktest()
        self.broker = broker
        self.position = 0.0
        """Units held."""
        self.cash = 0.0
        """Currency in the account, from 0."""
        self.refused = 0
        """Orders without effect: post-only ones that would have met the other side, and those that found
        nothing within reach."""
        self.pending = Orders.empty()
        """Decisions whose target was never held, those that another one replaced left out."""
        self.charges = Charges.empty()
        """None: nothing is charged for holding."""
        self._rows: list[tuple[Any, ...]] = []
        self._used = False

    def run(self, decision_time: Ints, target: npt.ArrayLike, events: BookEvents) -> Fills:
        """The fills of these decisions (our clock, microseconds; targets in units of `quantity`).

        DataError for broken input, and for a second call.
        """
        times, targets = np.asarray(decision_time, np.int64), np.asarray(target, np.float64)
        self._check(times, targets)
        self.broker.check(events)
        array = event_array(events)
        self._used = True
        changed = np.flatnonzero(np.diff(targets, prepend=0.0))
        if not len(changed):
            return Fills.empty()
        desk = Desk(self, open_market(self.broker, array), array)
        try:
            for row, after in zip(changed, [*changed[1:], None], strict=True):
                until = None if after is None else int(times[after]) * NANOS
                start = max(int(times[row]) * NANOS, int(array["local_ts"][0]))
                if not desk.work(int(row), int(times[row]), float(targets[row]), start, until):
                    # Those after it met the end of the recording as well; only the last was not replaced.
                    self._left(int(changed[-1]), times, targets)
                    break
        finally:
            desk.market.close()
        return self._taken()

    def close(self, time: int, market: float) -> Fills:
        """Bring the position to flat at `market` for the taker's fee; no fill if flat."""
        if self.position:
            self.add(time, time, -1, market, market, -self.position, False, "end")
        return self._taken()

    def add(
        self,
        time: int,
        decided: int,
        row: int,
        market: float,
        price: float,
        quantity: float,
        maker: bool,
        reason: str = "order",
    ) -> None:
        """Book a fill; times in microseconds."""
        multiplier, lot = self.broker.multiplier, self.broker.lot
        rate = (self.broker.maker_bps if maker else self.broker.taker_bps) * 1e-4
        fee = abs(quantity) * price * multiplier * rate
        spread = quantity * (price - market) * multiplier
        self.cash -= quantity * price * multiplier + fee
        # Whole lots, so that no rounding is left of a position that is closed.
        self.position = round((self.position + quantity) / lot) * lot
        costs = (fee, fee + spread, spread, 0.0, 0.0, 0.0)
        head = (time, decided, row, market, price, quantity, self.position)
        self._rows.append((*head, *costs, REASONS.index(reason), int(maker), 0, self.cash))

    def _left(self, row: int, times: Ints, targets: Floats) -> None:
        time = times[row : row + 1]
        self.pending = Orders(time, np.array([row]), targets[row : row + 1], time + self.broker.latency)

    def _taken(self) -> Fills:
        rows, self._rows = self._rows, []
        kinds = [column.dtype for column in Fills.empty().columns().values()]
        columns = list(zip(*rows, strict=True)) or [()] * len(kinds)
        return Fills(*(np.array(column, kind) for column, kind in zip(columns, kinds, strict=True)))

    def _check(self, times: Ints, targets: Floats) -> None:
        if self._used:
            raise DataError(
                "a second part of a recording", allowed="all of it in one call", hint="`start()` again"
            )
        if times.shape != targets.shape or times.ndim != 1:
            raise DataError(
                f"{times.size} decision times and {targets.size} targets", allowed="one target per time"
            )
        if not np.isfinite(targets).all():
            raise DataError("a target is not a finite number", allowed="-1, 0, 1")
        if (times[1:] < times[:-1]).any():
            raise DataError("decision times go backwards", allowed="decisions in time order")
