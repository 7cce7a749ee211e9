"""The checks that every source passes: the same rows in blocks of any size, in order, with two clocks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from string import hexdigits
from typing import Protocol

import numpy as np

from bateia.core import Bars, Component, ConfigError, Trades
from bateia.core.clock import YEAR
from bateia.testing.suite import run_suite

LATEST = int(200 * YEAR)
"""No event is from after 2170, and none from 1970: clocks are microseconds."""


class Source(Protocol):
    """What every source has: the rows as a whole, in blocks, and a hash of what they come from."""

    def read(self) -> Trades | Bars:
        """All rows."""

    def blocks(self, rows: int = ...) -> Iterator[Trades] | Iterator[Bars]:
        """The rows in blocks of `rows`, the last one shorter."""

    def hash(self) -> str:
        """Hash of the bytes and of how they are read, hex."""


def check_source(source: Source, exclude: Mapping[str, str] | None = None) -> list[str]:
    """Run every check of a source of 10 rows or more; returns the names of the checks run.

    The source is read some ten times. AssertionError where it breaks the contract; `exclude` maps a check's
    name to the reason.

    >>> from bateia.sources import SampleSource
    >>> check_source(SampleSource(name="es-trades-2013-09"))
    ['types', 'order', 'clocks', 'cuts', 'repeats', 'config']
    """
    rows = len(source.read())
    if rows < 10:
        raise AssertionError(f"{rows} rows are too few to check a source; allowed: 10 or more")
    return run_suite(CHECKS, source, exclude=exclude)


def types(source: Source) -> int:
    """Trades or candles, each column of its type, one after the other in memory and free to change."""
    for block in (source.read(), *source.blocks(max(1, len(source.read()) // 3))):
        assert isinstance(block, Trades | Bars), f"{type(block).__name__} is neither Trades nor Bars"
        for name, column in type(block).empty().columns().items():
            found = block.columns()[name]
            assert found.dtype == column.dtype, f"{name} is {found.dtype}, not {column.dtype}"
            assert found.ndim == 1, f"{name} has {found.ndim} dimensions"
            assert found.flags.c_contiguous, f"{name} is not contiguous"
            assert found.flags.writeable, f"{name} is read-only: a kernel would compile once more for it"
    return 1


def order(source: Source) -> int:
    """Oldest first: no trade before the one before it, each candle after it."""
    events = source.read()
    least = 1 if isinstance(events, Bars) else 0
    steps = np.diff(events.time)
    early = np.flatnonzero(steps < least)
    assert not len(early), f"row {early[0] + 1} is not after row {early[0]}"
    if isinstance(events, Trades):
        strange = np.flatnonzero(np.abs(events.side.astype(np.int64)) > 1)
        assert not len(strange), f"side of row {strange[0]} is {events.side[strange[0]]}, not -1, 0 or 1"
    return len(steps)


def clocks(source: Source) -> int:
    """Microseconds, and nothing is known before it has happened; a candle has opened before it is whole."""
    events = source.read()
    pairs = [("known_at", "time")] + ([("time", "open_time")] if isinstance(events, Bars) else [])
    for later, earlier in pairs:
        a, b = getattr(events, later), getattr(events, earlier)
        guilty = np.flatnonzero(a < b if earlier == "time" else a <= b)
        assert not len(guilty), f"{later} of row {guilty[0]} is before {earlier}"
        assert b.min() > YEAR, f"{earlier} begins at {b.min()}: microseconds since 1970?"
        assert a.max() < LATEST, f"{later} ends at {a.max()}: microseconds since 1970?"
    return len(events)


def cuts(source: Source) -> int:
    """Blocks of any size hold the same rows, each as many as asked but for the last."""
    whole = source.read()
    n = len(whole)
    for rows in (n + 1, n, n - 1, n // 2, n // 7 + 1, n // 60 + 1):
        blocks = list(source.blocks(rows))
        sizes = [len(block) for block in blocks]
        expected = [rows] * (n // rows) + ([n % rows] if n % rows else [])
        assert sizes == expected, f"blocks of {rows} rows have {sizes}, not {expected}"
        for name, column in whole.columns().items():
            joined = np.concatenate([block.columns()[name] for block in blocks])
            same = np.array_equal(joined, column, equal_nan=column.dtype.kind == "f")
            assert same, f"{name} is another in blocks of {rows} rows"
    refused = False
    try:
        list(source.blocks(0))
    except ConfigError:
        refused = True
    assert refused, "blocks of 0 rows are not refused with a ConfigError"
    return n


def repeats(source: Source) -> int:
    """The same rows and hash again, whatever was done with the first ones."""
    first, digest = source.read(), source.hash()
    kept = {name: column.copy() for name, column in first.columns().items()}
    for block in (first, next(iter(source.blocks(5)))):
        for column in block.columns().values():
            column[:] = 0
    for name, column in source.read().columns().items():
        same = np.array_equal(column, kept[name], equal_nan=column.dtype.kind == "f")
        assert same, f"{name} is another the second time"
    assert source.hash() == digest, "the hash is another the second time"
    assert len(digest) >= 32, f"{digest!r} is no hash in hex"
    assert set(digest) <= set(hexdigits), f"{digest!r} is no hash in hex"
    return len(first)


def config(source: Source) -> int:
    """The source reads back its own parameters, equals what it reads, and so do the hashes."""
    assert isinstance(source, Component), f"{type(source).__name__} is not a Component"
    again = type(source).model_validate(source.model_dump(mode="json"))
    assert again == source, f"{source!r} reads back as {again!r}"
    assert type(source).model_validate_json(source.model_dump_json()) == source
    assert again.hash() == source.hash(), "equal sources have unequal hashes"
    return 3


CHECKS = {
    "types": types,
    "order": order,
    "clocks": clocks,
    "cuts": cuts,
    "repeats": repeats,
    "config": config,
}
