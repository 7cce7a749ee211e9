"""Trades from CSV, Parquet and Feather files."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from bateia.core import ConfigError, DataError, Trades, nearest
from bateia.sources.blocks import recut
from bateia.sources.columns import Clock, numbers, sides
from bateia.sources.formats import PLAIN, Format
from bateia.sources.symbols import Chosen
from bateia.sources.tables import existing, files_of, open_table, read_table

if TYPE_CHECKING:
    import polars as pl

__all__ = ["existing", "mapped", "read_table", "read_trades", "trade_pieces"]

NEEDED = ("time", "price", "size")
OPTIONAL = ("known_at", "side", "symbol")


def read_trades(
    path: str | Path,
    columns: Mapping[str, str] | None = None,
    rows: int | None = None,
    *,
    form: Format = PLAIN,
    symbol: str | None = None,
) -> Trades:
    """Trades of a CSV, Parquet or Feather file, in the file's order; the first `rows` if given.

    Columns are `time`, `price`, `size` and, where there are any, `known_at` (else it is `time`), `side`
    (else 0) and `symbol`; `columns` maps these names to the file's own. Times are datetimes (naive ones are
    of `form.time_zone`), ISO 8601 text or numbers since 1970, whose unit is told from the largest in the
    file's first piece: s below 1e11 (the year 5138), ms below 1e14, us below 1e17, ns below 1e20 (whole ones
    are rounded down to the microsecond). `side` is the aggressor: 1/-1 or buy/sell; under the name
    `trade_type` 2 is a buyer and 3 a seller. `symbol` chooses rows where a file has several. A `path` with *
    names many files, joined in order of their first trade. Raises DataError naming what is wrong with the
    file, and in which row, from 0.

    >>> from bateia.samples import sample_path
    >>> len(read_trades(sample_path("es-trades-2013-09"), rows=1000))
    1000
    """
    if rows is not None and rows < 1:
        raise ConfigError(f"{rows} rows of {path}", allowed="1 or more, or None for all")
    pieces = trade_pieces(path, columns, form=form, symbol=symbol)
    return Trades.concat(list(pieces)) if rows is None else next(recut(pieces, rows))


def trade_pieces(
    path: str | Path,
    columns: Mapping[str, str] | None = None,
    *,
    form: Format = PLAIN,
    symbol: str | None = None,
) -> Iterator[Trades]:
    """The same trades as `read_trades` gives, a piece of some 100,000 rows at a time."""
    check_names("trades", columns or {}, (*NEEDED, *OPTIONAL))
    files = files_of(path)
    if len(files) > 1:
        firsts = {file: next(file_pieces(file, columns or {}, form, symbol)).time[0] for file in files}
        files.sort(key=lambda file: int(firsts[file]))
    for file in files:
        yield from file_pieces(file, columns or {}, form, symbol)


def file_pieces(path: Path, columns: Mapping[str, str], form: Format, symbol: str | None) -> Iterator[Trades]:
    """Pieces with at least one row each, and at least one of them."""
    table = open_table(path, form)
    mapping = _mapping(table.names, path, columns, symbol)
    clocks = {name: Clock(path, form) for name in ("time", "known_at")}
    chosen, row, some = Chosen(path, symbol), 0, False
    wanted = list(dict.fromkeys(mapping.values()))
    for frame in table.pieces(wanted, (mapping["price"], mapping["size"])):
        trades = _trades(frame, mapping, path, clocks, row)
        if "symbol" in mapping:
            meant = chosen.rows(frame[mapping["symbol"]])
            trades = trades if meant.all() else trades[meant]
        row += len(frame)
        if len(trades):
            some = True
            yield trades
    if not row:
        raise DataError(f"{path} holds no trades", allowed="at least one row")
    if not some:
        chosen.end()


def _trades(
    frame: pl.DataFrame, mapping: Mapping[str, str], path: Path, clocks: Mapping[str, Clock], row: int
) -> Trades:
    time = clocks["time"].read(frame[mapping["time"]], row)
    return Trades(
        time=time,
        known_at=clocks["known_at"].read(frame[mapping["known_at"]], row) if "known_at" in mapping else time,
        price=numbers(frame[mapping["price"]], path, row),
        size=numbers(frame[mapping["size"]], path, row),
        side=sides(frame[mapping["side"]], path, row) if "side" in mapping else np.zeros(len(time), np.int8),
    )


def check_names(what: str, columns: Mapping[str, str], ours: tuple[str, ...]) -> None:
    """DataError where a column is mapped that no trade or candle has."""
    unknown = [name for name in columns if name not in ours]
    if unknown:
        hint = nearest(unknown[0], ours)
        raise DataError(f"{what} have no column {unknown[0]!r}", allowed=", ".join(ours), hint=hint)


def mapped(names: list[str], mapping: dict[str, str], path: str | Path) -> dict[str, str]:
    """A mapping of our names to the file's, each of which is in `names`; DataError where one is not."""
    absent = {name: theirs for name, theirs in mapping.items() if theirs not in names}
    if absent:
        spare = set(names) - set(mapping.values())
        told = [f"{name}: {nearest(theirs, spare) or '…'}" for name, theirs in absent.items()]
        raise DataError(
            f"{path} has no column {' or '.join(map(repr, absent.values()))} (for {' and '.join(absent)})",
            allowed=", ".join(names),
            hint=f"columns: {{{', '.join(told)}}}",
        )
    return mapping


def _mapping(names: list[str], path: Path, columns: Mapping[str, str], symbol: str | None) -> dict[str, str]:
    ours = (*NEEDED, *OPTIONAL)
    mapping = {name: name for name in ours if name in NEEDED or name in names}
    if "side" not in mapping and "trade_type" in names:
        mapping["side"] = "trade_type"
    if symbol is not None:
        mapping["symbol"] = "symbol"
    mapping.update(columns)
    return mapped(names, mapping, path)
