"""The pipeline's own p-value: as rare as it says on noise, the smallest there is on a planted signal."""

from __future__ import annotations

import json

import numpy as np
import pytest
from scipy.stats import binom
from typer.testing import CliRunner

from bateia import cli
from bateia.core import ConfigError, DataError
from bateia.features import Features
from bateia.pipeline import run
from bateia.research import Silent
from bateia.runs import Ledger, list_runs
from bateia.vetting.null import NOTHING, null_test, p_value
from generated_markets import candle_recipe, generated_noise, generated_signal, tiny_recipe


@pytest.fixture(scope="module")
def signal(tmp_path_factory):
    return tiny_recipe(generated_signal(), tmp_path_factory.mktemp("signal"))


@pytest.fixture(scope="module")
def tested(signal, tmp_path_factory):
    root = tmp_path_factory.mktemp("runs")
    return root, {kind: null_test(signal, repeats=19, kind=kind, root=root) for kind in ("returns", "labels")}


def test_a_planted_signal_gets_the_smallest_p_value_there_is(tested):
    returns, labels = tested[1]["returns"], tested[1]["labels"]
    assert set(returns.p.values()) == {1 / 20}
    # Labels say nothing about what the market pays, so there only skill is judged.
    assert labels.p["auc"] == 1 / 20
    assert np.mean(returns.surrogates["auc"]) == pytest.approx(0.5, abs=0.04)
    assert np.mean(labels.surrogates["auc"]) == pytest.approx(0.5, abs=0.04)


OWN = {"flow": "signed_volume / volume", "busy": "log(volume / lag(volume, 1))"}


@pytest.mark.parametrize("kind", ["returns", "labels"])
def test_on_noise_p_values_are_as_rare_as_they_say(kind, tmp_path):
    markets, repeats = 25, 9
    found = []
    for seed in range(markets):
        recipe = tiny_recipe(generated_noise(1000, seed=1000 + seed), tmp_path)
        if kind == "labels":
            # Past returns lean against the labels before them in 100 bars, which permuted labels do not show.
            recipe = recipe.model_copy(update={"features": Features(define=OWN)})
        found.append(null_test(recipe, repeats=repeats, kind=kind, seed=seed, root=tmp_path / "runs").p)
    for name in NOTHING:
        p = np.array([one[name] for one in found if one[name] is not None])
        assert len(p) > 0.8 * markets
        # At each level, no more false alarms than chance gives once in a thousand such tests.
        for level in (0.1, 0.2, 0.3, 0.5):
            alarms = int((p <= level + 1e-9).sum())
            assert alarms <= binom.ppf(0.999, len(p), level), (name, level, alarms)
        # The mean of a p-value that is 0.1, 0.2, ... 1 with equal chances, within four deviations.
        assert abs(p.mean() - 0.55) < 4 * 0.2872 / np.sqrt(len(p)), (name, p.mean())


def test_candles_are_tested_as_trades_are(tmp_path):
    test = null_test(candle_recipe(generated_signal(4000), tmp_path), repeats=9, root=tmp_path)
    assert test.p["auc"] == 1 / 10
    assert np.mean(test.surrogates["auc"]) == pytest.approx(0.5, abs=0.06)


def test_the_real_numbers_are_those_of_a_run(signal, tested, tmp_path):
    ran = run(signal, root=tmp_path).metrics["strategy"]
    observed = tested[1]["returns"].observed
    assert observed == tested[1]["labels"].observed
    assert observed["auc"] == ran["predictive"]["auc"]["value"]
    for name in ("net_bp", "gross_bp", "sharpe_net", "sharpe_gross"):
        assert observed[name] == ran["financial"][name]["value"]


def test_the_same_seed_gives_the_same_and_another_does_not(signal, tested, tmp_path):
    again = null_test(signal, repeats=3, root=tmp_path)
    other = null_test(signal, repeats=3, seed=1, root=tmp_path)
    first = tested[1]["returns"].surrogates["auc"][:3]
    assert list(again.surrogates["auc"]) == first != list(other.surrogates["auc"])


def test_surrogates_are_recorded_but_never_as_trials_of_the_real_data(signal, tested):
    root, tests = tested
    ledger = Ledger(root / "ledger.sqlite")
    real = ledger.trials(signal.data_hash())
    assert [trial.note for trial in real] == ["real data of a null test"] * 2
    assert ledger.count(signal.data_hash()) == 1
    made = [trial for trial in ledger.trials() if trial.note.startswith("surrogate")]
    assert len(made) == len({trial.data_hash for trial in made}) == 2 * 19
    assert made[0].note == "surrogate 1 of 19, returns"
    assert list_runs(root) == []
    folders = list_runs(root / "null")
    assert [entry.status for entry in folders] == ["finished"] * 2
    for test in tests.values():
        kept = json.loads((root / "null" / test.path.split("/")[-1] / "null.json").read_text())
        assert kept == test.to_dict()


@pytest.mark.parametrize(
    ("observed", "made", "p"),
    [
        (1.0, [0.0, 0.5], 1 / 3),
        (1.0, [1.0, 0.5], 2 / 3),
        (-1.0, [None, -2.0], 2 / 3),
        (None, [1.0], None),
        (2.0, [3.0] * 9, 1.0),
    ],
)
def test_p_values_by_hand(observed, made, p):
    assert p_value(observed, made) == p


def test_a_strategy_that_never_trades_has_skill_to_judge_and_no_money(signal, tmp_path):
    policy = signal.policy.model_copy(update={"enter": 5.0})
    test = null_test(signal.model_copy(update={"policy": policy}), repeats=2, root=tmp_path)
    assert test.p["auc"] == 1 / 3
    assert test.p["net_bp"] is None


def test_what_cannot_be_tested_is_refused(signal, tmp_path):
    with pytest.raises(ConfigError, match=r"0 repeats.*try: --repeats 20"):
        null_test(signal, repeats=0, root=tmp_path)
    with pytest.raises(ConfigError, match="'prices'"):
        null_test(signal, kind="prices", root=tmp_path)
    short = signal.model_copy(update={"label": signal.label.model_copy(update={"horizon": 30})})
    with pytest.raises(DataError, match=r"too few to be moved about"):
        null_test(short, kind="labels", root=tmp_path)
    assert not list((tmp_path / "null").iterdir())


def test_an_interrupt_leaves_it_marked(signal, tmp_path):
    class Interrupted(Silent):
        def stage(self, name: str, total: int = 1):
            if "surrogates" in name:
                raise KeyboardInterrupt
            return super().stage(name, total)

    with pytest.raises(KeyboardInterrupt):
        null_test(signal, repeats=2, root=tmp_path, watch=Interrupted())
    assert [entry.status for entry in list_runs(tmp_path / "null")] == ["incomplete: interrupted"]
    assert not (tmp_path / "ledger.sqlite").exists()


def test_the_command_shows_a_table_or_json(signal, tmp_path):
    path = tmp_path / "tiny.yaml"
    path.write_text(signal.to_yaml())
    words = ["null", str(path), "--repeats", "4", "--runs", str(tmp_path)]
    shown = CliRunner().invoke(cli.app, words, catch_exceptions=False)
    assert shown.exit_code == 0
    assert "net per trade, bp" in shown.stdout and "0.200" in shown.stdout
    told = CliRunner().invoke(cli.app, [*words, "--kind", "labels", "--json"], catch_exceptions=False)
    test = json.loads(told.stdout)
    assert (test["kind"], test["repeats"], test["p"]["auc"]) == ("labels", 4, 0.2)
    assert len(test["surrogates"]["net_bp"]) == 4
