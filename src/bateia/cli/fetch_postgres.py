"""Fetching from a table of PostgreSQL or TimescaleDB."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from bateia.cli.common import AsJson
from bateia.cli.fetch import DEFAULT_STORE, StorePath, show_fetch

if TYPE_CHECKING:
    from bateia.sources.fetching import Report, Stage


def postgres(
    symbol: Annotated[str, typer.Argument(help="Such as WDOV13.")],
    url: Annotated[str, typer.Option(help="postgresql://user@host:port/database.", envvar="BATEIA_POSTGRES")],
    what: Annotated[str, typer.Argument(help="trades, or length of candles, such as 5m.")] = "trades",
    since: Annotated[str, typer.Option("--from", help="First day or moment (UTC); all if absent.")] = "",
    until: Annotated[str, typer.Option("--to", help="Last one, included.")] = "",
    table: Annotated[str, typer.Option(help="ticks_raw or candles if absent; or schema.table.")] = "",
    columns: Annotated[str, typer.Option(help="The table's own names, such as time=ts,price=px.")] = "",
    only: Annotated[str, typer.Option(help="What its columns hold in the rows meant: exchange=B3.")] = "",
    market: Annotated[str, typer.Option(help="Market of the series; the table's name if absent.")] = "",
    replace: Annotated[bool, typer.Option(help="Also days and months that the store has.")] = False,
    store: StorePath = DEFAULT_STORE,
    as_json: AsJson = False,
) -> None:
    """Fetch trades or candles from a table of PostgreSQL or TimescaleDB, a day or month at a time."""

    def fetch(stage: Stage) -> Report:
        from bateia.sources.component import columns_of
        from bateia.sources.postgres import fetch_postgres

        return fetch_postgres(
            store,
            url,
            symbol,
            what,
            since,
            until,
            table=table,
            columns=columns_of(columns),
            only=columns_of(only),
            market=market,
            replace=replace,
            stage=stage,
        )

    show_fetch(fetch, store, as_json)
