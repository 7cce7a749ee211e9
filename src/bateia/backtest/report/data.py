"""Everything that a report shows, and nothing else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Self

import numpy as np

from bateia.backtest.chance import Chance
from bateia.backtest.curve import CostCurve
from bateia.backtest.evidence import Ruling
from bateia.backtest.numbers import CalibrationBin, Decile, Group, Metrics
from bateia.backtest.simulate import Backtest
from bateia.backtest.sweep import Sweep
from bateia.backtest.tables import Equity
from bateia.backtest.verdict import Verdict
from bateia.core import Bars
from bateia.core.events import Ints
from bateia.splits import Fold

Stretches = tuple[tuple[int, int], ...]
"""From and to, microseconds UTC."""


@dataclass(frozen=True)
class FoldTimes:
    """One fold's spans, microseconds UTC."""

    train_start: int
    train_end: int
    test_start: int
    test_end: int


@dataclass(frozen=True)
class FoldSpans:
    """One fold as stretches of time: what it trained on, what it was tested on, what the purge took."""

    train: Stretches
    test: Stretches
    purged: Stretches = ()

    @classmethod
    def of(cls, fold: Fold, time: Ints) -> Self:
        """From rows to stretches: rows in none of the three parts interrupt no stretch.

        >>> fold = Fold(np.array([0, 1, 6]), np.array([3, 4]), np.array([2, 5]))
        >>> FoldSpans.of(fold, np.arange(7) * 10)
        FoldSpans(train=((0, 10), (60, 60)), test=((30, 40),), purged=((20, 20), (50, 50)))
        """
        parts = (fold.train, fold.test, fold.purged)
        rows = np.concatenate(parts)
        order = np.argsort(rows, kind="stable")
        rows = rows[order]
        part = np.repeat(np.arange(3), [len(p) for p in parts])[order]
        first = np.flatnonzero(np.diff(part, prepend=-1))
        last = np.append(first[1:], len(part))[: len(first)] - 1
        spans: list[list[tuple[int, int]]] = [[], [], []]
        for begin, end in zip(first.tolist(), last.tolist(), strict=True):
            spans[part[begin]].append((int(time[rows[begin]]), int(time[rows[end]])))
        return cls(*(tuple(found) for found in spans))


@dataclass(frozen=True, eq=False)
class Baseline:
    """Another strategy on the same bars, trades and costs."""

    metrics: Metrics
    equity: Equity


@dataclass(frozen=True, eq=False, kw_only=True)
class ReportData:
    """Input of `render_report`; equal input gives equal bytes. What is empty or None is left out.

    `data` are lines of the footnotes about the data (file, hash, rows, ...); `importance` any positive
    weights by feature; `trials` the ledger's count for this data.
    """

    name: str
    recipe: str
    """The recipe as YAML text."""
    recipe_hash: str
    bars: Bars
    backtest: Backtest
    metrics: Metrics
    verdict: Verdict
    curve: CostCurve
    trials: int
    data: Mapping[str, str] = field(default_factory=dict)
    baselines: Mapping[str, Baseline] = field(default_factory=dict)
    others: Sequence[Equity] = ()
    """The account along the other out-of-sample paths, where bars are tested several times."""
    chance: Chance | None = None
    gates: Sequence[Ruling] = ()
    groups: Mapping[str, Sequence[Group]] = field(default_factory=dict)
    """Numbers by `fold`, `period`, `regime`, ..."""
    deciles: Sequence[Decile] = ()
    calibration: Sequence[CalibrationBin] = ()
    sweep: Sweep | None = None
    """Other thresholds, the rest as it is."""
    enter: float | None = None
    """The threshold that the run used, marked on the sweep."""
    importance: Mapping[str, float] = field(default_factory=dict)
    folds: Sequence[FoldSpans] = ()
    versions: Mapping[str, str] = field(default_factory=dict)
    currency: str = ""
    """Such as `USD`; shown beside amounts."""
    description: str = ""
    accepted: Sequence[str] = ()
    """What is wrong with the data by the recipe's leave: it stands above everything else."""
