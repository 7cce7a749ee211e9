"""The broker's event loop: orders, protective exits, margin and charges meet the market's trades."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from bateia.core.events import Bytes, Floats, Ints
from bateia.kernels.jit import kernel

# `account`: its state, the margin's rules, and what the loop counts.
(
    CASH,
    PAST,
    DAY_NUMBER,
    TODAY,
    LIQUIDATING,
    REFUSED,
    MARGIN,
    INITIAL,
    MAINTENANCE,
    LIQUIDATION_FEE,
    MADE,
    CHARGED,
    FAILED,
    RING,
) = range(14)
DAYS = 30
# `book` and `clock`: the state of each symbol, a row each.
POSITION, MARK, ENTRY, BEST, ATR, HOLD, LIMIT, PROMISED, VOLATILITY, VOLUME, HALF, RANGE = range(12)
OPENED, FUNDED, BORROWED, HEAD, STOP_ROW, FUNDING_FIRST, FUNDING_STOP = range(7)
# `params`: the rules of each symbol, a row each; then three columns for each tier of fees.
(
    QUANTITY,
    MULTIPLIER,
    PER_UNIT,
    MIN_FEE,
    SPREAD,
    SPREAD_RATE,
    SPREAD_ESTIMATE,
    SLIPPAGE,
    SLIPPAGE_VOLATILITY,
    IMPACT,
    TICK,
    LOT,
    MIN_NOTIONAL,
    PASSIVE,
    STOP,
    STOP_ATR,
    TAKE,
    TAKE_ATR,
    TRAIL,
    TRAIL_ATR,
    TIME_OUT,
    STOP_FIRST,
    BORROW,
    FUNDING_EVERY,
    FUNDING_RATE,
    TIERS,
) = range(26)
# `orders`, by symbol and then in line; `funding`, by symbol and then in time.
DECIDED, DUE, ROW, TARGET = range(4)
# Why a fill was made, and what a charge is for.
ORDER, STOPPED, TRAILED, TAKEN, TIMED_OUT, LIQUIDATED, CLOSED = range(7)
BY_FUNDING, BY_BORROWING = range(2)
FILL_COLUMNS, CHARGE_COLUMNS = 17, 7

DAY_US = 86_400_000_000
YEAR_US = 365.25 * DAY_US
NEVER_DUE = np.iinfo(np.int64).max


class Desk(NamedTuple):
    """All that the loop reads and writes, times in microseconds as exact float64 where a table is of floats.

    `fills` rows are (time, decided, row, market, price, quantity, position, fee, cost, spread, slippage,
    impact, liquidation, reason, maker, symbol, cash), `charges` rows (time, symbol, kind, position, market,
    amount, cash). Few arrays, and never a view of one: each costs reference counts in every call.
    """

    account: Floats
    book: Floats
    clock: Ints
    params: Floats
    orders: Floats
    funding: Floats
    fills: Floats
    charges: Floats


@kernel
def _new_day(account: Floats, time: int) -> None:
    """Notional traded on complete UTC days moves into the ring of the last 30."""
    day, known = float(time // DAY_US), account[DAY_NUMBER]
    if known >= day:
        return
    if known == known and day - known <= DAYS:
        account[RING + int(known) % DAYS] = account[TODAY]
        for passed in range(int(known) + 1, int(day)):
            account[RING + passed % DAYS] = 0.0
    else:
        for k in range(DAYS):
            account[RING + k] = 0.0
    account[DAY_NUMBER], account[TODAY], account[PAST] = day, 0.0, 0.0
    for k in range(DAYS):
        account[PAST] += account[RING + k]


@kernel
def _charge(d: Desk, s: int, kind: int, time: int, mark: float, amount: float) -> None:
    """One charge written, and taken from the cash."""
    k = int(d.account[CHARGED])
    d.account[CASH] -= amount
    d.charges[k, 0], d.charges[k, 1], d.charges[k, 2] = float(time), float(s), float(kind)
    d.charges[k, 3], d.charges[k, 4] = d.book[s, POSITION], mark
    d.charges[k, 5], d.charges[k, 6] = amount, d.account[CASH]
    d.account[CHARGED] += 1.0


@kernel
def _lend(d: Desk, s: int, time: int, mark: float) -> None:
    """The borrow fee of a short since it was last charged, by calendar time."""
    held = d.book[s, POSITION]
    if held < 0.0 and time > d.clock[s, BORROWED]:
        years = (time - d.clock[s, BORROWED]) / YEAR_US
        notional = -held * mark * d.params[s, MULTIPLIER]
        _charge(d, s, BY_BORROWING, time, mark, d.params[s, BORROW] * years * notional)
    d.clock[s, BORROWED] = time


@kernel
def _funding_row(d: Desk, s: int) -> int:
    """The first row of the table of funding later than what the symbol has been charged for."""
    low, high = d.clock[s, FUNDING_FIRST], d.clock[s, FUNDING_STOP]
    while low < high:
        middle = (low + high) // 2
        if d.funding[middle, 0] <= d.clock[s, FUNDED]:
            low = middle + 1
        else:
            high = middle
    return low


@kernel
def _next_funding(d: Desk, s: int) -> int:
    """When the symbol's position is next funded."""
    if d.params[s, FUNDING_EVERY] > 0.0:
        every = int(d.params[s, FUNDING_EVERY])
        return (d.clock[s, FUNDED] // every + 1) * every
    k = _funding_row(d, s)
    return int(d.funding[k, 0]) if k < d.clock[s, FUNDING_STOP] else NEVER_DUE


@kernel
def _next_lending(d: Desk, s: int) -> int:
    """The next midnight UTC at which a short is charged."""
    if d.book[s, POSITION] < 0.0 and d.params[s, BORROW] > 0.0:
        return (d.clock[s, BORROWED] // DAY_US + 1) * DAY_US
    return NEVER_DUE


@kernel
def _upcoming(d: Desk) -> int:
    """When the next charge of any symbol falls due."""
    soonest = NEVER_DUE
    for s in range(len(d.book)):
        if d.book[s, POSITION] != 0.0:
            soonest = min(soonest, _next_funding(d, s), _next_lending(d, s))
    return soonest


@kernel
def _settle(d: Desk, time: int) -> int:
    """Every charge due up to `time`, oldest first, at each symbol's last price; when the next one is due."""
    soonest = _upcoming(d)
    while soonest <= time:
        for s in range(len(d.book)):
            held, mark = d.book[s, POSITION], d.book[s, MARK]
            if held == 0.0:
                continue
            if _next_funding(d, s) == soonest:
                rate = d.params[s, FUNDING_RATE]
                if d.params[s, FUNDING_EVERY] == 0.0:
                    rate = d.funding[_funding_row(d, s), 1]
                d.clock[s, FUNDED] = soonest
                _charge(d, s, BY_FUNDING, soonest, mark, rate * (held * mark * d.params[s, MULTIPLIER]))
            if _next_lending(d, s) == soonest:
                _lend(d, s, soonest, mark)
        soonest = _upcoming(d)
    return soonest


@kernel
def _away(book: Floats, params: Floats, s: int, market: float, units: float) -> tuple[float, float, float]:
    """Half spread, slippage and impact of a market order, in price units; NaN where one is not known."""
    spread = params[s, SPREAD] + params[s, SPREAD_RATE] * market
    if params[s, SPREAD_ESTIMATE] > 0.0:
        spread += params[s, SPREAD_ESTIMATE] * book[s, HALF]
    slippage = params[s, SLIPPAGE] * market
    if params[s, SLIPPAGE_VOLATILITY] > 0.0:
        slippage += params[s, SLIPPAGE_VOLATILITY] * book[s, VOLATILITY] * market
    impact = 0.0
    if params[s, IMPACT] > 0.0:
        impact = np.nan
        if book[s, VOLUME] > 0.0:
            impact = params[s, IMPACT] * book[s, VOLATILITY] * math.sqrt(units / book[s, VOLUME]) * market
    return spread, slippage, impact


@kernel
def _fee(account: Floats, params: Floats, s: int, market: float, units: float, maker: bool) -> float:
    """The fee of a fill, at the rates of the tier that the notional of 30 days has reached."""
    tier, last = TIERS, params.shape[1] - 3
    while tier < last and params[s, tier + 3] <= account[PAST]:
        tier += 3
    rate = params[s, tier + 2] if maker else params[s, tier + 1]
    # On the market's notional, not on the price paid: keeps every cost linear in its parameter.
    fee = rate * market * units * params[s, MULTIPLIER] + params[s, PER_UNIT] * units
    return fee if params[s, MIN_FEE] == 0.0 else max(fee, params[s, MIN_FEE])


@kernel
def _enter(book: Floats, clock: Ints, s: int, time: int, market: float, wanted: float) -> None:
    """The position after a fill: where it was entered, and since when it is watched."""
    held = book[s, POSITION]
    book[s, PROMISED] = 0.0
    if wanted != 0.0 and (held == 0.0 or (wanted > 0.0) != (held > 0.0)):
        book[s, ENTRY] = book[s, BEST] = market
        book[s, ATR] = book[s, RANGE]
        clock[s, OPENED] = time
        if held == 0.0:
            clock[s, FUNDED] = time
    elif abs(wanted) > abs(held):
        added = abs(wanted) - abs(held)
        book[s, ENTRY] = (book[s, ENTRY] * abs(held) + market * added) / abs(wanted)
    book[s, POSITION] = wanted


@kernel
def _fill(
    d: Desk, s: int, time: int, market: float, wanted: float, reason: int, maker: bool, order: int
) -> None:
    """Bring the position to `wanted` units at `market` with its costs; FAILED where one is not known."""
    change = wanted - d.book[s, POSITION]
    units, times = abs(change), d.params[s, MULTIPLIER]
    spread = slippage = impact = 0.0
    if not maker:
        spread, slippage, impact = _away(d.book, d.params, s, market, units)
    away = spread + slippage + impact
    by_range = d.params[s, STOP_ATR] + d.params[s, TAKE_ATR] + d.params[s, TRAIL_ATR] > 0.0
    if away != away or (by_range and d.book[s, RANGE] != d.book[s, RANGE]):
        d.account[FAILED] = 1.0
        return
    price = market + away if change > 0.0 else market - away
    if d.params[s, TICK] > 0.0 and not maker:
        steps = price / d.params[s, TICK]
        price = (math.ceil(steps - 1e-9) if change > 0.0 else math.floor(steps + 1e-9)) * d.params[s, TICK]
        # What rounding adds is paid for crossing the book, which quotes whole ticks.
        spread += abs(price - market) - away
        away = abs(price - market)
    _new_day(d.account, time)
    fee = _fee(d.account, d.params, s, market, units, maker)
    forced = d.account[LIQUIDATION_FEE] * market * units * times if reason == LIQUIDATED else 0.0
    cost = fee + away * units * times + forced
    if d.params[s, BORROW] > 0.0:
        _lend(d, s, time, market)
    d.account[CASH] -= change * market * times + cost
    d.account[TODAY] += units * market * times
    _enter(d.book, d.clock, s, time, market, wanted)
    k, row = int(d.account[MADE]), d.fills
    row[k, 0] = row[k, 1] = float(time)
    row[k, 2] = -1.0
    if order >= 0:
        row[k, 1], row[k, 2] = d.orders[order, DECIDED], d.orders[order, ROW]
    row[k, 3], row[k, 4], row[k, 5], row[k, 6], row[k, 7], row[k, 8] = (
        market,
        price,
        change,
        wanted,
        fee,
        cost,
    )
    row[k, 9], row[k, 10], row[k, 11] = (
        spread * units * times,
        slippage * units * times,
        impact * units * times,
    )
    row[k, 12], row[k, 13], row[k, 14] = forced, float(reason), 1.0 if maker else 0.0
    row[k, 15], row[k, 16] = float(s), d.account[CASH]
    d.account[MADE] += 1.0


@kernel
def _trigger(book: Floats, params: Floats, s: int, opened: int, time: int, price: float) -> int:
    """Why the position must be left at this trade; 0 (ORDER) where it need not."""
    side = 1.0 if book[s, POSITION] > 0.0 else -1.0
    entry, best, atr = book[s, ENTRY], book[s, BEST], book[s, ATR]
    gain, lost, by = side * (price - entry), side * (best - price), params
    reason = ORDER
    if (by[s, STOP] > 0.0 and gain <= -by[s, STOP] * entry) or (
        by[s, STOP_ATR] > 0.0 and gain <= -by[s, STOP_ATR] * atr
    ):
        reason = STOPPED
    elif (by[s, TRAIL] > 0.0 and lost >= by[s, TRAIL] * best) or (
        by[s, TRAIL_ATR] > 0.0 and lost >= by[s, TRAIL_ATR] * atr
    ):
        reason = TRAILED
    elif (by[s, TAKE] > 0.0 and gain >= by[s, TAKE] * entry) or (
        by[s, TAKE_ATR] > 0.0 and gain >= by[s, TAKE_ATR] * atr
    ):
        reason = TAKEN
    elif by[s, TIME_OUT] > 0.0 and time >= opened + int(by[s, TIME_OUT]):
        reason = TIMED_OUT
    return reason


@kernel
def _left_at(book: Floats, params: Floats, s: int, reason: int, price: float) -> float:
    """The market's price for an exit: this trade's own, but no better than a take-profit's level.

    A take-profit that has waited for the candle's other extreme gets its level.
    """
    if reason != TAKEN:
        return price
    side = 1.0 if book[s, POSITION] > 0.0 else -1.0
    entry = book[s, ENTRY]
    gain = params[s, TAKE] * entry if params[s, TAKE] > 0.0 else params[s, TAKE_ATR] * book[s, ATR]
    if book[s, PROMISED] > 0.0:
        return entry + side * gain
    return min(price, entry + gain) if side > 0.0 else max(price, entry - gain)


@kernel
def _worth(account: Floats, book: Floats, params: Floats, s: int, price: float) -> tuple[float, float]:
    """Equity with symbol `s` at `price`, and the notional of all positions."""
    equity, notional = account[CASH], 0.0
    for k in range(len(book)):
        if book[k, POSITION] != 0.0:
            value = book[k, POSITION] * (price if k == s else book[k, MARK]) * params[k, MULTIPLIER]
            equity += value
            notional += abs(value)
    return equity, notional


@kernel
def _wanted(account: Floats, book: Floats, params: Floats, s: int, target: float, price: float) -> float:
    """Units that an order for `target` may bring the position to: whole lots, margin, minimum notional."""
    held = book[s, POSITION]
    side = 1.0 if target > 0.0 else -1.0
    size = abs(target * params[s, QUANTITY])
    kept = abs(held) if held * side > 0.0 else 0.0
    unit = price * params[s, MULTIPLIER]
    if account[MARGIN] > 0.0 and account[INITIAL] > 0.0 and size > kept:
        equity, notional = _worth(account, book, params, s, price)
        room = (equity / account[INITIAL] - (notional - abs(held * unit))) / unit
        size = max(min(size, room), kept)
    if params[s, LOT] > 0.0 and size != kept:
        size = math.floor(size / params[s, LOT] + 1e-9) * params[s, LOT]
    wanted = side * size if size > 0.0 else 0.0
    small = abs(wanted - held) * unit < params[s, MIN_NOTIONAL]
    return held if small and wanted != 0.0 else wanted


@kernel
def _next_order(account: Floats, book: Floats, clock: Ints, s: int, refused: bool) -> None:
    """The first order in line is done with."""
    clock[s, HEAD] += 1
    book[s, LIMIT] = np.nan
    if refused:
        account[REFUSED] += 1.0


@kernel
def _rest(d: Desk, s: int, time: int, price: float, wanted: float) -> bool:
    """A passive order at the last price waits for a trade beyond it; True once it is filled."""
    if not d.book[s, LIMIT] > 0.0:
        d.book[s, LIMIT] = d.book[s, MARK] if d.book[s, MARK] > 0.0 else price
    limit, change = d.book[s, LIMIT], wanted - d.book[s, POSITION]
    if (change > 0.0 and price < limit) or (change < 0.0 and price > limit):
        _fill(d, s, time, limit, wanted, ORDER, True, d.clock[s, HEAD])
        return True
    return False


@kernel
def _orders(d: Desk, s: int, time: int, price: float) -> None:
    """Orders due before this trade meet it, oldest first."""
    stop = d.clock[s, STOP_ROW]
    while d.clock[s, HEAD] < stop and d.orders[d.clock[s, HEAD], DUE] < time:
        k = d.clock[s, HEAD]
        target = d.orders[k, TARGET]
        if target * d.book[s, HOLD] > 0.0:
            # Left by a protective exit: flat until the policy wants something else.
            _next_order(d.account, d.book, d.clock, s, False)
            continue
        d.book[s, HOLD] = 0.0
        wanted = _wanted(d.account, d.book, d.params, s, target, price)
        if wanted == d.book[s, POSITION]:
            _next_order(d.account, d.book, d.clock, s, wanted != target * d.params[s, QUANTITY])
            continue
        if d.params[s, PASSIVE] > 0.0:
            replaced = k + 1 < stop and d.orders[k + 1, DUE] < time
            if not _rest(d, s, time, price, wanted) and not replaced:
                return
        else:
            _fill(d, s, time, price, wanted, ORDER, False, k)
        if d.account[FAILED] > 0.0:
            return
        _next_order(d.account, d.book, d.clock, s, False)


@kernel
def _short_of(account: Floats, book: Floats, params: Floats, s: int, price: float) -> bool:
    """Whether the account is being liquidated: since it fell to its maintenance margin, until all is flat."""
    equity, notional = _worth(account, book, params, s, price)
    if notional == 0.0:
        account[LIQUIDATING] = 0.0
    elif equity <= account[MAINTENANCE] * notional:
        account[LIQUIDATING] = 1.0
    return account[LIQUIDATING] > 0.0


@kernel
def _still(
    account: Floats,
    book: Floats,
    clock: Ints,
    params: Floats,
    orders: Floats,
    s: int,
    time: int,
    price: float,
) -> bool:
    """Whether a resting order goes on resting at this trade, with no later one in its place."""
    k = clock[s, HEAD]
    if book[s, HOLD] != 0.0 or (k + 1 < clock[s, STOP_ROW] and orders[k + 1, DUE] < time):
        return False
    change = _wanted(account, book, params, s, orders[k, TARGET], price) - book[s, POSITION]
    return (change > 0.0 and price >= book[s, LIMIT]) or (change < 0.0 and price <= book[s, LIMIT])


@kernel
def _liquidate(d: Desk, s: int, time: int, price: float) -> None:
    """Close the symbol's position; orders that are due are refused.

    The account's other symbols are closed at their own next trades.
    """
    while d.clock[s, HEAD] < d.clock[s, STOP_ROW] and d.orders[d.clock[s, HEAD], DUE] < time:
        _next_order(d.account, d.book, d.clock, s, True)
    held = d.book[s, POSITION]
    if held != 0.0:
        d.book[s, HOLD] = 1.0 if held > 0.0 else -1.0
        _fill(d, s, time, price, 0.0, LIQUIDATED, False, -1)


@kernel
def _later(time: Ints, start: int, bound: int) -> int:
    """The first row from `start` on whose time is later than `bound`, or their number."""
    step = 1
    while start + step <= len(time) and time[start + step - 1] <= bound:
        start += step
        step *= 2
    stop = min(start + step - 1, len(time))
    while start < stop:
        middle = (start + stop) // 2
        if time[middle] <= bound:
            start = middle + 1
        else:
            stop = middle
    return start


@kernel
def execute(
    d: Desk,
    time: Ints,
    price: Floats,
    symbol: Bytes,
    gauged: Ints,
    gauged_symbol: Ints,
    gauge: Floats,
    more: Bytes,
) -> int:
    """Meet orders, exits, margin and charges with trades in time order; returns how many trades were met.

    An order due at T takes its symbol's first trade later than T, and several orders may take the same
    trade, oldest first. A charge of time T falls on what was held before the first trade at or after T.
    `gauge[i]` (volatility, volume, half spread, range) holds from trade `gauged[i]` on. Where `more[j]` is
    not 0 the symbol's next trade is the other extreme of the same candle: a take-profit then waits for it,
    since a stop may have come first. Less than all the trades come back where a fill's cost was not known:
    state and output are then of no use.
    """
    n, c, j = len(time), 0, 0
    book, clock, params, orders = d.book, d.clock, d.params, d.orders
    alone, margin = len(book) == 1, d.account[MARGIN] > 0.0
    charging, watched, stops = False, np.zeros(len(book), np.bool_), np.zeros(len(book), np.bool_)
    for s in range(len(book)):
        charging |= params[s, BORROW] > 0.0 or params[s, FUNDING_EVERY] > 0.0
        charging |= clock[s, FUNDING_STOP] > clock[s, FUNDING_FIRST]
        for exit_ in range(STOP, TIME_OUT + 1):
            watched[s] |= params[s, exit_] > 0.0
        stops[s] = params[s, STOP_FIRST] > 0.0 and (
            params[s, STOP] + params[s, STOP_ATR] + params[s, TRAIL] + params[s, TRAIL_ATR] > 0.0
        )
    upcoming = _upcoming(d) if charging else NEVER_DUE
    while True:
        due = NEVER_DUE
        if alone and not book[0, LIMIT] > 0.0 and (book[0, POSITION] == 0.0 or not (watched[0] or margin)):
            # Nothing can happen before the next order or charge is due.
            start = j
            due = int(orders[clock[0, HEAD], DUE]) if clock[0, HEAD] < clock[0, STOP_ROW] else NEVER_DUE
            j = _later(time, j, min(due, upcoming - 1))
            if j > start:
                book[0, MARK] = price[j - 1]
        while c < len(gauged) and gauged[c] <= min(j, n - 1):
            for column in range(4):
                book[gauged_symbol[c], VOLATILITY + column] = gauge[c, column]
            c += 1
        if j == n:
            return n
        s, now, p = int(symbol[j]), time[j], price[j]
        if now >= upcoming:
            upcoming = _settle(d, now)
        reason, made = ORDER, d.account[MADE]
        if watched[s] and book[s, POSITION] != 0.0:
            reason = _trigger(book, params, s, clock[s, OPENED], now, p)
            if book[s, PROMISED] > 0.0 and reason not in (STOPPED, TRAILED):
                reason = TAKEN
            if reason == ORDER and (p - book[s, BEST]) * book[s, POSITION] > 0.0:
                book[s, BEST] = p
        waiting = clock[s, HEAD] < clock[s, STOP_ROW] and orders[clock[s, HEAD], DUE] < now
        short_of = margin and _short_of(d.account, book, params, s, p)
        if waiting and reason == ORDER and book[s, LIMIT] > 0.0 and not margin:
            waiting = not _still(d.account, book, clock, params, orders, s, now, p)
        if reason == TAKEN and more[j] != 0 and stops[s] and not (waiting or short_of):
            if book[s, PROMISED] == 0.0:
                book[s, PROMISED] = 1.0
                reason = ORDER
        if reason != ORDER or waiting or short_of:
            if short_of:
                _liquidate(d, s, now, p)
            else:
                if reason != ORDER:
                    book[s, HOLD] = 1.0 if book[s, POSITION] > 0.0 else -1.0
                    _fill(d, s, now, _left_at(book, params, s, reason, p), 0.0, reason, False, -1)
                if waiting:
                    _orders(d, s, now, p)
            if d.account[FAILED] > 0.0:
                return j
            if charging and d.account[MADE] > made:
                upcoming = _upcoming(d)
        book[s, MARK] = p
        j += 1


@kernel
def close_position(d: Desk, s: int, time: int, price: float) -> bool:
    """Settle what is due and bring one symbol to flat at `price`; False where a cost is not known."""
    _settle(d, time)
    if d.book[s, POSITION] != 0.0:
        _fill(d, s, time, price, 0.0, CLOSED, False, -1)
    d.book[s, MARK] = price
    return d.account[FAILED] == 0.0
