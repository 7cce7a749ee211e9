"""Nested tuning: each fold has a search of its own on its training part, and its test judges the winner."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from bateia import research
from bateia.backtest import Backtest, Metrics, measure
from bateia.backtest.stitch import stitched
from bateia.core import ConfigError, SplitError, format_time
from bateia.recipe import Recipe
from bateia.research import Market, Silent, Tested, Watch
from bateia.runs import DailyProfits, Trial, content_hash, ledger_of
from bateia.search import Search
from bateia.splits import Fold, Piece, SessionSplit, WalkForward
from bateia.vetting import space
from bateia.vetting.case import bars_of_others
from bateia.vetting.null import build, evaluate
from bateia.vetting.tuning import FOLDER, Job, begun, best_values
from bateia.vetting.workers import Workers

LAST = int(np.iinfo(np.int64).max)


@dataclass(frozen=True)
class Outer:
    """One fold in time, microseconds UTC: its search sees `begin` to `known`, its winner is tested after.

    No answer of a training row is later than `known`. Tested are the bars that close from `start` on, before
    `stop`.
    """

    begin: int
    known: int
    start: int
    stop: int


@dataclass(frozen=True, eq=False)
class Chosen:
    """What the search of one fold chose, and what came of it on the fold's test."""

    outer: Outer
    values: dict[str, Any]
    value: float
    """The measure that won, on the training part."""
    trials: int
    recipe: Recipe
    tested: Tested
    market: Market

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON."""
        numbers, equity = self.tested.metrics, self.tested.backtest.equity
        return {
            "trained_until": format_time(self.outer.known),
            "tested_from": format_time(int(equity.time[0])),
            "tested_until": format_time(int(equity.time[-1])),
            "trials": self.trials,
            "values": self.values,
            "value": self.value,
            "recipe_hash": self.recipe.hash,
            "strategy": numbers.to_dict(),
        }


@dataclass(frozen=True, eq=False)
class Nested:
    """A finished nested search: what each fold chose, and the tests one after another as one account."""

    study: str
    folder: Path
    """Holds `nested.json`, `equity.parquet`, and a table of trials a fold."""
    metric: str
    folds: list[Chosen]
    backtest: Backtest
    metrics: Metrics

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON."""
        return {
            "study": self.study,
            "metric": self.metric,
            "folder": str(self.folder),
            "folds": [fold.to_dict() for fold in self.folds],
            "strategy": self.metrics.to_dict(),
        }


def tune_nested(
    recipe: Recipe,
    search: Search | None = None,
    *,
    root: str | Path = "runs",
    storage: str = "",
    jobs: int = 1,
    workers: Workers | None = None,
    watch: Watch | None = None,
) -> Nested:
    """For every fold of the recipe's split, the search on its training part alone, its winner on its test.

    Each search has `search.trials` trials, all in the ledger, and sees no event after the last answer of the
    fold's training rows, nor any before the first of them where the training part rolls; within, it splits
    as the recipe does. No holdout is needed: the tests are it. The tests one after another, flat in between,
    are what the whole procedure of searching and trading would have earned. Raises as `tune` does, and
    ConfigError for a split that trains on what comes after a test. The same call goes on where one stopped.

    Source: Varma and Simon, "Bias in error estimation when using cross-validation for model selection",
    BMC Bioinformatics 7 (2006); Pardo (2008), chapter 11, who calls it walk-forward analysis.
    """
    _check_split(recipe)
    watch, root = watch or Silent(), Path(root)
    job = begun(recipe, search, root, storage, jobs, workers, "nested")
    folder = root / FOLDER / job.study
    plain = recipe.model_copy(update={"baselines": (), "tune": None})
    events = research.read(recipe, watch)
    others = {symbol: research.read(asset, watch, f" of {symbol}") for symbol, asset in recipe.others.items()}
    found = []
    for k, outer in enumerate(outer_folds(build(plain, events, bars_of_others(plain, others)))):
        mine = replace(job, study=f"{job.study}-{k + 1}", window=(outer.begin, outer.known + 1))
        rows, values, value = best_values(mine, jobs, workers, watch, folder / f"fold-{k + 1}")
        best = space.changed(plain, values)
        with watch.stage(f"Test fold {k + 1}"):
            market = fold_alone(best, build(best, events, bars_of_others(best, others)), outer)
            found.append(Chosen(outer, values, value, len(rows), best, evaluate(best, market), market))
    done = _together(job, folder, found)
    _write(job, root, recipe, done)
    return done


