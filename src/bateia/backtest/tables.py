"""The account of a backtest as tables: equity at each bar, and round trips."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bateia.core import Block
from bateia.core.events import Bytes, Floats, Ints
from bateia.kernels.ledger import mark_to_market, round_trips
from bateia.trading import CHARGES, PARTS, Charges, Fills


@dataclass(frozen=True, eq=False)
class Equity(Block):
    """The account at each bar's close; all but `position` (units) count from 0 in currency.

    `gross` is the profit at the market's prices, `net` = gross - `cost`, `traded` the notional traded.
    `fee`, `spread`, `slippage`, `impact`, `liquidation`, `funding` (negative: got) and `borrow` add up to
    `cost`.
    """

    time: Ints
    position: Floats
    gross: Floats
    net: Floats
    cost: Floats
    traded: Floats
    fee: Floats
    spread: Floats
    slippage: Floats
    impact: Floats
    liquidation: Floats
    funding: Floats
    borrow: Floats


@dataclass(frozen=True, eq=False)
class RoundTrips(Block):
    """From flat to flat, or from flip to flip.

    Prices are averages of what was paid; `gross`, `cost` and `net` in currency, `*_bp` in basis points of
    the entry notional at the market's price, `bars` how many bars closed while it was open.
    """

    entry_time: Ints
    exit_time: Ints
    side: Bytes
    quantity: Floats
    entry_price: Floats
    exit_price: Floats
    gross: Floats
    cost: Floats
    net: Floats
    gross_bp: Floats
    net_bp: Floats
    bars: Ints


def equity_table(
    fills: Fills, charges: Charges, bar_time: Ints, bar_close: Floats, multiplier: float
) -> Equity:
    """The account at every bar; a fill or charge counts from the first bar whose time is not before it."""
    time = np.ascontiguousarray(bar_time)
    position, gross, cost, traded = (np.empty(len(time)) for _ in range(4))
    mark_to_market(
        np.zeros(4),
        np.ascontiguousarray(fills.time),
        np.ascontiguousarray(fills.market),
        np.ascontiguousarray(fills.quantity),
        np.ascontiguousarray(fills.position),
        np.ascontiguousarray(fills.cost),
        time,
        np.ascontiguousarray(bar_close),
        multiplier,
        position,
        gross,
        cost,
        traded,
    )
    seen = np.searchsorted(fills.time, time, side="right")
    parts = {name: _so_far(getattr(fills, name), seen) for name in PARTS}
    for number, name in enumerate(CHARGES):
        ours = charges[charges.kind == number]
        parts[name] = _so_far(ours.amount, np.searchsorted(ours.time, time, side="right"))
        cost = cost + parts[name] if len(ours) else cost
    return Equity(time, position, gross, gross - cost, cost, traded, **parts)


def _so_far(amount: Floats, rows: Ints) -> Floats:
    """The sum of each number of first rows."""
    if not amount.any():
        return np.zeros(len(rows))
    return np.concatenate([[0.0], np.cumsum(amount)])[rows]


def trip_table(fills: Fills, charges: Charges, bar_time: Ints, multiplier: float) -> RoundTrips:
    """Closed round trips of the fills, oldest exit first; a charge is a cost of the trip it fell into."""
    n = len(fills)
    entry, exit_ = np.empty(n, np.int64), np.empty(n, np.int64)
    side = np.empty(n, np.int8)
    quantity, market_in, market_out, paid_in, paid_out, cost = (np.empty(n) for _ in range(6))
    made = round_trips(
        np.ascontiguousarray(fills.time),
        np.ascontiguousarray(fills.market),
        np.ascontiguousarray(fills.price),
        np.ascontiguousarray(fills.position),
        np.ascontiguousarray(fills.cost),
        entry,
        exit_,
        side,
        quantity,
        market_in,
        market_out,
        paid_in,
        paid_out,
        cost,
    )
    entry, exit_, side = entry[:made], exit_[:made], side[:made]
    quantity, cost = quantity[:made], cost[:made]
    if len(charges):
        # The position charged was held before any fill of that very time: the first trip to end from then on.
        trip = np.searchsorted(exit_, charges.time, side="left")
        np.add.at(cost, trip[trip < made], charges.amount[trip < made])
    notional = quantity * market_in[:made] * multiplier
    gross = side * quantity * multiplier * (market_out[:made] - market_in[:made])
    net = gross - cost
    return RoundTrips(
        entry_time=entry,
        exit_time=exit_,
        side=side,
        quantity=quantity,
        entry_price=paid_in[:made],
        exit_price=paid_out[:made],
        gross=gross,
        cost=cost,
        net=net,
        gross_bp=1e4 * gross / notional,
        net_bp=1e4 * net / notional,
        # A bar counts when its close saw the trip open: entry <= time < exit, as in the equity table.
        bars=np.searchsorted(bar_time, exit_) - np.searchsorted(bar_time, entry),
    )
