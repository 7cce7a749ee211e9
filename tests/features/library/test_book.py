"""Features of sampled books against plain NumPy, on a recorded hour and its trades."""

import functools
import os
from pathlib import Path

import numpy as np
import pytest
from numpy.lib.stride_tricks import sliding_window_view

from bateia.book.bars import BookBars, BookRows
from bateia.book.recorded import RecordingReader
from bateia.book.recordings import read_recording
from bateia.core.events import LEVEL_COLUMNS
from bateia.features import Plan, library
from bateia.features.plan import KNOWN_COLUMNS
from bateia.testing.operators import generated_market

REAL = Path(os.environ.get("BATEIA_DATA", Path(__file__).parents[4] / "shared" / "data"))
HOUR = REAL / "recordings/binance-spot-ethbtc-20201101T09"
BOOK = library("book") | library("book_trades")
FIVE = range(5)


@functools.cache
def recorded_columns():
    """Bars of ten seconds: ten levels a side, and the net volume of takers."""
    reader, kind = RecordingReader(market="spot", tick_size=1e-6, depth=10), BookBars(depth=10, bar="10s")
    stream = kind.start()
    frame = BookRows.concat([stream.run(block) for block in reader.open(HOUR)]).to_frame()
    time = frame["time"].dt.epoch("us").to_numpy()
    trades = [trade for _, kind, trade in read_recording(HOUR) if kind == "trade"]
    bar = np.searchsorted(time, [trade.time for trade in trades])
    volume = np.zeros(len(time) + 1)
    np.add.at(volume, bar, [trade.side * trade.size for trade in trades])
    columns = {name: frame[name].to_numpy() for name in LEVEL_COLUMNS}
    return columns | {"time": time, "signed_volume": volume[:-1]}


def back(x, n=1):
    return np.r_[np.full(n, np.nan), x[:-n]]


def rolled(function, x, n):
    return np.r_[np.full(n - 1, np.nan), function(sliding_window_view(x, n), axis=1)]


mean, total = (functools.partial(rolled, function) for function in (np.mean, np.sum))
deviation = functools.partial(rolled, functools.partial(np.std, ddof=1))


def share(bids, asks):
    return (bids - asks) / (bids + asks)


def depth(m, side, levels):
    return sum(m[f"{side}_{i}_s"] for i in range(levels))


def pressure(m, side):
    return sum(m[f"{side}_{i}_s"] / (i + 1) for i in FIVE)


def both(m, levels):
    return depth(m, "bid", levels) + depth(m, "ask", levels)


def flow(m, level):
    """Cont, Kukanov and Stoikov's e_n, a row at a time."""
    b, q, a, r = (m[f"{side}_{level}_{what}"] for side in ("bid", "ask") for what in "ps")
    found = np.full(len(b), np.nan)
    for i in range(1, len(b)):
        came = q[i] if b[i] > b[i - 1] else q[i] - q[i - 1] if b[i] == b[i - 1] else -q[i - 1]
        left = r[i] if a[i] < a[i - 1] else r[i] - r[i - 1] if a[i] == a[i - 1] else -r[i - 1]
        found[i] = came - left
    return found


def flows(m):
    return sum(flow(m, level) for level in FIVE)


def micro(m):
    b, a = m["bid_0_s"], m["ask_0_s"]
    return (m["bid_0_p"] * a + m["ask_0_p"] * b) / (a + b)


def spread(m):
    return m["ask_0_p"] - m["bid_0_p"]


def ticks(m):
    steps = np.minimum(m["bid_0_p"] - m["bid_1_p"], m["ask_1_p"] - m["ask_0_p"])
    return spread(m) / rolled(np.min, steps, 100)


def resilience(x, n=50):
    """One less the slope of a regression on the value before."""
    before, found = back(x), np.full(len(x), np.nan)
    for i in range(n, len(x)):
        rows = slice(i - n + 1, i + 1)
        if np.ptp(before[rows]) > 0:
            found[i] = 1 - np.polyfit(before[rows], x[rows], 1)[0]
    return found


def returns(m):
    return np.log(micro(m) / back(micro(m)))


def best(m):
    return both(m, 1) / 2


