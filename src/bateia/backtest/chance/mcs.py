"""Model confidence set: the trials that the data cannot tell from the best."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from bateia.backtest.bootstrap import DRAWS
from bateia.backtest.chance.matrix import joint_block, profit_matrix, resampled_means
from bateia.core import ConfigError
from bateia.core.events import Floats, Ints
from bateia.kernels.resample import elimination, exceedances, pair_scales

_FEWEST = 8


@dataclass(frozen=True, eq=False)
class ConfidenceSet:
    """Who is dropped when, worst first, and how surely; arrays follow the columns unless said."""

    order: Ints
    """Columns from the first one dropped to the last survivor."""
    p_range: Floats
    """Of each column, by the range statistic: dropped at any level above it."""
    p_squares: Floats
    """Of each column, by the semi-quadratic statistic."""
    block: float
    draws: int

    def members(self, level: float = 0.05, *, statistic: str = "range") -> Ints:
        """Columns that hold the best with probability 1 - `level`.

        >>> rng = np.random.default_rng(0)
        >>> generated_noise = rng.normal(size=(500, 4)) + [0.0, 1.0, 1.0, 0.0]
        >>> confidence_set(generated_noise).members().tolist()
        [1, 2]
        """
        values = {"range": self.p_range, "squares": self.p_squares}
        if statistic not in values or not 0 < level < 1:
            raise ConfigError(
                f"statistic {statistic!r} at level {level:g}", allowed="range or squares, between 0 and 1"
            )
        return np.flatnonzero(values[statistic] >= level)


def confidence_set(
    profits: npt.ArrayLike,
    *,
    draws: int = DRAWS,
    seed: int = 0,
    block: float | None = None,
    indices: npt.ArrayLike | None = None,
) -> ConfidenceSet:
    """Model confidence set of `profits` (periods, trials): more profit is better.

    Equal ability is tested among all, the worst trial is dropped, and so on; a trial's p-value is the
    greatest one so far. Both the range statistic max |t| and the semi-quadratic one, the sum of t^2 over
    pairs, drop the trial with the largest t-value against any other (rule e_R). Since that order knows no
    p-value, the sets are built from the last survivor backwards and every pair is looked at once:
    periods x trials x draws, plus trials^2 x draws / 2.

    `block` and `indices` as in `superior`. Raises DataError for fewer than 8 periods or 2 trials.

    Source: Hansen, Lunde and Nason, "The Model Confidence Set", Econometrica 79 (2011), section 3.1.2; the
    semi-quadratic statistic from the same authors, Oxford Bulletin of Economics and Statistics 65 (2003).
    """
    x = profit_matrix(profits, periods=_FEWEST, trials=2)
    if block is None:
        block = joint_block(x)
    mean = x.mean(axis=0)
    centred = np.ascontiguousarray((resampled_means(x, draws, seed, block, indices) - mean).T)
    n = x.shape[1]
    scale = np.empty((n, n))
    pair_scales(centred, scale)
    order, largest, squares = np.empty(n, np.int64), np.empty(n), np.empty(n)
    elimination(mean, scale, order, largest, squares)
    beyond = np.empty((n, 2), np.int64)
    exceedances(centred, scale, order, largest, squares, beyond)
    by_step = np.maximum.accumulate((1 + beyond) / (1 + draws), axis=0)
    # The last survivor is never tested.
    by_step[-1] = 1.0
    p = np.empty((n, 2))
    p[order] = by_step
    return ConfidenceSet(order, p[:, 0].copy(), p[:, 1].copy(), float(block), draws)
