"""Every number of an account and its scores, with intervals, and the same by group: 100,000 bars."""

from __future__ import annotations

import numpy as np
from benchmarks.harness import Row, median_time

from bateia.backtest import Backtest, breakdowns, measure, simulate
from bateia.core import Bars, Trades
from bateia.trading import Costs, SimulatedBroker

BARS = 100_000


def generated_run(n: int = BARS, seed: int = 0) -> tuple[Backtest, dict[str, np.ndarray | Bars]]:
    """A random walk of five-minute bars, a position of three outcomes held for ten of them, and a score."""
    rng = np.random.default_rng(seed)
    close = 1000 * np.exp(np.cumsum(rng.normal(0, 1e-3, n)))
    time = 1_600_000_000_000_000 + np.arange(n) * 300_000_000
    bars = Bars(time, time, time, *[close] * 4, *[np.ones(n)] * 7)
    trades = Trades(time, time, close, np.ones(n), np.ones(n, np.int8))
    target = np.repeat(rng.integers(-1, 2, n // 10 + 1), 10)[:n]
    run = simulate(bars, target, trades, SimulatedBroker(costs=Costs(fee_bps=1.0), latency="0"))
    # Answers look twenty bars ahead, so that they overlap.
    steps = np.diff(np.log(close), append=np.log(close[-1]))
    ret = np.convolve(steps, np.ones(20))[19 : 19 + n]
    score = np.tanh(np.convolve(rng.normal(size=n + 9), np.ones(10) / 3, "valid"))
    columns = {"bars": bars, "score": score, "value": np.sign(ret), "ret": ret}
    return run, {**columns, "probability": (1 + score) / 2}


def rows() -> list[Row]:
    """Everything once, and by fold, hour, weekday and period."""
    run, columns = generated_run()
    whole = median_time(lambda: measure(run, **columns), 3)
    parts = median_time(lambda: breakdowns(run, **columns), 3)
    nan = float("nan")
    return [
        Row(f"measure, {BARS:,} bars", "s", whole, "", nan, "under 1 s", whole < 1),
        Row("the same by hour, weekday and month", "s", parts, "", nan, "", True),
    ]
