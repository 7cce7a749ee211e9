"""The risk kernel against plain Python: exactly, on wild data, open and closed loop."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bateia.core import Trades
from bateia.testing.risk import generated_case
from bateia.trading.risk import Reason, Risk, replay
from plain_risk import PlainRisk

HOUR = "1h"
share = st.sampled_from([0.01, 0.05, 0.2, 0.5])
leverage = st.sampled_from([0.3, 1.0, 3.0])


def rule(kind, **fields):
    return st.fixed_dictionaries({"kind": st.just(kind), **fields})


sizers = st.one_of(
    rule("fixed", units=leverage),
    rule("volatility", goal=share, half_life=st.just("6h"), cap=leverage),
    rule(
        "kelly",
        by=st.sampled_from(["trades", "prediction"]),
        fraction=share,
        cap=st.just(2.0),
        memory=st.just(20.0),
        after=st.sampled_from([2, 10]),
        begin=share,
        least=st.sampled_from([0.0, 0.1]),
    ),
    rule("atr", risk=share, distance=leverage, window=st.just(9), cap=leverage),
)
stops = st.one_of(
    rule("atr_stop", multiple=leverage, window=st.just(5), trail=st.booleans()),
    rule(
        "adaptive_stop",
        multiple=leverage,
        window=st.just(5),
        life=st.sampled_from([HOUR, "2d"]),
        tightest=share,
        widest=st.sampled_from([1.0, 1.5]),
    ),
)
limits = [
    rule(
        "score", by=st.sampled_from(["score", "probability"]), full=leverage, least=st.sampled_from([0, 0.2])
    ),
    rule("inertia", share=st.sampled_from([0.05, 0.3])),
    rule("drawdown", start=st.sampled_from([0.0, 0.02]), end=st.sampled_from([0.05, 0.3]), least=share),
    rule("daily_loss", share=share),
    rule("exposure", units=st.none() | leverage, symbol=leverage, total=st.none() | leverage),
    rule("trades", most=st.integers(1, 9)),
    rule("cooldown", wait=st.sampled_from([HOUR, "9h"])),
    rule("kill", drawdown=st.none() | st.just(0.5), loss=st.none() | share, losses=st.integers(5, 60)),
]
plain = st.tuples(*(st.none() | r for r in (sizers, stops, *limits))).map(
    lambda rules: [r for r in rules if r is not None]
)


@st.composite
def risks(draw):
    """Any rules, with up to two regimes of their own."""
    rules = draw(plain)
    for number in draw(st.sampled_from([(), (1,), (0, 3)])):
        own = draw(plain)
        rules += [{"kind": "regime", "number": number, "rules": own}] if own else []
    opens = draw(st.sampled_from([None, "22h"]))
    return Risk(rules=rules, multiplier=draw(st.sampled_from([1.0, 50.0, 0.1])), opens=opens)


def rows_of(case):
    columns = case.bars.columns() | case.standing.columns() | case.opinion | {"target": case.target}
    return [{name: values[i].item() for name, values in columns.items()} for i in range(len(case))]


def assert_same(got, expected):
    for name, column, index in (
        ("position", got.position, 0),
        ("stop", got.stop, 1),
        ("reason", got.reason, 2),
    ):
        wanted = np.array([float(row[index]) for row in expected])
        differ = np.flatnonzero((column != wanted) & ~(np.isnan(column) & np.isnan(wanted)))
        assert not len(differ), (name, differ[0], got[differ[0] : differ[0] + 1], expected[differ[0]])


@given(risks(), st.integers(0, 1000), st.booleans())
@settings(max_examples=150)
def test_the_kernel_is_the_plain_rules_to_the_last_bit(risk, seed, wild):
    case = generated_case(250, seed, wild)
    reference = PlainRisk(risk)
    expected = [reference.step(row) for row in rows_of(case)]
    assert_same(risk.run(case.bars, case.target, case.standing, **case.opinion), expected)


class PlainLoop:
    """Every trade in turn asks the stop, then every waiting decision."""

    def __init__(self, risk, capital, costs, latency):
        self.risk, self.cash, self.costs, self.latency = PlainRisk(risk), capital, costs, latency
        self.multiplier, self.position, self.left, self.closed = risk.multiplier, 0.0, 0, 0
        self.decisions, self.waiting, self.fills = [], [], []

    def bring_to(self, wanted, market, time, row):
        change = wanted - self.position
        if change == 0:
            return
        rate, per_unit, half, slip = self.costs
        away = half + slip * market
        fee = rate * market * abs(change) * self.multiplier + per_unit * abs(change)
        cost = fee + away * abs(change) * self.multiplier
        self.cash -= change * market * self.multiplier + cost
        self.position = wanted
        self.fills.append(
            (row, time, market, market + math.copysign(away, change), change, wanted, fee, cost)
        )

    def trade(self, time, price):
        active = [d for d in self.decisions if d["due"] < time]
        if active and self.position * active[-1]["wanted"] > 0:
            side = math.copysign(1, self.position)
            if (active[-1]["stop"] - price) * side >= 0:
                self.left = self.closed = side
                self.bring_to(0.0, price, time, -1)
        while self.waiting and self.waiting[0]["due"] < time:
            decision = self.waiting.pop(0)
            if decision["wanted"] * self.left <= 0:
                self.left = 0
                self.bring_to(decision["wanted"], price, time, decision["row"])

    def decide(self, i, row):
        equity = self.cash + self.position * row["close"] * self.multiplier
        own = {"equity": equity, "profit": equity, "position": self.position, "closed": self.closed}
        self.closed = 0
        position, stop, reason = self.risk.step(row | own)
        due = self.risk.now + self.latency
        self.decisions.append({"row": i, "wanted": position, "stop": stop, "due": due})
        self.waiting.append(self.decisions[-1])
        return position, stop, reason


@given(risks(), st.integers(0, 1000), st.sampled_from([0, 30_000_000, 1_500_000_000]))
@settings(max_examples=60)
def test_the_loop_is_the_plain_rules_trade_by_trade(risk, seed, latency):
    case, rng = generated_case(150, seed, wild=False), np.random.default_rng(seed)
    bars, n = case.bars, 450
    time = np.sort(rng.integers(bars.open_time[0], bars.time[-1], n))
    at = np.minimum(np.searchsorted(bars.time, time), len(bars) - 1)
    price = bars.close[at] * rng.uniform(0.998, 1.002, n)
    trades = Trades(time, time, price, np.ones(n), np.zeros(n, np.int8))
    costs = (1e-4, 0.3, 0.05, 2e-4)
    names = ("fee_rate", "fee_per_unit", "half_spread", "slippage_rate")
    loop, expected, j = PlainLoop(risk, 1e4, costs, latency), [], 0
    for i, row in enumerate(rows_of(case)):
        while j < n and time[j] <= bars.time[i]:
            loop.trade(int(time[j]), float(price[j]))
            j += 1
        expected.append(loop.decide(i, row))
    named = dict(zip(names, costs, strict=True)) | case.opinion | {"others": case.standing.others}
    done = replay(risk, bars, case.target, trades, capital=1e4, latency=latency, **named)
    assert_same(done.allowed, expected)
    got = list(zip(*(column.tolist() for column in done.fills.columns().values()), strict=True))
    assert got == loop.fills


@pytest.mark.parametrize("wild", [True, False])
def test_generated_cases_reach_every_reason(wild):
    found = set()
    rules = [
        {"kind": "volatility", "goal": 0.5, "half_life": "6h", "cap": 0.5},
        {"kind": "score"},
        {"kind": "inertia"},
        {"kind": "atr_stop", "multiple": 1.0},
        {"kind": "drawdown", "start": 0.02, "end": 0.2},
        {"kind": "daily_loss", "share": 0.03},
        {"kind": "exposure", "units": 5, "symbol": 0.4, "total": 0.9},
        {"kind": "trades", "most": 6},
        {"kind": "cooldown", "wait": "1h"},
        {"kind": "kill", "losses": 9},
    ]
    for seed in range(30):
        case = generated_case(600, seed, wild)
        found |= set(
            Risk(rules=rules).run(case.bars, case.target, case.standing, **case.opinion).reason.tolist()
        )
    bad = {Reason.NO_TARGET, Reason.NO_PRICE, Reason.NO_EQUITY}
    # A tighter cap hides the sizer's own.
    bad = (set() if wild else bad) | {Reason.NOTHING, Reason.LEVERED}
    assert {Reason(r) for r in found} >= set(Reason) - bad
    case = generated_case(600, 0, wild)
    kept = Risk(rules=[rules[0], rules[2]]).run(case.bars, case.target, case.standing)
    assert Reason.LEVERED in kept.reason
