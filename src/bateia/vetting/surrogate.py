"""Markets that could have been, in which nothing foretells anything: blocks of the real one, moved about."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from bateia.core import Bars, BookedBars, DataError, Trades
from bateia.core.events import BOOK_COLUMNS, IN_PRICE, LEVEL_COLUMNS, Bools, Floats, Ints
from bateia.labels import Labels

Events = Trades | Bars
_CLOCKS = ("open_time", "time", "known_at")
_PRICES = {"price", "open", "high", "low", "close", "vwap"}
_AMOUNTS = ("volume", "signed_volume", "trades", "up_ticks", "down_ticks")
FEWEST = 12
"""Blocks below which there are too few ways to order them."""
_CLASSES, _IN_CLASS = 10, 6
_SPANS = 10
"""Label spans in a block of labels: what the labels share with their neighbours stays within."""


def shuffled(rows: int, block: int, rng: np.random.Generator, like: Floats | None = None) -> Ints:
    """Row numbers (rows,) whose blocks of `block` neighbours have changed places.

    The rows form a ring that is cut at a random place; what is left over of it stays. Where `like` (rows,)
    is given, blocks only trade places with blocks of about the same sum of it. DataError for fewer than 12
    blocks. Source: Politis and Romano, "A circular block-resampling procedure" (1992), drawn without
    replacement so that each row comes once.

    >>> rows = shuffled(24, 2, np.random.default_rng(0))
    >>> sorted(rows.tolist()) == list(range(24)), int((np.diff(rows) % 24 == 1).sum()) >= 12
    (True, True)
    """
    count = rows // block
    if count < FEWEST:
        raise DataError(
            f"{rows:,} rows make {count} blocks of {block:,}, too few to be moved about",
            allowed=f"{FEWEST} blocks or more",
            hint="more data, or a shorter label horizon",
        )
    ring = (np.arange(rows) + rng.integers(rows)) % rows
    blocks = ring[: count * block].reshape(count, block)
    order = np.arange(count)
    for members in _classes(blocks, like, rng):
        order[members] = rng.permutation(members)
    found = np.empty(rows, np.int64)
    found[ring] = np.concatenate([blocks[order].ravel(), ring[count * block :]])
    return found


def _classes(blocks: Ints, like: Floats | None, rng: np.random.Generator) -> list[Ints]:
    """Block numbers that may trade places."""
    count = len(blocks)
    if like is None:
        return [np.arange(count)]
    # Quiet blocks are often exactly alike: neighbours in time must not end up among themselves.
    ranked = np.lexsort((rng.random(count), like[blocks].sum(axis=1)))
    return np.array_split(ranked, max(1, min(_CLASSES, count // _IN_CLASS)))


def permuted_returns(events: Events, block: int, rng: np.random.Generator) -> Events:
    """The same trades or candles with blocks of `block` moved: no block's prices foretell the next block's.

    Log returns, sizes and sides move together, the clocks stay, prices are added up again and rounded to
    the tick. A block only takes the place of one with about the same realised variance, so volatility comes
    in clusters as before, however short the blocks.

    >>> n = np.arange(40)
    >>> trades = Trades(n, n, 100 + n % 7 / 4, np.ones(40), np.zeros(40, np.int8))
    >>> made = permuted_returns(trades, 3, np.random.default_rng(0))
    >>> bool((made.price % 0.25 == 0).all()), made.time is trades.time
    (True, True)
    """
    if isinstance(events, Bars):
        return _moved_candles(events, block, rng)
    logs = np.log(events.price)
    returns = np.diff(logs, prepend=logs[:1])
    rows = shuffled(len(events), block, rng, returns**2)
    price = on_grid(np.exp(logs[0] + np.cumsum(returns[rows])), tick_of(events.price))
    return replace(events, price=price, size=events.size[rows], side=events.side[rows])


def _moved_candles(bars: Bars, block: int, rng: np.random.Generator) -> Bars:
    """Candles, each with its shape around the close before it, in other places."""
    before = np.concatenate([bars.open[:1], bars.close[:-1]])
    returns = np.log(bars.close / before)
    rows = shuffled(len(bars), block, rng, returns**2)
    close = before[0] * np.exp(np.cumsum(returns[rows]))
    base = np.concatenate([before[:1], close[:-1]])
    tick = tick_of(np.concatenate([bars.open, bars.high, bars.low, bars.close]))
    price = {name: base * (getattr(bars, name) / before)[rows] for name in ("open", "high", "low", "vwap")}
    shape = {name: on_grid(price[name], tick) for name in ("open", "high", "low")}
    shape["close"] = on_grid(close, tick)
    # Rounding may put an extreme a tick inside.
    high, low = (pick(list(shape.values()), axis=0) for pick in (np.max, np.min))
    vwap = np.clip(price["vwap"], low, high)
    moved = {name: getattr(bars, name)[rows] for name in _AMOUNTS}
    made = replace(bars, **(moved | shape | {"high": high, "low": low, "vwap": vwap}))
    made = replace(made, value=made.volume * vwap)
    if not isinstance(made, BookedBars):
        return made
    book = {
        name: base * (column / before)[rows] if name in IN_PRICE else column[rows]
        for name, column in made.book.items()
    }
    return replace(made, book=book)


def tick_of(price: Floats) -> float:
    """The step of the grid that all prices lie on; 0 where there is none that 9 decimals could write.

    >>> tick_of(np.array([1.25, 2.0, 1.75])), tick_of(np.array([0.3, 0.1, 0.7])), tick_of(np.array([2.0]))
    (0.25, 0.1, 1.0)
    """
    known = np.unique(price)
    steps = [float(f"{step:.9g}") for step in np.unique(np.diff(known))[:1]]
    for step in (*steps, *(10.0**-k for k in range(10))):
        away = np.abs(known / step - np.round(known / step))
        if (away < 1e-6 + 4e-16 * known / step).all():
            return step if step >= 1e-9 else 0.0
    return 0.0


def on_grid(price: Floats, tick: float) -> Floats:
    """Prices rounded to the nearest multiple of `tick`, one at least; as they are for a tick of 0."""
    if not tick:
        return price
    digits = f"{tick:.9f}".rstrip("0").partition(".")[2]
    rounded: Floats = np.round(np.maximum(np.round(price / tick), 1.0) * tick, len(digits))
    return rounded


def events_in_span(events: Trades | Bars, labels: Labels) -> int:
    """Trades or candles within the median label span, 1 at least."""
    span = labels.span[labels.valid]
    starts, stops = (np.searchsorted(events.time, edge, side="right") for edge in (span.t0, span.t1))
    return max(1, int(np.median(stops - starts))) if len(span) else 1


def rows_in_span(labels: Labels, rows: Ints) -> int:
    """Rows that ask before the answer of a row is known, the median over `rows`, 1 at least.

    >>> from bateia.core import Spans
    >>> t0 = np.arange(9)
    >>> rows_in_span(Labels(np.ones(9), np.ones(9), np.ones(9), Spans(t0, t0 + 4)), t0)
    4
    """
    span = labels.span[rows]
    stops = np.searchsorted(span.t0, span.t1, side="left")
    return max(1, int(np.median(stops - np.arange(len(rows)))))


def label_block(labels: Labels, rows: Ints) -> int:
    """Rows of a block of labels: ten whole spans, fewer where that leaves too few blocks, one at least."""
    whole = rows_in_span(labels, rows)
    return whole * max(1, min(_SPANS, len(rows) // (2 * FEWEST * whole)))


def permuted_labels(labels: Labels, rows: Ints, block: int, rng: np.random.Generator) -> Labels:
    """Labels whose answers at `rows` have changed places, block by block; spans and other rows stay.

    Features and labels keep what they have in themselves, and lose what they have in common.
    """
    source = rows[shuffled(len(rows), block, rng)]
    value, weight, ret = labels.value.copy(), labels.weight.copy(), labels.ret.copy()
    value[rows], weight[rows], ret[rows] = labels.value[source], labels.weight[source], labels.ret[source]
    return Labels(value, weight, ret, labels.span)


def changed(events: Events, rows: Bools, jump: float, seed: int = 0) -> Events:
    """The trades or candles with another price, size and side at `rows` and nowhere else.

    Prices there jump by about `jump` (log) and wander; clocks stay.
    """
    rng = np.random.default_rng(seed)
    at = np.flatnonzero(rows)
    made = {name: column.copy() for name, column in events.columns().items() if name not in _CLOCKS}
    wander = np.cumsum(rng.normal(0.0, 0.1 * abs(jump) / np.sqrt(len(at) + 1), len(at)))
    size, side = rng.uniform(0.5, 1.5, len(at)), rng.choice(np.array([-1, 1], np.int8), len(at))
    for name in (_PRICES | IN_PRICE) & made.keys():
        made[name][at] *= np.exp(jump + wander)
    for name in {"size", *_AMOUNTS, *BOOK_COLUMNS, *LEVEL_COLUMNS} & made.keys() - IN_PRICE:
        made[name][at] *= size
    if isinstance(events, Bars):
        made["signed_volume"][at] *= side
        made["value"][at] = made["volume"][at] * made["vwap"][at]
    else:
        made["side"][at] = side
    return events.from_columns(events.columns() | made)
