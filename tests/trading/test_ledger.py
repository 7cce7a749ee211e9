"""Ten fills worked by hand, and exits, margin and charges one at a time."""

import numpy as np
import pytest

from bateia.core import DataError, Trades
from bateia.trading import Costs, Distance, Exits, FixedFunding, Margin, SimulatedBroker

HOUR = 3_600_000_000


def generated_trades(hours, prices, sizes=None):
    time = (np.array(hours) * HOUR).astype(np.int64)
    size = np.ones(len(time)) if sizes is None else np.array(sizes, float)
    return Trades(time, time, np.array(prices, float), size, np.zeros(len(time), np.int8))


def hours(values):
    return (np.array(values) * HOUR).astype(np.int64)


def test_ten_fills_worked_by_hand():
    broker = SimulatedBroker(
        costs=Costs(fee_bps=10, half_spread=0.5),
        latency="0",
        exits=Exits(stop_loss=Distance(bp=1000), take_profit=Distance(bp=2000)),
        funding=FixedFunding(rate_bps=100),
    )
    trades = generated_trades(
        [1, 2, 3, 4, 5, 6, 7, 9, 10, 11, 12, 13, 14],
        [100, 105, 110, 122, 120, 120, 125, 145, 140, 140, 130, 120, 107],
    )
    decided = hours([0, 1, 2, 4, 5, 9, 10, 11, 12])
    stream = broker.start()
    fills = stream.run(decided, [1, 2, -1, -1, 1, 0, -2, -1, 1], trades)
    # hour, reason, market, units, position, cost = 0.1% of the notional + 0.5 a unit, cash after.
    ledger = [
        (1, 0, 100, 1, 1, 0.6, -100.6),
        (2, 0, 105, 1, 2, 0.605, -206.205),
        (3, 0, 110, -3, -1, 1.83, 121.965),
        # Stop at 110 + 10% = 121: the trade beyond it is at 122. The target stays -1: flat.
        (4, 1, 122, 1, 0, 0.622, -0.657),
        (6, 0, 120, 1, 1, 0.62, -121.277),
        # At hour 8, 1% of 125 for funding. Profit taken at 144, not at the 145 of the trade beyond it.
        (9, 3, 144, -1, 0, 0.644, 20.829),
        (11, 0, 140, -2, -2, 1.28, 299.549),
        (12, 0, 130, 1, -1, 0.63, 168.919),
        (13, 0, 120, 2, 1, 1.24, -72.321),
        # Stop at 108: the trade beyond it is at 107.
        (14, 1, 107, -1, 0, 0.607, 34.072),
    ]
    columns = (
        fills.time / HOUR,
        fills.reason,
        fills.market,
        fills.quantity,
        fills.position,
        fills.cost,
        fills.cash,
    )
    assert np.allclose(np.stack(columns, axis=1), ledger, rtol=0, atol=1e-9)
    assert stream.charges.time.tolist() == [8 * HOUR]
    assert stream.charges.amount.tolist() == [1.25]
    equity = fills.cash + fills.position * fills.market
    assert equity == pytest.approx(
        [-0.6, 3.795, 11.965, -0.657, -1.277, 20.829, 19.549, 38.919, 47.679, 34.072]
    )
    assert np.allclose(fills.fee + fills.spread, fills.cost)


