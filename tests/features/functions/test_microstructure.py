"""Estimators of microstructure against values worked from their papers, by hand or from their own models."""

import math

import numpy as np
import pytest

from bateia.features import Plan
from bateia.testing.operators import generated_market


def last(expression, **columns):
    columns = {name: np.asarray(values, float) for name, values in columns.items()}
    return Plan({"it": expression}, tuple(columns)).run(columns)["it"][-1]


def every(expression, **columns):
    columns = {name: np.asarray(values, float) for name, values in columns.items()}
    return Plan({"it": expression}, tuple(columns)).run(columns)["it"]


EVENTS = [
    # bid, ask, sizes, and the event's contribution
    ((100, 101, 10, 20), math.nan),
    ((100, 101, 14, 20), 4.0),  # 4 more at the bid
    ((100, 101, 14, 13), 7.0),  # 7 fewer at the ask
    ((99, 101, 30, 13), -14.0),  # the bid of 14 is taken
    ((100, 101, 5, 13), 5.0),  # a new best bid of 5
    ((100, 102, 5, 40), 13.0),  # the ask of 13 is taken
    ((100, 101, 5, 6), -6.0),  # a new best ask of 6
    ((101, 103, 8, 9), 14.0),  # both rise: 8 come to the bid, 6 left the ask
]


def test_order_flow_imbalance_event_by_event():
    quotes = np.array([quote for quote, _ in EVENTS], float).T
    columns = dict(zip(("bid", "ask", "bid_size", "ask_size"), quotes, strict=True))
    found = every("order_flow_imbalance(bid, ask, bid_size, ask_size)", **columns)
    np.testing.assert_array_equal(found, [event for _, event in EVENTS])


def test_flow_between_the_queues_counts_on_both_sides():
    # A queue that grows by what the other side loses, as in the stylised book of Cont, Kukanov & Stoikov.
    depth, tick = 50.0, 0.01
    flow = np.random.default_rng(0).integers(-400, 401, 300).astype(float)
    queue = np.cumsum(flow)
    level = np.floor(queue / depth)
    bids, asks = queue - level * depth, depth - (queue - level * depth)
    bid = 100 + tick * level
    columns = {"bid": bid, "ask": bid + tick, "bid_size": bids, "ask_size": asks}
    found = every("order_flow_imbalance(bid, ask, bid_size, ask_size)", **columns)
    still = np.diff(level) == 0  # within a level both queues change by the same flow
    np.testing.assert_allclose(found[1:][still], 2 * flow[1:][still])
    assert np.all(np.sign(found[1:][~still]) == np.sign(np.diff(level)[~still]))


def test_quotes():
    quotes = {"bid": [99.0], "ask": [101.0], "bid_size": [30.0], "ask_size": [10.0]}
    assert last("quoted_spread(bid, ask)", **quotes) == 0.02
    assert last("queue_imbalance(bid_size, ask_size)", **quotes) == 0.5
    # (99 * 10 + 101 * 30) / 40: near the ask where the bid is deep.
    assert last("micro_price(bid, ask, bid_size, ask_size)", **quotes) == 100.5


def test_vpin_of_volume_bars():
    # Bars of 100 with 80, 50, 10 and 60 bought: |2 buy - 100| / 100 are 0.6, 0, 0.8 and 0.2.
    bought = np.array([80.0, 50.0, 10.0, 60.0])
    found = last("vpin(4)", volume=[100] * 4, signed_volume=2 * bought - 100)
    assert found == pytest.approx((0.6 + 0 + 0.8 + 0.2) / 4)


def test_vpin_estimates_the_informed_share_of_the_flow():
    # Easley et al.: VPIN = alpha mu / (alpha mu + 2 epsilon), here with an event in every bar.
    rng, informed, each_side = np.random.default_rng(1), 400, 800
    noise = rng.poisson(each_side, (2, 5000)) * [[1], [-1]]
    news = rng.choice([-1, 1], 5000) * rng.poisson(informed, 5000)
    volume = np.abs(noise).sum(0) + np.abs(news)
    found = last("vpin(5000)", volume=volume, signed_volume=noise.sum(0) + news)
    assert found == pytest.approx(informed / (informed + 2 * each_side), rel=0.02)


def test_kyle_and_hasbrouck_find_the_impact_that_made_the_prices():
    rng = np.random.default_rng(2)
    flow, vwap = rng.normal(0, 100, 200), rng.uniform(90, 110, 200)
    linear = np.exp(np.cumsum(3e-6 * flow))
    assert last("kyle(150)", close=linear, signed_volume=flow) == pytest.approx(3e-6)
    root = np.exp(np.cumsum(2e-5 * np.sign(flow) * np.sqrt(np.abs(flow) * vwap)))
    assert last("hasbrouck(150)", close=root, signed_volume=flow, vwap=vwap) == pytest.approx(2e-5)


