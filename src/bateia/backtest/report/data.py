"""Everything that a report shows, and nothing else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from bateia.backtest.curve import CostCurve
from bateia.backtest.numbers import Decile, Metrics
from bateia.backtest.simulate import Backtest
from bateia.backtest.tables import Equity
from bateia.backtest.verdict import Verdict
from bateia.core import Bars


@dataclass(frozen=True)
class FoldTimes:
    """One fold's spans, microseconds UTC."""

    train_start: int
    train_end: int
    test_start: int
    test_end: int


@dataclass(frozen=True, eq=False)
class Baseline:
    """Another strategy on the same bars, trades and costs."""

    metrics: Metrics
    equity: Equity


@dataclass(frozen=True, eq=False, kw_only=True)
class ReportData:
    """Input of `render_report`; equal input gives equal bytes.

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
    deciles: Sequence[Decile] = ()
    importance: Mapping[str, float] = field(default_factory=dict)
    folds: Sequence[FoldTimes] = ()
    versions: Mapping[str, str] = field(default_factory=dict)
    currency: str = ""
    """Such as `USD`; shown beside amounts."""
    description: str = ""
