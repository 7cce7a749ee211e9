"""Profits of many trials side by side: checked, resampled, and their own memory."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from bateia.backtest.bootstrap import optimal_block
from bateia.core import ConfigError, DataError
from bateia.core.events import Bools, Floats, Ints
from bateia.kernels.resample import counts, stationary_indices, weighted_sums

_AT_ONCE = 64
"""Draws whose rows are held in memory at a time."""


def profit_matrix(profits: npt.ArrayLike, *, periods: int = 2, trials: int = 1) -> Floats:
    """`profits` as a contiguous (periods, trials) array.

    Raises DataError for another shape, too few periods or trials, or anything not finite.

    >>> profit_matrix([[1, 2], [3, 4]]).shape
    (2, 2)
    """
    x = np.ascontiguousarray(profits, np.float64)
    if x.ndim != 2 or x.shape[0] < periods or x.shape[1] < trials:
        raise DataError(
            f"profits of shape {x.shape}",
            allowed=f"(periods, trials) with at least {periods} periods and {trials} trials",
        )
    broken = np.argwhere(~np.isfinite(x))
    if len(broken):
        t, k = broken[0]
        raise DataError(
            f"the profit of trial {k} in period {t} is {x[t, k]}",
            allowed="finite numbers",
            hint="0 for a period without a position",
        )
    return x


def varies(x: Floats) -> Bools:
    """Which columns are not one number throughout: a trial that never traded has no chance to be lucky."""
    found: Bools = np.ptp(x, axis=0) > 0
    return found


def joint_block(x: Floats) -> int:
    """One mean block length in periods for all trials: the median of what suits each.

    The rows are resampled together, so that trials keep their correlation.
    """
    lengths = [optimal_block(column) for column in np.ascontiguousarray(x.T)]
    return math.ceil(float(np.median(lengths)))


def resampled_means(
    x: Floats, draws: int, seed: int = 0, block: float = 1.0, indices: npt.ArrayLike | None = None
) -> Floats:
    """Means of each column over resampled rows (draws, trials); the same seed gives the same bits.

    `indices` (draws, periods), where given, names the rows instead of the stationary bootstrap. Raises
    ConfigError for no draws, a block below 1, or indices of another shape or beyond the rows.

    >>> resampled_means(np.ones((5, 2)), draws=1).tolist()
    [[1.0, 1.0]]
    """
    n = len(x)
    if draws < 1 or not block >= 1:
        raise ConfigError(f"{draws} draws of blocks of {block:g}", allowed="one or more of each")
    given = None if indices is None else np.ascontiguousarray(indices, np.int64)
    if given is not None and (given.shape != (draws, n) or given.min() < 0 or given.max() >= n):
        raise ConfigError(f"indices of shape {given.shape}", allowed=f"({draws}, {n}) rows from 0 to {n - 1}")
    out = np.empty((draws, x.shape[1]))
    for first in range(0, draws, _AT_ONCE):
        last = min(first + _AT_ONCE, draws)
        if given is None:
            rows: Ints = np.empty((last - first, n), np.int64)
            stationary_indices(float(block), seed, first, rows)
        else:
            rows = given[first:last]
        weights = np.empty((n, last - first))
        counts(rows, weights)
        weighted_sums(weights, x, out[first:last])
    out /= n
    return out


def long_run_variance(x: Floats, block: float) -> Floats:
    """Variance of sqrt(periods) x the stationary bootstrap's mean of each column, in closed form.

    Source: Politis and Romano (1994), lemma 1, as Hansen (2005), section 3.1, uses it.

    >>> long_run_variance(np.array([[1.0], [-1.0], [1.0], [-1.0]]), block=1.0).tolist()
    [1.0]
    """
    n = len(x)
    centred = x - x.mean(axis=0)
    if block <= 1:
        variance: Floats = np.mean(centred**2, axis=0)
        return variance
    size = 1 << (2 * n - 1).bit_length()
    power = np.abs(np.fft.rfft(centred, size, axis=0)) ** 2
    covariance = np.fft.irfft(power, size, axis=0)[:n] / n
    lag, stay = np.arange(n), 1 - 1 / block
    weight = 2 * ((1 - lag / n) * stay**lag + lag / n * stay ** (n - lag))
    weight[0] = 1
    # The sum can round below 0 where a column cancels itself.
    found: Floats = np.maximum(np.sum(weight[:, None] * covariance, axis=0), 0.0)
    return found
