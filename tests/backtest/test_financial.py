"""The account's numbers: a small ledger worked out by hand, scale, intervals and capacity."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bateia.backtest import financial, simulate
from bateia.core import DataError, Trades
from bateia.trading import Costs, SimulatedBroker

DAY = 86_400_000_000
PRICE = [100.0, 100.0, 104.0, 104.0, 101.0, 101.0, 103.0, 103.0, 97.0, 97.0]
TARGET = [1, 1, 0, -1, -1, 0, 0, 1, 0, 0]
# One trade a day, each a bar. Long from 100 to 104, short from 101 to 103, long from 97 to 97; 0.50 a side.
NET = [0.0, -0.5, 3.5, 3.0, 2.5, 2.5, 0.0, 0.0, -0.5, -1.0]


def hand_market(bars_of, price=PRICE):
    time = DAY * np.arange(len(price), dtype=np.int64)
    trades = Trades(time, time, np.array(price), np.ones(len(price)), np.ones(len(price), np.int8))
    return bars_of(trades), trades


def hand_run(bars_of, **broker):
    bars, trades = hand_market(bars_of)
    account = SimulatedBroker(**{"costs": Costs(fee_per_unit=0.5), "latency": "0", **broker})
    return bars, simulate(bars, TARGET, trades, account, capital=200.0)


def test_ledger_worked_out_by_hand(bars_of_one):
    bars, run = hand_run(bars_of_one)
    assert run.equity.net.tolist() == NET
    f = financial(run, bars=bars)
    assert (f.net, f.gross, f.cost, f.round_trips, f.fills) == (-1.0, 2.0, 3.0, 3, 6)
    assert (f.days, f.bars, f.exposure) == (9.0, 10, 0.5)
    assert f.max_drawdown == 4.5 and f.max_drawdown_pct == 2.25
    # From the peak on day 2 to the end; the first fall, regained, took 2 days.
    assert (f.longest_drawdown_bars, f.longest_drawdown_days) == (7, 7.0)
    assert f.win_rate == pytest.approx(1 / 3) and f.correct_rate.value == pytest.approx(1 / 3)
    assert f.profit_factor == pytest.approx(3 / 4) and f.expectancy.value == pytest.approx(-1 / 3)
    assert f.sortino.value == pytest.approx(-1 / 9 / math.sqrt(7.5 / 9) * math.sqrt(365.25))
    assert f.recovery_factor.value == pytest.approx(-1 / 4.5)
    assert f.calmar.value == pytest.approx(-1 / (9 / 365.25) / 4.5)
    assert (f.var_95.value, f.cvar_95.value, f.tail_ratio.value) == (2.5, 2.5, 4 / 2.5)
    assert f.traded == 602.0 and f.turnover_per_day == pytest.approx(602 / 200 / 9)
    assert f.break_even_bp_side == pytest.approx(2 / 602 * 1e4)
    assert f.capacity.value == 0.0


def test_capacity_is_where_impact_eats_the_profit(bars_of_one):
    bars, run = hand_run(bars_of_one, costs=Costs(fee_per_unit=0.1), quantity=2.0)
    f = financial(run, bars=bars)
    assert f.net == pytest.approx(2 * 2 - 6 * 0.2)
    # Every bar's volume is 1 unit; each fill is 2 units.
    variance = np.sum(np.diff(np.log(PRICE)) ** 2) / 9
    grown = f.capacity.value / 200.0
    impact = math.sqrt(variance) * np.sum(np.sqrt(2.0 * grown) * 1204.0 * grown)
    assert impact == pytest.approx(grown * f.net)
    assert f.capacity.low <= f.capacity.value <= f.capacity.high
    assert financial(run).capacity.value is None
    with pytest.raises(DataError, match="9 bars for an account of 10"):
        financial(run, bars=bars[1:])


@settings(max_examples=15, deadline=None)
@given(st.floats(0.01, 100.0))
def test_currency_scales_and_ratios_do_not(bars_of_one, scale):
    bars, one = hand_run(bars_of_one)
    costs = Costs(fee_per_unit=0.5 * scale)
    larger = simulate(
        bars,
        TARGET,
        hand_market(bars_of_one)[1],
        SimulatedBroker(costs=costs, latency="0", multiplier=scale),
        capital=200.0 * scale,
    )
    a, b = (financial(run, bars=bars, draws=50) for run in (one, larger))
    for name in ("net", "max_drawdown", "traded"):
        assert getattr(b, name) == pytest.approx(scale * getattr(a, name))
    for name in ("expectancy", "var_95", "cvar_95"):
        assert getattr(b, name).value == pytest.approx(scale * getattr(a, name).value)
    for name in ("sharpe_net", "sortino", "calmar", "recovery_factor", "tail_ratio"):
        assert getattr(b, name).value == pytest.approx(getattr(a, name).value)
        assert getattr(b, name).low == pytest.approx(getattr(a, name).low, nan_ok=True)
    assert b.longest_drawdown_bars == a.longest_drawdown_bars


def test_every_number_has_its_interval_and_lies_near_it(generated_market):
    bars, trades, target = generated_market(20000, 1)
    costs = Costs(fee_per_unit=2.0, half_spread=0.125)
    run = simulate(bars, target, trades, SimulatedBroker(costs=costs, latency="0", multiplier=50))
    f = financial(run, bars=bars)
    for name in ("sharpe_net", "sortino", "var_95", "cvar_95", "tail_ratio", "expectancy", "correct_rate"):
        estimate = getattr(f, name)
        assert estimate.low <= estimate.value <= estimate.high, name
    for name in ("gross", "net", "win_rate", "profit_factor", "break_even_bp_side"):
        low, high = f.intervals[name]
        assert low < getattr(f, name) < high, name
    assert {"max_drawdown", "max_drawdown_pct", "longest_drawdown_bars"} <= f.intervals.keys()
    # The trips are independent of each other here: the binomial's interval is the truth to compare with.
    low, high = f.intervals["win_rate"]
    expected = 3.92 * math.sqrt(f.win_rate * (1 - f.win_rate) / f.round_trips)
    assert high - low == pytest.approx(expected, rel=0.25)


def test_an_account_without_trades_has_no_ratios(generated_market):
    bars, trades, target = generated_market(300, 2)
    f = financial(simulate(bars, 0 * target, trades, SimulatedBroker(costs=Costs(), latency="0")), bars=bars)
    for name in (
        "sortino",
        "calmar",
        "recovery_factor",
        "tail_ratio",
        "expectancy",
        "correct_rate",
        "capacity",
    ):
        assert getattr(f, name).value is None, name
    assert f.intervals == {} and f.longest_drawdown_bars == 0
    one = simulate(bars[:1], [0], trades, SimulatedBroker(costs=Costs(), latency="0"))
    assert financial(one).var_95.value is None
