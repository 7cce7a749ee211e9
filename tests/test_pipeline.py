"""The whole story on the bundled trades: numbers that repeat, runs that are whole or marked."""

from __future__ import annotations

import json

import numpy as np
import polars as pl
import pytest

import bateia
from bateia import research
from bateia.core import DataError, SplitError
from bateia.models import LightGBM, Logistic
from bateia.pipeline import run
from bateia.recipe import Recipe
from bateia.runs import Ledger, Run, list_runs
from bateia.signal import Signal
from bateia.splits import inner_tail

FILES = {
    "data.json",
    "equity.parquet",
    "fills.parquet",
    "folds.json",
    "importance.json",
    "metrics.json",
    "predictions.parquet",
    "recipe.yaml",
    "report.html",
    "signal/model/model.json",
    "signal/model/model.txt",
    "signal/signal.json",
    "trades.parquet",
    "versions.json",
    "datasets/fold-0.bin",
    "datasets/fold-1.bin",
}


@pytest.fixture(scope="session")
def finished(tmp_path_factory, small_text) -> Run:
    return run(Recipe.parse(small_text), root=tmp_path_factory.mktemp("runs"))


def test_a_run_holds_everything_and_verifies(finished):
    assert set(finished.manifest) == FILES
    finished.verify()
    assert Recipe.parse(finished.recipe).name == "small"
    assert finished.metrics["data"]["bars"] > 1000
    assert finished.metrics["verdict"]["headline"]
    assert list(finished.metrics["baselines"]) == ["majority"]


def test_the_same_recipe_gives_the_same_hash_with_any_threads(finished, small_recipe, tmp_path):
    two = small_recipe.model_copy(update={"model": small_recipe.model.model_copy(update={"threads": 2})})
    again = run(two, root=tmp_path)
    assert again.metrics["hash"] == finished.metrics["hash"]
    other = run(small_recipe.model_copy(update={"seed": 1}), root=tmp_path)
    assert other.metrics["hash"] != finished.metrics["hash"]


def test_every_evaluation_enters_the_ledger(small_recipe, tmp_path):
    for seed in (1, 1, 2):
        last = run(small_recipe.model_copy(update={"seed": seed}), root=tmp_path)
    ledger = Ledger(tmp_path / "ledger.sqlite")
    assert len(ledger.trials()) == 3
    assert ledger.count(small_recipe.source.hash()) == 2
    assert last.metrics["trials"] == 2
    assert ledger.trials()[-1].run_id == last.id


def test_predictions_are_out_of_sample_and_come_from_models_fitted_before(finished, small_recipe, es_trades):
    table = pl.read_parquet(finished.path / "predictions.parquet")
    folds = json.loads((finished.path / "folds.json").read_text())
    scored = table.filter(pl.col("score_lightgbm").is_finite())
    assert len(scored) == finished.metrics["data"]["tested"]
    assert scored["time"].min() == folds[0]["test_start"]
    for fold in folds:
        # The embargo (10 s) and the labels' spans lie between the last training row and the first question.
        assert fold["train_end"] + 10_000_000 < fold["test_start"]


def test_the_signal_that_ships_gives_the_scores_that_were_tested(finished, small_recipe, es_trades):
    decisions = Signal.load(finished.path / "signal").run(es_trades)
    table = pl.read_parquet(finished.path / "predictions.parquet")
    folds = json.loads((finished.path / "folds.json").read_text())
    last = (table["time"] >= folds[-1]["test_start"]).to_numpy() & table[
        "score_lightgbm"
    ].is_finite().to_numpy()
    tested = table["score_lightgbm"].to_numpy()
    assert last.sum() > 100
    # Rows of one closing time make the first of a fold ambiguous: compare from the second on.
    rows = np.flatnonzero(last)[1:]
    assert np.array_equal(decisions.score[rows], tested[rows])


