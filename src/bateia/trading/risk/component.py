"""Risk: what may be held, given what is wanted and how the account stands; the same object everywhere."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Self

import numpy as np
import numpy.typing as npt
from pydantic import Field, model_validator

from bateia.core import AMOUNT, Bars, Component, ConfigError, DataError, Duration, format_duration
from bateia.core.clock import DAY
from bateia.core.events import Floats, Ints
from bateia.kernels import risk as k
from bateia.runs import content_hash
from bateia.trading.risk import table
from bateia.trading.risk.rules import Rules
from bateia.trading.risk.standing import Allowed, Standing

Snapshot = Mapping[str, npt.NDArray[Any]]


class Risk(Component):
    """Sizers, stops and limits between policy and broker.

    In this order: the size of the target (times the model's confidence), drawdown throttle, caps, then what
    goes flat: kill switch, daily loss, cooldown, stop, trades per day. No two rules of one kind, no two
    sizers and no two stops; without a sizer a target of 1 is one unit. Rules may stand in any order.

    >>> risk = Risk(rules=[{"kind": "volatility", "goal": 0.2, "half_life": "5d", "cap": 2},
    ...                    {"kind": "drawdown", "start": 0.1, "end": 0.2}])
    >>> sorted(risk.needs)
    []
    """

    rules: Rules = ()
    multiplier: float = Field(default=1.0, ge=1 / AMOUNT, le=AMOUNT)
    """Currency per price point per unit: the broker's."""
    opens: Duration | None = None
    """When a session begins, after midnight UTC; sessions last a day. None: at midnight."""

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.opens is not None and self.opens >= DAY:
            error = ConfigError(
                f"opens is {format_duration(self.opens)}", allowed="less than 24h", hint='"22h"'
            )
            raise ValueError(str(error))
        try:
            table.constants(table.regimes(self.rules), self.multiplier, self.opens or 0)
        except ConfigError as error:
            raise ValueError(str(error)) from None
        return self

    @property
    def compiled(self) -> Compiled:
        """The rules as the numbers that the kernel reads."""
        return _compile(self)

    @property
    def needs(self) -> frozenset[str]:
        """Which of score, edge, probability, regime and others the rules read."""
        return self.compiled.needs

    @property
    def hash(self) -> str:
        """Content hash of the parameters, hex: a snapshot fits no others."""
        return self.compiled.hash

    def start(self) -> RiskStream:
        """A fresh stream: flat, nothing known."""
        return RiskStream(self)

    def restore(self, snapshot: Snapshot) -> RiskStream:
        """The stream as it was when `snapshot()` was taken; DataError for no snapshot of this risk."""
        return RiskStream(self, snapshot)

    def run(self, bars: Bars, target: npt.ArrayLike, account: Standing, **opinion: Any) -> Allowed:
        """What is allowed over a whole series whose account is known; see `RiskStream.run`."""
        return self.start().run(bars, target, account, **opinion)


@dataclass(frozen=True, eq=False)
class Compiled:
    """A risk's rules as numbers.

    `numbers` are the regimes', one a row of `table` (regimes, kernels.risk.COLUMNS), the first, -1, standing
    for all others; `constants` is the same in every regime.
    """

    numbers: Ints
    table: Floats
    constants: Floats
    needs: frozenset[str]
    hash: str

    def inputs(self, rows: int, **given: npt.ArrayLike | None) -> tuple[Any, ...]:
        """Score, edge, probability and the table's row, for each of `rows` bars; DataError where one misses.

        A regime that has no rules of its own takes the first row.
        """
        unknown = sorted(set(given) - {"score", "edge", "probability", "regime"})
        if unknown:
            raise DataError(f"input {unknown[0]!r}", allowed="score, edge, probability, regime")
        missing = sorted(name for name in self.needs - {"others"} if given.get(name) is None)
        if missing:
            raise DataError(
                f"no {missing[0]} for the risk rules", allowed=f"one a bar of {sorted(self.needs)}"
            )
        score, edge, probability = (
            column(name, np.nan if given.get(name) is None else given[name], rows)
            for name in ("score", "edge", "probability")
        )
        if given.get("regime") is None or len(self.numbers) == 1:
            return score, edge, probability, np.zeros(rows, np.int64)
        regime = np.asarray(given["regime"])
        if regime.dtype.kind not in "iu" or regime.shape != (rows,):
            raise DataError(f"regimes are {regime.dtype} of shape {regime.shape}", allowed=f"{rows} integers")
        at = np.minimum(np.searchsorted(self.numbers, regime), len(self.numbers) - 1)
        own = self.numbers[at] == regime
        return score, edge, probability, np.where(own, at, 0).astype(np.int64)


@lru_cache(maxsize=256)
def _compile(risk: Risk) -> Compiled:
    # Kept beside the frozen component: in it, a copy with other rules would keep the old numbers.
    sets = table.regimes(risk.rules)
    constants = table.constants(sets, risk.multiplier, risk.opens or 0)
    name = content_hash(risk.model_dump(mode="json"))
    return Compiled(table.numbers(sets), table.table(sets), constants, frozenset(table.needs(sets)), name)


class RiskStream:
    """Risk in the middle of a day: bars, targets and accounts in blocks of any length."""

    def __init__(self, risk: Risk, snapshot: Snapshot | None = None) -> None:
        self.risk, self._rules = risk, risk.compiled
        self._floats, self._ints = fresh()
        if snapshot is not None:
            name = str(np.array(snapshot.get("risk", "")))
            if name != self._rules.hash:
                raise DataError("the snapshot is of another risk", allowed="the same rules and parameters")
            self._floats = _state(snapshot, "floats", self._floats)
            self._ints = _state(snapshot, "ints", self._ints)

    def run(self, bars: Bars, target: npt.ArrayLike, account: Standing, **opinion: Any) -> Allowed:
        """What may be held from each of the next bars on.

        `target` in [-1, 1], NaN: none, flat. `account` as each bar's decision finds it. `score`, `edge`,
        `probability` and `regime` (integers), one a bar, where the rules need them. DataError for lengths
        that differ, targets out of range, clocks that go backwards, a missing input.
        """
        rows = len(bars)
        targets = check(bars, target, int(self._ints[k.LAST_TIME]))
        if len(account) != rows:
            raise DataError(f"{len(account)} rows of the account for {rows} bars", allowed="one a bar")
        inputs = self._rules.inputs(rows, **opinion)
        out = Allowed(np.empty(rows), np.empty(rows), np.empty(rows, np.int8))
        columns: list[Any] = [*market(bars), targets, *inputs]
        columns += [np.ascontiguousarray(values) for values in account.columns().values()]
        columns += out.columns().values()
        k.allow(self._floats, self._ints, self._rules.table, self._rules.constants, 0, rows, *columns)
        return out

    @property
    def killed(self) -> bool:
        """Whether the kill switch has been thrown."""
        return bool(self._ints[k.KILL])

    def kill(self) -> None:
        """Throw the kill switch: flat from the next bar on, until `reset()`."""
        self._ints[k.KILL] = 1

    def reset(self) -> None:
        """Trade again: the kill switch back, peak, first equity and losing streak counted anew."""
        self._ints[[k.KILL, k.LOSSES]] = 0
        self._floats[[k.PEAK, k.FIRST]] = np.nan

    def snapshot(self) -> dict[str, npt.NDArray[Any]]:
        """The state as arrays, and the risk that it belongs to."""
        return {"risk": np.array(self._rules.hash), "floats": self._floats.copy(), "ints": self._ints.copy()}


def fresh() -> tuple[Floats, Ints]:
    """The state before the first bar."""
    floats, ints = np.zeros(k.NUMBERS), np.zeros(k.COUNTS, np.int64)
    unknown = (k.LAST_PRICE, k.PEAK, k.FIRST, k.BASE, k.LAST_EQUITY, k.MARK, k.LAST_PROFIT, k.LEVEL)
    floats[list(unknown)] = np.nan
    ints[[k.NOW, k.LAST_TIME, k.TODAY, k.UNTIL]] = k.NEVER
    return floats, ints


def column(name: str, values: Any, rows: int) -> Floats:
    """A float64 column of so many rows; DataError for another length."""
    found = np.array(values, np.float64)
    if found.ndim == 0:
        return np.full(rows, found)
    if found.shape != (rows,):
        raise DataError(f"{name} has shape {found.shape} for {rows} bars", allowed="one value a bar")
    return np.ascontiguousarray(found)


def check(bars: Bars, target: npt.ArrayLike, last: int = k.NEVER) -> Floats:
    """The targets as a column; DataError for what no policy gives, or for bars out of order."""
    targets = column("target", target, len(bars))
    if (np.abs(targets) > 1.0).any():
        wrong = targets[np.flatnonzero(np.abs(targets) > 1.0)[0]]
        raise DataError(f"a target of {wrong:g}", allowed="-1 to 1, NaN for none", hint="a sizer for more")
    if len(bars) and (bars.time[0] < last or (np.diff(bars.time) < 0).any()):
        raise DataError("bar times go backwards", allowed="bars in time order, blocks too")
    return targets


def market(bars: Bars) -> tuple[Any, ...]:
    """The columns that the kernel reads."""
    ints = (np.ascontiguousarray(values, np.int64) for values in (bars.time, bars.known_at))
    floats = (np.ascontiguousarray(values, np.float64) for values in (bars.high, bars.low, bars.close))
    return (*ints, *floats)


def _state(snapshot: Snapshot, name: str, like: npt.NDArray[Any]) -> npt.NDArray[Any]:
    found = np.array(snapshot.get(name, ()))
    if found.shape != like.shape or found.dtype != like.dtype:
        raise DataError(
            f"the snapshot's {name!r} is {found.dtype} of shape {found.shape}",
            allowed=f"{like.dtype} of shape {like.shape}, as `RiskStream.snapshot()` gives it",
        )
    return found
