"""What every splitter shares: folds, the paths that their models decide, and training around a test."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from bateia.core import DataError, Spans, SplitError
from bateia.core.events import Floats, Ints
from bateia.splits.purge import describe, meets, quiet_time


@dataclass(frozen=True, eq=False)
class Fold:
    """Row numbers of one fold, sorted: what to train on, what to test on, what the purge took from train."""

    train: Ints
    test: Ints
    purged: Ints


@dataclass(frozen=True)
class Piece:
    """The rows `start` to `stop` (exclusive), decided by the model of fold number `fold` (from 0)."""

    fold: int
    start: int
    stop: int

    def among(self, rows: Ints) -> Piece:
        """The same stretch where the rows that were split are only `rows` (sorted) of a longer table.

        What lies between two of them goes to the piece of the earlier: whether a bar's answer will come is
        not known when it must be decided.

        >>> Piece(0, 1, 3).among(np.array([5, 6, 8, 11]))
        Piece(fold=0, start=6, stop=11)
        >>> Piece(1, 3, 4).among(np.array([5, 6, 8, 11]))
        Piece(fold=1, start=11, stop=12)
        """
        stop = rows[self.stop] if self.stop < len(rows) else rows[-1] + 1
        return Piece(self.fold, int(rows[self.start]), int(stop))


Path = list[Piece]
"""One out-of-sample history: pieces in time order, none of which share a row."""


class Splitter(Protocol):
    """A component that parts rows into training and test rows, purged by label spans.

    `groups` is the regime of each row, int64, shape (rows,); only splitters by regime need it.
    """

    @property
    def embargo(self) -> int | None:
        """Quiet time around the test rows, microseconds; None for the median label span."""

    def split(self, spans: Spans, groups: Ints | None = None) -> list[Fold]:
        """The folds; SplitError where one has nothing to train or to test on."""

    def decided(self, spans: Spans, groups: Ints | None = None) -> list[Path]:
        """Which fold's model decides which rows: one path, or several where rows are tested several times.

        Each path holds every tested row once, and every row of a piece is tested by the piece's fold.
        """


def check_order(spans: Spans) -> None:
    """SplitError unless `spans.t0` never falls."""
    if np.any(spans.t0[1:] < spans.t0[:-1]):
        raise SplitError("label spans out of order", allowed="t0 that never falls", hint="sort the bars")


def even_edges(n: int, parts: int, what: str) -> Ints:
    """Edges (parts + 1,) of contiguous parts of `n` rows; the first are a row longer if need be.

    SplitError where a part would be empty. `what` names the parts.

    >>> even_edges(8, 3, "folds").tolist()
    [0, 3, 6, 8]
    """
    if n < parts:
        raise SplitError(
            f"{n} rows for {parts} {what}",
            allowed="a row in each",
            hint=f"more bars, or fewer {what}",
        )
    number = np.arange(parts + 1)
    return number * (n // parts) + np.minimum(number, n % parts)


def make_fold(
    name: str, candidates: Ints, test: Ints, spans: Spans, embargo: int | None, *, past: bool = False
) -> Fold:
    """`test` against the `candidates` that the purge leaves; SplitError, calling the fold `name`, if none.

    The embargo follows the test; where all training lies in the past, it is kept before the test instead.
    """
    quiet = quiet_time(embargo, candidates, spans)
    taken = meets(candidates, test, spans, quiet, quiet if past else 0)
    if taken.all():
        raise SplitError(
            f"{name} has no training rows left: {len(spans)} rows, {len(candidates)} "
            f"{'before' if past else 'outside'} the fold, {len(candidates)} purged "
            f"({describe(candidates, spans, quiet)})",
            allowed="training rows whose answers come before the test"
            if past
            else "training rows whose label spans share no moment with the test's",
            hint="a shorter label horizon, a shorter embargo, "
            + ("a larger min_train or more bars" if past else "longer pieces to test on, or more bars"),
        )
    return Fold(candidates[~taken], test, candidates[taken])


def folds_around(tests: Sequence[Ints], spans: Spans, embargo: int | None) -> list[Fold]:
    """A fold for each of `tests` (sorted row numbers), trained on all other rows, before and after."""
    folds = []
    for k, test in enumerate(tests):
        others = np.ones(len(spans), np.bool_)
        others[test] = False
        name = f"fold {k + 1} of {len(tests)}"
        folds.append(make_fold(name, np.flatnonzero(others), test, spans, embargo))
    return folds


def pieces(fold: Ints) -> Path:
    """The path where row i is decided by fold `fold[i]`, -1 for none: its runs of equal numbers.

    >>> pieces(np.array([-1, 0, 0, 1, 0]))
    [Piece(fold=0, start=1, stop=3), Piece(fold=1, start=3, stop=4), Piece(fold=0, start=4, stop=5)]
    """
    starts = np.flatnonzero(np.diff(fold, prepend=-2))
    stops = np.append(starts[1:], len(fold))
    runs = zip(fold[starts].tolist(), starts.tolist(), stops.tolist(), strict=True)
    return [Piece(*run) for run in runs if run[0] >= 0]


def assemble(scores: Floats, paths: Sequence[Path]) -> Floats:
    """The out-of-sample scores of each path (paths, rows), from the folds' scores (folds, rows).

    A fold's scores count where it decides; elsewhere they may be anything, such as NaN. Rows that a path
    does not decide are NaN. DataError where a path asks for folds or rows that there are not.

    >>> scores = np.array([[1.0, 2.0, np.nan], [np.nan, np.nan, 3.0]])
    >>> assemble(scores, [[Piece(0, 1, 2), Piece(1, 2, 3)]])
    array([[nan,  2.,  3.]])
    """
    paths = list(paths)
    folds = 1 + max((piece.fold for path in paths for piece in path), default=-1)
    rows = max((piece.stop for path in paths for piece in path), default=0)
    if scores.ndim != 2 or scores.shape[0] < folds or scores.shape[1] < rows:
        raise DataError(
            f"scores of shape {scores.shape} for paths over {folds} folds and {rows} rows",
            allowed="an array (folds, rows)",
            hint="the rows of splitter.split, in the order of its folds",
        )
    out = np.full((len(paths), scores.shape[1]), np.nan)
    for line, path in zip(out, paths, strict=True):
        for piece in path:
            line[piece.start : piece.stop] = scores[piece.fold, piece.start : piece.stop]
    return out


def nested(
    train: Ints, spans: Spans, inner: Splitter, groups: Ints | None = None, name: str = "the training part"
) -> list[Fold]:
    """Folds of `inner` within the training rows of another fold, as numbers of the same rows.

    For tuning: no inner fold holds a row outside `train` (sorted row numbers), so that nothing is chosen by
    looking at the outer test. `groups` are the regimes of all rows. SplitError where a fold is empty.

    Source: Varma & Simon, "Bias in error estimation when using cross-validation for model selection",
    BMC Bioinformatics 7:91 (2006).

    >>> from bateia.splits import PurgedKFold
    >>> t0 = np.arange(12) * 10
    >>> for fold in nested(np.arange(2, 8), Spans(t0, t0 + 5), PurgedKFold(folds=2, embargo="1us")):
    ...     print(fold.train, fold.test)
    [5 6 7] [2 3 4]
    [2 3 4] [5 6 7]
    """
    if len(train) and np.any(np.diff(train) <= 0):
        raise SplitError("training rows out of order", allowed="sorted, each once", hint="fold.train")
    try:
        folds = inner.split(spans[train], None if groups is None else groups[train])
    except SplitError as error:
        within = f"inside {name} of {len(train)} rows: {error.given}"
        raise SplitError(within, allowed=error.allowed, hint=error.hint) from None
    return [Fold(train[fold.train], train[fold.test], train[fold.purged]) for fold in folds]
