"""A search: counted, repeatable, resumable, shared by processes, and blind to the holdout."""

from __future__ import annotations

import csv
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from typer.testing import CliRunner

from bateia import cli, research
from bateia.core import ConfigError, RunError
from bateia.models import Logistic
from bateia.recipe import Recipe
from bateia.runs import Ledger, RunFolder
from bateia.search import Search
from bateia.vetting import bench as benches
from bateia.vetting import tuning
from bateia.vetting.bench import Bench, holdout_start
from bateia.vetting.tuning import study_name, tune

SPACE = {
    "policy.enter": {"low": 0.02, "high": 0.2},
    "model.l2": {"low": 0.1, "high": 10.0, "log": True},
}


@pytest.fixture
def quick(small_recipe) -> Recipe:
    """A logistic model: a trial in a tenth of a second."""
    return small_recipe.model_copy(update={"model": Logistic(), "baselines": ()})


def search(space=None, **settings):
    return Search.model_validate({"space": space or SPACE, "trials": 8, **settings})


@pytest.fixture(scope="module")
def tuned(small_text, tmp_path_factory):
    root = tmp_path_factory.mktemp("runs")
    recipe = Recipe.parse(small_text).model_copy(update={"model": Logistic(), "baselines": ()})
    return tune(recipe, search(), root=root), recipe, root


def test_every_trial_is_in_the_ledger_under_the_data_it_saw(tuned):
    done, recipe, root = tuned
    ledger = Ledger(root / "ledger.sqlite")
    rows = ledger.trials(recipe.data_hash())
    # The last row is the run of the best recipe on everything.
    assert len(rows) == 8 + 1
    assert {row.recipe_hash for row in rows[:-1]} == {row["recipe_hash"] for row in done.trials}
    assert all(
        f"search {done.study}: {row['state']}" in one.note
        for one, row in zip(rows, done.trials, strict=False)
    )
    assert all(row.parent == recipe.hash for row in rows[:-1])
    assert ledger.count(recipe.data_hash()) == len({row["recipe_hash"] for row in done.trials})
    assert rows[-1].recipe_hash == done.best.hash
    assert rows[-1].run_id == done.run.id


def test_the_best_recipe_is_written_and_is_the_best(tuned):
    done, _, _ = tuned
    written = Recipe.load(done.folder / "best.yaml")
    assert written == done.best
    complete = {row["trial"]: row["value"] for row in done.trials if row["state"] == "complete"}
    assert done.value == max(complete.values())
    assert written.policy.enter == done.values["policy.enter"]
    assert written.tune is None
    with (done.folder / "trials.csv").open() as file:
        table = list(csv.DictReader(file))
    assert [row["state"] for row in table] == [row["state"] for row in done.trials]
    assert {"policy.enter", "model.l2"} <= set(table[0])
    summary = json.loads((done.folder / "summary.json").read_text())
    assert summary["holdout"]["first"].startswith("2013-09-03")


def test_the_same_search_gives_the_same_trials(tuned, tmp_path):
    done, recipe, _ = tuned
    again = tune(recipe, search(), root=tmp_path)
    assert [row["recipe_hash"] for row in again.trials] == [row["recipe_hash"] for row in done.trials]
    assert [row["value"] for row in again.trials] == [row["value"] for row in done.trials]
    other = tune(recipe, search(seed=1, trials=2), root=tmp_path / "other")
    assert other.trials[0]["recipe_hash"] != done.trials[0]["recipe_hash"]


def test_a_resumed_search_ends_where_it_would_have_ended(tuned, tmp_path, monkeypatch):
    done, recipe, _ = tuned
    asked, evaluate = [], tuning._evaluate

    def interrupted(*given):
        asked.append(given)
        if len(asked) == 4:
            raise KeyboardInterrupt
        return evaluate(*given)

    monkeypatch.setattr(tuning, "_evaluate", interrupted)
    with pytest.raises(KeyboardInterrupt):
        tune(recipe, search(), root=tmp_path)
    kept = Ledger(tmp_path / "ledger.sqlite").trials()
    assert len(kept) == 3
    table = (tmp_path / "tuning" / study_name(recipe, search()) / "trials.csv").read_text()
    assert table.count("complete") + table.count("pruned") >= 3
    assert table.count(",interrupted,") == 2 and table.count("\n") == 5
    again = tune(recipe, search(), root=tmp_path)
    went = [row["value"] for row in again.trials if row["state"] != "interrupted"]
    assert went == [row["value"] for row in done.trials]
    assert again.values == done.values


