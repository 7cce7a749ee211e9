"""The checks that every kind of bars passes: no cut shows, nothing is lost, every column is recomputed."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from bateia.core import Bars, Component, Trades
from bateia.testing.suite import run_suite

EXAMPLES = 30
"""Cuts of the input that are drawn."""


class Stream(Protocol):
    """Bars in the making."""

    @property
    def open_trades(self) -> int:
        """Trades in the open bar."""

    @property
    def open_volume(self) -> float:
        """Volume of the open bar."""

    def run(self, trades: Trades) -> Bars:
        """The bars that these trades close."""

    def snapshot(self) -> dict[str, npt.NDArray[Any]]:
        """The state as arrays."""


class BarMaker(Protocol):
    """A kind of bars."""

    def start(self) -> Stream:
        """A fresh stream."""

    def restore(self, snapshot: Mapping[str, npt.NDArray[Any]]) -> Stream:
        """The stream of a snapshot."""

    def run(self, trades: Trades) -> Bars:
        """The bars of a whole history."""


def generated_trades(rows: int = 400, seed: int = 0, tick: float = 0.25) -> Trades:
    """A random walk on a grid: equal times, equal prices, late arrivals, unknown sides. For tests only."""
    rng = np.random.default_rng(seed)
    wait = rng.exponential(2e6, rows).astype(np.int64) * (rng.random(rows) > 0.2)
    time = 1_600_000_000_000_000 + np.cumsum(wait)
    steps = rng.choice([-1, 0, 0, 0, 1], rows)
    return Trades(
        time=time,
        known_at=time + rng.integers(0, 5_000_000, rows),
        price=1000 + tick * np.cumsum(steps),
        size=np.round(rng.exponential(3.0, rows) + 0.01, 2),
        side=rng.choice([-1, 0, 0, 1], rows).astype(np.int8),
    )


def check_bars(maker: BarMaker, trades: Trades, exclude: Mapping[str, str] | None = None) -> list[str]:
    """Run every check of a kind of bars on `trades` that make 3 bars or more; returns the names of those run.

    A few thousand trades are plenty: `cuts` feeds them one by one, `contents` walks over them in plain
    Python. AssertionError where the bars break the contract; `exclude` maps a check's name to the
    reason.

    >>> from bateia.bars import DollarBars
    >>> check_bars(DollarBars(size=20_000), generated_trades())
    ['repeats', 'cuts', 'prefix', 'snapshot', 'conservation', 'contents', 'clocks', 'inputs', 'config']
    """
    made = len(maker.run(trades))
    if made < 3:
        raise AssertionError(f"{len(trades)} trades make {made} bars; allowed: 3 or more, to check them")
    return run_suite(CHECKS, maker, trades, exclude=exclude)


def _same(got: Bars, expected: Bars, why: str) -> int:
    assert len(got) == len(expected), f"{why}: {len(got)} bars, not {len(expected)}"
    for name, column in expected.columns().items():
        other = getattr(got, name)
        assert other.dtype == column.dtype, f"{why}: {name} is {other.dtype}, not {column.dtype}"
        differ = np.flatnonzero(other != column)  # a NaN differs from itself: bars have none
        assert not len(differ), (
            f"{why}: {name} of bar {differ[0]} is {other[differ[0]]!r}, not {column[differ[0]]!r}"
        )
    return len(got)


def _ends(bars: Bars) -> list[int]:
    """Trades before the end of each bar: the bars share out the trades in order."""
    return [int(end) for end in np.cumsum(bars.trades)]


def _runs(bars: Bars, trades: Trades) -> Iterator[tuple[int, Trades]]:
    ends = _ends(bars)
    assert not ends or ends[-1] <= len(trades), f"the bars hold {ends[-1]} of {len(trades)} trades"
    for i, (first, end) in enumerate(pairwise([0, *ends])):
        assert end > first, f"bar {i} holds no trades"
        yield i, trades[first:end]


def repeats(maker: BarMaker, trades: Trades) -> int:
    """The same bars again, also from two streams in turn."""
    expected = maker.run(trades)
    compared = _same(maker.run(trades), expected, "a second time")
    one, two, half = maker.start(), maker.start(), len(trades) // 2
    parts = [stream.run(part) for part in (trades[:half], trades[half:]) for stream in (one, two)]
    compared += _same(Bars.concat(parts[::2]), expected, "two streams in turn")
    return compared + _same(Bars.concat(parts[1::2]), expected, "two streams in turn")


def cuts(maker: BarMaker, trades: Trades) -> int:
    """Any cut into blocks, of no trades and of one too, gives the same bits."""
    expected, n, rng = maker.run(trades), len(trades), np.random.default_rng(0)
    drawn: list[list[int]] = [list(range(n + 1)), [0, n], [0, 0, n, n]]
    for _ in range(EXAMPLES):
        at = np.sort(rng.integers(0, n + 1, rng.integers(1, 20))).tolist()
        # One cut is made twice, and one trade is a block of its own.
        drawn.append(sorted([0, n, *at, at[0], min(at[-1] + 1, n)]))
    compared = 0
    for at in sorted(drawn, key=len):
        stream = maker.start()
        made = Bars.concat([stream.run(trades[a:b]) for a, b in pairwise(at)])
        compared += _same(made, expected, f"cut at {at if len(at) < 25 else 'every trade'}")
    return compared


def prefix(maker: BarMaker, trades: Trades) -> int:
    """Later trades change no bar, and a bar is there as soon as it is over by its own time."""
    bars, compared = maker.run(trades), 0
    ends = _ends(bars)
    lengths = {k for end in ends[:20] for k in (end - 1, end, end + 1) if 0 < k <= len(trades)}
    for k in sorted(lengths | {len(trades) * i // 10 for i in range(1, 10)}):
        short = maker.run(trades[:k])
        assert len(short) <= len(bars), f"{k} trades make {len(short)} bars, all of them {len(bars)}"
        compared += _same(short, bars[: len(short)], f"with {k} of {len(trades)} trades")
        late = len(short)
        over = late < len(bars) and ends[late] <= k and bars.time[late] <= trades.time[k - 1]
        assert not over, f"bar {late} is over after {ends[late]} trades, but not there with {k}"
    return compared


def snapshot(maker: BarMaker, trades: Trades) -> int:
    """A stream resumes from its snapshot, more than once, and a snapshot stays as it was taken."""
    expected, compared = maker.run(trades), 0
    for cut in sorted({len(trades) * i // 8 for i in range(9)}):
        stream = maker.start()
        before = stream.run(trades[:cut])
        state = stream.snapshot()
        for name, array in state.items():
            assert isinstance(array, np.ndarray), f"{name!r} of the snapshot is a {type(array).__name__}"
            assert array.dtype != object, f"{name!r} of the snapshot is an array of objects"
        kept = {name: array.copy() for name, array in state.items()}
        after = [stream.run(trades[cut:])]
        after += [maker.restore(state).run(trades[cut:]) for _ in range(2)]
        for name, array in kept.items():
            assert np.array_equal(state[name], array, equal_nan=True), f"{name!r} of a snapshot changed"
        for rest in after:
            compared += _same(Bars.concat([before, rest]), expected, f"resumed after {cut} trades")
    return compared


def conservation(maker: BarMaker, trades: Trades) -> int:
    """Every trade is in one bar or in the open one: none is lost, split or counted twice."""
    checked = 0
    for k in sorted({len(trades) * i // 7 for i in range(1, 8)}):
        stream = maker.start()
        bars = stream.run(trades[:k])
        count = bars.trades.sum() + stream.open_trades
        assert count == k, f"{k} trades in, {count:g} in the bars and the open one"
        volume, total = bars.volume.sum() + stream.open_volume, trades.size[:k].sum()
        assert math.isclose(volume, total, rel_tol=1e-9), f"volume of {total} in, {volume} out"
        assert np.all(np.abs(bars.signed_volume) <= bars.volume * (1 + 1e-9)), "signed volume beyond volume"
        checked += len(bars)
    return checked


def contents(maker: BarMaker, trades: Trades) -> int:
    """Every bar's prices, sums and ticks, again from its trades in plain Python, to the last bit."""
    bars, direction, last = maker.run(trades), 1, math.nan
    for i, part in _runs(bars, trades):
        volume = signed = value = 0.0
        ups = downs = 0
        for price, size, side in zip(
            part.price.tolist(), part.size.tolist(), part.side.tolist(), strict=True
        ):
            ups, downs = ups + (price > last), downs + (price < last)
            direction = 1 if price > last else -1 if price < last else direction
            last = price
            volume, value = volume + size, value + price * size
            signed += size * (side or direction)
        prices = part.price
        expected = {
            "open": prices[0],
            "high": prices.max(),
            "low": prices.min(),
            "close": prices[-1],
            "volume": volume,
            "signed_volume": signed,
            "value": value,
            "vwap": value / volume,
            "up_ticks": ups,
            "down_ticks": downs,
        }
        for name, number in expected.items():
            got = getattr(bars, name)[i]
            assert got == number, f"{name} of bar {i} is {got!r}, its trades say {number!r}"
    assert np.all(bars.low <= np.minimum(bars.open, bars.close)), "a low above its open or close"
    assert np.all(bars.high >= np.maximum(bars.open, bars.close)), "a high below its open or close"
    return len(bars)


