"""All checks on best bids and asks as they were sent."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bateia.core import Trades
from bateia.core.clock import MINUTE
from bateia.core.events import Block, Floats, Ints
from bateia.quality.books import clocks
from bateia.quality.generated import volume_shape
from bateia.quality.generated_trades import favourites, moves
from bateia.quality.grids import grid_checks
from bateia.quality.jumps import trade_jumps
from bateia.quality.report import Check, QualityReport, about
from bateia.quality.rows import possible
from bateia.quality.signs import FEWEST, generated


@dataclass(frozen=True, eq=False)
class Quotes(Block):
    """Best bids and asks: `time` at the exchange, or ours where it is not said, and `received`, microseconds.

    `ids` rise with the book's updates.
    """

    time: Ints
    received: Ints
    ids: Ints
    bid: Floats
    bid_size: Floats
    ask: Floats
    ask_size: Floats


def inspect_quotes(quotes: Quotes, tick: float | None = None, lot: float | None = None) -> QualityReport:
    """Every check on quotes; rows are numbered from 0. Grids that are None are told from the data."""
    whole = possible(quotes.bid) & possible(quotes.ask) & (quotes.bid_size >= 0) & (quotes.ask_size >= 0)
    crossed = whole & (quotes.bid >= quotes.ask)
    locked = whole & (quotes.bid == quotes.ask)
    step = np.diff(quotes.ids, prepend=quotes.ids[0] - 1 if len(quotes) else 0)
    silent = np.diff(quotes.time, prepend=quotes.time[:1]) > MINUTE
    checks = [
        about(
            "prices",
            "blocked",
            _either(~whole, "no prices or sizes", "prices above 0, sizes not below"),
            ~whole,
        ),
        about("crossed", "blocked", _crossed(int(crossed.sum()), int(locked.sum())), crossed),
        about("ids", "blocked", _either(step < 0, "ids fall: out of order", "ids rise"), step < 0),
        about("repeats", "suspect", _either(step == 0, "ids that come twice", "each quote once"), step == 0),
        about(
            "gaps",
            "suspect",
            _either(silent, "silent for over a minute", "never silent for a minute"),
            silent,
        ),
        *clocks(quotes.time, quotes.received),
    ]
    clean = quotes[whole & ~crossed]
    if len(clean):
        both = Trades(
            time=clean.time,
            known_at=clean.received,
            price=(clean.bid + clean.ask) / 2,
            size=clean.bid_size + clean.ask_size,
            side=np.zeros(len(clean), np.int8),
        )
        # The middle lies between two ticks as often as on one.
        grids = grid_checks(both, tick and tick / 2, lot)
        # A quote leaps with the first trade of a move: seams are none of its faults.
        checks += [*grids, *trade_jumps(both)[:2]]
        checks += _tests(clean, both, grids)
    return QualityReport(kind="quotes", rows=len(quotes), checks=tuple(checks))


def _either(bad: np.typing.NDArray[np.bool_], odd: str, fine: str) -> str:
    return odd if bad.any() else fine


def _crossed(crossed: int, locked: int) -> str:
    if not crossed:
        return "the bid is always below the ask"
    return f"bids at ({locked:,}) or above ({crossed - locked:,}) their asks"


def _tests(quotes: Quotes, both: Trades, grids: list[Check]) -> list[Check]:
    if len(quotes) < FEWEST:
        return []
    sizes = np.concatenate([quotes.bid_size, quotes.ask_size])
    tests = [moves(np.diff(both.price)), volume_shape(sizes), favourites(sizes)]
    return [*tests, generated([*grids, *tests])]
