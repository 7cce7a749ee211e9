"""Features beside TA-Lib and polars: in batch inside the whole plan, and live one event at a time."""

from __future__ import annotations

import math
import time
from itertools import islice

import numpy as np
import polars as pl
from benchmarks.harness import Row, median_time, paired_times

from bateia.features import Features, Plan, Stream

ROWS = 1_000_000
EVENTS = 20_000
LIBRARIES = ("price", "momentum", "trend", "volatility", "volume", "flow", "calendar")
NAN = float("nan")
Market = dict[str, np.ndarray]

INDICATORS = {
    "EMA": {"ema": "ema(close, 20)"},
    "RSI": {"rsi": "rsi(close, 14)"},
    "ATR": {"atr": "atr(14)"},
    "standard deviation": {"sd": "std(close, 20, 0)"},
    "Bollinger, 3 bands": {
        "middle": "mean(close, 20)",
        "upper": "mean(close, 20) + 2 * std(close, 20, 0)",
        "lower": "mean(close, 20) - 2 * std(close, 20, 0)",
    },
    "ADX": {"adx": "adx(high, low, close, 14)"},
}


def generated_market(rows: int = ROWS, seed: int = 7) -> Market:
    """Bars of a random walk on a tick grid, with the shape of one-minute futures bars."""
    rng = np.random.default_rng(seed)
    close = np.round(4000 * np.exp(np.cumsum(rng.normal(0, 2e-4, rows))) * 4) / 4
    open_ = np.concatenate([close[:1], close[:-1]])
    volume = np.round(rng.lognormal(5, 1, rows)) + 1
    gap = rng.integers(1, 2_000_000, rows)
    clock = 1_700_000_000_000_000.0 + np.cumsum(gap)
    up = rng.integers(0, 40, rows).astype(float)
    return {
        "open": open_,
        "high": np.maximum(open_, close) + 0.25 * rng.integers(0, 8, rows),
        "low": np.minimum(open_, close) - 0.25 * rng.integers(0, 8, rows),
        "close": close,
        "volume": volume,
        "signed_volume": np.round(volume * rng.uniform(-1, 1, rows)),
        "value": volume * close,
        "vwap": (open_ + close) / 2,
        "trades": np.round(volume / 3) + 1,
        "up_ticks": up,
        "down_ticks": rng.integers(0, 40, rows).astype(float),
        "time": clock,
        "open_time": clock - gap,
        "known_at": clock,
    }


def forty() -> tuple[dict[str, str], list[pl.Expr]]:
    """The forty bundled features that polars can express, and polars' way to write each."""
    close, volume, flow = pl.col("close"), pl.col("volume"), pl.col("signed_volume")
    high, low, clock = pl.col("high"), pl.col("low"), pl.col("time")
    change = close.log().diff()
    moment = pl.from_epoch(clock.cast(pl.Int64), "us")
    up, down = pl.col("up_ticks"), pl.col("down_ticks")

    def ema(x: pl.Expr, n: int) -> pl.Expr:
        return x.ewm_mean(span=n, adjust=False)

    def wilder(x: pl.Expr, n: int) -> pl.Expr:
        return x.ewm_mean(alpha=1 / n, adjust=False)

    def z(x: pl.Expr, n: int) -> pl.Expr:
        return (x - x.rolling_mean(n)) / x.rolling_std(n)

    def within(x: pl.Expr, period: str) -> pl.Expr:
        return x.rolling_sum_by(moment, period)

    move = close.diff()
    macd = ema(close, 12) - ema(close, 26)
    reach = pl.max_horizontal(high, close.shift()) - pl.min_horizontal(low, close.shift())
    bottom, top = low.rolling_min(60), high.rolling_max(60)
    day = (clock / 86_400_000_000) % 1 * (2 * math.pi)
    theirs = {
        **{f"return_{n}": (close / close.shift(n)).log() for n in (1, 5, 20, 60)},
        "body": (close / pl.col("open")).log(),
        "range": (high - low) / close,
        "close_in_range": pl.when(high > low).then((close - low) / (high - low)).otherwise(0.5),
        "position_60": (close - bottom) / (top - bottom),
        "vwap_distance": close / pl.col("vwap") - 1,
        **{
            f"ema_ratio_{n}_{m}": ema(close, n) / ema(close, m) - 1 for n, m in ((5, 20), (20, 50), (50, 200))
        },
        "rsi_14": 100 * wilder(move.clip(0), 14) / wilder(move.abs(), 14),
        "macd_histogram": (macd - ema(macd, 9)) / close,
        "volatility_20": change.rolling_std(20),
        "volatility_100": change.rolling_std(100),
        "volatility_ratio": change.rolling_std(20) / change.rolling_std(100),
        "atr_14": wilder(reach, 14) / close,
        "realised_5m": within(change**2, "5m").sqrt(),
        "bollinger_20": (close - close.rolling_mean(20)) / (2 * close.rolling_std(20, ddof=0)),
        "skew_60": change.rolling_skew(60, bias=False),
        "kurt_60": change.rolling_kurtosis(60, bias=False),
        "flow_1": flow / volume,
        "flow_20": flow.rolling_sum(20) / volume.rolling_sum(20),
        "flow_100": flow.rolling_sum(100) / volume.rolling_sum(100),
        "flow_5m": within(flow, "5m") / within(volume, "5m"),
        "flow_z": z(flow, 100),
        "flow_autocorrelation": pl.rolling_corr(flow, flow.shift(), window_size=50),
        "flow_price_correlation": pl.rolling_corr(flow, change, window_size=50),
        "tick_ratio_20": (up - down).rolling_sum(20) / (up + down).rolling_sum(20).clip(1),
        "inter_arrival": (1 + (clock - pl.col("open_time")) / pl.col("trades") / 1000).log(),
        "trade_size": (volume / pl.col("trades")).log(),
        "pace_20": ((clock - clock.shift(20)) / 20_000_000 + 0.001).log(),
        "relative_volume": volume / volume.rolling_mean(100),
        "amihud_50": (change.abs() / pl.col("value")).rolling_mean(50) * 1_000_000,
        "kyle_lambda_50": pl.rolling_cov(change, flow, window_size=50) / flow.rolling_var(50),
        "hour": (clock / 3_600_000_000).floor() % 24,
        "weekday": ((clock / 86_400_000_000).floor() + 3) % 7,
        "day_sin": day.sin(),
        "day_cos": day.cos(),
    }
    formulas = Features(use=LIBRARIES).formulas()
    return {name: formulas[name] for name in theirs}, [x.alias(name) for name, x in theirs.items()]


