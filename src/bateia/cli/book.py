"""Order books: archives of messages to files of bars."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from bateia.cli.common import AsJson, show_json

if TYPE_CHECKING:
    from concurrent.futures import Executor

    from bateia.book.build import FileReport, Reader
    from bateia.book.packing import PackReport
    from bateia.core import Component

app = typer.Typer(no_args_is_help=True, help="Order books: archives of messages to bars and features.")


@app.command()
def build(
    source: Annotated[
        Path,
        typer.Argument(
            help="An archive such as 2024-12-01_XRPUSDT_ob500.data.zip, packed or not, or a folder of them."
        ),
    ],
    out: Annotated[Path, typer.Option(help="Folder of the files: SYMBOL/YYYY-MM-DD.parquet.")],
    symbol: Annotated[str, typer.Option(help="The symbol; every symbol that is found, if absent.")] = "",
    depth: Annotated[int, typer.Option(min=1, help="Best levels of each side.")] = 200,
    every: Annotated[str, typer.Option(help="Time between two samples of the book.")] = "1s",
    bar: Annotated[str, typer.Option(help="Length of a bar.")] = "1m",
    tick: Annotated[
        float | None, typer.Option(help="Smallest price step; told from the first snapshot if absent.")
    ] = None,
    exchange: Annotated[
        str, typer.Option(help="bybit (archives), or binance-spot or binance-futures (a recording).")
    ] = "bybit",
    policy: Annotated[
        str,
        typer.Option(help="After a malformed line, a gap or a crossed book: stop, or resync at a snapshot."),
    ] = "resync",
    mixed: Annotated[
        bool, typer.Option(help="Leave out lines of other symbols; else they are an error.")
    ] = False,
    workers: Annotated[
        int, typer.Option(min=1, help="Files built at the same time, a process each.")
    ] = os.cpu_count() or 1,
    ray: Annotated[
        str, typer.Option(help="Build on Ray's machines: local, auto or host:port of its head.")
    ] = "",
    as_json: AsJson = False,
) -> None:
    """Rebuild the book, sample it, and write a day's bars, features and levels a file.

    The defaults make quantgod's 810 columns. The same command goes on where an interrupted one stopped.
    """
    from bateia.show import Progress

    try:
        with Progress(silent=as_json) as progress:
            from bateia.book.bars import BookBars
            from bateia.book.build import build as build_books

            kind = _component(BookBars, depth=depth, every=every, bar=bar)
            read = {"symbol": symbol, "depth": depth, "every": every, "policy": policy}
            reader = _reader(exchange, tick, mixed, read)
            count = len(reader.find(source))
            with progress.stage("Books", count) as done, _executor(ray, min(workers, count)) as executor:
                made = build_books(source, out, reader, kind, executor, lambda report: done(1))
    except KeyboardInterrupt:
        typer.secho("interrupted; the files done are kept, the same command goes on", fg="red", err=True)
        raise typer.Exit(130) from None
    if as_json:
        show_json([asdict(report) for report in made])
    else:
        _show(made, out)
    if any(report.error for report in made):
        raise typer.Exit(1)


@app.command()
def pack(
    source: Annotated[
        Path,
        typer.Argument(help="An archive such as 2024-12-01_XRPUSDT_ob500.data.zip, or a folder of them."),
    ],
    out: Annotated[Path, typer.Option(help="Folder of the packed files.")],
    symbol: Annotated[str, typer.Option(help="The symbol; every symbol that is found, if absent.")] = "",
    tick: Annotated[
        float | None, typer.Option(help="Smallest price step; told from the first snapshot if absent.")
    ] = None,
    mixed: Annotated[
        bool, typer.Option(help="Leave out lines of other symbols; else they are an error.")
    ] = False,
    workers: Annotated[
        int, typer.Option(min=1, help="Files packed at the same time, a process each.")
    ] = os.cpu_count() or 1,
    as_json: AsJson = False,
) -> None:
    """Parse archives once into compact files of messages, which `bateia book build` reads in their stead.

    Nothing is lost: the same messages in the same order, and the lines that were none. The same command
    goes on where an interrupted one stopped.
    """
    from bateia.show import Progress

    try:
        with Progress(silent=as_json) as progress:
            from bateia.book.archive import ArchiveReader
            from bateia.book.packing import pack as pack_all

            reader = _component(ArchiveReader, symbol=symbol, tick_size=tick, mixed=mixed)
            count = len(reader.find(source))
            with progress.stage("Books", count) as done, _executor("", min(workers, count)) as executor:
                made = pack_all(source, out, reader, executor, lambda report: done(1))
    except KeyboardInterrupt:
        typer.secho("interrupted; the files done are kept, the same command goes on", fg="red", err=True)
        raise typer.Exit(130) from None
    if as_json:
        show_json([asdict(report) for report in made])
    else:
        _show_packed(made)
    if any(report.error for report in made):
        raise typer.Exit(1)


EXCHANGES = {"bybit": "", "binance-spot": "spot", "binance-futures": "futures"}


def _reader(exchange: str, tick: float | None, mixed: bool, read: dict[str, Any]) -> Reader:
    from bateia.book.archive import ArchiveReader
    from bateia.book.recorded import RecordingReader
    from bateia.core import ConfigError, nearest

    if exchange not in EXCHANGES:
        raise ConfigError(
            f"no exchange {exchange!r}", allowed=", ".join(EXCHANGES), hint=nearest(exchange, EXCHANGES)
        )
    if exchange == "bybit":
        return _component(ArchiveReader, tick_size=tick, mixed=mixed, **read)
    if tick is None:
        raise ConfigError("no tick size for a recording of Binance", hint="--tick 0.01")
    return _component(RecordingReader, market=EXCHANGES[exchange], tick_size=tick, **read)


Kind = TypeVar("Kind", bound="Component")


def _component(kind: type[Kind], **given: Any) -> Kind:
    """The component, or one line that says which option is wrong."""
    from pydantic import ValidationError

    from bateia.core import ConfigError

    try:
        return kind(**given)
    except ValidationError as error:
        wrong = error.errors()[0]
        option = ".".join(map(str, wrong["loc"])) or "options"
        value = "" if isinstance(wrong["input"], dict) else f" {wrong['input']!r}"
        raise ConfigError(f"{option}{value}: {wrong['msg'].removeprefix('Value error, ')}") from None


@contextmanager
def _executor(ray: str, workers: int) -> Iterator[Executor | None]:
    """Processes that start afresh, as threads of their parent would not survive a fork; None for one."""
    if ray:
        from bateia.book.cluster import RayExecutor

        with RayExecutor("" if ray == "local" else ray, workers) as executor:
            yield executor
        return
    if workers == 1:
        yield None
        return
    from concurrent.futures import ProcessPoolExecutor
    from multiprocessing import get_context

    with ProcessPoolExecutor(workers, get_context("spawn")) as executor:
        yield executor


def _show(made: list[FileReport], out: Path) -> None:
    """What was made and what failed, a line a file, and the faults with their lines."""
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table

    console = Console()
    table = Table(box=SIMPLE_HEAD, header_style="bold", border_style="dim", pad_edge=False)
    for name in ("file", "bars", "gaps", "left out", "messages", "faults"):
        words = name in {"file", "faults"}
        table.add_column(name, justify="left" if words else "right", overflow="fold" if words else "ellipsis")
    for report in made:
        name = Path(report.source).name
        if report.error:
            table.add_row(name, "", "", "", "", "[red]failed[/]")
            continue
        faults = ", ".join(f"{count:,} {kind}" for kind, count in report.faults.items())
        counts = (report.rows, report.gaps, report.dropped + report.shallow, report.messages)
        table.add_row(
            name, *(f"{count:,}" for count in counts), faults + (" (kept)" if report.resumed else "")
        )
    console.print(table)
    for report in made:
        for said in report.listed:
            console.print(f"{Path(report.source).name}, {said}", style="dim", highlight=False, markup=False)
    bad = [report for report in made if report.error]
    for report in bad:
        console.print(f"failed: {report.error}", style="red", highlight=False, markup=False, soft_wrap=True)
    rows = sum(report.rows for report in made)
    where = f" in {out}" if rows else ""
    console.print(
        f"{len(made) - len(bad)} of {len(made)} files, {rows:,} bars{where}",
        highlight=False,
        markup=False,
        soft_wrap=True,
    )


def _show_packed(made: list[PackReport]) -> None:
    """A line a file, then what failed."""
    for report in made:
        if report.error:
            typer.secho(f"failed: {report.error}", fg="red")
            continue
        share = report.packed_bytes / max(report.source_bytes, 1)
        malformed = f", {report.malformed:,} malformed lines" if report.malformed else ""
        typer.echo(
            f"{report.path}: {report.messages:,} messages{malformed}, {report.packed_bytes / 1e6:.1f} MB, "
            f"{share:.0%} of its source" + (" (kept)" if report.resumed else "")
        )
    bad = sum(bool(report.error) for report in made)
    typer.echo(f"{len(made) - bad} of {len(made)} files")
