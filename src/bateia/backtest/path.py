"""Net profit bar after bar: ratios of reward to risk, falls and tails, all from one pass of the bootstrap."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from bateia.backtest.account import Account
from bateia.backtest.bootstrap import AccountDraws, account_draws, interval
from bateia.backtest.drawdown import longest_drawdown, max_drawdown
from bateia.backtest.estimates import estimate, number, quotient, varies
from bateia.backtest.numbers import Bounds
from bateia.core.clock import DAY
from bateia.core.events import Floats

TAIL = 0.05


def of_path(
    account: Account, periods: float | None, years: float, draws: int, seed: int
) -> tuple[dict[str, Any], dict[str, Bounds | None]]:
    """Fields of `Financial` about the bars' net profits, and the intervals of the plain ones.

    `periods` bars a calendar year and `years` of them annualise.
    """
    x, steps, fall = account.moves.net, account.steps, max_drawdown(account.path)
    rows, micros = longest_drawdown(account.path, steps.before, steps.time)
    plain = {
        "max_drawdown": fall,
        "max_drawdown_pct": 100 * fall / account.capital,
        "longest_drawdown_bars": rows,
        "longest_drawdown_days": micros / DAY,
    }
    values = {
        "calmar": account.net / years / fall if fall > 0 and years > 0 else None,
        "recovery_factor": account.net / fall if fall > 0 else None,
        **_of_profits(x, periods),
    }
    if not varies(x):
        return {**plain, **{name: estimate(value, None) for name, value in values.items()}}, {"net": None}
    low, high = tails(x)
    drawn = account_draws(x, low, high, draws, seed)
    ratios = _drawn(x, low, high, periods, years, drawn)
    found = {name: estimate(value, interval(ratios[name])) for name, value in values.items()}
    falls = interval(drawn.fall)
    bounds = {
        "net": interval(drawn.mean * len(x)),
        "max_drawdown": falls,
        "max_drawdown_pct": falls and (100 * falls[0] / account.capital, 100 * falls[1] / account.capital),
        "longest_drawdown_bars": interval(drawn.longest.astype(np.float64)),
    }
    return {**plain, **found}, bounds


def sharpe_ratio(profits: Floats, periods_per_year: float | None) -> float | None:
    """Annualised mean / standard deviation (ddof 1); None without spread, rows or calendar time."""
    if periods_per_year is None or len(profits) < 2:
        return None
    spread = float(np.std(profits, ddof=1))
    return float(np.mean(profits)) / spread * math.sqrt(periods_per_year) if spread > 0 else None


def sortino_ratio(profits: Floats, periods_per_year: float | None) -> float | None:
    """Annualised mean / root mean square of the losses, over all rows; None without a loss or time.

    Source: Sortino and Price, "Performance Measurement in a Downside Risk Framework", J. of Investing (1994).

    >>> sortino_ratio(np.array([3.0, -2.0, 1.0, 2.0]), 4.0)
    2.0
    """
    if periods_per_year is None or not len(profits):
        return None
    downside = math.sqrt(float(np.mean(np.minimum(profits, 0.0) ** 2)))
    return float(np.mean(profits)) / downside * math.sqrt(periods_per_year) if downside > 0 else None


def tails(profits: Floats) -> tuple[float, float]:
    """The 5% and 95% quantiles, each one of the values.

    >>> tails(np.arange(1.0, 101.0))
    (5.0, 95.0)
    """
    low, high = np.quantile(profits, [TAIL, 1 - TAIL], method="inverted_cdf")
    return float(low), float(high)


def shortfall(profits: Floats) -> float:
    """Mean loss over the worst 5% of rows, the last of them counted in part where 5% is not a whole number.

    Source: Rockafellar and Uryasev, "Optimization of Conditional Value-at-Risk", J. of Risk 2 (2000).

    >>> round(shortfall(np.array([-4.0, -2.0] + [1.0] * 28)), 9)
    3.333333333
    """
    low = tails(profits)[0]
    return -(low + float(np.mean(np.minimum(profits - low, 0.0))) / TAIL)


def _of_profits(x: Floats, periods: float | None) -> dict[str, float | None]:
    found = {"sharpe_net": sharpe_ratio(x, periods), "sortino": sortino_ratio(x, periods)}
    if not len(x):
        return found
    low, high = tails(x)
    tail_ratio = number(high / -low) if low < 0 else None
    return {**found, "tail_ratio": tail_ratio, "var_95": 0.0 - low, "cvar_95": shortfall(x)}


def _drawn(
    x: Floats, low: float, high: float, periods: float | None, years: float, drawn: AccountDraws
) -> dict[str, Floats]:
    """What each resample shows in place of each value."""
    root = math.sqrt(periods) if periods else math.nan
    ordered = np.sort(x)
    # A resample with more rows below the quantile has its own lower, by as many (Bahadur's expansion).
    lows = _quantile(ordered, TAIL + float(np.mean(x <= low)) - drawn.below)
    highs = _quantile(ordered, 1 - TAIL + float(np.mean(x <= high)) - drawn.within)
    recovery = quotient(drawn.mean * len(x), drawn.fall)
    return {
        "sharpe_net": drawn.sharpe * root,
        "sortino": quotient(drawn.mean, drawn.downside) * root,
        "calmar": recovery / (years or math.nan),
        "recovery_factor": recovery,
        "tail_ratio": quotient(highs, -lows),
        "var_95": -lows,
        "cvar_95": -(low + drawn.shortfall / TAIL),
    }


def _quantile(ordered: Floats, level: Floats) -> Floats:
    """The value that a share `level` of the rows do not exceed."""
    # Shares are counts / rows: rounding must not lift 5.0000000001 to the next row.
    at = np.ceil(np.round(level * len(ordered), 6)).astype(np.int64) - 1
    return ordered[np.clip(at, 0, len(ordered) - 1)]