def test_amihud_by_hand():
    # Moves of 1%, -2% and 3% (in logs) with 1, 4 and 2 million traded.
    close = np.exp(np.cumsum([0, 0.01, -0.02, 0.03]))
    found = last("amihud(3)", close=close, value=[1, 1e6, 4e6, 2e6])
    assert found == pytest.approx((0.01 + 0.02 / 4 + 0.03 / 2) / 3 * 1e-6)


@pytest.mark.parametrize("spread", [0.5, 2.0])
def test_roll_finds_the_spread_of_his_model(spread):
    # Trades at bid and ask in an order in which every run of three sides is equally frequent, as chance has
    # it on average: the covariance of successive changes is -spread ** 2 / 4 exactly.
    sides = np.tile([0, 0, 0, 1, 0, 1, 1, 1], 26)
    rows = 200
    found = last(f"roll_spread({rows})", close=100 + spread * (sides - 0.5))
    assert found == pytest.approx(spread * math.sqrt(rows / (rows - 1)))


def test_roll_of_a_trend_is_0():
    assert last("roll_spread(50)", close=100 + np.sqrt(np.arange(60.0)) * np.arange(60.0)) == 0


@pytest.mark.parametrize("spread", [0.001, 0.01, 0.05])
def test_corwin_schultz_finds_the_spread_around_a_still_price(spread):
    # Their eq. 14 of a price that does not move: each high is at the ask, each low at the bid.
    high, low = np.full(5, 100 * (1 + spread / 2)), np.full(5, 100 * (1 - spread / 2))
    assert last("corwin_schultz()", high=high, low=low) == pytest.approx(spread)


def test_corwin_schultz_by_hand():
    # ln(102/98) = 0.0400053, ln(103/99) = 0.0396091, together ln(103/98) = 0.0497615.
    beta = math.log(102 / 98) ** 2 + math.log(103 / 99) ** 2
    gamma = math.log(103 / 98) ** 2
    k = 3 - 2 * math.sqrt(2)
    alpha = (math.sqrt(2 * beta) - math.sqrt(beta)) / k - math.sqrt(gamma / k)
    expected = 2 * (math.exp(alpha) - 1) / (1 + math.exp(alpha))
    assert expected == pytest.approx(0.0157745, rel=1e-3)
    assert last("corwin_schultz()", high=[102, 103], low=[98, 99]) == pytest.approx(expected)


def test_corwin_schultz_is_0_where_the_price_runs():
    assert last("corwin_schultz_alpha()", high=[101, 106], low=[100, 105]) < 0
    assert last("corwin_schultz()", high=[101, 106], low=[100, 105]) == 0


@pytest.mark.parametrize("spread", [0.005, 0.01, 0.03])
def test_corwin_schultz_of_a_simulated_market(spread):
    # As in their simulations: a walk within each day, seen through bid and ask, with 3% of volatility.
    rng, steps = np.random.default_rng(3), 390
    price = 100 * np.exp(np.cumsum(rng.normal(0, 0.03 / math.sqrt(steps), (4000, steps)).ravel()))
    seen = (price * (1 + spread / 2 * rng.choice([-1, 1], price.size))).reshape(4000, steps)
    day = {"high": seen.max(1), "low": seen.min(1)}
    alpha = every("corwin_schultz_alpha()", **day)[1:]
    assert np.mean(2 * (np.exp(alpha) - 1) / (1 + np.exp(alpha))) == pytest.approx(spread, rel=0.1)
    # With negative estimates at 0 the mean is too high, the more so the smaller the spread.
    assert every("corwin_schultz()", **day)[1:].mean() > spread


def test_the_measures_stay_within_their_bounds():
    market = generated_market(1000, 3)
    bounds = {
        "net_flow(20)": (-1, 1),
        "aggressor_ratio(20)": (0, 1),
        "vpin(20)": (0, 1),
        "tick_ratio(20)": (-1, 1),
    }
    bounds |= {
        "queue_imbalance(bid_size, ask_size)": (-1, 1),
        "corwin_schultz()": (0, 2),
        "roll_spread(20)": (0, 9),
    }
    for expression, (least, most) in bounds.items():
        found = Plan({"it": expression}, tuple(market)).run(market)["it"]
        assert np.nanmin(found) >= least
        assert np.nanmax(found) <= most
