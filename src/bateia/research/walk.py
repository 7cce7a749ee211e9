"""Every model through the folds: fitted on the past, asked about what came next."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from bateia.core import DataError
from bateia.core.events import Floats, Ints
from bateia.models import AnyModel, Dataset, Fitted, LightGBM, up_rather_than_down
from bateia.preparation import FittedPreparation, Preparation
from bateia.recipe import Recipe
from bateia.research.market import Market
from bateia.research.watch import Watch
from bateia.runs import RunFolder
from bateia.splits import Fold, inner_tail
from bateia.trading import AnyPolicy


@dataclass(frozen=True, eq=False)
class Prepared:
    """A fold's rows as every model sees them: what it learns from, and what early stopping watches."""

    preparation: FittedPreparation
    fit: Dataset
    valid: Dataset
    watched: Ints
    """The bars of `valid`."""


@dataclass(frozen=True, eq=False)
class Walk:
    """One model walked over the folds: its out-of-sample scores and its fits."""

    name: str
    scores: Floats
    """Shape (paths, bars), NaN where a path's models are not asked."""
    probabilities: Floats
    """Chance of up rather than down, like `scores`; NaN everywhere for a model of returns."""
    fitted: list[Fitted] = field(default_factory=list)
    preparation: list[FittedPreparation] = field(default_factory=list)
    """What was fitted before it in each fold: the same for every model."""
    policies: list[AnyPolicy] = field(default_factory=list)
    """The recipe's policy, having learnt what it can of each fold's scores."""

    @property
    def score(self) -> Floats:
        """Scores along the first path, shape (bars,)."""
        first: Floats = self.scores[0]
        return first

    @property
    def probability(self) -> Floats | None:
        """Chance of up rather than down along the first path, shape (bars,); None for a model of returns."""
        first: Floats = self.probabilities[0]
        return None if np.isnan(first).all() else first

    @classmethod
    def empty(cls, name: str, paths: int, bars: int) -> Walk:
        """A walk before its first fold."""
        return cls(name, np.full((paths, bars), np.nan), np.full((paths, bars), np.nan))


def train(recipe: Recipe, market: Market, folder: RunFolder, watch: Watch) -> list[Walk]:
    """The model and each baseline, fitted on every fold, scoring the bars it decides; the model first."""
    models: list[AnyModel] = [recipe.model, *recipe.baselines]
    walks = [Walk.empty(name, len(market.paths), len(market.bars)) for name in _names(models)]
    with watch.stage("Train and test", len(market.folds) * len(models)) as advance:
        for k, fold in enumerate(market.folds):
            ready = prepare(recipe, market, fold)
            for walk, model in zip(walks, models, strict=True):
                _fit(recipe, market, walk, model, ready, k)
                if isinstance(model, LightGBM) and walk is walks[0]:
                    model.save_dataset(ready.fit, folder.path / "datasets" / f"fold-{k}.bin")
                advance(1)
    return walks


def prepare(recipe: Recipe, market: Market, fold: Fold) -> Prepared:
    """A fold's rows through the recipe's steps, fitted on those alone that the model learns from."""
    span = market.labels.span
    fit, valid = inner_tail(fold.train, span, recipe.valid, recipe.split.embargo)
    learnt, watched = (_dataset(recipe, market, part) for part in (fit, valid))
    chain = Preparation(steps=recipe.prepare).fit(learnt, span[fit], recipe.model)
    return Prepared(chain, chain.dataset(learnt), chain.dataset(watched), valid)


def _fit(recipe: Recipe, market: Market, walk: Walk, model: AnyModel, ready: Prepared, k: int) -> None:
    """Fold `k` of one model: fitted, its policy taught on rows it did not learn from, its bars scored."""
    fitted = model.fit(ready.fit, ready.valid)
    walk.preparation.append(ready.preparation)
    walk.fitted.append(fitted)
    tail = scored(fitted, ready.valid.X, walk.name, k)
    walk.policies.append(recipe.policy.fit(tail, market.labels.ret[ready.watched]))
    for number, path in enumerate(market.paths):
        for piece in path:
            if piece.fold == k:
                rows = slice(piece.start, piece.stop)
                prepared = ready.preparation.transform(market.features.values[rows])
                said = foretold(fitted, prepared, walk.name, k)
                walk.scores[number, rows], walk.probabilities[number, rows] = said


def foretold(fitted: Fitted, rows: Floats, name: str, fold: int) -> tuple[Floats, Floats]:
    """`scored`, and each row's chance of up rather than down: NaN for a model of returns."""
    score, chances = scored(fitted, rows, name, fold), fitted.chances(rows)
    return score, np.full(len(rows), np.nan) if chances is None else up_rather_than_down(chances)


def scored(fitted: Fitted, rows: Floats, name: str, fold: int) -> Floats:
    """What a model says of each row; DataError, naming model and fold (from 0), unless all are numbers."""
    score = fitted.predict(rows)
    bad = np.flatnonzero(~np.isfinite(score))
    if len(bad):
        raise DataError(
            f"{name} of fold {fold + 1} scores row {bad[0]} as {score[bad[0]]}, "
            f"{len(bad):,} of {len(score):,} scores are no numbers",
            allowed="a finite score for every row",
            hint="a step under `prepare` that scales or clips features, or another model",
        )
    return score


def _names(models: list[AnyModel]) -> list[str]:
    """Each model's kind, with its number where an earlier one is of the same kind."""
    kinds = [model.kind for model in models]
    return [kind + (f"-{k}" if kind in kinds[:k] else "") for k, kind in enumerate(kinds)]


def _dataset(recipe: Recipe, market: Market, rows: Ints) -> Dataset:
    labels, features, weight = market.labels, market.features, market.labels.weight[rows]
    if market.regimes is not None:
        weight = weight * recipe.weights.factors(market.regimes.names)[market.regimes.number[rows]]
    return Dataset(features.values[rows], labels.value[rows], weight, features.plan.names, recipe.label.task)
