"""Generated markets and recipes small enough to be run hundreds of times."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl

from bateia.bars import TimeBars
from bateia.core import Trades
from bateia.recipe import Recipe

START = 1_600_000_000_000_000
TINY = """
name: tiny
source: {kind: file, path: "PATH"}
bars: {kind: tick, size: 10}
quality: {accept: [generated]}
features:
  define:
    flow: signed_volume / volume
    trend: log(close / lag(close, 3))
label: {kind: fixed_horizon, horizon: 4, target: return}
split: {kind: walk_forward, folds: 2, min_train: 0.5, embargo: 1s}
model: {kind: logistic}
baselines: []
policy: {kind: threshold, enter: 0.0, exit: 0.0}
broker: {kind: simulated, latency: 100ms, costs: {half_spread: 0.0}}
"""


def generated_noise(rows: int = 3000, seed: int = 0) -> Trades:
    """A random walk on a grid of 0.25, a trade a second, volatility in clusters, sides that mean nothing."""
    rng = np.random.default_rng(seed)
    calm = np.repeat(rng.uniform(0.5, 2.0, rows // 100 + 1), 100)[:rows]
    price = 1000 + 0.25 * np.cumsum(np.round(calm * rng.normal(size=rows)))
    size = rng.integers(1, 5, rows).astype(np.float64)
    side = rng.choice(np.array([-1, 1], np.int8), rows)
    time = START + np.arange(rows) * 1_000_000
    return Trades(time, time.copy(), price, size, side)


def generated_signal(rows: int = 3000, seed: int = 0, strength: float = 0.8) -> Trades:
    """As the noise, but for 40 trades the price leans to the side that bought in the 10 before."""
    rng = np.random.default_rng(seed)
    noise = generated_noise(rows, seed)
    lean = np.repeat(rng.choice([-1.0, 1.0], rows // 50 + 1), 50)[:rows]
    leads = np.arange(rows) % 50 < 10
    side = np.where(leads, lean, noise.side).astype(np.int8)
    price = noise.price + 0.25 * np.cumsum(
        np.where(leads, 0.0, np.round(strength * lean + rng.normal(size=rows)))
    )
    return Trades(noise.time, noise.known_at, price, noise.size, side)


def tiny_recipe(trades: Trades, folder: Path, **changes: object) -> Recipe:
    """The tiny recipe over these trades, which are written to `folder`."""
    path = folder / "generated.parquet"
    pl.DataFrame(trades.columns()).write_parquet(path)
    return Recipe.parse(TINY.replace("PATH", str(path))).model_copy(update=changes)


def candle_recipe(trades: Trades, folder: Path) -> Recipe:
    """The tiny recipe over candles of 10 seconds of these trades, as a source of candles gives them."""
    bars = TimeBars(size="10s").run(trades)
    path = folder / "candles.parquet"
    names = ("open", "high", "low", "close", "volume", "signed_volume", "value")
    columns = {name: getattr(bars, name) for name in names}
    pl.DataFrame({"open_time": bars.time - 10_000_000, **columns}).write_parquet(path)
    text = TINY.replace("kind: file", "kind: candles").replace("PATH", str(path))
    return Recipe.parse(text.replace("{kind: tick, size: 10}", "{kind: candles}"))
