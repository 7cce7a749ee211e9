"""SimulatedBroker: a ledger by hand, cuts by clock, snapshots, and late decisions."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bateia.core import DataError, Trades
from bateia.trading import Costs, SimulatedBroker

COSTS = Costs(fee_bps=1.0, fee_per_unit=2.0, half_spread=0.125, slippage_bps=0.5)


def generated_trades(times, prices):
    time = np.array(times, np.int64)
    size = np.ones(len(time))
    return Trades(time, time, np.array(prices, float), size, np.zeros(len(time), np.int8))


def test_a_ledger_worked_by_hand():
    broker = SimulatedBroker(costs=COSTS, latency="0", quantity=2, multiplier=50)
    trades = generated_trades([10, 20, 30, 40], [1600, 1604, 1596, 1600])
    fills = broker.fill([10, 25, 30, 35], [1, 1, -1, -1], trades)
    assert fills.time.tolist() == [20, 40]
    assert fills.decided.tolist() == [10, 30]
    assert fills.row.tolist() == [0, 2]
    assert fills.quantity.tolist() == [2.0, -4.0]
    assert fills.position.tolist() == [2.0, -2.0]
    # Bought 2 at 1604: away 0.125 + 0.0802; sold 4 at 1600: away 0.125 + 0.08.
    assert fills.price == pytest.approx([1604.2052, 1599.795])
    assert fills.fee == pytest.approx([1604 * 100 * 1e-4 + 4, 1600 * 200 * 1e-4 + 8])
    assert fills.cost == pytest.approx([20.04 + 20.52, 40.0 + 41.0])
    assert fills.cost[1] == pytest.approx(COSTS.side(1600.0, 4.0, 50.0))


def same(a, b):
    return all(
        x.tobytes() == y.tobytes() for x, y in zip(a.columns().values(), b.columns().values(), strict=True)
    )


events = st.lists(st.tuples(st.integers(0, 4), st.integers(-1, 1)), max_size=20)


@given(
    events, events, st.lists(st.integers(0, 60), max_size=4).map(sorted), st.sampled_from(["0", "3us", "9us"])
)
@settings(max_examples=150)
def test_any_cut_by_the_clock_gives_the_same_fills(decisions, prints, cuts, latency):
    decided = np.cumsum([gap for gap, _ in decisions], dtype=np.int64)
    targets = np.array([target for _, target in decisions], np.int8)
    traded = np.cumsum([gap for gap, _ in prints], dtype=np.int64)
    trades = generated_trades(traded, 100.0 + np.array([tick for _, tick in prints]) / 4)
    broker = SimulatedBroker(costs=COSTS, latency=latency)
    whole = broker.start()
    expected = whole.run(decided, targets, trades)
    stream, pieces, last = broker.start(), [], -1
    for cut in [*cuts, 1000]:
        ours, theirs = (decided > last) & (decided <= cut), (trades.time > last) & (trades.time <= cut)
        pieces.append(stream.run(decided[ours], targets[ours], trades[theirs]))
        stream, last = broker.restore(stream.snapshot()), cut
    joined = type(expected).concat(pieces)
    assert same(joined, expected)
    assert same(stream.pending, whole.pending)
    assert stream.position == whole.position
    filled = set(expected.row.tolist()) | set(whole.pending.row.tolist())
    changed = np.flatnonzero(np.diff(targets, prepend=np.int8(0)))
    assert filled == set(changed.tolist())


def test_the_first_trade_must_be_strictly_later_and_orders_wait_in_line():
    broker = SimulatedBroker(costs=Costs(), latency="5us")
    stream = broker.start()
    fills = stream.run([10, 12, 30], [1, -1, 0], generated_trades([15, 20, 35], [100, 101, 102]))
    # The trade at 15 is not later than 10 + 5; both orders meet the one at 20; 35 is not later than 30 + 5.
    assert fills.time.tolist() == [20, 20]
    assert fills.quantity.tolist() == [1.0, -2.0]
    assert stream.pending.row.tolist() == [2]


def test_orders_left_at_the_end_are_shown():
    stream = SimulatedBroker(costs=COSTS, latency="5us").start()
    fills = stream.run([10, 20], [1, 0], generated_trades([12, 16, 25], [1, 2, 3]))
    assert fills.time.tolist() == [16]
    assert stream.pending.row.tolist() == [1]
    assert stream.pending.time.tolist() == [20]
    assert stream.position == 1.0


def test_a_decision_after_the_trade_it_should_have_met_is_refused():
    stream = SimulatedBroker(costs=COSTS, latency="0").start()
    stream.run([], [], generated_trades([10, 20], [1, 2]))
    with pytest.raises(DataError, match="comes after a trade that it should have met"):
        stream.run([15], [1], generated_trades([30], [1]))


@pytest.mark.parametrize(
    ("times", "targets", "traded", "words"),
    [
        ([1, 2], [1], [3], "2 decision times and 1 targets"),
        ([1], [np.nan], [3], "a target is not a finite number"),
        ([2, 1], [1, 0], [3], "decision times go backwards"),
        ([1], [1], [3, 2], "trade times go backwards"),
    ],
)
def test_broken_input_is_refused(times, targets, traded, words):
    broker = SimulatedBroker(costs=COSTS, latency="0")
    with pytest.raises(DataError, match=words):
        broker.fill(times, targets, generated_trades(traded, np.ones(len(traded))))


@pytest.mark.parametrize("position", [2.0, -2.0])
def test_closing_costs_what_a_fill_costs(position):
    broker = SimulatedBroker(costs=COSTS, latency="0", quantity=2, multiplier=50)
    opened = broker.fill([0], [-np.sign(position)], generated_trades([1], [1600.0]))
    stream = broker.start()
    stream.run([0], [np.sign(position)], generated_trades([1], [1500.0]))
    closed = stream.close(9, 1600.0)
    for name in ("price", "quantity", "fee", "cost"):
        assert getattr(closed, name) == pytest.approx(getattr(opened, name))
    assert (closed.row[0], closed.position[0], closed.time[0]) == (-1, 0.0, 9)
    assert len(stream.close(10, 1600.0)) == 0
