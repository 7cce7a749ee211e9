"""Scores into target positions in [-1, 1]; each kernel keeps what it holds in `state` from block to block."""

from __future__ import annotations

import math

from bateia.core.events import Floats
from bateia.kernels.jit import kernel


@kernel
def hysteresis(
    state: Floats, score: Floats, enter: float, leave: float, long: bool, short: bool, target: Floats
) -> None:
    """Target position -1, 0 or 1 for each score, written into `target`; `state[0]` is the last target.

    Long above `enter`, out again below `leave`, mirrored for short; a direct flip comes before an exit,
    and a NaN score goes flat. Between the two thresholds the target stays.
    """
    held = state[0]
    for i in range(len(score)):
        s = score[i]
        if s != s:
            held = 0.0
        elif long and s > enter:
            held = 1.0
        elif short and s < -enter:
            held = -1.0
        elif (held > 0 and s < leave) or (held < 0 and s > -leave):
            held = 0.0
        target[i] = held
    state[0] = held


@kernel
def interpolate(score: Floats, knot: Floats, value: Floats, out: Floats) -> None:
    """The piecewise linear map through (knot, value) at each score, flat beyond its ends; NaN stays NaN.

    `knot` is strictly increasing and holds one number at least.
    """
    last = len(knot) - 1
    for i in range(len(score)):
        s = score[i]
        if s != s:
            out[i] = s
        elif s <= knot[0]:
            out[i] = value[0]
        elif s >= knot[last]:
            out[i] = value[last]
        else:
            low, high = 0, last
            while high - low > 1:
                middle = (low + high) // 2
                if knot[middle] <= s:
                    low = middle
                else:
                    high = middle
            share = (s - knot[low]) / (knot[high] - knot[low])
            out[i] = value[low] + share * (value[high] - value[low])


@kernel
def bet_sizes(
    state: Floats, score: Floats, steps: int, stick: float, long: bool, short: bool, target: Floats
) -> None:
    """Target sizes, multiples of 1 / `steps`, from scores P(up) - P(down); a NaN score goes flat.

    The size of a score s is 2 * Phi(z) - 1 with z = s / sqrt(1 - s * s): the test of p = (1 + s) / 2 against
    a half. It is averaged with those of the rows before it that `state` has room for, and rounded; the last
    target stays while the average is less than 1 / 2 + `stick` steps from it. `state` is (last target, rows
    seen, sizes of the last rows ...); a NaN is a size of 0.

    Source: Lopez de Prado, "Advances in Financial Machine Learning" (2018), sections 10.3 to 10.5.
    """
    room = len(state) - 2
    held, seen = state[0], int(state[1])
    for i in range(len(score)):
        s = score[i]
        size = 0.0
        if s >= 1.0:
            size = 1.0
        elif s <= -1.0:
            size = -1.0
        elif s == s:
            size = math.erf(s / math.sqrt(2.0 * (1.0 - s * s)))
        state[2 + seen % room] = size
        seen += 1
        if s != s:
            held = 0.0
        else:
            # Summed afresh, in the ring's order: a running sum would depend on all that went before.
            total = 0.0
            for k in range(room):
                total += state[2 + k]
            mean = total / min(max(seen, 1), room)
            if (mean > 0.0 and not long) or (mean < 0.0 and not short):
                mean = 0.0
            if abs(mean - held) * steps >= 0.5 + stick:
                whole = math.floor(abs(mean) * steps + 0.5) / steps
                held = whole if mean > 0.0 else 0.0 - whole
        target[i] = held
    state[0], state[1] = held, float(seen)
