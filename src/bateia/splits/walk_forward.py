"""Walk-forward: train on the past, test on what came next, move on."""

from __future__ import annotations

from typing import Any, Literal, NamedTuple, Self

import numpy as np
from pydantic import Field, field_validator, model_validator

from bateia.core import Component, ConfigError, Duration, Spans, SplitError
from bateia.core.events import Ints
from bateia.splits.base import Fold, Path, Piece, check_order, make_fold
from bateia.splits.length import Edge, Length, edge_at, move, rows_in

_MOST = 10_000
"""More folds than this are a mistyped step."""


class _Window(NamedTuple):
    """Rows of one fold: training in [begin, end), testing in [start, stop)."""

    begin: int
    end: int
    start: int
    stop: int


class WalkForward(Component):
    """Test folds that follow each other in time; each trains on what lies before it.

    By default: equal contiguous tests over all rows after the first training part. With `test` (and `step`)
    windows of a given length, as in `{train: rolling, min_train: 30d, test: 7d}`, from the first training
    part to the last row, the last one cut short there; windows in which the market was closed are left out.

    The training rows whose label spans meet a test row's are purged, always. Since all training lies in
    the past, the embargo is kept before the test: no training answer comes later than `embargo` before
    the fold's first question. scikit-learn's `TimeSeriesSplit(k, max_train_size=m, test_size=t, gap=g)` is
    `WalkForward(folds=k, min_train=1, max_train=m, test=t, gap=g)`, with the purge besides.

    Source: Pardo, "The Evaluation and Optimization of Trading Strategies" (2008), chapter 11; Lopez de
    Prado, "Advances in Financial Machine Learning" (2018), sections 7.4 and 12.2.

    >>> t0 = np.arange(10) * 60_000_000
    >>> for fold in WalkForward(folds=2, min_train=0.4, embargo="30s").split(Spans(t0, t0 + 90_000_000)):
    ...     print(fold.train, fold.purged, fold.test)
    [0 1] [2 3] [4 5 6]
    [0 1 2 3 4] [5 6] [7 8 9]
    """

    kind: Literal["walk_forward"] = "walk_forward"
    folds: int | None = Field(default=None, ge=1)
    """How many test folds; with `test`, the last so many. None: 5, or with `test` all from `min_train` on."""
    train: Literal["expanding", "rolling"] = "expanding"
    """All the past, or the last `min_train` of it. `anchored` is the same as `expanding`, and read as it."""
    min_train: Length = 0.3
    """The first training part: a share of the rows, a number of them, or a duration."""
    max_train: Length | None = None
    """Most of the past that an expanding training part holds; the oldest rows fall out."""
    test: Length | None = None
    """How long a test is; None: equal parts of the rows there are. Their lengths differ by a row at most."""
    step: Length | None = None
    """From the start of a test to the next's; None: `test`. Where shorter, the latest fold decides."""
    gap: Length | None = None
    """Rows or time left out between training and test, besides the purge and the embargo."""
    embargo: Duration | None = None
    """Quiet time between the last training answer and the test; None: the median label span in training."""

    @field_validator("train", mode="before")
    @classmethod
    def _anchored(cls, given: Any) -> Any:
        return "expanding" if given == "anchored" else given

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        wrong = None
        if self.step is not None and self.test is None:
            wrong = ConfigError(f"step {self.step} without test", allowed="both", hint="test: 7d, step: 7d")
        elif self.max_train is not None and self.train == "rolling":
            wrong = ConfigError(
                f"max_train {self.max_train} with train 'rolling', which always holds min_train",
                allowed="max_train with train 'expanding'",
                hint="train: expanding",
            )
        if wrong:
            raise ValueError(str(wrong))
        return self

    def split(self, spans: Spans, groups: Ints | None = None) -> list[Fold]:
        """Folds in time order; `spans.t0` must not fall. SplitError where a fold would be empty."""
        windows = self._windows(spans)
        return [
            make_fold(
                f"fold {k + 1} of {len(windows)}",
                np.arange(window.begin, window.end),
                np.arange(window.start, window.stop),
                spans,
                self.embargo,
                past=True,
            )
            for k, window in enumerate(windows)
        ]

    def decided(self, spans: Spans, groups: Ints | None = None) -> list[Path]:
        """One path: each fold's model decides from its first test row up to the next fold's."""
        windows = self._windows(spans)
        nexts = [*(window.start for window in windows[1:]), len(spans)]
        stops = [min(window.stop, after) for window, after in zip(windows, nexts, strict=True)]
        return [[Piece(k, w.start, stop) for k, (w, stop) in enumerate(zip(windows, stops, strict=True))]]

    def _windows(self, spans: Spans) -> list[_Window]:
        check_order(spans)
        n, t0 = len(spans), spans.t0
        if not n:
            raise self._too_few(0, 0, 0)
        first = move(edge_at(0, t0), self.min_train, t0)
        if self.gap is not None:
            first = move(first, self.gap, t0)
        if first.row < 1 or first.row >= n:
            raise self._too_few(n, min(first.row, n), self.folds or 1)
        tests = self._even(first, t0) if self.test is None else self._steps(first, t0, self.test)
        return [self._window(start, stop, t0) for start, stop in tests if stop > start.row]

    def _even(self, first: Edge, t0: Ints) -> list[tuple[Edge, int]]:
        count, room = self.folds or 5, len(t0) - first.row
        if room < count:
            raise self._too_few(len(t0), first.row, count)
        rows = [first.row + room * k // count for k in range(count + 1)]
        return [(edge_at(rows[k], t0), rows[k + 1]) for k in range(count)]

    def _steps(self, first: Edge, t0: Ints, test: int | float | str) -> list[tuple[Edge, int]]:
        n, step = len(t0), test if self.step is None else self.step
        for name, length in (("test", test), ("step", step)):
            if isinstance(length, float) and rows_in(length, n) < 1:
                raise SplitError(f"{name} {length:g} of {n} rows is no row", hint="a larger share, or 1")
        if self.folds is None:
            starts = _onwards(first, test, step, t0)
        else:
            starts = [move(Edge(n, int(t0[-1]) + 1), test, t0, -1)]
            while len(starts) < self.folds and starts[-1].row >= first.row:
                starts.append(move(starts[-1], step, t0, -1))
            starts.reverse()
            if starts[0].row < first.row or starts[0].time < first.time:
                raise self._too_few(n, first.row, self.folds)
        return [(start, min(move(start, test, t0).row, n)) for start in starts]

    def _window(self, start: Edge, stop: int, t0: Ints) -> _Window:
        end = start if self.gap is None else move(start, self.gap, t0, -1)
        length = self.min_train if self.train == "rolling" else self.max_train
        begin = 0 if length is None else max(move(end, length, t0, -1).row, 0)
        return _Window(begin, max(end.row, 0), start.row, stop)

    def _too_few(self, n: int, first: int, folds: int) -> SplitError:
        share = f"{self.min_train:g}" if isinstance(self.min_train, float) else self.min_train
        gap = "" if self.gap is None else f" and gap {self.gap}"
        test = "" if self.test is None else f" of {self.test}"
        return SplitError(
            f"{n} rows with min_train {share}{gap} leave {first} rows to train and {n - first} to test, "
            f"for {folds} folds{test}",
            allowed="at least one row of each in every fold",
            hint="more or smaller bars, or fewer folds" + (", or a shorter test" if test else ""),
        )


def _onwards(first: Edge, test: int | float | str, step: int | float | str, t0: Ints) -> list[Edge]:
    """Starts of tests, from `first` until one reaches the last row."""
    starts = [first]
    while move(starts[-1], test, t0).row < len(t0):
        after = move(starts[-1], step, t0)
        if after.row >= len(t0):
            break
        starts.append(after)
        if len(starts) > _MOST:
            raise SplitError(
                f"step {step} makes more than {_MOST:,} folds of {len(t0)} rows",
                allowed=f"at most {_MOST:,} folds",
                hint="a longer test and step",
            )
    return starts
