"""Several symbols in one account: one ledger, equity = cash + positions at every bar, shared margin."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bateia.backtest import simulate
from bateia.backtest.several import simulate_account
from bateia.core import DataError
from bateia.trading import Account, Costs, FixedFunding, Margin, SimulatedBroker

COSTS = Costs(fee_bps=0.5, half_spread=0.125, borrow_bps=300)


def broker(latency="250ms", **more):
    return SimulatedBroker(costs=COSTS, latency=latency, multiplier=50, **more)


@given(st.integers(0, 1000), st.booleans())
@settings(max_examples=25)
def test_equity_is_cash_and_positions_at_every_bar(generated_market, seed, margin):
    funding = FixedFunding(rate_bps=1, every="10m")
    account = Account(
        brokers={"A": broker(funding=funding), "B": broker("2s", quantity=2)},
        margin=Margin(capital=300_000, initial=0.5, maintenance=0.4) if margin else None,
    )
    markets = {"A": generated_market(900, seed, 10), "B": generated_market(700, seed + 1, 7)}
    markets = {s: (bars, target, trades) for s, (bars, trades, target) in markets.items()}
    run = simulate_account(markets, account)
    start = 300_000 if margin else 0.0
    for i in range(0, len(run.equity), 5):
        now = run.equity.time[i]
        cash, worth = start, 0.0
        for number, symbol in enumerate("AB"):
            ours = run.fills[(run.fills.symbol == number) & (run.fills.time <= now)]
            cash -= np.sum(ours.quantity * ours.market) * 50 + ours.cost.sum()
            bars = markets[symbol][0]
            seen = bars.close[bars.time <= now]
            mark = seen[-1] if len(seen) else (ours.market[-1] if len(ours) else 0.0)
            worth += ours.quantity.sum() * mark * 50
        cash -= run.charges.amount[run.charges.time <= now].sum()
        assert run.equity.cash[i] == pytest.approx(cash, abs=1e-5)
        assert run.equity.positions[i] == pytest.approx(worth, abs=1e-5)
        assert run.equity.equity[i] == run.equity.cash[i] + run.equity.positions[i]
        assert run.equity.net[i] == pytest.approx(cash + worth - start, abs=1e-5)
    assert run.equity.positions[-1] == 0.0
    # The kernel's own ledger: the last event's cash is the account's.
    assert run.equity.cash[-1] == pytest.approx(run.fills.cash[-1], abs=1e-4)
    assert sum(leg.equity.net[-1] for leg in run.legs.values()) == pytest.approx(run.equity.net[-1], abs=1e-5)
    assert sum(leg.trips.net.sum() for leg in run.legs.values()) == pytest.approx(
        run.equity.net[-1], abs=1e-5
    )


def test_without_margin_each_symbol_is_as_if_alone(generated_market):
    markets, alone = {}, {}
    account = Account(brokers={"A": broker(), "B": broker("2s")})
    for symbol, seed in (("A", 1), ("B", 2)):
        bars, trades, target = generated_market(800, seed)
        markets[symbol] = (bars, target, trades)
    run = simulate_account(markets, account)
    for symbol, (bars, target, trades) in markets.items():
        alone[symbol] = simulate(bars, target, trades, account.brokers[symbol])
        ours = run.legs[symbol].trips
        # All but the end, which is the account's.
        n = len(ours) - 1
        assert ours.net[:n].tobytes() == alone[symbol].trips.net[:n].tobytes()


def test_one_symbols_loss_closes_the_others(generated_market):
    bars, trades, _ = generated_market(200, 0, 10)
    steady = np.full(len(trades), 100.0)
    falling = np.where(np.arange(len(trades)) < 100, 100.0, 60.0)
    plain = SimulatedBroker(costs=Costs(), latency="0", quantity=10)
    account = Account(
        brokers={"A": plain, "B": plain},
        margin=Margin(capital=500, initial=0.2, maintenance=0.1, fee_bps=100),
    )
    markets = {}
    for symbol, price in (("A", falling), ("B", steady)):
        tape = type(trades)(trades.time, trades.known_at, price, trades.size, trades.side)
        own = type(bars)(**(bars.columns() | {"close": price[9::10]}))
        markets[symbol] = (own, np.ones(len(bars)), tape)
    run = simulate_account(markets, account)
    # Equity 500 - 10 * 40 = 100 at A's 60, against 10% of 600 + 1,000: both go, A at 60, B at its next 100.
    gone = run.fills[run.fills.reason == 5]
    assert gone.symbol.tolist() == [0, 1]
    assert gone.market.tolist() == [60.0, 100.0]
    assert gone.liquidation.tolist() == [6.0, 10.0]
    assert run.equity.equity[-1] == pytest.approx(500 - 400 - 16)


def test_broken_input_is_refused(generated_market):
    bars, trades, target = generated_market()
    account = Account(brokers={"BTCUSDT": broker()})
    with pytest.raises(DataError, match=r"no broker of 'BTCUSD'.*try: BTCUSDT"):
        simulate_account({"BTCUSD": (bars, target, trades)}, account)
    with pytest.raises(DataError, match="BTCUSDT: 200 bars, 199 targets"):
        simulate_account({"BTCUSDT": (bars, target[1:], trades)}, account)
