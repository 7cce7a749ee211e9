"""The checks that every label passes: its answers, its weights, and above all its spans."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from bateia.core import Bars, Component
from bateia.core.events import Floats
from bateia.labels import Label, Labels
from bateia.testing.suite import run_suite

Same = tuple[str, npt.NDArray[Any], npt.NDArray[Any]]


def generated_bars(rows: int = 600, seed: int = 0, tick: float = 0.25) -> Bars:
    """A random walk of `rows` bars: irregular clock, equal times, still stretches. For tests only."""
    rng = np.random.default_rng(seed)
    wait = rng.exponential(2e6, rows).astype(np.int64) * (rng.random(rows) > 0.05)
    time = 1_600_000_000_000_000 + np.cumsum(wait)
    quiet = np.sin(np.arange(rows) / 40) > -0.8
    close: Floats = 1000 + tick * np.cumsum(rng.integers(-4, 5, rows) * quiet).astype(np.float64)
    open_ = close + tick * rng.integers(-2, 3, rows)
    high = np.maximum(open_, close) + tick * rng.integers(0, 4, rows)
    low = np.minimum(open_, close) - tick * rng.integers(0, 4, rows)
    count = rng.integers(1, 50, rows).astype(np.float64)
    vwap = (high + low + close) / 3
    return Bars(
        open_time=time - wait // 2,
        time=time,
        known_at=time + 1000,
        open=open_,
        high=high,
        low=low,
        close=close,
        volume=count * 2,
        signed_volume=count * rng.uniform(-2, 2, rows),
        value=vwap * count * 2,
        vwap=vwap,
        trades=count,
        up_ticks=np.floor(count / 3),
        down_ticks=np.floor(count / 4),
    )


def check_label(label: Label, bars: Bars, exclude: Mapping[str, str] | None = None) -> list[str]:
    """Run every check of a label on `bars` (100 rows or more, some of them answered); names of those run.

    AssertionError where the label breaks the contract; `exclude` maps a check's name to the reason.

    >>> from bateia.labels import FixedHorizon
    >>> check_label(FixedHorizon(horizon="10s"), generated_bars())
    ['shapes', 'spans', 'values', 'weights', 'future', 'prefix', 'invariance', 'inputs', 'config']
    """
    if len(bars) < 100:
        raise AssertionError(f"{len(bars)} bars are too few to check a label; allowed: 100 or more")
    return run_suite(CHECKS, label, bars, exclude=exclude)


def _columns(labels: Labels) -> dict[str, npt.NDArray[Any]]:
    return {"value": labels.value, "weight": labels.weight, "ret": labels.ret, "t1": labels.span.t1}


def _pairs(one: Labels, two: Labels, rows: npt.NDArray[np.bool_]) -> Iterator[Same]:
    other = _columns(two)
    for name, column in _columns(one).items():
        yield name, column[rows], other[name][rows]


def _assert_same(pairs: Iterator[Same], why: str) -> int:
    compared = 0
    for name, one, two in pairs:
        differ = np.flatnonzero(~((one == two) | (np.isnan(one) & np.isnan(two))))
        assert not len(differ), f"{why}: {name} differs in {len(differ)} rows of {len(one)}"
        compared += len(one)
    return compared


def shapes(label: Label, bars: Bars) -> int:
    """One float64 (spans: int64) for each bar."""
    labels = label.make(bars)
    for name, column in {**_columns(labels), "t0": labels.span.t0}.items():
        kind = np.int64 if name in {"t0", "t1"} else np.float64
        assert column.shape == (len(bars),), f"{name} has shape {column.shape} for {len(bars)} bars"
        assert column.dtype == kind, f"{name} is {column.dtype}, not {kind.__name__}"
    assert np.array_equal(labels.valid, ~np.isnan(labels.value)), "valid is not where value is a number"
    return len(bars)


def spans(label: Label, bars: Bars) -> int:
    """Asked at the bar's time, answered then or later, and never after the data's end."""
    labels = label.make(bars)
    t0, t1, last = labels.span.t0, labels.span.t1, bars.time[-1]
    assert np.array_equal(t0, bars.time), "t0 is not the bars' time"
    assert np.all(t1 >= t0), "an answer is known before its question"
    assert np.all(t1 <= last), "an answer is known after the data end"
    assert np.all(t1[~labels.valid] == last), "a row without an answer must have t1 at the last bar"
    return len(bars)


def values(label: Label, bars: Bars) -> int:
    """Classes are -1, 0, +1, returns are `ret`, and NaN stands in both or in neither."""
    labels = label.make(bars)
    valid = labels.valid
    assert valid.any(), "no row is answered: use more bars, or a shorter horizon"
    assert np.array_equal(valid, ~np.isnan(labels.ret)), "value and ret are not NaN in the same rows"
    if label.task == "class":
        assert np.isin(labels.value[valid], (-1.0, 0.0, 1.0)).all(), "a class is none of -1, 0, +1"
    else:
        assert np.array_equal(labels.value[valid], labels.ret[valid]), "a return target is not ret"
    return int(valid.sum())


def weights(label: Label, bars: Bars) -> int:
    """In (0, 1] where there is an answer, 0 elsewhere."""
    labels = label.make(bars)
    weight = labels.weight[labels.valid]
    assert np.all((weight > 0) & (weight <= 1)), "a weight is not in (0, 1]"
    assert np.all(labels.weight[~labels.valid] == 0), "a row without an answer has a weight"
    return len(weight)


def _with_other_future(bars: Bars, after: int, seed: int) -> Bars:
    """The same bars up to the moment `after`; later ones have other prices, volumes and times."""
    rng = np.random.default_rng(seed)
    later = bars.time > after
    wild = np.where(later, np.exp(np.cumsum(later * rng.normal(0, 0.01, len(bars)))), 1.0)
    delay = np.where(later, rng.integers(0, 10**9), 0)
    columns: dict[str, Any] = {}
    for name, column in bars.columns().items():
        columns[name] = column + delay if column.dtype == np.int64 else column * wild
    return Bars(**columns)


def future(label: Label, bars: Bars) -> int:
    """No answer changes when the bars after its t1 do."""
    labels, compared = label.make(bars), 0
    for seed, row in enumerate(np.linspace(0, len(bars) - 2, 25).astype(int)):
        after = int(labels.span.t1[row])
        known = labels.valid & (labels.span.t1 <= after)
        other = label.make(_with_other_future(bars, after, seed))
        why = f"bars after t1 = {after} were changed and answers known by then moved"
        compared += _assert_same(_pairs(labels, other, known), why)
    return compared


def prefix(label: Label, bars: Bars) -> int:
    """With fewer bars, rows answered by then are the same, rows answered later are NaN."""
    labels, compared = label.make(bars), 0
    for k in np.linspace(2, len(bars) - 1, 25).astype(int):
        short, last, t1 = label.make(bars[:k]), bars.time[k - 1], labels.span.t1[:k]
        # An answer at the very time of the last bar may await another bar of the same time.
        known, unknown = labels.valid[:k] & (t1 < last), t1 > last
        why = f"with {k} of {len(bars)} bars, an answer known by then is another or missing"
        compared += _assert_same(_pairs(short, labels[:k], known), why)
        early = int(np.sum(short.valid & unknown))
        assert early == 0, f"with {k} of {len(bars)} bars, {early} rows are answered before their t1"
        assert not np.any(short.valid & ~labels.valid[:k]), "more bars took an answer away"
        compared += int(unknown.sum())
    return compared


def invariance(label: Label, bars: Bars) -> int:
    """Twice the price and another epoch ask the same question."""
    shift, labels = 86_400_000_000, label.make(bars)
    clocks, prices = {"open_time", "time", "known_at"}, {"open", "high", "low", "close", "value", "vwap"}
    columns: dict[str, Any] = {}
    for name, column in bars.columns().items():
        columns[name] = column + shift if name in clocks else column * (2.0 if name in prices else 1.0)
    other = label.make(Bars(**columns))
    assert np.array_equal(other.span.t1, labels.span.t1 + shift), "t1 does not move with the clock"
    back = Labels(other.value, other.weight, other.ret, labels.span)
    everywhere = np.ones(len(bars), np.bool_)
    return _assert_same(_pairs(labels, back, everywhere), "twice the price, a day later")


def inputs(label: Label, bars: Bars) -> int:
    """The bars are left as they were, share no memory with the labels, and give the same labels again."""
    before = {name: column.copy() for name, column in bars.columns().items()}
    labels = label.make(bars)
    for name, column in bars.columns().items():
        assert np.array_equal(column, before[name]), f"the label changed the bars' {name}"
        for output in (*_columns(labels).values(), labels.span.t0):
            assert not np.shares_memory(column, output), f"an output is a view of the bars' {name}"
    everywhere = np.ones(len(bars), np.bool_)
    return _assert_same(_pairs(labels, label.make(bars), everywhere), "made twice from the same bars")


def config(label: Label, bars: Bars) -> int:
    """The label reads back its own parameters, and equals what it reads."""
    assert isinstance(label, Component), f"{type(label).__name__} is not a Component"
    again = type(label).model_validate(label.model_dump(mode="json"))
    assert again == label, f"{label!r} reads back as {again!r}"
    assert type(label).model_validate_json(label.model_dump_json()) == label
    assert hash(again) == hash(label)
    return 3


CHECKS = {
    "shapes": shapes,
    "spans": spans,
    "values": values,
    "weights": weights,
    "future": future,
    "prefix": prefix,
    "invariance": invariance,
    "inputs": inputs,
    "config": config,
}
