"""The command line: each command parses, calls one function and shows what came back."""

from __future__ import annotations

import os
import sys
from typing import Annotated

import typer

from bateia.cli import (
    book,
    compare,
    data,
    data_check,
    features,
    fetch,
    fetch_bybit,
    fetch_ccxt,
    fetch_postgres,
    importing,
    kryporacle,
    runs,
    stored,
    stream,
    tuning,
    vetting,
)
from bateia.cli.common import BateiaInterrupt

# Before LightGBM starts its threads: idle ones must sleep, not spin.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Raw market events in, signals that survive time, cost and chance out.",
)
app.command()(runs.run)
app.command()(runs.report)
app.command()(compare.compare)
app.command()(data.bars)
app.command()(vetting.null)
app.command()(tuning.tune)
app.command()(tuning.promote)
app.command()(vetting.leaks)
app.add_typer(book.app, name="book")
app.add_typer(runs.app, name="runs")
app.add_typer(features.app, name="features")
app.add_typer(fetch.app, name="fetch")
app.add_typer(stream.app, name="stream")
app.add_typer(data.app, name="data")
data.app.command()(stored.status)
data.app.command()(stored.export)
data.app.command()(stored.query)
data.app.command()(data_check.check)
data.app.command("import")(importing.import_file)
data.app.command()(kryporacle.kryporacle)
fetch.app.command()(fetch_bybit.bybit)
fetch.app.command()(fetch_ccxt.ccxt)
fetch.app.command()(fetch_postgres.postgres)


def show_version(asked: bool) -> None:
    """Print the version and end."""
    if asked:
        from importlib.metadata import version

        typer.echo(f"bateia {version('bateia')}")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", callback=show_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    """Options of the program itself."""


def main() -> None:
    """Entry point: one clear line for what a user can mend, 130 for an interrupt."""
    try:
        from bateia.core.errors import BateiaError

        try:
            app()
        except BateiaError as error:
            typer.secho(f"error: {error}", fg="red", err=True)
            sys.exit(1)
    except KeyboardInterrupt:
        typer.secho("interrupted", fg="red", err=True)
        sys.exit(130)
    except BateiaInterrupt as interrupt:
        typer.secho(
            str(interrupt) or "interrupted; a run under way is marked incomplete, a rerun starts clean",
            fg="red",
            err=True,
        )
        sys.exit(130)