def test_a_finished_search_goes_on_where_more_trials_are_asked(tuned, tmp_path):
    done, recipe, _ = tuned
    first = tune(recipe, search(trials=3), root=tmp_path)
    more = tune(recipe, search(trials=8), root=tmp_path)
    assert len(first.trials) == 3
    assert more.study == first.study
    assert [row["value"] for row in more.trials] == [row["value"] for row in done.trials]


def test_the_holdout_changes_nothing_that_the_search_sees(quick, es_trades, monkeypatch, tmp_path):
    """Prices of the holdout are doubled: every trial's value stays, bit for bit."""
    cut = holdout_start(es_trades, 0.2)
    held = int(np.searchsorted(es_trades.time, cut))
    assert held / len(es_trades) == pytest.approx(0.8, abs=0.001)
    price = es_trades.price.copy()
    price[held:] *= 2.0
    other = type(es_trades)(**(es_trades.columns() | {"price": price}))
    shown = []
    for trades in (es_trades, other):
        monkeypatch.setattr(benches.research, "read", lambda source, watch, whose="", trades=trades: trades)
        seen = Bench(quick, 0.2)
        assert seen.trades.time[-1] < cut
        *_, (_, _, ask) = seen.walk(quick)
        shown.append(ask())
        assert shown[-1].backtest.equity.time[-1] < cut
    assert shown[0].metrics == shown[1].metrics


def test_the_holdout_is_the_runs_own_last_part(tuned):
    done, _, _ = tuned
    equity = pl.read_parquet(done.run.path / "equity.parquet")
    cut = int(np.datetime64(done.holdout.first.removesuffix("Z"), "us").astype(np.int64))
    before = equity.filter(pl.col("time") < cut)
    assert done.holdout.net == pytest.approx(equity["net"][-1] - before["net"][-1])
    assert done.holdout.gross - done.holdout.cost == pytest.approx(done.holdout.net)
    trips = pl.read_parquet(done.run.path / "trades.parquet").filter(pl.col("entry_time") >= cut)
    assert done.holdout.round_trips == len(trips)


def test_what_does_not_change_is_computed_once(quick, monkeypatch):
    fits, features = [], []
    fit, compute = Logistic.fit, benches.research.compute_features
    monkeypatch.setattr(Logistic, "fit", lambda self, *data: fits.append(1) or fit(self, *data))
    monkeypatch.setattr(
        benches.research, "compute_features", lambda *given: features.append(1) or compute(*given)
    )
    seen, values = Bench(quick, 0.2), []
    for enter in (0.05, 0.1, 0.2):
        policy = quick.policy.model_copy(update={"enter": enter})
        *_, (_, folds, ask) = seen.walk(quick.model_copy(update={"policy": policy}))
        values.append(ask().metrics.financial.net)
    assert len(fits) == folds == 2
    assert len(features) == 1
    assert len(set(values)) == 3
    label = quick.label.model_copy(update={"horizon": 7})
    list(seen.walk(quick.model_copy(update={"label": label})))
    assert len(fits) == 4
    assert len(features) == 1


def test_kept_scores_give_what_fresh_ones_give(quick):
    seen = Bench(quick, 0.2)
    first = [ask().metrics for _, _, ask in seen.walk(quick)]
    assert [ask().metrics for _, _, ask in seen.walk(quick)] == first
    assert [ask().metrics for _, _, ask in Bench(quick, 0.2).walk(quick)] == first


SPLITS = [
    {"kind": "walk_forward", "folds": 3},
    {"kind": "purged_k_fold", "folds": 3},
    {"kind": "combinatorial", "groups": 4, "test_groups": 2},
]
POLICIES = [{"kind": "threshold", "enter": 0.05, "exit": 0.0}, {"kind": "edge", "cost_bps": 0.0, "bands": 3}]


@pytest.mark.parametrize("split", SPLITS, ids=lambda s: s["kind"])
@pytest.mark.parametrize("policy", POLICIES, ids=lambda p: p["kind"])
def test_a_trial_shows_what_a_run_on_the_same_data_would(quick, tmp_path, split, policy):
    settings = quick.model_dump(mode="json") | {"split": split, "policy": policy}
    recipe = Recipe.model_validate(settings)
    seen = Bench(recipe, 0.2)
    *_, (last, folds, ask) = seen.walk(recipe)
    shown = ask()
    assert last == folds
    market = seen.market(recipe)
    folder = RunFolder(tmp_path, tmp_path)
    walks = research.train(recipe, market, folder, research.Silent())
    (tested,) = research.backtest(recipe, market, walks, research.Silent())
    assert np.array_equal(shown.backtest.equity.net, tested.backtest.equity.net)
    assert shown.metrics.financial.round_trips == tested.metrics.financial.round_trips > 0


