"""Statistics of a score, each with its rows' influence: how much a row moves it.

The bootstrapped mean of the influence is the statistic's error to first order (the infinitesimal
jackknife: Efron, SIAM 1982; for the AUC it is DeLong's, Biometrics 44, 1988). It keeps the rows' time
order, which overlapping labels need, and costs no second sort.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from bateia.core.events import Bools, Floats

Measured = tuple[float, Floats]
"""The statistic (NaN where undefined) and each row's influence (mean 0)."""


def ranks(values: npt.ArrayLike) -> Floats:
    """Ranks from 1; equal values share their mean rank.

    >>> ranks([3.0, 1.0, 3.0]).tolist()
    [2.5, 1.0, 2.5]
    """
    _, inverse, counts = np.unique(np.asarray(values, np.float64), return_inverse=True, return_counts=True)
    mean_rank: Floats = np.cumsum(counts) - (counts - 1) / 2
    return mean_rank[inverse]


def auc(score: Floats, up: Bools) -> Measured:
    """Chance that an up row scores above a down row, ties counting half (Mann-Whitney U / pairs).

    >>> auc(np.array([0.1, 0.4, 0.4, 0.8]), np.array([False, False, True, True]))[0]
    0.875
    """
    ups = int(up.sum())
    downs = len(up) - ups
    if not ups or not downs:
        return float("nan"), np.zeros(len(up))
    overall = ranks(score)
    beaten = np.empty(len(up))
    beaten[up] = (overall[up] - ranks(score[up])) / downs
    beaten[~up] = 1 - (overall[~up] - ranks(score[~up])) / ups
    value = float(beaten[up].mean())
    share = np.where(up, ups, downs) / len(up)
    return value, (beaten - value) / share


def correlation(x: Floats, y: Floats) -> Measured:
    """Pearson correlation; NaN where a side does not vary.

    >>> round(correlation(np.array([1.0, 2.0, 3.0]), np.array([2.0, 4.0, 6.0]))[0], 12)
    1.0
    """
    if len(x) < 2 or np.ptp(x) == 0 or np.ptp(y) == 0:
        return float("nan"), np.zeros(len(x))
    a, b = (x - x.mean()) / x.std(), (y - y.mean()) / y.std()
    value = float(np.mean(a * b))
    return value, a * b - value * (a * a + b * b) / 2


def hit_rate(score: Floats, value: Floats) -> Measured:
    """Share of rows whose score has the answer's sign, among rows where neither is 0."""
    said = (score != 0) & (value != 0)
    if not said.any():
        return float("nan"), np.zeros(len(score))
    hit = np.sign(score) == np.sign(value)
    rate = float(hit[said].mean())
    return rate, np.where(said, hit - rate, 0.0) / said.mean()


def average_precision(score: Floats, up: Bools) -> Measured:
    """Mean, over the up rows, of the share of up among rows that score at least as high.

    Source: the step-wise area under the precision-recall curve (Davis and Goadrich, ICML 2006).

    >>> round(average_precision(np.array([0.9, 0.8, 0.1]), np.array([True, False, True]))[0], 12)
    0.833333333333
    """
    n, ups = len(up), int(up.sum())
    if not ups:
        return float("nan"), np.zeros(n)
    _, inverse, counts = np.unique(-score, return_inverse=True, return_counts=True)
    found = np.bincount(inverse, up, len(counts))
    above, hits = np.cumsum(counts), np.cumsum(found)
    share = hits / above
    value = float(np.sum(found * share) / ups)
    # A row weighs in each share at or below its own score: up to the numerator, always to the count.
    gain = np.cumsum((found / above)[::-1])[::-1]
    loss = np.cumsum((found * share / above)[::-1])[::-1]
    own = np.where(up, share[inverse] - value + gain[inverse], 0.0)
    return value, (own - loss[inverse]) * (n / ups)


def log_loss(probability: Floats, up: Bools) -> float:
    """Mean -log of the probability given to what happened, nats; clipped at 1e-15 as usual.

    >>> round(log_loss(np.array([0.5, 0.5]), np.array([True, False])), 3)
    0.693
    """
    return float(np.mean(log_losses(probability, up))) if len(up) else float("nan")


def log_losses(probability: Floats, up: Bools) -> Floats:
    """-log of the probability given to what happened, row by row."""
    p = np.clip(probability, 1e-15, 1 - 1e-15)
    losses: Floats = -np.log(np.where(up, p, 1 - p))
    return losses
