"""check_bars catches every planted fault, and by the check that is meant to."""

from dataclasses import replace
from typing import ClassVar, Literal

import numpy as np
import pytest

from bateia.bars import DollarBars, TickBars, TimeBars, VolumeBars
from bateia.core import Bars, Component, Trades
from bateia.testing.bars import CHECKS, check_bars, generated_trades

TRADES = generated_trades(400)
HONEST = TickBars(size=13)


class FaultyStream:
    """The stream of TickBars(13) with a fault planted."""

    def __init__(self, fault, snapshot=None):
        self.fault = fault
        self.inner = HONEST.start() if snapshot is None else HONEST.restore(snapshot)
        if snapshot is not None and fault == "shares_state":
            self.inner._ints, self.inner._floats = snapshot["ints"], snapshot["floats"]
        self.held = Bars.empty()

    open_trades = property(lambda self: self.inner.open_trades)
    open_volume = property(lambda self: self.inner.open_volume)

    def snapshot(self):
        if self.fault == "live_snapshot":
            return {"ints": self.inner._ints, "floats": self.inner._floats}
        if self.fault == "forgets_direction":
            return self.inner.snapshot() | {"ints": self.inner.snapshot()["ints"] * [1, 1, 1, 1, 0, 1, 1]}
        if self.fault == "object_snapshot":
            return {**self.inner.snapshot(), "more": np.array([{}], object)}
        return self.inner.snapshot()

    def run(self, trades):
        return getattr(self, self.fault, self.none)(trades)

    def none(self, trades):
        return self.inner.run(trades)

    def drops_rest(self, trades):
        """Every block starts with no bar open."""
        self.inner = HONEST.start()
        return self.inner.run(trades)

    def block_high(self, trades):
        """Looks over the whole block."""
        bars = self.inner.run(trades)
        return replace(bars, high=np.full(len(bars), trades.price.max(initial=0.0)))

    def late(self, trades):
        """Gives a bar out only when the next is over."""
        bars = Bars.concat([self.held, self.inner.run(trades)])
        self.held = bars[-1:]
        return bars[:-1]

    def half(self, trades):
        bars = self.inner.run(trades)
        return replace(bars, volume=bars.volume / 2)

    def one_sided(self, trades):
        """Adds up every side twice."""
        bars = self.inner.run(trades)
        return replace(bars, signed_volume=np.full(len(bars), -2.0) * bars.volume)

    def double_count(self, trades):
        bars = self.inner.run(trades)
        return replace(bars, trades=bars.trades + 1)

    def mean_price(self, trades):
        bars = self.inner.run(trades)
        return replace(bars, vwap=(bars.high + bars.low) / 2)

    def ignores_side(self, trades):
        return self.inner.run(replace(trades, side=np.zeros(len(trades), np.int8)))

    def early_news(self, trades):
        bars = self.inner.run(trades)
        return replace(bars, known_at=bars.time)

    def backdated(self, trades):
        bars = self.inner.run(trades)
        return replace(bars, time=bars.open_time)

    def other_opening(self, trades):
        bars = self.inner.run(trades)
        return replace(bars, open_time=bars.open_time - bars.open_time % 60_000_000)

    def writes(self, trades):
        trades.price[:1] += 1
        return self.inner.run(trades)

    def single(self, trades):
        bars = self.inner.run(trades)
        return replace(bars, close=bars.close.astype(np.float32)) if len(trades) == 1 else bars


class Faulty(Component):
    """TickBars(13) with a fault planted."""

    fault: str
    kind: Literal["faulty"] = "faulty"
    calls: ClassVar[list[int]] = []

    def start(self):
        return FaultyStream(self.fault)

    def restore(self, snapshot):
        return FaultyStream(self.fault, snapshot)

    def run(self, trades):
        bars = self.start().run(trades)
        if self.fault == "counts_runs":
            self.calls.append(1)
            return replace(bars, up_ticks=bars.up_ticks + len(self.calls))
        if self.fault == "view":
            return replace(bars, open_time=trades.time[: len(bars)])
        return bars


