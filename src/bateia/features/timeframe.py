"""How the columns of a higher timeframe's bars come from the rows within them."""

from __future__ import annotations

from bateia.kernels.operators.timeframe import AVERAGE, FIRST, LARGEST, LAST, SMALLEST, TOTAL

HOW = {
    **dict.fromkeys(("open", "open_time"), FIRST),
    **dict.fromkeys(("high", "max_spread"), LARGEST),
    "low": SMALLEST,
    **dict.fromkeys(("volume", "signed_volume", "value", "trades"), TOTAL),
    **dict.fromkeys(("up_ticks", "down_ticks", "messages"), TOTAL),
    **dict.fromkeys(("mean_obi", "mean_deep_obi", "micro_volatility"), AVERAGE),
    **dict.fromkeys(("buy_concentration", "sell_concentration"), AVERAGE),
}
"""Every other column has its last value."""
_WEEK, _MONDAY = 7 * 86_400_000_000, 4 * 86_400_000_000


def how(column: str) -> float:
    """The code for `bar_of` that makes one value of a bar's many."""
    return float(HOW.get(column, LAST))


def shift(micros: int) -> float:
    """Where bars of a length begin: at whole multiples of it, and weeks on a Monday; UTC.

    >>> shift(3_600_000_000), shift(7 * 86_400_000_000) / 86_400_000_000
    (0.0, 4.0)
    """
    return float(_MONDAY) if micros % _WEEK == 0 else 0.0
