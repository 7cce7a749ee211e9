"""Blocks cut anew: sources read in pieces that suit them, and give blocks of as many rows as asked."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import TypeVar

import numpy as np

from bateia.core import Bars, Block, ConfigError, Trades

BLOCK = 1_000_000
B = TypeVar("B", bound=Block)
E = TypeVar("E", bound=Trades | Bars)


def recut(blocks: Iterable[B], rows: int) -> Iterator[B]:
    """The same rows in blocks of `rows`, the last one shorter; ConfigError at once for fewer than 1.

    >>> from bateia.sources.files import read_trades
    >>> from bateia.samples import sample_path
    >>> head = read_trades(sample_path("es-trades-2013-09"), rows=10)
    >>> [len(block) for block in recut([head[:3], head[3:]], 4)]
    [4, 4, 2]
    """
    if rows < 1:
        raise ConfigError(f"blocks of {rows} rows", allowed="1 or more")
    return _recut(blocks, rows)


def _recut(blocks: Iterable[B], rows: int) -> Iterator[B]:
    kept: list[B] = []
    held = 0
    for block in blocks:
        start = 0
        while len(block) - start >= rows - held:
            stop = start + rows - held
            kept.append(block[start:stop])
            yield kept[0] if len(kept) == 1 else type(block).concat(kept)
            kept, held, start = [], 0, stop
        if start < len(block):
            kept.append(block[start:])
            held += len(block) - start
    if kept:
        yield kept[0] if len(kept) == 1 else type(kept[0]).concat(kept)


def rising(blocks: Iterable[E]) -> Iterator[E]:
    """The same rows, none of them known before one that is ahead of it.

    Where rows that came live lie beside rows that were fetched later, the second clock of the first says when
    they came, and that of the others when they happened.

    >>> clocks = dict.fromkeys(["price", "size", "side"], np.zeros(2)) | {"time": np.array([1, 2])}
    >>> came = [Trades(known_at=np.array(known), **clocks) for known in ([5, 3], [4, 6])]
    >>> [block.known_at.tolist() for block in rising(came)]
    [[5, 5], [5, 6]]
    """
    newest = -(2**62)
    for block in blocks:
        known = np.maximum.accumulate(np.maximum(block.known_at, newest))
        newest = int(known[-1]) if len(known) else newest
        yield block if np.array_equal(known, block.known_at) else replace(block, known_at=known)
