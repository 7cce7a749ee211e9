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
    """Every column of `Bars` by the running value, the key flagged sorted: half the time of no flag."""
    p = pl.col
    value, move = p("price") * p("size"), p("price").diff()
    key = (p("value").cum_sum() / limit).cast(pl.Int64).set_sorted()
    columns = frame.lazy().with_columns(value=value, move=move).with_columns(bar=key)
    bars = columns.group_by("bar", maintain_order=True).agg(
        open_time=p("time").first(),
        time=p("time").last(),
        known_at=p("known_at").max(),
        open=p("price").first(),
        high=p("price").max(),
        low=p("price").min(),
        close=p("price").last(),
        volume=p("size").sum(),
        signed_volume=(p("size") * p("side")).sum(),
        value=p("value").sum(),
        trades=pl.len(),
        up_ticks=(p("move") > 0).sum(),
        down_ticks=(p("move") < 0).sum(),
    )
    return bars.with_columns(vwap=p("value") / p("volume")).collect()


def pandas_bars(frame, limit: float):
    """The same in pandas, by the names of its compiled aggregations."""
    value, move = frame["price"] * frame["size"], frame["price"].diff()
    signed = frame["size"] * frame["side"]
    columns = frame.assign(value=value, signed=signed, up=move > 0, down=move < 0)
    bars = columns.groupby((value.cumsum() // limit).astype("int64"), sort=False).agg(
        open_time=("time", "first"),
        time=("time", "last"),
        known_at=("known_at", "max"),
        open=("price", "first"),
        high=("price", "max"),
        low=("price", "min"),
        close=("price", "last"),
        volume=("size", "sum"),
        signed_volume=("signed", "sum"),
        value=("value", "sum"),
        trades=("size", "size"),
        up_ticks=("up", "sum"),
        down_ticks=("down", "sum"),
    )
    return bars.assign(vwap=bars["value"] / bars["volume"])


def loop_bars(frame, limit: float) -> list[list[float]]:
    """One Python step a trade with the state in attributes, in the way of mlfinpy.

    Like the package it starts from a frame of datetime, price and size, and the frame's rows of objects are
    over half of its time; it calls no methods in between, so that the package itself takes a little longer.
    """

    class Open:
        """The open bar."""

        def __init__(self) -> None:
            self.open, self.high, self.low = None, -np.inf, np.inf
            self.count = {"ticks": 0, "dollar_value": 0.0, "volume": 0.0, "buy_volume": 0.0}

    bar, last, sign, made = Open(), None, 0, []
    for row in frame.values:
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
    made, frame = bars.run(trades), pl.DataFrame(trades.columns())
    _assert_near(made, len(polars_bars(frame, limit)))
    ours, theirs = paired_times(lambda: bars.run(trades), lambda: polars_bars(frame, limit))
    ours *= to_ns
    rows = [
        _row(work, ours, "numpy, sum of each column", _reading(trades), "<= 2.5 ns", 0),
        _row(work, ours, "polars", theirs * to_ns, ">= 4x", 4),
    ]
    if find_spec("pandas") is None:
        print(
            "pandas is not installed: its bars and those of the mlfinpy-style loop over its rows are left out"
        )
        return rows
    import pandas as pd

    table = pd.DataFrame(trades.columns())
    _assert_near(made, len(pandas_bars(table, limit)))
    slow = median_time(lambda: pandas_bars(table, limit), 3, 0) * to_ns
    few = table.loc[: LOOP_TRADES - 1, ["time", "price", "size"]]
    few = few.assign(time=pd.to_datetime(few["time"], unit="us"))
    head = bars.run(trades[:LOOP_TRADES])
    assert [bar[4] for bar in loop_bars(few, limit)] == head.close.tolist(), "the loop gives other bars"
    loop = median_time(lambda: loop_bars(few, limit), 3, 0) * 1e9 / LOOP_TRADES
    rows.append(_row(work, ours, "pandas", slow, ">= 30x", 30))
    rows.append(_row(work, ours, "mlfinpy-style loop, 100k trades", loop, ">= 800x", 800))
    return rows


def _reading(trades: Trades) -> float:
    """ns per trade to read every column once."""
    return median_time(lambda: [column.sum() for column in trades.columns().values()]) * 1e9 / len(trades)


def _row(work: str, ours: float, peer: str, theirs: float, goal: str, ratio: float) -> Row:
    """`ratio` 0: a bound of 2.5 ns instead."""
    met = ours <= 2.5 if ratio == 0 else theirs >= ratio * ours
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
