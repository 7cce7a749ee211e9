"""What a cross-validation costs beyond its fits: 45 purged splits of generated bars, nine paths."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from benchmarks.harness import Row

from bateia.core import Trades
from bateia.models import Dataset, LightGBM
from bateia.recipe import Recipe
from bateia.vetting.null import build, evaluate

BARS, FEATURES = 6_000, 20
RECIPE = f"""
name: generated
source: {{kind: sample, name: es-trades-2013-09}}
bars: {{kind: time, size: 1m}}
features:
  define:
{chr(10).join(f"    f{n}: log_return(close, {n})" for n in range(1, FEATURES + 1))}
label: {{kind: fixed_horizon, horizon: 10}}
split: {{kind: combinatorial, groups: 10, test_groups: 2}}
model: {{kind: lightgbm, rounds: 200, early_stopping_rounds: 200, threads: 1}}
baselines: []
policy: {{kind: threshold, enter: 0.1, exit: 0.0}}
broker: {{kind: simulated, latency: 100ms, costs: {{fee_bps: 1}}}}
"""


def generated_trades(bars: int = BARS, seed: int = 0) -> Trades:
    """A random walk, three trades a minute."""
    rng, n = np.random.default_rng(seed), 3 * bars
    price = 1000 * np.exp(np.cumsum(rng.normal(0, 3e-4, n)))
    clock = 1_600_000_000_000_000 + np.arange(n) * 20_000_000 + rng.integers(0, 9_000_000, n)
    return Trades(clock, clock, price, np.ones(n), rng.choice([-1, 1], n).astype(np.int8))


@contextmanager
def timed() -> Iterator[list[float]]:
    """Seconds of each fit of a LightGBM model within."""
    honest: Any = LightGBM.fit
    seconds: list[float] = []

    def fit(self: LightGBM, train: Dataset, valid: Dataset) -> Any:
        start = time.perf_counter()
        fitted = honest(self, train, valid)
        seconds.append(time.perf_counter() - start)
        return fitted

    setattr(LightGBM, "fit", fit)  # noqa: B010
    try:
        yield seconds
    finally:
        setattr(LightGBM, "fit", honest)  # noqa: B010


def rows() -> list[Row]:
    """Bars to metrics of all paths, beside the sum of its own fits in the same run."""
    recipe, trades = Recipe.parse(RECIPE), generated_trades()
    evaluate(recipe, build(recipe, trades[: len(trades) // 3], {}))
    with timed() as fits:
        start = time.perf_counter()
        market = build(recipe, trades, {})
        evaluate(recipe, market)
        whole = time.perf_counter() - start
    assert len(fits) == len(market.folds) == 45
    size = f"{len(market.bars):,} bars, {FEATURES} features, 200 rounds"
    work = f"CPCV, 45 splits, {len(market.paths)} paths, {size}"
    goal = "at most 1.2x its fits"
    return [Row(work, "s", whole, "its own fits", sum(fits), goal, whole <= 1.2 * sum(fits))]


if __name__ == "__main__":
    for row in rows():
        print(f"{row.work:64} {row.ours:8.2f} {row.theirs:8.2f} {row.ours / row.theirs:.3f} {row.met}")
