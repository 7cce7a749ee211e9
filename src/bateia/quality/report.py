"""What an inspection of data found, check by check, and what a run does about it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict

from bateia.core import ConfigError, DataError, nearest

Grade = Literal["ok", "suspect", "blocked"]
GRADES: tuple[Grade, ...] = ("ok", "suspect", "blocked")
NAMES = (
    *(
        "prices",
        "ohlc",
        "sums",
        "sizes",
        "sides",
        "repeats",
        "order",
        "duplicates",
        "clock",
        "daylight_saving",
    ),
    *("gaps", "calendar", "ticks", "rounding", "lots", "stale", "outliers", "seams", "volume"),
    *("tails", "clusters", "walk", "touch", "volume_memory", "volume_range", "volume_shape", "fading"),
    *("moves_memory", "volume_move", "sides_move", "rise", "hours", "joins", "breaks"),
    *("moments", "pushes", "messages", "ids", "crossed", "latency", "snapshot", "bursts", "checksum"),
    *("moves", "arrivals", "sides_memory", "favourites", "sizes_memory", "season", "digits", "generated"),
)
"""Every check there is; which of them a report holds depends on the data."""
WHAT = {"book": "messages of a book", "checksum": "checksum"}
"""Rows of such a report, in words."""
TINY = 1e-99
FIRST = 10
"""Rows that a check names; it counts all of them."""


class Check(BaseModel):
    """One question asked of the data, and the answer."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)
    name: str
    grade: Grade
    found: str
    """What was found, in words."""
    p_value: float | None = None
    """Of the hypothesis that the test names; None where the check is no test."""
    measure: float | None = None
    rows: tuple[int, ...] = ()
    """The first rows it is about, from 0."""
    count: int = 0
    """How many rows it is about."""
    sign: float = 0.0
    """Points that speak for generated data; added up by the check `generated`, which alone grades them."""


class QualityReport(BaseModel):
    """The grade of a data set, which is the worst of its checks, and why.

    >>> print(QualityReport(kind="bars", rows=2, checks=(Check(name="ohlc", grade="ok", found="whole"),)))
    ok: 2 bars
      ok       ohlc  whole
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    kind: Literal["trades", "bars", "book", "quotes", "checksum"]
    rows: int
    checks: tuple[Check, ...]

    @property
    def grade(self) -> Grade:
        """The worst grade of all checks."""
        return worst([check.grade for check in self.checks])

    def of(self, grade: Grade) -> tuple[Check, ...]:
        """The checks of this grade."""
        return tuple(check for check in self.checks if check.grade == grade)

    def without(self, names: Sequence[str]) -> QualityReport:
        """The same report, these checks left out."""
        kept = tuple(check for check in self.checks if check.name not in names)
        return self.model_copy(update={"checks": kept})

    def __getitem__(self, name: str) -> Check:
        """The check of this name; ConfigError with the nearest name where there is none."""
        for check in self.checks:
            if check.name == name:
                return check
        names = [check.name for check in self.checks]
        raise ConfigError(f"no check {name!r}", allowed=", ".join(names), hint=nearest(name, names))

    def to_dict(self) -> dict[str, Any]:
        """The report as plain JSON values, its grade first."""
        return {"grade": self.grade, **self.model_dump(mode="json")}

    def __str__(self) -> str:
        width = max((len(check.name) for check in self.checks), default=0)
        head = f"{self.grade}: {self.rows:,} {WHAT.get(self.kind, self.kind)}"
        ordered = sorted(self.checks, key=lambda check: -GRADES.index(check.grade))
        return "\n".join([head, *(_line(check, width) for check in ordered)])


def _line(check: Check, width: int) -> str:
    rows = ", ".join(f"{row:,}" for row in check.rows[:5])
    more = ", …" if check.count > len(check.rows[:5]) else ""
    named = f": {rows}{more}" if rows else ""
    where = f" [{check.count:,} {'row' if check.count == 1 else 'rows'}{named}]" if check.count else ""
    sign = f" (speaks for generated data: {check.sign:g})" if check.sign else ""
    p = (
        ""
        if check.p_value is None
        else f" (p {check.p_value:.2g})"
        if check.p_value > TINY
        else f" (p < {TINY:g})"
    )
    return f"  {check.grade:<8} {check.name:<{width}}  {check.found}{p}{where}{sign}"


def worst(grades: Sequence[Grade]) -> Grade:
    """The worst of some grades, ok where there is none.

    >>> worst(["ok", "blocked", "suspect"])
    'blocked'
    """
    return max(grades, key=GRADES.index, default="ok")


def about(name: str, grade: Grade, found: str, bad: npt.NDArray[Any], measure: float | None = None) -> Check:
    """A check about rows: `bad` are row numbers or a mask. It is ok where there is none."""
    rows = np.flatnonzero(bad) if bad.dtype == np.bool_ else bad
    if not len(rows):
        grade = "ok"
    first = tuple(int(row) for row in rows[:FIRST])
    return Check(name=name, grade=grade, found=found, rows=first, count=len(rows), measure=measure)


def known(name: str) -> str:
    """The name of a check; ConfigError with the nearest where there is none.

    >>> known("outlier")
    Traceback (most recent call last):
    bateia.core.errors.ConfigError: no check 'outlier'; allowed: prices, ...; try: outliers
    """
    if name not in NAMES:
        raise ConfigError(f"no check {name!r}", allowed=", ".join(NAMES), hint=nearest(name, NAMES))
    return name


def enforce(report: QualityReport, accept: Sequence[str] = ()) -> str | None:
    """Raise DataError where a check blocks that is not in `accept`; else say what was accepted, or None.

    `accept` holds names of checks (`quality: {accept: [outliers]}` in a recipe). The text that comes back
    belongs on the first line of the run's report. ConfigError for a name that no check has.

    >>> check = Check(name="ohlc", grade="blocked", found="a high below its low", rows=(3,), count=1)
    >>> enforce(QualityReport(kind="bars", rows=9, checks=(check,)), accept=["ohlc"])
    'Data accepted although blocked: ohlc (a high below its low, 1 row from 3)'
    """
    for name in accept:
        known(name)
    blocked = report.of("blocked")
    refused = [check for check in blocked if check.name not in accept]
    if refused:
        names = ", ".join(check.name for check in refused)
        raise DataError(
            f"the data is blocked: {'; '.join(map(_because, refused))}",
            allowed="data that no check blocks",
            hint=f"mend it, see all of it with `bateia data check`, or accept it by quality: "
            f"{{accept: [{names}]}}",
        )
    if not blocked:
        return None
    return f"Data accepted although blocked: {'; '.join(map(_because, blocked))}"


def _because(check: Check) -> str:
    if not check.count:
        return f"{check.name} ({check.found})"
    rows = "row" if check.count == 1 else "rows"
    start = f" from {check.rows[0]:,}" if check.rows else ""
    return f"{check.name} ({check.found}, {check.count:,} {rows}{start})"
