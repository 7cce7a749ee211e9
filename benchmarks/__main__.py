"""`make bench`: every benchmark's rows as one table, ours beside the peers."""

from __future__ import annotations

import importlib
import os
import platform
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

os.environ.setdefault("OMP_WAIT_POLICY", "passive")

from rich.console import Console
from rich.table import Table

PEERS = (
    "bateia",
    "numba",
    "numpy",
    "polars",
    "pandas",
    "TA-Lib",
    "talipp",
    "vectorbt",
    "msgspec",
    "orjson",
    "isal",
)


def versions() -> str:
    """Versions of ours and of the peers that are installed."""
    found = []
    for name in PEERS:
        try:
            found.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            found.append(f"{name} absent")
    return ", ".join(found)


def main(chosen: list[str]) -> None:
    """Run the benchmarks named on the command line (`bars`, `features`, …), or all of them."""
    names = [p.stem.removeprefix("bench_") for p in sorted(Path(__file__).parent.glob("bench_*.py"))]
    unknown = sorted(set(chosen) - set(names))
    if unknown:
        sys.exit(f"no benchmark {', '.join(unknown)}; allowed: {', '.join(names)}")
    console = Console(width=max(Console().width, 132))
    console.print(
        f"Python {platform.python_version()}, {os.cpu_count()} cores; {versions()}", highlight=False
    )
    console.print("Generated input of real shape; medians; ratio = peer / ours.", highlight=False)
    for name in chosen or names:
        table = Table(title=name, title_justify="left", header_style="bold", border_style="dim")
        for column in ("work", "ours", "peer", "theirs", "ratio", "goal", ""):
            table.add_column(column, justify="right" if column in {"ours", "theirs", "ratio"} else "left")
        for row in importlib.import_module(f"benchmarks.bench_{name}").rows():
            ratio = f"{row.theirs / row.ours:,.1f}x" if row.theirs == row.theirs else ""
            theirs = f"{row.theirs:,.2f} {row.unit}" if row.theirs == row.theirs else ""
            met = {True: "[green]met[/]", False: "[red]not met[/]", None: ""}[row.met]
            table.add_row(row.work, f"{row.ours:,.2f} {row.unit}", row.peer, theirs, ratio, row.goal, met)
        console.print(table)


if __name__ == "__main__":
    main(sys.argv[1:])
