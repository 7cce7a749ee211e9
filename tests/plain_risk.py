"""Risk written out plainly: one dictionary of rules, one bar at a time, slow and obvious."""

from __future__ import annotations

import math
from collections import defaultdict

from bateia.trading.risk import AdaptiveStop, Atr, AtrStop, Kelly, Reason, Regime, Volatility

DAY = 86_400_000_000
YEAR = 365.25 * DAY


def sign(x):
    return (x > 0) - (x < 0)


def role(rule):
    if rule.kind in ("fixed", "volatility", "kelly", "atr"):
        return "sizer"
    return "stop" if rule.kind.endswith("stop") else rule.kind


class PlainRisk:
    """`step` returns (position, stop, reason)."""

    def __init__(self, risk):
        self.risk = risk
        self.base = {role(r): r for r in risk.rules if not isinstance(r, Regime)}
        self.own = {r.number: {role(x): x for x in r.rules} for r in risk.rules if isinstance(r, Regime)}
        every = [x for rules in (self.base, *self.own.values()) for x in rules.values()]
        self.half_life = next((x.half_life for x in every if isinstance(x, Volatility)), None)
        self.size_window = next((x.window for x in every if isinstance(x, Atr)), None)
        self.stop_window = next((x.window for x in every if isinstance(x, AtrStop | AdaptiveStop)), None)
        memory = next((x.memory for x in every if isinstance(x, Kelly)), None)
        self.fade = 0.5 ** (1.0 / memory) if memory else 1.0
        self.now = -(1 << 62)
        self.last = None  # (time, close)
        self.first_time = None
        self.squares = self.span = 0.0
        self.ranges = []
        self.equities = []
        self.session = None
        self.session_base = None
        self.session_lost = False
        self.entries = defaultdict(int)
        self.trip = None  # [side, profit before, sum of notionals, bars]
        self.profit = None
        self.closed_trades = 0
        self.sums = [0.0, 0.0]
        self.losing = 0
        self.cool_until = None
        self.killed = False
        self.sized = (0, 0.0)
        self.held = None  # dict(side, entry, best, since, width, level)
        self.stopped = 0

    def rule(self, regime, kind):
        return self.own.get(regime, {}).get(kind, self.base.get(kind))

    def atr(self, window):
        if window is None or len(self.ranges) < window:
            return None
        total = 0.0
        for value in self.ranges[:window]:
            total += value
        level = total / window
        for value in self.ranges[window:]:
            level = (level * (window - 1) + value) / window
        return level if level > 0 else None

    def look(self, bar, high, low, close):
        if self.last is not None:
            before, price = self.last
            if self.half_life:
                change = math.log(close) - math.log(price)
                keep = math.exp(-((bar["time"] - before) / self.half_life) * 0.6931471805599453)
                self.squares = keep * self.squares + change * change
                self.span = keep * self.span + (bar["time"] - before)
            self.ranges.append(max(high, price) - min(low, price))
        else:
            self.first_time = bar["time"]
        self.last = (bar["time"], close)

    def volatility(self):
        if self.last is None or self.last[0] - self.first_time < self.half_life:
            return None
        if not (self.span > 0 and self.squares > 0):
            return None
        return math.sqrt(self.squares / self.span * YEAR)

    def book(self, regime, position, profit, notional):
        """The results of trades, from position and profit."""
        if not (math.isfinite(position) and math.isfinite(profit)):
            return
        side, result, average = sign(position), None, None
        if self.trip is not None and side != self.trip[0]:
            result = profit - self.trip[1]
            average = self.trip[2] / self.trip[3] if self.trip[3] else None
        elif self.trip is None and side == 0 and self.profit is not None and profit != self.profit:
            result = profit - self.profit
        if result is not None:
            self.closed_trades += 1
            if result < 0:
                self.losing += 1
                cooldown = self.rule(regime, "cooldown")
                wait = self.now + (cooldown.wait if cooldown else 0)
                self.cool_until = wait if self.cool_until is None else max(wait, self.cool_until)
            elif result > 0:
                self.losing = 0
            if average and abs(result / average) < 1e100:
                share = result / average
                self.sums = [self.fade * self.sums[0] + share, self.fade * self.sums[1] + share * share]
        if side == 0:
            self.trip = None
        elif self.trip is None or self.trip[0] != side:
            from_flat = self.trip is None and self.profit is not None
            self.trip = [side, self.profit if from_flat else profit, 0.0, 0]
        if self.trip is not None and notional is not None:
            self.trip[2] += abs(position) * notional
            self.trip[3] += 1
        self.profit = profit

    def watch(self, regime, equity):
        """Session and switches."""
        session = (self.now - (self.risk.opens or 0)) // DAY
        if session != self.session:
            self.session, self.session_lost = session, False
            self.session_base = self.equities[-1] if self.equities else None
        if math.isfinite(equity):
            if equity > 0:
                self.equities.append(equity)
                if self.session_base is None:
                    self.session_base = equity
            daily, kill = self.rule(regime, "daily_loss"), self.rule(regime, "kill")
            base = self.session_base
            if daily and base is not None and base - equity >= daily.share * base:
                self.session_lost = True
            if kill and self.equities:
                peak, first = max(self.equities), self.equities[0]
                if kill.drawdown is not None and peak - equity >= kill.drawdown * peak:
                    self.killed = True
                if kill.loss is not None and first - equity >= kill.loss * first:
                    self.killed = True
        kill = self.rule(regime, "kill")
        if kill and kill.losses is not None and self.losing >= kill.losses:
            self.killed = True

    def full(self, bar, regime, equity, unit):  # noqa: PLR0911
        """Units at a target of 1; None where unknown."""
        sizer = self.rule(regime, "sizer")
        if sizer is None:
            return 1.0
        if sizer.kind == "fixed":
            return sizer.units
        if sizer.kind == "atr":
            atr = self.atr(self.size_window)
            if atr is None:
                return None
            units = sizer.risk * equity / (sizer.distance * atr * self.risk.multiplier)
            return min(units, sizer.cap * equity / unit)
        if sizer.kind == "volatility":
            volatility = self.volatility()
            if volatility is None:
                return None
            share = sizer.goal / volatility
        elif sizer.by == "trades":
            if self.closed_trades < sizer.after:
                share = sizer.begin
            else:
                mean, square = self.sums
                share = max(sizer.fraction * (mean / square) if square > 0 else 0.0, sizer.least)
        else:
            edge, better = bar["edge"], 2 * bar["probability"] - 1
            if math.isnan(edge) or math.isnan(better):
                return None
            share = 0.0
            if 0 < better <= 1 and edge > 0:
                share = sizer.fraction * (better * better / edge)
        return min(share * equity / unit, sizer.cap * equity / unit)

    def confidence(self, bar, regime):
        rule = self.rule(regime, "score")
        if rule is None:
            return 1.0
        if rule.by == "score":
            s = bar["score"]
            return None if math.isnan(s) else max(min(abs(s) / rule.full, 1.0), rule.least)
        p = bar["probability"]
        if not 0 <= p <= 1:
            return None
        if p <= 0.5:
            return 0.0
        return 1.0 if p == 1 else math.erf((p - 0.5) / math.sqrt(p * (1 - p)) / math.sqrt(2.0))

    def cut(self, regime, amount, unit, equity, others):
        """Throttle and caps."""
        reason = Reason.AS_WANTED

        def fit(amount, room):
            if amount * unit <= room:
                return amount
            fitting = min(amount, room / unit)
            while fitting * unit > room:
                fitting = math.nextafter(fitting, 0.0)
            return fitting

        sizer = self.rule(regime, "sizer")
        if sizer is not None and sizer.kind != "fixed":
            fitting = fit(amount, sizer.cap * equity)
            if fitting < amount:
                amount, reason = fitting, Reason.LEVERED
        throttle = self.rule(regime, "drawdown")
        drop = (max(self.equities) - equity) / max(self.equities)
        if throttle and drop > throttle.start:
            factor = throttle.least
            if drop < throttle.end:
                factor += (1.0 - factor) * ((throttle.end - drop) / (throttle.end - throttle.start))
            amount, reason = amount * factor, Reason.DRAWDOWN
        caps = self.rule(regime, "exposure")
        if caps and caps.units is not None and amount > caps.units:
            amount, reason = caps.units, Reason.TOO_LARGE
        if caps and caps.symbol is not None:
            fitting = fit(amount, caps.symbol * equity)
            if fitting < amount:
                amount, reason = fitting, Reason.CONCENTRATION
        if caps and caps.total is not None:
            fitting = fit(amount, max(caps.total * equity - others, 0.0) if others >= 0 else 0.0)
            if fitting < amount:
                amount, reason = fitting, Reason.EXPOSURE
        return amount, reason

    def wish(self, bar, regime, equity, unit, side):  # noqa: PLR0911
        target = bar["target"]
        if math.isnan(target):
            return 0.0, Reason.NO_TARGET
        if side == 0:
            return 0.0, Reason.AS_WANTED
        if unit is None:
            return 0.0, Reason.NO_PRICE
        if not 0 < equity < math.inf:
            return 0.0, Reason.NO_EQUITY
        full, confidence = self.full(bar, regime, equity, unit), self.confidence(bar, regime)
        if full is None or confidence is None:
            return 0.0, Reason.UNKNOWN
        amount = full * (confidence * abs(target))
        if not amount < math.inf:
            return 0.0, Reason.UNKNOWN
        inertia = self.rule(regime, "inertia")
        before = self.sized[1]
        if side == self.sized[0] and abs(amount - before) <= (inertia.share if inertia else 0.0) * before:
            return before, Reason.AS_WANTED
        return amount, Reason.AS_WANTED if amount > 0 else Reason.NOTHING

    def step(self, bar):
        """One bar as a dictionary of its columns, target, opinion and standing."""
        regime, close = bar["regime"], bar["close"]
        self.now = max(self.now, bar["known_at"])
        unit = close * self.risk.multiplier
        if not (close > 0 and 0 < unit < math.inf):
            unit = None
        high = bar["high"] if close < bar["high"] < math.inf else close
        low = bar["low"] if 0 < bar["low"] < close else close
        if unit is not None:
            self.look(bar, high, low, close)
        self.book(regime, bar["position"], bar["profit"], unit)
        self.watch(regime, bar["equity"])
        side = sign(bar["target"])
        if side != self.stopped:
            self.stopped = 0
        if bar["closed"] * side > 0:
            self.stopped = side
        if self.held and self.held["side"] == side and self.touched(bar):
            self.stopped = side
        amount, reason = self.wish(bar, regime, bar["equity"], unit, side)
        self.sized = (side, amount) if amount > 0 else (0, 0.0)
        if amount > 0:
            amount, reason = self.cut(regime, amount, unit, bar["equity"], bar["others"])
            amount, reason = self.gates(regime, amount, reason, side, close)
        if amount > 0 and self.rule(regime, "stop") is not None:
            amount, reason = self.protect(regime, amount, reason, side, (high, low, close))
        if not amount > 0:
            self.held = None
            return 0.0, math.nan, reason
        return side * amount, self.held["level"], reason

    def touched(self, bar):
        level, side = self.held["level"], self.held["side"]
        worst = bar["low"] if side > 0 else bar["high"]
        return any((level - price) * side >= 0 for price in (worst, bar["close"]))

    def gates(self, regime, amount, reason, side, close):  # noqa: PLR0911
        if self.killed:
            return 0.0, Reason.KILLED
        if self.session_lost:
            return 0.0, Reason.DAY_LOST
        if self.cool_until is not None and self.now < self.cool_until:
            return 0.0, Reason.COOLING
        if self.stopped:
            return 0.0, Reason.STOPPED
        if self.rule(regime, "stop") is not None and self.atr(self.stop_window) is None:
            return 0.0, Reason.UNKNOWN
        if amount > 0 and (self.held is None or self.held["side"] != side):
            most = self.rule(regime, "trades")
            if most and self.entries[self.session] >= most.most:
                return 0.0, Reason.TOO_MANY
            self.entries[self.session] += 1
            start = {"side": side, "entry": close, "best": close, "since": self.now}
            self.held = {**start, "width": None, "level": math.nan, "fresh": True}
        elif self.held:
            self.held |= {"level": math.nan, "fresh": False}
        return amount, reason

    def protect(self, regime, amount, reason, side, prices):
        stop, held, atr = self.rule(regime, "stop"), self.held, self.atr(self.stop_window)
        high, low, close = prices
        if held["width"] is None:
            held["width"] = stop.multiple * atr
        if not held["fresh"]:
            held["best"] = max(held["best"], high) if side > 0 else min(held["best"], low)
        distance, trail = held["width"], True
        if isinstance(stop, AdaptiveStop):
            age = (self.now - held["since"]) / stop.life
            shrink = max(stop.tightest, 1.0 - (1.0 - stop.tightest) * age)
            distance = min(stop.multiple * atr * shrink, stop.widest * held["width"])
        else:
            trail = stop.trail
        anchor = held["best"] if trail else held["entry"]
        held["level"] = max(anchor - distance, 0.0) if side > 0 else anchor + distance
        if (held["level"] - close) * side >= 0:
            self.stopped = side
            return 0.0, Reason.STOPPED
        return amount, reason
