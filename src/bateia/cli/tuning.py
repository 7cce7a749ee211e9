"""Tuning and promotion: search a recipe's settings, and judge a run by its gates."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from bateia.cli.common import DEFAULT_ROOT, AsJson, Root, show_json


class WorkerKind(StrEnum):
    """Who shares a search."""

    processes = "processes"
    ray = "ray"


def tune(
    recipe: Annotated[Path, typer.Argument(help="A recipe file, such as recipes/ailab.yaml.")],
    root: Root = DEFAULT_ROOT,
    space: Annotated[
        Path | None,
        typer.Option(help="A YAML file of the search; the recipe's own `tune` section if absent."),
    ] = None,
    trials: Annotated[int | None, typer.Option(min=1, help="Recipes to try in all.")] = None,
    seed: Annotated[int | None, typer.Option(min=0, help="Seed of the search.")] = None,
    nested: Annotated[
        bool, typer.Option("--nested", help="A search for each fold, on its training part alone.")
    ] = False,
    jobs: Annotated[int, typer.Option(min=1, help="Workers that share the search.")] = 1,
    workers: Annotated[
        WorkerKind, typer.Option(help="Processes of this machine, or Ray's.")
    ] = WorkerKind.processes,
    address: Annotated[str, typer.Option(help="Ray's cluster, such as auto; this machine if absent.")] = "",
    storage: Annotated[
        str, typer.Option(help="A database URL; a SQLite file among the runs if absent.")
    ] = "",
    as_json: AsJson = False,
) -> None:
    """Search a recipe's settings; the last of the data is never seen, and every trial counts.

    The same command goes on where an interrupted search stopped.
    """
    from bateia.show import Progress

    try:
        with Progress(silent=as_json) as progress:
            from bateia.core import ConfigError
            from bateia.recipe import Recipe
            from bateia.vetting.nested import Nested, tune_nested
            from bateia.vetting.space import read_search
            from bateia.vetting.tuning import tune as search_recipe
            from bateia.vetting.workers import workers_of

            loaded = Recipe.load(recipe)
            search = read_search(space) if space else loaded.tune
            if search is None:
                raise ConfigError(f"{recipe} has no section `tune`", hint="--space space.yaml")
            given = (("trials", trials), ("seed", seed), ("nested", nested or None))
            search = search.model_copy(update={name: value for name, value in given if value is not None})
            done = (tune_nested if search.nested else search_recipe)(
                loaded,
                search,
                root=root,
                storage=storage,
                jobs=jobs,
                workers=workers_of(workers.value, address),
                watch=progress,
            )
    except KeyboardInterrupt:
        typer.secho("interrupted; the trials done are kept, the same command goes on", fg="red", err=True)
        raise typer.Exit(130) from None
    if as_json:
        show_json(done.to_dict())
        return
    if isinstance(done, Nested):
        _show_nested(done)
    else:
        _show_search(done)


def _show_search(done: Any) -> None:
    """The best run, what it chose, and what came of it on the holdout."""
    from bateia.show import show_run

    show_run(done.run)
    summary, held = done.to_dict(), done.holdout
    states = ", ".join(f"{count:,} {state}" for state, count in summary["trials"].items())
    lines = [
        f"\nSearch {done.study}: {states}",
        f"Best on the development part: {done.metric} {_known(done.value)}",
        *(f"  {path}: {value}" for path, value in done.values.items()),
        f"Holdout, from {held.first} ({held.days:,.1f} days the search never saw): net {held.net:+,.2f}, "
        f"Sharpe {_known(held.sharpe_net)}, {held.round_trips:,} round trips, "
        f"max drawdown {held.max_drawdown_pct:.2f}%",
        f"\nRecipe  {done.folder / 'best.yaml'}\nTrials  {done.folder / 'trials.csv'}",
    ]
    typer.echo("\n".join(lines))


def _show_nested(done: Any) -> None:
    """Each fold's winner and what came of it, and the tests together."""
    lines = [f"\nNested search {done.study}: {sum(fold.trials for fold in done.folds):,} trials"]
    for k, fold in enumerate(done.folds, 1):
        told, account = fold.to_dict(), fold.tested.metrics.financial
        chosen = ", ".join(f"{path} {_short(value)}" for path, value in fold.values.items())
        lines += [
            f"Fold {k}, trained until {told['trained_until'][:16]}, tested until {told['tested_until'][:16]}",
            f"  chosen: {chosen}; {done.metric} in training {_known(fold.value)}",
            f"  tested: net {account.net:+,.2f}, Sharpe {_known(account.sharpe_net.value)}, "
            f"{account.round_trips:,} round trips",
        ]
    account = done.metrics.financial
    sharpe = account.sharpe_net
    lines += [
        f"Together, out of sample: net {account.net:+,.2f}, Sharpe {_known(sharpe.value)} "
        f"({_known(sharpe.low)} to {_known(sharpe.high)}), {account.round_trips:,} round trips, "
        f"max drawdown {account.max_drawdown_pct:.2f}%",
        f"\nResult  {done.folder / 'nested.json'}",
    ]
    typer.echo("\n".join(lines))


def _short(value: Any) -> str:
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def promote(
    run_id: Annotated[
        str, typer.Argument(metavar="RUN", help="A run's id or folder; the newest if absent.")
    ] = "",
    root: Root = DEFAULT_ROOT,
    alias: Annotated[str, typer.Option("--as", help="champion or challenger.")] = "champion",
    gates: Annotated[
        str, typer.Option(help="A preset (default, etapa6) or a YAML file; the run's own gates if absent.")
    ] = "",
    as_json: AsJson = False,
) -> None:
    """Judge a run by its gates; only if all hold, it gets the name. Exit code 1 where it does not."""
    from bateia.runs import Run
    from bateia.vetting.promotion import promote as judge

    done = judge(Run.open(run_id or "latest", root=root), root=root, alias=alias, gates=gates)
    if as_json:
        show_json(done.to_dict())
    else:
        _show_gates(done)
    if not done.promoted:
        raise typer.Exit(1)


def _show_gates(done: Any) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("gate", "value", "needed", "", "why"):
        table.add_column(name, justify="right" if name == "value" else "left")
    colour = {"passed": "green", "failed": "red", "not judged": "yellow"}
    for row in done.rulings:
        status = f"[{colour[row.status]}]{row.status}[/]"
        table.add_row(row.name, _known(row.value), row.needed, status, row.reason)
    console = Console()
    console.print(f"\n[bold]{done.run_id}[/]\n", highlight=False)
    console.print(table)
    console.print(f"\n[bold {'green' if done.promoted else 'red'}]{done.headline}[/]", highlight=False)


def _known(value: float | None) -> str:
    from bateia.backtest.evidence import readable

    return "-" if value is None else readable(value)
