"""Rows of tables of PostgreSQL, for its tests: generated ones, whose numbers mean nothing."""

import numpy as np
import polars as pl

from bateia.core.clock import HOUR
from bateia.core.period import Period
from bateia.sources.postgres import TickTable
from bateia.store import Series

MONDAY = Period("2013-09-30")
TRADES = Series("postgres", "ticks_raw", "WDOV13", "trades")


def generated_ticks(rows=500, start=MONDAY.start + 9 * HOUR, step=211_000_000, seed=1):
    """Ticks as the store has them; many of them at the same moment."""
    made = np.random.default_rng(seed)
    moments = start + np.sort(made.integers(0, rows // 2, rows)) * step
    return pl.DataFrame(
        {
            "time": pl.from_epoch(pl.Series(moments), "us").dt.replace_time_zone("UTC"),
            "price": 2200 + made.integers(0, 200, rows) / 2,
            "size": made.integers(1, 50, rows).astype(float),
            "side": pl.Series(made.integers(-1, 2, rows), dtype=pl.Int8),
            "buy_agent": made.choice(["XP", "BTG", "Itau", None], rows).tolist(),
            "sell_agent": made.choice(["XP", "Genial"], rows).tolist(),
            "exchange": ["B3"] * rows,
        }
    )


def generated_candles(rows=48, start=MONDAY.start, step=HOUR, seed=1):
    """Candles as the store has Binance's."""
    made = np.random.default_rng(seed)
    opened = pl.from_epoch(pl.Series(start + np.arange(rows) * step), "us").dt.replace_time_zone("UTC")
    prices = 100 + made.integers(0, 100, (rows, 4)) / 4
    table = pl.DataFrame({"open_time": opened, "time": opened.dt.offset_by(f"{step}us")})
    return table.with_columns(
        known_at="time",
        open=prices[:, 0],
        high=prices.max(axis=1),
        low=prices.min(axis=1),
        close=prices[:, 3],
        volume=made.integers(0, 9, rows) / 4,
        quote_volume=made.integers(0, 900, rows) / 4,
        trades=made.integers(0, 9, rows).astype(float),
        taker_buy_volume=made.integers(0, 9, rows) / 8,
    )


def plain(table):
    """Words as words, to compare."""
    return table.with_columns(pl.col(pl.Categorical).cast(pl.String))


def whole(url, **more):
    """All ticks of the symbol."""
    table = TickTable(url, **more)
    return plain(pl.concat(list(table.windows("WDOV13", *table.span("WDOV13")))))


def content(where):
    """Every file of a folder."""
    return {str(p.relative_to(where)): p.read_bytes() for p in sorted(where.rglob("*")) if p.is_file()}
