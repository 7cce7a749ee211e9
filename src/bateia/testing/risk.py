"""The checks that every risk passes: caps that hold whatever comes, the past alone, the same for any cut."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from bateia.core import Bars, Trades
from bateia.core.clock import DAY
from bateia.core.events import Floats
from bateia.testing.operators import generated_market
from bateia.testing.suite import run_suite
from bateia.trading.risk import Allowed, Reason, Regime, Risk, Standing, TradesPerDay, replay

Opinion = dict[str, npt.NDArray[Any]]


@dataclass(frozen=True, eq=False)
class Case:
    """Bars, targets, accounts and a model's opinions, whatever the risk makes of them. For tests only."""

    bars: Bars
    target: Floats
    standing: Standing
    opinion: Opinion = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.bars)

    def __getitem__(self, rows: slice) -> Case:
        opinion = {name: values[rows] for name, values in self.opinion.items()}
        return Case(self.bars[rows], self.target[rows], self.standing[rows], opinion)

    def copy(self) -> Case:
        """The same in arrays of its own."""
        opinion = {name: values.copy() for name, values in self.opinion.items()}
        bars, standing = Bars.concat([self.bars]), Standing.concat([self.standing])
        return Case(bars, self.target.copy(), standing, opinion)

    def arrays(self) -> Iterator[npt.NDArray[Any]]:
        """Every column."""
        yield from (*self.bars.columns().values(), *self.standing.columns().values())
        yield from (self.target, *self.opinion.values())


def generated_case(rows: int = 600, seed: int = 0, wild: bool = True) -> Case:
    """A random walk with an account that need not follow from it; `wild`: gaps, crashes, NaN, still prices.

    Every row takes about ten minutes; targets last a few rows. For tests only.
    """
    rng = np.random.default_rng(seed)
    data = generated_market(rows, seed, pace=400.0)
    bars = Bars(**{name: data[name] for name in Bars.__dataclass_fields__})
    target = np.repeat(rng.choice([-1.0, -0.4, 0.0, 0.7, 1.0], rows), rng.integers(1, 9, rows))[:rows]
    position = np.where(rng.random(rows) < 0.6, target * rng.choice([1.0, 3.0], rows), 0.0)
    equity = 1e4 * np.exp(np.cumsum(rng.normal(0.0, 0.01, rows)))
    chance = rng.uniform(0.3, 1.0, rows)
    opinion: Opinion = {
        "score": rng.normal(size=rows),
        "edge": rng.normal(1e-3, 1e-2, rows),
        "probability": chance,
    }
    opinion["regime"] = np.repeat(rng.integers(0, 4, rows), 40)[:rows]
    others = rng.choice([0.0, 3e3, 2e4], rows)
    closed = rng.choice(np.array([-1, 0, 1], np.int8), rows, p=[0.03, 0.94, 0.03])
    case = Case(bars, target, Standing.of(equity, position, others=others, closed=closed), opinion)
    return _wild(case, rng) if wild else case


