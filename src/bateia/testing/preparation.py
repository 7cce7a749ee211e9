"""The checks that every step before a model passes: it learns from its rows alone, and changes row by row."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from typing import Any, Protocol, Self

import numpy as np

from bateia.core import Component, DataError, Spans
from bateia.core.events import Floats
from bateia.models import AnyModel, Dataset, Logistic, Task
from bateia.testing.suite import run_suite


class Fitted(Protocol):
    """A fitted step, or a fitted chain of them."""

    @property
    def names_in(self) -> Sequence[str]:
        """The features it takes."""

    @property
    def names_out(self) -> Sequence[str]:
        """The features it gives."""

    def transform(self, X: Floats) -> Floats:
        """New features."""

    def dump(self) -> dict[str, Any]:
        """It as plain JSON."""

    @classmethod
    def parse(cls, spec: Mapping[str, Any]) -> Self:
        """It again."""


class Preparing(Protocol):
    """A step, or a chain of them."""

    def fit(self, data: Dataset, span: Spans, model: AnyModel | None = None) -> Fitted:
        """Learn from training rows."""


SORTS: dict[str, Callable[[np.random.Generator, int], Floats]] = {
    "normal": lambda rng, n: rng.normal(size=n),
    "heavy": lambda rng, n: rng.standard_cauchy(n),
    "constant": lambda rng, n: np.full(n, 0.1),
    "zero": lambda rng, n: np.zeros(n),
    "sparse": lambda rng, n: np.where(rng.random(n) < 0.9, 0.0, rng.normal(size=n)),
    "binary": lambda rng, n: (rng.random(n) < 0.3).astype(np.float64),
    "counts": lambda rng, n: rng.poisson(2.0, n).astype(np.float64),
    "huge": lambda rng, n: 1e20 * rng.normal(size=n),
    "tiny": lambda rng, n: 1e-20 * rng.normal(size=n),
    "far": lambda rng, n: 1e6 + rng.normal(size=n),
    "gaps": lambda rng, n: np.where(rng.random(n) < 0.2, np.nan, rng.normal(size=n)),
    "unknown": lambda rng, n: np.full(n, np.nan),
    "late": lambda rng, n: np.where(np.arange(n) < 0.8 * n, np.nan, rng.normal(size=n)),
}
"""Columns that a step must bear; the last three have missing values."""


def generated_columns(sorts: Sequence[str], rows: int = 90, seed: int = 0, task: Task = "class") -> Dataset:
    """A column of each sort in `SORTS`; the first has some say in the answer. For tests only."""
    rng = np.random.default_rng(seed)
    X = np.column_stack([SORTS[sort](rng, rows) for sort in sorts])
    drive = np.nan_to_num(np.tanh(X[:, 0])) + rng.normal(size=rows)
    y = np.sign(np.round(drive)) if task == "class" else drive * 1e-3
    names = [f"{sort}_{column}" for column, sort in enumerate(sorts)]
    return Dataset(X, y, rng.uniform(0.1, 1.0, rows), names, task)


def generated_spans(rows: int) -> Spans:
    """A question a second, each answered five seconds later. For tests only."""
    t0 = np.arange(rows) * 1_000_000
    return Spans(t0, t0 + 5_000_000)


def check_preparation(step: Preparing, data: Dataset, exclude: Mapping[str, str] | None = None) -> list[str]:
    """Run every check of a step, or of a chain, on `data`; returns the names of those run.

    A few hundred rows, with missing values where the step takes them. It is fitted on the first two
    thirds, their answers known five rows later, and has a `Logistic` to ask. AssertionError where the step
    breaks the contract; `exclude` maps a check's name to the reason.

    >>> from bateia.preparation import Standard
    >>> from bateia.testing.models import generated_dataset
    >>> check_preparation(Standard(), generated_dataset())
    ['shapes', 'training', 'rows', 'repeats', 'saved', 'inputs', 'missing', 'width', 'config']
    """
    if len(data) < 30:
        raise AssertionError(f"{len(data)} rows; allowed: 30 or more, to check a step on them")
    return run_suite(CHECKS, step, data, exclude=exclude)


def _train(data: Dataset) -> Dataset:
    """The first two thirds: views of the arrays, not copies."""
    part = slice(0, 2 * len(data) // 3)
    return Dataset(data.X[part], data.y[part], data.weight[part], data.names, data.task)


def _copy(data: Dataset) -> Dataset:
    return Dataset(data.X.copy(), data.y.copy(), data.weight.copy(), data.names, data.task)


def _fit(step: Preparing, train: Dataset) -> Fitted:
    return step.fit(train, generated_spans(len(train)), Logistic(iterations=30))


def _same(got: Floats, expected: Floats, why: str) -> int:
    assert got.shape == expected.shape, f"{why}: shape {got.shape}, not {expected.shape}"
    # By bits, so -0 is not 0; but a NaN is as good as another.
    equal = (got.view(np.int64) == expected.view(np.int64)) | (np.isnan(got) & np.isnan(expected))
    assert equal.all(), f"{why}: other values"
    return max(got.size, 1)


def _shapes(step: Preparing, data: Dataset) -> int:
    """One column a name, float64, finite or NaN, for no rows and for wild ones too."""
    fitted = _fit(step, _train(data))
    assert tuple(fitted.names_in) == tuple(data.names), "names_in are not the names of the data"
    assert len(set(fitted.names_out)) == len(fitted.names_out) > 0, "names_out are none, or not unique"
    wild = np.ones((4, len(data.names))) * np.array([[3e38], [-3e38], [1e-300], [0.0]])
    for X in (data.X, data.X[:1], data.X[:0], wild):
        out = fitted.transform(X)
        assert out.shape == (len(X), len(fitted.names_out)), f"shape {out.shape} for {len(X)} rows"
        assert out.dtype == np.float64 and out.flags.c_contiguous
        # Models compute in float32.
        assert not (np.abs(out) > np.finfo(np.float32).max).any(), "an output is infinite in float32"
    return 4


def _training(step: Preparing, data: Dataset) -> int:
    """It knows its training rows alone, as they were: neither others nor later changes move it."""
    fitted = _fit(step, _train(data))
    expected, other = fitted.transform(data.X), _copy(data)
    cut = len(_train(data))
    other.X[cut:], other.y[cut:], other.weight[cut:] = 1e6, 0.0, 9.0
    again = _fit(step, _train(other))
    compared = _same(again.transform(data.X), expected, "rows outside training were changed")
    other.X[:], other.y[:], other.weight[:] = -7.0, 1.0, 1.0
    return compared + _same(again.transform(data.X), expected, "training rows were changed after the fit")


def _rows(step: Preparing, data: Dataset) -> int:
    """A row's output depends on that row alone, to the last bit: any cut, any order."""
    fitted, rng, n = _fit(step, _train(data)), np.random.default_rng(0), len(data)
    whole = fitted.transform(data.X)
    order = rng.permutation(n)
    compared = _same(fitted.transform(data.X[order]), whole[order], "rows in another order")
    compared += _same(fitted.transform(np.asfortranarray(data.X)), whole, "column by column in memory")
    for cuts in ([*range(n)], *(np.sort(rng.integers(0, n + 1, 9)).tolist() for _ in range(10))):
        parts = [fitted.transform(data.X[a:b]) for a, b in pairwise([0, *cuts, n])]
        compared += _same(np.vstack(parts), whole, "in blocks")
    return compared


