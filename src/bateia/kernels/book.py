"""An order book: levels by whole ticks, updates in constant time, the best levels in order when asked for.

Both sides are kept alike by `key`: the tick of a bid, minus the tick of an ask; the best level of a side
is its highest key, and bid + ask keys >= 0 means that they meet or cross. A window of keys just below the
best one is a plain array of sizes (0: no level) with one bit a level beside it; keys below the window lie
in a sorted array, the far levels. The window moves with the best key. State of a side, `ints[side]`: see
the constants; `sizes` (2, W), `bits` (2, W / 64), `far_keys` and `far_sizes` (2, F), ascending. W is a
multiple of 64; F is the most levels a side may have.
"""

from __future__ import annotations

import numba
import numpy as np
from numba import types
from numba.extending import intrinsic

from bateia.kernels.jit import kernel

# Called for each message: without a call, arrays are not counted in and out of it.
inlined = numba.njit(cache=True, inline="always")

BASE, BEST, LEVELS, FAR, MISSING = range(5)
"""First key of the window, best key, levels in all, far levels, removals of levels that were not there."""
SIDE_INTS = 5
NONE = -(2**62)
"""The best key of a side without levels."""


@intrinsic
def _highest_bit(typingctx, word):
    def build(context, builder, signature, arguments):
        zeros = builder.ctlz(arguments[0], context.get_constant(types.boolean, True))
        return builder.sub(context.get_constant(types.int64, 63), zeros)

    return types.int64(types.uint64), build


def _plain_highest_bit(word):
    return int(word).bit_length() - 1


highest_bit = _plain_highest_bit if numba.config.DISABLE_JIT else _highest_bit
"""Position 0 to 63 of the highest set bit of a word that is not 0."""


@numba.njit(cache=True)
def _below(bits, side, offset):
    """Highest occupied offset of the window at or below `offset`, or -1."""
    if offset < 0:
        return -1
    at = offset >> 6
    word = bits[side, at] & (np.uint64(0xFFFFFFFFFFFFFFFF) >> np.uint64(63 - (offset & 63)))
    while word == 0:
        at -= 1
        if at < 0:
            return -1
        word = bits[side, at]
    return (at << 6) + highest_bit(word)


@numba.njit(cache=True)
def _clear(side, ints, sizes, bits):
    """No levels at all; where the window lies does not matter until the first one comes."""
    sizes[side, :] = 0.0
    bits[side, :] = 0
    ints[side, BASE], ints[side, BEST], ints[side, LEVELS], ints[side, FAR] = 0, NONE, 0, 0


@numba.njit(cache=True)
def _move(side, best, ints, sizes, bits, far_keys, far_sizes):
    """Lay the window so that `best`, at or above every level of the side, is at three quarters of it."""
    width = sizes.shape[1]
    old, far = ints[side, BASE], ints[side, FAR]
    base = best - (3 * width) // 4
    by = base - old
    if by > 0:
        # Levels that the window leaves behind lie above every far one.
        offset = _below(bits, side, min(by, width) - 1)
        leaving = 0
        while offset >= 0:
            leaving += 1
            offset = _below(bits, side, offset - 1)
        offset = _below(bits, side, min(by, width) - 1)
        at = far + leaving
        while offset >= 0:
            at -= 1
            far_keys[side, at], far_sizes[side, at] = old + offset, sizes[side, offset]
            offset = _below(bits, side, offset - 1)
        far += leaving
        for i in range(width):
            sizes[side, i] = sizes[side, i + by] if by < width - i else 0.0
    else:
        for i in range(width - 1, -1, -1):
            sizes[side, i] = sizes[side, i + by] if i + by >= 0 else 0.0
        while far > 0 and far_keys[side, far - 1] >= base:
            far -= 1
            sizes[side, far_keys[side, far] - base] = far_sizes[side, far]
    for at in range(width >> 6):
        word = np.uint64(0)
        for bit in range(64):
            if sizes[side, (at << 6) + bit] > 0.0:
                word |= np.uint64(1) << np.uint64(bit)
        bits[side, at] = word
    ints[side, BASE], ints[side, FAR] = base, far


