"""The statistics that the checks are made of."""

from __future__ import annotations

import math

import numpy as np
from scipy.special import chdtrc
from scipy.stats import rankdata

from bateia.core.events import Bools, Floats, Ints

DIGITS = 10
"""Most decimals that a price grid has: 1e-10, finer than any exchange's."""
BLOCK = 25


def autocorrelation(x: Floats, lags: int) -> Floats:
    """Autocorrelation at lags 1 to `lags`, 0 where x never changes.

    >>> autocorrelation(np.array([1.0, -1.0, 1.0, -1.0]), 1)
    array([-0.75])
    """
    x = x - x.mean()
    total = _dot(x, x)
    if total <= 0 or len(x) <= lags:
        return np.zeros(lags)
    return np.array([_dot(x[lag:], x[:-lag]) for lag in range(1, lags + 1)]) / total


def _dot(x: Floats, y: Floats) -> float:
    # On this thread: a library's own threads wait for each other when the machine is busy.
    return float(np.einsum("i,i->", x, y))


def ljung_box(correlations: Floats, rows: int) -> float:
    """p-value of "no autocorrelation" (Ljung & Box 1978), from the autocorrelations of `rows` values.

    >>> ljung_box(np.array([0.0, 0.0]), 100)
    1.0
    """
    lags = np.arange(1, len(correlations) + 1)
    q = rows * (rows + 2) * float((correlations**2 / (rows - lags)).sum())
    return float(chdtrc(len(correlations), q))


def skewness(x: Floats) -> float:
    """Third standardised moment: 0 of a symmetric distribution, and where x never changes."""
    return _moments(x)[0]


def excess_kurtosis(x: Floats) -> float:
    """Fourth standardised moment less 3, which is a normal's; 0 where x never changes."""
    return _moments(x)[1]


def normality(x: Floats) -> float:
    """p-value of "normal" by skewness and kurtosis (Jarque & Bera 1980); 0 where x never changes."""
    skew, kurtosis = _moments(x)
    return float(chdtrc(2, len(x) / 6 * (skew**2 + kurtosis**2 / 4))) if (x != x[0]).any() else 0.0


def _moments(x: Floats) -> tuple[float, float]:
    deviation = x - x.mean()
    square = deviation * deviation
    variance = float(square.mean())
    if variance <= 0:
        return 0.0, 0.0
    return float((square * deviation).mean()) / variance**1.5, float(
        (square * square).mean()
    ) / variance**2 - 3


def rank_correlation(x: Floats, y: Floats) -> float:
    """Spearman's rank correlation, 0 where one of them never changes.

    >>> round(rank_correlation(np.array([1.0, 2.0, 9.0]), np.array([3.0, 4.0, 5.0])), 9)
    1.0
    """
    a, b = (rankdata(z) for z in (x, y))
    a, b = a - a.mean(), b - b.mean()
    size = math.sqrt(_dot(a, a) * _dot(b, b))
    return _dot(a, b) / size if size > 0 else 0.0


def uniformity(x: Floats) -> float:
    """p-value of "uniform between its smallest and largest" (Kolmogorov & Smirnov)."""
    from scipy.special import kolmogorov

    x = np.sort(x)
    if x[0] == x[-1]:
        return 0.0
    u, n = (x - x[0]) / (x[-1] - x[0]), len(x)
    steps = np.arange(n + 1) / n
    distance = max(float((steps[1:] - u).max()), float((u - steps[:-1]).max()))
    return float(kolmogorov(distance * math.sqrt(n)))


def local_level(x: Floats) -> Floats:
    """What is usual around every row: the largest median of its block of 25 and the two beside it."""
    n = len(x)
    if n < 2 * BLOCK:
        return np.full(n, np.median(x) if n else 0.0)
    blocks = n // BLOCK
    medians = np.median(x[: blocks * BLOCK].reshape(blocks, BLOCK), axis=1)
    beside = np.maximum(np.maximum(medians, np.append(medians[1:], 0.0)), np.append(0.0, medians[:-1]))
    return np.repeat(beside, np.append(np.full(blocks - 1, BLOCK), n - (blocks - 1) * BLOCK))


def grid_of(x: Floats, share: float = 0.995) -> tuple[float, Bools]:
    """The step that `share` of the numbers above 0 are multiples of, and which rows are not; 0 for none.

    Decimals are found first; then the step is the commonest greatest common divisor of small samples, so
    that a few wrong numbers do not matter.

    >>> grid_of(np.array([100.0, 100.25, 101.5, 99.75] * 20))[0]
    0.25
    """
    rng = np.random.default_rng(0)
    probe = x if len(x) <= 20_000 else x[np.sort(rng.integers(0, len(x), 20_000))]
    for decimals in range(DIGITS + 1):
        if _on(probe, 10.0**-decimals).mean() >= share:
            break
    else:
        return 0.0, np.zeros(len(x), np.bool_)
    unit = 10.0**-decimals
    whole = np.round(probe / unit).astype(np.int64)
    samples = [int(np.gcd.reduce(whole[rng.integers(0, len(whole), 60)])) for _ in range(25)]
    for step in sorted(set(samples), key=lambda size: (-samples.count(size), size)):
        fits = _on(x, step * unit)
        if step > 0 and fits.mean() >= share:
            return round(step * unit, DIGITS), ~fits
    return unit, ~_on(x, unit)


def _on(x: Floats, step: float) -> Bools:
    steps = x / step
    # Sums of float64 are off by some 1e-13 of themselves; where that is much of a step, none is to be seen.
    slack = 1e-6 + 1e-13 * np.abs(steps)
    return np.asarray((np.abs(steps - np.round(steps)) < slack) & (slack < 0.05))


def runs_of(mask: Bools) -> tuple[Ints, Ints]:
    """Where runs of True start, and how long they are.

    >>> runs_of(np.array([True, True, False, True]))
    (array([0, 3]), array([2, 1]))
    """
    edges = np.diff(np.concatenate([[0], mask.astype(np.int8), [0]]))
    starts, ends = np.flatnonzero(edges == 1), np.flatnonzero(edges == -1)
    return starts, ends - starts
