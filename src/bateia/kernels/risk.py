"""Targets into allowed positions and stop levels: sizing, limits and the account's memory, bar by bar.

The tables' columns and the state's places are named here, since a kernel's constants stand beside it.
"""

from __future__ import annotations

import math

import numpy as np

from bateia.core.events import Bytes, Floats, Ints
from bateia.kernels.jit import kernel

# Columns of the table of parameters; a row of it is what holds in a regime.
SIZER, SIZE, CAP, BEGIN, LEAST, NEED, DISTANCE, INERTIA, SCALE, FULL, SCALE_LEAST = range(11)
STOP, MULTIPLE, TRAIL, LIFE, TIGHTEST, WIDEST, FROM, TO, THROTTLE_LEAST, DAY_LOSS = range(11, 21)
UNITS, SHARE, TOTAL, TRADES, WAIT, KILL_DRAWDOWN, KILL_LOSS, KILL_LOSSES = range(21, 29)
COLUMNS = 29

FIXED, VOLATILITY, KELLY, EDGE, ATR = range(5)
NO_SCALE, BY_SCORE, BY_PROBABILITY = range(3)
NO_STOP, ATR_STOP, ADAPTIVE_STOP = range(3)

# What is the same in every regime.
MULTIPLIER, HALF_LIFE, SIZE_WINDOW, STOP_WINDOW, MEMORY, OPENS = range(6)
CONSTANTS = 6

# Why a position is not what was wanted.
AS_WANTED, NO_TARGET, NO_PRICE, NO_EQUITY, UNKNOWN, NOTHING, STOPPED, DAY_LOST = range(8)
COOLING, TOO_MANY, DRAWDOWN, LEVERED, TOO_LARGE, CONCENTRATION, EXPOSURE, KILLED = range(8, 16)

# Places of the state.
LAST_PRICE, SQUARE, SPAN, SIZE_ATR, STOP_ATR, PEAK, FIRST, BASE, LAST_EQUITY = range(9)
MARK, HELD, LAST_PROFIT, K1, K2, SIZED, ENTERED, BEST, WIDTH, LEVEL = range(9, 19)
NUMBERS = 19
NOW, LAST_TIME, AGE, SIZE_SEEN, STOP_SEEN, TODAY, ENTRIES, OVER, UNTIL = range(9)
TRIP, BARS, TRIPS, LOSSES, DEAD, SIDE, SIDE_SIZED, SINCE, KILL = range(9, 18)
COUNTS = 18

NEVER = np.iinfo(np.int64).min
DAY = 86_400_000_000
YEAR = 31_557_600_000_000.0
SQRT2 = math.sqrt(2.0)


@kernel
def _wilder(level: float, seen: int, window: int, value: float) -> tuple[float, int]:
    """Wilder's average after one more value, seeded with the mean of the first `window`; 0 rows: off."""
    if seen < window:
        level += value
        seen += 1
        if seen == window:
            level /= window
    elif window > 0:
        level = (level * (window - 1) + value) / window
    return level, seen


@kernel
def _share(
    p: Floats, volatility: float, trips: int, k1: float, k2: float, edge: float, chance: float
) -> float:
    """Notional wanted as a share of equity at a full target, before the cap; NaN where it is not known."""
    kind = p[SIZER]
    if kind == VOLATILITY:
        return p[SIZE] / volatility if volatility > 0.0 else np.nan
    if kind == KELLY:
        if trips < p[NEED]:
            return p[BEGIN]
        return max(p[SIZE] * (k1 / k2) if k2 > 0.0 else 0.0, p[LEAST])
    better = 2.0 * chance - 1.0
    if better != better or edge != edge:
        return np.nan
    # A right call pays edge / better and a wrong one costs as much: mean over mean square.
    return p[SIZE] * (better * better / edge) if better > 0.0 and better <= 1.0 and edge > 0.0 else 0.0


