"""Series as plain lists: row by row, over windows, and what indicators are usually made of."""

import math

from references.base import NAN, known, window


def each(function, *series):
    """The function of every row; NaN where an input, or the result, is not a number."""
    found = []
    for row in zip(*series, strict=True):
        try:
            value = float(function(*row)) if known(*row) else NAN
        except (ArithmeticError, ValueError):
            value = NAN
        found.append(value if math.isfinite(value) else NAN)
    return found


def over(function, m, n, *series):
    """The function of each window's values; NaN where one of them is missing."""
    found = []
    for i in range(len(m["time"])):
        held = window(m, n, i)
        values = [] if held is None else [[s[k] for k in held] for s in series]
        good = values and all(known(*part) for part in values)
        found.append(function(*values) if good else NAN)
    return found


def ago(series, k):
    """The series as it was k rows before."""
    return [NAN] * min(k, len(series)) + [float(v) for v in series[: max(len(series) - k, 0)]]


def changes(series, k=1):
    return each(lambda a, b: a - b, series, ago(series, k))


def returns(series, k=1):
    return each(lambda a, b: math.log(a / b), series, ago(series, k))


def mean_of(w):
    return math.fsum(w) / len(w)


def means(m, n, series):
    return over(mean_of, m, n, series)


def sums(m, n, series):
    return over(math.fsum, m, n, series)


def quotient(a, b, otherwise):
    return a / b if b else otherwise


def typical(m):
    return each(lambda h, lo, c: (h + lo + c) / 3, m["high"], m["low"], m["close"])


def middle(m):
    return each(lambda h, lo: (h + lo) / 2, m["high"], m["low"])


def reach(m):
    """The true range, written as the largest of three distances."""
    return each(
        lambda h, lo, c: max(h - lo, abs(h - c), abs(lo - c)), m["high"], m["low"], ago(m["close"], 1)
    )
