"""The account of a backtest bar by bar, and any part of it: what its numbers are worked out from."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bateia.backtest.simulate import Backtest
from bateia.backtest.tables import RoundTrips
from bateia.core import Bars, Block, DataError
from bateia.core.events import Floats, Ints


@dataclass(frozen=True, eq=False)
class Steps(Block):
    """What each bar added to the account: profits and costs since the bar before, currency.

    `before` is the time of the bar before (the first bar's own for the first); `pressure` the sum of notional
    x sqrt(units) over its fills, `square` its squared log return, `volume` its units traded by everyone: the
    last two are 0 where the bars are not given.
    """

    before: Ints
    time: Ints
    position: Floats
    gross: Floats
    net: Floats
    cost: Floats
    traded: Floats
    fills: Ints
    unfilled: Ints
    pressure: Floats
    square: Floats
    volume: Floats


@dataclass(frozen=True, eq=False)
class Account:
    """A backtest or a part of it: its bars, its round trips, its totals (currency).

    `path` is net profit after each bar, from 0; `opens` whether the very first bar, before which no time
    passed, is among them.
    """

    capital: float
    steps: Steps
    trips: RoundTrips
    path: Floats
    gross: float
    cost: float
    net: float
    traded: float
    opens: bool
    closed_at_end: bool

    @property
    def moves(self) -> Steps:
        """The bars that have a bar before them."""
        return self.steps[1:] if self.opens else self.steps

    @property
    def micros(self) -> int:
        """Calendar time from before the first move to after the last."""
        moves = self.moves
        return int(moves.time[-1] - moves.before[0]) if len(moves) else 0


def steps(backtest: Backtest, bars: Bars | None = None) -> Steps:
    """The account bar by bar; `bars` are those of the backtest, for their volume and volatility.

    Raises DataError for bars of another length.
    """
    equity, fills = backtest.equity, backtest.fills
    n = len(equity)
    if bars is not None and len(bars) != n:
        raise DataError(f"{len(bars)} bars for an account of {n}", allowed="the bars that were traded")
    booked = np.searchsorted(equity.time, fills.time)
    units = np.abs(fills.quantity)
    notional = units * fills.market * backtest.broker.multiplier
    nothing = np.zeros(n)
    return Steps(
        before=np.concatenate([equity.time[:1], equity.time[:-1]]),
        time=equity.time,
        position=equity.position,
        gross=np.diff(equity.gross, prepend=0.0),
        net=np.diff(equity.net, prepend=0.0),
        cost=np.diff(equity.cost, prepend=0.0),
        traded=np.diff(equity.traded, prepend=0.0),
        fills=np.bincount(booked, minlength=n),
        unfilled=np.bincount(backtest.unfilled.row, minlength=n),
        pressure=np.bincount(booked, notional * np.sqrt(units), n).astype(np.float64),
        square=nothing if bars is None else np.diff(np.log(bars.close), prepend=np.log(bars.close[0])) ** 2,
        volume=nothing if bars is None else bars.volume,
    )


def whole(backtest: Backtest, bars: Bars | None = None) -> Account:
    """The account of all bars; totals are the equity table's own."""
    equity = backtest.equity
    return Account(
        capital=backtest.capital,
        steps=steps(backtest, bars),
        trips=backtest.trips,
        path=equity.net,
        gross=float(equity.gross[-1]),
        cost=float(equity.cost[-1]),
        net=float(equity.net[-1]),
        traded=float(equity.traded[-1]),
        opens=True,
        closed_at_end=backtest.closed_at_end,
    )


def part(account: Account, rows: Ints, trips: Ints) -> Account:
    """The account of some bars, in time order, one after the other, and of some round trips."""
    chosen = account.steps[rows]
    return Account(
        capital=account.capital,
        steps=chosen,
        trips=account.trips[trips],
        path=np.cumsum(chosen.net),
        gross=float(chosen.gross.sum()),
        cost=float(chosen.cost.sum()),
        net=float(chosen.net.sum()),
        traded=float(chosen.traded.sum()),
        opens=account.opens and bool(rows[0] == 0),
        closed_at_end=account.closed_at_end and bool(rows[-1] == len(account.steps) - 1),
    )
