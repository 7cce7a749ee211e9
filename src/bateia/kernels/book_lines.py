"""Bybit order book lines, bytes to columns in one pass: what a line should look like is checked, not assumed.

A line is `HEAD` + `snapshot` or `delta` + `","ts":N` + `MIDDLE` + levels + `],"a":[` + levels +
`],"u":N,"seq":N}`, then `,"cts":N` or nothing, `}`, an optional carriage return and a line feed; a level
is `["price","size"]`, plain decimals.
"""

from __future__ import annotations

import ctypes

import numba
import numpy as np
from numba import types
from numba.extending import intrinsic

from bateia.kernels.jit import kernel

PAD = 256
"""Bytes that must follow the last line, any: words are read whole."""
END, FULL, UNUSUAL, OFF_GRID = range(4)
"""Why parsing stopped: no more lines, no more room, a line of another form, a price between two ticks."""
EXACT = 2**53
DIGITS = 18
POWERS = 10.0 ** np.arange(19)


@intrinsic
def _word_at(typingctx, address):
    def build(context, builder, signature, arguments):
        word = context.get_value_type(types.uint64)
        pointer = builder.inttoptr(arguments[0], word.as_pointer())
        return builder.load(pointer, align=1)

    return types.uint64(types.int64), build


@intrinsic
def _byte_at(typingctx, address):
    def build(context, builder, signature, arguments):
        kind = context.get_value_type(types.uint8)
        byte = builder.load(builder.inttoptr(arguments[0], kind.as_pointer()), align=1)
        return builder.zext(byte, context.get_value_type(types.int64))

    return types.int64(types.int64), build


@intrinsic
def _lowest_bit(typingctx, word):
    def build(context, builder, signature, arguments):
        return builder.cttz(arguments[0], context.get_constant(types.boolean, False))

    return types.int64(types.uint64), build


def _plain_word_at(address):
    return np.uint64(ctypes.c_uint64.from_address(int(address)).value)


def _plain_byte_at(address):
    return ctypes.c_uint8.from_address(int(address)).value


def _plain_lowest_bit(word):
    return (int(word) & -int(word)).bit_length() - 1 if word else 64


PLAIN = numba.config.DISABLE_JIT
word_at = _plain_word_at if PLAIN else _word_at
"""Eight bytes at any address."""
byte_at = _plain_byte_at if PLAIN else _byte_at
"""One byte."""
lowest_bit = _plain_lowest_bit if PLAIN else _lowest_bit
"""Position of the lowest set bit; 64 for a word of 0."""


@numba.njit(cache=True, forceinline=True)
def _digits(at):
    """The number at `at` and how many of its digits were read, at most 8 (there may be more)."""
    word = word_at(at)
    zeroed = word ^ np.uint64(0x3030303030303030)
    other = ((zeroed + np.uint64(0x0606060606060606)) | zeroed) & np.uint64(0xF0F0F0F0F0F0F0F0)
    count = lowest_bit(other) >> 3
    # Leading zeros fill the word; the second shift is for a count of 0.
    value = (zeroed << np.uint64(4 * (8 - count))) << np.uint64(4 * (8 - count))
    value = (value * np.uint64(10) + (value >> np.uint64(8))) & np.uint64(0x00FF00FF00FF00FF)
    value = (value * np.uint64(100) + (value >> np.uint64(16))) & np.uint64(0x0000FFFF0000FFFF)
    value = (value * np.uint64(10000) + (value >> np.uint64(32))) & np.uint64(0xFFFFFFFF)
    return np.int64(value), count


@numba.njit(cache=True)
def _slow_decimal(at):
    """As `_decimal`, a digit at a time."""
    mantissa, places, digits, seen = 0, 0, 0, False
    while True:
        byte = byte_at(at)
        if 48 <= byte <= 57:
            if digits >= DIGITS:
                return 0, 0, 0
            mantissa = mantissa * 10 + byte - 48
            digits += 1
            places += seen
        elif byte == 46 and not seen and digits > 0:
            seen = True
        else:
            break
        at += 1
    if digits == 0 or byte_at(at - 1) == 46:
        return 0, 0, 0
    return mantissa, places, at


@numba.njit(cache=True, forceinline=True)
def _decimal(at):
    """A plain decimal: all digits as one number, how many behind the point, the byte after (0: none)."""
    whole, count = _digits(at)
    if count & 7 == 0:
        return _slow_decimal(at)
    end = at + count
    if byte_at(end) != 46:
        return whole, 0, end
    part, places = _digits(end + 1)
    if places & 7 == 0:
        return _slow_decimal(at)
    mantissa = whole
    scale = 1
    for _ in range(places):
        scale *= 10
    return mantissa * scale + part, places, end + 1 + places


@numba.njit(cache=True, forceinline=True)
def _integer(at):
    """Up to 18 digits and the byte after them; 0 there if there are none or more."""
    if byte_at(at) == 48 and 48 <= byte_at(at + 1) <= 57:
        return 0, 0
    first, count = _digits(at)
    if count < 8:
        return first, at + count if count > 0 else 0
    value, places, end = _slow_decimal(at)
    return value, end if places == 0 else 0


@numba.njit(cache=True, forceinline=True)
def _same(at, text):
    """Whether the bytes of `text` lie at `at`."""
    wrong = np.int64(0)
    for i in range(len(text)):
        wrong |= byte_at(at + i) ^ np.int64(text[i])
    return wrong == 0


