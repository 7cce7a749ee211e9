"""The closed loop: the broker's own fills, the same bar by bar, stops at the trades that touch them."""

import numpy as np
import pytest

from bateia.backtest import simulate
from bateia.core import ConfigError, DataError, Trades
from bateia.testing.risk import generated_case
from bateia.trading import Costs, SimulatedBroker
from bateia.trading.risk import Reason, Risk, Standing, replay

RULES = [
    {"kind": "volatility", "goal": 0.3, "half_life": "6h", "cap": 2},
    {"kind": "inertia"},
    {"kind": "drawdown", "start": 0.01, "end": 0.3},
    {"kind": "cooldown", "wait": "1h"},
    {"kind": "daily_loss", "share": 0.02},
]
LATENCY = 250_000
COSTS = {"fee_per_unit": 0.2, "half_spread": 0.1}


def generated_trades(bars, rows=3000, seed=0):
    rng = np.random.default_rng(seed)
    time = np.sort(rng.integers(bars.open_time[0], bars.time[-1], rows))
    at = np.minimum(np.searchsorted(bars.time, time), len(bars) - 1)
    price = bars.close[at] * rng.uniform(0.999, 1.001, rows)
    return Trades(time, time, price, np.ones(rows), np.zeros(rows, np.int8))


@pytest.fixture(scope="module")
def market():
    case = generated_case(500, 5, wild=False)
    trades = generated_trades(case.bars)
    risk = Risk(rules=RULES, multiplier=5.0)
    broker = SimulatedBroker(
        costs=Costs(fee_bps=1, slippage_bps=2, **COSTS), latency="250ms", quantity=1, multiplier=5
    )
    rates = {"fee_rate": 1 * 1e-4, "slippage_rate": 2 * 1e-4, **COSTS}
    done = replay(risk, case.bars, case.target, trades, capital=1e4, latency=LATENCY, **rates)
    return case, trades, risk, broker, done


def test_the_simulated_broker_makes_the_same_fills_and_equity_of_what_was_allowed(market):
    case, trades, _, broker, done = market
    again = simulate(case.bars, done.allowed.position, trades, broker, capital=1e4)
    kept = again.fills.row >= 0
    assert kept.sum() == len(done.fills) > 100
    for name in ("row", "time", "market", "price", "quantity", "position", "fee", "cost"):
        np.testing.assert_allclose(getattr(again.fills, name)[kept], getattr(done.fills, name), rtol=1e-12)
    assert {Reason.DRAWDOWN, Reason.COOLING} <= {Reason(r) for r in done.allowed.reason}


def test_a_stream_and_a_broker_by_turns_are_the_loop(market):
    """How paper and live run it, and how any richer broker can."""
    case, trades, risk, broker, done = market
    risk_stream, desk, cash, j, positions = risk.start(), broker.start(), 1e4, 0, []
    decided, wanted = np.empty(0, np.int64), np.empty(0)
    for i in range(len(case)):
        bar = case.bars[i : i + 1]
        end = int(np.searchsorted(trades.time, bar.time[0], side="right"))
        fills = desk.run(decided, wanted, trades[j:end])
        j = end
        cash -= float((fills.quantity * fills.market * 5.0 + fills.cost).sum())
        equity = cash + desk.position * bar.close[0] * 5.0
        out = risk_stream.run(bar, case.target[i : i + 1], Standing.of([equity], desk.position))
        decided = np.maximum.accumulate(case.bars.known_at[: i + 1])[-1:]
        wanted = out.position
        positions.append(out.position[0])
    np.testing.assert_allclose(positions, done.allowed.position, rtol=1e-9)


def test_a_stop_is_filled_where_a_trade_touches_it_and_its_side_is_left_until_the_target_turns():
    case = generated_case(900, 2, wild=False)
    trades = generated_trades(case.bars, 9000)
    risk = Risk(rules=[{"kind": "atr_stop", "multiple": 1.0, "window": 3}])
    done = replay(risk, case.bars, case.target, trades, capital=1e5)
    stops = np.flatnonzero(done.fills.row == -1)
    assert len(stops) > 20
    for k in stops:
        after = int(np.searchsorted(case.bars.time, done.fills.time[k]))
        before = done.fills.position[k - 1]
        known = case.bars.known_at < done.fills.time[k]
        level = done.allowed.stop[np.flatnonzero(known)[-1]]
        assert (done.fills.market[k] - level) * np.sign(before) <= 0.0
        assert done.standing.closed[after] * before > 0.0
        if case.target[after] * before > 0.0:
            assert done.allowed.position[after] == 0.0
            assert done.allowed.reason[after] == Reason.STOPPED


def test_equity_is_cash_and_position_at_every_bar(market):
    case, _, _, _, done = market
    fills, at = done.fills, np.searchsorted(done.fills.time, case.bars.time, side="right")
    paid = np.r_[0.0, np.cumsum(fills.quantity * fills.market * 5.0 + fills.cost)]
    held = np.r_[0.0, fills.position][at]
    np.testing.assert_array_equal(done.standing.position, held)
    np.testing.assert_allclose(
        done.standing.equity, 1e4 - paid[at] + held * case.bars.close * 5.0, rtol=1e-12
    )


def test_nothing_comes_of_nothing():
    case = generated_case(200, 2, wild=False)
    done = replay(Risk(), case.bars[:0], [], Trades.empty(), capital=1.0)
    assert len(done.allowed) == len(done.fills) == 0


def test_bad_input_says_so():
    case = generated_case(200, 2, wild=False)
    trades = generated_trades(case.bars, 9)
    with pytest.raises(ConfigError, match="capital is 0"):
        replay(Risk(), case.bars, case.target, trades, capital=0.0)
    with pytest.raises(DataError, match="trade times go backwards"):
        replay(Risk(), case.bars, case.target, trades[np.arange(8, -1, -1)], capital=1.0)
    with pytest.raises(DataError, match="others has shape"):
        replay(Risk(), case.bars, case.target, trades, capital=1.0, others=[1.0])
