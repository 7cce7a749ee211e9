"""Columns on one scale: by mean and deviation, by median and quartiles, or by rank."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from pydantic import Field

from bateia.core import Component, Spans
from bateia.core.events import Floats
from bateia.models import AnyModel, Dataset
from bateia.preparation.base import WIDEST, FittedStep, by_column

_ROUNDING = 10 * float(np.finfo(np.float64).eps)
"""A spread below this share of a column's size is rounding: the column is constant."""
_EDGE = 1e-7
"""A rank is held within [_EDGE, 1 - _EDGE] before it becomes a normal value, so within 5.2 deviations."""


class Standard(Component):
    """(x - mean) / deviation, both of the training rows.

    NaN stays NaN and counts for nothing; a column that is constant in training becomes 0. Scaling over a
    moving window is a feature expression, `zscore(x, n)`.
    """

    kind: Literal["standard"] = "standard"

    def fit(self, data: Dataset, span: Spans, model: AnyModel | None = None) -> FittedScale:
        """Mean and population deviation of each column."""
        centre = by_column(data.X, np.mean, 0.0)
        return FittedScale(self.kind, *_same(data), centre, by_column(data.X, _deviation, 0.0))


class Robust(Component):
    """(x - median) / interquartile range, both of the training rows: outliers do not move the scale.

    NaN stays NaN; a constant column becomes 0. Where the quartiles are equal and the column is not
    constant (mostly 0, say), the deviation takes their place.
    """

    kind: Literal["robust"] = "robust"

    def fit(self, data: Dataset, span: Spans, model: AnyModel | None = None) -> FittedScale:
        """Median and quartiles of each column."""
        centre = by_column(data.X, np.median, 0.0)
        return FittedScale(self.kind, *_same(data), centre, by_column(data.X, _quartiles, 0.0))


class Quantile(Component):
    """A value's rank among the training rows, 0..1, or the normal value of that rank.

    Ranks are read off a grid of quantiles, straight lines between them; a value that stands for a stretch
    of equal ones gets its middle. Beyond the training rows the rank is 0 or 1. NaN stays NaN; a constant
    column becomes 0. Source: Conover, "Practical Nonparametric Statistics" (1999), section 5.10, for
    normal scores.
    """

    kind: Literal["quantile"] = "quantile"
    to: Literal["uniform", "normal"] = "uniform"
    """The distribution that each column gets."""
    levels: int = Field(default=200, ge=2)
    """Points of the grid; at most as many as there are training rows."""

    def fit(self, data: Dataset, span: Spans, model: AnyModel | None = None) -> FittedQuantile:
        """The grid of each column."""
        level = np.linspace(0.0, 1.0, max(min(self.levels, len(data)), 2))
        grid = by_column(data.X, lambda x: np.maximum.accumulate(np.quantile(x, level)), np.zeros(len(level)))
        return FittedQuantile(self.kind, *_same(data), grid, level, np.array(float(self.to == "normal")))


@dataclass(frozen=True, eq=False)
class FittedScale(FittedStep):
    """Centre and scale (columns,); a scale of 0 marks a constant column."""

    centre: Floats
    scale: Floats

    def apply(self, X: Floats) -> Floats:
        """(X - centre) / scale."""
        spread = self.scale > 0
        with np.errstate(over="ignore"):
            Z = (X - self.centre) / np.where(spread, self.scale, 1.0)
        # Times 0 rather than 0: an unknown value stays unknown. Plus 0: no -0.
        scaled: Floats = np.clip(Z, -WIDEST, WIDEST) * spread + 0.0
        return scaled


@dataclass(frozen=True, eq=False)
class FittedQuantile(FittedStep):
    """Values of the grid (columns, levels), the levels, and 1 where ranks become normal values."""

    grid: Floats
    level: Floats
    normal: Floats

    def apply(self, X: Floats) -> Floats:
        """The rank of each value in its column."""
        from scipy.special import ndtri

        # Grid points below each value, and those that are not above it.
        below, upto = np.empty(X.shape, np.int64), np.empty(X.shape, np.int64)
        for column, grid in enumerate(self.grid):
            below[:, column] = grid.searchsorted(X[:, column], "left")
            upto[:, column] = grid.searchsorted(X[:, column], "right")
        last, each = len(self.level) - 1, np.arange(X.shape[1])
        # Points on both sides: their middle where the value is one of them, else the line between them.
        left, right = np.clip(upto - 1, 0, last), np.clip(below, 0, last)
        low, high = self.grid[each, left], self.grid[each, right]
        with np.errstate(invalid="ignore"):
            share = np.where(upto > below, 0.5, (X - low) / np.where(high > low, high - low, 1.0))
        rank = self.level[left] + np.clip(share, 0.0, 1.0) * (self.level[right] - self.level[left])
        out = ndtri(np.clip(rank, _EDGE, 1.0 - _EDGE)) if self.normal else rank
        return np.where(np.isnan(X), np.nan, np.where(self.grid[:, 0] == self.grid[:, -1], 0.0, out))


def _same(data: Dataset) -> tuple[tuple[str, ...], tuple[str, ...]]:
    return tuple(data.names), tuple(data.names)


def _deviation(x: Floats) -> float:
    deviation = float(np.std(x))
    return deviation if deviation > _ROUNDING * float(np.abs(x).max()) else 0.0


def _quartiles(x: Floats) -> float:
    low, high = np.quantile(x, (0.25, 0.75))
    spread = float(high - low)
    return spread if spread > _ROUNDING * float(np.abs(x).max()) else _deviation(x)