def _check_split(recipe: Recipe) -> None:
    split = recipe.split
    if not (isinstance(split, WalkForward) or (isinstance(split, SessionSplit) and split.train == "before")):
        raise ConfigError(
            f"a nested search with a split of kind {split.kind!r}, which trains on what comes after a test",
            allowed="walk_forward, or session with train: before",
            hint="split: {kind: walk_forward}",
        )


def outer_folds(market: Market) -> Iterator[Outer]:
    """Each fold of a market as a stretch of time, without those that decide nothing."""
    bars, first = market.bars, min(int(fold.train[0]) for fold in market.folds)
    for k, fold in enumerate(market.folds):
        pieces = [piece for piece in market.paths[0] if piece.fold == k]
        if not pieces:
            continue
        stop, begin = pieces[-1].stop, int(fold.train[0])
        yield Outer(
            # What lies before the first fold's first row warms its features up.
            begin=0 if begin == first else int(bars.open_time[begin]),
            known=int(market.labels.span.t1[fold.train].max()),
            start=int(bars.time[pieces[0].start]),
            stop=int(bars.time[stop]) if stop < len(bars) else LAST,
        )


def fold_alone(recipe: Recipe, market: Market, outer: Outer) -> Market:
    """A market whose one fold trains on the rows that `outer` knows the answer of, and decides its test."""
    bars, labels, warm = market.bars, market.labels, market.features.warm
    rows = warm[labels.valid[warm]]
    learnt = (bars.open_time[rows] >= outer.begin) & (labels.span.t1[rows] <= outer.known)
    start, stop = (int(np.searchsorted(bars.time, moment)) for moment in (outer.start, outer.stop))
    start = max(start, int(warm[0]))
    train, test = rows[learnt], rows[(rows >= start) & (rows < stop)]
    if not len(train) or not len(test):
        raise SplitError(
            f"{recipe.name}: {len(train)} rows to train on and {len(test)} to test from "
            f"{format_time(outer.start)} on",
            allowed="some of each",
            hint="a search over shorter windows, or fewer folds",
        )
    none = np.empty(0, np.int64)
    return replace(market, folds=[Fold(train, test, none)], paths=[[Piece(0, start, stop)]])


def _together(job: Job, folder: Path, found: list[Chosen]) -> Nested:
    """All tests as one account and one series of scores."""
    whole = stitched([chosen.tested.backtest for chosen in found])
    columns: list[list[Any]] = [[], [], [], []]
    for chosen in found:
        rows, walk = chosen.tested.rows, chosen.tested.walk
        known, likely = chosen.market.labels[rows], walk.probability
        unknown = np.full(len(known), np.nan)
        parts = (walk.score[rows], known.value, known.ret, unknown if likely is None else likely[rows])
        for column, part in zip(columns, parts, strict=True):
            column.append(part)
    score, value, ret, probability = (np.concatenate(column) for column in columns)
    sure = probability if np.isfinite(probability[np.isfinite(score)]).all() else None
    metrics = measure(whole, score, value, ret, probability=sure, seed=job.recipe.seed)
    return Nested(job.study, folder, job.search.metric, found, whole, metrics)


def _write(job: Job, root: Path, recipe: Recipe, done: Nested) -> None:
    """The result in its folder, and in the ledger: the procedure as a whole is one more evaluation."""
    done.backtest.equity.to_frame().write_parquet(done.folder / "equity.parquet")
    (done.folder / "nested.json").write_text(json.dumps(done.to_dict(), indent=2) + "\n", encoding="utf-8")
    equity = done.backtest.equity
    ledger_of(root).record(
        Trial(
            recipe.name,
            content_hash([recipe.hash, job.study]),
            recipe.data_hash(),
            metrics=done.metrics.to_dict(),
            note=f"nested search {job.study}: {len(done.folds)} tests together",
            parent=recipe.hash,
            profits=DailyProfits.of(equity.time, equity.net),
        )
    )
