"""Bars: 10M generated trades against polars, pandas and a Python loop over rows."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from importlib.util import find_spec

import numpy as np
import polars as pl
from benchmarks.harness import Row, median_time, paired_times

from bateia.bars import DollarBars, TickBars, TimeBars, VolumeBars
from bateia.core import Bars, Trades

TRADES = 10_000_000
PER_BAR = 1000
LOOP_TRADES = 100_000


def generated_trades(n: int = TRADES, seed: int = 0) -> Trades:
    """A random walk on a grid of 0.25, whole sizes, the side known of every trade."""
    rng = np.random.default_rng(seed)
    time = 1_600_000_000_000_000 + np.cumsum(rng.integers(0, 200_000, n))
    price = 1600 + 0.25 * np.cumsum(rng.choice([-1, 0, 1], n, p=[0.1, 0.8, 0.1]))
    size = rng.integers(1, 10, n).astype(np.float64)
    return Trades(time, time, price, size, rng.choice([-1, 1], n).astype(np.int8))


def polars_bars(frame: pl.DataFrame, limit: float) -> pl.DataFrame:
    """OHLCV of bars by the running value: the idiom, told that its keys are sorted."""
    value = pl.col("price") * pl.col("size")
    key = (value.cum_sum() / limit).cast(pl.Int64).set_sorted()
    price, size = pl.col("price"), pl.col("size")
    return (
        frame.lazy()
        .group_by(key.alias("bar"), maintain_order=True)
        .agg(
            pl.col("time").last(),
            price.first().alias("open"),
            price.max().alias("high"),
            price.min().alias("low"),
            price.last().alias("close"),
            size.sum().alias("volume"),
        )
        .collect()
    )


def pandas_bars(frame, limit: float):
    """The same in pandas."""
    key = ((frame["price"] * frame["size"]).cumsum() // limit).astype("int64")
    grouped = frame.groupby(key, sort=False)
    return grouped["price"].ohlc().assign(time=grouped["time"].last(), volume=grouped["size"].sum())


def loop_bars(rows: np.ndarray, limit: float) -> list[list[float]]:
    """One Python step a trade with the state in attributes, in the way of mlfinpy but leaner.

    It starts from an array of floats and calls no methods; the package itself, which starts from a frame
    with datetimes, takes 2 to 3 times as long.
    """

    class Open:
        """The open bar."""

        def __init__(self) -> None:
            self.open, self.high, self.low = None, -np.inf, np.inf
            self.count = {"ticks": 0, "dollar_value": 0.0, "volume": 0.0, "buy_volume": 0.0}

    bar, last, sign, made = Open(), None, 0, []
    for row in rows:
        time, price, size = row[0], row[1], row[2]
        bar.open = price if bar.open is None else bar.open
        bar.high, bar.low = max(bar.high, price), min(bar.low, price)
        change = 0 if last is None else price - last
        sign = np.sign(change) if change != 0 else sign
        last = price
        bar.count["ticks"] += 1
        bar.count["dollar_value"] += price * size
        bar.count["volume"] += size
        if sign > 0:
            bar.count["buy_volume"] += size
        if bar.count["dollar_value"] >= limit:
            made.append([time, bar.open, bar.high, bar.low, price, bar.count["volume"]])
            bar = Open()
    return made


def _assert_near(bars: Bars, theirs: int) -> None:
    """Peers let the surplus of a bar run into the next, so that they make a few bars more."""
    assert abs(len(bars) - theirs) <= 0.01 * theirs + 1, f"{len(bars)} bars, the peer makes {theirs}"


def _peers(trades: Trades, limit: float) -> list[Row]:
    bars, to_ns, work = (
        DollarBars(size=limit),
        1e9 / len(trades),
        f"dollar bars, {len(trades) // 10**6}M trades",
    )
    made = bars.run(trades)
    columns = {name: getattr(trades, name) for name in ("time", "price", "size")}
    frame = pl.DataFrame(columns)
    _assert_near(made, len(polars_bars(frame, limit)))
    ours, theirs = paired_times(lambda: bars.run(trades), lambda: polars_bars(frame, limit))
    rows = [_row(work, ours * to_ns, "numpy, sum of each column", _reading(trades), "<= 2.5 ns", 0)]
    rows.append(_row(work, ours * to_ns, "polars, OHLCV only", theirs * to_ns, ">= 4x", 4))
    if find_spec("pandas") is None:
        rows.append(_row(work, ours * to_ns, "pandas: not installed, skipped", float("nan"), ">= 30x", None))
    else:
        import pandas as pd

        table = pd.DataFrame(columns)
        _assert_near(made, len(pandas_bars(table, limit)))
        slow = median_time(lambda: pandas_bars(table, limit), 3, 0) * to_ns
        rows.append(_row(work, ours * to_ns, "pandas, OHLCV only", slow, ">= 30x", 30))
    few = np.column_stack(list(columns.values()))[:LOOP_TRADES]
    head = bars.run(trades[:LOOP_TRADES])
    assert [bar[4] for bar in loop_bars(few, limit)] == head.close.tolist(), "the loop gives other bars"
    loop = median_time(lambda: loop_bars(few, limit), 3, 0) * 1e9 / LOOP_TRADES
    rows.append(_row(work, ours * to_ns, "mlfinpy-style loop, 100k trades", loop, ">= 800x", 800))
    return rows


def _reading(trades: Trades) -> float:
    """ns per trade to read every column once."""
    return median_time(lambda: [column.sum() for column in trades.columns().values()]) * 1e9 / len(trades)


def _row(work: str, ours: float, peer: str, theirs: float, goal: str, ratio: float | None) -> Row:
    """`ratio` 0: a bound of 2.5 ns instead; None: nothing was measured, so nothing is met."""
    met = ratio is not None and (ours <= 2.5 if ratio == 0 else theirs >= ratio * ours)
    return Row(work, "ns/trade", ours, peer, theirs, goal, met)


def _live(trades: Trades) -> Row:
    """One trade a call, from Python."""
    bars, blocks = DollarBars(size=2e6), [trades[i : i + 1] for i in range(20_000)]

    def feed(run: Callable[[Trades], object]) -> None:
        for block in blocks:
            run(block)

    micros = median_time(lambda: feed(bars.start().run)) * 1e6 / len(blocks)
    return Row(
        "one trade a call", "us/trade", micros, "no peer", float("nan"), "part of <= 200 us", micros <= 200
    )


def rows() -> list[Row]:
    """Bars of about 1000 trades, all 14 columns of them, over 10M generated trades, one thread."""
    trades = generated_trades()
    limit = float((trades.price * trades.size).mean()) * PER_BAR
    made = _peers(trades, limit)
    for bars in (TickBars(size=PER_BAR), VolumeBars(size=5.0 * PER_BAR), TimeBars(size="100s")):
        ours = median_time(partial(bars.run, trades)) * 1e9 / len(trades)
        work = f"{bars.kind} bars, {len(trades) // 10**6}M trades"
        made.append(_row(work, ours, "numpy, sum of each column", _reading(trades), "<= 2.5 ns", 0))
    return [*made, _live(trades)]


if __name__ == "__main__":
    for row in rows():
        print(f"{row.work:26} {row.ours:7.2f} {row.theirs:9.2f} {row.unit:9} {row.peer} {row.goal} {row.met}")
