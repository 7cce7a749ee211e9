"""From raw events to verdict: the whole story, top to bottom."""

from __future__ import annotations

from pathlib import Path

from bateia import research
from bateia.recipe import Recipe
from bateia.record import record
from bateia.research import Market, Silent, Watch
from bateia.runs import Run, RunFolder


def run(recipe: Recipe | str | Path, *, root: str | Path = "runs", watch: Watch | None = None) -> Run:
    """Run a recipe and return its finished, immutable run.

    `root` is the folder of runs and of the trial ledger; `watch` shows progress. Raises BateiaError for
    whatever a user can mend; a run that fails or is interrupted stays behind marked incomplete.
    """
    recipe = recipe if isinstance(recipe, Recipe) else Recipe.load(recipe)
    watch = watch or Silent()
    with RunFolder.create(root, recipe.name, recipe.hash) as folder:
        accepted: list[str] = []
        events = research.read(recipe, watch, told=accepted)
        tape = research.tape(events)
        recipe.broker.check(tape)
        bars = research.build_bars(recipe.bars, events, watch)
        others = research.build_others(recipe, watch, accepted)
        features = research.compute_features(recipe, bars, watch, others)
        labels = research.make_labels(recipe, bars, watch)
        regimes = research.find_regimes(recipe, bars, features, labels, watch)
        folds = research.make_folds(recipe, features, labels, regimes)
        paths = research.make_paths(recipe, features, labels, regimes)
        table = (tape, bars, features, labels, folds, paths, regimes)
        market = Market(recipe.data_hash(), *table, tuple(accepted))
        walks = research.train(recipe, market, folder, watch)
        tests = research.backtest(recipe, market, walks, watch)
        record(recipe, market, tests, folder, Path(root), watch)
    return Run.open(folder.path)