@kernel
def _scale(p: Floats, score: float, chance: float) -> float:
    """Factor of 0 to 1 from the model's own confidence; NaN where it is not known."""
    if p[SCALE] == BY_SCORE:
        if score != score:
            return np.nan
        return max(min(abs(score) / p[FULL], 1.0), p[SCALE_LEAST])
    if p[SCALE] == BY_PROBABILITY:
        if not (chance >= 0.0 and chance <= 1.0):
            return np.nan
        if chance <= 0.5:
            return 0.0
        if chance < 1.0:
            return math.erf((chance - 0.5) / math.sqrt(chance * (1.0 - chance)) / SQRT2)
    return 1.0


@kernel
def _within(amount: float, unit: float, room: float) -> float:
    """The largest amount not above `amount` whose notional is not above `room`, in floating point too."""
    if amount * unit > room:
        amount = min(amount, room / unit)
        if amount * unit > room:
            amount = np.nextafter(amount, 0.0)
    return amount


@kernel
def _limited(
    p: Floats, amount: float, unit: float, worth: float, drop: float, others: float
) -> tuple[float, int]:
    """The amount under drawdown throttle and caps, and the last of them that lowered it."""
    reason = AS_WANTED
    capped = _within(amount, unit, p[CAP] * worth)
    if capped < amount:
        # Inertia kept what the sizer's own cap no longer allows.
        amount, reason = capped, LEVERED
    if drop > p[FROM]:
        factor = p[THROTTLE_LEAST]
        if drop < p[TO]:
            factor += (1.0 - factor) * ((p[TO] - drop) / (p[TO] - p[FROM]))
        amount *= factor
        reason = DRAWDOWN
    if amount > p[UNITS]:
        amount, reason = p[UNITS], TOO_LARGE
    capped = _within(amount, unit, p[SHARE] * worth)
    if capped < amount:
        amount, reason = capped, CONCENTRATION
    if p[TOTAL] < np.inf:
        # Other positions that are not known leave no room.
        room = max(p[TOTAL] * worth - others, 0.0) if others >= 0.0 else 0.0
        capped = _within(amount, unit, room)
        if capped < amount:
            amount, reason = capped, EXPOSURE
    return amount, reason


@kernel
def _distance(p: Floats, width: float, atr: float, age: int) -> float:
    """How far the stop lies from its anchor, in price; `width` is what it was at the entry."""
    if p[STOP] != ADAPTIVE_STOP:
        return width
    shrink = max(p[TIGHTEST], 1.0 - (1.0 - p[TIGHTEST]) * (age / p[LIFE]))
    return min(p[MULTIPLE] * atr * shrink, p[WIDEST] * width)


