"""How far chance alone could have moved a mean or a Sharpe ratio."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from bateia.core import ConfigError
from bateia.core.events import Floats, Ints
from bateia.kernels.bootstrap import bootstrap_account, bootstrap_columns, stationary_bootstrap

DRAWS = 2_000
LEVEL = 0.95
ROWS = 1 << 25
"""Rows drawn at most for one interval: beyond 16,777 rows there are fewer than 2,000 draws."""
FEWEST = 200


@dataclass(frozen=True, eq=False)
class Draws:
    """Means and Sharpe ratios (mean / standard deviation, per row, not annualised) of the resamples."""

    mean: Floats
    sharpe: Floats
    block: float


def bootstrap(values: npt.ArrayLike, draws: int = DRAWS, seed: int = 0, block: float | None = None) -> Draws:
    """Stationary bootstrap of a series in time order; the same seed gives the same bits.

    `block` is the mean block length in rows, by default `optimal_block(values)`. A resample without any
    spread has a Sharpe ratio of NaN. Raises ConfigError for no rows, no draws or a block below 1.

    Source: Politis and Romano, "The Stationary Bootstrap", JASA 89 (1994).

    >>> bootstrap([1.0, 1.0, 1.0], draws=2).mean.tolist()
    [1.0, 1.0]
    """
    x: Floats = np.ascontiguousarray(values, np.float64)
    if not len(x) or draws < 1:
        raise ConfigError(f"{len(x)} rows and {draws} draws", allowed="at least one of each")
    if block is None:
        block = optimal_block(x)
    if not block >= 1:
        raise ConfigError(f"block is {block:g}", allowed="a mean length of 1 row or more")
    mean, std = np.empty(draws), np.empty(draws)
    stationary_bootstrap(x, float(block), seed, mean, std)
    return Draws(mean, _sharpe(mean, std, x), float(block))


def draws_for(rows: int, draws: int | None = None) -> int:
    """`draws` where given, else 2,000, or as many (200 at least) as a long series leaves time for.

    >>> draws_for(5_000), draws_for(100_000), draws_for(100_000, 2_000)
    (2000, 335, 2000)
    """
    return max(FEWEST, min(DRAWS, ROWS // max(rows, 1))) if draws is None else draws


def column_means(columns: Floats, block: float, draws: int = DRAWS, seed: int = 0) -> Floats:
    """Means of `columns` (rows, k) in the same resamples: (draws, k), in one pass.

    >>> column_means(np.array([[1.0, 2.0], [1.0, 2.0]]), 1.0, draws=1).tolist()
    [[1.0, 2.0]]
    """
    x: Floats = np.ascontiguousarray(columns, np.float64)
    mean = np.empty((draws, x.shape[1]))
    centre = x.mean(0)
    # Running sums of what is left without the mean stay small, and so does their rounding.
    bootstrap_columns(x - centre, float(block), seed, mean)
    mean += centre
    return mean


@dataclass(frozen=True, eq=False)
class AccountDraws:
    """What resamples of profits per bar would have shown, an array of a number a draw each.

    `sharpe` per bar; `downside` root mean square of losses; `below` and `within` shares at most the two
    quantiles asked about; `shortfall` mean of min(profit - the lower one, 0); `fall` deepest drawdown;
    `longest` drawdown in bars.
    """

    mean: Floats
    sharpe: Floats
    downside: Floats
    below: Floats
    within: Floats
    shortfall: Floats
    fall: Floats
    longest: Ints


def account_draws(
    profits: Floats, low: float, high: float, draws: int = DRAWS, seed: int = 0
) -> AccountDraws:
    """One pass of the stationary bootstrap over profits per bar; `mean` and `sharpe` are `bootstrap`'s."""
    x: Floats = np.ascontiguousarray(profits, np.float64)
    mean, std, downside, below, within, shortfall, fall = (np.empty(draws) for _ in range(7))
    longest = np.empty(draws, np.int64)
    block = float(optimal_block(x))
    bootstrap_account(x, low, high, block, seed, mean, std, downside, below, within, shortfall, fall, longest)
    return AccountDraws(mean, _sharpe(mean, std, x), downside, below, within, shortfall, fall, longest)


def _sharpe(mean: Floats, std: Floats, x: Floats) -> Floats:
    # A resample of one value over and over has a deviation of 0, or of what rounding leaves of it.
    noise = 1e-7 * np.maximum(np.abs(mean), np.abs(mean - x.mean()))
    sharpe: Floats = np.divide(mean, std, out=np.full(len(mean), np.nan), where=std > noise)
    return sharpe


def interval(draws: Floats, level: float = LEVEL) -> tuple[float, float] | None:
    """The central `level` of the draws; None where fewer than half of them are numbers."""
    known = draws[np.isfinite(draws)]
    if 2 * len(known) <= len(draws):
        return None
    low, high = np.quantile(known, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def optimal_block(values: npt.ArrayLike) -> int:
    """Mean block length in rows that suits the series' own memory: 1 for noise, longer for overlap.

    Source: Politis and White, Econometric Reviews 23 (2004), corrected by Patton, Politis and White (2009).

    >>> optimal_block([0.0] * 10)
    1
    """
    x: Floats = np.asarray(values, np.float64)
    n = len(x)
    if n < 8 or np.ptp(x) == 0.0:
        return 1
    window = max(5, math.ceil(math.sqrt(math.log10(n))))
    furthest = min(math.ceil(math.sqrt(n)) + window, n - 1)
    covariance = _autocovariance(x, furthest)
    small = np.abs(covariance[1:] / covariance[0]) < 2 * math.sqrt(math.log10(n) / n)
    runs = np.convolve(small, np.ones(window), "valid") if len(small) >= window else np.zeros(0)
    quiet = np.flatnonzero(runs == window)
    memory = int(quiet[0]) if len(quiet) else furthest
    reach = min(2 * memory, furthest)
    lag = np.arange(1, reach + 1)
    # The flat-top taper: 1 up to half the reach, then down to 0.
    taper = np.clip(2 * (1 - lag / max(reach, 1)), 0, 1)
    slope = 2 * float(np.sum(taper * lag * covariance[1 : reach + 1]))
    spectrum = float(covariance[0] + 2 * np.sum(taper * covariance[1 : reach + 1]))
    if spectrum <= 0:
        return int(min(math.ceil(3 * math.sqrt(n)), n // 3))
    best: float = (slope * slope / (spectrum * spectrum)) ** (1 / 3) * n ** (1 / 3)
    return max(1, min(round(best), math.ceil(min(3 * math.sqrt(n), n / 3))))


def _autocovariance(x: Floats, lags: int) -> Floats:
    # By FFT: numpy's own transform gives the same bits whatever the number of threads.
    centred = x - x.mean()
    size = 1 << (2 * len(x) - 1).bit_length()
    power = np.abs(np.fft.rfft(centred, size)) ** 2
    covariance: Floats = np.fft.irfft(power, size)[: lags + 1] / len(x)
    return covariance
