"""The checks that every regime detector passes: a regime is known when it is known."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from itertools import pairwise

import numpy as np

from bateia.core import Bars, DataError
from bateia.regimes import Regime
from bateia.regimes.base import UNDEFINED
from bateia.testing.suite import run_suite

EXAMPLES = 12
"""Cuts of the input that are drawn."""


def generated_regime_bars(rows: int = 1500, seed: int = 0) -> Bars:
    """Bars that trend up, wander, trend down and jump about, some hundred rows each. For tests only."""
    rng = np.random.default_rng(seed)
    drift, spread = np.array([[1e-3, 0.0, -1e-3, 0.0], [5e-4, 5e-4, 5e-4, 3e-3]])
    sort = np.repeat(rng.integers(0, 4, rows // 150 + 1), 150)[:rows]
    close = 100 * np.exp(np.cumsum(drift[sort] + spread[sort] * rng.normal(size=rows)))
    first = np.concatenate([[100.0], close[:-1]])
    high = np.maximum(first, close) * (1 + 1e-4 * rng.random(rows))
    low = np.minimum(first, close) * (1 - 1e-4 * rng.random(rows))
    time = 1_600_000_000_000_000 + np.arange(rows) * 60_000_000
    volume = rng.exponential(10, rows)
    rest = (volume, volume * rng.uniform(-1, 1, rows), volume * close, close, *(np.full(rows, 9.0),) * 3)
    return Bars(time - 59_000_000, time, time, first, high, low, close, *rest)


def check_regime(regime: Regime, bars: Bars, exclude: Mapping[str, str] | None = None) -> list[str]:
    """Run every check of a detector, which learns from the first half of the bars; names of those run.

    AssertionError where the detector breaks the contract; `exclude` maps a check's name to the reason.

    >>> from bateia.regimes import Etapa6
    >>> check_regime(Etapa6(), generated_regime_bars())
    ['inputs', 'values', 'cuts', 'causal', 'snapshot', 'foreign', 'fit', 'config']
    """
    return run_suite(CHECKS, regime, bars, exclude=exclude)


def _learnt(regime: Regime, bars: Bars) -> Regime:
    return regime.fit(bars[: len(bars) // 2])


def _inputs(regime: Regime, bars: Bars) -> int:
    """The bars stay as they are, and no bars give no regimes."""
    kept = {name: column.copy() for name, column in bars.columns().items()}
    fitted = _learnt(regime, bars)
    fitted.run(bars)
    for name, column in bars.columns().items():
        assert np.array_equal(column, kept[name], equal_nan=True), f"{name} is overwritten"
    assert len(fitted.run(bars[:0])) == 0
    return 2


def _values(regime: Regime, bars: Bars) -> int:
    """One int64 a bar, each with a name; undefined is 0, the first bar's regime, and not the only one."""
    fitted = _learnt(regime, bars)
    found = fitted.run(bars)
    assert found.shape == (len(bars),) and found.dtype == np.int64
    assert fitted.names[0] == UNDEFINED and len(set(fitted.names)) == len(fitted.names)
    assert found.min() >= 0 and found.max() < len(fitted.names), "a regime without a name"
    assert found[0] == 0, "a regime is known at the very first bar"
    assert len(np.unique(found[found > 0])) > 1, "only one regime is ever seen in these bars"
    return 5


def _cuts(regime: Regime, bars: Bars) -> int:
    """Any cut of the bars gives the same regimes."""
    fitted, rng = _learnt(regime, bars), np.random.default_rng(0)
    whole = fitted.run(bars)
    for k in range(EXAMPLES):
        count = len(bars) if k == 0 else int(rng.integers(1, 8))
        edges = np.arange(1, count) if k == 0 else np.sort(rng.integers(0, len(bars), count))
        stream, marks = fitted.start(), [0, *edges.tolist(), len(bars)]
        parts = [stream.run(bars[a:b]) for a, b in pairwise(marks)]
        assert np.array_equal(np.concatenate(parts), whole), f"cut at {marks[1:9]}: other regimes"
    return EXAMPLES


def _causal(regime: Regime, bars: Bars) -> int:
    """No regime knows a later bar: another future leaves the past as it was."""
    fitted, rng = _learnt(regime, bars), np.random.default_rng(1)
    whole = fitted.run(bars)
    for _ in range(EXAMPLES):
        k = int(rng.integers(1, len(bars)))
        factor = np.ones(len(bars))
        factor[k:] = np.exp(np.cumsum(rng.normal(0, 5e-3, len(bars) - k)))
        prices = {name: getattr(bars, name) * factor for name in ("open", "high", "low", "close", "vwap")}
        other = replace(bars, **prices)
        assert np.array_equal(fitted.run(other)[:k], whole[:k]), f"a regime before bar {k} knows that bar"
        assert np.array_equal(fitted.run(bars[:k]), whole[:k]), f"a regime needs bars after {k}"
    return 2 * EXAMPLES


def _snapshot(regime: Regime, bars: Bars) -> int:
    """A snapshot resumes to the same regimes and does not follow the stream."""
    fitted, rng = _learnt(regime, bars), np.random.default_rng(2)
    whole = fitted.run(bars)
    for _ in range(EXAMPLES):
        k = int(rng.integers(0, len(bars) + 1))
        stream = fitted.start()
        stream.run(bars[:k])
        saved = stream.snapshot()
        stream.run(bars[k:])
        assert np.array_equal(fitted.restore(saved).run(bars[k:]), whole[k:]), (
            f"resumed at {k}: other regimes"
        )
    return EXAMPLES


def _foreign(regime: Regime, bars: Bars) -> int:
    """A memory that is not this detector's is refused."""
    fitted = _learnt(regime, bars)
    good = fitted.start().snapshot()
    longer = np.zeros(len(good.state) + 1)
    for bad in (replace(good, state=longer), replace(good, features=replace(good.features, plan="other"))):
        try:
            fitted.restore(bad)
        except DataError:
            continue
        raise AssertionError("a foreign memory is taken")
    return 2


def _fit(regime: Regime, bars: Bars) -> int:
    """Fitting is ready for use, repeatable, keeps what is known, and leaves the detector as it was."""
    before = regime.model_dump()
    once, twice = (_learnt(regime, bars) for _ in range(2))
    assert once.ready and once.model_dump() == twice.model_dump(), "two fits of the same bars differ"
    assert regime.model_dump() == before, "fit changed the detector it was called on"
    assert once.fit(bars).model_dump() == once.model_dump(), "a fitted detector learns again"
    return 3


def _config(regime: Regime, bars: Bars) -> int:
    """What it learnt is saved with it, as JSON, to the last bit."""
    fitted = _learnt(regime, bars)
    for each in (regime, fitted):
        again = type(each).model_validate(json.loads(json.dumps(each.model_dump(mode="json"))))
        assert again == each, "reads back another detector"
    assert np.array_equal(again.run(bars), fitted.run(bars))
    return 3


CHECKS = {
    # First: what overwrites its input would pass every check after it.
    "inputs": _inputs,
    "values": _values,
    "cuts": _cuts,
    "causal": _causal,
    "snapshot": _snapshot,
    "foreign": _foreign,
    "fit": _fit,
    "config": _config,
}
