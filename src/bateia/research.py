"""The steps of a run, each a function from what came before to what comes next."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from bateia.backtest import Backtest, Metrics, measure, simulate
from bateia.core import Bars, DataError, Trades
from bateia.core.events import Bytes, Floats, Ints
from bateia.features import BATCH_BLOCK, Plan
from bateia.labels import Labels, Task
from bateia.models import AnyModel, Dataset, Fitted, LightGBM
from bateia.quality import validate_trades
from bateia.recipe import Recipe
from bateia.runs import RunFolder
from bateia.signal import warm_rows
from bateia.splits import Fold, inner_tail

FEATURE_BLOCK = 1 << 16


class Watch(Protocol):
    """Whoever wants to see progress: a named stage, and a function to call with the steps done."""

    def stage(self, name: str, total: int = 1) -> AbstractContextManager[Callable[[int], None]]:
        """A stage of `total` steps."""


class Silent:
    """A watch that shows nothing."""

    @contextmanager
    def stage(self, name: str, total: int = 1) -> Iterator[Callable[[int], None]]:
        """A stage that nobody sees."""
        yield lambda steps: None


@dataclass(frozen=True, eq=False)
class FeatureTable:
    """Features of every bar, shape (bars, features), and the rows from which all have been known."""

    plan: Plan
    values: Floats
    warm: Ints


@dataclass(frozen=True, eq=False)
class Market:
    """What every model of a run sees: the data, its hash, and the folds over the bars' rows."""

    data_hash: str
    trades: Trades
    bars: Bars
    features: FeatureTable
    labels: Labels
    folds: list[Fold]


@dataclass(frozen=True, eq=False)
class Walk:
    """One model walked over the folds: its out-of-sample score for each bar (NaN outside) and its fits."""

    name: str
    score: Floats
    fitted: list[Fitted]


@dataclass(frozen=True, eq=False)
class Tested:
    """A walk's decisions replayed against the market, and the numbers."""

    walk: Walk
    rows: slice
    """The bars from the first tested one to the last."""
    target: Bytes
    backtest: Backtest
    metrics: Metrics


def read(recipe: Recipe, watch: Watch) -> Trades:
    """The source's trades, validated; DataError names the first bad row."""
    with watch.stage("Read trades"):
        trades = recipe.source.read()
        validate_trades(trades)
        return trades


def build_bars(recipe: Recipe, trades: Trades, watch: Watch) -> Bars:
    """Bars from the trades; DataError where not one bar closes."""
    with watch.stage("Build bars"):
        bars = recipe.bars.run(trades)
    if not len(bars):
        raise DataError(
            f"{len(trades):,} trades make no {recipe.bars.kind} bar of size {recipe.bars.size:,}",
            allowed="at least one bar",
            hint="a smaller size",
        )
    return bars


def compute_features(recipe: Recipe, bars: Bars, watch: Watch) -> FeatureTable:
    """Every feature of every bar, block by block; DataError where one is never known."""
    plan = recipe.features.plan()
    stream = plan.start(BATCH_BLOCK)
    values = np.empty((len(bars), len(plan.names)))
    with watch.stage(f"Compute {len(plan.names)} features", len(bars)) as advance:
        for start in range(0, len(bars), FEATURE_BLOCK):
            block = bars[start : start + FEATURE_BLOCK]
            values[start : start + len(block)] = stream.run(block.columns()).T
            advance(len(block))
    warm, seen = warm_rows(values, np.zeros(len(plan.names), np.bool_))
    if not seen.all():
        never = ", ".join(np.array(plan.names)[~seen])
        raise DataError(
            f"features that {len(bars):,} bars never warm up: {never}",
            allowed="more bars than the longest warm-up",
            hint="smaller bars, more data or shorter windows",
        )
    return FeatureTable(plan, values, np.flatnonzero(warm))


def make_labels(recipe: Recipe, bars: Bars, watch: Watch) -> Labels:
    """The label of every bar."""
    with watch.stage("Make labels"):
        return recipe.label.make(bars)


def make_folds(recipe: Recipe, features: FeatureTable, labels: Labels) -> list[Fold]:
    """Folds over the rows that are warm and have an answer, as bar numbers."""
    rows = features.warm[labels.valid[features.warm]]
    folds = recipe.split.split(labels.span[rows])
    return [Fold(rows[fold.train], rows[fold.test], rows[fold.purged]) for fold in folds]


def train(recipe: Recipe, market: Market, folder: RunFolder, watch: Watch) -> list[Walk]:
    """The model and each baseline, fitted on every fold and scored on its test rows; the model first."""
    models: list[AnyModel] = [recipe.model, *recipe.baselines]
    walks = []
    with watch.stage("Train and test", len(market.folds) * len(models)) as advance:
        for number, model in enumerate(models):
            name = model.kind + (f"-{number}" if [m.kind for m in models[:number]].count(model.kind) else "")
            score = np.full(len(market.bars), np.nan)
            fitted: list[Fitted] = []
            for k, fold in enumerate(market.folds):
                fit, valid = inner_tail(fold.train, market.labels.span, recipe.valid, recipe.split.embargo)
                learnt, watched = (_dataset(market, rows, recipe.label.task) for rows in (fit, valid))
                fitted.append(model.fit(learnt, watched))
                score[fold.test] = fitted[-1].predict(market.features.values[fold.test])
                if isinstance(model, LightGBM) and number == 0:
                    model.save_dataset(learnt, folder.path / "datasets" / f"fold-{k}.bin")
                advance(1)
            walks.append(Walk(name, score, fitted))
    return walks


def _dataset(market: Market, rows: Ints, task: Task) -> Dataset:
    labels, features = market.labels, market.features
    return Dataset(features.values[rows], labels.value[rows], labels.weight[rows], features.plan.names, task)


def backtest(recipe: Recipe, market: Market, walks: list[Walk], watch: Watch) -> list[Tested]:
    """Each walk's scores through the policy and the broker, from the first tested bar to the last."""
    tests = []
    with watch.stage("Backtest", len(walks)) as advance:
        for walk in walks:
            scored = np.flatnonzero(~np.isnan(walk.score))
            rows = slice(int(scored[0]), int(scored[-1]) + 1)
            score, known = walk.score[rows], market.labels[rows]
            target = recipe.policy.run(score)
            done = simulate(market.bars[rows], target, market.trades, recipe.broker)
            metrics = measure(done, score, known.value, known.ret, seed=recipe.seed)
            tests.append(Tested(walk, rows, target, done, metrics))
            advance(1)
    return tests
