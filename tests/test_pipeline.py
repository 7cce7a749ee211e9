"""The whole story on the bundled trades: numbers that repeat, runs that are whole or marked."""

from __future__ import annotations

import json
from html import escape

import numpy as np
import polars as pl
import pytest

import bateia
from bateia import research
from bateia.bars import TimeBars
from bateia.core import Bars, ConfigError, DataError, SplitError
from bateia.models import LightGBM, Logistic, Majority
from bateia.pipeline import run
from bateia.recipe import Recipe
from bateia.runs import Ledger, Run, RunFolder, list_runs
from bateia.signal import Signal
from bateia.sources import CandleSource
from bateia.splits import inner_tail
from bateia.vetting.null import build
from quality.generated_bars import garch_with_volume
from shipped_recipes import RECIPES, runnable

FILES = {
    "baselines.parquet",
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
    "signal/preparation/preparation.json",
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


def test_probabilities_are_scored_for_the_model_and_every_baseline(finished):
    from sklearn.metrics import brier_score_loss, log_loss

    table = pl.read_parquet(finished.path / "predictions.parquet")
    sides = {"lightgbm": finished.metrics["strategy"], **finished.metrics["baselines"]}
    assert set(sides) == {"lightgbm", "majority"}
    for name, side in sides.items():
        asked = table.filter(pl.col(f"probability_{name}").is_finite() & (pl.col("label").abs() == 1))
        up, p = (asked["label"] > 0).to_numpy(), asked[f"probability_{name}"].to_numpy()
        skill = side["predictive"]
        assert skill["brier"]["value"] == pytest.approx(brier_score_loss(up, p))
        assert skill["log_loss"] == pytest.approx(log_loss(up, p))
        assert skill["intervals"]["log_loss"][0] < skill["log_loss"]
    by_hour = finished.metrics["breakdowns"]["hour"][0]["predictive"]
    assert by_hour["brier"]["value"] is not None
    page = (finished.path / "report.html").read_text()
    assert all(shown in page for shown in ("Brier score", "Log-loss", "Calibration"))


def test_a_model_of_returns_gives_no_probability(small_recipe, tmp_path):
    returns = small_recipe.label.model_copy(update={"target": "return"})
    done = run(small_recipe.model_copy(update={"label": returns}), root=tmp_path)
    assert done.metrics["strategy"]["predictive"]["brier"]["value"] is None
    columns = pl.read_parquet(done.path / "predictions.parquet").columns
    assert not [name for name in columns if name.startswith("probability")]
    assert "Calibration" not in (done.path / "report.html").read_text()


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
    bars = research.build_bars(small_recipe.bars, es_trades, watch)
    features = research.compute_features(small_recipe, bars, watch)
    labels = research.make_labels(small_recipe, bars, watch)
    for fold in research.make_folds(small_recipe, features, labels):
        assert labels.span.t1[fold.train].max() < labels.span.t0[fold.test].min()
        fit, valid = inner_tail(fold.train, labels.span, small_recipe.valid, small_recipe.split.embargo)
        assert labels.span.t1[fit].max() < labels.span.t0[valid].min()
        assert np.isfinite(features.values[fold.train]).any(axis=1).all()


def test_bars_without_an_answer_are_decided_too(small_recipe, es_trades, tmp_path):
    recipe = small_recipe.model_copy(update={"model": Majority(), "baselines": ()})
    watch = research.Silent()
    bars = research.build_bars(recipe.bars, es_trades, watch)
    features = research.compute_features(recipe, bars, watch)
    labels = research.make_labels(recipe, bars, watch)
    edge = int(research.make_folds(recipe, features, labels)[1].test[0])
    # Whether an answer comes is known only later: going flat where none comes would be foresight.
    for rows in (slice(-40, -30), slice(edge - 3, edge + 3)):
        labels.value[rows] = np.nan
    folds = research.make_folds(recipe, features, labels)
    paths = research.make_paths(recipe, features, labels)
    market = research.Market("", es_trades, bars, features, labels, folds, paths)
    with RunFolder.create(tmp_path, "x", "0" * 8) as folder:
        (walk,) = research.train(recipe, market, folder, watch)
    first, last = folds[0].test[0], folds[-1].test[-1]
    assert np.isfinite(walk.score[first : last + 1]).all()
    assert np.isnan(walk.score[:first]).all() and np.isnan(walk.score[last + 1 :]).all()
    (test,) = research.backtest(recipe, market, [walk], watch)
    assert test.metrics.predictive.rows == sum(len(fold.test) for fold in folds)


def test_features_in_blocks_equal_one_block(small_recipe, es_trades, monkeypatch):
    watch = research.Silent()
    bars = research.build_bars(small_recipe.bars, es_trades, watch)
    whole = research.compute_features(small_recipe, bars, watch).values
    monkeypatch.setattr(research.market, "FEATURE_BLOCK", 97)
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
    late = small_recipe.model_copy(update={"label": small_recipe.label.model_copy(update={"horizon": 10**6})})
    with pytest.raises(DataError, match=r"bars has all its features and an answer.*try: a shorter label"):
        run(late, root=tmp_path)
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


def test_features_of_another_asset(tmp_path, small_text):
    """The same market as another asset, in bars of its own: what it shows is known by then."""
    text = small_text.replace("features:\n", OTHERS + "features:\n").replace(
        "    trend:", '    apart: log(close / of("ES5", ema(close, 5)))\n    trend:'
    )
    done = run(Recipe.parse(text), root=tmp_path)
    assert done.metrics["data"]["features"] == len(Recipe.parse(small_text).features.formulas()) + 1
    assert done.metrics["data"]["hash"] != Recipe.parse(small_text).data_hash()
    signal = Signal.load(done.path / "signal")
    assert signal.plan.others == ["ES5"] == list(signal.others)


OTHERS = """others:
  ES5:
    source: {kind: sample, name: es-trades-2013-09}
    bars: {kind: time, size: 10s}
"""


@pytest.mark.parametrize(
    ("others", "feature", "says"),
    [
        ("", 'of("ES5", close)', r"look at 'ES5', which the recipe does not have.*there are none"),
        (OTHERS, 'of("ES6", close)', r"look at 'ES6'.*allowed: .*ES5; try: ES5"),
        (OTHERS, "close / open", r"no feature looks at 'ES5'"),
    ],
)
def test_other_assets_must_be_those_of_the_features(tmp_path, small_text, others, feature, says):
    text = small_text.replace("features:\n", others + "features:\n").replace(
        "    trend:", f"    apart: {feature}\n    trend:"
    )
    with pytest.raises(ConfigError, match=says):
        run(Recipe.parse(text), root=tmp_path)


@pytest.mark.parametrize(
    "split", ["{kind: purged_k_fold, folds: 3}", "{kind: session, folds: 2, length: 6h}"]
)
def test_every_splitter_walks(tmp_path, small_text, split):
    """Folds that train on both sides of their test, and whole sessions."""
    done = run(Recipe.parse(with_split(small_text, split)), root=tmp_path)
    scores = pl.read_parquet(done.path / "predictions.parquet")["score_lightgbm"]
    known = np.flatnonzero(~scores.is_nan().to_numpy())
    assert np.array_equal(known, np.arange(known[0], known[-1] + 1)), "every bar between is decided"


def test_every_path_of_a_combinatorial_split_is_a_whole_history(tmp_path, small_text):
    text = with_split(small_text, "{kind: combinatorial, groups: 4, test_groups: 2}")
    recipe, watch = Recipe.parse(text), research.Silent()
    trades = research.read(recipe, watch)
    bars = research.build_bars(recipe.bars, trades, watch)
    features = research.compute_features(recipe, bars, watch)
    labels = research.make_labels(recipe, bars, watch)
    folds, paths = (make(recipe, features, labels) for make in (research.make_folds, research.make_paths))
    market = research.Market("", trades, bars, features, labels, folds, paths)
    assert (len(folds), len(paths)) == (6, 3)
    with RunFolder.create(tmp_path, "paths", recipe.hash) as folder:
        (walk, base) = research.train(recipe, market, folder, watch)
        tested = research.backtest(recipe, market, [walk, base], watch)[0]
    known = ~np.isnan(walk.scores)
    assert known.sum(axis=1).tolist() == [known[0].sum()] * 3
    assert not np.array_equal(walk.scores[0], walk.scores[1], equal_nan=True)
    assert len(tested.others) == 2


def with_split(text, split):
    lines = [f"split: {split}" if line.startswith("split:") else line for line in text.splitlines()]
    return "\n".join(lines)


def test_a_policy_that_learns_does_so_on_rows_the_model_did_not(tmp_path, small_text):
    text = small_text.replace(
        "policy: {kind: threshold, enter: 0.05, exit: 0.0}", "policy: {kind: edge, cost_bps: 0.1, bands: 5}"
    )
    assert text != small_text
    done = run(Recipe.parse(text), root=tmp_path)
    signal = Signal.load(done.path / "signal")
    assert signal.policy.map is not None


CANDLES = """
name: candles
source: {kind: candles, path: candles.parquet}
bars: {kind: candles}
features:
  define:
    trend: ema(close, 5) / ema(close, 20) - 1
    longer: at("10m", rsi(close, 3))
label: {kind: fixed_horizon, horizon: 5}
split: {kind: walk_forward, folds: 2, min_train: 0.5}
model: {kind: lightgbm, rounds: 10, min_data_in_leaf: 20, threads: 1}
policy: {kind: threshold, enter: 0.05, exit: 0.0}
broker: {kind: simulated, latency: 100ms, costs: {fee_bps: 1}}
"""


def test_candles_from_file_to_signal(tmp_path, monkeypatch, es_trades):
    monkeypatch.chdir(tmp_path)
    minutes = TimeBars(size="1m").run(es_trades)
    minutes = Bars(**minutes.columns() | {"open_time": minutes.time - 60_000_000})
    minutes.to_frame().write_parquet("candles.parquet")
    done = run(Recipe.parse(CANDLES), root=tmp_path / "runs")
    assert done.metrics["data"]["kind"] == "candles"
    assert done.metrics["data"]["events"] == len(minutes)
    decisions = Signal.load(done.path / "signal").run(CandleSource(path="candles.parquet").read())
    assert np.isfinite(decisions.score).sum() > 500
    with pytest.raises(ConfigError, match="bars of kind 'time' from a source of candles"):
        Recipe.parse(CANDLES.replace("{kind: candles}", "{kind: time, size: 5m}"))


def test_data_that_a_check_blocks_stop_a_run_unless_the_recipe_accepts_it(tmp_path, monkeypatch):
    """Generated candles: what is wrong is named, and said on the report's first line where it is accepted."""
    monkeypatch.chdir(tmp_path)
    generated = garch_with_volume(np.random.default_rng(0))[:3_000]
    generated.to_frame().write_parquet("candles.parquet")
    with pytest.raises(DataError, match=r"the data is blocked: generated \(.*accept: \[generated\]"):
        run(Recipe.parse(CANDLES), root="runs")
    recipe = Recipe.parse(CANDLES + "quality: {accept: [generated, gaps]}")
    assert recipe.hash == Recipe.parse(CANDLES).hash, "the experiment is the same one"
    done = run(recipe, root="runs")
    (said,) = done.metrics["data"]["accepted"]
    assert said.startswith("Data accepted although blocked: generated (")
    page = (done.path / "report.html").read_text()
    body = page[page.index("<body") :]
    assert body.index(escape(said)) < body.index("<h1>")
    assert json.loads((done.path / "data.json").read_text())["accepted"] == [said]


def test_the_rows_of_damaged_data_are_named(tmp_path, monkeypatch, es_trades):
    monkeypatch.chdir(tmp_path)
    minutes = TimeBars(size="1m").run(es_trades)
    close, high = minutes.close.copy(), minutes.high.copy()
    close[100:160:2] *= 1.2
    high[100:160:2] *= 1.2
    damaged = minutes.columns() | {"open_time": minutes.time - 60_000_000, "close": close, "high": high}
    Bars(**damaged).to_frame().write_parquet("candles.parquet")
    with pytest.raises(DataError, match=r"outliers \(.*, 30 rows from 100\)"):
        run(Recipe.parse(CANDLES), root="runs")


def test_an_accepted_check_has_a_name():
    with pytest.raises(ConfigError, match=r"quality.*accept.*no check 'generate'.*try: generated"):
        Recipe.parse(CANDLES + "quality: {accept: [generate]}")


RULED = """
regime: {kind: trend_strength}
risk: [{kind: fixed, units: 3}, {kind: exposure, units: 2}, {kind: daily_loss, share: 0.5}]
"""


def test_risk_rules_and_regimes(tmp_path, small_text):
    done = run(Recipe.parse(small_text + RULED), root=tmp_path)
    assert np.abs(pl.read_parquet(done.path / "equity.parquet")["position"]).max() == 2.0
    groups = done.metrics["breakdowns"]["regime"]
    assert len(groups) > 1
    total = sum(group["financial"]["net"] for group in groups)
    assert total == pytest.approx(done.metrics["strategy"]["financial"]["net"])
    signal = Signal.load(done.path / "signal")
    assert signal.risk is not None
    assert {rule.kind for rule in signal.risk.rules} == {"fixed", "exposure", "daily_loss"}


def test_the_signal_holds_the_detector_fitted_before_the_first_test(tmp_path, small_text, es_trades):
    rules = "[{kind: fixed, units: 3}, {kind: regime, number: 1, rules: [{kind: fixed, units: 1}]}]"
    recipe = Recipe.parse(f"{small_text}\nregime: {{kind: hmm}}\nrisk: {rules}")
    done = run(recipe, root=tmp_path)
    signal = Signal.load(done.path / "signal")
    assert recipe.regime is not None and not recipe.regime.ready
    assert signal.regime is not None and signal.regime.ready
    market = build(recipe, es_trades, {})
    assert market.regimes is not None
    assert np.array_equal(signal.run(es_trades).regime, market.regimes.number)
    table = pl.read_parquet(done.path / "equity.parquet")
    assert set(np.abs(table["position"].to_numpy()).tolist()) == {0.0, 1.0, 3.0}


def test_folds_by_regime(tmp_path, small_text):
    text = with_split(small_text, "{kind: regime, folds: 2, blocks: 3}")
    with pytest.raises(ConfigError, match="split of kind 'regime' and no section `regime`"):
        Recipe.parse(text)
    assert (
        run(Recipe.parse(text + "\nregime: {kind: trend_strength}"), root=tmp_path).metrics["data"]["folds"]
        == 2
    )


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.stem)
def test_shipped_recipes_run(tmp_path, path):
    recipe = Recipe.parse(runnable(path))
    fewer = recipe.model_copy(update={"model": recipe.model.model_copy(update={"rounds": 10})})
    done = run(fewer, root=tmp_path)
    done.verify()
    assert done.metrics["verdict"]["headline"]
