"""Fetching: one command a source, which carries on where an earlier one stopped."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from bateia.cli.common import AsJson, BateiaInterrupt, show_json
from bateia.core.errors import BateiaError

if TYPE_CHECKING:
    from bateia.sources.fetching import Report, Stage

app = typer.Typer(no_args_is_help=True, help="Bring data of an exchange into the store.")
StorePath = Annotated[
    str, typer.Option("--store", help="Folder of the store, or a URL such as s3://….", envvar="BATEIA_STORE")
]
DEFAULT_STORE = "store"


def show_fetch(fetch: Callable[[Stage], Report], store: str, as_json: bool) -> None:
    """Fetch under a progress bar and show what came of it; exit status 1 where something could not be had."""
    show_fetches([fetch], store, as_json)


def show_fetches(fetches: Sequence[Callable[[Stage], Report]], store: str, as_json: bool) -> None:
    """Fetch one after the other and show what came of each.

    One that fails does not keep us from the others; its error is told at the end. Exit status 1 where
    something could not be had.
    """
    reports, errors = list["Report"](), dict[str, BateiaError]()
    try:
        from bateia.show import Progress, show_fetched

        with Progress(silent=as_json) as progress:
            for fetch in fetches:
                try:
                    reports.append(fetch(progress.stage))
                except BateiaError as error:
                    errors[str(error)] = error
    except KeyboardInterrupt:
        raise BateiaInterrupt("interrupted; what was fetched is kept, a rerun carries on") from None
    told = [report.to_dict() for report in reports]
    if as_json and told:
        show_json(told if len(fetches) > 1 else told[0])
    elif not as_json:
        for one in told:
            show_fetched(one, store)
    for said in list(errors)[1:]:
        typer.echo(f"error: {said}", err=True)
    if errors:
        raise next(iter(errors.values()))
    if not all(report.whole for report in reports):
        raise typer.Exit(1)


@app.callback()
def sources() -> None:
    """Bring data of an exchange into the store."""


@app.command()
def binance(
    symbol: Annotated[str, typer.Argument(help="Such as BTCUSDT, or several: BTCUSDT,ETHUSDT.")],
    what: Annotated[str, typer.Argument(help="Length of candles, such as 5m, or aggTrades, or trades.")],
    since: Annotated[str, typer.Option("--from", help="First month, day or moment (UTC), such as 2024-01.")],
    until: Annotated[str, typer.Option("--to", help="Last one, included; now if absent.")] = "",
    market: Annotated[str, typer.Option(help="spot, um (USD-M futures) or cm (COIN-M futures).")] = "spot",
    store: StorePath = DEFAULT_STORE,
    archive: Annotated[str, typer.Option(help="Address of the archive, if not Binance's own.")] = "",
    rest: Annotated[str, typer.Option(help="Address of the REST interface, if not Binance's own.")] = "",
    at_once: Annotated[int, typer.Option(help="Files of the archive under way at a time, 1 to 16.")] = 4,
    as_json: AsJson = False,
) -> None:
    """Fetch what the store lacks, verified; exit status 1 where something could not be had."""

    def fetch(one: str, stage: Stage) -> Report:
        from bateia.sources.binance import fetch_binance

        return fetch_binance(
            store,
            one,
            what,
            since,
            until,
            market=market,
            archive=archive,
            rest=rest,
            at_once=at_once,
            stage=stage,
        )

    show_fetches([partial(fetch, one) for one in symbol.split(",")], store, as_json)
