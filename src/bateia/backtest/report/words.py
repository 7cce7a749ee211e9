"""Numbers as text: thousands separators, a true minus, a dash for what is undefined."""

from __future__ import annotations

import re
from html import escape

from bateia.backtest.numbers import Estimate, Financial, Predictive

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


def digits_for(value: float | None) -> int:
    """Decimals that an amount of this size is worth.

    >>> digits_for(12.3), digits_for(-4567.8)
    (2, 0)
    """
    return 0 if value is not None and abs(value) >= 1_000 else 2


def days(value: float) -> str:
    """A number of days in words.

    >>> days(0.034), days(41.7)
    ('0.03', '41.7')
    """
    return amount(value, 2 if value < 1 else 1)


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


def known(numbers: Financial | Predictive, name: str) -> Estimate:
    """A plain number of the account or the prediction, with its interval where it has one."""
    low, high = numbers.intervals.get(name, (None, None))
    return Estimate(value=getattr(numbers, name), low=low, high=high)


def coins(found: Estimate | float | None, *, sign: bool = True) -> str:
    """An amount of currency as a table cell's HTML: decimals only where value and interval are small."""
    ends = [found.value, found.low, found.high] if isinstance(found, Estimate) else [found]
    largest = max((abs(end) for end in ends if end is not None), default=0.0)
    return cell(found, digits_for(largest), sign=sign)


def ratio(found: Estimate) -> str:
    """An annualised ratio as a table cell's HTML: no decimals where it is beyond sense anyway."""
    return cell(found, 0 if abs(found.value or 0.0) >= 100 else 2, sign=True)


def rough(found: Estimate) -> str:
    """A rough amount as a table cell's HTML, such as `4.7 trillion`."""
    between = (
        "" if found.low is None or found.high is None else f"{_scaled(found.low)} to {_scaled(found.high)}"
    )
    below = f'<span class="range">{between}</span>' if between else ""
    return _scaled(found.value) + below


def _scaled(value: float | None) -> str:
    for size, name in ((1e12, "trillion"), (1e9, "billion"), (1e6, "million")):
        if value is not None and abs(value) >= size:
            return amount(value / size, 1, f" {name}")
    return amount(value, 0)


def short(value: float | None) -> str:
    """A number of about three digits.

    >>> short(93.915), short(0.12345), short(941.0)
    ('93.9', '0.123', '941')
    """
    size = abs(value or 0.0)
    whole = value is None or value == int(value)
    return amount(value, 0 if whole or size >= 100 else 1 if size >= 10 else 2 if size >= 1 else 3)


def probability(value: float | None) -> str:
    """A probability that never claims to be certain.

    >>> probability(0.99999) == ">\\u00a00.999", probability(0.25)
    (True, '0.250')
    """
    if value is None or 0.001 <= value <= 0.999:
        return amount(value, 3)
    return "<\u00a00.001" if value < 0.5 else ">\u00a00.999"


def cell(estimate: Estimate | float | None, digits: int = 2, unit: str = "", *, sign: bool = False) -> str:
    """A table cell's HTML: the value, its interval below, rust where it is below 0."""
    value = estimate.value if isinstance(estimate, Estimate) else estimate
    text = escape(amount(value, digits, unit, sign=sign))
    if sign and text.startswith("\u2212"):
        text = f'<span class="minus">{text}</span>'
    range_ = span(estimate, digits) if isinstance(estimate, Estimate) else ""
    return text + (f'<span class="range">{escape(range_)}</span>' if range_ else "")
