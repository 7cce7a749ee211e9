"""Fetching from the other exchanges."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from bateia.cli.common import AsJson
from bateia.cli.fetch import DEFAULT_STORE, StorePath, show_fetch

if TYPE_CHECKING:
    from bateia.sources.fetching import Report, Stage


def ccxt(
    exchange: Annotated[str, typer.Argument(help="As ccxt calls it, such as kraken.")],
    symbol: Annotated[str, typer.Argument(help="As ccxt writes it: BTC/USD, or BTC/USDT:USDT.")],
    what: Annotated[str, typer.Argument(help="Length of candles, such as 5m, or trades.")],
    since: Annotated[str, typer.Option("--from", help="First month, day or moment (UTC), such as 2024-01.")],
    until: Annotated[str, typer.Option("--to", help="Last one, included; now if absent.")] = "",
    store: StorePath = DEFAULT_STORE,
    as_json: AsJson = False,
) -> None:
    """Fetch what the store lacks from one of ccxt's exchanges; exit status 1 where something is missing."""

    def fetch(stage: Stage) -> Report:
        from bateia.sources.ccxt import fetch_ccxt

        return fetch_ccxt(store, exchange, symbol, what, since, until, stage=stage)

    show_fetch(fetch, store, as_json)