def _wild(case: Case, rng: np.random.Generator) -> Case:
    case = case.copy()
    rows = len(case)
    bars = case.bars
    still = slice(rows // 3, rows // 3 + rows // 10)
    for name in ("open", "high", "low", "close"):
        getattr(bars, name)[still] = bars.close[still.start]
        getattr(bars, name)[rows // 2 :] *= 0.6
    jump = rng.integers(0, 40 * DAY, rows) * (rng.random(rows) < 0.02)
    for name in ("open_time", "time", "known_at"):
        getattr(bars, name)[:] += np.cumsum(jump)
    bad = np.array([np.nan, 0.0, -5.0, np.inf, 1e-300, 1e300])
    standing, opinion = case.standing, case.opinion
    exposed = (bars.high, bars.low, bars.close, standing.equity, standing.others, standing.position)
    for column in (*exposed, *(opinion[name] for name in ("score", "edge", "probability"))):
        hit = rng.random(rows) < 0.02
        column[hit] = rng.choice(bad, hit.sum())
    # One such equity would be the peak for good, and every throttle shut.
    standing.equity[standing.equity > 1e200] = np.nan
    standing.profit[:] = standing.equity
    case.target[rng.random(rows) < 0.03] = np.nan
    return case


def check_risk(risk: Risk, case: Case | None = None, exclude: Mapping[str, str] | None = None) -> list[str]:
    """Run every check of a risk; returns the names of those run.

    `case` holds a few hundred bars or more, by default wild generated ones. AssertionError where a check
    fails; `exclude` maps a check's name to the reason.

    >>> check_risk(Risk(rules=[{"kind": "volatility", "goal": 0.2, "half_life": "1d", "cap": 2}]))
    ['shape', 'cuts', 'snapshots', 'past', 'caps', 'flat', 'killed', 'strict', 'loop', 'inputs', 'config']
    """
    case = generated_case() if case is None else case
    if len(case) < 100:
        raise AssertionError(f"{len(case)} bars; allowed: 100 or more, to check a risk on them")
    return run_suite(CHECKS, risk, case, exclude=exclude)


def _run(risk: Risk, case: Case) -> Allowed:
    return risk.run(case.bars, case.target, case.standing, **case.opinion)


def _same(one: Allowed, two: Allowed, why: str) -> int:
    for name, column in one.columns().items():
        other = getattr(two, name)
        assert len(column) == len(other), f"{why}: {len(column)} and {len(other)} rows"
        differ = np.flatnonzero((column != other) & ~(np.isnan(column) & np.isnan(other)))
        assert not len(differ), f"{why}: another {name} in {len(differ)} rows, first row {differ[0]}"
    return len(one)


def _shape(risk: Risk, case: Case) -> int:
    """Finite positions on the target's side, a stop on the other side of the price, a reason for a change."""
    out = _run(risk, case)
    assert [c.dtype for c in out.columns().values()] == [np.float64, np.float64, np.int8]
    assert np.isfinite(out.position).all(), "a position is not a finite number"
    assert not (out.position * np.nan_to_num(case.target) < 0.0).any(), "a position against its target"
    away = (case.bars.close - out.stop) * np.sign(out.position)
    assert (np.isnan(out.stop) | (away > 0.0)).all(), "a stop that the price has passed, or of no position"
    silent = (out.position == 0.0) & (case.target != 0.0) & (out.reason == Reason.AS_WANTED)
    assert not silent.any(), f"flat against its target without a reason, first row {np.argmax(silent)}"
    assert set(out.reason.tolist()) <= {int(reason) for reason in Reason}
    return len(out)


def _cuts(risk: Risk, case: Case) -> int:
    """Any cut of the bars gives the same, one by one included."""
    whole, rng, n, compared = _run(risk, case), np.random.default_rng(0), len(case), 0
    for cuts in ([*range(n)], *(np.sort(rng.integers(0, n + 1, 9)).tolist() for _ in range(5))):
        stream, parts = risk.start(), []
        for a, b in pairwise([0, *cuts, n]):
            part = case[a:b]
            parts.append(stream.run(part.bars, part.target, part.standing, **part.opinion))
        compared += _same(Allowed.concat(parts), whole, "in blocks")
    return compared


def _snapshots(risk: Risk, case: Case) -> int:
    """Saved anywhere and resumed it goes on the same, and a snapshot does not follow its stream."""
    whole, compared = _run(risk, case), 0
    for at in np.linspace(0, len(case), 7).astype(int):
        stream, first, rest = risk.start(), case[:at], case[at:]
        stream.run(first.bars, first.target, first.standing, **first.opinion)
        saved = stream.snapshot()
        kept = {name: array.copy() for name, array in saved.items()}
        stream.run(rest.bars, rest.target, rest.standing, **rest.opinion)
        for name, array in kept.items():
            same = np.array_equal(array, saved[name], equal_nan=array.dtype.kind == "f")
            assert same, f"the snapshot's {name!r} moved with the stream"
        resumed = risk.restore(saved).run(rest.bars, rest.target, rest.standing, **rest.opinion)
        compared += _same(resumed, whole[at:], f"resumed at row {at}")
    return compared + 1


def _past(risk: Risk, case: Case) -> int:
    """What comes later changes nothing before it."""
    whole, rng, compared = _run(risk, case), np.random.default_rng(1), 0
    for at in rng.integers(1, len(case), 6):
        later = case.copy()
        columns = (later.bars.high, later.bars.low, later.bars.close, later.standing.equity)
        for column in (*columns, later.standing.profit, later.standing.position, later.target):
            column[at:] = rng.permutation(column[at:])
        later.standing.closed[at:] = 1
        compared += _same(_run(risk, later)[:at], whole[:at], f"another future from row {at}")
    return compared


def _rule(risk: Risk, regime: int, kinds: tuple[str, ...]) -> Any:
    """The rule of these kinds that holds in a regime, or None."""
    for rules in (*(r.rules for r in risk.rules if isinstance(r, Regime) and r.number == regime), risk.rules):
        for rule in rules:
            if rule.kind in kinds:
                return rule
    return None


SIZERS = ("fixed", "volatility", "kelly", "atr")


def _caps(risk: Risk, case: Case) -> int:
    """Every cap holds at every bar, computed again from the rules: notional, units, trades a session."""
    out, regimes = _run(risk, case), case.opinion.get("regime", np.full(len(case), -1))
    now = (np.maximum.accumulate(case.bars.known_at) - (risk.opens or 0)) // DAY
    held, session, entries = 0.0, None, 0
    for i, position in enumerate(out.position):
        if now[i] != session:
            session, entries = now[i], 0
        opened, held = position != 0.0 and np.sign(position) != np.sign(held), position
        entries += opened
        if position == 0.0:
            continue
        regime, notional = int(regimes[i]), abs(position) * (case.bars.close[i] * risk.multiplier)
        equity, caps = case.standing.equity[i], _rule(risk, regime, ("exposure",))
        sizer, trades = _rule(risk, regime, SIZERS), _rule(risk, regime, ("trades",))
        if sizer is None or sizer.kind == "fixed":
            assert abs(position) <= (1.0 if sizer is None else sizer.units), f"more units in row {i}"
        else:
            assert notional <= sizer.cap * equity, f"beyond the sizer's cap in row {i}"
        if caps is not None:
            others = case.standing.others[i]
            assert caps.units is None or abs(position) <= caps.units, f"too many units in row {i}"
            assert caps.symbol is None or notional <= caps.symbol * equity, f"too much of it in row {i}"
            room = None if caps.total is None else caps.total * equity - others
            assert room is None or notional <= room, f"too much in all in row {i}"
        if trades is not None and opened:
            assert entries <= trades.most, f"{entries} trades in the session of row {i}"
    return len(out)


def _flat(risk: Risk, case: Case) -> int:
    """Nothing is held on a NaN target, or where price or equity is no positive number."""
    case = case.copy()
    third = np.arange(len(case)) % 7
    case.target[third == 1] = np.nan
    case.bars.close[third == 3] = np.nan
    case.standing.equity[third == 5] = np.nan
    out = _run(risk, case)
    for rows, reason in ((1, Reason.NO_TARGET), (3, Reason.NO_PRICE), (5, Reason.NO_EQUITY)):
        assert not out.position[third == rows].any(), f"a position in spite of {reason.name}"
        assert (out.reason[third == 1] == Reason.NO_TARGET).all()
    return len(out)


def _killed(risk: Risk, case: Case) -> int:
    """Once the switch is thrown, nothing trades until the reset; and then it may."""
    half, compared = len(case) // 2, 0
    stream, first, rest = risk.start(), case[:half], case[half:]
    stream.run(first.bars, first.target, first.standing, **first.opinion)
    stream.kill()
    for part in (rest[: half // 2], rest[half // 2 :]):
        stream = risk.restore(stream.snapshot())
        out = stream.run(part.bars, part.target, part.standing, **part.opinion)
        assert stream.killed and not out.position.any(), "it trades after the kill switch"
        compared += len(out)
    stream.reset()
    assert not stream.killed
    return compared


_STRICTER: dict[str, Callable[[Any], dict[str, Any]]] = {
    "volatility": lambda r: {"cap": r.cap / 2},
    "atr": lambda r: {"cap": r.cap / 2},
    "atr_stop": lambda r: {"multiple": r.multiple / 2},
    "adaptive_stop": lambda r: {"multiple": r.multiple / 2},
    "drawdown": lambda r: {"start": r.start / 2, "end": (r.start + r.end) / 2, "least": r.least / 2},
    "daily_loss": lambda r: {"share": r.share / 2},
    "exposure": lambda r: {n: v / 2 for n, v in r if n != "kind" and v is not None},
    "trades": lambda r: {"most": max(1, r.most // 2)},
    "cooldown": lambda r: {"wait": 3 * r.wait},
    "kill": lambda r: {n: v / 2 if n != "losses" else max(1, v // 2) for n, v in r if n != "kind" and v},
}
STOPS = ("atr_stop", "adaptive_stop")


def _stricter(risk: Risk, kind: str) -> list[Risk]:
    """The risk without what makes one limit's path depend on another's, and the same with one limit stricter.

    A stop follows from where its position began, and trades per day from what was opened before, so that a
    limit which delays an entry may well allow a later one; so, by its share, does inertia beside a cap.
    """
    apart = {"trades", *STOPS, *(("inertia",) if kind in SIZERS else ())} - {kind}

    def change(rules: tuple[Any, ...], strict: bool) -> tuple[Any, ...]:
        found: list[Any] = []
        for rule in rules:
            if isinstance(rule, Regime):
                inner = change(rule.rules, strict)
                found += [rule.model_copy(update={"rules": inner})] if inner else []
            elif rule.kind not in apart:
                own = strict and rule.kind == kind
                found.append(rule.model_copy(update=_STRICTER[kind](rule)) if own else rule)
        return tuple(found)

    return [risk.model_copy(update={"rules": change(risk.rules, strict)}) for strict in (False, True)]


def _strict(risk: Risk, case: Case) -> int:
    """A stricter limit never gives a larger position on the same accounts, one limit at a time."""
    every = [r for rule in risk.rules for r in (rule.rules if isinstance(rule, Regime) else (rule,))]
    compared = len(case)
    for kind in sorted({rule.kind for rule in every} & set(_STRICTER)):
        loose, strict = (np.abs(_run(one, case).position) for one in _stricter(risk, kind))
        # Two roundings of a throttle's line may differ in the last place.
        larger = np.flatnonzero(strict > loose * (1.0 + 1e-12))
        assert not len(larger), f"a stricter {kind} gives a larger position, first row {larger[0]}"
        compared += len(loose)
    return compared


def _loop(risk: Risk, case: Case) -> int:
    """Run with fills in one kernel, it decides as the stream does that is shown the same accounts."""
    bars = case.bars
    price = np.where(bars.close > 0.0, bars.close, 1.0)
    ones = np.ones(len(case))
    trades = Trades(bars.time, bars.known_at, price, ones, ones.astype(np.int8))
    opinion: dict[str, Any] = case.opinion | {"others": case.standing.others}
    done = replay(risk, bars, case.target, trades, capital=1e4, fee_rate=1e-4, **opinion)
    again = risk.run(bars, case.target, done.standing, **case.opinion)
    return _same(again, done.allowed, "in a loop with fills")


def _inputs(risk: Risk, case: Case) -> int:
    """Its input stays as it was."""
    given = case.copy()
    _run(risk, given)
    for one, two in zip(given.arrays(), case.arrays(), strict=True):
        assert np.array_equal(one, two, equal_nan=one.dtype.kind == "f"), "an input was changed"
    return len(case)


def _config(risk: Risk, case: Case) -> int:
    """Its parameters go to JSON and back, are frozen, and tell one snapshot from another's."""
    assert type(risk).model_validate(risk.model_dump(mode="json")) == risk
    assert hash(risk) == hash(type(risk).model_validate_json(risk.model_dump_json()))
    plain = replace(case, opinion={})
    if not risk.needs - {"others"}:
        _same(_run(risk, plain), _run(risk, case), "without opinions that no rule reads")
    base = tuple(rule for rule in risk.rules if not isinstance(rule, TradesPerDay))
    other = risk.model_copy(update={"rules": (*base, TradesPerDay(most=123))})
    try:
        risk.restore(other.start().snapshot())
    except Exception as error:
        assert type(error).__name__ == "DataError", f"another's snapshot raises {type(error).__name__}"
        return 3
    raise AssertionError("the snapshot of another risk was taken")


CHECKS = {
    "shape": _shape,
    "cuts": _cuts,
    "snapshots": _snapshots,
    "past": _past,
    "caps": _caps,
    "flat": _flat,
    "killed": _killed,
    "strict": _strict,
    "loop": _loop,
    "inputs": _inputs,
    "config": _config,
}
