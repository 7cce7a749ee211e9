"""How many independent trials a heap of similar ones amounts to, and how widely luck spreads them."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from bateia.backtest.chance.matrix import profit_matrix, varies
from bateia.core import ConfigError
from bateia.core.events import Floats
from bateia.kernels.resample import weighted_sums

DRAWS = 1_000
_AT_ONCE = 64


@dataclass(frozen=True)
class Luck:
    """What the trials without skill would show: enough for `deflated_sharpe`."""

    trials: int
    """Different recipes tried, with or without known profits."""
    effective: float
    """Independent trials whose best would be as lucky as theirs."""
    variance: float
    """Of one trial's Sharpe ratio per period, had it no skill."""
    correlation: float | None
    """Mean correlation between trials; None where fewer than two are known."""
    method: str
    """Where `effective` and `variance` come from, in words."""


def luck(profits: npt.ArrayLike, trials: int | None = None, *, draws: int = DRAWS, seed: int = 0) -> Luck:
    """Effective number of trials and the variance of their Sharpe ratios, from `profits` (periods, trials).

    `trials` counts all of them where the profits of some are unknown; those count as independent, as do
    trials that never traded. The variance is the observed one, divided by 1 - mean correlation (what trials
    have in common moves all their Sharpe ratios at once and shows in no spread), and never below
    1 / (periods - 1), what chance alone spreads.

    Raises DataError for fewer than 2 periods, ConfigError for fewer `trials` than columns.

    Source: Bailey and Lopez de Prado (2014), appendix A.3, for the idea; the count itself is ours, see
    `effective_trials`.
    """
    x = profit_matrix(profits)
    known, count = x.shape[1], x.shape[1] if trials is None else trials
    if count < max(known, 1):
        raise ConfigError(f"{count} trials, but profits of {known}", allowed=f"{max(known, 1)} or more")
    x = np.ascontiguousarray(x[:, varies(x)])
    floor = 1 / (len(x) - 1)
    if x.shape[1] < 2:
        why = (
            "the plain count, and the variance that chance alone gives: fewer than two trials' profits known"
        )
        return Luck(count, float(count), floor, None, why)
    correlation = mean_correlation(x)
    effective = effective_trials(x, draws=draws, seed=seed) + count - x.shape[1]
    observed = float(np.var(x.mean(axis=0) / np.std(x, axis=0, ddof=1), ddof=1))
    shared = max(1 - correlation, 1e-9)
    method = f"by the correlation of the daily profits of {x.shape[1]:,} of {count:,} trials"
    return Luck(count, effective, max(observed / shared, floor), correlation, method)


def effective_trials(profits: npt.ArrayLike, *, draws: int = DRAWS, seed: int = 0) -> float:
    """Number of independent trials whose luckiest is expected to be as lucky as the luckiest of these.

    Scores without skill that are correlated as the profits are (random signs and sizes times the
    standardised rows), the mean of their best, and the count that gives this best among independent ones:
    N for N unrelated trials, K for K groups of copies, about 1 for copies of one.

    Trials that never vary must be left out. The figure is good to about 3% at 1,000 draws.

    >>> rng = np.random.default_rng(0)
    >>> generated = rng.normal(size=(300, 5))
    >>> round(effective_trials(np.repeat(generated, 20, axis=1)))
    5
    """
    x = profit_matrix(profits)
    if x.shape[1] == 1:
        return 1.0
    scores = _standard(x) / math.sqrt(len(x))
    rng, total = np.random.default_rng(seed), 0.0
    for first in range(0, draws, _AT_ONCE):
        many = min(_AT_ONCE, draws - first)
        best = np.empty((many, x.shape[1]))
        weighted_sums(rng.standard_normal((len(x), many)), scores, best)
        # A draw and its mirror image are equally likely.
        total += float(np.sum(best.max(axis=1) - best.min(axis=1))) / 2
    return _count_with_best(total / draws, x.shape[1])


def mean_correlation(profits: npt.ArrayLike) -> float:
    """Mean correlation over all pairs of different columns, in one pass.

    >>> round(mean_correlation([[1.0, 2.0], [3.0, 6.0], [2.0, 4.0]]), 9)
    1.0
    """
    x = _standard(profit_matrix(profits, trials=2))
    n, k = x.shape
    # The sum of all correlations is the variance of the row sums.
    mean: float = (float(np.sum(x.sum(axis=1) ** 2)) / n - k) / (k * (k - 1))
    return mean


def _standard(x: Floats) -> Floats:
    gap = x - x.mean(axis=0)
    gap /= np.abs(gap).max(axis=0)
    standard: Floats = gap / np.sqrt(np.mean(gap**2, axis=0))
    return standard


def _count_with_best(best: float, most: int) -> float:
    """The number of independent trials with this expected best: by bisection, from 1 to `most`."""
    low, high = 1.0, float(most)
    for _ in range(60):
        middle = math.sqrt(low * high)
        low, high = (middle, high) if _expected_best(middle) < best else (low, middle)
    return low


def _expected_best(trials: float) -> float:
    """Expected best of `trials` standard normals, not rounded to the paper's formula; fractions allowed."""
    from scipy.special import log_ndtr

    grid = np.linspace(-9, 9, 1801)
    # The mean of a distribution F with nothing below -9: -9 and the integral of 1 - F from there.
    above: Floats = 1 - np.exp(trials * log_ndtr(grid))
    area = float(above.sum()) - (float(above[0]) + float(above[-1])) / 2
    return area * float(grid[1] - grid[0]) - 9
