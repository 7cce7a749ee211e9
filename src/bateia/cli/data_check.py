"""Data looked over: is it real and whole?"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import chain, pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, get_args

import typer

from bateia.cli.common import AsJson, show_json
from bateia.cli.fetch import DEFAULT_STORE, StorePath

if TYPE_CHECKING:
    from bateia.core import Bars, Trades
    from bateia.quality import Quality, QualityReport
    from bateia.sources import AnySource

MOST = 3_000_000
"""Rows that are checked together: some 1.5 GB of memory for candles, half of it for trades."""
BYBIT = {"timestamp", "symbol", "side", "size", "price", "tickDirection", "trdMatchID"}
"""Columns of Bybit's archives of trades."""


def check(
    files: Annotated[
        list[str],
        typer.Argument(
            help="Files of trades or candles, archives and recordings of books, .CHECKSUM files, samples, "
            "or series such as status shows them."
        ),
    ],
    kind: Annotated[str, typer.Option(help="trades or candles; by default what the columns say.")] = "",
    columns: Annotated[str, typer.Option(help="The file's own names: time=ts,price=px,size=qty.")] = "",
    preset: Annotated[str, typer.Option(help="A format by name: etapa6.")] = "",
    symbol: Annotated[str, typer.Option(help="Which rows are meant in a file of several symbols.")] = "",
    tick: Annotated[float | None, typer.Option(help="The step of prices, if known.")] = None,
    lot: Annotated[float | None, typer.Option(help="The step of sizes, if known.")] = None,
    weekend: Annotated[bool | None, typer.Option(help="Whether the market trades on weekends.")] = None,
    store: StorePath = DEFAULT_STORE,
    as_json: AsJson = False,
) -> None:
    """Look whether data are real and whole; exit status 1 where a check blocks or a file cannot be read.

    What is longer than 3 million rows is checked in parts of as many.
    """
    from bateia.core import ConfigError, DataError
    from bateia.quality import Quality

    if kind not in {"", "trades", "candles"}:
        raise ConfigError(f"data of kind {kind!r}", allowed="trades or candles")
    try:
        quality = Quality(tick=tick, lot=lot, weekend=weekend)
    except ValueError:
        given = f"--tick {tick}" if tick is not None else ""
        given += f" --lot {lot}" if lot is not None else ""
        raise ConfigError(given.strip(), allowed="numbers above 0, up to 1e12") from None
    found: dict[str, dict[str, Any]] = {}
    for name in (one for given in files for one in _meant(given, store)):
        parts: dict[str, QualityReport] = {}
        try:
            for part, report in _reports(
                name, quality, lambda n: _source(n, kind, columns, preset, symbol, store)
            ):
                parts[part] = report
                if not as_json:
                    typer.echo(f"{name}{part and f', {part}'}: {report}")
            found[name] = _told(parts)
        except DataError as error:
            found[name] = {**_told(parts), "grade": "unreadable", "error": str(error)}
            if not as_json:
                typer.echo(f"{name}: unreadable: {error}")
    if as_json:
        show_json(found)
    if any(said["grade"] in {"blocked", "unreadable"} for said in found.values()):
        raise typer.Exit(1)


def _told(parts: dict[str, QualityReport]) -> dict[str, Any]:
    """One report as it is, several under the name of each part; the grade is the worst."""
    from bateia.quality import worst

    if list(parts) == [""]:
        return parts[""].to_dict()
    grade = worst([report.grade for report in parts.values()])
    return {"grade": grade, "parts": {part: report.to_dict() for part, report in parts.items()}}


def _reports(
    name: str, quality: Quality, source: Callable[[str], AnySource]
) -> Iterator[tuple[str, QualityReport]]:
    """The report of each part of a file; a file of rows is one part, without a name, unless it is long."""
    from bateia.quality import inspect_checksum, inspect_recording

    path = Path(name)
    if path.suffix == ".CHECKSUM":
        yield "", inspect_checksum(path)
        return
    recorded = inspect_recording(path, quality) if path.exists() else None
    if recorded is not None:
        yield from recorded.items()
        return
    start = 0
    blocks: Iterator[Bars | Trades] = iter(source(name).blocks(MOST))
    for block, following in pairwise(chain(blocks, [None])):
        assert block is not None
        alone = not start and following is None
        stop = start + len(block)
        yield "" if alone else f"rows {start:,} to {stop - 1:,}", quality.inspect(block)
        start = stop


def _is_series(name: str) -> bool:
    return name.count("/") == 3 and not Path(name).suffix and not Path(name).exists()


def _meant(name: str, store: str) -> list[str]:
    """The name itself, or the files of a series that the store keeps as its source made them."""
    from bateia.core import DataError
    from bateia.store import Series, Store

    if not _is_series(name):
        return [name]
    try:
        files = Store.open(store).files(Series.parse(name))
    except DataError:  # told when it is read
        return [name]
    raw = [f"{store}/{file}" for file in files if not file.endswith(".parquet")]
    return raw or [name]


def _source(name: str, kind: str, columns: str, preset: str, symbol: str, store: str) -> AnySource:
    from bateia.core import ConfigError, DataError
    from bateia.samples import SAMPLES
    from bateia.sources import CandleSource, FileSource, StoreSource, open_source
    from bateia.sources.component import columns_of
    from bateia.sources.formats import PresetName
    from bateia.store import Series

    if name in SAMPLES:
        return open_source(name, columns)
    if _is_series(name):
        series = Series.parse(name)
        data, _, interval = series.kind.partition("-")
        if data not in {"candles", "agg_trades", "trades"}:
            raise DataError(f"{name} holds neither trades nor candles", allowed="series of one of these")
        where = {"source": series.source, "market": series.market, "symbol": series.symbol}
        return StoreSource.model_validate({**where, "data": data, "interval": interval, "store": store})
    names = _names(name)
    ours = columns_of(columns)
    if kind == "candles" or (not kind and (preset or {"open", "high", "low", "close"} <= {*names, *ours})):
        if preset and preset not in get_args(PresetName):
            raise ConfigError(f"preset {preset!r}", allowed=", ".join(get_args(PresetName)))
        said = {"path": name, "columns": ours, "preset": preset or None, "symbol": symbol or None}
        return CandleSource.model_validate(said)
    if names >= BYBIT:
        ours = {"time": "timestamp"} | ours
    return FileSource(path=name, columns=ours, symbol=symbol or None)


def _names(name: str) -> set[str]:
    """The columns of a file, the first where there are many."""
    from bateia.sources.candles import BINANCE
    from bateia.sources.tables import files_of, open_table

    first = files_of(name)[0]
    return set(open_table(first, headless=BINANCE if first.suffix == ".zip" else ()).names)
