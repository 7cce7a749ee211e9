"""KrypOracle's backtests as tables."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bateia.cli.common import AsJson, show_json

if TYPE_CHECKING:
    import polars as pl


def kryporacle(
    files: Annotated[str, typer.Argument(help="Its JSON, or many by '*' in quotes.")],
    out: Annotated[Path, typer.Option(help="Folder for the tables, a Parquet file each.")],
    least: Annotated[float, typer.Option(help="Profit above which a trade is a success.")] = 0.0,
    window: Annotated[int, typer.Option(help="Candles from which a phase is told.")] = 100,
    spread: Annotated[
        float, typer.Option(help="Drift of a bull or bear market, by what chance makes.")
    ] = 1.0,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the balanced sample.")] = 0,
    as_json: AsJson = False,
) -> None:
    """Write candles, phases, signals, trades by success, and a balanced sample of them."""
    from bateia.sources import write_table
    from bateia.sources.kryporacle import read_backtests, sheets_of

    backtests = read_backtests(files, least)
    sheets = sheets_of(backtests, window=window, spread=spread, seed=seed)
    out.mkdir(parents=True, exist_ok=True)
    for name, table in sheets.items():
        write_table(table, out / f"{name}.parquet")
    counts = {name: len(table) for name, table in sheets.items()}
    phases = _by_phase(sheets["trades"])
    if as_json:
        show_json({"backtests": len(backtests), "rows": counts, "by_phase": phases, "out": str(out)})
        return
    rows = ", ".join(f"{count:,} {name}" for name, count in counts.items())
    typer.echo(f"{len(backtests):,} backtests to {out}: {rows}")
    for row in phases:
        share, profit = f"{row['success']:.1%} successes", f"profit {row['profit']:+,.2f}"
        typer.echo(f"  {row['phase']:<9} {row['trades']:>9,} trades, {share}, {profit}")


def _by_phase(trades: pl.DataFrame) -> list[dict[str, Any]]:
    import polars as pl

    return (
        trades.group_by("phase")
        .agg(pl.len().alias("trades"), pl.col("success").mean(), pl.col("profit").sum())
        .sort("phase")
        .to_dicts()
    )
