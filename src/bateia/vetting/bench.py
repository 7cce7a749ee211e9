"""The bench of a search: the development part of the data, and what its trials need not compute twice."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from bateia import research
from bateia.backtest import Backtest, Metrics
from bateia.core import Bars, Trades
from bateia.core.events import Floats, Ints
from bateia.labels import Labels
from bateia.recipe import Asset, Recipe
from bateia.research import FeatureTable, Market, Silent, Walk, foretold, numbers, replay, scored
from bateia.runs import content_hash
from bateia.splits import Path

_SILENT = Silent()
KEPT = 6
"""Results of one kind that are kept: bars, features, labels, fitted folds."""


@dataclass(frozen=True, eq=False)
class Tried:
    """What one recipe showed out of sample on the development part, up to some fold."""

    metrics: Metrics
    backtest: Backtest


@dataclass(frozen=True, eq=False)
class _Fold:
    """One fitted fold, as far as a policy needs it: scores of bars it watched, and of those it decides."""

    tail: Floats
    watched: Ints
    said: list[tuple[Floats, Floats]]
    """Scores and probabilities."""


class Bench:
    """Trades before the holdout, and every stage of the recipes tried on them, kept while it is of use.

    A stage is computed anew only when a setting that it depends on has changed: a search over the policy
    fits no model twice.
    """

    def __init__(self, recipe: Recipe, holdout: float, window: tuple[int, int] | None = None) -> None:
        """`window`, microseconds UTC, is what is seen instead of all before the holdout: [first, last)."""
        events = research.read(recipe, _SILENT)
        self.data_hash = recipe.data_hash()
        self.cut = window[1] if window else holdout_start(events, holdout)
        """Microseconds UTC: whatever happens at or after it is not seen."""
        seen = _before(events, self.cut)
        self.events = seen[int(np.searchsorted(seen.time, window[0])) :] if window else seen
        self.trades = research.tape(self.events)
        """What orders meet."""
        self._kept: dict[str, OrderedDict[Hashable, Any]] = {}

    def market(self, recipe: Recipe) -> Market:
        """Everything from bars to folds."""
        bars_of, label = _hash(recipe, "bars"), _hash(recipe, "bars", "label")
        features_of = content_hash([_hash(recipe, "bars", "others"), recipe.features.formulas()])
        bars: Bars = self._once(
            "bars", bars_of, lambda: research.build_bars(recipe.bars, self.events, _SILENT)
        )
        features: FeatureTable = self._once(
            "features",
            features_of,
            lambda: research.compute_features(recipe, bars, _SILENT, self._others(recipe)),
        )
        labels: Labels = self._once("labels", label, lambda: research.make_labels(recipe, bars, _SILENT))
        regimes = self._once(
            "regimes",
            content_hash([features_of, _hash(recipe, "label", "regime", "split")]),
            lambda: research.find_regimes(recipe, bars, features, labels, _SILENT),
        )
        folds = research.make_folds(recipe, features, labels, regimes)
        paths = research.make_paths(recipe, features, labels, regimes)
        return Market(self.data_hash, self.trades, bars, features, labels, folds, paths, regimes)

    def walk(self, recipe: Recipe) -> Iterator[tuple[int, int, Callable[[], Tried]]]:
        """After each fold: its number from 1, how many there are, and what shows their numbers together.

        To be asked before the next fold. Along the first path alone, where the splitter has several: one
        out-of-sample history.
        """
        market = self.market(recipe)
        key = _hash(
            recipe, "bars", "others", "regime", "label", "weights", "split", "valid", "prepare", "model"
        )
        kept = content_hash([key, recipe.features.formulas()])
        path = market.paths[0]
        known: dict[int, _Fold] = self._once("folds", kept, dict)
        order = list(dict.fromkeys(piece.fold for piece in path))
        walk = Walk.empty("trial", 1, len(market.bars))
        walk.policies.extend([recipe.policy] * len(market.folds))
        for k, number in enumerate(order):
            mine = [piece for piece in path if piece.fold == number]
            if number not in known:
                known[number] = _fit(recipe, market, number, mine)
            fold = known[number]
            walk.policies[number] = recipe.policy.fit(fold.tail, market.labels.ret[fold.watched])
            for piece, (score, probability) in zip(mine, fold.said, strict=True):
                rows = slice(piece.start, piece.stop)
                walk.scores[0, rows], walk.probabilities[0, rows] = score, probability
            yield k + 1, len(order), partial(_tried, recipe, market, walk)

    def _others(self, recipe: Recipe) -> Mapping[str, Bars]:
        found = {}
        for symbol, asset in recipe.others.items():
            key = content_hash(asset.model_dump(mode="json"))
            found[symbol] = self._once("others", (symbol, key), partial(self._bars_of, asset))
        return found

    def _bars_of(self, asset: Asset) -> Bars:
        events = _before(research.read(asset, _SILENT), self.cut)
        return research.build_bars(asset.bars, events, _SILENT)

    def _once(self, kind: str, key: Hashable, make: Callable[[], Any]) -> Any:
        found = self._known(kind, key)
        if found is None:
            found = make()
            self._keep(kind, key, found)
        return found

    def _known(self, kind: str, key: Hashable) -> Any:
        kept = self._kept.setdefault(kind, OrderedDict())
        if key in kept:
            kept.move_to_end(key)
        return kept.get(key)

    def _keep(self, kind: str, key: Hashable, value: Any) -> None:
        kept = self._kept.setdefault(kind, OrderedDict())
        kept[key] = value
        if len(kept) > KEPT:
            kept.popitem(last=False)


def _fit(recipe: Recipe, market: Market, number: int, pieces: Path) -> _Fold:
    """One fold's model: its scores of what early stopping watched, and of each piece that it decides."""
    ready = research.prepare(recipe, market, market.folds[number])
    fitted = recipe.model.fit(ready.fit, ready.valid)
    values, prepared = market.features.values, ready.preparation.transform
    name = recipe.model.kind
    said = [foretold(fitted, prepared(values[piece.start : piece.stop]), name, number) for piece in pieces]
    return _Fold(scored(fitted, ready.valid.X, name, number), ready.watched, said)


def _tried(recipe: Recipe, market: Market, walk: Walk) -> Tried:
    """What the folds so far showed, exactly as a run replays them."""
    rows, _, done = replay(recipe, market, walk, 0)
    return Tried(numbers(recipe, market, walk, rows, done, _DRAWS), done)


_DRAWS = 100
"""Of the intervals, which no search looks at."""


def holdout_start(events: Trades | Bars, holdout: float) -> int:
    """The moment from which on the last `holdout` of the trades or candles happened, microseconds UTC.

    >>> import numpy as np
    >>> one = np.ones(10)
    >>> made = Trades(np.arange(10), np.arange(10), one, one, np.ones(10, np.int8))
    >>> holdout_start(made, 0.25)
    7
    """
    return int(events.time[min(int(len(events) * (1 - holdout)), len(events) - 1)])


def _before(events: Trades | Bars, cut: int) -> Trades | Bars:
    return events[: int(np.searchsorted(events.time, cut, side="left"))]


def _hash(recipe: Recipe, *sections: str) -> str:
    return content_hash(recipe.model_dump(mode="json", include=set(sections)))