@numba.njit(cache=True)
def _levels(at, places, multiple, inverse, ticks, sizes, level, powers):
    """Levels up to and with the `]` that ends them; (byte after, levels in all, END or why not)."""
    room = len(ticks)
    if byte_at(at) == 93:
        return at + 1, level, END
    while True:
        if level >= room:
            return at, level, FULL
        if (word_at(at) & np.uint64(0xFFFF)) != np.uint64(0x225B):  # ["
            return at, level, UNUSUAL
        price, behind, end = _decimal(at + 2)
        if end == 0 or (word_at(end) & np.uint64(0xFFFFFF)) != np.uint64(0x222C22):  # ","
            return at, level, UNUSUAL
        size, small, after = _decimal(end + 3)
        if after == 0 or size >= EXACT or price >= EXACT:
            return at, level, UNUSUAL
        if behind != places:
            while behind < places and price < EXACT:
                price, behind = price * 10, behind + 1
            while behind > places and price % 10 == 0:
                price, behind = price // 10, behind - 1
            if behind != places:
                return at, level, OFF_GRID if behind > places else UNUSUAL
            if price >= EXACT:
                return at, level, UNUSUAL
        tick = np.int64(price * inverse + 0.5)
        if tick * multiple != price:
            return at, level, OFF_GRID
        if tick <= 0:
            return at, level, UNUSUAL
        ticks[level] = tick
        sizes[level] = size / powers[small]
        level += 1
        tail = word_at(after) & np.uint64(0xFFFFFF)
        at = after + 3
        if tail != np.uint64(0x2C5D22):  # "],
            if tail != np.uint64(0x5D5D22):  # "]]
                return at, level, UNUSUAL
            return at, level, END


@numba.njit(cache=True, forceinline=True)
def _line(
    at,
    head,
    middle,
    kind_snapshot,
    kind_delta,
    asks,
    update,
    sequence,
    received,
    places,
    multiple,
    inverse,
    ticks,
    sizes,
    level,
    powers,
):
    """One line from `at`; (byte after, snapshot, ts, u, level where asks start, levels in all, why not)."""
    if not _same(at, head):
        return at, 0, 0, 0, 0, level, UNUSUAL
    at += len(head)
    snapshot = 0
    if _same(at, kind_delta):
        at += len(kind_delta)
    elif _same(at, kind_snapshot):
        snapshot = 1
        at += len(kind_snapshot)
    else:
        return at, 0, 0, 0, 0, level, UNUSUAL
    time, at = _integer(at)
    if at == 0 or time >= EXACT // 1000 or not _same(at, middle):
        return at, 0, 0, 0, 0, level, UNUSUAL
    at, split, status = _levels(at + len(middle), places, multiple, inverse, ticks, sizes, level, powers)
    if status != END:
        return at, 0, 0, 0, 0, level, status
    if not _same(at, asks):
        return at, 0, 0, 0, 0, level, UNUSUAL
    at, stop, status = _levels(at + len(asks), places, multiple, inverse, ticks, sizes, split, powers)
    if status != END:
        return at, 0, 0, 0, 0, level, status
    if not _same(at, update):
        return at, 0, 0, 0, 0, level, UNUSUAL
    number, at = _integer(at + len(update))
    if at == 0 or not _same(at, sequence):
        return at, 0, 0, 0, 0, level, UNUSUAL
    _, at = _integer(at + len(sequence))
    if at == 0 or byte_at(at) != 125:
        return at, 0, 0, 0, 0, level, UNUSUAL
    at += 1
    if byte_at(at) == 44:
        if not _same(at, received):
            return at, 0, 0, 0, 0, level, UNUSUAL
        _, at = _integer(at + len(received))
        if at == 0:
            return at, 0, 0, 0, 0, level, UNUSUAL
    if byte_at(at) != 125:
        return at, 0, 0, 0, 0, level, UNUSUAL
    at += 1
    if byte_at(at) == 13:
        at += 1
    if byte_at(at) != 10:
        return at, 0, 0, 0, 0, level, UNUSUAL
    return at + 1, snapshot, time, number, split, stop, END


@kernel
def bybit_lines(
    data,
    start,
    stop,
    head,
    middle,
    kind_snapshot,
    kind_delta,
    asks,
    update,
    sequence,
    received,
    powers,
    places,
    multiple,
    time,
    ids,
    kinds,
    first,
    middles,
    ticks,
    sizes,
):
    """Whole lines of `data[start:stop]`, which ends with a line feed; (byte after, lines, why it stopped).

    Times in microseconds; levels of line i are `first[i]` to `middles[i]` (bids), to `first[i + 1]`
    (asks). Where a line stops it, the byte after is that line's first, and nothing of it counts.
    """
    base = np.int64(data.ctypes.data)
    at, last = base + start, base + stop
    inverse = 1.0 / multiple
    rows, level, room = 0, 0, len(time)
    first[0] = 0
    status = END
    while at < last:
        if rows >= room:
            status = FULL
            break
        after, snapshot, ts, number, split, filled, status = _line(
            at,
            head,
            middle,
            kind_snapshot,
            kind_delta,
            asks,
            update,
            sequence,
            received,
            places,
            multiple,
            inverse,
            ticks,
            sizes,
            level,
            powers,
        )
        if status != END:
            break
        time[rows], ids[rows], kinds[rows] = ts * 1000, number, snapshot
        middles[rows] = split
        rows += 1
        first[rows] = filled
        level, at = filled, after
    return at - base, rows, status
