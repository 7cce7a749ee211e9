"""A broker told trade by trade in plain Python: slow, obvious, and what the kernel must equal."""

import math

import numpy as np

from bateia.trading import FixedFunding
from bateia.trading.spread import ShareSpread, TickSpread

DAY = 86_400_000_000
YEAR = 365.25 * DAY


class Symbol:
    """What is known of one symbol."""

    def __init__(self, broker, orders):
        self.broker, self.orders = broker, list(orders)
        self.position, self.last = 0.0, None
        self.entry = self.best = self.atr = None
        self.opened = self.funded = self.lent = 0
        self.left = 0
        self.limit = None
        self.promised = False
        self.gauge = (math.nan,) * 4

    def value(self, price):
        return self.position * price * self.broker.multiplier


class PlainBroker:
    """Feed `trade(time, symbol, price)` in order; `fills` and `charges` are lists of tuples."""

    def __init__(self, brokers, orders, margin=None):
        self.symbols = [Symbol(broker, line) for broker, line in zip(brokers, orders, strict=True)]
        self.margin = margin
        self.cash = margin.capital if margin else 0.0
        self.traded_on = {}
        self.liquidating = False
        self.fills, self.charges, self.refused = [], [], 0

    def trade(self, time, number, price, gauge=None, more=0):
        """One trade of one symbol, after the gauges that it is the first to see."""
        own = self.symbols[number]
        if gauge is not None:
            own.gauge = tuple(float(value) for value in gauge)
        self.settle(time)
        if not self.liquidated(time, number, price):
            reason = self.exit_of(own, time, price)
            if own.promised and reason not in {1, 2}:
                reason = 3
            if reason == 3 and more and not own.promised and self.may_have_stopped(own, time, price):
                own.promised, reason = True, 0
            if reason:
                own.left = math.copysign(1, own.position)
                self.fill(time, number, self.left_at(own, price, reason), 0.0, reason)
            self.meet(time, number, price)
        own.last = price

    def settle(self, time):
        """Funding and borrowing up to a time, oldest first."""
        while True:
            due = []
            for number, own in enumerate(self.symbols):
                if own.position != 0:
                    due += [(moment, number, "funding", rate) for moment, rate in self.funding_of(own)]
                if own.position < 0 and own.broker.costs.borrow_bps:
                    due.append(((own.lent // DAY + 1) * DAY, number, "lending", 0.0))
            due = [entry for entry in due if entry[0] <= time]
            if not due:
                return
            moment, number, kind, rate = min(due)
            own = self.symbols[number]
            if kind == "funding":
                own.funded = moment
                self.charge(moment, number, 0, own.last, rate * (own.value(own.last)))
            else:
                self.lend(number, moment, own.last)

    def funding_of(self, own):
        funding = own.broker.funding
        if funding is None:
            return []
        if isinstance(funding, FixedFunding):
            return [((own.funded // funding.every + 1) * funding.every, funding.rate_bps * 1e-4)]
        return [(r.time, r.rate_bps * 1e-4) for r in funding.rates if r.time > own.funded][:1]

    def lend(self, number, time, price):
        own = self.symbols[number]
        yearly = own.broker.costs.borrow_bps * 1e-4
        if own.position < 0 and yearly and time > own.lent:
            self.charge(time, number, 1, price, yearly * ((time - own.lent) / YEAR) * -own.value(price))
        own.lent = time

    def charge(self, time, number, kind, price, amount):
        self.cash -= amount
        self.charges.append((time, number, kind, self.symbols[number].position, price, amount, self.cash))

    def worth(self, number, price):
        """Equity and notional with one symbol at a new price."""
        equity, notional = self.cash, 0.0
        for k, own in enumerate(self.symbols):
            if own.position != 0:
                value = own.value(price if k == number else own.last)
                equity, notional = equity + value, notional + abs(value)
        return equity, notional

    def liquidated(self, time, number, price):
        if self.margin is None:
            return False
        equity, notional = self.worth(number, price)
        if notional == 0:
            self.liquidating = False
        elif equity <= self.margin.maintenance * notional:
            self.liquidating = True
        if not self.liquidating:
            return False
        own = self.symbols[number]
        while own.orders and own.orders[0][1] < time:
            own.orders.pop(0)
            own.limit = None
            self.refused += 1
        if own.position != 0:
            own.left = math.copysign(1, own.position)
            self.fill(time, number, price, 0.0, 5)
        return True

    def exit_of(self, own, time, price):
        exits = own.broker.exits
        if exits is None or own.position == 0:
            return 0
        side = math.copysign(1, own.position)
        gain, lost = side * (price - own.entry), side * (own.best - price)

        def away(distance, base):
            return (
                math.inf
                if distance is None
                else (distance.bp * 1e-4 * base if distance.atr is None else distance.atr * own.atr)
            )

        reason = 0
        if exits.time_out is not None and time >= own.opened + exits.time_out:
            reason = 4
        if gain >= away(exits.take_profit, own.entry):
            reason = 3
        if lost >= away(exits.trailing, own.best):
            reason = 2
        if gain <= -away(exits.stop_loss, own.entry):
            reason = 1
        if not reason:
            own.best = max(own.best, price) if side > 0 else min(own.best, price)
        return reason

    def may_have_stopped(self, own, time, price):
        """Whether a take-profit waits for the candle's other extreme: a stop, and no order due."""
        exits = own.broker.exits
        waits = own.orders and own.orders[0][1] < time
        return exits.both == "stop" and (exits.stop_loss or exits.trailing) and not waits

    def left_at(self, own, price, reason):
        """A take-profit is an order that lies at its level: no gap makes it better."""
        if reason != 3:
            return price
        distance = own.broker.exits.take_profit
        gain = distance.bp * 1e-4 * own.entry if distance.atr is None else distance.atr * own.atr
        if own.promised:
            return own.entry + math.copysign(1, own.position) * gain
        return min(price, own.entry + gain) if own.position > 0 else max(price, own.entry - gain)

    def meet(self, time, number, price):
        """Orders that are due, oldest first."""
        own = self.symbols[number]
        while own.orders and own.orders[0][1] < time:
            target = own.orders[0][3]
            done = True
            if target * own.left <= 0:
                own.left = 0
                wanted = self.allowed(number, target, price)
                if wanted == own.position:
                    self.refused += wanted != target * own.broker.quantity
                elif own.broker.orders == "market":
                    self.fill(time, number, price, wanted, 0, own.orders[0])
                else:
                    done = self.rest(time, number, price, wanted)
                    done = done or (len(own.orders) > 1 and own.orders[1][1] < time)
            if not done:
                return
            own.orders.pop(0)
            own.limit = None

    def rest(self, time, number, price, wanted):
        own = self.symbols[number]
        if own.limit is None:
            own.limit = price if own.last is None else own.last
        beyond = price < own.limit if wanted > own.position else price > own.limit
        if beyond:
            self.fill(time, number, own.limit, wanted, 0, own.orders[0], maker=True)
        return beyond

    def allowed(self, number, target, price):
        """Units an order may bring us to."""
        own, margin = self.symbols[number], self.margin
        broker, held = own.broker, own.position
        side = 1.0 if target > 0 else -1.0
        size, kept = abs(target * broker.quantity), abs(held) if held * side > 0 else 0.0
        unit = price * broker.multiplier
        if margin and margin.initial and size > kept:
            equity, notional = self.worth(number, price)
            size = max(min(size, (equity / margin.initial - (notional - abs(held * unit))) / unit), kept)
        if broker.lot and size != kept:
            size = math.floor(size / broker.lot + 1e-9) * broker.lot
        wanted = side * size if size > 0 else 0.0
        too_small = abs(wanted - held) * unit < broker.min_notional and wanted != 0
        return held if too_small else wanted

    def fill(self, time, number, market, wanted, reason, order=None, maker=False):
        own = self.symbols[number]
        broker, costs, held = own.broker, own.broker.costs, own.position
        # After the price was asked for.
        own.promised = False
        change = wanted - held
        units, times = abs(change), broker.multiplier
        spread, slippage, impact = (0.0, 0.0, 0.0) if maker else self.away(own, market, units)
        away = spread + slippage + impact
        price = market + away if change > 0 else market - away
        if broker.tick and not maker:
            steps = price / broker.tick
            price = (math.ceil(steps - 1e-9) if change > 0 else math.floor(steps + 1e-9)) * broker.tick
            spread += abs(price - market) - away
            away = abs(price - market)
        fee = self.fee(costs, time, market, units, times, maker)
        forced = self.margin.fee_bps * 1e-4 * market * units * times if reason == 5 else 0.0
        cost = fee + away * units * times + forced
        if costs.borrow_bps:
            self.lend(number, time, market)
        self.cash -= change * market * times + cost
        day = time // DAY
        self.traded_on[day] = self.traded_on.get(day, 0.0) + units * market * times
        if wanted != 0 and held * wanted <= 0:
            own.entry = own.best = market
            own.atr, own.opened = own.gauge[3], time
            own.funded = time if held == 0 else own.funded
        elif abs(wanted) > abs(held):
            own.entry = (own.entry * abs(held) + market * (abs(wanted) - abs(held))) / abs(wanted)
        own.position = wanted
        decided, row = (order[0], order[2]) if order else (time, -1)
        parts = (spread * units * times, slippage * units * times, impact * units * times, forced)
        self.fills.append(
            (
                time,
                decided,
                row,
                market,
                price,
                change,
                wanted,
                fee,
                cost,
                *parts,
                reason,
                maker,
                number,
                self.cash,
            )
        )

    def away(self, own, market, units):
        costs, broker, (volatility, volume, half, _) = own.broker.costs, own.broker, own.gauge
        spread = costs.half_spread
        if isinstance(costs.spread, TickSpread):
            spread += costs.spread.half * broker.tick
        if isinstance(costs.spread, ShareSpread):
            spread += costs.spread.half_bps * 1e-4 * market
        if costs.estimate:
            spread += costs.estimate.scale * half
        slippage = costs.slippage_bps * 1e-4 * market
        if costs.slippage_volatility:
            interval = math.sqrt(broker.market.every / DAY)
            slippage += costs.slippage_volatility * interval * volatility * market
        impact = costs.impact * volatility * math.sqrt(units / volume) * market if costs.impact else 0.0
        return spread, slippage, impact

    def fee(self, costs, time, market, units, times, maker):
        today = time // DAY
        past = 0.0
        # By the slot that each day has in a ring of thirty, so that the sum is the same to the last bit.
        for day in sorted(range(today - 30, today), key=lambda day: day % 30):
            past += self.traded_on.get(day, 0.0)
        tier = [row for row in costs.rates() if row[0] <= past][-1]
        rate = float(tier[2] if maker else tier[1])
        fee = rate * market * units * times + costs.fee_per_unit * units
        return max(fee, costs.min_fee) if costs.min_fee else fee


def plain_run(brokers, orders, margin, time, price, symbol, gauges, more):
    """The plain broker after all the trades; `gauges` maps a trade's row to what it is the first to see."""
    plain = PlainBroker(brokers, orders, margin)
    for j in range(len(time)):
        plain.trade(int(time[j]), int(symbol[j]), float(price[j]), gauges.get(j), more[j])
    return plain


def rows_of(block):
    """A block as a list of tuples of plain numbers."""
    return list(zip(*(np.asarray(column).tolist() for column in block.columns().values()), strict=True))
