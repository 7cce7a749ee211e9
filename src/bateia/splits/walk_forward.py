"""Walk-forward: train on the past, test on what came next, move on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np
from pydantic import Field

from bateia.core import Component, Duration, Spans, SplitError
from bateia.core.events import Ints
from bateia.splits.purge import describe, purge, quiet_time


@dataclass(frozen=True, eq=False)
class Fold:
    """Row numbers of one fold, sorted: what to train on, what to test on, what the purge took from train."""

    train: Ints
    test: Ints
    purged: Ints


class Splitter(Protocol):
    """A component that parts rows into training and test rows, purged by label spans."""

    @property
    def embargo(self) -> int | None:
        """Quiet time around the test rows, microseconds; None for the median label span."""

    def split(self, spans: Spans) -> list[Fold]:
        """The folds; SplitError where one has nothing to train or to test on."""


class WalkForward(Component):
    """Contiguous, equal test folds over the rows after the first training part; training lies before.

    The training rows whose label spans meet a test row's are purged, always. Since all training lies in
    the past, the embargo is kept before the test: no training answer comes later than `embargo` before
    the fold's first question.

    Source: Pardo, "The Evaluation and Optimization of Trading Strategies" (2008), chapter 11; Lopez de
    Prado, "Advances in Financial Machine Learning" (2018), sections 7.4 and 12.2.

    >>> t0 = np.arange(10) * 60_000_000
    >>> for fold in WalkForward(folds=2, min_train=0.4, embargo="30s").split(Spans(t0, t0 + 90_000_000)):
    ...     print(fold.train, fold.purged, fold.test)
    [0 1] [2 3] [4 5 6]
    [0 1 2 3 4] [5 6] [7 8 9]
    """

    kind: Literal["walk_forward"] = "walk_forward"
    folds: int = Field(default=5, ge=1)
    """How many test folds; their lengths differ by one row at most."""
    train: Literal["expanding", "rolling"] = "expanding"
    """All the past, or as many rows as the first fold has."""
    min_train: float = Field(default=0.3, gt=0.0, lt=1.0)
    """Share of the rows that lie before the first test fold."""
    embargo: Duration | None = None
    """Quiet time between the last training answer and the test; None: the median label span in training."""

    def split(self, spans: Spans) -> list[Fold]:
        """Folds in time order; `spans.t0` must not fall. SplitError where a fold would be empty."""
        n = len(spans)
        if np.any(spans.t0[1:] < spans.t0[:-1]):
            raise SplitError("label spans out of order", allowed="t0 that never falls", hint="sort the bars")
        first = int(self.min_train * n)
        if first < 1 or n - first < self.folds:
            raise SplitError(
                f"{n} rows with min_train {self.min_train:g} leave {first} rows to train and {n - first} "
                f"to test, for {self.folds} folds",
                allowed="at least one row of each in every fold",
                hint="more or smaller bars, or fewer folds",
            )
        edges = first + (n - first) * np.arange(self.folds + 1) // self.folds
        return [self._fold(k, int(edges[k]), int(edges[k + 1]), first, spans) for k in range(self.folds)]

    def _fold(self, k: int, start: int, stop: int, first: int, spans: Spans) -> Fold:
        past = np.arange(start - first if self.train == "rolling" else 0, start)
        test = np.arange(start, stop)
        quiet = quiet_time(self.embargo, past, spans)
        kept = purge(past, test, spans, quiet, quiet)
        if len(kept) == 0:
            raise SplitError(
                f"fold {k + 1} of {self.folds} has no training rows left: {len(spans)} rows, {len(past)} "
                f"before the fold, {len(past)} purged ({describe(past, spans, quiet)})",
                allowed="training rows whose answers come before the test",
                hint="a shorter label horizon, a shorter embargo, a larger min_train or more bars",
            )
        return Fold(kept, test, np.setdiff1d(past, kept, assume_unique=True))


AnySplitter = WalkForward
"""Every splitter a recipe can name by its `kind`."""
