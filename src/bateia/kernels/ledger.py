"""Fills into an account: mark-to-market at each bar, and round trips from flat to flat."""

from __future__ import annotations

from bateia.core.events import Bytes, Floats, Ints
from bateia.kernels.jit import kernel


@kernel
def mark_to_market(
    state: Floats,
    fill_time: Ints,
    fill_market: Floats,
    fill_quantity: Floats,
    fill_position: Floats,
    fill_cost: Floats,
    bar_time: Ints,
    bar_close: Floats,
    multiplier: float,
    out_position: Floats,
    out_gross: Floats,
    out_cost: Floats,
    out_traded: Floats,
) -> int:
    """Account at each bar close, written into the `out_*` arrays; returns how many fills were booked.

    `state` is (cash before costs, position in units, costs so far, notional traded so far). A fill is
    booked at the first bar whose time is not before it. gross = cash + position * close * multiplier.
    """
    cash, position, cost, traded = state[0], state[1], state[2], state[3]
    j = 0
    for i in range(len(bar_time)):
        while j < len(fill_time) and fill_time[j] <= bar_time[i]:
            value = fill_quantity[j] * fill_market[j] * multiplier
            cash -= value
            traded += abs(value)
            cost += fill_cost[j]
            position = fill_position[j]
            j += 1
        out_position[i] = position
        out_gross[i] = cash + position * bar_close[i] * multiplier
        out_cost[i] = cost
        out_traded[i] = traded
    state[0], state[1], state[2], state[3] = cash, position, cost, traded
    return j


@kernel
def round_trips(
    time: Ints,
    market: Floats,
    price: Floats,
    position: Floats,
    cost: Floats,
    out_entry: Ints,
    out_exit: Ints,
    out_side: Bytes,
    out_quantity: Floats,
    out_entry_market: Floats,
    out_exit_market: Floats,
    out_entry_price: Floats,
    out_exit_price: Floats,
    out_cost: Floats,
) -> int:
    """Closed trips from flat to flat (a flip closes one and opens the next); returns their number.

    Prices are averages over the units entered and left, cost in currency; a fill that flips shares its
    cost by units. A trip still open at the last fill is not written.
    """
    made = 0
    held = 0.0
    entered = entry_market = entry_paid = exit_market = exit_paid = spent = 0.0
    opened = 0
    for k in range(len(time)):
        after = position[k]
        units = abs(after - held)
        closing = 0.0
        if held != 0.0:
            if after == 0.0 or (after > 0.0) != (held > 0.0):
                closing = abs(held)
            elif abs(after) < abs(held):
                closing = abs(held) - abs(after)
        opening = units - closing
        if closing > 0.0:
            exit_market += closing * market[k]
            exit_paid += closing * price[k]
            spent += cost[k] * (closing / units)
            if after == 0.0 or (after > 0.0) != (held > 0.0):
                out_entry[made] = opened
                out_exit[made] = time[k]
                out_side[made] = 1 if held > 0.0 else -1
                out_quantity[made] = entered
                out_entry_market[made] = entry_market / entered
                out_exit_market[made] = exit_market / entered
                out_entry_price[made] = entry_paid / entered
                out_exit_price[made] = exit_paid / entered
                out_cost[made] = spent
                made += 1
                held = 0.0
                opening = abs(after)
        if opening > 0.0:
            if held == 0.0:
                opened = time[k]
                entered = entry_market = entry_paid = exit_market = exit_paid = spent = 0.0
            entered += opening
            entry_market += opening * market[k]
            entry_paid += opening * price[k]
            spent += cost[k] * (opening / units)
        held = after
    return made