@pytest.mark.parametrize(
    "bars",
    [
        TimeBars(size="10s"),
        TickBars(size=1),
        TickBars(size=7),
        VolumeBars(size=0.01),
        VolumeBars(size=25),
        DollarBars(size=30_000),
    ],
    ids=repr,
)
def test_every_kind_of_bars_passes(bars):
    assert check_bars(bars, TRADES) == list(CHECKS)


@pytest.mark.parametrize(
    "bars", [TimeBars(size="30s"), TickBars(size=50), VolumeBars(size=200), DollarBars(size=4e5)], ids=repr
)
def test_every_kind_of_bars_passes_on_real_trades(bars, es_trades):
    assert check_bars(bars, es_trades[:2_000]) == list(CHECKS)


def test_the_bars_without_a_fault_pass():
    assert check_bars(Faulty(fault="none"), TRADES) == list(CHECKS)


@pytest.mark.parametrize(
    ("fault", "check", "words"),
    [
        ("counts_runs", "repeats", "a second time: up_ticks of bar 0"),
        ("drops_rest", "cuts", "cut at [0, "),
        ("single", "cuts", "close is float32"),
        ("block_high", "cuts", "high of bar"),
        ("block_high", "prefix", "high of bar"),
        ("block_high", "contents", "high of bar"),
        ("late", "prefix", "is over after 13 trades, but not there"),
        ("live_snapshot", "snapshot", "of a snapshot changed"),
        ("shares_state", "snapshot", "of a snapshot changed"),
        ("forgets_direction", "snapshot", "signed_volume of bar"),
        ("object_snapshot", "snapshot", "array of objects"),
        ("half", "conservation", "volume of"),
        ("one_sided", "conservation", "signed volume beyond volume"),
        ("double_count", "conservation", "in the bars and the open one"),
        ("mean_price", "contents", "vwap of bar 0"),
        ("ignores_side", "contents", "signed_volume of bar"),
        ("early_news", "clocks", "is known at"),
        ("backdated", "clocks", "before its last trade"),
        ("other_opening", "clocks", "opens at"),
        ("writes", "inputs", "changed the trades' price"),
        ("view", "inputs", "open_time is a view"),
    ],
)
def test_a_planted_fault_fails_its_check_and_the_suite(fault, check, words):
    trades = Trades(**{name: column.copy() for name, column in TRADES.columns().items()})
    with pytest.raises(AssertionError) as caught:
        CHECKS[check](Faulty(fault=fault), trades)
    assert words in str(caught.value)
    with pytest.raises(AssertionError):
        check_bars(Faulty(fault=fault), trades)


def test_bars_that_are_no_component_or_do_not_read_back_fail():
    class Plain:
        start, run, restore = HONEST.start, HONEST.run, HONEST.restore

    class Forgets(TickBars):
        def model_dump(self, **options):
            return {**super().model_dump(**options), "size": 7}

    with pytest.raises(AssertionError, match="Plain is not a Component"):
        CHECKS["config"](Plain(), TRADES)
    with pytest.raises(AssertionError, match="reads back as"):
        CHECKS["config"](Forgets(size=6), TRADES)


def test_too_few_bars_prove_nothing_and_exclusions_carry_their_reason():
    with pytest.raises(AssertionError, match="make 2 bars"):
        check_bars(TickBars(size=200), TRADES)
    assert "cuts" not in check_bars(HONEST, TRADES, exclude={"cuts": "shown elsewhere"})
    with pytest.raises(AssertionError, match="without a reason"):
        check_bars(HONEST, TRADES, exclude={"cuts": " "})
    with pytest.raises(AssertionError, match="do not exist"):
        check_bars(HONEST, TRADES, exclude={"cutting": "?"})


def test_generated_trades_have_what_the_checks_are_about():
    trades = generated_trades()
    assert np.all(np.diff(trades.time) >= 0)
    assert np.any(np.diff(trades.time) == 0)
    assert np.all(trades.known_at >= trades.time)
    assert np.any(np.diff(trades.known_at) < 0)
    assert set(trades.side.tolist()) == {-1, 0, 1}
    assert np.any(np.diff(trades.price) == 0)
