"""Compare finished runs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bateia.cli.common import DEFAULT_ROOT, AsJson, Root, show_json

PAGE = Path("compare.html")


def compare(
    runs: Annotated[
        list[str], typer.Argument(metavar="RUN RUN [RUN...]", help="2 to 5 ids or folders of runs.")
    ],
    root: Root = DEFAULT_ROOT,
    out: Annotated[
        Path | None, typer.Option(help="The page; compare.html if absent, none with --json alone.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Put 2 to 5 runs on one page: verdicts, numbers, profits and recipes side by side."""
    from bateia.compare import compare as hold_against
    from bateia.core.errors import RunError

    found = hold_against(runs, root=root)
    page = out or (None if as_json else PAGE)
    if page is not None:
        try:
            page.write_text(found.page(), encoding="utf-8")
        except OSError as error:
            raise RunError(f"cannot write {page}: {error.strerror}", hint="--out another/file.html") from None
    if as_json:
        show_json(found.to_dict() | {"page": None if page is None else str(page)})
        return
    for run in found.versus.runs:
        typer.echo(f"{run.label}  {run.headline}")
    for warning in found.versus.warnings:
        typer.secho(f"warning: {warning}", fg="yellow")
    typer.echo(page)
