"""Features: what there is, and their values for a file of bars."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from bateia.cli.common import AsJson, show_json

app = typer.Typer(no_args_is_help=True, help="Named features and the expression language.")


@app.command("list")
def list_features(
    library: Annotated[str, typer.Argument(help="One library; all of them if absent.")] = "",
    as_json: AsJson = False,
) -> None:
    """List the named features: formula, warm-up, columns and source."""
    from bateia.features import feature_table
    from bateia.show import show_features

    rows = feature_table(library or None)
    if as_json:
        show_json(rows)
    else:
        show_features(rows)


@app.command("show")
def show(
    name: Annotated[str, typer.Argument(help="A feature, function or operator, such as rsi_14, ema or std.")],
    as_json: AsJson = False,
) -> None:
    """Say all there is to say of one name: formula, operators, warm-up, columns, source."""
    from bateia.features.docs import entry_text
    from bateia.features.table import describe

    found = describe(name.partition("(")[0].strip())
    if as_json:
        show_json(found)
    else:
        typer.echo("\n\n".join(map(entry_text, found)))


@app.command("docs")
def docs() -> None:
    """Print the reference of all features, functions and operators as Markdown."""
    from bateia.features.docs import markdown

    typer.echo(markdown(), nl=False)


@app.command("run")
def run(
    bars: Annotated[Path, typer.Argument(help="A Parquet file of bars, such as `bateia bars --out` writes.")],
    out: Annotated[Path, typer.Argument(help="The Parquet file to write: time, and a column a feature.")],
    use: Annotated[list[str] | None, typer.Option(help="A library; may be given again.")] = None,
    define: Annotated[
        list[str] | None, typer.Option(help='One of your own, such as "trend=ema(close, 5) / close - 1".')
    ] = None,
    threads: Annotated[
        int, typer.Option(min=0, help="How many threads share the work; 0 for one a core.")
    ] = 0,
    as_json: AsJson = False,
) -> None:
    """Compute features of a file of bars, block by block: it may be longer than memory."""
    from bateia.features import Features, rows_of, run_file
    from bateia.show import Progress

    own = dict(_named(text) for text in define or [])
    plan = Features(use=tuple(use or () if own or use else ("ailab",)), define=own).plan()
    with Progress(silent=as_json) as progress:
        name = f"Compute {len(plan.names)} features"
        with progress.stage(name, rows_of(bars)) as advance:
            rows = run_file(plan, bars, out, advance, threads or os.cpu_count() or 1)
    summary = {"bars": rows, "features": len(plan.names), "out": str(out)}
    if as_json:
        show_json(summary)
    else:
        typer.echo(f"{rows:,} bars, {len(plan.names)} features: {out}")


def _named(text: str) -> tuple[str, str]:
    from bateia.core.errors import ConfigError

    name, sign, formula = text.partition("=")
    if not sign or not name.strip().isidentifier():
        raise ConfigError(f"define {text!r}", allowed="name=expression", hint="trend=ema(close, 5) - close")
    return name.strip(), formula.strip()
