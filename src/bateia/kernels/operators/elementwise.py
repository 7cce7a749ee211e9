"""Row by row: arithmetic, comparisons, logic. NaN in, NaN out; what is not finite becomes NaN."""

from __future__ import annotations

import math

import numpy as np

from bateia.kernels.operator import operator


@operator("a", "b")
def add(start, stop, x, out, p, s):
    """a + b."""
    a, b = x[0], x[1]
    for i in range(start, stop):
        v = a[i] + b[i]
        out[i] = v if abs(v) < np.inf else np.nan
    return 0


@operator("a", "b")
def sub(start, stop, x, out, p, s):
    """a - b."""
    a, b = x[0], x[1]
    for i in range(start, stop):
        v = a[i] - b[i]
        out[i] = v if abs(v) < np.inf else np.nan
    return 0


@operator("a", "b")
def mul(start, stop, x, out, p, s):
    """a * b."""
    a, b = x[0], x[1]
    for i in range(start, stop):
        v = a[i] * b[i]
        out[i] = v if abs(v) < np.inf else np.nan
    return 0


@operator("a", "b")
def div(start, stop, x, out, p, s):
    """a / b, NaN where b is 0."""
    a, b = x[0], x[1]
    for i in range(start, stop):
        v = a[i] / b[i] if b[i] != 0.0 else np.nan
        out[i] = v if abs(v) < np.inf else np.nan
    return 0


@operator("a", "b")
def mod(start, stop, x, out, p, s):
    """a modulo b with the sign of b, NaN where b is 0."""
    a, b = x[0], x[1]
    for i in range(start, stop):
        v = a[i] - b[i] * np.floor(a[i] / b[i]) if b[i] != 0.0 else np.nan
        out[i] = v if abs(v) < np.inf else np.nan
    return 0


@operator("a", "b")
def pow_(start, stop, x, out, p, s):
    """a to the power b, NaN where the result is not a finite real number."""
    a, b = x[0], x[1]
    for i in range(start, stop):
        v = math.pow(a[i], b[i])
        known = a[i] == a[i] and b[i] == b[i] and abs(v) != np.inf
        out[i] = v if known else np.nan
    return 0


@operator("x")
def neg(start, stop, x, out, p, s):
    """-x."""
    a = x[0]
    for i in range(start, stop):
        out[i] = -a[i]
    return 0


@operator("x")
def abs_(start, stop, x, out, p, s):
    """Absolute value."""
    a = x[0]
    for i in range(start, stop):
        out[i] = abs(a[i])
    return 0


@operator("x")
def sign(start, stop, x, out, p, s):
    """-1, 0 or +1."""
    a = x[0]
    for i in range(start, stop):
        v = a[i]
        out[i] = 1.0 if v > 0.0 else (-1.0 if v < 0.0 else (0.0 if v == 0.0 else np.nan))
    return 0


@operator("x")
def log(start, stop, x, out, p, s):
    """Natural logarithm, NaN where x is not positive."""
    a = x[0]
    for i in range(start, stop):
        out[i] = math.log(a[i]) if a[i] > 0.0 else np.nan
    return 0


@operator("x")
def exp(start, stop, x, out, p, s):
    """e to the power x, NaN where it overflows."""
    a = x[0]
    for i in range(start, stop):
        out[i] = math.exp(a[i]) if a[i] < 709.0 else np.nan
    return 0


@operator("x")
def sqrt(start, stop, x, out, p, s):
    """Square root, NaN where x is negative."""
    a = x[0]
    for i in range(start, stop):
        out[i] = math.sqrt(a[i]) if a[i] >= 0.0 else np.nan
    return 0


@operator("x")
def floor(start, stop, x, out, p, s):
    """The largest whole number not above x."""
    a = x[0]
    for i in range(start, stop):
        out[i] = np.floor(a[i])
    return 0


@operator("x")
def sin(start, stop, x, out, p, s):
    """Sine of x in radians."""
    a = x[0]
    for i in range(start, stop):
        out[i] = math.sin(a[i])
    return 0


@operator("x")
def cos(start, stop, x, out, p, s):
    """Cosine of x in radians."""
    a = x[0]
    for i in range(start, stop):
        out[i] = math.cos(a[i])
    return 0


@operator("a", "b")
def minimum(start, stop, x, out, p, s):
    """The smaller of two series."""
    a, b = x[0], x[1]
    for i in range(start, stop):
        v, w = a[i], b[i]
        out[i] = (v if v < w else w) if v == v else np.nan
    return 0


@operator("a", "b")
def maximum(start, stop, x, out, p, s):
    """The larger of two series."""
    a, b = x[0], x[1]
    for i in range(start, stop):
        v, w = a[i], b[i]
        out[i] = (v if v > w else w) if v == v else np.nan
    return 0


@operator("a", "b")
def gt(start, stop, x, out, p, s):
    """1 where a > b, else 0."""
    a, b = x[0], x[1]
    for i in range(start, stop):
        out[i] = (1.0 if a[i] > b[i] else 0.0) if a[i] == a[i] and b[i] == b[i] else np.nan
    return 0


@operator("a", "b")
def ge(start, stop, x, out, p, s):
    """1 where a >= b, else 0."""
    a, b = x[0], x[1]
    for i in range(start, stop):
        out[i] = (1.0 if a[i] >= b[i] else 0.0) if a[i] == a[i] and b[i] == b[i] else np.nan
    return 0


@operator("a", "b")
def eq(start, stop, x, out, p, s):
    """1 where a equals b, else 0."""
    a, b = x[0], x[1]
    for i in range(start, stop):
        out[i] = (1.0 if a[i] == b[i] else 0.0) if a[i] == a[i] and b[i] == b[i] else np.nan
    return 0


@operator("a", "b")
def and_(start, stop, x, out, p, s):
    """1 where both are non-zero, else 0."""
    a, b = x[0], x[1]
    for i in range(start, stop):
        out[i] = (1.0 if a[i] != 0.0 and b[i] != 0.0 else 0.0) if a[i] == a[i] and b[i] == b[i] else np.nan
    return 0


@operator("a", "b")
def or_(start, stop, x, out, p, s):
    """1 where either is non-zero, else 0."""
    a, b = x[0], x[1]
    for i in range(start, stop):
        out[i] = (1.0 if a[i] != 0.0 or b[i] != 0.0 else 0.0) if a[i] == a[i] and b[i] == b[i] else np.nan
    return 0


@operator("x")
def not_(start, stop, x, out, p, s):
    """1 where x is 0, else 0."""
    a = x[0]
    for i in range(start, stop):
        out[i] = (1.0 if a[i] == 0.0 else 0.0) if a[i] == a[i] else np.nan
    return 0


@operator("condition", "a", "b")
def where(start, stop, x, out, p, s):
    """a where the condition is non-zero, else b; NaN where any of the three is."""
    c, a, b = x[0], x[1], x[2]
    for i in range(start, stop):
        known = c[i] == c[i] and a[i] == a[i] and b[i] == b[i]
        out[i] = (a[i] if c[i] != 0.0 else b[i]) if known else np.nan
    return 0