def _repeats(step: Preparing, data: Dataset) -> int:
    """Fitting twice gives the same."""
    once, twice = _fit(step, _train(data)), _fit(step, _train(data))
    assert tuple(once.names_out) == tuple(twice.names_out), "two fits give other names"
    return _same(once.transform(data.X), twice.transform(data.X), "two fits of the same rows")


def _saved(step: Preparing, data: Dataset) -> int:
    """Written as strict JSON and read back it gives the same bits."""
    fitted = _fit(step, _train(data))
    again = type(fitted).parse(json.loads(json.dumps(fitted.dump(), allow_nan=False)))
    assert again.dump() == fitted.dump(), "what was read back is another step"
    assert tuple(again.names_in) == tuple(fitted.names_in)
    assert tuple(again.names_out) == tuple(fitted.names_out)
    return _same(again.transform(data.X), fitted.transform(data.X), "saved and read back")


def _inputs(step: Preparing, data: Dataset) -> int:
    """Neither fitting nor applying changes its input."""
    given = _copy(data)
    _fit(step, _train(given)).transform(given.X)
    compared = 0
    for name in ("X", "y", "weight"):
        compared += _same(getattr(given, name), getattr(data, name), f"{name} was changed")
    return compared


def _missing(step: Preparing, data: Dataset) -> int:
    """No row is unknown without cause, and an unknown value is filled everywhere or nowhere."""
    fitted = _fit(step, _train(data))
    X = np.vstack([data.X, np.where(np.eye(len(data.names), dtype=np.bool_), np.nan, data.X[:1])])
    known, out = ~np.isnan(X), fitted.transform(X)
    assert not np.isnan(out[known.all(axis=1)]).any(), "a complete row comes out with unknown values"
    if not np.isnan(out).any():
        return len(X)
    place = {name: column for column, name in enumerate(data.names)}
    for column, name in enumerate(fitted.names_out):
        if name in place:
            kept = np.array_equal(np.isnan(out[:, column]), ~known[:, place[name]])
            assert kept, f"some unknown values of {name!r} are filled, others not"
    return len(X)


def _width(step: Preparing, data: Dataset) -> int:
    """Another number of features is refused with a DataError."""
    fitted = _fit(step, _train(data))
    for X in (data.X[:, :-1], np.hstack([data.X, data.X])):
        try:
            fitted.transform(X)
        except DataError:
            continue
        raise AssertionError(f"{X.shape[1]} features were taken for {len(data.names)}")
    return 2


def _config(step: Preparing, data: Dataset) -> int:
    """Its parameters go to JSON and back, and are frozen."""
    assert isinstance(step, Component), f"{type(step).__name__} is not a Component"
    assert type(step).model_validate(step.model_dump(mode="json")) == step
    assert hash(step) == hash(type(step).model_validate_json(step.model_dump_json()))
    return 3


CHECKS = {
    "shapes": _shapes,
    "training": _training,
    "rows": _rows,
    "repeats": _repeats,
    "saved": _saved,
    "inputs": _inputs,
    "missing": _missing,
    "width": _width,
    "config": _config,
}
