"""A generated market for tests: a random walk, or one whose last move tells something of the next."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl

START = 1_577_836_800_000_000
MINUTE = 60_000_000

RECIPE = """
name: generated
source: {{kind: file, path: {path}}}
bars: {{kind: time, size: 1h}}
quality: {{accept: [generated]}}
features:
  define: {{last: "log_return(close, 1)", before: "log_return(close, 2)", wide: "high / low - 1"}}
label: {{kind: fixed_horizon, horizon: 1}}
split: {{kind: walk_forward, folds: 3, min_train: 0.3}}
model: {{kind: logistic}}
policy: {{kind: threshold, enter: 0.02, exit: 0.0}}
broker:
  kind: simulated
  latency: 1ms
  costs: {{fee_per_unit: 0.001, half_spread: 0.0}}
"""


def generated_trades(path: Path, *, days: int, memory: float, seed: int) -> Path:
    """A trade every ten minutes; hourly log returns of 0.4%, `memory` of each carried on into the next."""
    rng = np.random.default_rng(seed)
    hours, per = 24 * days, 6
    moves = rng.normal(0, 0.004, hours)
    for k in range(1, hours):
        moves[k] += memory * moves[k - 1]
    steps = np.repeat(moves / per, per) + rng.normal(0, 0.0002, hours * per)
    time = START + np.arange(hours * per) * 10 * MINUTE + rng.integers(0, MINUTE, hours * per)
    pl.DataFrame(
        {
            "time": time,
            "price": np.round(100 * np.exp(np.cumsum(steps)), 4),
            "size": rng.integers(1, 50, hours * per).astype(float),
            "side": rng.choice([-1, 1], hours * per),
        }
    ).write_parquet(path)
    return path