def test_no_training_row_knows_a_test_answer(small_recipe, es_trades):
    watch = research.Silent()
    bars = research.build_bars(small_recipe, es_trades, watch)
    features = research.compute_features(small_recipe, bars, watch)
    labels = research.make_labels(small_recipe, bars, watch)
    for fold in research.make_folds(small_recipe, features, labels):
        assert labels.span.t1[fold.train].max() < labels.span.t0[fold.test].min()
        fit, valid = inner_tail(fold.train, labels.span, small_recipe.valid, small_recipe.split.embargo)
        assert labels.span.t1[fit].max() < labels.span.t0[valid].min()
        assert np.isfinite(features.values[fold.train]).any(axis=1).all()


def test_features_in_blocks_equal_one_block(small_recipe, es_trades, monkeypatch):
    watch = research.Silent()
    bars = research.build_bars(small_recipe, es_trades, watch)
    whole = research.compute_features(small_recipe, bars, watch).values
    monkeypatch.setattr(research, "FEATURE_BLOCK", 97)
    assert np.array_equal(research.compute_features(small_recipe, bars, watch).values, whole, equal_nan=True)


def test_progress_is_told(small_recipe, tmp_path):
    told: list[str] = []

    class Listener(research.Silent):
        def stage(self, name: str, total: int = 1):
            told.append(f"{name}/{total}")
            return super().stage(name, total)

    run(small_recipe, root=tmp_path, watch=Listener())
    assert told[0] == "Read trades/1"
    assert "Train and test/4" in told
    assert told[-1].startswith("Write run")


def test_baselines_of_one_kind_keep_their_own_names(small_recipe, tmp_path):
    twice = small_recipe.model_copy(update={"baselines": (Logistic(l2=0.1), Logistic(l2=1.0))})
    assert list(run(twice, root=tmp_path).metrics["baselines"]) == ["logistic", "logistic-2"]


def test_a_return_label_and_another_model(small_recipe, tmp_path):
    label = small_recipe.label.model_copy(update={"target": "return"})
    policy = small_recipe.policy.model_copy(update={"enter": 1e-5, "exit": 0.0})
    models = {"model": Logistic(), "baselines": (LightGBM(rounds=5, threads=1),)}
    done = run(small_recipe.model_copy(update={"label": label, "policy": policy, **models}), root=tmp_path)
    assert done.metrics["data"]["model"] == "logistic"
    assert done.metrics["strategy"]["predictive"]["rows"] > 100


class Interrupted(research.Silent):
    """A user who presses Ctrl-C when training begins."""

    def stage(self, name: str, total: int = 1):
        if name.startswith("Train"):
            raise KeyboardInterrupt
        return super().stage(name, total)


def test_an_interrupt_marks_the_run_and_a_rerun_starts_clean(small_recipe, tmp_path):
    with pytest.raises(KeyboardInterrupt):
        run(small_recipe, root=tmp_path, watch=Interrupted())
    assert [entry.status for entry in list_runs(tmp_path)] == ["incomplete: interrupted"]
    assert not (tmp_path / "ledger.sqlite").exists()
    done = run(small_recipe, root=tmp_path)
    done.verify()
    assert sorted(entry.status for entry in list_runs(tmp_path)) == ["finished", "incomplete: interrupted"]


def test_an_error_to_mend_leaves_nothing_behind(small_recipe, tmp_path):
    huge = small_recipe.model_copy(update={"bars": small_recipe.bars.model_copy(update={"size": 1e15})})
    with pytest.raises(DataError, match="make no dollar bar"):
        run(huge, root=tmp_path)
    few = small_recipe.model_copy(update={"bars": small_recipe.bars.model_copy(update={"size": 2.5e8})})
    with pytest.raises(DataError, match=r"never warm up: trend.*try: smaller bars"):
        run(few, root=tmp_path)
    folds = small_recipe.model_copy(update={"split": small_recipe.split.model_copy(update={"folds": 10**6})})
    with pytest.raises(SplitError, match="1000000 folds"):
        run(folds, root=tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_the_package_offers_the_story_at_the_top(finished):
    assert bateia.run is run
    assert bateia.Run is Run
    assert {"run", "Recipe", "Run", "Signal"} <= set(dir(bateia))
    with pytest.raises(AttributeError, match="no attribute 'walk'"):
        bateia.walk  # noqa: B018
