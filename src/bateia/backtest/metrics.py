"""From a backtest and its scores to the numbers of the run, each with its uncertainty."""

from __future__ import annotations

import numpy.typing as npt

from bateia.backtest.drawdown import max_drawdown
from bateia.backtest.financial import financial, periods_per_year
from bateia.backtest.numbers import Metrics
from bateia.backtest.path import sharpe_ratio
from bateia.backtest.predictive import calibration, predictive, return_by_decile
from bateia.backtest.simulate import Backtest
from bateia.core import Bars

__all__ = [
    "calibration",
    "financial",
    "max_drawdown",
    "measure",
    "periods_per_year",
    "predictive",
    "return_by_decile",
    "sharpe_ratio",
]


def measure(
    backtest: Backtest,
    score: npt.ArrayLike | None = None,
    value: npt.ArrayLike | None = None,
    ret: npt.ArrayLike | None = None,
    *,
    probability: npt.ArrayLike | None = None,
    bars: Bars | None = None,
    draws: int | None = None,
    seed: int = 0,
) -> Metrics:
    """All numbers of a backtest; the predictive ones only where score, label value and return are given.

    `bars`, those that were traded, are for the capacity. `draws`: see `draws_for`.
    """
    skill = None
    if score is not None and value is not None and ret is not None:
        skill = predictive(score, value, ret, probability=probability, draws=draws, seed=seed)
    return Metrics(predictive=skill, financial=financial(backtest, bars=bars, draws=draws, seed=seed))
