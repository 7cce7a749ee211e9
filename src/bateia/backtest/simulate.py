"""Replay target positions against the market's trades."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from bateia.backtest.managed import managed
from bateia.backtest.tables import Equity, RoundTrips, equity_table, trip_table
from bateia.core import Bars, ConfigError, DataError, Trades
from bateia.core.book_events import BookEvents
from bateia.core.events import Floats
from bateia.trading import CHARGES, PARTS, Charges, Fills, Orders, SimulatedBroker
from bateia.trading.protocol import Broker, Stream
from bateia.trading.risk import Allowed, Risk

MarketT = TypeVar("MarketT", Trades, BookEvents)


@dataclass(frozen=True, eq=False)
class Backtest:
    """What happened to one series of targets.

    `unfilled` are the orders that met no trade before the end; `closed_at_end` is True where a position
    was still open and was closed at the last bar's close, with costs (the fill of reason "end"). `charges`
    are funding and borrowing, `refused` counts orders without effect (margin, lots, minimum notional).
    """

    broker: Broker[Any]
    capital: float
    fills: Fills
    trips: RoundTrips
    equity: Equity
    unfilled: Orders
    closed_at_end: bool
    charges: Charges
    refused: int = 0
    allowed: Allowed | None = None
    """What the risk rules made of each bar's target, in units, and why."""

    def totals(self) -> dict[str, float]:
        """What each kind of cost came to, currency: fee, spread, slippage, impact, liquidation, funding and
        borrow, which add up to the last row of `equity.cost`."""
        return {name: float(getattr(self.equity, name)[-1]) for name in (*PARTS, *CHARGES)}


def simulate(
    bars: Bars,
    target: npt.ArrayLike,
    trades: MarketT,
    broker: Broker[MarketT],
    *,
    capital: float | None = None,
    risk: Risk | None = None,
    opinion: Mapping[str, npt.ArrayLike] | None = None,
) -> Backtest:
    """The backtest of `target[i]`, decided when bars up to i are known, in units of `broker.quantity`.

    A `BookBroker` takes a book's `BookEvents` for the trades, and no risk rules. Trades after the last bar
    are not used: there the position is closed at the bar's close, with costs.
    `capital` (currency) is what returns are measured against; by default the margin's, or without margin the
    notional of one full position at the first close. With `risk` its rules decide how many units each target
    means, seeing the account at each bar and `opinion` (score, regime, one a bar). Raises DataError for empty
    or mismatched input and for trades that lack what the costs need, ConfigError for a capital of 0.
    """
    targets = np.asarray(target, np.float64)
    if not len(bars) or not len(trades):
        raise DataError(f"{len(bars)} bars and {len(trades)} trades", allowed="at least one of each")
    if len(targets) != len(bars):
        raise DataError(f"{len(targets)} targets for {len(bars)} bars", allowed="one target per bar")
    if capital is None:
        own = broker.margin and broker.margin.capital
        capital = own or float(bars.close[0]) * broker.quantity * broker.multiplier
    if not (capital > 0 and np.isfinite(capital)):
        raise ConfigError(f"capital is {capital:g}", allowed="a positive amount of currency")
    broker.check(trades)
    trades = trades[: int(np.searchsorted(trades.time, bars.time[-1], side="right"))]
    if risk is None:
        return _settle(bars, broker, capital, *_all_at_once(bars, targets, trades, broker))
    if not isinstance(broker, SimulatedBroker) or not isinstance(trades, Trades):
        given = f"risk rules and a {type(broker).__name__}"
        raise ConfigError(given, allowed="a SimulatedBroker", hint="no risk rules")
    stream, fills, charges, allowed = managed(bars, targets, trades, broker, risk, capital, opinion or {})
    return _settle(bars, broker, capital, stream, fills, charges, allowed)


def _all_at_once(
    bars: Bars, targets: Floats, trades: MarketT, broker: Broker[MarketT]
) -> tuple[Stream[MarketT], Fills, Charges]:
    stream = broker.start()
    # A bar that was seen late holds up the decisions after it too: they rest on it.
    fills = stream.run(np.maximum.accumulate(bars.known_at), targets, trades)
    return stream, fills, stream.charges


def _settle(
    bars: Bars,
    broker: Broker[Any],
    capital: float,
    stream: Stream[Any],
    fills: Fills,
    charges: Charges,
    allowed: Allowed | None = None,
) -> Backtest:
    """Close what is still open at the last bar's close, and draw up the tables."""
    still_open = stream.position != 0.0
    if still_open:
        fills = Fills.concat([fills, stream.close(int(bars.time[-1]), float(bars.close[-1]))])
        charges = Charges.concat([charges, stream.charges])
    return Backtest(
        broker=broker,
        capital=capital,
        fills=fills,
        trips=trip_table(fills, charges, bars.time, broker.multiplier),
        equity=equity_table(fills, charges, bars.time, bars.close, broker.multiplier),
        unfilled=stream.pending,
        closed_at_end=still_open,
        charges=charges,
        refused=stream.refused,
        allowed=allowed,
    )