def clocks(maker: BarMaker, trades: Trades) -> int:
    """Bars open at their first trade, are over at or after the last, and known when all of it is."""
    bars = maker.run(trades)
    for i, part in _runs(bars, trades):
        first, last, known = int(part.time[0]), int(part.time[-1]), int(part.known_at.max())
        assert bars.open_time[i] == first, (
            f"bar {i} opens at {bars.open_time[i]}, its first trade is of {first}"
        )
        assert bars.time[i] >= last, f"bar {i} is over at {bars.time[i]}, before its last trade of {last}"
        expected = max(known, int(bars.time[i]))
        assert bars.known_at[i] == expected, f"bar {i} is known at {bars.known_at[i]}, not at {expected}"
    assert np.all(np.diff(bars.time) >= 0), "the bars' times run backwards"
    return len(bars)


def inputs(maker: BarMaker, trades: Trades) -> int:
    """The trades are left as they were, and share no memory with the bars."""
    before = {name: column.copy() for name, column in trades.columns().items()}
    bars = maker.run(trades)
    for name, column in trades.columns().items():
        assert np.array_equal(column, before[name]), f"the bars changed the trades' {name}"
        for ours, output in bars.columns().items():
            assert not np.shares_memory(column, output), f"{ours} is a view of the trades' {name}"
    empty = maker.start().run(Trades.empty())
    return len(bars) + 1 + _same(empty, Bars.empty(), "no trades")


def config(maker: BarMaker, trades: Trades) -> int:
    """The component reads back its own parameters, and equals what it reads."""
    assert isinstance(maker, Component), f"{type(maker).__name__} is not a Component"
    again = type(maker).model_validate(maker.model_dump(mode="json"))
    assert again == maker, f"{maker!r} reads back as {again!r}"
    assert type(maker).model_validate_json(maker.model_dump_json()) == maker
    assert hash(again) == hash(maker)
    return 3


CHECKS = {
    "repeats": repeats,
    "cuts": cuts,
    "prefix": prefix,
    "snapshot": snapshot,
    "conservation": conservation,
    "contents": contents,
    "clocks": clocks,
    "inputs": inputs,
    "config": config,
}
