"""How sure a Sharpe ratio is, given its length, its tails and how many were tried.

Every Sharpe ratio here is per period (mean / standard deviation of one period's profits, not annualised).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
import numpy.typing as npt

from bateia.core import ConfigError, DataError
from bateia.core.events import Floats

EULER = 0.5772156649015329
_NORMAL = NormalDist()


@dataclass(frozen=True)
class Moments:
    """Sharpe ratio per period, how many periods, skewness and kurtosis (3 for normal profits)."""

    sharpe: float
    periods: int
    skew: float = 0.0
    kurtosis: float = 3.0

    def __post_init__(self) -> None:
        numbers = (self.sharpe, self.skew, self.kurtosis)
        if self.periods < 2 or not all(map(math.isfinite, numbers)):
            raise ConfigError(
                f"Sharpe ratio {self.sharpe:g} of {self.periods} periods, skew {self.skew:g}, "
                f"kurtosis {self.kurtosis:g}",
                allowed="numbers, and 2 periods or more",
            )
        # No distribution lies beyond this (Pearson's inequality); rounding may touch it.
        if self.kurtosis < self.skew * self.skew + 1 - 1e-9:
            raise ConfigError(
                f"kurtosis {self.kurtosis:g} with skew {self.skew:g}",
                allowed="kurtosis of at least skew^2 + 1",
                hint="kurtosis is 3, not 0, for normal profits",
            )

    @property
    def spread(self) -> float:
        """Standard error of the Sharpe ratio x sqrt(periods - 1)."""
        s = self.sharpe
        return math.sqrt(max(1 - self.skew * s + (self.kurtosis - 1) / 4 * s * s, 0.0))


def moments(profits: npt.ArrayLike) -> Moments:
    """Moments of a series of profits, one a period: standard deviation with ddof 1, the rest without.

    Raises DataError for fewer than 2 periods, anything not finite, or profits that never vary.

    >>> found = moments([1.0, -1.0, 2.0, 0.0])
    >>> round(found.sharpe, 3), round(found.kurtosis, 3)
    (0.387, 1.64)
    """
    x: Floats = np.asarray(profits, np.float64)
    if x.ndim != 1 or len(x) < 2 or not np.isfinite(x).all() or np.ptp(x) == 0:
        raise DataError(
            f"profits of shape {x.shape} that are too few, not finite or all alike",
            allowed="one finite profit a period, at least 2 periods that differ",
        )
    gap = x - x.mean()
    # Scaled first: squares of profits of 1e200 would overflow.
    gap /= np.abs(gap).max()
    variance = float(np.mean(gap**2))
    return Moments(
        sharpe=float(x.mean() / np.std(x, ddof=1)),
        periods=len(x),
        skew=float(np.mean(gap**3)) / variance**1.5,
        kurtosis=float(np.mean(gap**4)) / variance**2,
    )


def probabilistic_sharpe(track: Moments, benchmark: float = 0.0) -> float:
    """PSR: probability that the true Sharpe ratio is above `benchmark`, both per period.

    Profits are taken as independent from period to period; skewness and kurtosis are allowed for.

    Source: Bailey and Lopez de Prado, "The Sharpe Ratio Efficient Frontier", J. Risk 15 (2012), eq. 11.

    >>> monthly = Moments(sharpe=0.458, periods=24, skew=-2.448, kurtosis=10.164)
    >>> round(probabilistic_sharpe(monthly), 3)
    0.913
    """
    gap = (track.sharpe - benchmark) * math.sqrt(track.periods - 1)
    if track.spread == 0:
        return 0.5 if gap == 0 else float(gap > 0)
    return _NORMAL.cdf(gap / track.spread)


def best_of(trials: float) -> float:
    """Expected best of `trials` independent standard normal scores; 0 for a single one.

    Between one and two trials, where the paper's formula falls below 0, a straight line.

    Source: Bailey and Lopez de Prado, "The Deflated Sharpe Ratio", J. Portfolio Management 40 (2014).

    >>> best_of(1), round(best_of(100), 4)
    (0.0, 2.5306)
    """
    if not 1 <= trials < math.inf:
        raise ConfigError(f"{trials:g} trials", allowed="one or more")
    if trials < 2:
        return (trials - 1) * best_of(2)
    inverse = _NORMAL.inv_cdf
    # By symmetry of the normal: exact where 1 - 1/N would round to 1.
    return -(1 - EULER) * inverse(1 / trials) - EULER * inverse(1 / (trials * math.e))


def expected_best_sharpe(trials: float, variance: float) -> float:
    """SR0: what the luckiest of `trials` independent trials without skill is expected to show.

    `variance` is that of the trials' Sharpe ratios, per period as they are.

    Source: Bailey and Lopez de Prado (2014), eq. 1.

    >>> round(expected_best_sharpe(100, 0.5 / 250), 4)
    0.1132
    """
    if not 0 <= variance < math.inf:
        raise ConfigError(f"a variance of {variance:g}", allowed="0 or more")
    return math.sqrt(variance) * best_of(trials)


def deflated_sharpe(track: Moments, trials: float, variance: float) -> float:
    """DSR: probability that the true Sharpe ratio is above what the best of `trials` shows by luck.

    Source: Bailey and Lopez de Prado (2014), eq. 2, and its worked example:

    >>> found = Moments(sharpe=2.5 / 250**0.5, periods=1250, skew=-3, kurtosis=10)
    >>> round(deflated_sharpe(found, trials=100, variance=0.5 / 250), 4)
    0.9004
    """
    return probabilistic_sharpe(track, expected_best_sharpe(trials, variance))


def min_track_record(track: Moments, benchmark: float = 0.0, confidence: float = 0.95) -> float:
    """Periods after which a Sharpe ratio like this one is above `benchmark` at `confidence`.

    Infinite where it is not above it at all.

    Source: Bailey and Lopez de Prado (2012), eq. 13; a Sharpe ratio of 2 against 1, daily, takes 2.73 years:

    >>> daily = Moments(sharpe=2 / 252**0.5, periods=252)
    >>> round(min_track_record(daily, benchmark=1 / 252**0.5) / 252, 2)
    2.73
    """
    if not 0.5 < confidence < 1:
        raise ConfigError(f"a confidence of {confidence:g}", allowed="above 0.5 and below 1", hint="0.95")
    if track.sharpe <= benchmark:
        return math.inf
    return 1 + (track.spread * _NORMAL.inv_cdf(confidence) / (track.sharpe - benchmark)) ** 2


def min_backtest_length(trials: float, sharpe: float) -> float:
    """Periods below which the best of `trials` without skill is expected to show `sharpe` or more.

    The unit is that of `sharpe`: an annualised one gives years.

    Source: Bailey, Borwein, Lopez de Prado and Zhu, "Pseudo-Mathematics and Financial Charlatanism",
    Notices of the AMS 61 (2014), theorem 1: 45 trials need about 5 years for a Sharpe ratio of 1.

    >>> round(min_backtest_length(45, 1.0), 1)
    5.0
    """
    if not 0 < sharpe < math.inf:
        raise ConfigError(f"a Sharpe ratio of {sharpe:g}", allowed="above 0")
    return (best_of(trials) / sharpe) ** 2
