"""Labels: the triple barrier against a plain compiled scan and a pandas loop, and the splits."""

from __future__ import annotations

import math
from importlib.util import find_spec

import numba
import numpy as np
from benchmarks.harness import Row, median_time, paired_times

from bateia.core import Bars, Spans
from bateia.kernels.barriers import ew_volatility
from bateia.labels import FixedHorizon, TripleBarrier
from bateia.splits import WalkForward

BARS = 1_000_000
WIDTHS = {"touched": 20.0, "out of reach": 1000.0}
"""In volatilities: the first is about the slowest for skipping blocks, the second for the plain scan."""
SPAN = 100
PANDAS_ROWS = 300


def generated_bars(n: int = BARS, seed: int = 0) -> Bars:
    """A geometric random walk of one-second bars."""
    rng = np.random.default_rng(seed)
    close = 1000 * np.exp(np.cumsum(rng.normal(0, 2e-4, n)))
    open_ = np.concatenate([[1000.0], close[:-1]])
    high = np.maximum(open_, close) * (1 + rng.exponential(5e-5, n))
    low = np.minimum(open_, close) * (1 - rng.exponential(5e-5, n))
    time = 1_600_000_000_000_000 + np.arange(n) * 1_000_000
    ones = np.ones(n)
    return Bars(time, time, time, open_, high, low, close, *[ones] * 7)


@numba.njit(nogil=True)
def _plain_scan(close, volatility, width, horizon, touch, ret):
    """Look at every bar until a barrier or the horizon."""
    n = len(close)
    for i in range(n):
        touch[i] = 0
        ret[i] = np.nan
        if not volatility[i] > 0:
            continue
        upper = close[i] * math.exp(width * volatility[i])
        lower = close[i] * math.exp(-width * volatility[i])
        last = min(i + horizon, n - 1)
        for j in range(i + 1, last + 1):
            if close[j] >= upper or close[j] <= lower:
                touch[i] = 1 if close[j] >= upper else -1
                ret[i] = math.log(close[j] / close[i])
                break
        else:
            if i + horizon < n:
                ret[i] = math.log(close[last] / close[i])


def plain_label(bars: Bars, width: float, horizon: int) -> tuple[np.ndarray, np.ndarray]:
    """Touch and return of every bar by the plain scan, volatility included."""
    n = len(bars)
    volatility, touch, ret = np.empty(n), np.empty(n, np.int8), np.empty(n)
    ew_volatility(bars.close, SPAN, volatility)
    _plain_scan(bars.close, volatility, width, horizon, touch, ret)
    return touch, ret


def pandas_label(bars: Bars, width: float, horizon: int, rows: int) -> list[float]:
    """The first `rows` labels after warm-up: a pandas slice of the path for each event, as mlfinpy does."""
    import pandas as pd

    close = pd.Series(bars.close[: SPAN + rows + horizon + 1])
    close.index = pd.to_datetime(bars.time[: len(close)], unit="us")
    widths = width * np.log(close).diff().ewm(span=SPAN, min_periods=SPAN).std()
    sides = []
    for start in close.index[SPAN : SPAN + rows]:
        vertical = close.index[close.index.searchsorted(start) + horizon]
        moves = np.log(close.loc[start:vertical] / close.loc[start])
        upper = moves[moves >= widths.loc[start]].index.min()
        lower = moves[moves <= -widths.loc[start]].index.min()
        first = pd.Series([upper, lower, vertical]).dropna().idxmin()
        sides.append([1.0, -1.0, 0.0][first])
    return sides


def _barrier_rows(bars: Bars, horizon: int, reach: str) -> list[Row]:
    width = WIDTHS[reach]
    label = TripleBarrier(horizon=horizon, up=width, down=width, volatility_span=SPAN)
    labels = label.make(bars)
    touch, ret = plain_label(bars, width, horizon)
    assert np.array_equal(ret, labels.ret, equal_nan=True), "the plain scan gives other labels"
    assert np.array_equal(labels.value[labels.valid], touch[labels.valid])
    ours, scan = paired_times(lambda: label.make(bars), lambda: plain_label(bars, width, horizon), 3)
    work, to_ns = f"triple barrier, 1M bars, horizon {horizon}, {reach}", 1e9 / len(bars)
    ours, scan = ours * to_ns, scan * to_ns
    rows = [Row(work, "ns/label", ours, "plain numba scan", scan, "<= 100 ns", ours <= 100)]
    if find_spec("pandas") is not None:
        sides = pandas_label(bars, width, horizon, PANDAS_ROWS)
        assert sides == labels.value[SPAN : SPAN + PANDAS_ROWS].tolist(), "pandas gives other labels"
        slow = median_time(lambda: pandas_label(bars, width, horizon, PANDAS_ROWS), 3) * 1e9 / PANDAS_ROWS
        rows.append(Row(work, "ns/label", ours, "mlfinpy-style", slow, ">= 1000x", slow >= 1000 * ours))
    return rows


def _numpy_folds(spans: Spans, splitter: WalkForward) -> int:
    """Purging as a mask for each test row, in the way of most notebooks: O(n * m); one test row in 1000."""
    kept = 0
    for fold in splitter.split(spans):
        past = np.union1d(fold.train, fold.purged)
        t0, t1 = spans.t0[past], spans.t1[past]
        drop = np.zeros(len(past), np.bool_)
        for row in fold.test[::1000]:
            drop |= (t0 <= spans.t1[row]) & (t1 >= spans.t0[row])
        kept += int(np.sum(~drop))
    return kept


def rows() -> list[Row]:
    """Labels of 1M generated bars, weights and spans included, and the folds of a walk-forward over them."""
    bars = generated_bars()
    made = [row for horizon in (120, 1440) for reach in WIDTHS for row in _barrier_rows(bars, horizon, reach)]
    fixed = FixedHorizon(horizon="2m")
    labels = fixed.make(bars)
    plain = median_time(lambda: np.log(bars.close[120:] / bars.close[:-120]), 5) * 1e9 / len(bars)
    ours = median_time(lambda: fixed.make(bars), 5) * 1e9 / len(bars)
    work = "fixed horizon with weights and spans, 1M bars"
    made.append(Row(work, "ns/label", ours, "numpy, return only", plain, "<= 50 ns", ours <= 50))
    splitter = WalkForward()
    split = median_time(lambda: splitter.split(labels.span), 3) * 1e3
    masks = median_time(lambda: _numpy_folds(labels.span, splitter), 1, 0) * 1e3
    work = "walk-forward, 5 purged folds, 1M rows"
    made.append(Row(work, "ms", split, "numpy masks, 1/1000 of the test", masks, ">= 5x", masks >= 5 * split))
    return made


if __name__ == "__main__":
    for row in rows():
        print(
            f"{row.work:52} {row.ours:12.1f} {row.theirs:14.1f} {row.unit:9} {row.peer} {row.goal} {row.met}"
        )
