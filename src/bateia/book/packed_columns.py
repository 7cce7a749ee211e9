"""Blocks of messages as bytes: columns of whole numbers, of each all lowest bytes first, and back."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from bateia.book.messages import Messages
from bateia.core import DataError
from bateia.core.events import Floats, Ints
from bateia.kernels import book_packed as kernels

Words = npt.NDArray[np.uint64]
_RISING = ("time", "ids", "line")
_COLUMNS = ("time", "ids", "line", "kinds", "bids", "asks", "ticks", "sizes")
_FIELDS = 2 + len(_COLUMNS) + 1
_RAW = -1
"""In the place of decimal places: sizes are no decimals but floats as they lie in memory."""
_PLACES = 18


def joined(parts: list[Messages]) -> Messages:
    """One block, whose levels start at 0 and follow each other."""
    levels = [slice(int(part.first[0]), int(part.first[-1])) for part in parts]
    bases = np.cumsum([0] + [part.stop - part.start for part in levels])
    moved = [base - part.start for base, part in zip(bases[:-1], levels, strict=True)]
    pairs = list(zip(parts, moved, strict=True))
    whole = Messages(
        time=np.concatenate([part.time for part in parts]),
        ids=np.concatenate([part.ids for part in parts]),
        kinds=np.concatenate([part.kinds for part in parts]),
        first=np.concatenate([*(part.first[:-1] + by for part, by in pairs), bases[-1:]]),
        middle=np.concatenate([part.middle + by for part, by in pairs]),
        ticks=np.concatenate([part.ticks[rows] for part, rows in zip(parts, levels, strict=True)]),
        sizes=np.concatenate([part.sizes[rows] for part, rows in zip(parts, levels, strict=True)]),
        line=np.concatenate([part.line for part in parts]),
    )
    if (whole.middle < whole.first[:-1]).any() or (whole.middle > whole.first[1:]).any():
        raise DataError("messages whose levels overlap", allowed="bids, then asks, of one after the other")
    return whole


def pack(messages: Messages) -> bytes:
    """The messages as a head of `_FIELDS` whole numbers and planes of bytes."""
    sizes, places = _whole(messages.sizes)
    words = {
        "time": _folded(_changes(messages.time)),
        "ids": _folded(_changes(messages.ids)),
        "line": _folded(_changes(messages.line)),
        "kinds": _folded(messages.kinds.astype(np.int64)),
        "bids": _folded(messages.middle - messages.first[:-1]),
        "asks": _folded(messages.first[1:] - messages.middle),
        "ticks": _folded(_changes(messages.ticks)),
        "sizes": sizes,
    }
    widths = [_width(words[name]) for name in _COLUMNS]
    head = np.array([len(messages), len(messages.ticks), *widths, places], np.int64)
    planes = [_planes(words[name], width) for name, width in zip(_COLUMNS, widths, strict=True)]
    return b"".join([head.tobytes(), *planes])


def unpack(data: bytes) -> Messages:
    """The messages of `pack`; ValueError for bytes that are not of it."""
    if len(data) < 8 * _FIELDS:
        raise ValueError("a record without a head")
    rows, levels, *widths, places = np.frombuffer(data, np.int64, _FIELDS).tolist()
    counts = [levels if name in {"ticks", "sizes"} else rows for name in _COLUMNS]
    known = all(0 <= width <= 8 for width in widths) and _RAW <= places <= _PLACES
    needed = 8 * _FIELDS + sum(width * n for width, n in zip(widths, counts, strict=True))
    if min(rows - 1, levels) < 0 or not known or needed != len(data):
        raise ValueError("a record whose columns do not fit it")
    view, at, found = np.frombuffer(data, np.uint8), 8 * _FIELDS, {}
    for name, width, n in zip(_COLUMNS[:-1], widths, counts, strict=False):
        found[name] = np.empty(n, np.int64)
        kernels.unpack_ints(view, at, width, name in _RISING or name == "ticks", found[name])
        at += width * n
    words, sizes = np.empty(levels, np.int64), np.empty(levels)
    kernels.unpack_sizes(view, at, widths[-1], 10.0 ** max(places, 0), words, sizes)
    bids, asks = found["bids"], found["asks"]
    first = np.zeros(rows + 1, np.int64)
    np.cumsum(bids + asks, out=first[1:])
    if min(bids.min(), asks.min()) < 0 or first[-1] != levels:
        raise ValueError("messages whose levels do not follow each other")
    return Messages(
        time=found["time"],
        ids=found["ids"],
        kinds=found["kinds"].astype(np.int8),
        first=first,
        middle=first[:-1] + bids,
        ticks=found["ticks"],
        sizes=words.view(np.float64) if places == _RAW else sizes,
        line=found["line"],
    )


def _changes(column: Ints) -> Ints:
    """Each value less the one before, the first less 0; what overflows wraps, here and back."""
    made = np.empty(len(column), np.int64)
    made[:1] = column[:1]
    np.subtract(column[1:], column[:-1], out=made[1:])
    return made


def _folded(column: Ints) -> Words:
    """0, -1, 1, -2, 2, … as 0, 1, 2, 3, 4, …"""
    return np.asarray((column << 1) ^ (column >> 63)).view(np.uint64)


def _whole(sizes: Floats) -> tuple[Words, int]:
    """Sizes as whole numbers of the last decimal place that they need, and which that is, or `_RAW`."""
    with np.errstate(invalid="ignore", over="ignore"):
        for places in range(_PLACES + 1):
            scale = 10.0**places
            whole = np.rint(sizes * scale)
            if not (np.abs(whole) < 2.0**53).all():
                break
            numbers = whole.astype(np.int64)
            # By their bits, as -0.0 equals 0.0.
            if np.array_equal((numbers / scale).view(np.uint64), sizes.view(np.uint64)):
                return numbers.view(np.uint64), places
    return np.ascontiguousarray(sizes).view(np.uint64), _RAW


def _width(words: Words) -> int:
    return (int(words.max(initial=0)).bit_length() + 7) // 8


def _planes(words: Words, width: int) -> bytes:
    return np.ascontiguousarray(words.astype("<u8").view(np.uint8).reshape(-1, 8).T[:width]).tobytes()
