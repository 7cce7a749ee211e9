"""From raw events to what every model of a run sees: bars, features, labels, folds."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from bateia.backtest import tape_of
from bateia.bars import AnyBars, Books, Candles
from bateia.core import Bars, ConfigError, DataError, Trades, nearest
from bateia.core.events import Floats, Ints
from bateia.features import BATCH_BLOCK, AnyStream, JoinedStream, Plan
from bateia.labels import AsymmetricHorizon, Labels, rare_classes
from bateia.quality import validate_bars, validate_trades
from bateia.recipe import Asset, Recipe
from bateia.regimes import AnyRegime
from bateia.research.watch import Watch
from bateia.signal import warm_rows
from bateia.sources import StoreSource
from bateia.splits import Fold, Path, SessionSplit, WalkForward

FEATURE_BLOCK = 1 << 16
_log = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class FeatureTable:
    """Features of every bar, shape (bars, features), and the rows from which all have been known."""

    plan: Plan
    values: Floats
    warm: Ints


@dataclass(frozen=True, eq=False)
class Regimes:
    """The regime of every bar as known at its close, a number into `names`; 0 is undefined."""

    number: Ints
    detector: AnyRegime
    """What found them, having learnt what it must."""

    @property
    def names(self) -> tuple[str, ...]:
        """The regimes' names."""
        return self.detector.names


@dataclass(frozen=True, eq=False)
class Market:
    """What every model of a run sees: the data, its hash, the folds, and who decides which bars."""

    data_hash: str
    trades: Trades
    """What orders meet: the source's trades, or what its candles tell of them."""
    bars: Bars
    features: FeatureTable
    labels: Labels
    folds: list[Fold]
    """By bar numbers."""
    paths: list[Path]
    """Each an out-of-sample history, by bar numbers: one, or several where bars are tested several times."""
    regimes: Regimes | None = None
    accepted: tuple[str, ...] = ()
    """What is wrong with the data by the recipe's leave, in words."""


def read(
    asked: Recipe | Asset, watch: Watch, whose: str = "", told: list[str] | None = None
) -> Trades | Bars:
    """A source's trades or candles, checked; DataError names the first bad row, or the checks that block.

    What the recipe accepts although it blocks is added to `told`.
    """
    if isinstance(asked.source, StoreSource):
        asked.source.bring(watch.stage)
    with watch.stage(f"Read {asked.source.gives}{whose}"):
        events = asked.source.read()
        if isinstance(events, Bars):
            validate_bars(events)
        else:
            validate_trades(events)
    with watch.stage(f"Check {asked.source.gives}{whose}"):
        accepted = asked.quality.enforce(events)
    if accepted and told is not None:
        told.append(accepted.replace("Data", f"Data{whose}", 1))
    return events


def build_bars(kind: AnyBars, events: Trades | Bars, watch: Watch, whose: str = "") -> Bars:
    """Bars from the trades, or the candles as they are; DataError where not one bar closes."""
    if isinstance(kind, Candles | Books) or isinstance(events, Bars):
        return kind.run(events)  # which refuses what it is not made for
    with watch.stage(f"Build bars{whose}"):
        bars = kind.run(events)
    if not len(bars):
        raise DataError(
            f"{len(events):,} trades make no {kind.kind} bar of size {kind.size:,}",
            allowed="at least one bar",
            hint="a smaller size",
        )
    return bars


def tape(events: Trades | Bars) -> Trades:
    """The trades that orders meet: the source's own, or what its candles tell of them."""
    return tape_of(events) if isinstance(events, Bars) else events


def build_others(recipe: Recipe, watch: Watch, told: list[str] | None = None) -> dict[str, Bars]:
    """The bars of every other asset that the recipe names."""
    found = {}
    for symbol, asset in recipe.others.items():
        whose = f" of {symbol}"
        found[symbol] = build_bars(asset.bars, read(asset, watch, whose, told), watch, whose)
    return found


