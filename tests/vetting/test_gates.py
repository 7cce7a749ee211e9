"""Each gate on evidence made by hand; presets; and what a run and its ledger have to show."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from bateia.backtest.evidence import Evidence, number_at, numbers_in
from bateia.backtest.gates import (
    DEFAULT_GATES,
    BaselineGate,
    DeflatedGate,
    DrawdownGate,
    HistoryGate,
    MetricGate,
    OverfittingGate,
    ProfitGate,
    RegimeGate,
    TripsGate,
)
from bateia.core import ConfigError
from bateia.recipe import Recipe
from bateia.vetting.gates import judge, presets, read_gates


def metrics(**financial):
    return {
        "data": {"first": "2024-01-01T00:00:00Z", "last": "2024-12-31T00:00:00Z"},
        "strategy": {"financial": {"net": 1.0, "cost": 0.5, "traded": 100.0, "days": 100.0} | financial},
        "baselines": {"majority": {}},
    }


def by_regime(accounts):
    """As a run's breakdown holds them."""
    return {
        "groups": {"regime": [{"name": name, "financial": numbers} for name, numbers in accounts.items()]}
    }


@pytest.mark.parametrize(
    ("gate", "given", "status"),
    [
        (MetricGate(path="strategy.financial.win_rate", at_least=0.6), {"win_rate": 0.6}, "passed"),
        (MetricGate(path="strategy.financial.win_rate", at_least=0.6), {"win_rate": 0.59}, "failed"),
        (MetricGate(path="strategy.financial.win_rate", at_least=0.6), {"win_rate": None}, "not judged"),
        (
            MetricGate(path="strategy.financial.sharpe_net", at_least=1.5),
            {"sharpe_net": {"value": 1.6, "low": -1.0, "high": 3.0}},
            "passed",
        ),
        (
            MetricGate(path="strategy.financial.exposure", at_least=0.1, at_most=0.5),
            {"exposure": 0.6},
            "failed",
        ),
        (ProfitGate(), {}, "passed"),
        (ProfitGate(), {"net": 0.0}, "failed"),
        (ProfitGate(), {"cost": 0.0}, "failed"),
        (ProfitGate(), {"net": 0.0, "cost": 0.0, "traded": 0.0}, "failed"),
        (TripsGate(), {"round_trips": 99}, "failed"),
        (TripsGate(at_least=10), {"round_trips": 99}, "passed"),
        (DrawdownGate(at_most=5.0), {"max_drawdown_pct": 5.01}, "failed"),
        (DrawdownGate(at_most=5.0), {"max_drawdown_pct": 5.0}, "passed"),
        (HistoryGate(of="data", at_least="365d"), {}, "passed"),
        (HistoryGate(of="data", at_least="366d"), {}, "failed"),
        (HistoryGate(of="out_of_sample", at_least="90d"), {"days": 89.9}, "failed"),
        (HistoryGate(of="out_of_sample", at_least="90d"), {"days": 90.0}, "passed"),
    ],
)
def test_a_gate_on_the_runs_numbers(gate, given, status):
    ruling = gate.judge(Evidence(metrics(**given)))
    assert ruling.status == status
    assert ruling.holds == (status == "passed")
    assert ruling.needed


def test_a_gate_on_a_metric_that_is_missing_says_what_there_is():
    wrong = MetricGate(path="strategy.financial.win_rat", at_least=0.6)
    with pytest.raises(ConfigError, match=r"no metric 'strategy.financial.win_rat'.*try: strategy.*win_rate"):
        wrong.judge(Evidence(metrics(win_rate=0.7)))
    with pytest.raises(ConfigError, match="no metric"):
        RegimeGate(metric="nett").judge(Evidence(by_regime({"calm": {"net": 1.0, "round_trips": 50}})))
    with pytest.raises(ConfigError, match="is no number"):
        number_at(metrics(), "strategy.financial")


def test_every_path_that_is_offered_can_be_read():
    found = metrics(sharpe_net={"value": 1.0, "low": None, "high": None})
    for path, value in numbers_in(found).items():
        assert number_at(found, path) == value


