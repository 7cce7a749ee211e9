"""Principal components: fewer columns, none correlated with another in training."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Self

import numpy as np
from pydantic import Field, model_validator

from bateia.core import Component, DataError, Spans
from bateia.core.events import Floats
from bateia.models import AnyModel, Dataset
from bateia.preparation.base import WIDEST, FittedStep, gram


class PCA(Component):
    """Features become their principal components `pca_1`, `pca_2`, ..., largest variance first.

    Columns are centred, not scaled: put `standard` before it where their units differ. The sign of a
    component makes its largest loading (the first of equal ones) positive. Training rows must be complete;
    a row with a missing value later has unknown components. Source: Jolliffe, "Principal Component
    Analysis" (2002), chapters 2 and 6.
    """

    kind: Literal["pca"] = "pca"
    components: int | None = Field(default=None, ge=1)
    """How many to keep; or leave it to `share`."""
    share: float | None = Field(default=None, gt=0.0, le=1.0)
    """Keep as many as explain this share of the variance; 0.95 where neither is given."""

    @model_validator(mode="after")
    def _one(self) -> Self:
        if self.components is not None and self.share is not None:
            raise ValueError("components and share; allowed: one of them")
        return self

    def fit(self, data: Dataset, span: Spans, model: AnyModel | None = None) -> FittedPCA:
        """Eigenvectors of the covariance; DataError where a value is missing or components are too many."""
        self._check(data)
        centre = data.X.mean(axis=0)
        Z = data.X - centre
        variance, vectors = np.linalg.eigh(gram(Z) / len(Z))
        variance, vectors = np.maximum(variance[::-1], 0.0), vectors[:, ::-1]
        kept = self.components or self._enough(variance)
        loadings = _signed(vectors[:, :kept].T)
        names = tuple(f"pca_{number}" for number in range(1, kept + 1))
        explained = variance[:kept] / (variance.sum() or 1.0)
        return FittedPCA(self.kind, tuple(data.names), names, centre, loadings, explained)

    def _check(self, data: Dataset) -> None:
        missing = np.isnan(data.X)
        if missing.any():
            column = int(missing.any(axis=0).argmax())
            raise DataError(
                f"pca of rows with missing values: {data.names[column]!r} and "
                f"{int(missing.any(axis=0).sum()) - 1} more features have some in training",
                allowed="complete rows",
                hint="impute before pca",
            )
        most = min(data.X.shape)
        if (self.components or 1) > most:
            raise DataError(
                f"pca of {self.components} components from {data.X.shape[1]} features in {len(data)} rows",
                allowed=f"1 to {most}",
                hint="fewer components, or share: 0.95",
            )

    def _enough(self, variance: Floats) -> int:
        """The fewest components that explain the share."""
        wanted = (self.share or 0.95) * variance.sum()
        # Rounding must not ask for a component that explains nothing.
        return min(int(np.sum(np.cumsum(variance) < wanted * (1.0 - 1e-12))) + 1, len(variance))


@dataclass(frozen=True, eq=False)
class FittedPCA(FittedStep):
    """Means (columns,), loadings (components, columns) and the share of variance each explains."""

    centre: Floats
    loadings: Floats
    explained: Floats

    def apply(self, X: Floats) -> Floats:
        """The components of each row."""
        shift, out = np.clip(X - self.centre, -WIDEST, WIDEST), np.zeros((len(X), len(self.loadings)))
        # Summed feature by feature: a matrix product's last bits depend on how many rows it is given.
        for column, loading in enumerate(self.loadings.T):
            out += shift[:, column, None] * loading
        return np.clip(out, -WIDEST, WIDEST)


def _signed(loadings: Floats) -> Floats:
    """Rows whose largest loading is positive; nearly equal ones count as equal, the first decides."""
    size = np.abs(loadings)
    first = np.argmax(size >= size.max(axis=1, keepdims=True) * (1.0 - 1e-9), axis=1)
    flipped: Floats = loadings * np.where(loadings[np.arange(len(loadings)), first] < 0, -1.0, 1.0)[:, None]
    return flipped