@pytest.mark.parametrize("side", [1, -1])
@pytest.mark.parametrize(
    ("exits", "path", "reason", "row"),
    [
        (Exits(stop_loss=Distance(bp=100)), [100, 99.5, 99.0, 98], 1, 2),
        (Exits(take_profit=Distance(bp=100)), [100, 100.5, 103, 100], 3, 2),
        # From 104 back by 2% of it: 101.92.
        (Exits(trailing=Distance(bp=200)), [100, 104, 102.5, 101.9], 2, 3),
        (Exits(time_out="2h"), [100, 100, 100, 100], 4, 2),
    ],
)
def test_each_exit_fills_at_the_first_trade_beyond_it(side, exits, path, reason, row):
    broker = SimulatedBroker(costs=Costs(), latency="0", exits=exits)
    prices = [100 + side * (p - 100) for p in path]
    trades = generated_trades([1, 2, 3, 4, 5, 6], [*prices, prices[-1], prices[-1]])
    fills = broker.fill(hours([0, 4]), [side, side], trades)
    assert fills.reason.tolist() == [0, reason]
    assert fills.time[1] == trades.time[row]
    # A gap beyond the stop is paid, one beyond the take-profit is not earned.
    assert fills.market[1] == (100 + side if reason == 3 else trades.price[row])
    # The target turns: in again, on the other side.
    assert broker.fill(hours([0, 4]), [side, -side], trades).position.tolist() == [side, 0, -side]


def test_a_stop_in_ranges_uses_those_of_the_entry():
    market = {"every": "1h", "window": "2h", "volume_window": "2h"}
    exits = Exits(stop_loss=Distance(atr=1.5))
    broker = SimulatedBroker(costs=Costs(), latency="0", exits=exits, market=market)
    # Hours 1 to 3 each span 2: the mean true range is 2, the stop 3 below the entry.
    times, prices = [0, 1, 1.5, 2, 2.5, 3, 3.5, 4, 5, 6], [100, 102, 100, 102, 100, 102, 100, 100, 97.5, 96.9]
    fills = broker.fill(hours([3.9]), [1], generated_trades(times, prices))
    assert fills.market.tolist() == [100, 96.9]
    with pytest.raises(DataError, match=r"needs range, not known yet.*shorter window"):
        broker.fill(hours([0.1]), [1], generated_trades(times, prices))


def test_liquidation_at_the_first_trade_beyond_the_formulas_price():
    margin = Margin(capital=1000, initial=0.1, maintenance=0.05, fee_bps=50)
    broker = SimulatedBroker(costs=Costs(), latency="0", quantity=50, margin=margin)
    edge = margin.liquidation_price(100.0, 50.0)
    assert edge == pytest.approx(4000 / 47.5)
    trades = generated_trades([1, 2, 3, 4, 5], [100, edge + 1e-6, edge - 0.1, 84, 84])
    stream = broker.start()
    fills = stream.run(hours([0, 3, 4]), [1, 1, -1], trades)
    assert fills.reason.tolist() == [0, 5, 0]
    assert fills.market[1] == edge - 0.1
    assert fills.liquidation[1] == pytest.approx(50 * (edge - 0.1) * 50e-4)
    short = margin.liquidation_price(100.0, -50.0)
    assert short == pytest.approx(6000 / 52.5)
    # What is left of the capital carries ten times itself, and no more.
    assert abs(fills.quantity[2]) == pytest.approx(fills.cash[1] / 0.1 / 84)


def test_a_short_pays_by_calendar_time_at_midnight_and_when_it_changes():
    broker = SimulatedBroker(costs=Costs(borrow_bps=3652.5), latency="0")
    stream = broker.start()
    trades = generated_trades([6, 12, 30, 36], [100, 110, 120, 125])
    stream.run(hours([5, 31]), [-1, 0], trades)
    charges = stream.charges
    assert (charges.time / HOUR).tolist() == [24, 36]
    # 0.1% of the notional a day: 18 hours at the last price before midnight, 12 at the fill's.
    assert charges.amount == pytest.approx([0.11 * 0.75, 0.125 * 0.5])


