"""What a report gathers: other thresholds, rulings that never stop a run."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bateia.backtest import simulate
from bateia.backtest.chance import Chance
from bateia.backtest.gates import DEFAULT_GATES, MetricGate, ProfitGate
from bateia.backtest.report import FoldSpans, other_thresholds, rulings
from bateia.splits import Fold
from bateia.trading import Costs, Edge, SimulatedBroker, Threshold


def generated_scores(bars):
    return np.random.default_rng(5).normal(0, 0.3, len(bars))


def test_the_runs_own_threshold_swept_is_the_run(generated_market, bars_of_one):
    _, trades, _ = generated_market(600, 3)
    bars = bars_of_one(trades)
    broker = SimulatedBroker(costs=Costs(fee_bps=2, half_spread=0.125), latency="0", multiplier=50)
    policy = Threshold(enter=0.2, exit=0.05)
    score = generated_scores(bars)
    done = simulate(bars, policy.run(score), trades, broker)
    swept = other_thresholds(bars, score, policy, done)
    assert len(swept) == 41 and swept.enter[0] == 0.05
    near = int(np.argmin(np.abs(swept.enter - 0.2)))
    exact = Threshold(enter=float(swept.enter[near]), exit=0.05)
    again = simulate(bars, exact.run(score), trades, broker)
    assert swept.net[near] == pytest.approx(again.equity.net[-1], rel=1e-9)


def test_no_sweep_without_thresholds_or_with_costs_it_does_not_know(generated_market):
    bars, trades, target = generated_market(600, 3)
    free = simulate(bars, target, trades, SimulatedBroker(costs=Costs(), latency="0"))
    score = generated_scores(bars)
    assert other_thresholds(bars, score, Edge(cost_bps=1.0), free) is None
    assert other_thresholds(bars, np.full(len(bars), np.nan), Threshold(enter=0.1, exit=0.0), free) is None
    low = other_thresholds(bars, score, Threshold(enter=0.5, exit=-0.2), free)
    assert low.enter[0] == 0.0 and (low.exit == -0.2).all()


def metrics(**financial):
    return {"strategy": {"financial": {"net": -1.0, "cost": 2.0, "traded": 9.0, **financial}}}


def test_a_gate_on_what_was_not_measured_does_not_stop_the_run():
    chance = Chance(days=1, trials=3, compared=1, missing={"dsr": "1 day, at least 30 are needed"})
    gates = (ProfitGate(), MetricGate(path="strategy.financial.nothing", at_least=1))
    first, second = rulings(gates, metrics(), chance, {"strategy": np.zeros(9)})
    assert first.status == "failed"
    assert second.status == "not judged" and not second.holds and "no metric" in second.reason


def test_gates_hear_what_the_ledger_says_of_luck():
    chance = Chance(
        days=90,
        trials=20,
        compared=15,
        effective_trials=7.0,
        sharpe_daily=0.3,
        luck_daily=0.1,
        dsr=0.97,
        pbo=0.4,
    )
    told = metrics(round_trips=500, max_drawdown_pct=3.0)
    found = {r.name: r for r in rulings(DEFAULT_GATES, told, chance, {"strategy": np.zeros(9)})}
    assert found["deflated Sharpe"].status == "passed" and chance.in_words in found["deflated Sharpe"].reason
    assert found["PBO"].status == "failed"


@given(st.lists(st.sampled_from("tep."), min_size=3, max_size=60))
def test_stretches_hold_just_the_rows_of_their_part(parts):
    rows = {part: np.array([i for i, p in enumerate(parts) if p == part], np.int64) for part in "tep"}
    time = np.arange(len(parts), dtype=np.int64) * 7
    found = FoldSpans.of(Fold(rows["t"], rows["e"], rows["p"]), time)
    for part, stretches in (("t", found.train), ("e", found.test), ("p", found.purged)):
        inside = {i for begin, end in stretches for i in range(begin // 7, end // 7 + 1)}
        assert {i for i in inside if parts[i] != "."} == set(rows[part].tolist())
