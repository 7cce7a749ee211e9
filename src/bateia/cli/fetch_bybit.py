"""Fetching from Bybit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from bateia.cli.common import AsJson
from bateia.cli.fetch import DEFAULT_STORE, StorePath, show_fetch

if TYPE_CHECKING:
    from bateia.sources.fetching import Report, Stage


def bybit(
    symbol: Annotated[str, typer.Argument(help="Such as BTCUSDT.")],
    what: Annotated[
        str, typer.Argument(help="trades or books (ob500, ob200) by whole days, or candles such as 5m.")
    ],
    since: Annotated[str, typer.Option("--from", help="First month, day or moment (UTC), such as 2024-01.")],
    until: Annotated[str, typer.Option("--to", help="Last one, included; now if absent.")] = "",
    market: Annotated[str, typer.Option(help="linear, inverse or spot.")] = "linear",
    store: StorePath = DEFAULT_STORE,
    archive: Annotated[str, typer.Option(help="Address of the archive, if not Bybit's own.")] = "",
    rest: Annotated[str, typer.Option(help="Address of the REST interface, if not Bybit's own.")] = "",
    as_json: AsJson = False,
) -> None:
    """Fetch what the store lacks from Bybit; exit status 1 where something could not be had."""

    def fetch(stage: Stage) -> Report:
        from bateia.sources.bybit.fetch import fetch_bybit

        return fetch_bybit(
            store,
            symbol,
            what,
            since,
            until,
            market=market,
            archive=archive,
            rest=rest,
            stage=stage,
        )

    show_fetch(fetch, store, as_json)
