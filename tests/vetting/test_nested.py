"""Nested tuning: each fold's search is blind to its test, every trial counts, the tests are one account."""

from __future__ import annotations

import csv
import json

import numpy as np
import polars as pl
import pytest
from typer.testing import CliRunner

from bateia import cli
from bateia.core import ConfigError
from bateia.models import Logistic
from bateia.recipe import Recipe
from bateia.runs import Ledger
from bateia.search import Search
from bateia.splits import PurgedKFold
from bateia.vetting import tuning
from bateia.vetting.bench import Bench
from bateia.vetting.nested import outer_folds, tune_nested
from bateia.vetting.null import build, evaluate
from bateia.vetting.tuning import tune

SEARCH = Search(space={"policy.enter": {"low": 0.02, "high": 0.2}}, trials=3, nested=True)


@pytest.fixture(scope="module")
def quick(small_text) -> Recipe:
    recipe = Recipe.parse(small_text)
    return recipe.model_copy(update={"model": Logistic(), "baselines": ()})


@pytest.fixture(scope="module")
def found(quick, tmp_path_factory):
    """A nested search of three trials in each of two folds, and what each bench of it saw."""
    root, seen, honest = tmp_path_factory.mktemp("runs"), [], Bench.market

    def watched(self, recipe):
        market = honest(self, recipe)
        seen.append((int(self.events.time[0]), int(self.events.time[-1]), market))
        return market

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Bench, "market", watched)
        done = tune_nested(quick, SEARCH, root=root)
    return done, root, seen


def test_a_search_sees_nothing_after_the_last_training_answer(found, quick, es_trades):
    done, _, seen = found
    market = build(quick, es_trades, {})
    outer = list(outer_folds(market))
    assert len(outer) == len(done.folds) == 2
    assert len(seen) == 6
    for k, (fold, chosen) in enumerate(zip(market.folds, done.folds, strict=True)):
        for _, last, _ in seen[3 * k : 3 * k + 3]:
            assert last <= outer[k].known < market.bars.time[fold.test[0]]
        assert chosen.outer == outer[k]
        (mine,) = chosen.market.folds
        assert np.array_equal(mine.train, fold.train)
        assert np.array_equal(mine.test, fold.test)


def test_winners_are_tested_as_a_run_would_test_them(found, quick, es_trades):
    done, _, _ = found
    plain = evaluate(quick, build(quick, es_trades, {}))
    scores = np.concatenate([one.tested.walk.score[one.tested.rows] for one in done.folds])
    # The search was over the policy alone: the model is the recipe's own, fold by fold.
    assert np.array_equal(scores, plain.walk.score[plain.rows])
    assert done.metrics.predictive == plain.metrics.predictive
    nets = [one.tested.metrics.financial.net for one in done.folds]
    assert done.metrics.financial.net == pytest.approx(sum(nets))


def test_every_trial_and_the_whole_are_in_the_ledger(found, quick):
    done, root, _ = found
    rows = Ledger(root / "ledger.sqlite").trials(quick.data_hash())
    assert len(rows) == 2 * 3 + 1
    for k in range(2):
        notes = [row.note for row in rows[3 * k : 3 * k + 3]]
        assert all(f"of search {done.study}-{k + 1}: " in note for note in notes)
    assert rows[-1].note == f"nested search {done.study}: 2 tests together"
    assert rows[-1].metrics["financial"]["net"] == done.metrics.financial.net


def test_what_was_chosen_is_written(found):
    done, _, _ = found
    told = json.loads((done.folder / "nested.json").read_text())
    assert told == json.loads(json.dumps(done.to_dict()))
    for k, fold in enumerate(told["folds"]):
        with (done.folder / f"fold-{k + 1}" / "trials.csv").open() as file:
            rows = list(csv.DictReader(file))
        best = max((row for row in rows if row["value"]), key=lambda row: float(row["value"]))
        assert float(best["policy.enter"]) == fold["values"]["policy.enter"]
        assert float(best["value"]) == fold["value"]
        assert fold["trained_until"] < fold["tested_from"] < fold["tested_until"]
    net = pl.read_parquet(done.folder / "equity.parquet")["net"]
    assert net[-1] == done.metrics.financial.net


def test_it_goes_on_where_it_stopped(found, quick, tmp_path, monkeypatch):
    done, _, _ = found
    asked, honest = [], tuning._evaluate

    def interrupted(*given):
        asked.append(given)
        if len(asked) == 5:
            raise KeyboardInterrupt
        return honest(*given)

    monkeypatch.setattr(tuning, "_evaluate", interrupted)
    with pytest.raises(KeyboardInterrupt):
        tune_nested(quick, SEARCH, root=tmp_path)
    again = tune_nested(quick, SEARCH, root=tmp_path)
    assert len(asked) == 5 + 2
    assert [one.values for one in again.folds] == [one.values for one in done.folds]


def test_a_search_may_change_bars_and_a_rolling_part_forgets(quick, tmp_path, es_trades):
    rolling = {"train": "rolling", "folds": 2, "min_train": 0.5}
    recipe = quick.model_copy(update={"split": quick.split.model_copy(update=rolling)})
    first, second = outer_folds(build(recipe, es_trades, {}))
    assert first.begin == 0 < second.begin
    search = Search(
        space={"bars.size": {"choices": [1_000_000, 3_000_000]}}, sampler="grid", trials=2, nested=True
    )
    done = tune_nested(recipe, search, root=tmp_path)
    assert np.diff(done.backtest.equity.time).min() >= 0
    assert all(fold.values["bars.size"] in {1_000_000, 3_000_000} for fold in done.folds)


def test_what_makes_no_sense_is_refused(quick, tmp_path):
    folded = quick.model_copy(update={"split": PurgedKFold()})
    with pytest.raises(ConfigError, match="kind 'purged_k_fold', which trains on what comes after"):
        tune_nested(folded, SEARCH, root=tmp_path)
    with pytest.raises(ConfigError, match="a nested search; allowed: one with a holdout"):
        tune(quick, SEARCH, root=tmp_path)
    with pytest.raises(ConfigError, match="no section `tune`"):
        tune_nested(quick, root=tmp_path)


def test_the_command_shows_each_folds_choice(quick, tmp_path):
    path = tmp_path / "quick.yaml"
    path.write_text(quick.model_copy(update={"tune": SEARCH.model_copy(update={"nested": False})}).to_yaml())
    asked = ["tune", str(path), "--nested", "--trials", "2", "--runs", str(tmp_path / "runs")]
    shown = CliRunner().invoke(cli.app, asked)
    assert shown.exit_code == 0, shown.output
    assert "Nested search" in shown.output and "Fold 2, trained until" in shown.output
    assert "chosen: policy.enter" in shown.output and "Together, out of sample" in shown.output
