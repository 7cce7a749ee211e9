"""The one purge: no training row may know anything that a test row is asked."""

from __future__ import annotations

import numpy as np

from bateia.core import Spans, SplitError, format_duration
from bateia.core.events import Bools, Ints


def purge(train: Ints, test: Ints, spans: Spans, embargo: int = 0, gap: int = 0) -> Ints:
    """The rows of `train` that share no moment with the span of any row of `test`, in their order.

    Dropped are training rows whose span [t0, t1] meets a test span (a shared end point counts), rows that
    start within `embargo` microseconds after a test span ends, and rows whose answer comes within `gap`
    microseconds before a test span starts. `train` and `test` are row numbers in any order; the test rows
    need not be neighbours. O((n + m) log m).

    Source: Lopez de Prado, "Advances in Financial Machine Learning" (2018), section 7.4.

    >>> t0 = np.arange(8) * 10
    >>> spans = Spans(t0, t0 + 15)
    >>> purge(np.array([0, 1, 2, 5, 6, 7]), np.array([3, 4]), spans).tolist()
    [0, 1, 6, 7]
    >>> purge(np.array([0, 1, 2, 5, 6, 7]), np.array([3, 4]), spans, embargo=5).tolist()
    [0, 1, 7]
    """
    return train[~meets(train, test, spans, embargo, gap)]


def meets(train: Ints, test: Ints, spans: Spans, embargo: int = 0, gap: int = 0) -> Bools:
    """Which rows of `train` the purge drops: shape (train,)."""
    if len(test) == 0 or len(train) == 0:
        return np.zeros(len(train), np.bool_)
    starts, ends = _disjoint(spans[test])
    # The last interval that starts in time is the one that reaches furthest: they are disjoint.
    at = np.searchsorted(starts - gap, spans.t1[train], side="right") - 1
    found: Bools = (at >= 0) & (ends[at] + embargo >= spans.t0[train])
    return found


def _disjoint(spans: Spans) -> tuple[Ints, Ints]:
    """The union of spans as disjoint intervals [start, end], sorted."""
    if np.any(spans.t0[1:] < spans.t0[:-1]):
        spans = spans[np.argsort(spans.t0, kind="stable")]
    t0, reach = spans.t0, np.maximum.accumulate(spans.t1)
    new = np.concatenate([[True], t0[1:] > reach[:-1]])
    last = np.concatenate([new[1:], [True]])
    return t0[new], reach[last]


def quiet_time(embargo: int | None, rows: Ints, spans: Spans) -> int:
    """An embargo in microseconds: as given, or for None the median label span of `rows`.

    >>> quiet_time(None, np.array([0, 1, 2]), Spans(np.array([0, 5, 9]), np.array([3, 9, 99])))
    4
    """
    if embargo is not None or len(rows) == 0:
        return embargo or 0
    return int(np.median(spans.t1[rows] - spans.t0[rows]))


def inner_tail(train: Ints, spans: Spans, fraction: float, embargo: int | None = None) -> tuple[Ints, Ints]:
    """Sorted training rows parted into (fit, valid): the last `fraction` in time, and the rest purged of it.

    `embargo` (microseconds, None for the median label span) is kept between the last answer of `fit` and
    the first row of `valid`. SplitError where either part would be empty.

    >>> t0 = np.arange(10) * 10
    >>> fit, valid = inner_tail(np.arange(10), Spans(t0, t0 + 15), 0.3, embargo=1)
    >>> fit.tolist(), valid.tolist()
    ([0, 1, 2, 3, 4, 5], [7, 8, 9])
    """
    if not 0.0 < fraction < 1.0:
        raise SplitError(f"validation fraction {fraction:g}", allowed="0 < fraction < 1", hint="0.15")
    cut = len(train) - round(fraction * len(train))
    quiet = quiet_time(embargo, train, spans)
    fit, valid = train[:cut], train[cut:]
    kept = purge(fit, valid, spans, quiet, quiet)
    if len(kept) == 0 or len(valid) == 0:
        raise SplitError(
            f"{len(train)} training rows with validation fraction {fraction:g} give {len(valid)} rows "
            f"to validate and {len(kept)} to fit, {len(fit) - len(kept)} purged "
            f"({describe(train, spans, quiet)})",
            allowed="at least one row of each",
            hint="more bars, a shorter label horizon, a shorter embargo or another fraction",
        )
    return kept, valid


def describe(rows: Ints, spans: Spans, quiet: int) -> str:
    """Label spans and embargo of `rows`, for messages."""
    if len(rows) == 0:
        return "no rows"
    lengths = spans.t1[rows] - spans.t0[rows]
    median, longest = format_duration(int(np.median(lengths))), format_duration(int(lengths.max()))
    return f"label spans: median {median}, longest {longest}; embargo {format_duration(quiet)}"
