"""Numbers as text: thousands separators, a true minus, a dash for what is undefined."""

from __future__ import annotations

import re
from html import escape

from bateia.backtest.numbers import Estimate

MISSING = "\u2013"


def amount(value: float | None, digits: int = 2, unit: str = "", *, sign: bool = False) -> str:
    """One number in words, not yet escaped.

    >>> amount(-1234.5, 1, " bp") == "\\u22121,234.5 bp"
    True
    >>> amount(None) == "\\u2013"
    True
    """
    if value is None:
        return MISSING
    text = f"{value:{'+' if sign else ''},.{digits}f}"
    # Not "-0.00": rounding must not invent a sign.
    if not any(digit in text for digit in "123456789"):
        text = text.lstrip("+-")
    return text.replace("-", "\u2212") + unit


def true_minus(text: str) -> str:
    """The text with a true minus before each negative number.

    >>> true_minus("net -1.0 to-day") == "net \\u22121.0 to-day"
    True
    """
    return re.sub(r"(?<!\w)-(?=\d)", "\u2212", text)


def span(estimate: Estimate, digits: int = 2) -> str:
    """The 95% interval in words, or nothing.

    >>> span(Estimate(value=1.0, low=0.5, high=1.5), 1)
    '0.5 to 1.5'
    """
    if estimate.low is None or estimate.high is None:
        return ""
    return f"{amount(estimate.low, digits)} to {amount(estimate.high, digits)}"


def cell(estimate: Estimate | float | None, digits: int = 2, unit: str = "", *, sign: bool = False) -> str:
    """A table cell's HTML: the value, its interval below, rust where it is below 0."""
    value = estimate.value if isinstance(estimate, Estimate) else estimate
    text = escape(amount(value, digits, unit, sign=sign))
    if sign and text.startswith("\u2212"):
        text = f'<span class="minus">{text}</span>'
    range_ = span(estimate, digits) if isinstance(estimate, Estimate) else ""
    return text + (f'<span class="range">{escape(range_)}</span>' if range_ else "")
