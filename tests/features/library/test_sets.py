"""The feature sets of the five systems against plain NumPy, and over real data."""

import functools
import math

import numpy as np
import pytest
from numpy.lib.stride_tricks import sliding_window_view

from bateia.bars import parse_bars
from bateia.features import Plan, feature_table, library
from bateia.testing.operators import generated_market
from real_columns import BOOK, CANDLES, book_columns, candle_columns

PREFIXES = {
    "cnncripto": "cnn",
    "quantgod": "qg",
    "etapa6": "e6",
    "ailab": "lab",
    "krypai": "kry",
} | dict.fromkeys(("ailab_book", "ailab_agents"), "lab")
real_candles = pytest.mark.skipif(
    not CANDLES.is_file(), reason=f"no real candles at {CANDLES}: set BATEIA_DATA to their folder"
)
real_book = pytest.mark.skipif(
    not BOOK.is_file(), reason=f"no recorded book at {BOOK}: set BATEIA_DATA to its folder"
)


def back(x, n=1):
    return np.r_[np.full(n, np.nan), x[:-n]]


def rolled(function, x, n):
    return np.r_[np.full(n - 1, np.nan), function(sliding_window_view(np.asarray(x, np.float64), n), axis=1)]


mean = functools.partial(rolled, np.mean)
total = functools.partial(rolled, np.sum)
highest = functools.partial(rolled, np.max)
lowest = functools.partial(rolled, np.min)
spread = functools.partial(rolled, functools.partial(np.std, ddof=1))


def returns(m, n=1):
    return np.log(m["close"] / back(m["close"], n))


def average(x, n, alpha=None):
    alpha, found = alpha or 2 / (n + 1), np.full(len(x), np.nan)
    first = int(np.isnan(x).sum())
    level = found[first + n - 1] = np.mean(x[first : first + n])
    for i in range(first + n, len(x)):
        level += alpha * (x[i] - level)
        found[i] = level
    return found


def strength(x, n):
    moves = np.diff(x, prepend=np.nan)
    up, down = (average(np.maximum(side, 0), n, 1 / n) for side in (moves, -moves))
    return 100 * up / (up + down)


def zscore(x, n):
    return (x - mean(x, n)) / spread(x, n)


def within_range(m):
    span = m["high"] - m["low"]
    return np.where(span > 0, (m["close"] - m["low"]) / np.where(span > 0, span, 1), 0.5)


def ordered(m, sign):
    a, b, c = (average(m["close"], n) for n in (9, 20, 50))
    index = Plan({"x": "adx(high, low, close, 14)"}, list(m)).run(m)["x"]
    true = (sign * (a - b) > 0) & (sign * (b - c) > 0) & (sign * (m["close"] - a) > 0) & (index > 25)
    return np.where(np.isnan(c), np.nan, true)


def timed(m, column, seconds):
    """Sums over the last seconds, once that many have passed."""
    time, held = m["time"], np.r_[0.0, np.cumsum(m[column])]
    start = np.searchsorted(time, time - seconds * 1_000_000, side="right")
    whole = time - time[0] >= seconds * 1_000_000
    return np.where(whole, held[1:] - held[start], np.nan)


PLAIN = {
    "cnn_log_return": returns,
    "cnn_volatility_12": lambda m: spread(returns(m), 12),
    "cnn_volatility_24": lambda m: spread(returns(m), 24),
    "cnn_volatility_48": lambda m: spread(returns(m), 48),
    "cnn_volume_zscore": lambda m: zscore(m["volume"], 24),
    "cnn_quote_volume_ratio": lambda m: m["value"] / mean(m["value"], 24),
    "cnn_range": lambda m: (m["high"] - m["low"]) / m["close"],
    "cnn_range_mean": lambda m: mean((m["high"] - m["low"]) / m["close"], 24),
    "cnn_close_position": within_range,
    "cnn_trades_zscore": lambda m: zscore(m["trades"], 24),
    "qg_body": lambda m: np.log(m["close"] / m["open"]),
    "qg_upper_wick": lambda m: (m["high"] - np.maximum(m["open"], m["close"])) / back(m["close"]),
    "qg_lower_wick": lambda m: (np.minimum(m["open"], m["close"]) - m["low"]) / back(m["close"]),
    "qg_log_ret_close": returns,
    "qg_volatility": lambda m: m["micro_volatility"],
    "qg_max_spread": lambda m: m["max_spread"],
    "qg_mean_obi": lambda m: m["mean_obi"],
    "qg_mean_deep_obi": lambda m: m["mean_deep_obi"],
    "qg_log_volume": lambda m: np.log1p(m["messages"]),
    # The C library's logarithm, as a last bit of the level is much of a small move.
    "qg_rsi_14": lambda m: strength(np.array([math.log(price) for price in m["close"]]), 14),
    "qg_ema_9_distance": lambda m: np.log(m["close"]) - average(np.log(m["close"]), 9),
    "qg_ema_50_distance": lambda m: np.log(m["close"]) - average(np.log(m["close"]), 50),
}
CNNCRIPTO = [name for name in PLAIN if name.startswith("cnn_")]
QUANTGOD = [name for name in PLAIN if name.startswith("qg_")]
PLAIN |= {
    "e6_ema_200": lambda m: m["close"] / average(m["close"], 200) - 1,
    "e6_momentum_20": lambda m: m["close"] - back(m["close"], 20),
    "e6_momentum_pct_3": lambda m: 100 * (m["close"] / back(m["close"], 3) - 1),
    "e6_volatility_50": lambda m: spread(returns(m), 50),
    "e6_range_20": lambda m: (highest(m["high"], 20) - lowest(m["low"], 20)) / m["close"],
    "e6_buy_pressure": lambda m: (m["volume"] + m["signed_volume"]) / 2 / m["volume"],
    "e6_flow_imbalance_20": lambda m: total(m["signed_volume"], 20) / total(m["volume"], 20),
    "e6_trend_up": lambda m: ordered(m, 1),
    "e6_trend_down": lambda m: ordered(m, -1),
    "e6_high_volatility": lambda m: np.where(
        np.isnan(spread(returns(m), 200)), np.nan, spread(returns(m), 20) > 1.5 * spread(returns(m), 200)
    ),
    "lab_ofi_30s": lambda m: timed(m, "signed_volume", 30) / timed(m, "volume", 30),
    "lab_trades_30s": lambda m: np.log1p(timed(m, "trades", 30)),
    "lab_tick_ratio": lambda m: (
        (m["up_ticks"] - m["down_ticks"]) / np.maximum(m["up_ticks"] + m["down_ticks"], 1)
    ),
    "lab_microprice": lambda m: (
        (m["bid"] * m["ask_size"] + m["ask"] * m["bid_size"])
        / (m["bid_size"] + m["ask_size"])
        / ((m["bid"] + m["ask"]) / 2)
        - 1
    ),
    "lab_return_zscore": lambda m: np.clip(zscore(returns(m), 100), -5, 5),
}


