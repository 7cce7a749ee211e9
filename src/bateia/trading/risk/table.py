"""Rules into the numbers that the kernel reads: a row for each regime, and what all of them share."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from bateia.core import ConfigError
from bateia.core.events import Floats, Ints
from bateia.kernels import risk as k
from bateia.trading.risk.rules import (
    AdaptiveStop,
    AnySizer,
    AnyStop,
    Atr,
    AtrStop,
    Cooldown,
    DailyLoss,
    Drawdown,
    Exposure,
    Fixed,
    Inertia,
    Kelly,
    Kill,
    Regime,
    Score,
    TradesPerDay,
    Volatility,
)

Plains = dict[str, Any]
"""A role ("sizer", "stop", or a rule's kind) -> the rule that has it."""


def role(rule: Any) -> str:
    """What there may be only one of in a regime."""
    return "sizer" if isinstance(rule, AnySizer) else "stop" if isinstance(rule, AnyStop) else str(rule.kind)


def regimes(rules: Iterable[Any]) -> dict[int, Plains]:
    """Regime's number -> its rules by role, -1 for every other regime; ConfigError for two of one role."""
    rules = tuple(rules)
    base = _by_role([rule for rule in rules if not isinstance(rule, Regime)], "the list")
    sets = {-1: base}
    for rule in rules:
        if isinstance(rule, Regime):
            if rule.number in sets:
                raise ConfigError(f"regime {rule.number} comes twice", allowed="one set of rules a regime")
            sets[rule.number] = base | _by_role(rule.rules, f"regime {rule.number}")
    return sets


def numbers(sets: dict[int, Plains]) -> Ints:
    """The regimes' numbers in order, the first being -1: row r of the table is that of the r-th."""
    return np.array(sorted(sets), np.int64)


def table(sets: dict[int, Plains]) -> Floats:
    """A row of parameters for each regime, in the order of `numbers`."""
    return np.array([_row(sets[number]) for number in sorted(sets)])


def constants(sets: dict[int, Plains], multiplier: float, opens: int) -> Floats:
    """What is the same in all regimes; ConfigError where two of them look back over different windows."""
    out = np.zeros(k.CONSTANTS)
    out[k.MULTIPLIER], out[k.OPENS], out[k.MEMORY] = multiplier, opens, 1.0
    found = [rule for rules in sets.values() for rule in rules.values()]
    for place, kinds, name in (
        (k.HALF_LIFE, Volatility, "half_life"),
        (k.SIZE_WINDOW, Atr, "window"),
        (k.STOP_WINDOW, AtrStop | AdaptiveStop, "window"),
        (k.MEMORY, Kelly, "memory"),
    ):
        values = {getattr(rule, name) for rule in found if isinstance(rule, kinds)}
        if len(values) > 1:
            raise ConfigError(
                f"{name} of {' and '.join(f'{value:g}' for value in sorted(values))} in different regimes",
                allowed="one look back in all regimes: it is measured through all of them",
                hint=f"the same {name} everywhere",
            )
        if values:
            value = float(values.pop())
            out[place] = 0.5 ** (1.0 / value) if place == k.MEMORY else value
    return out


def needs(sets: dict[int, Plains]) -> set[str]:
    """The inputs beside target, bars and account that the rules read."""
    found = [rule for rules in sets.values() for rule in rules.values()]
    need: set[str] = {rule.by for rule in found if isinstance(rule, Score)}
    if any(isinstance(rule, Kelly) and rule.by == "prediction" for rule in found):
        need |= {"edge", "probability"}
    if len(sets) > 1:
        need.add("regime")
    if any(isinstance(rule, Exposure) and rule.total is not None for rule in found):
        need.add("others")
    return need


def _by_role(rules: Iterable[Any], where: str) -> Plains:
    found: Plains = {}
    for rule in rules:
        if role(rule) in found:
            raise ConfigError(
                f"{found[role(rule)].kind} and {rule.kind} in {where}",
                allowed=f"one {role(rule)}",
                hint="a rule of kind regime for what holds at times only",
            )
        found[role(rule)] = rule
    return found


def _row(rules: Plains) -> list[float]:
    row = np.zeros(k.COLUMNS)
    off = (k.CAP, k.FROM, k.DAY_LOSS, k.UNITS, k.SHARE, k.TOTAL, k.TRADES)
    row[[*off, k.KILL_DRAWDOWN, k.KILL_LOSS, k.KILL_LOSSES]] = np.inf
    row[[k.SIZE, k.LIFE, k.FULL]] = 1.0
    for rule in rules.values():
        for column, value in _COLUMNS[type(rule)](rule):
            if value is not None:
                row[column] = value
    return row.tolist()


_COLUMNS: dict[type, Callable[[Any], list[tuple[int, float | None]]]] = {
    Fixed: lambda r: [(k.SIZER, k.FIXED), (k.SIZE, r.units)],
    Volatility: lambda r: [(k.SIZER, k.VOLATILITY), (k.SIZE, r.goal), (k.CAP, r.cap)],
    Kelly: lambda r: [
        (k.SIZER, k.KELLY if r.by == "trades" else k.EDGE),
        *((k.SIZE, r.fraction), (k.CAP, r.cap), (k.BEGIN, r.begin), (k.NEED, r.after), (k.LEAST, r.least)),
    ],
    Atr: lambda r: [(k.SIZER, k.ATR), (k.SIZE, r.risk), (k.DISTANCE, r.distance), (k.CAP, r.cap)],
    Score: lambda r: [
        (k.SCALE, k.BY_SCORE if r.by == "score" else k.BY_PROBABILITY),
        *((k.FULL, r.full), (k.SCALE_LEAST, r.least)),
    ],
    Inertia: lambda r: [(k.INERTIA, r.share)],
    AtrStop: lambda r: [(k.STOP, k.ATR_STOP), (k.MULTIPLE, r.multiple), (k.TRAIL, r.trail)],
    AdaptiveStop: lambda r: [
        *((k.STOP, k.ADAPTIVE_STOP), (k.MULTIPLE, r.multiple), (k.TRAIL, 1.0)),
        *((k.LIFE, r.life), (k.TIGHTEST, r.tightest), (k.WIDEST, r.widest)),
    ],
    Drawdown: lambda r: [(k.FROM, r.start), (k.TO, r.end), (k.THROTTLE_LEAST, r.least)],
    DailyLoss: lambda r: [(k.DAY_LOSS, r.share)],
    Exposure: lambda r: [(k.UNITS, r.units), (k.SHARE, r.symbol), (k.TOTAL, r.total)],
    TradesPerDay: lambda r: [(k.TRADES, r.most)],
    Cooldown: lambda r: [(k.WAIT, r.wait)],
    Kill: lambda r: [(k.KILL_DRAWDOWN, r.drawdown), (k.KILL_LOSS, r.loss), (k.KILL_LOSSES, r.losses)],
}
"""The columns that each rule sets; None leaves one off."""
