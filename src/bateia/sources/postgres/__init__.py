"""PostgreSQL: tables of ticks and candles, read in bounded memory and written by COPY."""

from bateia.sources.postgres.candles import CandleTable
from bateia.sources.postgres.fetch import fetch_postgres
from bateia.sources.postgres.schema import migrate
from bateia.sources.postgres.ticks import TickTable
from bateia.sources.postgres.write import write_candles, write_series, write_ticks

__all__ = [
    "CandleTable",
    "TickTable",
    "fetch_postgres",
    "migrate",
    "write_candles",
    "write_series",
    "write_ticks",
]
