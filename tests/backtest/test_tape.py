"""What candles tell a broker: their prices in an order that flatters nobody."""

from __future__ import annotations

import numpy as np
import pytest

from bateia.backtest import simulate, tape_of
from bateia.core import Bars
from bateia.quality import validate_trades
from bateia.trading import Costs, Distance, Exits, SimulatedBroker

MINUTE = 60_000_000


def generated_candles(n=400, seed=0, step=5 * MINUTE):
    """A random walk in candles, wicks included; some have no volume."""
    rng = np.random.default_rng(seed)
    close = 100 * np.exp(np.cumsum(rng.normal(0, 1e-3, n)))
    open_ = np.concatenate([[100.0], close[:-1]])
    wick = rng.exponential(5e-4, (2, n))
    high, low = np.maximum(open_, close) * (1 + wick[0]), np.minimum(open_, close) * (1 - wick[1])
    opened = step * np.arange(n, dtype=np.int64)
    volume = np.where(rng.random(n) < 0.05, 0.0, 8.0)
    rest = [close, volume * close, *[np.zeros(n)] * 4]
    return Bars(opened, opened + step, opened + step, open_, high, low, close, volume, *rest)


def test_four_trades_a_candle_within_it():
    candles = generated_candles()
    some = candles[candles.volume > 0]
    tape = tape_of(candles)
    validate_trades(tape)
    time, price = tape.time.reshape(-1, 4), tape.price.reshape(-1, 4)
    assert (some.open_time[:, None] < time).all() and (time < some.time[:, None]).all()
    np.testing.assert_array_equal(price[:, [0, 3]], np.stack([some.open, some.close], axis=1))
    np.testing.assert_array_equal(price.max(axis=1), some.high)
    np.testing.assert_array_equal(price.min(axis=1), some.low)
    # Away from where the candle went, then beyond it.
    rose = some.close >= some.open
    np.testing.assert_array_equal(price[:, 1], np.where(rose, some.low, some.high))
    assert tape.size.reshape(-1, 4).sum(axis=1) == pytest.approx(some.volume)


@pytest.mark.parametrize("skill", [0.6, 1.0])
def test_nobody_is_paid_for_being_slow(skill):
    """Who foretells each candle earns less, or as much, the later the order comes."""
    candles = generated_candles(4000)
    way = np.sign(np.append((candles.close - candles.open)[1:], 0.0))
    right = np.random.default_rng(1).random(len(way)) < skill
    target, tape = np.where(right, way, -way), tape_of(candles)
    earned = [
        simulate(candles, target, tape, SimulatedBroker(costs=Costs(), latency=latency)).equity.gross[-1]
        for latency in ("0", "1s", "5s", "60s", "90s", "150s", "250s")
    ]
    assert (np.diff(earned[:6]) <= 0).all(), earned
    assert earned[0] > 2 * abs(earned[-1])


def left(side, candles, both, **exits):
    """Reasons and prices of the exits from one position that is held from the first candle's end on."""
    broker = SimulatedBroker(costs=Costs(), latency="0", exits=Exits(both=both, **exits))
    fills = simulate(candles, np.full(len(candles), float(side)), tape_of(candles), broker).fills
    return [(int(reason), float(price)) for reason, price in zip(fills.reason, fills.market, strict=True)][1:]


def candle(*rows):
    """Candles of (open, high, low, close), five minutes each."""
    o, h, low, c = np.array(rows, float).T
    opened = 5 * MINUTE * np.arange(len(rows), dtype=np.int64)
    volume, zero = np.full(len(rows), 8.0), [np.zeros(len(rows))] * 4
    end = opened + 5 * MINUTE
    return Bars(opened, end, end, o, h, low, c, volume, volume * c, c, *zero)


FLAT = (100, 100, 100, 100)
STOP, TAKE = {"stop_loss": Distance(bp=100)}, {"take_profit": Distance(bp=100)}


@pytest.mark.parametrize(("side", "close"), [(1, 99.5), (-1, 100.5)])
@pytest.mark.parametrize("stop", [STOP, {"trailing": Distance(bp=100)}], ids=lambda stop: next(iter(stop)))
def test_a_candle_that_reaches_both_ends_stops_first_unless_its_path_is_asked(side, close, stop):
    # The path goes to the take-profit first: a candle that fell saw its high first, one that rose its low.
    both = candle(FLAT, FLAT, (100, 102, 98, close), FLAT)
    worst, reason = 100 - 2 * side, 1 if stop is STOP else 2
    assert left(side, both, "stop", **stop, **TAKE) == [(reason, worst)]
    assert left(side, both, "path", **stop, **TAKE) == [(3, 100 + side)]


@pytest.mark.parametrize("side", [1, -1])
@pytest.mark.parametrize("both", ["stop", "path"])
def test_a_candle_that_reaches_one_end_is_left_there(side, both):
    up, down = (100, 102, 99.5, 99.8), (100, 100.5, 98, 99.8)
    for one in (up, down):
        exits = left(side, candle(FLAT, FLAT, one, FLAT), both, **STOP, **TAKE)
        won = (one is up) == (side > 0)
        assert exits == [(3, 100 + side) if won else (1, 100 - 2 * side)]
    assert left(side, candle(FLAT, FLAT, (100, 102, 98, 100), FLAT), both, **TAKE) == [(3, 100 + side)]


def test_stopping_first_never_earns_more():
    candles = generated_candles(4000)
    target = np.repeat([1.0, -1.0, 0.0, 0.0], 3)[np.arange(len(candles)) % 12]
    exits = {"take_profit": Distance(bp=8), "stop_loss": Distance(bp=8)}
    found = {}
    for both in ("stop", "path"):
        broker = SimulatedBroker(costs=Costs(), latency="0", exits=Exits(both=both, **exits))
        found[both] = simulate(candles, target, tape_of(candles), broker)
    net = {both: done.trips.net for both, done in found.items()}
    assert len(net["stop"]) == len(net["path"]) > 500
    assert (net["stop"] <= net["path"] + 1e-12).all()
    assert (net["stop"] < net["path"] - 1e-12).sum() > 10


@pytest.mark.parametrize("side", [1, -1])
def test_a_take_profit_earns_its_distance_and_a_stop_loses_no_less(side):
    candles = generated_candles(4000)
    exits = Exits(take_profit=Distance(bp=20), stop_loss=Distance(bp=20))
    # Flat every other hour: in again after each exit.
    target = side * (np.arange(len(candles)) % 24 < 12)
    broker = SimulatedBroker(costs=Costs(), latency="0", exits=exits)
    fills = simulate(candles, target, tape_of(candles), broker).fills
    left = np.flatnonzero(fills.reason > 0)
    gain = side * 1e4 * (fills.market[left] / fills.market[left - 1] - 1)
    taken, stopped = gain[fills.reason[left] == 3], gain[fills.reason[left] == 1]
    assert len(taken) > 20 and len(stopped) > 20
    assert taken == pytest.approx(20)
    assert (stopped <= -20 + 1e-9).all()
