"""Fetching from the other exchanges."""

from __future__ import annotations

from typing import Annotated

import typer

from bateia.cli.common import AsJson, BateiaInterrupt, show_json
from bateia.cli.fetch import DEFAULT_STORE, StorePath


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
    try:
        from bateia.show import show_fetched
        from bateia.sources.ccxt import fetch_ccxt

        report = fetch_ccxt(store, exchange, symbol, what, since, until)
    except KeyboardInterrupt:
        raise BateiaInterrupt("interrupted; what was fetched is kept, a rerun carries on") from None
    if as_json:
        show_json(report.to_dict())
    else:
        show_fetched(report.to_dict(), store)
    if not report.whole:
        raise typer.Exit(1)
