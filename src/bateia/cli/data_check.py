"""Data looked over: is it real and whole?"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, get_args

import typer

from bateia.cli.common import AsJson, show_json
from bateia.cli.fetch import DEFAULT_STORE, StorePath

if TYPE_CHECKING:
    from bateia.sources import AnySource


def check(
    files: Annotated[
        list[str],
        typer.Argument(help="Files of trades or candles, samples, or series such as status shows them."),
    ],
    kind: Annotated[str, typer.Option(help="trades or candles; by default what the columns say.")] = "",
    columns: Annotated[str, typer.Option(help="The file's own names: time=ts,price=px,size=qty.")] = "",
    preset: Annotated[str, typer.Option(help="A format by name: etapa6.")] = "",
    tick: Annotated[float | None, typer.Option(help="The step of prices, if known.")] = None,
    lot: Annotated[float | None, typer.Option(help="The step of sizes, if known.")] = None,
    weekend: Annotated[bool | None, typer.Option(help="Whether the market trades on weekends.")] = None,
    store: StorePath = DEFAULT_STORE,
    as_json: AsJson = False,
) -> None:
    """Look whether data are real and whole; exit status 1 where a check blocks or a file cannot be read."""
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
    for name in files:
        try:
            report = quality.inspect(_source(name, kind, columns, preset, store).read())
            found[name], words = report.to_dict(), str(report)
        except DataError as error:
            found[name], words = {"grade": "unreadable", "error": str(error)}, f"unreadable: {error}"
        if not as_json:
            typer.echo(f"{name}: {words}")
    if as_json:
        show_json(found)
    if any(said["grade"] in {"blocked", "unreadable"} for said in found.values()):
        raise typer.Exit(1)


def _source(name: str, kind: str, columns: str, preset: str, store: str) -> AnySource:
    from bateia.core import ConfigError, DataError
    from bateia.samples import SAMPLES
    from bateia.sources import CandleSource, StoreSource, open_source
    from bateia.sources.component import columns_of
    from bateia.sources.formats import PresetName
    from bateia.store import Series

    if name in SAMPLES:
        return open_source(name, columns)
    if name.count("/") == 3 and not Path(name).suffix and not Path(name).exists():
        series = Series.parse(name)
        data, _, interval = series.kind.partition("-")
        if data not in {"candles", "agg_trades", "trades"}:
            raise DataError(f"{name} holds neither trades nor candles", allowed="series of one of these")
        where = {"source": series.source, "market": series.market, "symbol": series.symbol}
        return StoreSource.model_validate({**where, "data": data, "interval": interval, "store": store})
    if kind == "candles" or (not kind and (preset or _candles(name, columns_of(columns)))):
        if preset and preset not in get_args(PresetName):
            raise ConfigError(f"preset {preset!r}", allowed=", ".join(get_args(PresetName)))
        said = {"path": name, "columns": columns_of(columns), "preset": preset or None}
        return CandleSource.model_validate(said)
    return open_source(name, columns)


def _candles(name: str, columns: dict[str, str]) -> bool:
    """Whether a file has the prices of candles among its columns."""
    from bateia.sources.candles import BINANCE
    from bateia.sources.tables import files_of, open_table

    first = files_of(name)[0]
    names = open_table(first, headless=BINANCE if first.suffix == ".zip" else ()).names
    return {"open", "high", "low", "close"} <= {*names, *columns}
