"""Missing values filled, and told: a filled value is not a measured one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from bateia.core import Component, DataError, Spans
from bateia.core.events import Bools, Floats
from bateia.models import AnyModel, Dataset
from bateia.preparation.base import FittedStep, by_column


class Impute(Component):
    """NaN becomes the training rows' median, or 0; columns `NAME_missing` say where (1) and where not (0).

    Only a column with missing values in training gets such a flag: from another, a model could learn
    nothing. A column that training never knows is filled with 0. Source: Little & Rubin, "Statistical
    Analysis with Missing Data" (2002), chapter 4.
    """

    kind: Literal["impute"] = "impute"
    fill: Literal["median", "zero"] = "median"
    """What stands for a missing value."""

    def fit(self, data: Dataset, span: Spans, model: AnyModel | None = None) -> FittedImpute:
        """Median of each column, and which had missing values; DataError where a flag's name is taken."""
        missing: Bools = np.asarray(np.isnan(data.X).any(axis=0))
        flags = [f"{name}_missing" for name, had in zip(data.names, missing, strict=True) if had]
        taken = sorted(set(flags) & set(data.names))
        if taken:
            raise DataError(
                f"impute would add the feature {taken[0]!r}, which there is already",
                allowed="names of features without the ending '_missing' of another",
                hint="impute once, or rename that feature",
            )
        value = by_column(data.X, np.median, 0.0) if self.fill == "median" else np.zeros(data.X.shape[1])
        names = tuple(data.names)
        return FittedImpute(self.kind, names, (*names, *flags), value, missing.astype(np.float64))


@dataclass(frozen=True, eq=False)
class FittedImpute(FittedStep):
    """What fills each column (columns,), and 1 for each column with a flag."""

    value: Floats
    flagged: Floats

    def apply(self, X: Floats) -> Floats:
        """X filled, then the flags."""
        missing = np.isnan(X)
        return np.hstack([np.where(missing, self.value, X), missing[:, self.flagged > 0].astype(np.float64)])
