"""The sweep is the backtest, once for each pair of thresholds."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bateia.backtest import financial, side_costs, simulate, sweep
from bateia.core import Bars, ConfigError, DataError
from bateia.trading import Costs, SimulatedBroker, Threshold

FREE = Costs()
SHARE = Costs(fee_bps=0.1, spread={"kind": "share", "half_bps": 0.3})
PAID = Costs(fee_bps=0.2, slippage_bps=0.1, half_spread=0.05, fee_per_unit=1.0)


def one_by_one(bars, trades, score, pairs, costs, side, quantity):
    """What `simulate` and `financial` say of each pair."""
    broker = SimulatedBroker(costs=costs, latency="0", quantity=quantity, multiplier=50)
    for enter, leave in pairs:
        target = Threshold(enter=enter, exit=leave, side=side).run(score)
        yield financial(simulate(bars, target, trades, broker), draws=2)


@pytest.mark.parametrize("side", ["both", "long", "short"])
@pytest.mark.parametrize("costs", [FREE, PAID, SHARE])
def test_each_pair_is_its_own_backtest(generated_market, side, costs):
    bars, trades, _ = generated_market(3000, 3)
    rng = np.random.default_rng(1)
    score = rng.normal(0, 0.3, len(bars))
    score[rng.random(len(bars)) < 0.05] = np.nan
    enter = np.repeat([0.0, 0.1, 0.3, 0.6, 9.0], 8)
    leave = enter - np.tile([0.0, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 2.0], 5)
    bp_side, per_unit = side_costs(SimulatedBroker(costs=costs, latency="0", multiplier=50))
    made = sweep(
        bars,
        score,
        enter,
        leave,
        bp_side=bp_side,
        per_unit=per_unit,
        side=side,
        quantity=2.0,
        multiplier=50,
    )
    pairs = zip(enter, leave, strict=True)
    for row, account in enumerate(one_by_one(bars, trades, score, pairs, costs, side, 2.0)):
        for ours, theirs in {
            "gross": account.gross,
            "cost": account.cost,
            "net": account.net,
            "round_trips": account.round_trips,
            "traded": account.traded,
            "exposure": account.exposure,
            "max_drawdown": account.max_drawdown,
            "sharpe": account.sharpe_net.value if account.sharpe_net.value is not None else np.nan,
        }.items():
            assert getattr(made, ours)[row] == pytest.approx(theirs, rel=1e-9, abs=1e-7, nan_ok=True), ours
        assert made.turnover[row] == pytest.approx(account.traded / account.capital)
    assert made.round_trips[0] > 20 and made.round_trips[-1] == 0
    assert np.isnan(made.sharpe[-1]) and not made.net[-1]


def generated_bars(close, open_=None):
    n = len(close)
    time, ones = 1_600_000_000_000_000 + np.arange(n) * 60_000_000, np.ones(n)
    close = np.asarray(close, float)
    first = close if open_ is None else np.asarray(open_, float)
    return Bars(time, time, time, first, close, close, close, *[ones] * 7)


def reference_account(bars, price, score, enter, leave, rate, fixed):
    """Net at each close, by hand: decide, fill at the next bar, pay, close at the end."""
    held, want, cash, trips, nets = 0, 0, 0.0, 0, []
    for i in range(len(bars)):
        if i and want != held:
            cash -= (want - held) * price[i] + abs(want - held) * (rate[i] * price[i] + fixed)
            trips += want != 0
            held = want
        last = i == len(bars) - 1
        out = abs(held) * (rate[i] * bars.close[i] + fixed) if last else 0.0
        nets.append(cash + held * bars.close[i] - out)
        if np.isnan(score[i]):
            want = 0
        elif score[i] > enter:
            want = 1
        elif score[i] < -enter:
            want = -1
        elif (want == 1 and score[i] < leave) or (want == -1 and score[i] > -leave):
            want = 0
    return np.array(nets), trips


@given(st.integers(0, 2**31), st.integers(1, 50), st.sampled_from(["open", "close"]))
@settings(max_examples=60)
def test_the_account_by_hand(seed, n, fill):
    rng = np.random.default_rng(seed)
    close = 100 * np.exp(np.cumsum(rng.normal(0, 0.01, n)))
    bars = generated_bars(close, close * np.exp(rng.normal(0, 0.003, n)))
    score, bp = rng.normal(0, 0.3, n), rng.random(n) * 10
    enter, leave = np.array([0.0, 0.2, 0.4]), np.array([0.0, 0.1, -0.1])
    made = sweep(bars, score, enter, leave, bp_side=bp, per_unit=0.02, fill=fill)
    price = bars.open if fill == "open" else bars.close
    for k in range(3):
        net, trips = reference_account(bars, price, score, enter[k], leave[k], bp * 1e-4, 0.02)
        assert made.net[k] == pytest.approx(net[-1], abs=1e-9)
        assert made.round_trips[k] == trips
        peak = np.maximum.accumulate(np.maximum(net, 0))
        assert made.max_drawdown[k] == pytest.approx(np.max(peak - net), abs=1e-9)
        assert made.net[k] == pytest.approx(made.gross[k] - made.cost[k], abs=1e-9)


def test_one_exit_serves_every_entry():
    bars = generated_bars([10.0, 11.0, 12.0, 14.0])
    made = sweep(bars, [1, 1, 0, 0], [0.5, 0.9, 2.0], 0.2, bp_side=0.0)
    assert made.exit.tolist() == [0.2, 0.2, 0.2]
    assert made.net.tolist() == [3.0, 3.0, 0.0]


@pytest.mark.parametrize(
    ("costs", "more", "words"),
    [
        ({"impact": 1.0}, {}, "impact"),
        ({"tiers": ({"notional": 1.0, "fee_bps": 1.0},)}, {}, "tiers"),
        ({"spread": {"kind": "roll"}}, {}, "spread"),
        ({}, {"lot": 1.0, "min_notional": 5.0}, "lot, min_notional"),
        ({"maker_bps": 1.0}, {"orders": "passive"}, "maker_bps, orders"),
    ],
)
def test_costs_that_depend_on_more_than_the_price_are_refused(costs, more, words):
    with pytest.raises(ConfigError, match=f"a broker with {words}, which"):
        side_costs(SimulatedBroker(costs=costs, latency="0", **more))


BARS = generated_bars([10.0, 11.0, 12.0])


@pytest.mark.parametrize(
    ("change", "error", "words"),
    [
        ({"score": [1.0]}, DataError, "1 scores for 3 bars"),
        ({"bars": BARS[:0], "score": []}, DataError, "0 scores for 0 bars"),
        ({"enter": [0.5, 0.1]}, ConfigError, "pair 1: enter 0.1, exit 0.2; allowed: exit <= enter"),
        ({"enter": -0.1, "exit": -0.2}, ConfigError, "enter >= 0, or side 'long' or 'short'"),
        ({"enter": np.nan}, ConfigError, "one finite number per pair"),
        ({"bp_side": [1.0]}, DataError, "one number from 0, or one for each bar"),
        ({"bp_side": -1.0}, DataError, "one number from 0"),
        ({"capital": 0.0}, ConfigError, "a positive amount"),
    ],
)
def test_what_makes_no_sense_says_so(change, error, words):
    given_ = {"bars": BARS, "score": [1.0, 0.0, 0.0], "enter": 0.5, "exit": 0.2, "bp_side": 1.0, **change}
    bars, score, enter, leave = (given_.pop(name) for name in ("bars", "score", "enter", "exit"))
    with pytest.raises(error) as caught:
        sweep(bars, score, enter, leave, **given_)
    assert words in str(caught.value)