def test_the_command_shows_the_best_and_the_holdout(small_text, tmp_path, monkeypatch):
    monkeypatch.setenv("COLUMNS", "160")
    recipe, space = tmp_path / "small.yaml", tmp_path / "space.yaml"
    recipe.write_text(small_text)
    space.write_text("policy.enter: {low: 0.02, high: 0.1}")
    words = ["tune", str(recipe), "--space", str(space), "--trials", "2", "--runs", str(tmp_path / "runs")]
    shown = CliRunner().invoke(cli.app, words, catch_exceptions=False)
    assert shown.exit_code == 0, shown.output
    for said in ("Best on the development part", "policy.enter:", "Holdout, from 2013-09-03", "best.yaml"):
        assert said in shown.output
    again = CliRunner().invoke(cli.app, [*words, "--json"], catch_exceptions=False)
    told = json.loads(again.stdout)
    assert sum(told["trials"].values()) == 2
    assert told["holdout"]["first"].startswith("2013-09-03")
    with pytest.raises(ConfigError, match="no section `tune`"):
        CliRunner().invoke(cli.app, ["tune", str(recipe)], catch_exceptions=False)


def test_a_grid_is_every_point_and_pruning_may_be_left_out(quick, tmp_path):
    space = {"policy.enter": {"choices": [0.05, 0.1]}, "label.horizon": {"choices": [5, "1m"]}}
    done = tune(quick, search(space, sampler="grid", pruner="none"), root=tmp_path)
    assert [row["state"] for row in done.trials] == ["complete"] * 4
    assert {(row["policy.enter"], row["label.horizon"]) for row in done.trials} == {
        (enter, horizon) for enter in ("0.05", "0.1") for horizon in ("5", "1m")
    }
    assert done.best.label.horizon in (5, "1m")


def test_an_interrupted_point_of_a_grid_is_tried_again(quick, tmp_path, monkeypatch):
    space = {"policy.enter": {"choices": [0.02, 0.05, 0.1]}, "model.l2": {"choices": [0.1, 1.0]}}
    grid, evaluate, asked = search(space, sampler="grid", pruner="none"), tuning._evaluate, []

    def stopped(*given):
        asked.append(given)
        if len(asked) == 3:
            raise KeyboardInterrupt
        return evaluate(*given)

    monkeypatch.setattr(tuning, "_evaluate", stopped)
    with pytest.raises(KeyboardInterrupt):
        tune(quick, grid, root=tmp_path)
    done = tune(quick, grid, root=tmp_path)
    assert [row["state"] for row in done.trials].count("interrupted") == 1
    ended = [row for row in done.trials if row["state"] == "complete"]
    assert len(ended) == len({(row["policy.enter"], row["model.l2"]) for row in ended}) == 6


def test_failed_trials_are_counted_and_told(quick, tmp_path):
    """An exit above the entry makes no policy: such trials fail, and others go on."""
    space = {"policy.exit": {"choices": [0.0, 0.5]}, "policy.enter": {"choices": [0.05, 0.1]}}
    done = tune(quick, search(space, sampler="grid"), root=tmp_path)
    failed = [row for row in done.trials if row["state"] == "failed"]
    assert len(failed) == 2
    assert all("exit" in row["why"] for row in failed)
    ledger = Ledger(tmp_path / "ledger.sqlite")
    assert sum(": failed" in row.note for row in ledger.trials()) == 2
    assert ledger.count(quick.data_hash()) == 4


def test_a_search_without_any_value_says_why(quick, tmp_path):
    space = {"policy.enter": {"choices": [50.0, 60.0]}}
    with pytest.raises(RunError, match=r"none of 2 trials came to a value.*sharpe_net is undefined"):
        tune(quick, search(space, sampler="grid"), root=tmp_path)
    assert Ledger(tmp_path / "ledger.sqlite").count(quick.data_hash()) == 2


