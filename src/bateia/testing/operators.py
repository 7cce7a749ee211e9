"""The checks that every feature passes: the past alone, the same bits for any cut, NaN where it must be."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from bateia.core.events import BOOK_COLUMNS, LEVEL_COLUMNS, LEVELS, Floats
from bateia.features.graph import Warmup
from bateia.features.parser import parse
from bateia.features.plan import AGENT_COLUMNS, AnyStream, Plan
from bateia.features.stream import BATCH_BLOCK
from bateia.testing.suite import run_suite

Data = dict[str, npt.NDArray[Any]]

CLOCKS = ("open_time", "time", "known_at")
PRICES = (
    *("open", "high", "low", "close", "vwap", "bid", "ask"),
    *(name for name in LEVEL_COLUMNS if name.endswith("_p")),
)
AMOUNTS = (
    *("volume", "signed_volume", "value", "trades", "up_ticks", "down_ticks"),
    *(name for name in (*BOOK_COLUMNS, *LEVEL_COLUMNS, *AGENT_COLUMNS) if name not in PRICES),
)
RECOVERY = 300
"""Rows beyond its windows after which a feature must have got over a missing value."""


def generated_market(rows: int = 800, seed: int = 0, pace: float = 1.0) -> Data:
    """Every known column of a random walk: irregular clock, equal times, no flat stretch. For tests only.

    A row takes 0.2 to 4 seconds, times `pace`.
    """
    rng = np.random.default_rng(seed)
    usual = np.where(np.sin(np.arange(rows) / 60) > 0.5, 2e5, 4e6) * pace
    wait = rng.exponential(usual).astype(np.int64) * (rng.random(rows) > 0.05)
    time = 1_600_000_000_000_000 + np.cumsum(wait)
    step = rng.choice([-3, -2, -1, 1, 2, 3], rows)
    close = 1000 + 0.25 * np.cumsum(step).astype(np.float64)
    open_ = close - 0.25 * rng.integers(-3, 4, rows)
    high = np.maximum(open_, close) + 0.25 * rng.integers(0, 4, rows)
    low = np.minimum(open_, close) - 0.25 * rng.integers(1, 4, rows)
    trades = rng.integers(1, 200, rows).astype(np.float64)
    volume = trades * rng.integers(1, 6, rows)
    vwap = low + (high - low) * rng.uniform(0.2, 0.8, rows)
    up_ticks = np.floor(trades * rng.uniform(0, 0.5, rows))
    bars = {
        "open_time": time - wait // 2,
        "time": time,
        "known_at": time + rng.integers(0, 5000, rows),
        "open": open_,
        "high": high,
        "low": low,
        "close": close,
        "volume": volume,
        "signed_volume": np.round(volume * rng.uniform(-1, 1, rows), 1),
        "value": vwap * volume,
        "vwap": vwap,
        "trades": trades,
        "up_ticks": up_ticks,
        "down_ticks": np.floor((trades - up_ticks) * rng.uniform(0, 1, rows)),
    }
    return bars | _generated_book(close, rng)


def _generated_book(close: Floats, rng: np.random.Generator) -> Data:
    rows = len(close)
    best = {
        "bid": close - 0.25 * rng.integers(0, 3, rows),
        "ask": close + 0.25 * rng.integers(1, 4, rows),
        "bid_size": rng.integers(1, 90, rows).astype(np.float64),
        "ask_size": rng.integers(1, 90, rows).astype(np.float64),
        "micro_volatility": rng.uniform(0.1, 2, rows),
        "max_spread": 0.25 * rng.integers(1, 9, rows),
        "mean_obi": rng.uniform(-1, 1, rows),
        "mean_deep_obi": rng.uniform(-1, 1, rows),
        "messages": rng.integers(1, 900, rows).astype(np.float64),
        "buy_concentration": rng.uniform(0, 1, rows),
        "sell_concentration": rng.uniform(0, 1, rows),
    }
    return best | _generated_levels(best, rng)


def _generated_levels(best: Data, rng: np.random.Generator) -> Data:
    levels: Data = {}
    for side, away in (("bid", -0.25), ("ask", 0.25)):
        price, size = best[side], best[f"{side}_size"]
        for level in range(LEVELS):
            levels |= {f"{side}_{level}_p": price, f"{side}_{level}_s": size}
            price = price + away * rng.integers(1, 4, len(price))
            size = rng.integers(1, 90, len(price)).astype(np.float64)
    return levels


@dataclass(frozen=True, eq=False)
class Subject:
    """One expression, compiled over the columns of its data."""

    expression: str
    data: Data

    @cached_property
    def plan(self) -> Plan:
        """The plan of this one feature."""
        return Plan({"feature": self.expression}, tuple(self.data))

    @cached_property
    def clean(self) -> Floats:
        """The feature over all of the data in one block."""
        return self.run(self.data)

    @cached_property
    def rows(self) -> int:
        """How many rows the data have."""
        return min(len(column) for column in self.data.values())

    @property
    def warmup(self) -> Warmup:
        """How long the feature says that it is NaN."""
        return self.plan.warmup["feature"]

    @property
    def reach(self) -> int:
        """All of its duration windows one after another, or its timeframes' warm-up, in microseconds."""
        slots = self.plan.graph.slots
        windows = [int(s.params[0]) for s in slots if s.operator and s.operator.name == "rows_within"]
        return max(sum(windows), self.warmup.micros)

    def run(self, data: Mapping[str, npt.NDArray[Any]]) -> Floats:
        """The feature over some data in one block."""
        return self.plan.run(data)["feature"]

    def cut(self, stream: AnyStream, start: int, stop: int, rng: np.random.Generator) -> Floats:
        """The rows [start, stop) fed to a stream in random blocks; blocks of one by push, by turns."""
        parts, at, columns = [np.empty(0)], start, self.plan.columns
        while at < stop:
            size = min(int(rng.choice([1, 1, 2, 7, 60, 300])), stop - at)
            if size == 1 and rng.random() < 0.9:
                row = np.array([self.data[name][at] for name in columns], np.float64)
                parts.append(stream.push(row).copy())
            else:
                parts.append(stream.run({name: self.data[name][at : at + size] for name in columns})[0])
            at += size
        return np.concatenate(parts)


