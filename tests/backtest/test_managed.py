"""Risk and broker by turns: without a limit that binds nothing changes; with one, it holds."""

import numpy as np
import pytest

from bateia.backtest import simulate
from bateia.bars import TickBars
from bateia.core import DataError
from bateia.trading import Costs, Exits, SimulatedBroker
from bateia.trading.risk import Reason, Risk

BROKERS = {
    "plain": SimulatedBroker(costs=Costs(fee_bps=1, half_spread=0.125), latency="100ms", quantity=2.0),
    "exits": SimulatedBroker(costs=Costs(), exits=Exits(stop_loss={"bp": 5}), quantity=2.0, latency="1s"),
    "borrow": SimulatedBroker(costs=Costs(borrow_bps=900), quantity=2.0, multiplier=50.0, latency="0"),
}


@pytest.fixture(scope="module")
def market(es_trades):
    trades = es_trades[:60_000]
    bars = TickBars(size=100).run(trades)
    target = np.random.default_rng(1).choice([-1.0, 0.0, 0.0, 1.0], len(bars) // 5).repeat(5)
    return bars[: len(target)], target, trades


@pytest.mark.parametrize("name", BROKERS)
def test_rules_that_change_nothing_give_the_same_account(market, name):
    bars, target, trades = market
    broker = BROKERS[name]
    plain = simulate(bars, target, trades, broker)
    ruled = simulate(
        bars,
        target,
        trades,
        broker,
        risk=Risk(rules=[{"kind": "fixed", "units": 2.0}]),
        capital=plain.capital,
    )
    for column, values in plain.equity.columns().items():
        np.testing.assert_allclose(
            getattr(ruled.equity, column), values, rtol=1e-12, atol=1e-6, err_msg=column
        )
    assert np.array_equal(ruled.fills.quantity, plain.fills.quantity)
    assert len(plain.fills) > 50
    assert ruled.allowed is not None
    assert len(ruled.allowed) == len(bars)


def test_a_limit_holds_and_says_why(market):
    bars, target, trades = market
    rules = [
        {"kind": "fixed", "units": 5.0},
        {"kind": "exposure", "units": 3.0},
        {"kind": "trades", "most": 4},
    ]
    done = simulate(bars, target, trades, BROKERS["plain"], risk=Risk(rules=rules), capital=1e6)
    assert np.abs(done.equity.position).max() == 3.0
    assert done.allowed is not None
    assert {"TOO_LARGE", "TOO_MANY"} <= {Reason(number).name for number in done.allowed.reason}


def test_what_the_rules_ask_must_be_there(market):
    bars, target, trades = market
    risk = Risk(rules=[{"kind": "fixed"}, {"kind": "score"}])
    with pytest.raises(DataError, match="no score for the risk rules"):
        simulate(bars, target, trades, BROKERS["plain"], risk=risk, capital=1e6)
    done = simulate(
        bars,
        target,
        trades,
        BROKERS["plain"],
        risk=risk,
        capital=1e6,
        opinion={"score": np.full(len(bars), 0.5)},
    )
    assert len(done.fills)
