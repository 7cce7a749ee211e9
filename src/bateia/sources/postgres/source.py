"""Ticks of PostgreSQL as a recipe's source."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from typing import ClassVar, Literal, Self
from urllib.parse import parse_qs, urlsplit

from pydantic import Field, model_validator

from bateia.core import BateiaError, Component, Trades
from bateia.core.period import parse_edge
from bateia.sources.blocks import BLOCK, recut
from bateia.sources.postgres.connection import checked
from bateia.sources.postgres.ticks import TickTable
from bateia.sources.stored import Edge, as_trades, rows_hash

_VARIABLE = re.compile(r"\$\{(\w+)\}")


class PostgresSource(Component):
    """Trades of a table such as `ticks_raw`, read in windows. `bateia fetch postgres` puts them into the
    store, from where a run reads them faster, and the same again."""

    kind: Literal["postgres"] = "postgres"
    gives: ClassVar[Literal["trades"]] = "trades"
    url: str
    """`postgresql://user@host:port/database`, or `${NAME}` of an environment variable; never with a password:
    that is for PGPASSWORD or ~/.pgpass."""
    symbol: str
    table: str = "ticks_raw"
    columns: dict[str, str] = Field(default_factory=dict)
    """Our name -> the table's own, for columns that are called otherwise."""
    first: Edge = ""
    """First month, day or moment (UTC); all that is there if empty."""
    last: Edge = ""
    """Last one, included."""

    @model_validator(mode="after")
    def _meant(self) -> Self:
        try:
            for edge in filter(None, (self.first, self.last)):
                parse_edge(edge)
            if not _VARIABLE.fullmatch(self.url):
                parts = urlsplit(checked(self.url))
                if parts.password or "password" in parse_qs(parts.query):
                    raise ValueError("a password in url; try: the password in PGPASSWORD or ~/.pgpass")
        except BateiaError as error:
            raise ValueError(str(error)) from error
        return self

    def read(self) -> Trades:
        """All trades; DataError where there is none."""
        return Trades.concat(list(self.blocks()))

    def blocks(self, rows: int = BLOCK) -> Iterator[Trades]:
        """The trades in blocks of `rows`, in memory that the block bounds."""
        return recut(self._windows(), rows)

    def _windows(self) -> Iterator[Trades]:
        table = TickTable(self._address(), self.table, self.columns)
        start, end = table.span(self.symbol)
        start = parse_edge(self.first) if self.first else start
        end = parse_edge(self.last, last=True) if self.last else end
        return (as_trades(window) for window in table.windows(self.symbol, start, end))

    def _address(self) -> str:
        match = _VARIABLE.fullmatch(self.url)
        return checked(os.environ.get(str(match[1]), "") if match else self.url)

    def hash(self) -> str:
        """Hash of the rows, hex: a table may change while its name stays."""
        return rows_hash(self.blocks())
