"""Probability of backtest overfitting: does the best of one half of history stay good on the other half?"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations

import numpy as np
import numpy.typing as npt

from bateia.backtest.chance.matrix import profit_matrix
from bateia.core import ConfigError
from bateia.core.events import Floats, Ints
from bateia.kernels.cscv import block_sums, symmetric_splits

PARTITIONS = 16
_MOST = 20
_EDGES = 401


@dataclass(frozen=True, eq=False)
class Overfitting:
    """What selecting the best in sample is worth out of sample; one entry a split where it is an array.

    Sharpe ratios are per period.
    """

    pbo: float
    """Share of splits whose best in sample falls into the worse half out of sample."""
    logits: Floats
    """ln(r / (1 - r)) of the chosen trial's relative rank out of sample; 0 or less is overfitting."""
    chosen: Ints
    """The best trial in sample, as a column number."""
    inside: Floats
    """Its Sharpe ratio in sample."""
    outside: Floats
    """Its Sharpe ratio out of sample."""
    degradation: float
    """Slope of `outside` on `inside`: below 0, what looked better did worse."""
    intercept: float
    loss: float
    """Share of splits whose chosen trial has a Sharpe ratio below 0 out of sample."""
    first_order: bool
    """Choosing dominates a random trial: at any level, it is at least as likely to reach it."""
    second_order: bool
    """The same of the levels' running integral: anyone averse to risk prefers choosing."""
    level: Floats
    """Sharpe ratios at which the two distributions below are given."""
    chosen_below: Floats
    """Share of splits whose chosen trial is at or below each level out of sample."""
    all_below: Floats
    """Share of all trials and splits at or below each level."""


def overfitting(profits: npt.ArrayLike, partitions: int = PARTITIONS) -> Overfitting:
    """PBO by combinatorially symmetric cross-validation of `profits` (periods, trials).

    The periods are cut into `partitions` blocks of equal length (give or take one period); each choice of
    half of them is in sample once. The measure is the Sharpe ratio, 0 for a trial that never varies. Raises
    ConfigError for an odd number of partitions or one outside 2 to 20, DataError for fewer than 2 trials or
    2 periods a partition.

    Source: Bailey, Borwein, Lopez de Prado and Zhu, "The Probability of Backtest Overfitting", Journal of
    Computational Finance 20 (2015), section 2.2 and 3.

    >>> rng = np.random.default_rng(0)
    >>> generated_noise = rng.normal(size=(400, 20))
    >>> generated_noise[:, 7] += 0.5
    >>> overfitting(generated_noise).pbo
    0.0
    """
    if partitions % 2 or not 2 <= partitions <= _MOST:
        raise ConfigError(
            f"{partitions} partitions", allowed=f"an even number from 2 to {_MOST}", hint=str(PARTITIONS)
        )
    x = profit_matrix(profits, periods=2 * partitions, trials=2)
    # The Sharpe ratio knows no units, and squares of huge profits would overflow.
    x = x / np.maximum(np.abs(x).max(axis=0), np.finfo(float).tiny)
    bounds = np.arange(partitions + 1) * len(x) // partitions
    sums, squares = np.empty((2, partitions, x.shape[1]))
    block_sums(x, bounds, sums, squares)
    members = np.array(list(combinations(range(partitions), partitions // 2)), np.int64)
    level = _levels(x)
    chosen, tally = np.empty(len(members), np.int64), np.zeros(_EDGES + 1, np.int64)
    inside, outside, rank = np.empty((3, len(members)))
    symmetric_splits(sums, squares, np.diff(bounds), members, level, chosen, inside, outside, rank, tally)
    relative = rank / (x.shape[1] + 1)
    logits = np.log(relative / (1 - relative))
    slope, intercept = _line(inside, outside)
    below = np.searchsorted(np.sort(outside), level, "right") / len(outside)
    everyone = np.cumsum(tally)[:_EDGES] / tally.sum()
    first, second = _dominance(below, everyone)
    return Overfitting(
        pbo=float(np.mean(logits <= 0)),
        logits=logits,
        chosen=chosen,
        inside=inside,
        outside=outside,
        degradation=slope,
        intercept=intercept,
        loss=float(np.mean(outside < 0)),
        first_order=first,
        second_order=second,
        level=level,
        chosen_below=below,
        all_below=everyone,
    )


def _levels(x: Floats) -> Floats:
    """An even grid around every trial's Sharpe ratio, eight standard errors of half the sample wide."""
    std = np.std(x, axis=0, ddof=1)
    sharpe = np.divide(x.mean(axis=0), std, out=np.zeros(x.shape[1]), where=std > 0)
    reach = 8 / np.sqrt(len(x) / 2)
    return np.linspace(sharpe.min() - reach, sharpe.max() + reach, _EDGES)


def _line(x: Floats, y: Floats) -> tuple[float, float]:
    """Least squares of y on x; a slope of 0 where x never varies."""
    gap = x - x.mean()
    square = float(np.sum(gap * gap))
    slope = float(np.sum(gap * y)) / square if square > 0 else 0.0
    return slope, float(y.mean() - slope * x.mean())


def _dominance(chosen: Floats, everyone: Floats) -> tuple[bool, bool]:
    gap = everyone - chosen
    area = np.cumsum(gap)
    slack = 1e-12 * len(gap)
    first = bool((gap >= -slack).all() and (gap > slack).any())
    return first, bool((area >= -slack).all() and (area > slack).any())
