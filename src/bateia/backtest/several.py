"""Replay target positions of several symbols in one account."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from bateia.backtest.tables import Equity, RoundTrips, equity_table, trip_table
from bateia.core import Bars, Block, ConfigError, DataError, Trades, nearest
from bateia.core.events import Floats, Ints
from bateia.trading import Account, Charges, Fills, Orders


@dataclass(frozen=True, eq=False)
class AccountEquity(Block):
    """The whole account at each time that a bar of any symbol closes.

    `equity` = `cash` + `positions` (all at the last closes), currency; `gross`, `cost`, `net` count from 0.
    """

    time: Ints
    cash: Floats
    positions: Floats
    equity: Floats
    gross: Floats
    net: Floats
    cost: Floats
    traded: Floats


@dataclass(frozen=True, eq=False)
class Leg:
    """One symbol's part: its round trips, and its profit at every bar of the account at its last `price`."""

    trips: RoundTrips
    equity: Equity
    price: Floats
    unfilled: Orders
    closed_at_end: bool


@dataclass(frozen=True, eq=False)
class AccountBacktest:
    """What happened to several series of targets in one account; `fills.symbol` counts into `legs`."""

    account: Account
    capital: float
    fills: Fills
    charges: Charges
    legs: dict[str, Leg]
    equity: AccountEquity
    refused: int


Market = tuple[Bars, npt.ArrayLike, Trades]
"""A symbol's bars, one target a bar, and its trades."""


def simulate_account(
    markets: Mapping[str, Market], account: Account, *, capital: float | None = None
) -> AccountBacktest:
    """The backtest of every symbol's targets, decided when its own bars are known, in one cash account.

    Trades after the last bar of all are not used: there every position is closed at its symbol's last close,
    with costs. `capital` is what returns are measured against: the margin's, or without margin the notional
    of one full position of each symbol at its first close. Raises DataError for empty or mismatched input.
    """
    _check(markets, account)
    end = max(int(bars.time[-1]) for bars, _, _ in markets.values())
    stream = account.start()
    decisions = {
        symbol: (np.maximum.accumulate(bars.known_at), np.asarray(target, np.float64))
        for symbol, (bars, target, _) in markets.items()
    }
    until = {s: t[: int(np.searchsorted(t.time, end, side="right"))] for s, (_, _, t) in markets.items()}
    fills, charges = [stream.run(decisions, until)], [stream.charges]
    open_ = {symbol for symbol, held in stream.positions.items() if held}
    for symbol in account.symbols:
        if symbol in open_:
            fills.append(stream.close(symbol, end, float(markets[symbol][0].close[-1])))
            charges.append(stream.charges)
    made, charged = Fills.concat(fills), Charges.concat(charges)
    if capital is None:
        capital = account.margin.capital if account.margin else _notional(markets, account)
    if not (capital > 0 and np.isfinite(capital)):
        raise ConfigError(f"capital is {capital:g}", allowed="a positive amount of currency")
    time = np.unique(np.concatenate([bars.time for bars, _, _ in markets.values()]))
    legs, start = {}, account.margin.capital if account.margin else 0.0
    for number, symbol in enumerate(account.symbols):
        ours, own = made[made.symbol == number], charged[charged.symbol == number]
        bars, times = markets[symbol][0], account.brokers[symbol].multiplier
        price = _marks(time, bars, ours)
        legs[symbol] = Leg(
            trips=trip_table(ours, own, bars.time, times),
            equity=equity_table(ours, own, time, price, times),
            price=price,
            unfilled=stream.pending[symbol],
            closed_at_end=symbol in open_,
        )
    equity = _equity(time, start, account, legs)
    return AccountBacktest(account, capital, made, charged, legs, equity, stream.refused)


def _equity(time: Ints, start: float, account: Account, legs: Mapping[str, Leg]) -> AccountEquity:
    """The account at every bar's close: one ledger of cash, each position at its symbol's last close."""
    gross, cost, traded, positions = (np.zeros(len(time)) for _ in range(4))
    for symbol, leg in legs.items():
        gross += leg.equity.gross
        cost += leg.equity.cost
        traded += leg.equity.traded
        positions += leg.equity.position * leg.price * account.brokers[symbol].multiplier
    cash = start + gross - cost - positions
    return AccountEquity(time, cash, positions, cash + positions, gross, gross - cost, cost, traded)


def _marks(time: Ints, bars: Bars, fills: Fills) -> Floats:
    """A symbol's last close at each time; before its first bar, its last fill's price, or the first close."""
    price = bars.close[np.maximum(np.searchsorted(bars.time, time, side="right") - 1, 0)]
    early = np.flatnonzero(time < bars.time[0])
    seen = np.searchsorted(fills.time, time[early], side="right")
    price[early[seen > 0]] = fills.market[seen[seen > 0] - 1]
    return price


def _notional(markets: Mapping[str, Market], account: Account) -> float:
    brokers = account.brokers
    return sum(
        float(bars.close[0]) * brokers[symbol].quantity * brokers[symbol].multiplier
        for symbol, (bars, _, _) in markets.items()
    )


def _check(markets: Mapping[str, Market], account: Account) -> None:
    for symbol in (*markets, *account.symbols):
        if symbol not in markets or symbol not in account.brokers:
            where, known = ("market", markets) if symbol not in markets else ("broker", account.brokers)
            close = nearest(symbol, known)
            raise DataError(f"no {where} of {symbol!r}", allowed="one of each for every symbol", hint=close)
    for symbol, (bars, target, trades) in markets.items():
        if not len(bars) or not len(trades) or len(np.asarray(target)) != len(bars):
            given = f"{symbol}: {len(bars)} bars, {len(np.asarray(target))} targets, {len(trades)} trades"
            raise DataError(given, allowed="at least one trade and bar, and one target a bar")
        account.brokers[symbol].check(trades)
