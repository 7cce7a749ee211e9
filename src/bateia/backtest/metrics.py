"""From a backtest and its scores to the numbers of the run, each with its uncertainty."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from bateia.backtest.bootstrap import DRAWS, bootstrap, interval
from bateia.backtest.numbers import Decile, Estimate, Financial, Metrics, Predictive
from bateia.backtest.scores import auc, correlation, hit_rate, log_loss, ranks
from bateia.backtest.simulate import Backtest
from bateia.backtest.tables import Equity
from bateia.core import DataError
from bateia.core.clock import DAY, YEAR
from bateia.core.events import Floats


def predictive(
    score: npt.ArrayLike,
    value: npt.ArrayLike,
    ret: npt.ArrayLike,
    *,
    probability: npt.ArrayLike | None = None,
    draws: int = DRAWS,
    seed: int = 0,
) -> Predictive:
    """Skill of `score` against the label `value` (its sign is the answer) and the forward log return `ret`.

    Rows with a NaN in any of the three are left out; `probability` is that of up, for the log-loss.
    """
    s, v, r = (np.asarray(column, np.float64) for column in (score, value, ret))
    if not len(s) == len(v) == len(r):
        raise DataError(f"{len(s)} scores, {len(v)} labels, {len(r)} returns", allowed="one length")
    known = np.isfinite(s) & np.isfinite(v) & np.isfinite(r)
    s, v, r = s[known], v[known], r[known]
    decided = v != 0
    p = None if probability is None else np.asarray(probability, np.float64)[known][decided]

    def estimate(pair: tuple[float, Floats]) -> Estimate:
        return _linear(*pair, draws, seed)

    return Predictive(
        rows=len(s),
        up_rate=_number(np.mean(v[decided] > 0)) if decided.any() else None,
        auc=estimate(auc(s[decided], v[decided] > 0)),
        hit_rate=estimate(hit_rate(s, v)),
        ic=estimate(correlation(s, r)),
        rank_ic=estimate(correlation(ranks(s), ranks(r))),
        log_loss=None if p is None else _number(log_loss(p, v[decided] > 0)),
    )


def return_by_decile(
    score: npt.ArrayLike, ret: npt.ArrayLike, *, bands: int = 10, draws: int = DRAWS, seed: int = 0
) -> list[Decile]:
    """Mean forward return by score band, with 95% intervals; bands emptied by ties are left out."""
    s, r = np.asarray(score, np.float64), np.asarray(ret, np.float64)
    known = np.isfinite(s) & np.isfinite(r)
    s, r = s[known], r[known]
    band = np.minimum((bands * (ranks(s) - 0.5) / max(len(s), 1)).astype(np.int64), bands - 1)
    deciles = []
    for b in np.unique(band):
        chosen = band == b
        deciles.append(
            Decile(
                band=int(b) + 1,
                rows=int(chosen.sum()),
                score=float(s[chosen].mean()),
                ret_bp=_mean(r[chosen] * 1e4, draws, seed),
            )
        )
    return deciles


def financial(backtest: Backtest, *, draws: int = DRAWS, seed: int = 0) -> Financial:
    """The account of a backtest in numbers."""
    equity, trips, capital = backtest.equity, backtest.trips, backtest.capital
    gross, cost, net = (float(column[-1]) for column in (equity.gross, equity.cost, equity.net))
    days = float(equity.time[-1] - equity.time[0]) / DAY
    periods = periods_per_year(equity)
    fall = max_drawdown(equity.net)
    won, lost = trips.net[trips.net > 0].sum(), -trips.net[trips.net < 0].sum()
    return Financial(
        capital=capital,
        bars=len(equity),
        days=days,
        periods_per_year=periods,
        gross=gross,
        cost=cost,
        net=net,
        net_return_pct=100 * net / capital,
        round_trips=len(trips),
        fills=len(backtest.fills),
        unfilled=len(backtest.unfilled),
        closed_at_end=int(backtest.closed_at_end),
        gross_bp=_mean(trips.gross_bp, draws, seed),
        net_bp=_mean(trips.net_bp, draws, seed),
        cost_bp=float(np.mean(trips.gross_bp - trips.net_bp)) if len(trips) else None,
        sharpe_gross=_sharpe(np.diff(equity.gross), periods, draws, seed),
        sharpe_net=_sharpe(np.diff(equity.net), periods, draws, seed),
        max_drawdown=fall,
        max_drawdown_pct=100 * fall / capital,
        exposure=float(np.mean(equity.position != 0)),
        win_rate=float(np.mean(trips.net > 0)) if len(trips) else None,
        profit_factor=float(won / lost) if lost > 0 else None,
        **_trading(float(equity.traded[-1]), gross, cost, capital, days),
    )


def _trading(traded: float, gross: float, cost: float, capital: float, days: float) -> dict[str, Any]:
    return {
        "traded": traded,
        "cost_bp_side": 1e4 * cost / traded if traded > 0 else None,
        "break_even_bp_side": 1e4 * gross / traded if traded > 0 else None,
        "turnover_per_day": traded / capital / days if days > 0 else None,
    }


def measure(
    backtest: Backtest,
    score: npt.ArrayLike | None = None,
    value: npt.ArrayLike | None = None,
    ret: npt.ArrayLike | None = None,
    *,
    probability: npt.ArrayLike | None = None,
    draws: int = DRAWS,
    seed: int = 0,
) -> Metrics:
    """All numbers of a backtest; the predictive ones only where score, label value and return are given."""
    skill = None
    if score is not None and value is not None and ret is not None:
        skill = predictive(score, value, ret, probability=probability, draws=draws, seed=seed)
    return Metrics(predictive=skill, financial=financial(backtest, draws=draws, seed=seed))


def periods_per_year(equity: Equity) -> float | None:
    """Bars per calendar year (365.25 days) at the sample's pace; None where no time passes."""
    years = float(equity.time[-1] - equity.time[0]) / YEAR
    return (len(equity) - 1) / years if years > 0 else None


