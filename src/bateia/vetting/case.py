"""What hunts for leaks work on: a recipe's data with parts of them changed, and what then moves."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from bateia import research
from bateia.backtest import Estimate
from bateia.core import Bars, DataError, Spans, SplitError, Trades
from bateia.core.events import Bools, Floats, Ints
from bateia.labels import Labels
from bateia.models import Fitted
from bateia.preparation import FittedPreparation
from bateia.recipe import Recipe
from bateia.research import FeatureTable, Market, Silent
from bateia.splits import Fold
from bateia.trading import AnyPolicy
from bateia.vetting.null import evaluate, relabelled

CUTS = 4
"""Moments at which the future is changed."""
_SILENT = Silent()


@dataclass(frozen=True, eq=False)
class Case:
    """A recipe, its data, and all that the pipeline makes of them."""

    recipe: Recipe
    events: Trades | Bars
    others: Mapping[str, Trades | Bars]
    market: Market

    @property
    def decided(self) -> Ints:
        """When each bar can be acted on, shape (bars,): once it and all bars before it are known."""
        return np.maximum.accumulate(self.market.bars.known_at)

    @cached_property
    def folds(self) -> list[Decided]:
        """Every fold on the data as they are."""
        return [decide(self.recipe, self.market, fold) for fold in self.market.folds]

    def other_bars(self, others: Mapping[str, Trades | Bars]) -> dict[str, Bars]:
        """The bars of other assets from these trades of theirs."""
        return bars_of_others(self.recipe, others)


def moments(case: Case) -> Iterator[int]:
    """Moments within the data at which the future is changed: when some bars become known."""
    decided = case.decided
    for share in np.linspace(0.3, 0.9, CUTS):
        yield int(decided[int(share * (len(decided) - 1))])


def bars_of_others(recipe: Recipe, others: Mapping[str, Trades | Bars]) -> dict[str, Bars]:
    """Built as `research.build_others` does, from trades that are already read."""
    made = {}
    for symbol, trades in others.items():
        made[symbol] = research.build_bars(recipe.others[symbol].bars, trades, _SILENT)
    return made


def features_of(recipe: Recipe, bars: Bars, others: Mapping[str, Bars]) -> Floats:
    return research.compute_features(recipe, bars, _SILENT, others).values


def seen(case: Case, events: Trades | Bars) -> tuple[Bars, Floats]:
    bars = research.build_bars(case.recipe.bars, events, _SILENT)
    return bars, features_of(case.recipe, bars, case.other_bars(case.others))


def labels_of(case: Case, events: Trades | Bars) -> Labels:
    bars = research.build_bars(case.recipe.bars, events, _SILENT)
    return research.make_labels(case.recipe, bars, _SILENT)


def other_answer(one: Labels, two: Labels) -> Bools:
    pairs = ((one.value, two.value), (one.ret, two.ret), (one.span.t1, two.span.t1))
    found: Bools = np.any([~_same(a, b) for a, b in pairs], axis=0)
    return found


def _same(one: npt.NDArray[Any], two: npt.NDArray[Any]) -> Bools:
    """Where two arrays hold the same; one NaN is as good as another."""
    same: Bools = (one == two) | (np.isnan(one) & np.isnan(two))
    return same


def differ(one: npt.NDArray[Any], two: npt.NDArray[Any]) -> Ints:
    """Rows at which two columns differ; one that is shorter differs from there on."""
    common = min(len(one), len(two))
    rows = np.flatnonzero(~_same(one[:common], two[:common]))
    return np.concatenate([rows, np.arange(common, max(len(one), len(two)))])


def differences(one: Floats, two: Floats) -> tuple[Ints, Ints]:
    """Rows and columns at which two tables differ."""
    apart = ~_same(one, two)
    return np.flatnonzero(apart.any(axis=1)), np.flatnonzero(apart.any(axis=0))


def garbled(market: Market, rows: Bools, seed: int) -> Market:
    """The market with other features and answers at `rows`; which rows are known stays."""
    rng = np.random.default_rng(seed)
    values, labels, at = market.features.values.copy(), market.labels, np.flatnonzero(rows)
    values[at] = 3.0 * values[at] * rng.normal(size=(len(at), 1)) + rng.normal(
        size=(len(at), values.shape[1])
    )
    answered = at[labels.valid[at]]
    value, weight, ret = labels.value.copy(), labels.weight.copy(), labels.ret.copy()
    value[answered], ret[answered] = (rng.permutation(part[answered]) for part in (value, -ret))
    weight[answered] = rng.uniform(0.1, 1.0, len(answered))
    table = FeatureTable(market.features.plan, values, market.features.warm)
    return replace(market, features=table, labels=Labels(value, weight, ret, labels.span))


def shift(labels: Labels, step: int) -> Labels:
    """Labels that ask for the answer of `step` rows later; the last rows have none."""
    n = len(labels)
    later = np.minimum(np.arange(n) + step, n - 1)
    value, weight, ret = labels.value[later], labels.weight[later], labels.ret[later]
    value[n - step :], weight[n - step :], ret[n - step :] = np.nan, 0.0, np.nan
    reach = np.maximum(labels.span.t1, labels.span.t1[later])
    return Labels(value, weight, ret, Spans(labels.span.t0, reach))


def skill(case: Case, labels: Labels) -> Estimate | None:
    """The AUC out of sample of a model that is taught these labels; None where it cannot be."""
    try:
        numbers = evaluate(case.recipe, relabelled(case.recipe, case.market, labels)).metrics.predictive
    except (DataError, SplitError):
        return None
    return numbers.auc if numbers and numbers.auc.value is not None else None


@dataclass(frozen=True, eq=False)
class Decided:
    """A fold's fits, and what they say of the bars of its test, from the first to the last."""

    preparation: FittedPreparation
    model: Fitted
    policy: AnyPolicy
    score: Floats
    target: Floats


def decide(recipe: Recipe, market: Market, fold: Fold) -> Decided:
    """A fold as a run would train and ask it."""
    ready = research.prepare(recipe, market, fold)
    asked = market.features.values[fold.test[0] : fold.test[-1] + 1]
    model = recipe.model.fit(ready.fit, ready.valid)
    policy = recipe.policy.fit(model.predict(ready.valid.X), market.labels.ret[ready.watched])
    score = model.predict(ready.preparation.transform(asked))
    return Decided(ready.preparation, model, policy, score, policy.run(score).astype(np.float64))
