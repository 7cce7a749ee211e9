"""The threshold sweep beside a numpy loop, polars and vectorbt: bars x thresholds, one account each."""

from __future__ import annotations

import warnings
from importlib.util import find_spec

import numpy as np
import polars as pl
from benchmarks.harness import Row, median_time, paired_times

from bateia.backtest import Sweep, sweep
from bateia.core import Bars

BARS, PAIRS = 1_000_000, 100
FEE = 1.0
"""Basis points a side."""
SOME = 5
"""Thresholds that the peers are timed with: their cost grows with each, ours with each 32."""
VECTORBT_BARS = 200_000


def generated_market(n: int = BARS, seed: int = 0) -> tuple[Bars, np.ndarray]:
    """A random walk of one-second bars and a persistent score, flat at the end."""
    rng = np.random.default_rng(seed)
    close = 1000 * np.exp(np.cumsum(rng.normal(0, 2e-4, n)))
    open_ = np.concatenate([[1000.0], close[:-1]]) * (1 + rng.normal(0, 1e-5, n))
    time = 1_600_000_000_000_000 + np.arange(n) * 1_000_000
    noise = np.convolve(rng.normal(0, 0.1, n + 9), np.ones(10), "valid")
    noise[-3:] = 0.0
    high, low = np.maximum(open_, close), np.minimum(open_, close)
    return Bars(time, time, time, open_, high, low, close, *[np.ones(n)] * 7), noise


def thresholds(count: int) -> tuple[np.ndarray, np.ndarray]:
    """Entries from a tenth of the score's range up; exits at half of each."""
    enter = np.linspace(0.1, 0.9, count)
    return enter, enter / 2


def _leg(score: np.ndarray, enter: float, leave: float) -> np.ndarray:
    """1 from a score above `enter` until one below `leave`: the last of the two that spoke holds."""
    long = score > enter
    last = np.maximum.accumulate(np.where(long | (score < leave), np.arange(len(score)), 0))
    return long[last].astype(np.float64)


def numpy_loop(bars: Bars, score: np.ndarray, enter: np.ndarray, leave: np.ndarray) -> np.ndarray:
    """Net, round trips, deepest fall and variance of profits, one threshold after the other."""
    found = []
    for high, low in zip(enter, leave, strict=True):
        held = np.zeros(len(score))
        held[1:] = (_leg(score, high, low) - _leg(-score, high, low))[:-1]
        change = np.diff(held, prepend=0.0)
        cost = np.cumsum(np.abs(change) * bars.open) * FEE * 1e-4
        net = held * bars.close - np.cumsum(change * bars.open) - cost
        fall = np.max(np.maximum.accumulate(np.maximum(net, 0)) - net)
        trips = np.count_nonzero((change != 0) & (held != 0))
        found.append([net[-1], trips, fall, np.var(np.diff(net), ddof=1)])
    return np.array(found)


def polars_loop(frame: pl.DataFrame, enter: np.ndarray, leave: np.ndarray) -> np.ndarray:
    """The same in polars, one lazy query for all thresholds."""
    score, first, close = pl.col("score"), pl.col("open"), pl.col("close")

    def leg(sign: int, high: float, low: float) -> pl.Expr:
        side = pl.when(sign * score > high).then(1.0).when(sign * score < low).then(0.0)
        return side.otherwise(None).forward_fill().fill_null(0.0)

    queries = []
    for high, low in zip(enter, leave, strict=True):
        held, change, net = pl.col("held"), pl.col("change"), pl.col("net")
        want = leg(1, high, low) - leg(-1, high, low)
        cost = change.abs() * first * (FEE * 1e-4)
        query = frame.lazy().select("open", "close", held=want.shift(1, fill_value=0.0))
        query = query.with_columns(change=held - held.shift(1, fill_value=0.0))
        query = query.with_columns(net=held * close - (change * first + cost).cum_sum())
        trips = ((change != 0) & (held != 0)).sum().cast(pl.Float64)
        fall = (net.clip(lower_bound=0.0).cum_max() - net).max()
        queries.append(query.select(net=net.last(), trips=trips, fall=fall, variance=net.diff().var()))
    return pl.concat(pl.collect_all(queries)).to_numpy()