def formula(name):
    return next(library(k)[name].formula for k in PREFIXES if name in library(k))


def assert_plain(name, columns):
    got = Plan({name: formula(name)}, list(columns)).run(columns)[name]
    np.testing.assert_allclose(got, PLAIN[name](columns), rtol=1e-12, atol=1e-12, err_msg=name)
    assert np.isfinite(got).any()


@pytest.mark.parametrize("name", PLAIN)
def test_the_same_as_plain_numpy(name):
    assert_plain(name, generated_market(1000, 5))


@real_candles
@pytest.mark.parametrize("name", CNNCRIPTO)
def test_the_same_on_real_candles(name):
    assert_plain(name, candle_columns())


@real_book
@pytest.mark.parametrize("name", QUANTGOD)
def test_the_same_on_a_recorded_book(name):
    assert_plain(name, book_columns())


def test_the_auditor_may_sum_log_returns():
    # Its price is the sum of log returns from wherever its memory begins: the level cannot matter.
    columns = generated_market(1000, 5)
    summed = columns | {"close": np.exp(np.cumsum(np.nan_to_num(returns(columns))))}
    for name in ("qg_rsi_14", "qg_ema_9_distance", "qg_ema_50_distance"):
        one, two = (Plan({name: formula(name)}, list(columns)).run(data)[name] for data in (columns, summed))
        np.testing.assert_allclose(one, two, rtol=1e-9, atol=1e-12)


def test_the_sets_are_whole():
    assert list(library("cnncripto")) == CNNCRIPTO
    assert len(CNNCRIPTO) == 10
    assert list(library("quantgod")) == QUANTGOD
    assert len(library("etapa6")) >= 80
    for name, prefix in PREFIXES.items():
        assert all(feature.startswith(f"{prefix}_") for feature in library(name)), name


def known_after_warmup(name, columns):
    """The share of known rows after the warm-up, of the features for which columns and rows suffice."""
    formulas = {
        row["name"]: row["formula"] for row in feature_table(name) if set(row["columns"]) <= set(columns)
    }
    plan, time = Plan(formulas, list(columns)), columns["time"]
    found, shares = plan.run(columns), {}
    assert not any(np.isinf(values).any() for values in found.values())
    for key, warm in plan.warmup.items():
        rows = np.arange(len(time))
        ready = rows >= warm.rows
        if warm.micros:  # a bar of a higher timeframe may begin up to its length after the stream
            ready &= time - time[0] >= 2 * warm.micros
        if ready.any():
            shares[key] = float(np.mean(~np.isnan(found[key][ready])))
    return shares


@pytest.mark.parametrize(
    ("kind", "size"), [("dollar", "2000000"), ("tick", "100"), ("volume", "500"), ("time", "10s")]
)
@pytest.mark.parametrize("name", ["cnncripto", "etapa6", "ailab", "krypai"])
def test_known_on_real_trades(name, kind, size, es_trades):
    bars = parse_bars(kind, size).run(es_trades[:200_000])
    shares = known_after_warmup(name, bars.columns())
    # Half a day of trades is too short for days, and for the averages of hours.
    assert len(shares) >= len(library(name)) - 10 * (name == "krypai")
    assert min(shares.values()) > 0.98, {key: share for key, share in shares.items() if share <= 0.98}


@real_candles
@pytest.mark.parametrize("name", ["cnncripto", "etapa6", "ailab", "krypai"])
def test_known_on_real_candles(name):
    # Candles of 5 minutes: every duration window of the AI Lab is as short as the bar, or shorter.
    shares = known_after_warmup(name, candle_columns())
    ticks = sum("up_ticks" in row["columns"] for row in feature_table(name))
    assert len(shares) == len(library(name)) - ticks
    assert min(shares.values()) > 0.999, {key: share for key, share in shares.items() if share <= 0.999}


@real_book
@pytest.mark.parametrize("name", ["quantgod", "ailab_book"])
def test_known_on_a_recorded_book(name):
    shares = known_after_warmup(name, book_columns())
    assert set(shares.values()) == {1.0}
