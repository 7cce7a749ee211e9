"""Runs: make one, list them, show one, hand out its report."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bateia.cli.common import DEFAULT_ROOT, AsJson, BateiaInterrupt, Root, show_json

app = typer.Typer(no_args_is_help=True, help="Finished and unfinished runs.")


def run(
    recipe: Annotated[Path, typer.Argument(help="A recipe file, such as recipes/ailab.yaml.")],
    root: Root = DEFAULT_ROOT,
    as_json: AsJson = False,
) -> None:
    """Run a recipe from raw events to verdict, report and signal."""
    try:
        from bateia.show import Progress, show_run

        with Progress(silent=as_json) as progress:
            from bateia.pipeline import run as run_recipe
            from bateia.recipe import Recipe

            done = run_recipe(Recipe.load(recipe), root=root, watch=progress)
    except KeyboardInterrupt:
        raise BateiaInterrupt from None
    if as_json:
        show_json({"id": done.id, "path": str(done.path), **done.metrics})
    else:
        show_run(done)


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

    page = Run.open(run_id or "latest", root=root).file("report.html")
    if out is not None:
        page = copy_file(page, out)
    if open_it:
        import webbrowser

        webbrowser.open(page.resolve().as_uri())
    if as_json:
        show_json({"report": str(page)})
    else:
        typer.echo(page)


def copy_file(source: Path, to: Path) -> Path:
    """Copy a file; RunError where it cannot be written."""
    from bateia.core.errors import RunError

    try:
        to.write_bytes(source.read_bytes())
    except OSError as error:
        raise RunError(f"cannot write {to}: {error.strerror}", hint="another file or folder") from None
    return to


@app.command("list")
def list_(root: Root = DEFAULT_ROOT, as_json: AsJson = False) -> None:
    """List the runs, newest first."""
    from bateia.runs import list_runs
    from bateia.runs.aliases import read_aliases
    from bateia.show import run_row, show_runs

    names = read_aliases(root)
    rows = [run_row(entry) | {"aliases": names.get(entry.id, [])} for entry in list_runs(root)]
    if as_json:
        show_json(rows)
    else:
        show_runs(rows, root)


@app.command("show")
def show(
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


@app.command("ledger")
def ledger(
    url: Annotated[
        str, typer.Argument(help="A PostgreSQL database that counts from now on: postgresql://user@host/db.")
    ] = "",
    root: Root = DEFAULT_ROOT,
    as_json: AsJson = False,
) -> None:
    """Say where the trials of these runs are counted, or have them counted in a database that many share."""
    from bateia.runs import ledger_of, share_ledger

    copied = share_ledger(root, url) if url else 0
    found = ledger_of(root)
    trials = len(found.trials())
    if as_json:
        show_json({"ledger": found.name, "trials": trials, "copied": copied})
    else:
        typer.echo(f"{found.name}: {trials:,} trials" + (f", {copied:,} of them copied" if copied else ""))