@kernel
def allow(
    numbers: Floats,
    counts: Ints,
    table: Floats,
    constants: Floats,
    start: int,
    stop: int,
    time: Ints,
    known_at: Ints,
    high: Floats,
    low: Floats,
    close: Floats,
    target: Floats,
    score: Floats,
    edge: Floats,
    probability: Floats,
    row: Ints,
    equity: Floats,
    position: Floats,
    profit: Floats,
    others: Floats,
    closed: Bytes,
    out_position: Floats,
    out_stop: Floats,
    out_reason: Bytes,
) -> None:
    """Allowed position in units, stop level (NaN: none) and reason for each bar `start <= i < stop`.

    `numbers` and `counts` are the state, `row[i]` the row of `table` that holds, `closed[i]` the side
    that the broker left on its own, or 0. Order: estimates, account, switches, size, limits, entry, stop.
    """
    last_price, square, span = numbers[LAST_PRICE], numbers[SQUARE], numbers[SPAN]
    size_atr, stop_atr = numbers[SIZE_ATR], numbers[STOP_ATR]
    peak, first, base, last_equity = numbers[PEAK], numbers[FIRST], numbers[BASE], numbers[LAST_EQUITY]
    mark, held, last_profit = numbers[MARK], numbers[HELD], numbers[LAST_PROFIT]
    k1, k2 = numbers[K1], numbers[K2]
    sized = numbers[SIZED]
    entered, best, width, level = numbers[ENTERED], numbers[BEST], numbers[WIDTH], numbers[LEVEL]
    now, last_time, age = counts[NOW], counts[LAST_TIME], counts[AGE]
    size_seen, stop_seen = counts[SIZE_SEEN], counts[STOP_SEEN]
    today, entries, over, until = counts[TODAY], counts[ENTRIES], counts[OVER], counts[UNTIL]
    trip, bars, trips, losses = counts[TRIP], counts[BARS], counts[TRIPS], counts[LOSSES]
    dead, side, side_sized, since = counts[DEAD], counts[SIDE], counts[SIDE_SIZED], counts[SINCE]
    kill = counts[KILL]
    multiplier, half_life, keep_trip = constants[MULTIPLIER], constants[HALF_LIFE], constants[MEMORY]
    size_window, stop_window = int(constants[SIZE_WINDOW]), int(constants[STOP_WINDOW])
    opens = int(constants[OPENS])
    for i in range(start, stop):
        p = table[row[i]]
        now = max(now, known_at[i])
        price = close[i]
        unit = price * multiplier
        priced = price > 0.0 and unit > 0.0 and unit < np.inf
        top = bottom = price
        if priced:
            if high[i] > price and high[i] < np.inf:
                top = high[i]
            if low[i] < price and low[i] > 0.0:
                bottom = low[i]
            if last_price == last_price:
                step = time[i] - last_time
                if half_life > 0.0:
                    change = math.log(price) - math.log(last_price)
                    keep = math.exp(-(step / half_life) * 0.6931471805599453)
                    square = keep * square + change * change
                    span = keep * span + step
                    age += step
                true_range = max(top, last_price) - min(bottom, last_price)
                size_atr, size_seen = _wilder(size_atr, size_seen, size_window, true_range)
                stop_atr, stop_seen = _wilder(stop_atr, stop_seen, stop_window, true_range)
            last_price = price
            last_time = time[i]

        day = (now - opens) // DAY
        if day != today:
            today, entries, over, base = day, 0, 0, last_equity
        worth = equity[i]
        sound = worth > 0.0 and worth < np.inf
        gain = profit[i]
        units = position[i]
        if gain - gain == 0.0 and units - units == 0.0:
            now_held = 1 if units > 0.0 else (-1 if units < 0.0 else 0)
            ended = False
            result = 0.0
            average = 0.0
            if trip != 0:
                ended = now_held != trip
                result = gain - mark
                average = held / bars if bars > 0 else 0.0
            elif now_held == 0 and last_profit == last_profit:
                # Opened and closed between two bars: only the profit shows it, and not its size.
                ended = gain != last_profit
                result = gain - last_profit
            if ended:
                trips += 1
                if result < 0.0:
                    losses += 1
                    until = max(until, now + int(p[WAIT]))
                elif result > 0.0:
                    losses = 0
                share = result / average if average > 0.0 else np.nan
                if abs(share) < 1e100:
                    k1 = keep_trip * k1 + share
                    k2 = keep_trip * k2 + share * share
            if now_held != trip:
                mark = gain if trip != 0 or last_profit != last_profit else last_profit
                held = 0.0
                bars = 0
                trip = now_held
            if now_held != 0 and priced:
                held += abs(units) * unit
                bars += 1
            last_profit = gain

        drop = 0.0
        if sound:
            if first != first:
                first = worth
            if base != base:
                base = worth
            peak = worth if peak != peak else max(peak, worth)
            drop = (peak - worth) / peak
            last_equity = worth
        if sound or (worth <= 0.0 and worth > -np.inf):
            # An account at or below 0 cannot be sized, but it has lost.
            if base - worth >= p[DAY_LOSS] * base:
                over = 1
            lost = first - worth >= p[KILL_LOSS] * first
            fallen = peak - worth >= p[KILL_DRAWDOWN] * peak
            if lost or fallen:
                kill = 1
        if losses >= p[KILL_LOSSES]:
            kill = 1

        wanted = target[i]
        way = 1 if wanted > 0.0 else (-1 if wanted < 0.0 else 0)
        if way != dead:
            dead = 0
        if closed[i] * way > 0:
            dead = way
        if side > 0 and way == side and (low[i] <= level or price <= level):
            dead = side
        if side < 0 and way == side and (high[i] >= level or price >= level):
            dead = side

        reason = AS_WANTED
        amount = 0.0
        if wanted != wanted:
            reason = NO_TARGET
        elif way != 0 and not priced:
            reason = NO_PRICE
        elif way != 0 and not sound:
            reason = NO_EQUITY
        elif way != 0:
            if p[SIZER] == FIXED:
                amount = p[SIZE]
            elif p[SIZER] == ATR:
                ready = size_seen == size_window and size_atr > 0.0
                amount = p[SIZE] * worth / (p[DISTANCE] * size_atr * multiplier) if ready else np.nan
            else:
                known = p[SIZER] == VOLATILITY and age >= half_life and span > 0.0
                volatility = math.sqrt(square / span * YEAR) if known else 0.0
                share = _share(p, volatility, trips, k1, k2, edge[i], probability[i])
                amount = share * worth / unit
            if amount == amount:
                amount = min(amount, p[CAP] * worth / unit)
            amount *= _scale(p, score[i], probability[i]) * abs(wanted)
            if not amount < np.inf:
                amount = 0.0
                reason = UNKNOWN
            elif way == side_sized and abs(amount - sized) <= p[INERTIA] * sized:
                amount = sized
            elif amount == 0.0:
                reason = NOTHING
        sized = amount
        side_sized = way if amount > 0.0 else 0

        if amount > 0.0:
            amount, reason = _limited(p, amount, unit, worth, drop, others[i])
            ready = p[STOP] == NO_STOP or (stop_seen == stop_window and stop_atr > 0.0)
            gate = AS_WANTED
            if kill != 0:
                gate = KILLED
            elif over != 0:
                gate = DAY_LOST
            elif now < until:
                gate = COOLING
            elif dead != 0:
                gate = STOPPED
            elif not ready:
                gate = UNKNOWN
            elif amount > 0.0 and way != side:
                if entries >= p[TRADES]:
                    gate = TOO_MANY
                else:
                    entries += 1
                    entered, best, since, width = price, price, now, 0.0
            if gate != AS_WANTED:
                reason = gate
                amount = 0.0

        level = np.nan
        if amount > 0.0 and p[STOP] != NO_STOP:
            if width == 0.0:
                width = p[MULTIPLE] * stop_atr
            if way == side:
                best = max(best, top) if way > 0 else min(best, bottom)
            distance = _distance(p, width, stop_atr, now - since)
            anchor = best if p[TRAIL] != 0.0 else entered
            level = max(anchor - distance, 0.0) if way > 0 else anchor + distance
            if (way > 0 and level >= price) or (way < 0 and level <= price):
                level = np.nan
                amount = 0.0
                dead = way
                reason = STOPPED
        side = way if amount > 0.0 else 0
        out_position[i] = amount * way if amount > 0.0 else 0.0
        out_stop[i] = level
        out_reason[i] = reason
    numbers[LAST_PRICE], numbers[SQUARE], numbers[SPAN] = last_price, square, span
    numbers[SIZE_ATR], numbers[STOP_ATR] = size_atr, stop_atr
    numbers[PEAK], numbers[FIRST], numbers[BASE], numbers[LAST_EQUITY] = peak, first, base, last_equity
    numbers[MARK], numbers[HELD], numbers[LAST_PROFIT] = mark, held, last_profit
    numbers[K1], numbers[K2] = k1, k2
    numbers[SIZED] = sized
    numbers[ENTERED], numbers[BEST], numbers[WIDTH], numbers[LEVEL] = entered, best, width, level
    counts[NOW], counts[LAST_TIME], counts[AGE] = now, last_time, age
    counts[SIZE_SEEN], counts[STOP_SEEN] = size_seen, stop_seen
    counts[TODAY], counts[ENTRIES], counts[OVER], counts[UNTIL] = today, entries, over, until
    counts[TRIP], counts[BARS], counts[TRIPS], counts[LOSSES] = trip, bars, trips, losses
    counts[DEAD], counts[SIDE], counts[SIDE_SIZED], counts[SINCE] = dead, side, side_sized, since
    counts[KILL] = kill