def check_operator(
    expression: str, data: Mapping[str, npt.NDArray[Any]], exclude: Mapping[str, str] | None = None
) -> list[str]:
    """Run every check of one feature expression over columns of equal length (400 rows or more).

    The data should be clean: no NaN, and no value where the feature itself is undefined. Returns the names
    of the checks run; AssertionError where one fails; `exclude` maps a check's name to the reason.

    >>> check_operator("ema(close, 20)", generated_market())
    ['shape', 'cuts', 'pushes', 'snapshots', 'prefix', 'future', 'warmup', 'inputs', 'degenerate', 'recovery',
     'text']
    """
    subject = Subject(expression, dict(data))
    if subject.rows < 400:
        raise AssertionError(f"{subject.rows} rows are too few to check a feature; allowed: 400 or more")
    return run_suite(CHECKS, subject, exclude=exclude)


def _same(one: Floats, two: Floats, why: str) -> int:
    """Assert the same bits (any NaN equals any other); returns the rows compared."""
    assert one.shape == two.shape, f"{why}: {one.shape} and {two.shape} rows"
    differ = np.flatnonzero((one.view(np.int64) != two.view(np.int64)) & ~(np.isnan(one) & np.isnan(two)))
    assert not len(differ), (
        f"{why}: {len(differ)} of {len(one)} rows differ, first row {differ[0]}: "
        f"{one[differ[0]]!r} and {two[differ[0]]!r}"
    )
    return len(one)


def _finite(values: Floats, why: str) -> int:
    infinite = np.flatnonzero(np.isinf(values))
    assert not len(infinite), f"{why}: infinite in {len(infinite)} rows, first row {infinite[0]}"
    return len(values)


def shape(subject: Subject) -> int:
    """A contiguous float64 for each row, some of them known, none infinite."""
    values = subject.clean
    assert values.shape == (subject.rows,), f"shape {values.shape} for {subject.rows} rows"
    assert values.dtype == np.float64, f"dtype {values.dtype}, not float64"
    assert values.flags.c_contiguous, "the feature is not contiguous"
    assert not np.isnan(values).all(), "every row is NaN: use more rows, or shorter windows"
    return _finite(values, "clean data")


