"""The command line: each command parses, calls one function and shows what came back."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

# Before LightGBM starts its threads: idle ones must sleep, not spin.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Raw market events in, signals that survive time, cost and chance out.",
)
runs_app = typer.Typer(no_args_is_help=True, help="Finished and unfinished runs.")
features_app = typer.Typer(no_args_is_help=True, help="Named features and the expression language.")
app.add_typer(runs_app, name="runs")
app.add_typer(features_app, name="features")

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON and nothing else.")]
Root = Annotated[Path, typer.Option("--runs", help="Folder of the runs.", envvar="BATEIA_RUNS")]
DEFAULT_ROOT = Path("runs")


class BateiaInterrupt(Exception):  # noqa: N818
    """Ctrl-C during a run, under a name that Typer does not swallow."""


def show_json(value: Any) -> None:
    """Print a value as JSON, readable by people too."""
    typer.echo(json.dumps(value, indent=2, default=str))


@app.command()
def run(
    recipe: Annotated[Path, typer.Argument(help="A recipe file, such as recipes/ailab.yaml.")],
    root: Root = DEFAULT_ROOT,
    as_json: AsJson = False,
) -> None:
    """Run a recipe from raw events to verdict, report and signal."""
    from bateia.show import Progress, show_run

    with Progress(silent=as_json) as progress:
        from bateia.pipeline import run as run_recipe
        from bateia.recipe import Recipe

        try:
            done = run_recipe(Recipe.load(recipe), root=root, watch=progress)
        except KeyboardInterrupt:
            raise BateiaInterrupt from None
    if as_json:
        show_json({"id": done.id, "path": str(done.path), **done.metrics})
    else:
        show_run(done)


@app.command()
def report(
    run_id: Annotated[
        str, typer.Argument(metavar="RUN", help="A run's id or folder; the newest if absent.")
    ] = "",
    root: Root = DEFAULT_ROOT,
    out: Annotated[Path | None, typer.Option(help="Also copy the report to this file.")] = None,
    open_it: Annotated[bool, typer.Option("--open", help="Open it in the browser.")] = False,
    as_json: AsJson = False,
) -> None:
    """Say where a run's report lies, copy it, or open it."""
    from bateia.runs import Run

    page = Run.open(run_id or "latest", root=root).path / "report.html"
    if out is not None:
        out.write_bytes(page.read_bytes())
        page = out
    if open_it:
        import webbrowser

        webbrowser.open(page.resolve().as_uri())
    if as_json:
        show_json({"report": str(page)})
    else:
        typer.echo(page)


@runs_app.command("list")
def runs_list(root: Root = DEFAULT_ROOT, as_json: AsJson = False) -> None:
    """List the runs, newest first."""
    from bateia.runs import list_runs
    from bateia.show import run_row, show_runs

    rows = [run_row(entry) for entry in list_runs(root)]
    if as_json:
        show_json(rows)
    else:
        show_runs(rows, root)


@runs_app.command("show")
def runs_show(
    run_id: Annotated[
        str, typer.Argument(metavar="RUN", help="A run's id or folder; the newest if absent.")
    ] = "",
    root: Root = DEFAULT_ROOT,
    as_json: AsJson = False,
) -> None:
    """Show one run's numbers and verdict."""
    from bateia.runs import Run
    from bateia.show import show_run

    found = Run.open(run_id or "latest", root=root)
    if as_json:
        show_json({"id": found.id, "path": str(found.path), **found.metrics})
    else:
        show_run(found)


@features_app.command("list")
def features_list(
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


@app.command()
def bars(
    source: Annotated[
        str, typer.Argument(help="A Parquet or CSV file of trades, or a bundled sample's name.")
    ],
    size: Annotated[str, typer.Option(help="Trades, volume or price * volume a bar; for time, such as 5m.")],
    kind: Annotated[str, typer.Option(help="time, tick, volume or dollar.")] = "dollar",
    out: Annotated[Path | None, typer.Option(help="Write the bars to this .parquet or .csv file.")] = None,
    as_json: AsJson = False,
) -> None:
    """Build bars from trades, and show or write them."""
    from bateia.bars import parse_bars
    from bateia.quality import validate_trades
    from bateia.show import show_bars
    from bateia.sources import open_source, write_table

    builder = parse_bars(kind, size)
    trades = open_source(source).read()
    validate_trades(trades)
    built = builder.run(trades)
    if out is not None:
        write_table(built.to_frame(), out)
    summary = {"trades": len(trades), "bars": len(built), "out": str(out) if out else None}
    if as_json:
        show_json(summary)
    else:
        show_bars(summary, built[:10].to_frame().to_dicts())


def main() -> None:
    """Entry point: one clear line for what a user can mend, 130 for an interrupt."""
    from bateia.core.errors import BateiaError

    try:
        app()
    except BateiaError as error:
        typer.secho(f"error: {error}", fg="red", err=True)
        sys.exit(1)
    except BateiaInterrupt:
        typer.secho("interrupted; the run is marked incomplete, a rerun starts clean", fg="red", err=True)
        sys.exit(130)


if __name__ == "__main__":
    main()
