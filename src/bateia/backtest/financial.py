"""The account of a backtest, or of a part of it, in numbers."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from bateia.backtest.account import Account, whole
from bateia.backtest.bootstrap import bootstrap, draws_for, interval
from bateia.backtest.capacity import capacity
from bateia.backtest.estimates import estimate
from bateia.backtest.numbers import UNKNOWN, Bounds, Estimate, Financial
from bateia.backtest.path import of_path, sharpe_ratio
from bateia.backtest.simulate import Backtest
from bateia.backtest.tables import Equity
from bateia.backtest.trips import of_trips
from bateia.core import Bars
from bateia.core.clock import DAY, YEAR
from bateia.core.events import Floats


def financial(
    backtest: Backtest, *, bars: Bars | None = None, draws: int | None = None, seed: int = 0
) -> Financial:
    """The account of a backtest in numbers; `bars`, those traded, give the capacity.

    The same backtest and seed give the same bits. `draws`: see `draws_for`.
    """
    return numbers(whole(backtest, bars), draws, seed)


def numbers(account: Account, draws: int | None = None, seed: int = 0) -> Financial:
    """The numbers of an account or a part of one."""
    moves, drawn = account.moves, draws_for(len(account.moves), draws)
    years = account.micros / YEAR
    periods = len(moves) / years if years > 0 else None
    sharpe, gross = _gross(moves.gross, periods, drawn, seed)
    path, path_bounds = of_path(account, periods, years, drawn, seed)
    trips, trip_bounds = of_trips(account.trips, draws, seed)
    bounds: dict[str, Bounds | None] = {"gross": gross, **path_bounds, **trip_bounds}
    if gross and account.traded > 0:
        bounds["break_even_bp_side"] = 1e4 * gross[0] / account.traded, 1e4 * gross[1] / account.traded
    return Financial(
        capital=account.capital,
        bars=len(account.steps),
        days=account.micros / DAY,
        periods_per_year=periods,
        gross=account.gross,
        cost=account.cost,
        net=account.net,
        net_return_pct=100 * account.net / account.capital,
        fills=int(account.steps.fills.sum()),
        unfilled=int(account.steps.unfilled.sum()),
        closed_at_end=int(account.closed_at_end),
        sharpe_gross=sharpe,
        exposure=float(np.mean(account.steps.position != 0)),
        capacity=capacity(account, path_bounds["net"]),
        intervals={name: pair for name, pair in bounds.items() if pair},
        **path,
        **trips,
        **_trading(account),
    )


def _trading(account: Account) -> dict[str, Any]:
    traded, days = account.traded, account.micros / DAY
    return {
        "traded": traded,
        "cost_bp_side": 1e4 * account.cost / traded if traded > 0 else None,
        "break_even_bp_side": 1e4 * account.gross / traded if traded > 0 else None,
        "turnover_per_day": traded / account.capital / days if days > 0 else None,
    }


def _gross(profits: Floats, periods: float | None, draws: int, seed: int) -> tuple[Estimate, Bounds | None]:
    """Sharpe ratio before costs, and the interval of the total."""
    value = sharpe_ratio(profits, periods)
    if value is None or periods is None:
        return UNKNOWN, None
    drawn = bootstrap(profits, draws, seed)
    return estimate(value, interval(drawn.sharpe * math.sqrt(periods))), interval(drawn.mean * len(profits))


def periods_per_year(equity: Equity) -> float | None:
    """Bars per calendar year (365.25 days) at the sample's pace; None where no time passes."""
    years = float(equity.time[-1] - equity.time[0]) / YEAR
    return (len(equity) - 1) / years if years > 0 else None