def cuts(subject: Subject) -> int:
    """Any cut of the rows into blocks gives the same bits as one block."""
    compared = 0
    for seed, block in enumerate((1, 2, 16, 256, BATCH_BLOCK)):
        stream = subject.plan.start(block)
        values = subject.cut(stream, 0, subject.rows, np.random.default_rng(seed))
        compared += _same(subject.clean, values, f"one block, and a random cut with buffers of {block} rows")
    return compared


def pushes(subject: Subject) -> int:
    """A live stream, event by event, gives the same bits as a batch."""
    columns = [np.asarray(subject.data[name], np.float64) for name in subject.plan.columns]
    stream = subject.plan.start()
    values = np.array([stream.push(row)[0] for row in np.stack(columns, axis=1)])
    return _same(subject.clean, values, "batch, and events one by one")


def snapshots(subject: Subject) -> int:
    """A stream resumed from a snapshot goes on with the same bits, however the rows before were cut."""
    rng, compared = np.random.default_rng(7), 0
    for row in [0, 1, *rng.integers(2, subject.rows, 5)]:
        one, two = subject.plan.start(), subject.plan.start(BATCH_BLOCK)
        subject.cut(one, 0, int(row), rng)
        subject.cut(two, 0, int(row), rng)
        taken = one.snapshot()
        assert taken == two.snapshot(), f"snapshots at row {row} differ after different cuts"
        resumed = subject.plan.restore(taken)
        assert resumed.snapshot() == taken, f"a snapshot at row {row} is not that of the stream it restores"
        values = subject.cut(resumed, int(row), subject.rows, rng)
        why = f"uninterrupted, and resumed at row {row}"
        compared += _same(subject.clean[row:], values, why) + 2
        after = subject.cut(one, int(row), subject.rows, rng)
        compared += _same(after, values, f"{why}: taking the snapshot changed the stream")
    return compared


def prefix(subject: Subject) -> int:
    """Fewer rows give the same values for the rows there are."""
    compared = 0
    for k in [1, 2, *np.linspace(3, subject.rows - 1, 10).astype(int)]:
        short = subject.run({name: column[:k] for name, column in subject.data.items()})
        compared += _same(subject.clean[:k], short, f"all rows, and only the first {k}")
    return compared


def _with_other_future(data: Data, after: int, seed: int) -> Data:
    """The same rows up to `after`; later ones are other, at other times."""
    rng, changed = np.random.default_rng(seed), {}
    late = np.cumsum(rng.integers(1, 10**7, len(next(iter(data.values()))) - after - 1))
    for name, column in data.items():
        changed[name] = column.copy()
        later = column[after + 1 :]
        if name in CLOCKS:
            changed[name][after + 1 :] = later + late
        else:
            changed[name][after + 1 :] = rng.permutation(later) * rng.uniform(0.5, 20, len(later))
    return changed


def future(subject: Subject) -> int:
    """Rows up to a moment do not move when everything after it changes."""
    compared = 0
    for seed, row in enumerate(np.linspace(0, subject.rows - 2, 12).astype(int)):
        other = subject.run(_with_other_future(subject.data, int(row), seed))
        why = f"rows after {row} were changed and an earlier one moved"
        compared += _same(subject.clean[: row + 1], other[: row + 1], why)
    return compared


def warmup(subject: Subject) -> int:
    """NaN for exactly the rows it says; with duration windows at least until they have passed."""
    warm, known = subject.warmup, ~np.isnan(subject.clean)
    assert warm.rows < subject.rows, f"a warm-up of {warm.rows} rows needs more data than {subject.rows}"
    early = np.flatnonzero(known[: warm.rows])
    assert not len(early), f"row {early[:1]} is known within the warm-up of {warm.rows} rows"
    if not warm.micros:
        missing = np.flatnonzero(~known[warm.rows :]) + warm.rows
        assert not len(missing), f"row {missing[:1]} is NaN after the warm-up of {warm.rows} rows"
        return subject.rows
    time = subject.data["time"]
    young = time - time[0] < warm.micros
    assert not np.any(known & young), "a row is known before its duration window has passed"
    assert np.any(known & ~young), "no row is known after its duration window has passed"
    return int(young.sum()) + 1


