"""Folds of whole sessions: no trading day is cut in two."""

from __future__ import annotations

from itertools import pairwise
from typing import Literal, Self

import numpy as np
from pydantic import Field, model_validator

from bateia.core import Component, ConfigError, Duration, Spans, SplitError, format_duration
from bateia.core.clock import DAY
from bateia.core.events import Ints
from bateia.splits.base import Fold, Path, Piece, check_order, folds_around, make_fold


class SessionSplit(Component):
    """Contiguous test folds of whole sessions, about as many sessions in each.

    A session is `length` long and starts at `offset` after midnight UTC of 1970-01-01 and every `length`
    from there: UTC days by default, `offset: 22h` for days that begin at 22:00, `length: 1w, offset: 4d` for
    weeks from Monday. Sessions without rows do not count. Trained on both sides with an embargo after the
    test, as `PurgedKFold`; or on what lies before, with the embargo before the test, as `WalkForward`: then
    the first of `folds` + 1 parts is never tested.

    Source: Lopez de Prado, "Advances in Financial Machine Learning" (2018), section 7.4, over sessions.

    >>> t0 = np.arange(8) * 6 * 3_600_000_000
    >>> for fold in SessionSplit(folds=2, embargo="1h").split(Spans(t0, t0 + 3_600_000_000)):
    ...     print(fold.train, fold.test)
    [4 5 6 7] [0 1 2 3]
    [0 1 2 3] [4 5 6 7]
    """

    kind: Literal["session"] = "session"
    folds: int = Field(default=5, ge=1)
    """How many test folds; the sessions in them differ by one at most."""
    train: Literal["around", "before"] = "around"
    """On both sides of the test, or only on what lies before it."""
    length: Duration = DAY
    """How long a session is."""
    offset: Duration | None = None
    """When sessions start, after midnight UTC; None: at midnight."""
    embargo: Duration | None = None
    """Quiet time around the test, as the kind of training asks; None: the median label span in training."""

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.folds < 2 and self.train == "around":
            error = ConfigError(
                "1 fold with train 'around' leaves nothing to train on",
                allowed="2 folds or more, or train 'before'",
                hint="folds: 5",
            )
            raise ValueError(str(error))
        return self

    def split(self, spans: Spans, groups: Ints | None = None) -> list[Fold]:
        """Folds in time order; `spans.t0` must not fall. SplitError where a fold would be empty."""
        edges = self._edges(spans)
        tests = [np.arange(start, stop) for start, stop in pairwise(edges)]
        if self.train == "around":
            return folds_around(tests, spans, self.embargo)
        return [
            make_fold(f"fold {k + 1} of {self.folds}", np.arange(t[0]), t, spans, self.embargo, past=True)
            for k, t in enumerate(tests)
        ]

    def decided(self, spans: Spans, groups: Ints | None = None) -> list[Path]:
        """One path: each fold's model decides its test rows."""
        edges = self._edges(spans)
        return [[Piece(k, edges[k], edges[k + 1]) for k in range(self.folds)]]

    def _edges(self, spans: Spans) -> list[int]:
        """The first row of each test fold, and the number of rows."""
        check_order(spans)
        session = (spans.t0 - (self.offset or 0)) // self.length
        starts = np.flatnonzero(np.diff(session, prepend=session[:1] - 1))
        parts, most = self.folds + (self.train == "before"), len(starts)
        if most < parts:
            raise SplitError(
                f"{most} sessions of {format_duration(self.length)} for {self.folds} folds, training "
                f"{self.train} the test",
                allowed=f"at least {parts}",
                hint="fewer folds, a shorter session length or more bars",
            )
        edges = [int(starts[most * k // parts]) for k in range(parts)] + [len(spans)]
        return edges[1:] if self.train == "before" else edges
