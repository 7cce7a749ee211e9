"""One account's symbols in motion: decisions and trades in, fills and charges out, for any cut of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from bateia.core import DataError, Trades, format_time
from bateia.core.clock import DAY
from bateia.core.events import Bytes, Floats, Ints
from bateia.kernels import execution
from bateia.kernels.execution import Desk
from bateia.trading.blocks import Charges, Fills, Orders, Tape, charges_of, fills_of
from bateia.trading.gauges import GaugeStream
from bateia.trading.latency import draw_latency
from bateia.trading.margin import Margin

if TYPE_CHECKING:
    from bateia.trading.broker import SimulatedBroker

Snapshot = Mapping[str, npt.NDArray[Any]]
Decisions = tuple[Ints, npt.ArrayLike]
"""Decision times, and targets in units of the broker's `quantity`."""
NEVER = np.iinfo(np.int64).min


class DeskStream:
    """One cash account over several symbols, in the middle of a day.

    Every call covers one span of time for all the symbols; trades of one time go by the symbols' order.
    """

    def __init__(
        self,
        brokers: Sequence[SimulatedBroker],
        margin: Margin | None = None,
        snapshot: Snapshot | None = None,
    ) -> None:
        self.brokers, self.margin = tuple(brokers), margin
        n = len(brokers)
        self._account = np.zeros(execution.RING + execution.DAYS)
        if margin:
            self._account[execution.CASH] = margin.capital
            self._account[execution.MARGIN : execution.LIQUIDATION_FEE + 1] = margin.row()
        self._account[execution.DAY_NUMBER] = np.nan
        self._book = np.zeros((n, execution.RANGE + 1))
        self._book[:, [execution.MARK, execution.LIMIT]] = np.nan
        self._book[:, execution.VOLATILITY :] = np.nan
        self._clock = np.zeros((n, execution.FUNDING_STOP + 1), np.int64)
        # Of each symbol: last trade, last decision, rows seen, last order's due time; its last target.
        self._seen = np.tile(np.array([NEVER, NEVER, 0, NEVER], np.int64), (n, 1))
        self._target = np.zeros(n)
        self._last = np.array([NEVER, 0], np.int64)
        self._lines = [Orders.empty() for _ in brokers]
        self._gauges = [broker.gauges() for broker in brokers]
        self.charges = Charges.empty()
        self._rules = _Rules(self.brokers)
        if snapshot is not None:
            self._load(snapshot)

    @property
    def cash(self) -> float:
        """Currency in the account: from the margin's capital, or from 0."""
        return float(self._account[execution.CASH])

    @property
    def positions(self) -> Floats:
        """Units held of each symbol after the last trades fed."""
        return self._book[:, execution.POSITION].copy()

    @property
    def refused(self) -> int:
        """Orders that margin, lots or minimum notional left without effect, or that met a liquidation."""
        return int(self._account[execution.REFUSED])

    @property
    def pending(self) -> list[Orders]:
        """Each symbol's orders decided and not yet filled."""
        return list(self._lines)

    def snapshot(self) -> dict[str, npt.NDArray[Any]]:
        """The state as arrays."""
        state = {name: getattr(self, f"_{name}").copy() for name in _STATE}
        for s, (line, gauge) in enumerate(zip(self._lines, self._gauges, strict=True)):
            state |= {f"order_{name}_{s}": column.copy() for name, column in line.columns().items()}
            if gauge is not None:
                state |= {f"gauge_{name}_{s}": column for name, column in gauge.snapshot().items()}
        return state

    def _load(self, snapshot: Snapshot) -> None:
        for name in _STATE:
            setattr(self, f"_{name}", np.array(snapshot[name]))
        for s, broker in enumerate(self.brokers):
            names = Orders.empty().columns()
            self._lines[s] = Orders(**{name: np.array(snapshot[f"order_{name}_{s}"]) for name in names})
            fresh = self._gauges[s]
            if fresh is not None:
                arrays = {name: snapshot[f"gauge_{name}_{s}"] for name in fresh.snapshot()}
                self._gauges[s] = GaugeStream(broker.market, fresh.roll, arrays)

    def run(self, decisions: Sequence[Decisions], trades: Sequence[Trades]) -> Fills:
        """The fills of each symbol's next decisions and next trades; `charges` then holds this call's.

        DataError for broken input, and where a fill's cost needs a gauge that is not known yet.
        """
        times = [np.ascontiguousarray(time, np.int64) for time, _ in decisions]
        targets = [np.ascontiguousarray(target, np.float64) for _, target in decisions]
        for s, (time, target) in enumerate(zip(times, targets, strict=True)):
            self._check(s, time, target, trades[s])
        time, price, symbol, more, rows = self._merge(trades)
        gauged = [self._gauge(s, block) for s, block in enumerate(trades)]
        for s, (when, target) in enumerate(zip(times, targets, strict=True)):
            self._enqueue(s, when, target, trades[s])
        at, owner, values = _merge_gauges(gauged, rows)
        desk = self._desk(time)
        met = execution.execute(desk, time, price, symbol, at, owner, values, more)
        if met < len(time):
            raise self._unknown(int(symbol[met]), int(time[met]))
        self._commit(desk, trades, time, symbol)
        return fills_of(desk)

    def close(self, symbol: int, time: int, market: float) -> Fills:
        """Bring one symbol to flat at `market` at `time`, with its costs; no fill if it is flat."""
        desk = self._desk(np.array([time], np.int64))
        if not execution.close_position(desk, symbol, time, market):
            raise self._unknown(symbol, time)
        self.charges = charges_of(desk)
        return fills_of(desk)

    def _desk(self, time: Ints) -> Desk:
        ends = np.cumsum([0, *(len(line) for line in self._lines)])
        self._clock[:, execution.HEAD], self._clock[:, execution.STOP_ROW] = ends[:-1], ends[1:]
        self._clock[:, execution.FUNDING_FIRST : execution.FUNDING_STOP + 1] = self._rules.funding_rows
        # What a call made is counted afresh.
        self._account[execution.MADE : execution.FAILED + 1] = 0.0
        orders = np.empty((ends[-1], 4))
        for line, start, stop in zip(self._lines, ends[:-1], ends[1:], strict=True):
            for k, column in enumerate((line.time, line.due, line.row, line.target)):
                orders[start:stop, k] = column
        fills = 2 * len(orders) + len(self.brokers)
        charges = self._rules.most_charges(int(self._last[0]), time) + fills
        return Desk(
            account=self._account,
            book=self._book,
            clock=self._clock,
            params=self._rules.params,
            orders=orders,
            funding=self._rules.funding,
            fills=np.empty((fills, execution.FILL_COLUMNS)),
            charges=np.empty((charges, execution.CHARGE_COLUMNS)),
        )

    def _commit(self, desk: Desk, trades: Sequence[Trades], time: Ints, symbol: Bytes) -> None:
        starts = np.cumsum([0, *(len(line) for line in self._lines)])
        for s, line in enumerate(self._lines):
            done = int(desk.clock[s, execution.HEAD] - starts[s])
            if done:
                self._lines[s] = Orders(*(column[done:].copy() for column in line.columns().values()))
            if len(trades[s]):
                self._seen[s, 0] = trades[s].time[-1]
        if len(time):
            self._last = np.array([time[-1], symbol[-1]], np.int64)
        self.charges = charges_of(desk)

    def _merge(self, trades: Sequence[Trades]) -> tuple[Ints, Floats, Bytes, Bytes, list[Ints]]:
        """All trades in time order, whose they are, `Tape.more`, and where each symbol's rows went."""
        if len(trades) == 1:
            time, price = np.ascontiguousarray(trades[0].time), np.ascontiguousarray(trades[0].price)
            return time, price, np.zeros(len(time), np.int8), _more(trades[0]), []
        time = np.concatenate([block.time for block in trades])
        symbol = np.repeat(np.arange(len(trades), dtype=np.int8), [len(block) for block in trades])
        order = np.argsort(time, kind="stable")
        place = np.empty(len(order), np.int64)
        place[order] = np.arange(len(order))
        rows = np.split(place, np.cumsum([len(block) for block in trades])[:-1])
        time, symbol = time[order], symbol[order]
        if len(time) and (time[0], symbol[0]) < (self._last[0], self._last[1]):
            raise DataError(
                f"a trade of {format_time(int(time[0]))} comes after later ones of another symbol",
                allowed="one span of time for all the symbols in each call",
            )
        price = np.concatenate([block.price for block in trades])[order]
        more = np.concatenate([_more(block) for block in trades])[order]
        return time, price, symbol, more, rows

    def _gauge(self, s: int, trades: Trades) -> tuple[Ints, Floats]:
        stream = self._gauges[s]
        if stream is None:
            return np.empty(0, np.int64), np.empty((0, 4))
        return stream.run(trades)

    def _enqueue(self, s: int, times: Ints, targets: Floats, trades: Trades) -> None:
        if not len(times):
            return
        before = np.concatenate([self._target[s : s + 1], targets[:-1]])
        changed = np.flatnonzero(targets != before)
        rows = changed + self._seen[s, 2]
        # Orders go down one line: none overtakes an earlier one, whatever its own latency.
        due = np.maximum.accumulate(times[changed] + draw_latency(self.brokers[s].latency, rows))
        due = np.maximum(due, self._seen[s, 3])
        if len(due) and due[0] < self._seen[s, 0]:
            raise DataError(
                f"a decision of {format_time(int(times[changed[0]]))} comes after a trade that it should "
                "have met",
                allowed="each decision no later than the trades after it",
                hint="feed a block's decisions and trades in one call",
            )
        self._lines[s] = Orders.concat([self._lines[s], Orders(times[changed], rows, targets[changed], due)])
        self._seen[s, 2] += len(times)
        self._seen[s, 1], self._target[s] = times[-1], targets[-1]
        if len(due):
            self._seen[s, 3] = due[-1]

    def _check(self, s: int, times: Ints, targets: Floats, trades: Trades) -> None:
        if len(times) != len(targets):
            raise DataError(
                f"{len(times)} decision times and {len(targets)} targets", allowed="one target per time"
            )
        if not np.isfinite(targets).all():
            raise DataError("a target is not a finite number", allowed="-1, 0, 1", hint="Threshold(...).run")
        for name, column, last in (("decision", times, 1), ("trade", trades.time, 0)):
            if len(column) and (column[0] < self._seen[s, last] or (column[1:] < column[:-1]).any()):
                raise DataError(f"{name} times go backwards", allowed=f"{name}s in time order, blocks too")

    def _unknown(self, s: int, time: int) -> DataError:
        broker = self.brokers[s]
        return DataError(
            f"an order of {format_time(time)} needs {' and '.join(broker.needs())}, not known yet",
            allowed=f"trades before the first order: costs are {broker.market.describe()}",
            hint="more history, or a shorter window under broker.market",
        )


