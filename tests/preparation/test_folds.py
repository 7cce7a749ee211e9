"""Inside the folds: no row that the model does not learn from moves what is fitted, and live is batch."""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import pairwise

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bateia import research
from bateia.core import DataError, RunError
from bateia.labels import Labels
from bateia.models import Logistic
from bateia.pipeline import run
from bateia.recipe import Recipe
from bateia.runs import RunFolder
from bateia.signal import Decisions, Signal
from bateia.splits import inner_tail

STEPS = """
prepare:
  - {kind: winsorise, lower: 0.02, upper: 0.98}
  - {kind: impute}
  - {kind: standard}
  - {kind: select, by: mda, k: 10}
"""
# More to choose from; `gaps` is NaN after its warm-up too, so that impute has something to tell.
MORE = """
    gaps: log(signed_volume) - 5
    spread: (high - low) / close
    step: log_return(close, 1)
    size: log(volume)
    pace: log(trades)
    swing: std(close, 10) / close
"""


@pytest.fixture(scope="module")
def recipe(small_text) -> Recipe:
    return Recipe.parse(small_text.replace("    fast:", MORE.lstrip("\n") + "    fast:") + STEPS)


@pytest.fixture(scope="module")
def seen(recipe, tmp_path_factory):
    """A finished run, and the market that its models were trained on."""
    markets, train = [], research.train

    def watched(recipe, market, *rest):
        markets.append(market)
        return train(recipe, market, *rest)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(research, "train", watched)
        return run(recipe, root=tmp_path_factory.mktemp("runs")), markets[0]


@pytest.fixture(scope="module")
def finished(seen):
    return seen[0]


@pytest.fixture(scope="module")
def market(seen):
    return seen[1]


def other_than(market, rows):
    """The market with other features, answers and weights in all but `rows`."""
    rng, others = np.random.default_rng(0), np.ones(len(market.bars), np.bool_)
    others[rows] = False
    values, labels = market.features.values.copy(), market.labels
    values[others] = rng.normal(50, 9, values[others].shape)
    valid = others & labels.valid
    value, weight = labels.value.copy(), labels.weight.copy()
    value[valid], weight[valid] = rng.choice([-1.0, 0.0, 1.0], valid.sum()), rng.uniform(0.1, 1, valid.sum())
    features = replace(market.features, values=values)
    return replace(market, features=features, labels=Labels(value, weight, labels.ret, labels.span))


def test_rows_outside_the_fit_do_not_move_the_chain(recipe, market):
    assert len(market.folds) == 2
    for fold in market.folds:
        fit, valid = inner_tail(fold.train, market.labels.span, recipe.valid, recipe.split.embargo)
        given = research.prepare(recipe, market, fold)
        other = research.prepare(recipe, other_than(market, fit), fold)
        assert other.preparation.dump() == given.preparation.dump()
        assert np.array_equal(other.fit.X, given.fit.X, equal_nan=True)
        # The check can fail: the rows that it learns from do move it.
        moved = research.prepare(recipe, other_than(market, fit[:-50]), fold)
        assert moved.preparation.dump() != given.preparation.dump()
        # And none of the rows that do is known only after the first that is asked.
        assert market.labels.span.t1[fit].max() < market.labels.span.t0[valid].min()


def test_rows_are_prepared_by_the_chain_of_their_fold(recipe, market):
    fold = market.folds[0]
    ready = research.prepare(recipe, market, fold)
    values = market.features.values
    fit, valid = inner_tail(fold.train, market.labels.span, recipe.valid, recipe.split.embargo)
    for got, rows in ((ready.fit.X, fit), (ready.valid.X, valid)):
        assert np.array_equal(got, ready.preparation.transform(values[rows]))


