"""Replay target positions against the market's trades."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from bateia.backtest.tables import Equity, RoundTrips, equity_table, trip_table
from bateia.core import Bars, ConfigError, DataError, Trades
from bateia.trading import Fills, Orders, SimulatedBroker


@dataclass(frozen=True, eq=False)
class Backtest:
    """What happened to one series of targets.

    `unfilled` are the orders that met no trade before the end; `closed_at_end` is True where a position
    was still open and was closed at the last bar's close, with costs (the fill with row -1).
    """

    broker: SimulatedBroker
    capital: float
    fills: Fills
    trips: RoundTrips
    equity: Equity
    unfilled: Orders
    closed_at_end: bool


def simulate(
    bars: Bars,
    target: npt.ArrayLike,
    trades: Trades,
    broker: SimulatedBroker,
    *,
    capital: float | None = None,
) -> Backtest:
    """The backtest of `target[i]`, decided at `bars.time[i]`, in units of `broker.quantity`.

    Trades after the last bar are not used: there the position is closed at the bar's close, with costs.
    `capital` (currency) is what returns are measured against; by default the notional of one full position
    at the first close. Raises DataError for empty or mismatched input, ConfigError for a capital of 0.
    """
    targets = np.asarray(target, np.float64)
    if not len(bars) or not len(trades):
        raise DataError(f"{len(bars)} bars and {len(trades)} trades", allowed="at least one of each")
    if len(targets) != len(bars):
        raise DataError(f"{len(targets)} targets for {len(bars)} bars", allowed="one target per bar")
    if capital is None:
        capital = float(bars.close[0]) * broker.quantity * broker.multiplier
    if not (capital > 0 and np.isfinite(capital)):
        raise ConfigError(f"capital is {capital:g}", allowed="a positive amount of currency")
    end = int(bars.time[-1])
    stream = broker.start()
    fills = stream.run(bars.time, targets, trades[: int(np.searchsorted(trades.time, end, side="right"))])
    still_open = stream.position != 0.0
    if still_open:
        fills = Fills.concat([fills, broker.close(stream.position, end, float(bars.close[-1]))])
    return Backtest(
        broker=broker,
        capital=capital,
        fills=fills,
        trips=trip_table(fills, bars.time, broker.multiplier),
        equity=equity_table(fills, bars.time, bars.close, broker.multiplier),
        unfilled=stream.pending,
        closed_at_end=still_open,
    )
