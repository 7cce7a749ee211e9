"""The pipeline against chance: how often does it find as much where there is nothing to find?"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np

from bateia import research
from bateia.backtest import Metrics
from bateia.core import Bars, ConfigError, Trades
from bateia.core.events import Ints
from bateia.labels import Labels
from bateia.recipe import Recipe
from bateia.research import Silent, Watch
from bateia.runs import DailyProfits, RunFolder, Trial, content_hash, ledger_of, versions
from bateia.vetting.surrogate import events_in_span, label_block, permuted_labels, permuted_returns

Kind = Literal["returns", "labels"]
FOLDER = "null"
_PARTS = 4
"""Blocks of returns in a label's span: the shorter, the less of an answer lies beside its question."""
_SILENT = Silent()

NOTHING = {"net_bp": 0.0, "gross_bp": 0.0, "sharpe_net": 0.0, "sharpe_gross": 0.0, "auc": 0.5}
"""Statistic -> what a pipeline without skill or costs has: what counts where a surrogate made no trade."""


@dataclass(frozen=True)
class NullTest:
    """A recipe's statistics on the real data, on surrogates, and the chance of as much without skill."""

    recipe: str
    kind: Kind
    repeats: int
    seed: int
    block: int
    """Trades (returns) or labels (labels) in a block."""
    observed: Mapping[str, float | None]
    surrogates: Mapping[str, list[float | None]]
    p: Mapping[str, float | None]
    """Statistic -> (1 + surrogates at or above) / (1 + repeats); None where the real data give none."""
    path: str = field(default="", compare=False)
    """The folder that holds it."""

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON."""
        return asdict(self)


def null_test(
    recipe: Recipe,
    *,
    repeats: int = 20,
    kind: Kind = "returns",
    seed: int | None = None,
    root: str | Path = "runs",
    watch: Watch | None = None,
) -> NullTest:
    """Run the whole pipeline on the real data and on `repeats` surrogates; the same for the same seed.

    `returns`: the market's own trades in blocks of a quarter of the label's span, moved about among blocks
    as volatile (`permuted_returns`); other assets stay. `labels`: the answers in blocks of ten whole spans,
    moved against the features (`permuted_labels`); money is then made or lost in the real market. `seed`
    is the recipe's where absent. All is written to `root/null/…`; each surrogate enters the ledger as data
    of its own, never as a trial of the real data. ConfigError, DataError, SplitError for what cannot run.

    Labels that are made of the features' own returns lean against them in short samples (Stambaugh, 1999),
    which permuted labels do not show: below some hundred independent labels, trust `returns`.

    Source: Phipson and Smyth, "Permutation P-values Should Never Be Zero" (2010); Theiler et al., "Testing
    for nonlinearity in time series: the method of surrogate data" (1992).
    """
    if repeats < 1 or kind not in get_args(Kind):
        raise ConfigError(
            f"{repeats} repeats of {kind!r}", allowed="1 or more, returns or labels", hint="--repeats 20"
        )
    watch, seed = watch or _SILENT, recipe.seed if seed is None else seed
    # Baselines have no say in the strategy's numbers.
    alone = recipe.model_copy(update={"baselines": ()})
    with RunFolder.create(Path(root) / FOLDER, recipe.name, recipe.hash) as folder:
        events = research.read(recipe, watch)
        others = research.build_others(recipe, watch)
        with watch.stage(f"Real data, {repeats} surrogates", 1 + repeats) as advance:
            real = _Real(alone, events, others)
            found, block = [real.tested], real.block(kind)
            advance(1)
            for k in range(repeats):
                found.append(real.surrogate(kind, block, np.random.default_rng([seed, k])))
                advance(1)
        test = _judged(recipe, kind, seed, block, found, str(folder.final))
        _record(recipe, test, found, Path(root), folder)
    return test


class _Real:
    """The real data through the pipeline, and surrogates of them."""

    def __init__(self, recipe: Recipe, events: Trades | Bars, others: Mapping[str, Bars]) -> None:
        self.recipe, self.events, self.others = recipe, events, others
        self.market = build(recipe, events, others)
        self.tested = evaluate(recipe, self.market)

    @property
    def rows(self) -> Ints:
        """The bars that ask a question which has an answer."""
        warm = self.market.features.warm
        return warm[self.market.labels.valid[warm]]

    def block(self, kind: Kind) -> int:
        """Trades or labels in a block."""
        if kind == "labels":
            return label_block(self.market.labels, self.rows)
        return max(1, events_in_span(self.events, self.market.labels) // _PARTS)

    def surrogate(self, kind: Kind, block: int, rng: np.random.Generator) -> research.Tested:
        """The pipeline's numbers on one surrogate."""
        recipe, real = self.recipe, self.market
        if kind == "returns":
            made = build(recipe, permuted_returns(self.events, block, rng), self.others)
        else:
            labels = permuted_labels(real.labels, self.rows, block, rng)
            made = relabelled(recipe, real, labels)
        return evaluate(recipe, made)


