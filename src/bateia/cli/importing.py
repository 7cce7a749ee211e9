"""Files of one's own into the store."""

from __future__ import annotations

from typing import Annotated

import typer

from bateia.cli.common import AsJson, BateiaInterrupt, show_json
from bateia.cli.fetch import DEFAULT_STORE, StorePath


def import_file(
    file: Annotated[str, typer.Argument(help="CSV, Parquet or Feather, or many by '*' in quotes.")],
    source: Annotated[str, typer.Option(help="Where it comes from, such as mybroker.")],
    symbol: Annotated[str, typer.Option(help="Such as WDOH25.")],
    kind: Annotated[str, typer.Option(help="trades or candles.")],
    market: Annotated[str, typer.Option(help="Such as spot or futures.")] = "spot",
    preset: Annotated[str, typer.Option(help="A format by name: etapa6.")] = "",
    columns: Annotated[str, typer.Option(help="The file's own names: time=ts,price=px,size=qty.")] = "",
    rows_of: Annotated[str, typer.Option(help="Which rows, by the column symbol: WDOH25, or 'WDO*'.")] = "",
    interval: Annotated[str, typer.Option(help="Length of a candle, if the file does not show it: 5m.")] = "",
    stamp: Annotated[str, typer.Option(help="What a candle's time is: its open or its close.")] = "",
    separator: Annotated[str, typer.Option(help="Between columns, such as ';'.")] = "",
    decimal: Annotated[str, typer.Option(help="Decimal point of numbers, such as ','.")] = "",
    time_zone: Annotated[str, typer.Option(help="Of times that tell none: America/Sao_Paulo.")] = "",
    time_format: Annotated[str, typer.Option(help="How times are written: '%d/%m/%Y %H:%M:%S'.")] = "",
    names: Annotated[str, typer.Option(help="Names of all columns, if the file has none: time,price.")] = "",
    since: Annotated[str, typer.Option("--from", help="The file is whole from this day or moment on.")] = "",
    until: Annotated[str, typer.Option("--to", help="The file is whole to this day, included.")] = "",
    replace: Annotated[bool, typer.Option(help="Let its rows take the place of others there.")] = False,
    store: StorePath = DEFAULT_STORE,
    as_json: AsJson = False,
) -> None:
    """Put trades or candles of a file into the store, beside what is there; a rerun adds nothing twice."""
    from bateia.core.period import parse_edge
    from bateia.sources.component import columns_of
    from bateia.sources.described import describe_files
    from bateia.sources.importing import import_events, origins
    from bateia.store import Series, Store

    settings = {"preset": preset, "columns": columns_of(columns), "symbol": rows_of}
    form = {"separator": separator, "decimal": decimal, "time_zone": time_zone, "time_format": time_format}
    described = describe_files(
        file,
        kind,
        settings | {"interval": interval, "stamp": stamp},
        form | {"names": tuple(name.strip() for name in names.split(",") if name.strip())},
    )
    series = Series(source, market, symbol, kind)
    start = parse_edge(since) if since else None
    end = parse_edge(until, last=True) if until else None
    origin = origins(file)
    try:
        report = import_events(
            Store.create(store), described, series, origin=origin, start=start, end=end, replace=replace
        ).to_dict()
    except KeyboardInterrupt:
        raise BateiaInterrupt("interrupted; what was imported is kept, a rerun carries on") from None
    if as_json:
        show_json(report)
        return
    cut = f"{report['written']:,} files written, {report['kept']:,} there already"
    typer.echo(f"{report['series']}: {report['rows']:,} rows ({cut}) in {store}")
    for begin, over in report["covered"]:
        typer.echo(f"whole from {begin} to {over}")