PLAIN = {
    "depth_imbalance_3": lambda m: share(depth(m, "bid", 3), depth(m, "ask", 3)),
    "depth_imbalance_5": lambda m: share(depth(m, "bid", 5), depth(m, "ask", 5)),
    "depth_imbalance_10": lambda m: share(depth(m, "bid", 10), depth(m, "ask", 10)),
    "depth_imbalance_5_20": lambda m: mean(share(depth(m, "bid", 5), depth(m, "ask", 5)), 20),
    "depth_imbalance_tilt": lambda m: (
        share(depth(m, "bid", 10), depth(m, "ask", 10)) - share(m["bid_0_s"], m["ask_0_s"])
    ),
    "queue_imbalance_best": lambda m: share(m["bid_0_s"], m["ask_0_s"]),
    "queue_imbalance_second": lambda m: share(m["bid_1_s"], m["ask_1_s"]),
    "queue_imbalance_third": lambda m: share(m["bid_2_s"], m["ask_2_s"]),
    "level_flow_best_20": lambda m: total(flow(m, 0), 20) / mean(best(m), 100),
    "level_flow_second_20": lambda m: total(flow(m, 1), 20) / mean(best(m), 100),
    "level_flow_third_20": lambda m: total(flow(m, 2), 20) / mean(best(m), 100),
    "multi_level_flow_1": lambda m: flows(m) / (mean(both(m, 5), 100) / 10),
    "multi_level_flow_20": lambda m: total(flows(m), 20) / (mean(both(m, 5), 100) / 10),
    "spread_ticks": ticks,
    "spread_ticks_20": lambda m: mean(ticks(m), 20),
    "micro_lean": lambda m: (micro(m) - (m["bid_0_p"] + m["ask_0_p"]) / 2) / spread(m),
    "micro_drift_5": lambda m: (micro(m) - back(micro(m), 5)) / mean(spread(m), 20),
    "micro_drift_20": lambda m: (micro(m) - back(micro(m), 20)) / mean(spread(m), 20),
    "micro_volatility_20": lambda m: deviation(returns(m), 20),
    "micro_volatility_100": lambda m: deviation(returns(m), 100),
    "book_pressure": lambda m: share(pressure(m, "bid"), pressure(m, "ask")),
    "book_pressure_change": lambda m: (
        share(pressure(m, "bid"), pressure(m, "ask")) - back(share(pressure(m, "bid"), pressure(m, "ask")), 5)
    ),
    "depth_slope_bid": lambda m: np.log(depth(m, "bid", 10) / depth(m, "bid", 3)),
    "depth_slope_ask": lambda m: np.log(depth(m, "ask", 10) / depth(m, "ask", 3)),
    "book_width": lambda m: (m["ask_9_p"] - m["bid_9_p"]) / ((m["bid_0_p"] + m["ask_0_p"]) / 2),
    "spread_resilience_50": lambda m: resilience(spread(m)),
    "depth_resilience_50": lambda m: resilience(both(m, 5)),
    "sweep_buy": lambda m: np.maximum(m["signed_volume"], 0) / back(m["ask_0_s"]),
    "sweep_sell": lambda m: np.maximum(-m["signed_volume"], 0) / back(m["bid_0_s"]),
    "sweep_20": lambda m: total(m["signed_volume"], 20) / mean(best(m), 20),
}


def compared(name, columns):
    found = Plan({name: BOOK[name].formula}, list(columns)).run(columns)[name]
    # Differences of prices near each other have fewer digits than the prices.
    np.testing.assert_allclose(found, PLAIN[name](columns), rtol=1e-7, atol=1e-11)
    return found


def test_every_feature_of_the_library_has_its_plain_twin():
    assert list(PLAIN) == list(BOOK)


@pytest.mark.parametrize("name", BOOK)
def test_features_on_a_generated_book(name):
    compared(name, generated_market(600, 3))


@pytest.mark.skipif(not HOUR.is_dir(), reason=f"no recorded hour at {HOUR}: set BATEIA_DATA to its folder")
@pytest.mark.parametrize("name", BOOK)
def test_features_on_a_recorded_hour(name):
    found = compared(name, recorded_columns())
    known = found[np.isfinite(found)]
    assert len(known) > 200 and known.std() > 0


def test_a_book_that_fills_again_is_resilient_and_a_walk_is_not():
    rng = np.random.default_rng(0)
    columns = generated_market(3000, 1)
    for name, expected in (("noise", 1.0), ("walk", 0.0)):
        steps = rng.normal(0, 1, 3000)
        columns["bid_0_s"] = 1000 + (steps if name == "noise" else np.cumsum(steps))
        found = Plan({"x": "resilience(bid_0_s, 1000)"}, KNOWN_COLUMNS).run(columns)["x"]
        assert abs(found[-1] - expected) < 0.1


def test_spread_in_ticks():
    columns = {"bid": np.array([10.0, 10.0]), "ask": np.array([10.5, 10.25])}
    found = Plan({"x": "spread_in_ticks(bid, ask, 0.25)"}, ["bid", "ask"]).run(columns)["x"]
    assert found.tolist() == [2.0, 1.0]
