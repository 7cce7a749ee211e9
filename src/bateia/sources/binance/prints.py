"""Binance's trades and aggregated trades as tables, from the archive and from REST."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from bateia.core import DataError
from bateia.core.clock import DAY
from bateia.core.events import Ints
from bateia.core.period import Period
from bateia.sources.binance.archive import BROKEN, UnverifiedError
from bateia.sources.columns import clock

if TYPE_CHECKING:
    import polars as pl

CHUNK = 1 << 25
"""Bytes of CSV that are read at a time: a month of trades would not fit into memory as a whole."""


@dataclass(frozen=True)
class Form:
    """How one kind of trade is written."""

    what: str
    """The archive's word for it."""
    kind: str
    """Ours."""
    columns: tuple[str, ...]
    """Of the archive's files, in order."""
    rest: Mapping[str, str]
    """Column -> REST's key; empty where REST does not give it to everybody."""


AGGREGATED = Form(
    "aggTrades",
    "agg_trades",
    ("id", "price", "size", "first_id", "last_id", "time", "maker_buys"),
    {"id": "a", "price": "p", "size": "q", "first_id": "f", "last_id": "l", "time": "T", "maker_buys": "m"},
)
SINGLE = Form("trades", "trades", ("id", "price", "size", "value", "time", "maker_buys"), {})
FORMS = {word: form for form in (AGGREGATED, SINGLE) for word in (form.what, form.kind)}
"""By the archive's word or by ours."""
_TRUE, _FALSE = ("true", "True", "TRUE"), ("false", "False", "FALSE")


def trade_table(rows: pl.DataFrame, where: str) -> pl.DataFrame:
    """Trades from text rows, by id, each once; DataError for cells that make no sense.

    `side` is the aggressor: where the buyer had been waiting (`maker_buys`) the seller came to him.
    """
    import polars as pl

    whole = [name for name in ("id", "first_id", "last_id") if name in rows.columns]
    casts = {name: pl.Int64() for name in (*whole, "time")} | {"price": pl.Float64(), "size": pl.Float64()}
    table = rows.with_columns(pl.col(name).cast(kind, strict=False) for name, kind in casts.items())
    said = pl.col("maker_buys")
    side = pl.when(said.is_in(_TRUE)).then(-1).when(said.is_in(_FALSE)).then(1)
    table = table.with_columns(side=side.cast(pl.Int8))
    for name in (*casts, "side"):
        if table[name].null_count():
            row = int(table[name].is_null().arg_max() or 0)
            source = "maker_buys" if name == "side" else name
            allowed = "true or false" if name == "side" else "numbers"
            raise DataError(f"{where} has {rows[source][row]!r} for {source}", allowed=allowed)
    moments = clock(table["time"], where) if len(table) else np.empty(0, np.int64)
    time = pl.from_epoch(pl.Series("time", moments, pl.Int64), "us").dt.replace_time_zone("UTC")
    table = table.with_columns(time, time.alias("known_at"))
    ordered = ("id", "time", "known_at", "price", "size", "side", *whole[1:])
    return by_id(table.select(ordered))


def by_id(table: pl.DataFrame) -> pl.DataFrame:
    """Each id once, in their order, and oldest first."""
    if not (table["id"].is_sorted() and table["id"].is_unique().all()):
        table = table.unique("id", keep="first", maintain_order=True).sort("id")
    return table if table["time"].is_sorted() else table.sort("time", maintain_order=True)


def rest_rows(rows: Sequence[Any], form: Form, where: str) -> pl.DataFrame:
    """REST's objects as text under our names; DataError where a key is missing."""
    import polars as pl

    try:
        cells = {name: [str(row[key]) for row in rows] for name, key in form.rest.items()}
    except (KeyError, TypeError):
        keys = ", ".join(form.rest.values())
        raise DataError(f"{where} has a row of another form", allowed=f"objects with {keys}") from None
    return pl.DataFrame(cells, schema=dict.fromkeys(form.rest, pl.String))


def no_trades(form: Form) -> pl.DataFrame:
    """A table of no trades."""
    import polars as pl

    return trade_table(pl.DataFrame(schema=dict.fromkeys(form.columns, pl.String)), "")


def days_of(data: bytes, name: str, form: Form, period: Period) -> Iterator[tuple[Period, pl.DataFrame]]:
    """The trades of a zip, day by day; UnverifiedError for other days' rows.

    Around midnight the days may alternate: a day ends where a piece has none of it. Memory holds a day and a
    piece.
    """
    import polars as pl

    kept: dict[Period, list[pl.DataFrame]] = {}
    for table in _pieces(data, name, form):
        moments = table["time"].dt.epoch("us").to_numpy()
        if len(moments) and (moments.min() < period.start or moments.max() >= period.end):
            raise UnverifiedError(f"{name} holds trades of another time")
        days = [(Period.at(int(moments[start]), "day"), start, stop) for start, stop in _same_day(moments)]
        for day in sorted(kept.keys() - {day for day, _, _ in days}):
            yield day, by_id(pl.concat(kept.pop(day)))
        for day, start, stop in days:
            kept.setdefault(day, []).append(table[start:stop])
    for day in sorted(kept):
        yield day, by_id(pl.concat(kept[day]))


def _same_day(moments: Ints) -> list[tuple[int, int]]:
    """From and to before of the rows of each day."""
    if not len(moments):
        return []
    cuts = np.flatnonzero(np.diff(moments // DAY)) + 1
    edges = [0, *cuts.tolist(), len(moments)]
    return list(pairwise(edges))


def _pieces(data: bytes, name: str, form: Form) -> Iterator[pl.DataFrame]:
    """A zip's CSV in tables of whole lines."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            inside = [entry for entry in archive.namelist() if entry.lower().endswith(".csv")]
            if len(inside) != 1:
                raise UnverifiedError(f"{name} holds {len(inside)} CSV files", allowed="one")
            with archive.open(inside[0]) as file:
                first, rest = True, b""
                while chunk := file.read(CHUNK):
                    text, line, rest = (rest + chunk).rpartition(b"\n")
                    if text:
                        yield _table(text + line, name, form, first)
                        first = False
                if rest.strip():
                    yield _table(rest, name, form, first)
    except BROKEN as error:
        raise UnverifiedError(f"{name} is no whole zip: {error}") from None


def _table(text: bytes, name: str, form: Form, first: bool) -> pl.DataFrame:
    import polars as pl

    headed = first and text[:1].isalpha()
    if headed and text.count(b"\n", 0, -1) == 0:
        return no_trades(form)
    try:
        frame = pl.read_csv(io.BytesIO(text), has_header=False, skip_rows=int(headed), infer_schema=False)
    except pl.exceptions.PolarsError as error:
        reason = str(error).split("\n", maxsplit=1)[0]
        raise UnverifiedError(f"{name} holds no table: {reason}") from None
    if frame.width < len(form.columns):
        raise UnverifiedError(f"{name} has {frame.width} columns", allowed=", ".join(form.columns))
    renamed = dict(zip(frame.columns, form.columns, strict=False))
    try:
        return trade_table(frame.select(list(renamed)).rename(renamed), name)
    except DataError as error:
        raise UnverifiedError(str(error)) from None
