"""Bull, bear and sideways: the phase of the market at each candle, as it was known when the candle closed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bateia.core import Bars, ConfigError, DataError
from bateia.core.events import Bytes, Ints

PHASES = ("unknown", "bull", "bear", "sideways")
UNKNOWN, BULL, BEAR, SIDEWAYS = range(4)


@dataclass(frozen=True)
class Phase:
    """Candles `start` to before `stop` of one phase."""

    name: str
    start: int
    stop: int


def find_phases(bars: Bars, window: int = 100, spread: float = 1.0) -> Bytes:
    """The phase of each candle, a number into `PHASES`, from the last `window` returns alone.

    The drift, log(close / close `window` candles ago), is held against what as many steps would make by
    chance: the root of the sum of their squares. Above `spread` times that it is a bull market, below
    -`spread` times a bear market, else sideways. The first `window` candles are unknown. ConfigError for a
    window below 2 or a spread below 0, DataError for a close that is no price.
    """
    if window < 2 or not spread >= 0:
        raise ConfigError(f"window {window}, spread {spread}", allowed="a window from 2, a spread from 0")
    strange = np.flatnonzero(~(bars.close > 0))
    if len(strange):
        raise DataError(f"close of row {strange[0]} is {bars.close[strange[0]]}", allowed="a price above 0")
    phases = np.full(len(bars), UNKNOWN, np.int8)
    prices = np.log(bars.close)
    squares = np.concatenate([[0.0], np.cumsum(np.diff(prices) ** 2)])
    drift = prices[window:] - prices[:-window]
    chance = np.sqrt(np.maximum(squares[window:] - squares[:-window], 0.0))
    phases[window:] = np.where(
        drift > spread * chance, BULL, np.where(drift < -spread * chance, BEAR, SIDEWAYS)
    )
    return phases


def phase_at(bars: Bars, phases: Bytes, moments: Ints) -> Bytes:
    """The phase of the last candle that was whole at each moment; unknown before the first."""
    row = np.searchsorted(bars.known_at, moments, side="right") - 1
    return np.where(row < 0, UNKNOWN, phases[np.maximum(row, 0)]).astype(np.int8)


def partition(phases: Bytes) -> list[Phase]:
    """Runs of candles of one phase, in order; together they are all candles, each once.

    >>> [(p.name, p.start, p.stop) for p in partition(np.array([0, 1, 1, 3], np.int8))]
    [('unknown', 0, 1), ('bull', 1, 3), ('sideways', 3, 4)]
    """
    edges = np.flatnonzero(np.diff(phases)) + 1
    starts = [0, *edges.tolist()] if len(phases) else []
    stops = [*edges.tolist(), len(phases)]
    return [Phase(PHASES[phases[a]], a, b) for a, b in zip(starts, stops, strict=False)]