@numba.njit(cache=True)
def _set_far(side, key, size, ints, far_keys, far_sizes):
    """Change, add or remove a level below the window; (change in levels, 1 if none was there to remove)."""
    far = ints[side, FAR]
    low, high = 0, far
    while low < high:
        middle = (low + high) >> 1
        if far_keys[side, middle] < key:
            low = middle + 1
        else:
            high = middle
    if low < far and far_keys[side, low] == key:
        if size > 0.0:
            far_sizes[side, low] = size
            return 0, 0
        for i in range(low, far - 1):
            far_keys[side, i], far_sizes[side, i] = far_keys[side, i + 1], far_sizes[side, i + 1]
        ints[side, FAR] = far - 1
        return -1, 0
    if size <= 0.0:
        return 0, 1
    for i in range(far, low, -1):
        far_keys[side, i], far_sizes[side, i] = far_keys[side, i - 1], far_sizes[side, i - 1]
    far_keys[side, low], far_sizes[side, low] = key, size
    ints[side, FAR] = far + 1
    return 1, 0


@inlined
def apply_levels(side, ticks, amounts, start, stop, ints, sizes, bits, far_keys, far_sizes):
    """Set levels `start` to `stop` of one side, in order; a size of 0 removes.

    There must be room: LEVELS + (stop - start) <= F.
    """
    width = np.uint64(sizes.shape[1])
    base, best, levels = ints[side, BASE], ints[side, BEST], ints[side, LEVELS]
    missing = ints[side, MISSING]
    one = np.uint64(1)
    for row in range(start, stop):
        key = ticks[row] if side == 0 else -ticks[row]
        size = amounts[row]
        offset = np.uint64(key - base)  # a key below the window wraps to a huge one
        if offset < width and best != NONE:
            # Without branches: whether a level comes, changes or goes is not to be foreseen.
            old = sizes[side, offset]
            sizes[side, offset] = size
            word, shift = offset >> np.uint64(6), offset & np.uint64(63)
            there, was = np.int64(size > 0.0), np.int64(old > 0.0)
            bits[side, word] = (bits[side, word] & ~(one << shift)) | (np.uint64(there) << shift)
            levels += there - was
            missing += (1 - there) & (1 - was)
            best = max(best, key if size > 0.0 else best)
            if key == best and there == 0:
                found = _below(bits, side, np.int64(offset))
                if found >= 0:
                    best = base + found
                elif ints[side, FAR] > 0:
                    best = far_keys[side, ints[side, FAR] - 1]
                    _move(side, best, ints, sizes, bits, far_keys, far_sizes)
                    base = ints[side, BASE]
                else:
                    best = NONE
        elif best != NONE and key < base:
            change, absent = _set_far(side, key, size, ints, far_keys, far_sizes)
            levels += change
            missing += absent
        elif size > 0.0:
            # A first level, or one above the window.
            _move(side, key, ints, sizes, bits, far_keys, far_sizes)
            base, best = ints[side, BASE], key
            sizes[side, key - base] = size
            bits[side, (key - base) >> 6] |= one << np.uint64((key - base) & 63)
            levels += 1
        else:
            missing += 1
    if best != NONE and best - base < np.int64(width) // 4:
        _move(side, best, ints, sizes, bits, far_keys, far_sizes)
    ints[side, BEST], ints[side, LEVELS], ints[side, MISSING] = best, levels, missing


@inlined
def top_levels(side, multiple, scale, ints, sizes, bits, far_keys, far_sizes, out_prices, out_sizes, row):
    """The best levels of a side into row `row`, best first, NaN where there are no more; how many there are.

    Price = tick * multiple / scale.
    """
    base, best = ints[side, BASE], ints[side, BEST]
    depth = out_prices.shape[1]
    made = 0
    sign = 1 if side == 0 else -1
    if best != NONE:
        offset = best - base
        at = offset >> 6
        word = bits[side, at] & (np.uint64(0xFFFFFFFFFFFFFFFF) >> np.uint64(63 - (offset & 63)))
        while made < depth:
            while word == 0 and at > 0:
                at -= 1
                word = bits[side, at]
            if word == 0:
                break
            bit = highest_bit(word)
            word ^= np.uint64(1) << np.uint64(bit)
            offset = (at << 6) + bit
            out_prices[row, made] = (sign * (base + offset) * multiple) / scale
            out_sizes[row, made] = sizes[side, offset]
            made += 1
        far = ints[side, FAR]
        while made < depth and far > 0:
            far -= 1
            out_prices[row, made] = (sign * far_keys[side, far] * multiple) / scale
            out_sizes[row, made] = far_sizes[side, far]
            made += 1
    for i in range(made, depth):
        out_prices[row, i] = np.nan
        out_sizes[row, i] = np.nan
    return made


