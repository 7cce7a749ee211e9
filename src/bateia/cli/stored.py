"""Stored data: what is there, and copies of it."""

from __future__ import annotations

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
        show_stored(rows, store)
    if any(row["corrupt"] for row in rows):
        raise typer.Exit(1)


def export(
    series: Annotated[str, typer.Argument(help="As status shows it: binance/um/BTCUSDT/candles-5m.")],
    out: Annotated[str, typer.Argument(help="A .parquet or .csv file to write, or a postgresql:// URL.")],
    since: Annotated[str, typer.Option("--from", help="First month, day or moment (UTC).")] = "",
    until: Annotated[str, typer.Option("--to", help="Last one, included.")] = "",
    table: Annotated[str, typer.Option(help="A table of your own, not candles or ticks_raw.")] = "",
    columns: Annotated[str, typer.Option(help="Its names, such as time=ts,price=px.")] = "",
    store: StorePath = DEFAULT_STORE,
    as_json: AsJson = False,
) -> None:
    """Copy rows of a series into one file, or into a table of PostgreSQL: candles, ticks_raw or another."""
    from bateia.core import ConfigError
    from bateia.core.period import parse_edge
    from bateia.sources import write_blocks
    from bateia.store import Series, Store

    start = parse_edge(since) if since else None
    end = parse_edge(until, last=True) if until else None
    kept, meant = Store.open(store), Series.parse(series)
    notes: tuple[str, ...] = ()
    if "://" in out:
        from bateia.core.database_url import without_password
        from bateia.sources.component import columns_of
        from bateia.sources.postgres import write_series

        names = columns_of(columns)
        done = write_series(out, meant, kept.blocks(meant, start, end), table=table, columns=names)
        rows, notes, out = done.rows, done.notes, without_password(out)
    elif table or columns:
        raise ConfigError("--table and --columns of a file", allowed="of a postgresql:// URL only")
    else:
        rows = write_blocks(kept.blocks(meant, start, end), out)
    if as_json:
        show_json({"rows": rows, "out": out, "notes": notes})
    else:
        typer.echo("\n".join([f"{rows:,} rows written to {out}", *notes]))


def query(
    text: Annotated[
        str,
        typer.Argument(
            metavar="SQL", help="""Such as: SELECT max(close) FROM "binance/um/BTCUSDT/candles-5m"."""
        ),
    ],
    out: Annotated[str, typer.Option(help="Write the answer to this .parquet or .csv file.")] = "",
    rows: Annotated[int, typer.Option(min=1, help="Rows to show.")] = 20,
    store: StorePath = DEFAULT_STORE,
    as_json: AsJson = False,
) -> None:
    """Ask a store in SQL; each series is a table, named as status shows it, in double quotes."""
    import polars as pl

    from bateia.sources import write_table
    from bateia.store import Store, sql

    answer = sql(Store.open(store), text)
    if out:
        write_table(answer, out)
    if as_json:
        show_json({"rows": len(answer), "out": out} if out else answer.to_dicts())
    elif out:
        typer.echo(f"{len(answer):,} rows written to {out}")
    else:
        with pl.Config(tbl_rows=rows, tbl_cols=-1, tbl_hide_dataframe_shape=True, tbl_width_chars=-1):
            typer.echo(str(answer))
            typer.echo(f"{len(answer):,} rows")
