"""Data: bars from trades; commands on stored data are added to `app`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bateia.cli.common import AsJson, show_json

app = typer.Typer(no_args_is_help=True, help="Data that is there: what it covers, and copies of it.")


def bars(
    source: Annotated[
        str, typer.Argument(help="A Parquet or CSV file of trades, or a bundled sample's name.")
    ],
    size: Annotated[str, typer.Option(help="Trades, volume or price * volume a bar; for time, such as 5m.")],
    kind: Annotated[str, typer.Option(help="time, tick, volume or dollar.")] = "dollar",
    columns: Annotated[
        str, typer.Option(help="The file's own names, such as time=ts,price=px,size=qty.")
    ] = "",
    out: Annotated[Path | None, typer.Option(help="Write the bars to this .parquet or .csv file.")] = None,
    as_json: AsJson = False,
) -> None:
    """Build bars from trades, and show or write them."""
    from bateia.bars import parse_bars
    from bateia.quality import validate_trades
    from bateia.show import show_bars
    from bateia.sources import open_source, write_table

    builder = parse_bars(kind, size)
    trades = open_source(source, columns).read()
    validate_trades(trades)
    built = builder.run(trades)
    if out is not None:
        write_table(built.to_frame(), out)
    summary = {"trades": len(trades), "bars": len(built), "out": str(out) if out else None}
    if as_json:
        show_json(summary)
    else:
        show_bars(summary, built[:10].to_frame().to_dicts())
