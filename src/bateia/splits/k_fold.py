"""Purged k-fold: every row is tested once, training lies on both sides."""

from __future__ import annotations

from typing import Literal

import numpy as np
from pydantic import Field

from bateia.core import Component, Duration, Spans
from bateia.core.events import Ints
from bateia.splits.base import Fold, Path, Piece, check_order, even_edges, folds_around


class PurgedKFold(Component):
    """Contiguous test folds over all rows; each trains on every other row, purged by label spans.

    The embargo follows the test: rows before it end before the test begins, or are purged. Models learn
    from what came after their test, so this says how well a rule is learnt, not what could have been
    earned: for that, `WalkForward`.

    Source: Lopez de Prado, "Advances in Financial Machine Learning" (2018), sections 7.4.1-7.4.3.

    >>> t0 = np.arange(9) * 60_000_000
    >>> for fold in PurgedKFold(folds=3, embargo="60s").split(Spans(t0, t0 + 60_000_000)):
    ...     print(fold.train, fold.purged, fold.test)
    [5 6 7 8] [3 4] [0 1 2]
    [0 1 8] [2 6 7] [3 4 5]
    [0 1 2 3 4] [5] [6 7 8]
    """

    kind: Literal["purged_k_fold"] = "purged_k_fold"
    folds: int = Field(default=5, ge=2)
    """How many test folds; their lengths differ by one row at most."""
    embargo: Duration | None = None
    """Quiet time after the last test answer before training goes on; None: the median label span."""

    def split(self, spans: Spans, groups: Ints | None = None) -> list[Fold]:
        """Folds in time order; `spans.t0` must not fall. SplitError where a fold would be empty."""
        check_order(spans)
        edges = even_edges(len(spans), self.folds, "folds")
        tests = [np.arange(edges[k], edges[k + 1]) for k in range(self.folds)]
        return folds_around(tests, spans, self.embargo)

    def decided(self, spans: Spans, groups: Ints | None = None) -> list[Path]:
        """One path: each fold's model decides its test rows."""
        edges = even_edges(len(spans), self.folds, "folds").tolist()
        return [[Piece(k, edges[k], edges[k + 1]) for k in range(self.folds)]]
