"""Numbers of a run against values worked out in another way, and safe for JSON."""

import json
import math

import numpy as np
import pytest

from bateia.backtest import Metrics, financial, measure, predictive, return_by_decile, simulate
from bateia.backtest.metrics import max_drawdown, sharpe_ratio
from bateia.core import DataError
from bateia.trading import Costs, SimulatedBroker


@pytest.fixture
def run(generated_market):
    bars, trades, target = generated_market(4000, 1)
    costs = Costs(fee_per_unit=2.0, half_spread=0.125)
    return simulate(bars, target, trades, SimulatedBroker(costs=costs, latency="0", multiplier=50))


def test_account_numbers(run):
    f, equity, trips = financial(run), run.equity, run.trips
    days = (equity.time[-1] - equity.time[0]) / 86_400e6
    assert f.days == pytest.approx(days)
    assert f.periods_per_year == pytest.approx(399 / (days / 365.25))
    assert f.net == pytest.approx(f.gross - f.cost) == pytest.approx(trips.net.sum())
    traded = np.sum(np.abs(run.fills.quantity) * run.fills.market) * 50
    assert f.traded == pytest.approx(traded)
    assert f.break_even_bp_side == pytest.approx(f.gross / traded * 1e4)
    assert f.cost_bp_side == pytest.approx(f.cost / traded * 1e4)
    assert f.turnover_per_day == pytest.approx(traded / run.capital / days)
    assert f.net_return_pct == pytest.approx(100 * f.net / run.capital)
    profits = np.diff(equity.net)
    assert f.sharpe_net.value == pytest.approx(
        profits.mean() / profits.std(ddof=1) * math.sqrt(f.periods_per_year)
    )
    assert f.sharpe_net.low < f.sharpe_net.value < f.sharpe_net.high
    assert f.net_bp.value == pytest.approx(trips.net_bp.mean())
    assert f.cost_bp == pytest.approx(f.gross_bp.value - f.net_bp.value)
    assert f.win_rate == pytest.approx(np.mean(trips.net > 0))
    assert f.profit_factor == pytest.approx(trips.net[trips.net > 0].sum() / -trips.net[trips.net < 0].sum())
    assert f.exposure == pytest.approx(np.mean(equity.position != 0))
    assert (f.round_trips, f.fills, f.bars) == (len(trips), len(run.fills), 400)


def test_break_even_cost_is_where_net_is_nothing(run):
    f = financial(run)
    assert f.gross - f.traded * f.break_even_bp_side * 1e-4 == pytest.approx(0, abs=1e-6)


def test_drawdown_counts_from_the_start():
    assert max_drawdown(np.array([-1.0, -3.0, 2.0, 1.0])) == 3.0
    assert max_drawdown(np.array([0.0, 0.0])) == 0.0


def test_sharpe_is_none_without_spread_or_time():
    assert sharpe_ratio(np.ones(5), 100.0) is None
    assert sharpe_ratio(np.array([1.0, 2.0]), None) is None
    assert sharpe_ratio(np.array([1.0, 3.0]), 4.0) == pytest.approx(2 / math.sqrt(2) * 2)


def test_predictive_leaves_unknown_rows_out_and_sees_skill():
    rng = np.random.default_rng(3)
    score = rng.uniform(-1, 1, 1500)
    ret = 1e-4 * (0.3 * score + rng.normal(size=1500))
    value = np.sign(ret)
    score[:50], ret[50:60] = np.nan, np.nan
    p = predictive(score, value, ret, probability=(1 + score) / 2)
    assert p.rows == 1440
    assert 0.5 < p.auc.low < p.auc.value < p.auc.high < 0.7
    assert p.ic.low > 0 and p.rank_ic.low > 0 and p.hit_rate.low > 0.5
    assert p.log_loss > 0
    # Independent rows: DeLong's and Fisher's textbook errors are the truth to compare with.
    assert (p.ic.high - p.ic.low) / 3.92 == pytest.approx(1 / math.sqrt(1440), rel=0.15)
    assert (p.auc.high - p.auc.low) / 3.92 == pytest.approx(math.sqrt(1 / 12 / 720 * 2), rel=0.15)


def test_overlapping_answers_widen_the_interval():
    rng = np.random.default_rng(4)
    steps = rng.normal(size=3100) * 1e-4
    ret = np.convolve(steps, np.ones(100), "valid")[:3000]
    score = np.convolve(rng.normal(size=3100), np.ones(100), "valid")[:3000]
    alone = 2 * 1.96 / math.sqrt(3000)
    p = predictive(score, np.sign(ret), ret)
    assert p.ic.high - p.ic.low > 3 * alone


def test_predictive_refuses_unequal_columns():
    with pytest.raises(DataError, match="2 scores, 1 labels, 2 returns"):
        predictive([1, 2], [1], [1, 2])


def test_deciles_keep_ties_together_and_count_every_row():
    rng = np.random.default_rng(5)
    score = np.round(rng.normal(size=1000), 1)
    ret = score * 1e-4 + rng.normal(size=1000) * 1e-5
    ret[:7] = np.nan
    deciles = return_by_decile(score, ret)
    assert sum(d.rows for d in deciles) == 993
    assert [d.band for d in deciles] == sorted({d.band for d in deciles})
    means = [d.ret_bp.value for d in deciles]
    assert means == sorted(means) and means[0] < 0 < means[-1]
    assert all(d.ret_bp.low <= d.ret_bp.value <= d.ret_bp.high for d in deciles)
    constant = return_by_decile(np.zeros(50), np.ones(50))
    assert [(d.rows, d.ret_bp.value) for d in constant] == [(50, 1e4)]
    assert return_by_decile([], []) == []


def test_numbers_are_deterministic_and_survive_json(run, generated_market):
    rng = np.random.default_rng(6)
    score, ret = rng.normal(size=400), rng.normal(size=400)
    first, second = (measure(run, score, np.sign(ret), ret) for _ in range(2))
    text = json.dumps(first.to_dict(), allow_nan=False, sort_keys=True)
    assert text == json.dumps(second.to_dict(), allow_nan=False, sort_keys=True)
    assert Metrics.model_validate(json.loads(text)) == first


def test_undefined_numbers_are_none(generated_market):
    bars, trades, target = generated_market(100, 0)
    broker = SimulatedBroker(costs=Costs(), latency="0")
    f = measure(simulate(bars, 0 * target, trades, broker)).financial
    undefined = (f.sharpe_net.value, f.net_bp.value, f.win_rate, f.profit_factor, f.break_even_bp_side)
    assert undefined == (None,) * 5
    p = measure(simulate(bars, target, trades, broker), [1.0], [np.nan], [0.1]).predictive
    assert (p.rows, p.auc.value, p.ic.value, p.up_rate, p.log_loss) == (0, None, None, None, None)