@pytest.mark.parametrize("policy", [POLICIES[1], {"kind": "sized", "calibrate": True, "bands": 3}])
def test_a_policy_that_learns_can_be_judged_between_folds(quick, tmp_path, policy):
    recipe = Recipe.model_validate(quick.model_dump(mode="json") | {"policy": policy})
    done = tune(
        recipe, search({"model.l2": {"choices": [0.1, 1.0]}}, sampler="grid", pruner="median"), root=tmp_path
    )
    assert [(row["state"], row["folds"]) for row in done.trials] == [("complete", 1)] * 2


@pytest.mark.parametrize("pruner", ["median", "hyperband"])
def test_hopeless_trials_are_given_up_between_folds(quick, tmp_path, pruner):
    split = quick.split.model_copy(update={"folds": 5})
    many = quick.model_copy(update={"split": split})
    done = tune(many, search(trials=12, sampler="random", pruner=pruner), root=tmp_path)
    pruned = [row for row in done.trials if row["state"] == "pruned"]
    assert pruned
    assert all(0 < row["folds"] < 5 for row in pruned if "after fold" in row["why"])
    rows = Ledger(tmp_path / "ledger.sqlite").trials()
    assert sum(": pruned" in row.note for row in rows) == len(pruned)


def test_other_measures_and_directions(quick, tmp_path):
    settings = {"metric": "strategy.financial.turnover_per_day", "direction": "minimize", "trials": 4}
    done = tune(quick, search(**settings), root=tmp_path)
    assert done.value == min(row["value"] for row in done.trials if row["state"] == "complete")


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"metric": "strategy.financial.sharp_net"}, "no metric.*try: strategy.financial.sharpe_net"),
        ({"metric": "baselines.majority.financial.net"}, "no metric"),
        ({"space": {"model.l3": {"low": 1, "high": 2}}}, "no setting.*try: model.l2"),
    ],
)
def test_searches_that_make_no_sense_leave_nothing_behind(quick, tmp_path, given, said):
    with pytest.raises(ConfigError, match=said):
        tune(quick, search(**given), root=tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_what_else_cannot_be(quick, tmp_path):
    with pytest.raises(ConfigError, match="no section `tune`"):
        tune(quick, root=tmp_path)
    with pytest.raises(ConfigError, match="0 jobs"):
        tune(quick, search(), jobs=0, root=tmp_path)
    with pytest.raises(ConfigError, match="cannot use the storage"):
        tune(quick, search(), storage="nothing://there", root=tmp_path)


def test_the_recipes_own_section_is_searched(small_text, tmp_path):
    text = small_text + "tune: {trials: 2, sampler: random, space: {policy.enter: {low: 0.05, high: 0.1}}}\n"
    recipe = Recipe.parse(text)
    assert recipe.hash == Recipe.parse(small_text).hash
    assert len(tune(recipe, root=tmp_path).trials) == 2


def test_two_processes_share_a_search_and_lose_nothing(quick, tmp_path):
    done = tune(quick, search(trials=6), root=tmp_path, jobs=2)
    assert [row["trial"] for row in done.trials] == list(range(6))
    assert len({row["recipe_hash"] for row in done.trials}) == 6
    assert Ledger(tmp_path / "ledger.sqlite").count(quick.data_hash()) == 6


def test_ctrl_c_keeps_what_is_done(small_text, tmp_path):
    """The program itself, with two processes: interrupted, then asked to go on."""
    (tmp_path / "small.yaml").write_text(
        small_text.replace("kind: lightgbm, rounds: 20", "kind: lightgbm, rounds: 21")
    )
    (tmp_path / "space.yaml").write_text(
        "policy.enter: {low: 0.02, high: 0.2}\nmodel.seed: {low: 1, high: 999}\n"
    )
    words = ["tune", "small.yaml", "--space", "space.yaml", "--trials", "400", "--jobs", "2"]
    process = subprocess.Popen(
        [sys.executable, "-m", "bateia", *words],
        cwd=tmp_path,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    path, deadline = tmp_path / "runs" / "ledger.sqlite", time.monotonic() + 60
    while time.monotonic() < deadline and (not path.exists() or not Ledger(path).trials()):
        time.sleep(0.2)
    os.kill(process.pid, signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130, errors
    assert "are kept" in errors
    (table,) = Path(tmp_path / "runs" / "tuning").glob("*/trials.csv")
    kept = Ledger(path).trials()
    assert kept
    states = [row["state"] for row in csv.DictReader(table.read_text().splitlines())]
    assert len(kept) == sum(state in {"complete", "pruned"} for state in states)
    assert "running" not in states, errors
