"""simulate: identities at every bar, a ledger by hand, and what happens at the end of the data."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bateia.backtest import simulate
from bateia.core import ConfigError, DataError
from bateia.trading import Costs, SimulatedBroker

COSTS = Costs(fee_bps=0.5, fee_per_unit=2.0, half_spread=0.125, slippage_bps=0.1)


def es_broker(costs=COSTS, latency="250ms", quantity=2):
    return SimulatedBroker(costs=costs, latency=latency, quantity=quantity, multiplier=50)


@given(st.integers(0, 10_000), st.sampled_from(["0", "250ms", "20s"]), st.sampled_from([1, 10]))
@settings(max_examples=40, deadline=None)
def test_account_identities_hold_at_every_bar(generated_market, seed, latency, size):
    bars, trades, target = generated_market(400, seed, size)
    run = simulate(bars, target, trades, es_broker(latency=latency))
    fills, equity = run.fills, run.equity
    for i in range(0, len(bars), 3):
        seen = fills[fills.time <= bars.time[i]]
        cash_net = -np.sum(seen.quantity * seen.price) * 50 - np.sum(seen.fee)
        held = seen.quantity.sum()
        assert equity.position[i] == pytest.approx(held)
        assert equity.net[i] == pytest.approx(cash_net + held * bars.close[i] * 50, abs=1e-5)
        assert equity.gross[i] - equity.net[i] == pytest.approx(seen.cost.sum(), abs=1e-5)
    assert equity.position[-1] == 0.0
    assert run.trips.gross.sum() == pytest.approx(equity.gross[-1], abs=1e-5)
    assert run.trips.net.sum() == pytest.approx(equity.net[-1], abs=1e-5)
    assert run.trips.cost.sum() == pytest.approx(fills.cost.sum())
    assert run.trips.bars.sum() == np.sum(equity.position != 0)
    orders = np.flatnonzero(np.diff(target, prepend=np.int8(0)))
    done = fills.row[fills.row >= 0]
    assert len(done) + len(run.unfilled) == len(orders)
    assert (fills.time > fills.decided)[fills.row >= 0].all()
    assert (fills.time[fills.row >= 0] > bars.time[done] + run.broker.latency).all()


def test_without_costs_net_is_gross(generated_market):
    bars, trades, target = generated_market()
    run = simulate(bars, target, trades, es_broker(Costs()))
    assert run.equity.net.tobytes() == run.equity.gross.tobytes()
    assert run.trips.net.tobytes() == run.trips.gross.tobytes()
    assert len(run.trips) > 10


def test_a_round_trip_worked_by_hand(generated_market):
    bars, trades, _ = generated_market(60, 0, 10)
    trades.price[:] = np.repeat([1600.0, 1602.0, 1604.0, 1606.0, 1600.0, 1600.0], 10)
    bars.close[:] = trades.price[9::10]
    run = simulate(bars, [1, 1, -1, 0, 0, 0], trades, es_broker(latency="0", quantity=1), capital=10_000)
    first, second = run.trips[:1], run.trips[1:]
    # Long from 1602 to 1606, then short from 1606 to 1600: the flip is one fill of two contracts.
    assert run.fills.quantity.tolist() == [1.0, -2.0, 1.0]
    assert (first.side[0], first.gross[0], first.bars[0]) == (1, 200.0, 2)
    assert (second.side[0], second.gross[0], second.bars[0]) == (-1, 300.0, 1)
    assert first.cost[0] == pytest.approx(COSTS.side(1602, 1, 50) + COSTS.side(1606, 1, 50))
    assert first.net_bp[0] == pytest.approx((200 - first.cost[0]) / (1602 * 50) * 1e4)
    assert second.entry_price[0] == pytest.approx(1606 - 0.125 - 0.01606)
    assert run.equity.gross.tolist() == [0.0, 0.0, 100.0, 200.0, 500.0, 500.0]
    assert (run.capital, run.closed_at_end, len(run.unfilled)) == (10_000, False, 0)


def test_an_open_position_is_closed_at_the_last_bar_and_said_so(generated_market):
    bars, trades, _ = generated_market(105, 3, 10)
    target = np.ones(len(bars), np.int8)
    target[-1] = -1
    run = simulate(bars, target, trades, es_broker())
    assert run.closed_at_end
    last = run.fills[-1:]
    assert (last.row[0], last.time[0], last.market[0]) == (-1, bars.time[-1], bars.close[-1])
    assert last.cost[0] == pytest.approx(COSTS.side(bars.close[-1], 2, 50))
    # Trades after the last bar exist, but the last order may not use them.
    assert run.unfilled.row.tolist() == [len(bars) - 1]
    assert trades.time[-1] > bars.time[-1] + run.broker.latency


def test_no_order_is_sent_before_its_bar_was_known(generated_market):
    bars, trades, target = generated_market()
    # Seen two seconds late, one bar forty seconds late: what comes after it cannot be known before it.
    known_at = bars.time + 2_000_000
    known_at[50] += 38_000_000
    run = simulate(replace(bars, known_at=known_at), target, trades, es_broker(latency="0"))
    done = run.fills[run.fills.row >= 0]
    assert len(done) > 20
    assert (done.time > np.maximum.accumulate(known_at)[done.row]).all()


def test_capital_is_one_full_position_by_default(generated_market):
    bars, trades, target = generated_market()
    assert simulate(bars, target, trades, es_broker()).capital == bars.close[0] * 100


def test_staying_flat_costs_nothing(generated_market):
    bars, trades, target = generated_market()
    run = simulate(bars, 0 * target, trades, es_broker())
    assert len(run.fills) == len(run.trips) == 0
    assert not run.equity.net.any() and not run.equity.traded.any()


def test_input_is_untouched(generated_market):
    bars, trades, target = generated_market()
    before = [c.tobytes() for c in (*bars.columns().values(), *trades.columns().values(), target)]
    simulate(bars, target, trades, es_broker())
    after = [c.tobytes() for c in (*bars.columns().values(), *trades.columns().values(), target)]
    assert before == after


def test_broken_input_is_refused(generated_market):
    bars, trades, target = generated_market()
    with pytest.raises(DataError, match="199 targets for 200 bars"):
        simulate(bars, target[1:], trades, es_broker())
    with pytest.raises(DataError, match="200 bars and 0 trades"):
        simulate(bars, target, trades[:0], es_broker())
    with pytest.raises(ConfigError, match="capital is 0"):
        simulate(bars, target, trades, es_broker(), capital=0)
