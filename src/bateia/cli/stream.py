"""Markets live: one command an exchange, a JSON line a row."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated

import typer

from bateia.cli.common import BateiaInterrupt

if TYPE_CHECKING:
    from bateia.live.bybit import BybitPlace
    from bateia.live.lines import Lines
    from bateia.live.place import Place

Symbol = Annotated[str, typer.Argument(help="Such as BTCUSDT.")]
Span = Annotated[str, typer.Option("--for", help="How long, such as 10s; without end if absent.")]
Most = Annotated[int, typer.Option("--rows", help="Rows after which it ends; 0 for no bound.")]
StoreName = Annotated[str, typer.Option(help="A store, whose rows come first: a folder or URL.")]
Since = Annotated[str, typer.Option("--from", help="First moment (UTC) of the store's rows.")]
Keep = Annotated[
    bool, typer.Option(help="Put what comes into the store; what it has is shown only with --from.")
]
Flush = Annotated[str, typer.Option(help="How often, with --keep; 60s if absent, and at the end.")]
Depth = Annotated[int, typer.Option(min=1, help="Levels of each side of a book.")]

app = typer.Typer(no_args_is_help=True, help="Show a market live, a JSON line a row.")


@app.callback()
def exchanges() -> None:
    """Show a market live, a JSON line a row."""


@app.command()
def binance(
    symbol: Symbol,
    what: Annotated[str, typer.Argument(help="aggTrades, trades, candles such as 5m, book or ticker.")],
    span: Span = "",
    most: Most = 0,
    market: Annotated[str, typer.Option(help="spot, um (USD-M futures) or cm (COIN-M futures).")] = "spot",
    store: StoreName = "",
    since: Since = "",
    keep: Keep = False,
    flush: Flush = "",
    tick: Annotated[float | None, typer.Option(help="Step of the price; for a book.")] = None,
    depth: Depth = 5,
    stream: Annotated[str, typer.Option(help="Address of the streams, if not Binance's own.")] = "",
    rest: Annotated[str, typer.Option(help="Address of the REST interface, if not Binance's own.")] = "",
) -> None:
    """Show what happens, without a gap or a duplicate where it has numbers; counts come at the end."""
    from bateia.live.place import Place

    place = Place(market=market, stream=stream, rest=rest)
    _stream(symbol, what, store, since, keep, flush, tick, depth, place, span, most)


@app.command()
def bybit(
    symbol: Symbol,
    what: Annotated[str, typer.Argument(help="trades, candles such as 5m, book or ticker.")],
    span: Span = "",
    most: Most = 0,
    market: Annotated[str, typer.Option(help="linear, inverse or spot.")] = "linear",
    store: StoreName = "",
    since: Since = "",
    keep: Keep = False,
    flush: Flush = "",
    tick: Annotated[float | None, typer.Option(help="Step of the price; told by the book if absent.")] = None,
    depth: Depth = 5,
    stream: Annotated[str, typer.Option(help="Address of the streams, if not Bybit's own.")] = "",
    rest: Annotated[str, typer.Option(help="Address of the REST interface, if not Bybit's own.")] = "",
) -> None:
    """Show what happens, each row once; counts, and where trades may be missing, come at the end."""
    from bateia.live.bybit import BybitPlace

    place = BybitPlace(market=market, stream=stream, rest=rest)
    _stream(symbol, what, store, since, keep, flush, tick, depth, place, span, most)


def _stream(
    symbol: str,
    what: str,
    store: str,
    since: str,
    keep: bool,
    flush: str,
    tick: float | None,
    depth: int,
    place: Place | BybitPlace,
    span: str,
    most: int,
) -> None:
    import asyncio

    from bateia.core import ConfigError, parse_duration
    from bateia.live.lines import Lines

    if flush and not keep:
        raise ConfigError("--flush without --keep", allowed="--keep, with or without --flush")
    seconds = parse_duration(span) / 1e6 if span else None
    lines = Lines(
        symbol,
        what,
        store=store or None,
        since=since,
        keep=parse_duration(flush or "60s") / 1e6 if keep else None,
        tick_size=tick,
        depth=depth,
        place=place,
    )
    try:
        asyncio.run(_show(lines, seconds, most))
    except KeyboardInterrupt:
        raise BateiaInterrupt("interrupted") from None
    finally:
        typer.echo(lines.line(), err=True)


async def _show(lines: Lines, seconds: float | None, most: int) -> None:
    import asyncio
    from contextlib import aclosing

    limit = asyncio.timeout(seconds)
    try:
        async with limit, aclosing(lines.rows()) as rows:
            count = 0
            async for row in rows:
                typer.echo(json.dumps(row))
                count += 1
                if count == most:
                    return
    except TimeoutError:
        if not limit.expired():
            raise