@given(
    st.lists(st.floats(-5, 5), min_size=8, max_size=60),
    st.lists(st.floats(-5, 5), min_size=60, max_size=60),
    st.integers(1, 8),
)
def test_baselines_are_beaten_period_by_period(own, other, periods):
    own, other = np.array(own), np.array(other[: len(own)])
    gate = BaselineGate(periods=periods, beaten=1)
    ruling = gate.judge(Evidence(metrics(), {"strategy": own, "majority": other}))
    won = 0
    edges = [k * len(own) // periods for k in range(periods + 1)]
    for start, stop in itertools.pairwise(edges):
        mine, theirs = np.add.reduce(own[start:stop]), np.add.reduce(other[start:stop])
        if abs(mine - max(theirs, 0.0)) < 1e-9:
            return  # too close for two orders of adding up
        won += mine > max(theirs, 0.0)
    assert ruling.value == won
    assert (ruling.status == "passed") == (won >= 1)


def test_a_baseline_whose_profits_are_unknown_is_in_the_way():
    ruling = BaselineGate().judge(Evidence(metrics(), {"strategy": np.ones(9)}))
    assert (ruling.status, ruling.holds) == ("not judged", False)
    assert "majority" in ruling.reason
    short = BaselineGate().judge(Evidence({}, {"strategy": np.ones(3)}))
    assert "3 bars for 4 periods" in short.reason


def test_gates_of_luck():
    lucky = Evidence({}, trials=200, known=200, deflated=0.4, pbo=0.6, luck="so it is")
    assert DeflatedGate().judge(lucky).status == OverfittingGate().judge(lucky).status == "failed"
    assert DeflatedGate().judge(lucky).reason == "200 trials of this data in the ledger; so it is"
    assert "200 of 200 trials" in OverfittingGate().judge(lucky).reason
    alone = Evidence({}, trials=1, known=1, deflated=0.99)
    assert DeflatedGate().judge(alone).status == "passed"
    few = OverfittingGate().judge(alone)
    assert (few.status, few.holds) == ("not judged", True)
    assert few.reason == "the profits of 1 trial known, at least 10 needed"


def test_luck_that_is_hidden_is_in_the_way():
    """Many trials without profits, or no way to tell: no excuse."""
    hidden = Evidence({}, trials=200, known=1, luck="2 days, at least 30 are needed")
    assert not OverfittingGate().judge(hidden).holds
    assert not DeflatedGate().judge(hidden).holds
    assert "2 days" in DeflatedGate().judge(hidden).reason


def test_the_worst_regime_counts():
    regimes = {
        "calm": {"net_return_pct": 5.0, "round_trips": 50},
        "wild": {"net_return_pct": -8.0, "round_trips": 50},
        "rare": {"net_return_pct": -90.0, "round_trips": 3},
    }
    ruling = RegimeGate().judge(Evidence(by_regime(regimes)))
    assert (ruling.status, ruling.value, ruling.reason) == ("failed", -8.0, "wild")
    assert RegimeGate(at_least=-10).judge(Evidence(by_regime(regimes))).status == "passed"
    both = RegimeGate(at_least=-10, at_most=4).judge(Evidence(by_regime(regimes)))
    assert (both.status, both.value, both.reason) == ("failed", 5.0, "calm")
    assert RegimeGate(at_least=-10, at_most=6).judge(Evidence(by_regime(regimes))).reason == "wild"
    none = RegimeGate().judge(Evidence({}))
    assert (none.status, none.holds) == ("not judged", True)


@pytest.mark.parametrize(
    "section",
    [
        "[]",
        "[{kind: pbo, at_mots: 0.2}]",
        "[{kind: sharp}]",
        "[{kind: metric, path: strategy.financial.net}]",
        "[{kind: baseline, periods: 2, beaten: 3}]",
    ],
)
def test_gates_of_a_recipe_that_make_no_sense(small_text, section):
    with pytest.raises(ConfigError, match="gates"):
        Recipe.parse(small_text + f"gates: {section}\n")


def test_a_recipe_has_gates_of_its_own_or_the_defaults(small_text):
    plain = Recipe.parse(small_text)
    assert plain.gates == DEFAULT_GATES
    own = Recipe.parse(small_text + "gates: [{kind: round_trips, at_least: 5}]\n")
    assert own.gates == (TripsGate(at_least=5),)
    assert own.hash == plain.hash
    assert Recipe.parse(own.to_yaml()) == own


def test_presets(tmp_path):
    assert presets() == ["default", "etapa6"]
    kinds = [gate.kind for gate in read_gates("etapa6")]
    assert kinds.count("history") == 2
    assert {"deflated_sharpe", "pbo", "drawdown", "metric"} <= set(kinds)
    mine = tmp_path / "mine.yaml"
    mine.write_text("gates: [{kind: pbo, at_most: 0.1}]")
    assert read_gates(str(mine)) == (OverfittingGate(at_most=0.1),)
    mine.write_text("gates: {kind: pbo}")
    with pytest.raises(ConfigError, match="holds no gates"):
        read_gates(str(mine))
    mine.write_text("gates: [{kind: pbo, at: 0.1}]")
    with pytest.raises(ConfigError, match=r"gates.0.pbo.at: Extra"):
        read_gates(str(mine))
    with pytest.raises(ConfigError, match="try: etapa6"):
        read_gates("etapa7")
    with pytest.raises(ValidationError):
        MetricGate(path="x")


def test_judge_keeps_the_order():
    evidence = Evidence(metrics(round_trips=5, max_drawdown_pct=1.0))
    assert [r.name for r in judge((TripsGate(), DrawdownGate()), evidence)] == [
        "round trips",
        "max drawdown, %",
    ]