def max_drawdown(net: Floats) -> float:
    """Deepest fall from the highest point so far, the start at 0 included.

    >>> max_drawdown(np.array([1.0, 3.0, -1.0, 2.0]))
    4.0
    """
    return float(np.max(np.maximum.accumulate(np.maximum(net, 0.0)) - net))


def sharpe_ratio(profits: Floats, periods_per_year: float | None) -> float | None:
    """Annualised mean / standard deviation (ddof 1); None without spread, rows or calendar time."""
    if periods_per_year is None or len(profits) < 2:
        return None
    spread = float(np.std(profits, ddof=1))
    return float(np.mean(profits)) / spread * math.sqrt(periods_per_year) if spread > 0 else None


def _sharpe(profits: Floats, periods: float | None, draws: int, seed: int) -> Estimate:
    value = sharpe_ratio(profits, periods)
    if value is None or periods is None:
        return Estimate(value=None)
    bounds = interval(bootstrap(profits, draws, seed).sharpe * math.sqrt(periods))
    return Estimate(value=value, low=bounds and bounds[0], high=bounds and bounds[1])


def _mean(values: Floats, draws: int, seed: int) -> Estimate:
    if not len(values):
        return Estimate(value=None)
    return _linear(float(np.mean(values)), values - np.mean(values), draws, seed)


def _linear(value: float, influence: Floats, draws: int, seed: int) -> Estimate:
    """Interval of a statistic from the bootstrapped mean of its influence on each row, in time order."""
    if not math.isfinite(value):
        return Estimate(value=None)
    # Rows that all pull alike (one trip, a constant score) say nothing about chance: no interval.
    varies = len(influence) > 1 and bool(np.ptp(influence) > 0)
    bounds = interval(bootstrap(influence, draws, seed).mean) if varies else None
    if bounds is None:
        return Estimate(value=value)
    return Estimate(value=value, low=value + bounds[0], high=value + bounds[1])


def _number(value: Any) -> float | None:
    return float(value) if math.isfinite(value) else None
