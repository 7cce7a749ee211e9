"""What every command shares: JSON, the folder of runs, an interrupt that stays one."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON and nothing else.")]
Root = Annotated[Path, typer.Option("--runs", help="Folder of the runs.", envvar="BATEIA_RUNS")]
DEFAULT_ROOT = Path("runs")


class BateiaInterrupt(Exception):  # noqa: N818
    """Ctrl-C during a run, under a name that Typer does not swallow."""


def show_json(value: Any) -> None:
    """Print a value as JSON, readable by people too."""
    typer.echo(json.dumps(value, indent=2, default=str))
