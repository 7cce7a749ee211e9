"""Decisions replayed against the market, with costs, along every path."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from bateia.backtest import Backtest, Metrics, measure, simulate
from bateia.core.events import Floats
from bateia.recipe import Recipe
from bateia.research.market import Market
from bateia.research.walk import Walk
from bateia.research.watch import Watch
from bateia.trading.risk import Fixed, Risk


@dataclass(frozen=True, eq=False)
class Tested:
    """A walk's decisions along its first path, replayed against the market, and the numbers."""

    walk: Walk
    rows: slice
    """The bars from the first tested one to the last."""
    target: Floats
    backtest: Backtest
    metrics: Metrics
    others: tuple[Backtest, ...] = ()
    """The same along the other paths, where there are any."""


def backtest(recipe: Recipe, market: Market, walks: list[Walk], watch: Watch) -> list[Tested]:
    """Each walk's scores through the policy and the broker, from the first tested bar to the last."""
    tests = []
    with watch.stage("Backtest", len(walks) * len(walks[0].scores)) as advance:
        for walk in walks:
            rows, target, done = replay(recipe, market, walk, 0)
            metrics = numbers(recipe, market, walk, rows, done)
            advance(1)
            others = []
            for path in range(1, len(walk.scores)):
                others.append(replay(recipe, market, walk, path)[2])
                advance(1)
            tests.append(Tested(walk, rows, target, done, metrics, tuple(others)))
    return tests


def numbers(
    recipe: Recipe, market: Market, walk: Walk, rows: slice, done: Backtest, draws: int | None = None
) -> Metrics:
    """All numbers of a walk's first path, whose bars are `rows`; see `measure`."""
    known, probability = market.labels[rows], walk.probability
    return measure(
        done,
        walk.score[rows],
        known.value,
        known.ret,
        probability=None if probability is None else probability[rows],
        bars=market.bars[rows],
        draws=draws,
        seed=recipe.seed,
    )


def replay(recipe: Recipe, market: Market, walk: Walk, path: int) -> tuple[slice, Floats, Backtest]:
    """One path of a walk: the bars from its first tested one to its last, targets, and what came of them."""
    scored = np.flatnonzero(~np.isnan(walk.scores[path]))
    rows = slice(int(scored[0]), int(scored[-1]) + 1)
    target = _targets(recipe, market, walk, path)[rows]
    opinion: dict[str, npt.ArrayLike] = {"score": walk.scores[path][rows]}
    if market.regimes is not None:
        opinion["regime"] = market.regimes.number[rows]
    risk = rules_of(recipe)
    bars = market.bars[rows]
    return rows, target, simulate(bars, target, market.trades, recipe.broker, risk=risk, opinion=opinion)


def rules_of(recipe: Recipe) -> Risk | None:
    """The recipe's risk rules; without a sizer among them a target of 1 is the broker's quantity."""
    if not recipe.risk:
        return None
    sizers = {"fixed", "volatility", "kelly", "atr"}
    rules = recipe.risk
    if not sizers & {rule.kind for rule in rules}:
        rules = (Fixed(units=recipe.broker.quantity), *rules)
    return Risk(rules=rules, multiplier=recipe.broker.multiplier)


def _targets(recipe: Recipe, market: Market, walk: Walk, path: int) -> Floats:
    """Target positions of all bars; a policy that learnt something starts flat with each fold's model."""
    score = walk.scores[path]
    if all(policy == recipe.policy for policy in walk.policies):
        return np.asarray(recipe.policy.run(score), np.float64)
    target = np.zeros(len(score))
    for piece in market.paths[path]:
        mine = slice(piece.start, piece.stop)
        # In the middle of a search later folds have neither scores nor a policy that has learnt.
        if not np.isnan(score[mine]).all():
            target[mine] = walk.policies[piece.fold].run(score[mine])
    return target