_STATE = ("account", "book", "clock", "seen", "target", "last")


class _Rules:
    """What the kernel reads of the brokers."""

    def __init__(self, brokers: Sequence[SimulatedBroker]) -> None:
        rates = [broker.costs.rates() for broker in brokers]
        most = max(len(rows) for rows in rates)
        self.params = np.full((len(brokers), execution.TIERS + 3 * most), np.inf)
        for s, (broker, rows) in enumerate(zip(brokers, rates, strict=True)):
            row = [*broker.params(), *rows.ravel()]
            self.params[s, : len(row)] = row
        tables = [broker.funding.table() if broker.funding else _NO_FUNDING for broker in brokers]
        ends = np.cumsum([0, *(len(time) for time, _ in tables)])
        self.funding_rows = np.stack([ends[:-1], ends[1:]], axis=1)
        self.funding = np.concatenate([np.stack([t.astype(np.float64), rate], axis=1) for t, rate in tables])

    def most_charges(self, last: int, time: Ints) -> int:
        """How many charges this span of time may see at most, those at fills apart."""
        if not len(time):
            return 0
        span = int(time[-1]) - (int(time[0]) if last == NEVER else last)
        total = 0
        for row in self.params:
            every, borrow = int(row[execution.FUNDING_EVERY]), row[execution.BORROW]
            total += span // every + 2 if every else 0
            total += span // DAY + 2 if borrow else 0
        return total + len(self.funding)


_NO_FUNDING = (np.empty(0, np.int64), np.empty(0))


def _more(trades: Trades) -> Bytes:
    return np.ascontiguousarray(trades.more) if isinstance(trades, Tape) else np.zeros(len(trades), np.int8)


def _merge_gauges(gauged: list[tuple[Ints, Floats]], rows: list[Ints]) -> tuple[Ints, Ints, Floats]:
    """The gauges of all symbols by the merged rows of trades from which they hold."""
    if len(gauged) == 1:
        at, values = gauged[0]
        return at, np.zeros(len(at), np.int64), values
    place = np.concatenate([where[at] for (at, _), where in zip(gauged, rows, strict=True)])
    owner = np.repeat(np.arange(len(gauged)), [len(at) for at, _ in gauged])
    order = np.argsort(place, kind="stable")
    return place[order], owner[order], np.concatenate([values for _, values in gauged])[order]