@kernel
def drive(
    numbers: Floats,
    counts: Ints,
    table: Floats,
    constants: Floats,
    time: Ints,
    known_at: Ints,
    high: Floats,
    low: Floats,
    close: Floats,
    target: Floats,
    score: Floats,
    edge: Floats,
    probability: Floats,
    row: Ints,
    capital: float,
    costs: Floats,
    due: Ints,
    trade_time: Ints,
    trade_price: Floats,
    equity: Floats,
    held: Floats,
    others: Floats,
    closed: Bytes,
    out_position: Floats,
    out_stop: Floats,
    out_reason: Bytes,
    fill_row: Ints,
    fill_time: Ints,
    fills: Floats,
) -> int:
    """The closed loop: each bar's trades meet orders and stop, the account is marked, `allow` decides anew.

    Decision i meets the first trade later than `due[i]`, and its stop holds from there on. A stop is filled
    at the price of the trade that touches it, before any order of that trade; orders for the side that it
    left are dropped until another target comes. `costs` are (fee rate, fee per unit, half spread, slippage
    rate). `fills` (rows, 6): market, price, quantity, position, fee, cost; `fill_row` is -1 for a stop; they
    hold twice as many rows as there are bars. Returns the number of fills.
    """
    multiplier = constants[MULTIPLIER]
    cash, position = capital, 0.0
    j = head = made = blocked = 0
    active = -1
    for i in range(len(time)):
        closed[i] = 0
        while j < len(trade_time) and trade_time[j] <= time[i]:
            now, market = trade_time[j], trade_price[j]
            while active + 1 < i and due[active + 1] < now:
                active += 1
            stopping = False
            if active >= 0 and position * out_position[active] > 0.0:
                level = out_stop[active]
                stopping = market <= level if position > 0.0 else market >= level
            while stopping or (head < i and due[head] < now):
                wanted = 0.0
                if stopping:
                    blocked = 1 if position > 0.0 else -1
                    closed[i] = blocked
                else:
                    wanted = out_position[head]
                    head += 1
                    if wanted * blocked > 0.0:
                        continue
                    blocked = 0
                change = wanted - position
                if change != 0.0:
                    units = abs(change)
                    away = costs[2] + costs[3] * market
                    fee = costs[0] * market * units * multiplier + costs[1] * units
                    cost = fee + away * units * multiplier
                    cash -= change * market * multiplier + cost
                    position = wanted
                    fill_row[made] = -1 if stopping else head - 1
                    fill_time[made] = now
                    fills[made, 0], fills[made, 2], fills[made, 3] = market, change, position
                    fills[made, 1] = market + away if change > 0.0 else market - away
                    fills[made, 4], fills[made, 5] = fee, cost
                    made += 1
                stopping = False
            j += 1
        held[i] = position
        equity[i] = cash + position * close[i] * multiplier
        allow(
            numbers,
            counts,
            table,
            constants,
            i,
            i + 1,
            time,
            known_at,
            high,
            low,
            close,
            target,
            score,
            edge,
            probability,
            row,
            equity,
            held,
            equity,
            others,
            closed,
            out_position,
            out_stop,
            out_reason,
        )
    return made