def compute_features(
    recipe: Recipe, bars: Bars, watch: Watch, others: Mapping[str, Bars] | None = None
) -> FeatureTable:
    """Every feature of every bar, block by block; DataError where one is never known."""
    plan = recipe.plan()
    stream = _beside(plan, others or {})
    values = np.empty((len(bars), len(plan.names)))
    with watch.stage(f"Compute {len(plan.names)} features", len(bars)) as advance:
        for start in range(0, len(bars), FEATURE_BLOCK):
            block = bars[start : start + FEATURE_BLOCK]
            values[start : start + len(block)] = stream.run(block).T
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


def _beside(plan: Plan, others: Mapping[str, Bars]) -> AnyStream:
    """A fresh stream that has been fed the other assets; ConfigError unless the recipe has just those."""
    missing = [symbol for symbol in plan.others if symbol not in others]
    if missing:
        raise ConfigError(
            f"features look at {missing[0]!r}, which the recipe does not have",
            allowed=f"symbols under `others`: {', '.join(others) or 'there are none'}",
            hint=nearest(missing[0], others) or f"others: {{{missing[0]}: {{source: …, bars: …}}}}",
        )
    spare = [symbol for symbol in others if symbol not in plan.others]
    if spare:
        raise ConfigError(
            f"no feature looks at {spare[0]!r}", hint=f'of("{spare[0]}", close), or leave it out'
        )
    stream = plan.start(BATCH_BLOCK)
    if isinstance(stream, JoinedStream):
        for symbol, bars in others.items():
            stream.feed(symbol, bars)
    return stream


def make_labels(recipe: Recipe, bars: Bars, watch: Watch) -> Labels:
    """The label of every bar; a class that its label calls rare is told in the log."""
    with watch.stage("Make labels"):
        labels = recipe.label.make(bars)
    if isinstance(recipe.label, AsymmetricHorizon):
        for text in rare_classes(labels, recipe.label.least_share):
            _log.warning(text)
    return labels


def find_regimes(
    recipe: Recipe, bars: Bars, features: FeatureTable, labels: Labels, watch: Watch
) -> Regimes | None:
    """The regime of every bar; None where the recipe names no detector.

    A detector that learns does so on the bars before the first tested one: ConfigError for a split that
    trains on what comes after a test.
    """
    if recipe.regime is None:
        return None
    with watch.stage("Find regimes"):
        detector = recipe.regime
        if not detector.ready:
            detector = detector.fit(bars[: _first_tested(recipe, features, labels)])
        return Regimes(detector.start().run(bars.columns()), detector)


def _first_tested(recipe: Recipe, features: FeatureTable, labels: Labels) -> int:
    split = recipe.split
    if isinstance(split, WalkForward) or (isinstance(split, SessionSplit) and split.train == "before"):
        return int(make_folds(recipe, features, labels)[0].test[0])
    raise ConfigError(
        f"a regime of kind {recipe.regime and recipe.regime.kind!r}, which learns before the first test, "
        f"with a split of kind {split.kind!r}",
        allowed="walk_forward, or session with train: before",
        hint="regime: {kind: etapa6}, which learns nothing",
    )


def make_folds(
    recipe: Recipe, features: FeatureTable, labels: Labels, regimes: Regimes | None = None
) -> list[Fold]:
    """Folds over the rows that are warm and have an answer, as bar numbers; DataError where none has."""
    rows = _answered(features, labels)
    groups = None if regimes is None else regimes.number[rows]
    folds = recipe.split.split(labels.span[rows], groups)
    return [Fold(rows[fold.train], rows[fold.test], rows[fold.purged]) for fold in folds]


def make_paths(
    recipe: Recipe, features: FeatureTable, labels: Labels, regimes: Regimes | None = None
) -> list[Path]:
    """Which fold's model decides which bars.

    Bars without an answer are among them: whether one will come is not known when the bar closes.
    """
    rows = _answered(features, labels)
    groups = None if regimes is None else regimes.number[rows]
    paths = recipe.split.decided(labels.span[rows], groups)
    return [[piece.among(rows) for piece in path] for path in paths]


def _answered(features: FeatureTable, labels: Labels) -> Ints:
    rows = features.warm[labels.valid[features.warm]]
    if not len(rows):
        raise DataError(
            f"not one of {len(labels):,} bars has all its features and an answer to its label",
            allowed="rows to train and to test on",
            hint="a shorter label horizon or volatility span, smaller bars or more data",
        )
    return rows