def check_same(market: Market) -> None:
    """Both sides give the same numbers, so that the comparison is fair (averages: once seeds have faded)."""
    ours, theirs = forty()
    part = {name: column[:20_000] for name, column in market.items()}
    mine, other = Plan(ours).run(part), pl.DataFrame(part).select(theirs)
    for name in ours:
        a, b = mine[name][10_000:], other[name].to_numpy()[10_000:]
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-8, err_msg=name)


def talib_calls(market: Market) -> dict[str, object]:
    """TA-Lib's function for each indicator, ready to call."""
    import talib

    high, low, close = market["high"], market["low"], market["close"]
    return {
        "EMA": lambda: talib.EMA(close, 20),
        "RSI": lambda: talib.RSI(close, 14),
        "ATR": lambda: talib.ATR(high, low, close, 14),
        "standard deviation": lambda: talib.STDDEV(close, 20),
        "Bollinger, 3 bands": lambda: talib.BBANDS(close, 20, 2.0, 2.0),
        "ADX": lambda: talib.ADX(high, low, close, 14),
    }


def push_times(stream: Stream, market: Market) -> tuple[float, float]:
    """p50 and p99 of one `push`, microseconds, the clock's own cost taken off."""
    events = np.ascontiguousarray(np.array([market[name][:EVENTS] for name in stream.graph.columns]).T)
    taken = np.empty(EVENTS)
    for k in range(EVENTS):
        row = events[k]
        start = time.perf_counter_ns()
        stream.push(row)
        taken[k] = time.perf_counter_ns() - start
    idle = np.empty(EVENTS)
    for k in range(EVENTS):
        start = time.perf_counter_ns()
        idle[k] = time.perf_counter_ns() - start
    p50, p99 = np.percentile(taken[1000:], [50, 99]) - np.median(idle)
    return p50 / 1e3, p99 / 1e3


def two_hundred() -> dict[str, str]:
    """The first two hundred bundled features of bars: some thousand operators."""
    return dict(islice(Features(use=LIBRARIES).formulas().items(), 200))


def rows() -> list[Row]:
    """Six indicators, forty features, two hundred features, and live events."""
    market = generated_market()
    check_same(market)
    found, ratios = [], []
    for name, call in talib_calls(market).items():
        plan = Plan(INDICATORS[name])
        ours, theirs = paired_times(lambda plan=plan: plan.run(market), call)
        ratios.append(theirs / ours)
        found.append(
            Row(f"{name}, 1M bars", "ns/bar", ours * 1e3, "TA-Lib", theirs * 1e3, "the mean's", None)
        )
    mean = math.exp(sum(map(math.log, ratios)) / len(ratios))
    found.append(Row("geometric mean of the six", "x", 1.0, "TA-Lib", mean, ">= 1x TA-Lib", mean >= 1))
    ours_forty, theirs_forty = forty()
    plan, frame = Plan(ours_forty), pl.DataFrame(market)
    # Both in memory that they had before: polars keeps a pool, we are given `out`.
    out = np.zeros((len(ours_forty), ROWS))
    ours, theirs = paired_times(
        lambda: plan.run(market, out), lambda: frame.lazy().select(theirs_forty).collect()
    )
    met = theirs / ours >= 5
    found.append(
        Row("40 features, 1M bars", "ms", ours * 1e3, "polars, 2 threads", theirs * 1e3, ">= 5x", met)
    )
    ours = median_time(lambda: plan.run(market, out, threads=2))
    work, met = "40 features, 1M bars, 2 threads", theirs / ours >= 5
    found.append(Row(work, "ms", ours * 1e3, "polars, 2 threads", theirs * 1e3, ">= 5x", met))
    many = Plan(two_hundred())
    taken = median_time(lambda: many.run(market), repeats=3)
    found.append(Row("200 features, 1M bars", "s", taken, "-", NAN, "<= 3 s", taken <= 3))
    for features, p50_goal, p99_goal in ((ours_forty, 1.0, 20.0), (two_hundred(), 5.0, 20.0)):
        p50, p99 = push_times(Plan(features).start(), market)
        size = len(features)
        found.append(
            Row(f"{size} features live, p50", "us", p50, "-", NAN, f"<= {p50_goal:g} us", p50 <= p50_goal)
        )
        found.append(
            Row(f"{size} features live, p99", "us", p99, "-", NAN, f"<= {p99_goal:g} us", p99 <= p99_goal)
        )
    return found