def vectorbt_columns(bars: Bars, score: np.ndarray, enter: np.ndarray, leave: np.ndarray) -> np.ndarray:
    """`Portfolio.from_signals` with a column for each threshold, and the same four numbers."""
    import pandas as pd
    import vectorbt as vbt

    index = pd.to_datetime(bars.time, unit="us")
    seen = np.concatenate([[0.0], score[:-1]])[:, None]
    signals = (seen > enter, seen < leave, seen < -enter, seen > -leave)
    names = ("entries", "exits", "short_entries", "short_exits")
    portfolio = vbt.Portfolio.from_signals(
        pd.Series(bars.close, index),
        **{name: pd.DataFrame(signal, index) for name, signal in zip(names, signals, strict=True)},
        price=pd.Series(bars.open, index),
        size=1.0,
        fees=FEE * 1e-4,
        init_cash=1e6,
        upon_opposite_entry="reverse",
        upon_long_conflict="entry",
        upon_short_conflict="entry",
        freq="1s",
    )
    value = portfolio.value()
    net = value.to_numpy() - 1e6
    fall = np.max(np.maximum.accumulate(np.maximum(net, 0), axis=0) - net, axis=0)
    trips = portfolio.trades.count().to_numpy()
    return np.stack([net[-1], trips, fall, np.diff(net, axis=0).var(axis=0, ddof=1)], axis=1)


def _check(ours: Sweep, theirs: np.ndarray, bars: Bars, peer: str) -> None:
    years = (bars.time[-1] - bars.time[0]) / (365.25 * 86_400e6)
    steps = len(bars) - 1
    sharpe = theirs[:, 0] / steps / np.sqrt(theirs[:, 3]) * np.sqrt(steps / years)
    for name, column in (
        ("net", theirs[:, 0]),
        ("round_trips", theirs[:, 1]),
        ("max_drawdown", theirs[:, 2]),
    ):
        assert np.allclose(getattr(ours, name), column, rtol=1e-6, atol=1e-4), f"{peer} gives another {name}"
    assert np.allclose(ours.sharpe, sharpe, rtol=1e-5), f"{peer} gives another Sharpe ratio"


def rows() -> list[Row]:
    """1M generated bars x 100 thresholds, each with profit, costs, round trips, drawdown and Sharpe."""
    bars, score = generated_market()
    all_, some = thresholds(PAIRS), thresholds(SOME)
    ours = median_time(lambda: sweep(bars, score, *all_, bp_side=FEE)) * 1e9 / BARS / PAIRS
    frame = pl.DataFrame({"score": score, "open": bars.open, "close": bars.close})
    made = sweep(bars, score, *some, bp_side=FEE)
    work, unit = "sweep, 1M bars x 100 thresholds", "ns/bar/pair"
    table = []
    for peer, run in (
        ("numpy, one by one", lambda: numpy_loop(bars, score, *some)),
        ("polars, 2 threads", lambda: polars_loop(frame, *some)),
    ):
        _check(made, run(), bars, peer)
        theirs = median_time(run, 3) * 1e9 / BARS / SOME
        table.append(
            Row(work, unit, ours, peer, theirs, "<= 1.5 ns, >= 10x", ours <= 1.5 and theirs >= 10 * ours)
        )
    if find_spec("vectorbt") is not None:
        table.append(_vectorbt(work, unit, ours, some))
    one = thresholds(1)
    slider, plain = paired_times(
        lambda: sweep(bars, score, *one, bp_side=FEE), lambda: numpy_loop(bars, score, *one)
    )
    work = "slider: one pair, 1M bars"
    table.append(Row(work, "ms", slider * 1e3, "numpy", plain * 1e3, "<= 50 ms", slider <= 0.05))
    return table


def _vectorbt(work: str, unit: str, ours: float, some: tuple[np.ndarray, np.ndarray]) -> Row:
    bars, score = generated_market(VECTORBT_BARS)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = vectorbt_columns(bars, score, *some)
        _check(sweep(bars, score, *some, bp_side=FEE), found, bars, "vectorbt")
        theirs = median_time(lambda: vectorbt_columns(bars, score, *some), 3) * 1e9 / VECTORBT_BARS / SOME
    return Row(work, unit, ours, "vectorbt", theirs, ">= 60x", theirs >= 60 * ours)


if __name__ == "__main__":
    for row in rows():
        print(f"{row.work:36} {row.ours:9.2f} {row.theirs:9.2f} {row.unit} {row.peer} {row.goal} {row.met}")