def inputs(subject: Subject) -> int:
    """The columns are left as they were, are not shared with the output, and give the same bits again."""
    before = {name: column.copy() for name, column in subject.data.items()}
    values = subject.run(subject.data)
    for name, column in subject.data.items():
        assert np.array_equal(column, before[name], equal_nan=True), (
            f"the feature changed the column {name!r}"
        )
        assert not np.shares_memory(column, values), f"the feature is a view of the column {name!r}"
    return _same(subject.clean, values, "run twice over the same data") + 2 * len(before)


def _degenerate(data: Data) -> dict[str, Data]:
    """What markets and their feeds can do, by name."""

    def with_(names: tuple[str, ...], change: Any) -> Data:
        return {name: change(column) if name in names else column for name, column in data.items()}

    def outlier(column: npt.NDArray[Any]) -> npt.NDArray[Any]:
        column = column.copy()
        column[len(column) // 3] *= 1e12
        return column

    return {
        "a constant price": with_(PRICES, lambda column: np.full(len(column), 1000.25)),
        "zero volume": with_(AMOUNTS, np.zeros_like),
        "one row": {name: column[:1] for name, column in data.items()},
        "no row": {name: column[:0] for name, column in data.items()},
        "prices of 1e12": with_(PRICES, lambda column: column * 1e12),
        "prices of 1e-12": with_(PRICES, lambda column: column * 1e-12),
        "an outlier": with_((*PRICES, *AMOUNTS), outlier),
        "one time for all": with_(CLOCKS, lambda column: np.full_like(column, column[0])),
        "infinite prices": with_(PRICES, lambda column: np.where(np.arange(len(column)) % 9, column, np.inf)),
        "a missing row now and then": with_(
            (*PRICES, *AMOUNTS), lambda column: np.where(np.arange(len(column)) % 97 > 1, column, np.nan)
        ),
        "nothing known": with_((*PRICES, *AMOUNTS), lambda column: np.full(len(column), np.nan)),
    }


def degenerate(subject: Subject) -> int:
    """Whatever comes in, nothing infinite goes out, and any cut still gives the same bits."""
    compared = 0
    for why, data in _degenerate(subject.data).items():
        other = Subject(subject.expression, data)
        assert other.clean.shape == (other.rows,), f"{why}: shape {other.clean.shape}"
        compared += _finite(other.clean, why) + 1
        values = other.cut(other.plan.start(), 0, other.rows, np.random.default_rng(1))
        compared += _same(other.clean, values, f"{why}: one block, and a random cut")
    return compared


def recovery(subject: Subject) -> int:
    """A missing or infinite value is forgotten after the windows have passed, if not sooner."""
    compared, names = 0, [name for name in subject.data if name not in CLOCKS]
    # The bad row comes early: what follows must hold the windows, the rows of grace, and some to judge.
    for broken in (np.nan, np.inf):
        for at in (0, 11):
            data = {name: column.copy() for name, column in subject.data.items()}
            for name in names:
                data[name] = data[name].astype(np.float64)
                data[name][at] = broken
            values = subject.run(data)
            compared += _finite(values, f"{broken} in row {at}")
            judged = np.arange(subject.rows) > at + 2 * subject.warmup.rows + RECOVERY
            if subject.reach:
                time = subject.data["time"]
                judged &= time - time[at] > 2 * subject.reach
            judged &= ~np.isnan(subject.clean)
            assert judged.any(), "no row is left to judge: use more rows, or shorter windows"
            lost = np.flatnonzero(np.isnan(values) & judged)
            assert not len(lost), f"{broken} in row {at} still shows in {len(lost)} rows, first row {lost[0]}"
            compared += int(judged.sum())
    return compared


def text(subject: Subject) -> int:
    """Its text reads back as the same expression, which gives the same bits."""
    parsed = parse(subject.expression)
    assert parse(str(parsed)) == parsed, f"{subject.expression!r} reads back as {str(parsed)!r}"
    again = Subject(str(parsed), subject.data)
    return 1 + _same(subject.clean, again.clean, "as written, and as printed")


CHECKS = {
    "shape": shape,
    "cuts": cuts,
    "pushes": pushes,
    "snapshots": snapshots,
    "prefix": prefix,
    "future": future,
    "warmup": warmup,
    "inputs": inputs,
    "degenerate": degenerate,
    "recovery": recovery,
    "text": text,
}
