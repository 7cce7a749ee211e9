"""A value and what chance could have made of it, as an `Estimate`."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from bateia.backtest.bootstrap import bootstrap, draws_for, interval
from bateia.backtest.numbers import UNKNOWN, Bounds, Estimate
from bateia.core.events import Floats


def estimate(value: float | None, bounds: Bounds | None) -> Estimate:
    """An estimate from a value and its interval; unknown where the value is.

    >>> estimate(1.0, (0.5, 1.5)).high, estimate(float("nan"), (0.0, 1.0)).low
    (1.5, None)
    """
    if value is None or not math.isfinite(value):
        return UNKNOWN
    low, high = bounds or (None, None)
    return Estimate(value=value, low=low, high=high)


def mean(values: Floats, draws: int | None = None, seed: int = 0) -> Estimate:
    """The mean of rows in time order."""
    if not len(values):
        return UNKNOWN
    return linear(float(np.mean(values)), values - np.mean(values), draws, seed)[0]


def linear(
    value: float, influence: Floats, draws: int | None = None, seed: int = 0
) -> tuple[Estimate, float]:
    """A statistic from the bootstrapped mean of its influence on each row, and the mean block length."""
    if not math.isfinite(value):
        return UNKNOWN, 1.0
    # Rows that all pull alike (one trip, a constant score) say nothing about chance: no interval.
    if not varies(influence):
        return Estimate(value=value), 1.0
    drawn = bootstrap(influence, draws_for(len(influence), draws), seed)
    bounds = interval(drawn.mean)
    return estimate(value, bounds and (value + bounds[0], value + bounds[1])), drawn.block


def varies(values: Floats) -> bool:
    """Whether there are different values: without them, chance cannot be measured."""
    return len(values) > 1 and bool(np.ptp(values) > 0)


def quotient(over: Floats, under: Floats) -> Floats:
    """Row by row; NaN where `under` is not above 0."""
    rows: Floats = np.divide(over, under, out=np.full(len(over), np.nan), where=under > 0)
    return rows


def number(value: Any) -> float | None:
    """A float, or None where it is not finite."""
    return float(value) if math.isfinite(value) else None