@inlined
def _replaced(snapshot, side, ticks, amounts, start, stop, ints, sizes, bits, far_keys, far_sizes):
    if snapshot:
        _clear(side, ints, sizes, bits)
    apply_levels(side, ticks, amounts, start, stop, ints, sizes, bits, far_keys, far_sizes)


@kernel
def book_apply(
    snapshot, bid_ticks, bid_amounts, ask_ticks, ask_amounts, ints, sizes, bits, far_keys, far_sizes
):
    """One message: both sides' levels, the book cleared first if it is a snapshot; whether it crosses."""
    bids, asks = len(bid_ticks), len(ask_ticks)
    _replaced(snapshot, 0, bid_ticks, bid_amounts, 0, bids, ints, sizes, bits, far_keys, far_sizes)
    _replaced(snapshot, 1, ask_ticks, ask_amounts, 0, asks, ints, sizes, bits, far_keys, far_sizes)
    return ints[0, BEST] != NONE and ints[1, BEST] != NONE and ints[0, BEST] + ints[1, BEST] >= 0


@kernel
def book_top(out, multiple, scale, ints, sizes, bits, far_keys, far_sizes):
    """Best levels of both sides into `out` (4, 1, depth): bid prices, bid sizes, ask prices, ask sizes."""
    bids = top_levels(0, multiple, scale, ints, sizes, bits, far_keys, far_sizes, out[0], out[1], 0)
    asks = top_levels(1, multiple, scale, ints, sizes, bits, far_keys, far_sizes, out[2], out[3], 0)
    return bids, asks


TIME, ID, VALID, DUE, MESSAGES, STEP, SILENCE, SKIPPED, MOST = range(9)
"""The replay's clock: last time, last id, 1 if the book is whole, next sample's time, messages since the last
sample, time between samples, the longest stretch without messages that is sampled, messages skipped for want
of a snapshot, levels that a side may have."""
CLOCK_INTS = 9
DONE, FULL, GROW, GAP, CROSSED, STALE, BACKWARDS, SILENT, DEEP, JUMP = range(10)
"""Why the replay stopped."""


@inlined
def _sampled(
    due,
    until,
    step,
    messages,
    made,
    room,
    multiple,
    scale,
    ints,
    sizes,
    bits,
    far_keys,
    far_sizes,
    out_time,
    out_messages,
    bid_prices,
    bid_sizes,
    ask_prices,
    ask_sizes,
):
    """Samples due up to `until` while there is room; (next due, messages since, samples made)."""
    while due <= until and made < room:
        if ints[0, BEST] != NONE and ints[1, BEST] != NONE:
            out_time[made], out_messages[made] = due, messages
            top_levels(
                0, multiple, scale, ints, sizes, bits, far_keys, far_sizes, bid_prices, bid_sizes, made
            )
            top_levels(
                1, multiple, scale, ints, sizes, bits, far_keys, far_sizes, ask_prices, ask_sizes, made
            )
            made += 1
            messages = 0
        due += step
    return due, messages, made


@kernel
def book_advance(
    now,
    room,
    multiple,
    scale,
    clock,
    ints,
    sizes,
    bits,
    far_keys,
    far_sizes,
    out_time,
    out_messages,
    bid_prices,
    bid_sizes,
    ask_prices,
    ask_sizes,
):
    """Samples due at `now` or before, no message before `now` being still to come; how many were made."""
    if clock[VALID] == 0:
        return 0
    clock[DUE], clock[MESSAGES], made = _sampled(
        clock[DUE],
        min(now, clock[TIME] + clock[SILENCE]),
        clock[STEP],
        clock[MESSAGES],
        0,
        room,
        multiple,
        scale,
        ints,
        sizes,
        bits,
        far_keys,
        far_sizes,
        out_time,
        out_messages,
        bid_prices,
        bid_sizes,
        ask_prices,
        ask_sizes,
    )
    return made