def test_a_recipe_with_steps_runs_and_reports_their_names(finished, recipe):
    finished.verify()
    assert Recipe.parse(finished.recipe) == Recipe.load(finished.path / "recipe.yaml")
    importance = json.loads((finished.path / "importance.json").read_text())
    names = list(importance)
    assert len(names) == 10
    spec = json.loads((finished.path / "signal" / "preparation" / "preparation.json").read_text())
    assert [step["kind"] for step in spec["steps"]] == ["winsorise", "impute", "standard", "select"]
    assert "gaps_missing" in spec["steps"][1]["names_out"]
    assert spec["steps"][-1]["names_out"] == names
    assert spec["names"] == list(recipe.plan().names)
    assert max(importance, key=importance.get) in (finished.path / "report.html").read_text()


def test_the_same_recipe_with_steps_gives_the_same_hash(finished, recipe, small_text, tmp_path):
    two = recipe.model_copy(update={"model": recipe.model.model_copy(update={"threads": 2})})
    assert run(two, root=tmp_path).metrics["hash"] == finished.metrics["hash"]
    assert recipe.hash != recipe.model_copy(update={"prepare": ()}).hash


def test_the_signal_that_ships_gives_the_scores_that_were_tested(finished, es_trades):
    decisions = Signal.load(finished.path / "signal").run(es_trades)
    tested = pl.read_parquet(finished.path / "predictions.parquet")
    folds = json.loads((finished.path / "folds.json").read_text())
    asked = (tested["time"] >= folds[-1]["test_start"]).to_numpy()
    score = tested["score_lightgbm"].to_numpy()
    # Rows of one closing time make the first of a fold ambiguous: compare from the second on.
    rows = np.flatnonzero(asked & np.isfinite(score))[1:]
    assert len(rows) > 100
    assert np.array_equal(decisions.score[rows], score[rows])


@settings(max_examples=6)
@given(st.lists(st.integers(1, 39_999), max_size=20, unique=True))
def test_live_is_batch_for_any_cut_of_the_trades(finished, es_trades, cuts):
    trades, signal = es_trades[:40_000], Signal.load(finished.path / "signal")
    whole, stream = signal.run(trades), signal.start()
    parts = [stream.run(trades[a:b]) for a, b in pairwise([0, *sorted(cuts), len(trades)])]
    live = Decisions.concat(parts)
    assert np.isfinite(whole.score).sum() > 50
    for name, column in whole.columns().items():
        assert np.array_equal(getattr(live, name), column, equal_nan=True), name


def test_a_changed_preparation_is_refused(finished, tmp_path):
    signal = Signal.load(finished.path / "signal")
    digest = signal.save(tmp_path / "signal")
    assert digest == json.loads((finished.path / "signal" / "signal.json").read_text())["hash"]
    path = tmp_path / "signal" / "preparation" / "preparation.json"
    path.write_text(path.read_text().replace("0.", "1.", 1))
    with pytest.raises(RunError, match="was changed after it was saved"):
        Signal.load(tmp_path / "signal")
    path.unlink()
    with pytest.raises(RunError, match="was changed after it was saved"):
        Signal.load(tmp_path / "signal")


def test_every_model_of_a_run_sees_the_same_features(recipe, market, tmp_path):
    with RunFolder.create(tmp_path, "x", "0" * 64) as folder:
        walks = research.train(
            recipe.model_copy(update={"baselines": (Logistic(),)}), market, folder, research.Silent()
        )
    for one, other, chain in zip(walks[0].fitted, walks[1].fitted, walks[0].preparation, strict=True):
        assert tuple(one.names) == tuple(other.names) == chain.names_out
    assert walks[0].preparation == walks[1].preparation


def test_pca_of_missing_values_says_what_to_do(small_text, tmp_path):
    text = small_text.replace("    fast:", MORE.lstrip("\n") + "    fast:") + "prepare: [{kind: pca}]\n"
    with pytest.raises(DataError, match=r"pca of rows with missing values: 'gaps'.*try: impute before pca"):
        run(Recipe.parse(text), root=tmp_path)
    assert not list(tmp_path.iterdir())
