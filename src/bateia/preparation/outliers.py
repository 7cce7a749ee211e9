"""Wild values brought back: beyond quantiles of training, or beyond so many deviations of its median."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Self

import numpy as np
from pydantic import Field, model_validator

from bateia.core import Component, Spans
from bateia.core.events import Floats
from bateia.models import AnyModel, Dataset
from bateia.preparation.base import WIDEST, FittedStep, by_column

_NORMAL = 1.4826
"""Deviations of a normal variable in one median absolute deviation: 1 / ndtri(0.75)."""
_UNBOUNDED = np.array([-WIDEST, WIDEST, -WIDEST, WIDEST])


class Winsorise(Component):
    """Values beyond two quantiles of the training rows become those quantiles.

    NaN stays NaN. Source: Dixon, "Simplified Estimation from Censored Normal Samples", Annals of
    Mathematical Statistics 31 (1960).
    """

    kind: Literal["winsorise"] = "winsorise"
    lower: float = Field(default=0.01, ge=0.0, le=1.0)
    """Quantile below which values are raised to it."""
    upper: float = Field(default=0.99, ge=0.0, le=1.0)
    """Quantile above which values are lowered to it."""

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if not self.lower < self.upper:
            raise ValueError(f"lower {self.lower:g} and upper {self.upper:g}; allowed: lower < upper")
        return self

    def fit(self, data: Dataset, span: Spans, model: AnyModel | None = None) -> FittedBounds:
        """The two quantiles of each column."""
        names = tuple(data.names)
        return FittedBounds(self.kind, names, names, by_column(data.X, self._bounds, _UNBOUNDED))

    def _bounds(self, x: Floats) -> Floats:
        low, high = np.quantile(x, (self.lower, self.upper))
        return np.array([low, high, low, high])


class Hampel(Component):
    """Values further than k deviations from the training rows' median come back to that bound.

    A deviation is 1.4826 times the median absolute deviation. NaN stays NaN. A column whose median absolute
    deviation is 0 (more than half its values are equal) has no such scale and is left as it is. Source:
    Hampel, "The Influence Curve and its Role in Robust Estimation", JASA 69 (1974).
    """

    kind: Literal["hampel"] = "hampel"
    k: float = Field(default=3.0, gt=0.0)
    """How many deviations are too many."""
    to: Literal["bound", "median"] = "bound"
    """Where a wild value goes."""

    def fit(self, data: Dataset, span: Spans, model: AnyModel | None = None) -> FittedBounds:
        """Median and median absolute deviation of each column."""
        names = tuple(data.names)
        return FittedBounds(self.kind, names, names, by_column(data.X, self._bounds, _UNBOUNDED))

    def _bounds(self, x: Floats) -> Floats:
        median = float(np.median(x))
        reach = self.k * _NORMAL * float(np.median(np.abs(x - median)))
        if reach == 0:
            return _UNBOUNDED
        low, high = median - reach, median + reach
        return np.array([low, high, *((low, high) if self.to == "bound" else (median, median))])


@dataclass(frozen=True, eq=False)
class FittedBounds(FittedStep):
    """Per column (columns, 4): lower and upper bound, and what a value below or above them becomes."""

    bounds: Floats

    def apply(self, X: Floats) -> Floats:
        """X within the bounds."""
        lower, upper, below, above = self.bounds.T
        return np.where(lower > X, below, np.where(upper < X, above, X))
