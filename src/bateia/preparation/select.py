"""The best features, by what they are worth in training."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from pydantic import Field

from bateia.core import Component, ConfigError, Spans
from bateia.core.events import Floats, Ints
from bateia.models import AnyModel, Dataset
from bateia.preparation.base import FittedStep
from bateia.preparation.importance import Measure, clusters, mean_decrease, mutual_information


class Select(Component):
    """The k best features, in the order they came; all of them where there are no more than k.

    `mda` asks the recipe's model on purged inner folds what it loses without each (slow, and sees features
    that matter together); `mutual_information` asks each feature alone (fast); `redundancy` parts the
    features into k clusters of a like rank order and keeps the one with most information of each. Of equal
    ones the first is kept. Sources: see `bateia.preparation.importance`.
    """

    kind: Literal["select"] = "select"
    by: Literal["mda", "mutual_information", "redundancy"] = "mda"
    """What a feature is worth."""
    k: int = Field(default=20, ge=1)
    """How many to keep."""
    folds: int = Field(default=3, ge=2)
    """Inner folds of mda."""
    measure: Measure = "likelihood"
    """What mda takes as a good answer."""
    seed: int = Field(default=0, ge=0)
    """Seed of mda's shuffles."""

    def fit(self, data: Dataset, span: Spans, model: AnyModel | None = None) -> FittedSelect:
        """Weigh the features; ConfigError for mda without a model."""
        worth = self._worth(data, span, model)
        groups = clusters(data.X, self.k) if self.by == "redundancy" else np.arange(len(worth))
        kept = _best(worth, groups, self.k)
        names = tuple(data.names)
        return FittedSelect(
            self.kind, names, tuple(names[column] for column in kept), kept.astype(np.float64), worth
        )

    def _worth(self, data: Dataset, span: Spans, model: AnyModel | None) -> Floats:
        if self.by != "mda":
            return mutual_information(data)
        if model is None:
            raise ConfigError(
                "select by mda without a model",
                allowed="fit(data, span, model)",
                hint="by: mutual_information, which needs none",
            )
        return mean_decrease(data, span, model, self.folds, self.measure, self.seed)


@dataclass(frozen=True, eq=False)
class FittedSelect(FittedStep):
    """Numbers of the kept columns (kept,), and what every column was worth (columns,)."""

    kept: Floats
    worth: Floats

    def apply(self, X: Floats) -> Floats:
        """The kept columns."""
        return X[:, self.kept.astype(np.int64)]


def _best(worth: Floats, groups: Ints, k: int) -> Ints:
    """The best column of each group, at most k of them, ascending."""
    order = np.argsort(-worth, kind="stable")
    # The first met of each group is its best.
    first = np.sort(np.unique(groups[order], return_index=True)[1])
    return np.sort(order[first[:k]])
