"""How a slow, obvious twin of an operator or function is written down, by count and by duration."""

import math
from collections.abc import Callable
from dataclasses import dataclass

from bateia.core import parse_duration

NAN = math.nan


@dataclass(frozen=True)
class Reference:
    """An expression with {n} for its window, and `rows(market, n)`, its values in plain Python."""

    expression: str
    rows: Callable
    windows: tuple = (0,)
    sparse: bool = False
    """Not known in every row, whatever the data: the check of the warm-up is for the rest."""

    def filled(self, n):
        return self.expression.replace("{n}", f'"{n}"' if isinstance(n, str) else str(n))


REFERENCES: dict[str, Reference] = {}


def register(name, expression, rows, least=2, timed=True, sparse=False):
    """`least` is the shortest window; `timed` says whether it may be a duration."""
    windows = (0,)
    if "{n}" in expression:
        windows = tuple(n for n in (1, 2, 3, 4, 7, 40) if n >= least) + (("3s", "20s", "2m") if timed else ())
    assert name not in REFERENCES, f"{name} has two references"
    REFERENCES[name] = Reference(expression, rows, windows, sparse)


def known(*values):
    return not any(map(math.isnan, values))


def reference(expression, **kind):
    """Makes a function `(market, n) -> list` the reference of its own name."""

    def registered(function):
        register(function.__name__.rstrip("_"), expression, function, **kind)
        return function

    return registered


def point(name, expression, function, *columns, **kind):
    """A reference that looks at one row; None, an error and an infinity are NaN."""

    def rows(m, n):
        found = []
        for row in zip(*(m[column] for column in columns), strict=True):
            try:
                value = float(function(*row)) if known(*row) else NAN
            except (ArithmeticError, ValueError):
                value = NAN
            found.append(value if math.isfinite(value) else NAN)
        return found

    register(name, expression, rows, **kind)


def window(m, n, i):
    """The rows of the window that ends at row i, or None while there are too few."""
    if isinstance(n, int):
        return range(i - n + 1, i + 1) if i >= n - 1 else None
    micros, time = parse_duration(n), m["time"]
    if time[i] - time[0] < micros:
        return None
    return [k for k in range(i + 1) if time[k] > time[i] - micros]


def rolling(name, expression, function, *columns, **kind):
    """A reference that looks at the window's values only, NaN where one of them is."""

    def rows(m, n):
        found = []
        for i in range(len(m["time"])):
            held = window(m, n, i)
            values = [] if held is None else [[float(m[c][k]) for k in held] for c in columns]
            good = values and all(known(*value) for value in values)
            found.append(function(*values) if good else NAN)
        return found

    register(name, expression, rows, **kind)


def lagged(m, n, column):
    found = []
    for i in range(len(m["time"])):
        if isinstance(n, int):
            found.append(float(m[column][i - n]) if i >= n else NAN)
        else:
            limit = m["time"][i] - parse_duration(n)
            before = [k for k in range(i) if m["time"][k] <= limit]
            found.append(float(m[column][before[-1]]) if before else NAN)
    return found


def average(values, n, alpha):
    """Exponential average, seeded with a plain mean, that passes over missing values."""
    seen, level, found = [], None, []
    for value in values:
        if not known(value):
            found.append(NAN)
        elif level is None:
            seen.append(value)
            if len(seen) == n:
                level = sum(seen) / n
            found.append(NAN if level is None else level)
        else:
            level = (1 - alpha) * level + alpha * value
            found.append(level)
    return found


def ratio(a, b):
    return a / b if b else NAN
