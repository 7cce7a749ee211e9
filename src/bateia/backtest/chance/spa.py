"""Is the best of many trials better than the benchmark, or only the best of many?"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from bateia.backtest.bootstrap import DRAWS
from bateia.backtest.chance.matrix import (
    joint_block,
    long_run_variance,
    profit_matrix,
    resampled_means,
    varies,
)
from bateia.core import ConfigError
from bateia.core.events import Floats
from bateia.kernels.resample import best_scores

_FEWEST = 8


@dataclass(frozen=True)
class Superior:
    """p-values of "no trial is better than the benchmark": small ones say that some trial is.

    A p-value is (1 + draws at or beyond what was seen) / (1 + draws), never 0.
    """

    consistent: float
    """Hansen's p-value: clearly bad trials do not count."""
    lower: float
    """Liberal bound: only trials above the benchmark could have been lucky."""
    upper: float
    """Conservative bound: every trial might be as good as the benchmark."""
    reality_check: float
    """White's p-value: profits as they are, not divided by their own error."""
    statistic: float
    """The greatest t-value of a mean profit over the benchmark; 0 where none is above it."""
    best: int
    """The column that has it."""
    block: float
    """Mean block length of the bootstrap, periods."""
    draws: int


def superior(
    profits: npt.ArrayLike,
    benchmark: npt.ArrayLike = 0.0,
    *,
    draws: int = DRAWS,
    seed: int = 0,
    block: float | None = None,
    indices: npt.ArrayLike | None = None,
    studentize: bool = True,
) -> Superior:
    """Hansen's test of superior predictive ability and White's reality check, by stationary bootstrap.

    `profits` (periods, trials) against `benchmark`: one profit a period, or 0 for staying out. `block` is
    the mean block length in periods, by default `joint_block` of the differences; `indices` (draws, periods)
    replaces the bootstrap's own rows. A trial whose difference never varies (it never traded) has no say.
    `studentize=False` leaves the three SPA p-values in currency.

    Raises DataError for fewer than 8 periods, ConfigError for a benchmark of another length.

    Source: White, "A Reality Check for Data Snooping", Econometrica 68 (2000); Hansen, "A Test for Superior
    Predictive Ability", J. Business & Economic Statistics 23 (2005).

    >>> rng = np.random.default_rng(0)
    >>> generated_noise = rng.normal(size=(500, 10))
    >>> superior(generated_noise).consistent > 0.05
    True
    >>> superior(generated_noise + 0.2).consistent
    0.000499...
    """
    x = profit_matrix(profits, periods=_FEWEST)
    against = np.asarray(benchmark, np.float64)
    if against.shape not in ((), (len(x),)) or not np.isfinite(against).all():
        raise ConfigError(
            f"a benchmark of shape {against.shape}", allowed=f"{len(x)} finite profits, or one number"
        )
    gap = x - against.reshape(-1, 1)
    if block is None:
        block = joint_block(gap)
    means = resampled_means(gap, draws, seed, block, indices)
    mean, variance = gap.mean(axis=0), long_run_variance(gap, block)
    use = varies(gap) & (variance > 0)
    root = math.sqrt(len(gap))
    scale = np.divide(root, np.sqrt(variance), out=np.zeros(len(mean)), where=use)
    plain = np.full(len(mean), root)
    # A trial further below the benchmark than this is bad beyond doubt (law of the iterated logarithm).
    doubt = -np.sqrt(2 * math.log(math.log(len(gap))) * variance) / root
    centres = {
        "consistent": np.where(mean >= doubt, mean, 0.0),
        "lower": np.maximum(mean, 0.0),
        "upper": mean,
    }
    chosen = scale if studentize else plain
    values = {
        name: _p_value(means, mean, centre, chosen, use, 0.0 if studentize else -np.inf)
        for name, centre in centres.items()
    }
    scores = np.where(use, mean * chosen, -np.inf)
    best = int(np.argmax(scores))
    return Superior(
        **values,
        reality_check=_p_value(means, mean, mean, plain, use, -np.inf),
        statistic=max(float(scores[best]), 0.0),
        best=best,
        block=float(block),
        draws=draws,
    )


def _p_value(
    means: Floats, mean: Floats, centre: Floats, scale: Floats, use: npt.NDArray[np.bool_], low: float
) -> float:
    if not use.any():
        return 1.0
    luck = np.empty(len(means))
    best_scores(means, centre, scale, use, low, luck)
    seen = max(low, float(np.max((mean * scale)[use])))
    return (1 + int(np.sum(luck >= seen))) / (1 + len(means))
