"""Scores into target positions, and target positions into fills at the market's own trades."""

from __future__ import annotations

from bateia.core.events import Bytes, Floats, Ints
from bateia.kernels.jit import kernel


@kernel
def hysteresis(
    state: Bytes, score: Floats, enter: float, leave: float, long: bool, short: bool, target: Bytes
) -> None:
    """Target position -1, 0 or 1 for each score, written into `target`; `state[0]` is the last target.

    Long above `enter`, out again below `leave`, mirrored for short; a direct flip comes before an exit,
    and a NaN score goes flat. Between the two thresholds the target stays.
    """
    held = state[0]
    for i in range(len(score)):
        s = score[i]
        if s != s:
            held = 0
        elif long and s > enter:
            held = 1
        elif short and s < -enter:
            held = -1
        elif (held > 0 and s < leave) or (held < 0 and s > -leave):
            held = 0
        target[i] = held
    state[0] = held


@kernel
def fill_orders(
    state: Floats,
    order_time: Ints,
    order_target: Floats,
    trade_time: Ints,
    trade_price: Floats,
    latency: int,
    quantity: float,
    multiplier: float,
    fee_rate: float,
    fee_per_unit: float,
    half_spread: float,
    slippage_rate: float,
    out_order: Ints,
    out_time: Ints,
    out_market: Floats,
    out_price: Floats,
    out_quantity: Floats,
    out_position: Floats,
    out_fee: Floats,
    out_cost: Floats,
) -> tuple[int, int]:
    """Meet queued orders with trades; returns how many orders are done and how many fills were written.

    `state[0]` is the position in units. Orders and trades are in time order; an order of time T takes the
    first trade later than T + `latency`, and several orders may take the same trade, oldest first. The
    fill brings the position to the order's target * `quantity`; nothing to buy or sell gives no fill.
    The `out_*` arrays hold at least as many rows as there are orders; rates are fractions, not bp.
    """
    position = state[0]
    j = 0
    done = 0
    made = 0
    for k in range(len(order_time)):
        due = order_time[k] + latency
        while j < len(trade_time) and trade_time[j] <= due:
            j += 1
        if j == len(trade_time):
            break
        done = k + 1
        wanted = order_target[k] * quantity
        change = wanted - position
        if change == 0.0:
            continue
        position = wanted
        market = trade_price[j]
        away = half_spread + slippage_rate * market
        units = abs(change)
        # Fees on the market's notional, not on the price paid, keep every cost linear in its parameter.
        fee = fee_rate * market * units * multiplier + fee_per_unit * units
        out_order[made] = k
        out_time[made] = trade_time[j]
        out_market[made] = market
        out_price[made] = market + away if change > 0.0 else market - away
        out_quantity[made] = change
        out_position[made] = position
        out_fee[made] = fee
        out_cost[made] = fee + away * units * multiplier
        made += 1
    state[0] = position
    return done, made