def test_tiers_count_thirty_complete_days_before_todays():
    costs = Costs(fee_bps=10, tiers=({"notional": 200, "fee_bps": 5}, {"notional": 1000, "fee_bps": 1}))
    broker = SimulatedBroker(costs=costs, latency="0")
    days = [0, 1, 2, 31, 32, 33]
    trades = generated_trades([24 * day + 1 for day in days], [100.0] * 6)
    fills = broker.fill(hours([24 * day for day in days]), [1, 0, 1, 0, 1, 0], trades)
    # On day 2, 200 of days 0 and 1; on day 31, 200 of days 1 and 2; on 32 day 2 and 31; on 33 days 31 and 32.
    assert fills.fee == pytest.approx([0.1, 0.1, 0.05, 0.05, 0.05, 0.05])
    late = broker.fill(
        hours([0, 24, 24 * 32]), [1, 0, 1], generated_trades([1, 25, 24 * 32 + 1], [100.0] * 3)
    )
    assert late.fee == pytest.approx([0.1, 0.1, 0.1])


def test_impact_is_the_square_root_law_and_volatilitys_share_that_of_an_interval():
    rng = np.random.default_rng(0)
    n = 5000
    when, prices = np.arange(n) / 60, 100 * np.exp(1e-3 * np.cumsum(rng.normal(size=n)))
    trades = generated_trades(when, prices, np.full(n, 2.0))
    market = {"every": "1m", "window": "20h", "volume_window": "1d"}
    costs = Costs(impact=0.8, slippage_volatility=0.5)
    broker = SimulatedBroker(costs=costs, latency="0", market=market)
    fills = [b.fill(hours([40]), [1], trades) for b in (broker, broker.model_copy(update={"quantity": 4.0}))]
    price, day = fills[0].market[0], 1e-3 * np.sqrt(1440)
    assert fills[0].impact[0] == pytest.approx(0.8 * day * np.sqrt(1 / 2880) * price, rel=0.05)
    assert fills[0].slippage[0] == pytest.approx(0.5 * 1e-3 * price, rel=0.05)
    # Four times the units cost twice the price each.
    assert fills[1].impact[0] == pytest.approx(8 * fills[0].impact[0])
    assert fills[1].slippage[0] == pytest.approx(4 * fills[0].slippage[0])


def test_passive_orders_wait_for_a_trade_beyond_their_price():
    costs = Costs(fee_bps=10, maker_bps=-1, half_spread=0.5)
    broker = SimulatedBroker(costs=costs, latency="0", orders="passive")
    trades = generated_trades([1, 2, 3, 4, 5], [100, 101, 100, 99.5, 103])
    stream = broker.start()
    fills = stream.run(hours([1.5, 4.5]), [1, 0], trades)
    # Rests at 100, the last price when it arrived: 100 again is not beyond it, 99.5 is, and it pays 100.
    assert (fills.time / HOUR).tolist() == [4, 5]
    assert fills.price.tolist() == [100, 99.5]
    assert fills.maker.tolist() == [1, 1]
    assert fills.cost == pytest.approx([-0.01, -0.00995])
    waiting = broker.start()
    assert len(waiting.run(hours([1.5]), [1], trades[:3])) == 0
    assert waiting.pending.row.tolist() == [0]
    # A later order takes its place.
    assert len(waiting.run(hours([3.2]), [0], generated_trades([3.5, 4], [101, 90]))) == 0
    assert waiting.pending.row.tolist() == []


def test_lots_ticks_and_minimum_notional():
    broker = SimulatedBroker(
        costs=Costs(half_spread=0.1), latency="0", quantity=1, tick=0.25, lot=0.3, min_notional=50
    )
    trades = generated_trades([1, 2, 3, 4], [100.1, 100.1, 100.1, 100.1])
    stream = broker.start()
    fills = stream.run(hours([0, 1, 2, 3]), [1, 0.8, 0.2, 0], trades)
    # 0.9 units; 0.6 would trade 30, too little; 0 is always sent, rounded down against us.
    assert fills.position.tolist() == [0.8999999999999999, 0.0]
    assert fills.price.tolist() == [100.25, 100.0]
    assert stream.refused == 1
    assert fills.spread == pytest.approx([0.15 * 0.9, 0.1 * 0.9])