@kernel
def book_replay(
    row,
    room,
    time,
    ids,
    kinds,
    first,
    middle,
    ticks,
    amounts,
    multiple,
    scale,
    clock,
    ints,
    sizes,
    bits,
    far_keys,
    far_sizes,
    out_time,
    out_messages,
    bid_prices,
    bid_sizes,
    ask_prices,
    ask_sizes,
):
    """Messages from `row` on; (next row, samples made, why it stopped).

    Message i is a snapshot where `kinds[i]` is 1, sets bids `first[i]` to `middle[i]` of the levels and
    asks from there to `first[i + 1]`. A sample at T is the book after every message before T, made when a
    message at T or later comes. After GAP, CROSSED, DEEP or BACKWARDS, the book is not whole and makes no
    samples until the next snapshot; the message that showed it is not applied (GAP, BACKWARDS) or was
    (CROSSED). A snapshot beyond the next id is a gap too, up to itself: a JUMP, before it. A STALE message,
    of an old id and no later time, changes nothing; an old id with a later time is a count begun anew, a GAP.
    """
    last, last_id, valid, due, messages = clock[TIME], clock[ID], clock[VALID], clock[DUE], clock[MESSAGES]
    step, silence, most = clock[STEP], clock[SILENCE], clock[MOST]
    n = len(time)
    made = 0
    status = DONE
    while row < n:
        now, snapshot = time[row], kinds[row] == 1
        if valid == 0 and not snapshot:
            row += 1
            clock[SKIPPED] += 1
            continue
        if valid == 1 and not snapshot:
            if ids[row] <= last_id and now <= last:
                row += 1
                status = STALE
                break
            if ids[row] != last_id + 1:
                row += 1
                valid = 0
                status = GAP
                break
        elif valid == 1 and ids[row] > last_id + 1:
            # The snapshot itself is whole, and is taken up next.
            valid = 0
            status = JUMP
            break
        if now < last:
            row += 1
            valid = 0
            status = BACKWARDS
            break
        if valid == 1 and now >= due:
            until = min(now, last + silence)
            due, messages, made = _sampled(
                due,
                until,
                step,
                messages,
                made,
                room,
                multiple,
                scale,
                ints,
                sizes,
                bits,
                far_keys,
                far_sizes,
                out_time,
                out_messages,
                bid_prices,
                bid_sizes,
                ask_prices,
                ask_sizes,
            )
            if due <= until:
                status = FULL
                break
            if due <= now:
                due = (now // step + 1) * step
                messages = 0
                status = SILENT
                break
        start, split, stop = first[row], middle[row], first[row + 1]
        if not snapshot:
            if max(ints[0, LEVELS] + split - start, ints[1, LEVELS] + stop - split) > far_keys.shape[1]:
                status = GROW
                break
        elif max(split - start, stop - split) > far_keys.shape[1]:
            status = GROW
            break
        _replaced(snapshot, 0, ticks, amounts, start, split, ints, sizes, bits, far_keys, far_sizes)
        _replaced(snapshot, 1, ticks, amounts, split, stop, ints, sizes, bits, far_keys, far_sizes)
        if valid == 0:
            due = (now // step + 1) * step
            messages = 0
        valid, last, last_id = 1, now, ids[row]
        messages += 1
        row += 1
        if ints[0, BEST] != NONE and ints[1, BEST] != NONE and ints[0, BEST] + ints[1, BEST] >= 0:
            valid = 0
            status = CROSSED
            break
        if max(ints[0, LEVELS], ints[1, LEVELS]) > most:
            valid = 0
            status = DEEP
            break
    clock[TIME], clock[ID], clock[VALID], clock[DUE], clock[MESSAGES] = last, last_id, valid, due, messages
    return row, made, status
