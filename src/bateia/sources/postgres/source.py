"""Ticks or candles of PostgreSQL as a recipe's source."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from typing import Literal, Self
from urllib.parse import parse_qs, urlsplit

from pydantic import Field, model_validator

from bateia.core import Bars, BateiaError, Component, DataError, Trades, parse_duration
from bateia.core.database_url import postgres_url
from bateia.core.period import parse_edge
from bateia.sources.blocks import BLOCK, recut
from bateia.sources.postgres.candles import CandleTable
from bateia.sources.postgres.ticks import TickTable
from bateia.sources.stored import Edge, as_candles, as_trades, rows_hash

_VARIABLE = re.compile(r"\$\{(\w+)\}")
TABLES = {"trades": "ticks_raw", "candles": "candles"}
"""What a table is called, unless said otherwise."""


class PostgresSource(Component):
    """Trades of a table such as `ticks_raw`, or candles of one such as `candles`, read in windows. `bateia
    fetch postgres` puts them into the store, from where a run reads them faster, and the same again.

    >>> PostgresSource(url="postgresql://me@db/lab", symbol="BTCUSDT", data="candles", interval="5m").gives
    'candles'
    """

    kind: Literal["postgres"] = "postgres"
    url: str
    """`postgresql://user@host:port/database`, or `${NAME}` of an environment variable; never with a password:
    that is for PGPASSWORD or ~/.pgpass."""
    symbol: str
    data: Literal["trades", "candles"] = "trades"
    interval: str = ""
    """Length of a candle, such as `"5m"`; of candles only."""
    table: str = ""
    """`ticks_raw` or `candles` if empty; with its schema where that is not in the search path."""
    columns: dict[str, str] = Field(default_factory=dict)
    """Our name -> the table's own, for columns that are called otherwise."""
    only: dict[str, str] = Field(default_factory=dict)
    """The table's own column -> what it holds in the rows that are meant: `{exchange: B3}`."""
    first: Edge = ""
    """First month, day or moment (UTC); all that is there if empty."""
    last: Edge = ""
    """Last one, included."""

    @model_validator(mode="after")
    def _meant(self) -> Self:
        if (self.data == "candles") != bool(self.interval):
            given = "candles without an interval" if self.data == "candles" else "trades of an interval"
            raise ValueError(f"{given}; try: data: candles, interval: 5m")
        try:
            for edge in filter(None, (self.first, self.last)):
                parse_edge(edge)
            if self.interval:
                parse_duration(self.interval)
            if not _VARIABLE.fullmatch(self.url):
                parts = urlsplit(postgres_url(self.url))
                if parts.password or "password" in parse_qs(parts.query):
                    raise ValueError("a password in url; try: the password in PGPASSWORD or ~/.pgpass")
        except BateiaError as error:
            raise ValueError(str(error)) from error
        return self

    @property
    def gives(self) -> Literal["trades", "candles"]:
        """What comes out."""
        return self.data

    def read(self) -> Trades | Bars:
        """All of it; DataError where there is none."""
        blocks = list(self.blocks())
        if not blocks:
            raise DataError(f"the table {self._table!r} has no {self.data} of {self.symbol!r} in that time")
        if self.data == "candles":
            return Bars.concat([block for block in blocks if isinstance(block, Bars)])
        return Trades.concat([block for block in blocks if isinstance(block, Trades)])

    def blocks(self, rows: int = BLOCK) -> Iterator[Trades] | Iterator[Bars]:
        """The same in blocks of `rows`, in memory that the block bounds."""
        if self.data == "candles":
            return recut(self._candles(), rows)
        return recut(self._trades(), rows)

    def _trades(self) -> Iterator[Trades]:
        table = TickTable(self._address(), self._table, self.columns, self.only)
        for window in table.windows(self.symbol, *self._edges(table)):
            yield as_trades(window)

    def _candles(self) -> Iterator[Bars]:
        table = CandleTable(self._address(), self.interval, self._table, self.columns, self.only)
        for window in table.windows(self.symbol, *self._edges(table)):
            yield as_candles(window, table.step)

    @property
    def _table(self) -> str:
        return self.table or TABLES[self.data]

    def _edges(self, table: TickTable | CandleTable) -> tuple[int, int]:
        start, end = table.span(self.symbol)
        start = parse_edge(self.first) if self.first else start
        return start, parse_edge(self.last, last=True) if self.last else end

    def _address(self) -> str:
        match = _VARIABLE.fullmatch(self.url)
        return postgres_url(os.environ.get(str(match[1]), "") if match else self.url)

    def hash(self) -> str:
        """Hash of the rows, hex: a table may change while its name stays."""
        return rows_hash(self.blocks())
