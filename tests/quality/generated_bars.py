"""Candles that no market made, by every means that tempts people; each says how it was generated."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from bateia.core import Bars

START, STEP = 1_704_067_200_000_000, 300_000_000
ROWS = 8_928
"""A month of five minutes."""


def from_prices(open_, high, low, close, volume, rng) -> Bars:
    """Bars of five minutes from prices and volume."""
    n = len(close)
    opened = START + np.arange(n) * STEP
    value = volume * (high + low + close) / 3
    nothing = np.full(n, np.nan)
    return Bars(
        open_time=opened, time=opened + STEP, known_at=opened + STEP, open=open_, high=high, low=low,
        close=close, volume=volume, signed_volume=volume * rng.uniform(-0.5, 0.5, n), value=value,
        vwap=(high + low + close) / 3, trades=np.round(volume) + 1, up_ticks=nothing, down_ticks=nothing,
    )  # fmt: skip


def around(close, rng, wick=0.5, volume=None) -> Bars:
    """Bars around a path of closes: the usual way to make up open, high and low."""
    before = np.append(close[0], close[:-1])
    noise = np.std(np.diff(close)) * wick
    high = np.maximum(before, close) + np.abs(rng.normal(0, noise, len(close)))
    low = np.minimum(before, close) - np.abs(rng.normal(0, noise, len(close)))
    volume = rng.lognormal(3, 1, len(close)) if volume is None else volume
    return from_prices(before, high, low, close, volume, rng)


def on_grid(bars: Bars, tick=0.1, lot=0.001) -> Bars:
    """The same, rounded as an exchange would have it."""
    prices = {name: np.round(getattr(bars, name) / tick) * tick for name in ("open", "high", "low", "close")}
    volume = np.maximum(np.round(bars.volume / lot) * lot, lot)
    return replace(bars, **prices, volume=volume, value=volume * bars.vwap, signed_volume=volume * 0.1)


def random_walk(rng):
    return around(30_000 + np.cumsum(rng.normal(0, 30, ROWS)), rng)


def random_walk_on_a_grid(rng):
    return on_grid(random_walk(rng))


def geometric_brownian_motion(rng):
    return around(30_000 * np.exp(np.cumsum(rng.normal(0, 0.001, ROWS))), rng)


def geometric_brownian_motion_on_a_grid(rng):
    return on_grid(geometric_brownian_motion(rng))


def np_random_ohlc(rng):
    four = np.sort(rng.uniform(29_000, 31_000, (ROWS, 4)), axis=1)
    ends = rng.permuted(four[:, 1:3], axis=1)
    return from_prices(ends[:, 0], four[:, 3], four[:, 0], ends[:, 1], rng.uniform(1, 100, ROWS), rng)


def uniform_noise(rng):
    return around(rng.uniform(29_000, 31_000, ROWS), rng, volume=rng.uniform(10, 100, ROWS))


def sine_with_noise(rng):
    wave = 30_000 + 1_000 * np.sin(np.arange(ROWS) / 200) + rng.normal(0, 5, ROWS)
    return around(wave, rng, volume=100 + 50 * np.sin(np.arange(ROWS) / 200) + rng.uniform(0, 20, ROWS))


def smooth_sine(rng):
    return around(30_000 + 1_000 * np.sin(np.arange(ROWS) / 200), rng)


def constant_price(rng):
    price = np.full(ROWS, 30_000.0)
    return from_prices(price, price.copy(), price.copy(), price.copy(), rng.lognormal(3, 1, ROWS), rng)


def constant_steps(rng):
    return on_grid(around(30_000 + 5 * np.cumsum(rng.choice([-1.0, 1.0], ROWS)), rng))


def linear_trend(rng):
    return around(30_000 + 0.5 * np.arange(ROWS), rng, volume=np.full(ROWS, 100.0))


def student_t_walk(rng):
    return on_grid(around(30_000 * np.exp(np.cumsum(0.0007 * rng.standard_t(3, ROWS))), rng))


def garch(rng):
    """Clusters and heavy tails, as a careful person would: but volume knows nothing of it."""
    variance, change = np.full(ROWS, 1e-6), np.zeros(ROWS)
    for k in range(1, ROWS):
        variance[k] = 2e-8 + 0.12 * change[k - 1] ** 2 + 0.86 * variance[k - 1]
        change[k] = np.sqrt(variance[k]) * rng.standard_t(5) * 0.77
    return on_grid(around(30_000 * np.exp(np.cumsum(change)), rng))


def garch_with_volume(rng):
    """The same, and wide bars trade more, with memory."""
    bars = garch(rng)
    level = np.convolve(bars.high - bars.low, np.ones(12) / 12, "same")
    volume = (bars.high - bars.low + level) * rng.lognormal(0, 0.4, ROWS)
    return on_grid(replace(bars, volume=volume))


def from_random_trades(rng):
    """A random walk of trades on a grid with Poisson counts, resampled to bars: high and low are right."""
    per = np.maximum(rng.poisson(60, ROWS), 1)
    ends = np.cumsum(per)
    price = 30_000 + np.round(np.cumsum(rng.normal(0, 4, ends[-1])) / 0.1) * 0.1
    size = np.round(rng.exponential(1.0, ends[-1]), 3) + 0.001
    first = ends - per
    high, low = np.maximum.reduceat(price, first), np.minimum.reduceat(price, first)
    volume = np.add.reduceat(size, first)
    return from_prices(price[first], high, low, price[ends - 1], volume, rng)


GENERATED = [
    random_walk,
    random_walk_on_a_grid,
    geometric_brownian_motion,
    geometric_brownian_motion_on_a_grid,
    np_random_ohlc,
    uniform_noise,
    sine_with_noise,
    smooth_sine,
    constant_price,
    constant_steps,
    linear_trend,
    student_t_walk,
    garch,
    garch_with_volume,
    from_random_trades,
]
