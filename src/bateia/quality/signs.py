"""The answer of one test of where data come from."""

from __future__ import annotations

import math
from collections.abc import Sequence

from bateia.quality.report import Check, Grade

FEWEST = 1_000
"""Candles, or trades, below which nothing is said."""
SURE = 1e-4
"""A p-value above which a test does not see what a market shows."""
SUSPECT, BLOCKED = 2.5, 4.0
"""Points of all tests together from which data are suspected, and refused."""


def told(name: str, p: float, measure: float, sign: float, odd: str, usual: str) -> Check:
    """A test's answer: `odd` where it speaks for generated data, else `usual`; NaN is unknown."""
    known = None if math.isnan(p) else min(max(p, 0.0), 1.0)
    level = None if math.isnan(measure) else round(measure, 6)
    return Check(name=name, grade="ok", found=odd if sign else usual, p_value=known, measure=level, sign=sign)


def generated(tests: Sequence[Check]) -> Check:
    """The check that adds up what the tests say."""
    points = sum(test.sign for test in tests)
    grade: Grade = "blocked" if points >= BLOCKED else "suspect" if points >= SUSPECT else "ok"
    signs = [test for test in tests if test.sign]
    found = "; ".join(test.found for test in signs) or "looks like a market in every test"
    return Check(name="generated", grade=grade, found=found, measure=points)


def too_few(rows: int, what: str) -> Check:
    """The check `generated` of data too short for it."""
    found = f"{rows:,} {what} are too few to tell, it takes {FEWEST:,}"
    return Check(name="generated", grade="ok", found=found)
