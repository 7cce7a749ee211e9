"""Fetching by an exchange's name, for whoever knows what he wants and not from whom."""

from __future__ import annotations

from pathlib import Path

from bateia.core import ConfigError, nearest
from bateia.sources.fetching import Report, Stage, silent

EXCHANGES = ("binance", "bybit")


def fetch(
    exchange: str,
    store: str | Path,
    symbol: str,
    what: str,
    since: str,
    until: str,
    *,
    market: str,
    archive: str = "",
    rest: str = "",
    stage: Stage = silent,
) -> Report:
    """Bring what a store lacks, see `fetch_binance` and `fetch_bybit`; "" is an exchange's own address."""
    if exchange == "binance":
        from bateia.sources.binance import fetch_binance

        return fetch_binance(
            store, symbol, what, since, until, market=market, archive=archive, rest=rest, stage=stage
        )
    if exchange == "bybit":
        from bateia.sources.bybit.fetch import fetch_bybit

        return fetch_bybit(
            store, symbol, what, since, until, market=market, archive=archive, rest=rest, stage=stage
        )
    raise ConfigError(
        f"cannot fetch from {exchange!r}", allowed=" or ".join(EXCHANGES), hint=nearest(exchange, EXCHANGES)
    )