def build(recipe: Recipe, events: Trades | Bars, others: Mapping[str, Bars]) -> research.Market:
    """Everything from events to folds; its data have no hash."""
    bars = research.build_bars(recipe.bars, events, _SILENT)
    features = research.compute_features(recipe, bars, _SILENT, others)
    labels = research.make_labels(recipe, bars, _SILENT)
    regimes = research.find_regimes(recipe, bars, features, labels, _SILENT)
    tape = research.tape(events)
    return relabelled(recipe, research.Market("", tape, bars, features, labels, [], [], regimes), labels)


def relabelled(recipe: Recipe, market: research.Market, labels: Labels) -> research.Market:
    """The market with other labels, and the folds that they give."""
    folds = research.make_folds(recipe, market.features, labels, market.regimes)
    paths = research.make_paths(recipe, market.features, labels, market.regimes)
    return replace(market, labels=labels, folds=folds, paths=paths)


def evaluate(recipe: Recipe, market: research.Market) -> research.Tested:
    """Everything from folds to numbers, leaving nothing behind."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = RunFolder(Path(scratch), Path(scratch))
        walks = research.train(recipe, market, folder, _SILENT)
    return research.backtest(recipe, market, walks, _SILENT)[0]


def statistics(metrics: Metrics) -> dict[str, float | None]:
    """The numbers that are judged; None where there is none, as the Sharpe ratio of no trade."""
    numbers, skill = metrics.financial, metrics.predictive
    found = {
        "net_bp": numbers.net_bp.value,
        "gross_bp": numbers.gross_bp.value,
        "sharpe_net": numbers.sharpe_net.value,
        "sharpe_gross": numbers.sharpe_gross.value,
        "auc": skill.auc.value if skill else None,
    }
    return {name: found[name] for name in NOTHING}


def p_value(observed: float | None, surrogates: list[float | None], nothing: float = 0.0) -> float | None:
    """(1 + surrogates at or above) / (1 + surrogates); a surrogate of None counts as `nothing`.

    >>> p_value(2.0, [1.0, None, 3.0])
    0.5
    """
    if observed is None:
        return None
    above = sum((nothing if value is None else value) >= observed for value in surrogates)
    return (1 + above) / (1 + len(surrogates))


def _judged(
    recipe: Recipe, kind: Kind, seed: int, block: int, found: list[research.Tested], path: str
) -> NullTest:
    observed, *made = (statistics(tested.metrics) for tested in found)
    surrogates = {name: [one[name] for one in made] for name in NOTHING}
    p = {name: p_value(observed[name], surrogates[name], nothing) for name, nothing in NOTHING.items()}
    return NullTest(recipe.name, kind, len(made), seed, block, observed, surrogates, p, path)


def _record(
    recipe: Recipe, test: NullTest, found: list[research.Tested], root: Path, folder: RunFolder
) -> None:
    """The folder's files and the ledger's rows; each surrogate's is under a data hash of its own."""
    folder.write_text("recipe.yaml", recipe.to_yaml())
    folder.write_json("versions.json", versions())
    folder.write_json("null.json", test.to_dict())
    ledger, data, name = ledger_of(root), recipe.data_hash(), f"{FOLDER}/{folder.final.name}"
    for k, tested in enumerate(found):
        made = ["surrogate", data, test.kind, test.block, test.seed, k]
        note = f"surrogate {k} of {test.repeats}, {test.kind}" if k else "real data of a null test"
        theirs = content_hash(made) if k else data
        daily = DailyProfits.of(tested.backtest.equity.time, tested.backtest.equity.net)
        numbers = tested.metrics.to_dict()
        ledger.record(Trial(recipe.name, recipe.hash, theirs, name, numbers, note, profits=daily))
