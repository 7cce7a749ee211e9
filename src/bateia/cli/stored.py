"""Stored data: what is there, and copies of it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bateia.cli.common import AsJson, show_json
from bateia.cli.fetch import DEFAULT_STORE, StorePath


def status(
    store: StorePath = DEFAULT_STORE,
    verify: Annotated[bool, typer.Option(help="Hold every file against its hash.")] = False,
    as_json: AsJson = False,
) -> None:
    """List the series of a store: what they cover, what is missing; exit status 1 for corrupt files."""
    from bateia.show import show_stored
    from bateia.store import Store
    from bateia.store import status as status_of

    kept = Store.open(store)
    rows = [status_of(kept, series, verify=verify) for series in kept.series()]
    if as_json:
        show_json(rows)
    else:
        show_stored(rows, str(store))
    if any(row["corrupt"] for row in rows):
        raise typer.Exit(1)


def export(
    series: Annotated[str, typer.Argument(help="As status shows it: binance/um/BTCUSDT/candles-5m.")],
    out: Annotated[Path, typer.Argument(help="A .parquet or .csv file to write.")],
    since: Annotated[str, typer.Option("--from", help="First month, day or moment (UTC).")] = "",
    until: Annotated[str, typer.Option("--to", help="Last one, included.")] = "",
    store: StorePath = DEFAULT_STORE,
    as_json: AsJson = False,
) -> None:
    """Copy rows of a series into one file, each file of the store held against its hash."""
    from bateia.core.period import parse_edge
    from bateia.sources import write_table
    from bateia.store import Series, Store

    start = parse_edge(since) if since else None
    end = parse_edge(until, last=True) if until else None
    rows = Store.open(store).read(Series.parse(series), start, end)
    write_table(rows, out)
    if as_json:
        show_json({"rows": len(rows), "out": str(out)})
    else:
        typer.echo(f"{len(rows):,} rows written to {out}")
