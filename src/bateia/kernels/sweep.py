"""Many thresholds over one series of scores at once: each threshold pair is a lane of a vector register."""

from __future__ import annotations

from bateia.core.events import Floats
from bateia.kernels.jit import kernel

LANES = 16
"""Lanes side by side; a constant, so that the compiler sees loops of known length over one array."""
UP, DOWN, LEAVE_LONG, LEAVE_SHORT = range(4)
"""Rows of a group's rules: long above UP, short below DOWN, out below LEAVE_LONG, above LEAVE_SHORT."""
HELD, CASH, COST, TRADED, UNITS, OPEN, PEAK, FALL, NET, SQUARES = range(10)
"""Rows of a group's state: position; cash, costs, notional and units traded; bars that closed with one held;
highest net so far, deepest fall from it, last net, sum of squared changes of net."""
RULES, STATES = 4, 10


@kernel
def _lane(own, j):
    return (
        own[HELD * LANES + j],
        own[CASH * LANES + j],
        own[COST * LANES + j],
        own[TRADED * LANES + j],
        own[UNITS * LANES + j],
        own[OPEN * LANES + j],
        own[PEAK * LANES + j],
        own[FALL * LANES + j],
        own[NET * LANES + j],
        own[SQUARES * LANES + j],
    )


@kernel
def _step(lane, rule, bar):
    """One lane one bar on: no branch that a vector could not take."""
    held, cash, spent, traded, units, opened, peak, fall, before, squares = lane
    up, down, leave_long, leave_short = rule
    score, price, paid, mark = bar
    want = held
    if held > 0.0 and score < leave_long:
        want = 0.0
    if held < 0.0 and score > leave_short:
        want = 0.0
    if score < down:
        want = -1.0
    if score > up:
        want = 1.0
    if score != score:
        want = 0.0
    change = want - held
    size = abs(change)
    value = change * price
    cash -= value
    spent += size * paid
    net = cash + want * mark - spent
    peak = net if net > peak else peak
    depth = peak - net
    fall = depth if depth > fall else fall
    move = net - before
    squares += move * move
    return want, cash, spent, traded + abs(value), units + size, opened + abs(want), peak, fall, net, squares


@kernel
def _keep(own, j, lane):
    (
        own[HELD * LANES + j],
        own[CASH * LANES + j],
        own[COST * LANES + j],
        own[TRADED * LANES + j],
        own[UNITS * LANES + j],
        own[OPEN * LANES + j],
        own[PEAK * LANES + j],
        own[FALL * LANES + j],
        own[NET * LANES + j],
        own[SQUARES * LANES + j],
    ) = lane


@kernel
def sweep_thresholds(
    state: Floats, rule: Floats, score: Floats, fill: Floats, cost: Floats, close: Floats
) -> None:
    """Run every lane over the next bars: fill what was decided, mark to market.

    `state` has shape (groups, STATES * LANES), `rule` (groups, RULES * LANES), both row after row of LANES
    values. `score[i]` is the score *decided on*, `fill[i]` the price which that decision meets, `cost[i]` all
    that a unit costs there (price points), `close[i]` the close that marks the account after it. A NaN score
    goes flat. The state carries over: any cut of the bars gives the same bits.
    """
    n = len(score)
    for g in range(len(state)):
        own, limit = state[g], rule[g]
        i = 0
        # Four bars between a load and a store of the state: stores are what the loop waits for.
        while i + 4 <= n:
            a = score[i], fill[i], cost[i], close[i]
            b = score[i + 1], fill[i + 1], cost[i + 1], close[i + 1]
            c = score[i + 2], fill[i + 2], cost[i + 2], close[i + 2]
            d = score[i + 3], fill[i + 3], cost[i + 3], close[i + 3]
            for j in range(LANES):
                edges = limit[j], limit[LANES + j], limit[2 * LANES + j], limit[3 * LANES + j]
                half = _step(_step(_lane(own, j), edges, a), edges, b)
                _keep(own, j, _step(_step(half, edges, c), edges, d))
            i += 4
        while i < n:
            a = score[i], fill[i], cost[i], close[i]
            for j in range(LANES):
                edges = limit[j], limit[LANES + j], limit[2 * LANES + j], limit[3 * LANES + j]
                _keep(own, j, _step(_lane(own, j), edges, a))
            i += 1
