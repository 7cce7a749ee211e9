"""Features of a file of bars, block by block: memory is bounded by the block, whatever the file's length."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from bateia.core import DataError, nearest
from bateia.core.events import Floats, Ints
from bateia.features.compiler import CLOCK
from bateia.features.crew import Crew
from bateia.features.plan import Plan

if TYPE_CHECKING:
    import polars as pl

ROWS = 131_072
"""Bars held at a time."""


def run_file(
    plan: Plan,
    bars: str | Path,
    out: str | Path,
    advance: Callable[[int], None] = lambda rows: None,
    threads: int = 1,
) -> int:
    """Every feature of a Parquet file of bars, to another Parquet file beside `time`; returns the rows.

    Both files are streamed, the features shared out among `threads`. `advance` is told the rows done.
    `out` appears whole or not at all. Raises DataError where a column is missing or holds no numbers, times
    go back, a file cannot be read or written, or both are one.
    """
    import polars as pl
    from polars.io.plugins import register_io_source

    bars, out = Path(bars), Path(out)
    if out.suffix != ".parquet":
        raise DataError(f"cannot write {out}", allowed="a name that ends in .parquet")
    if out.resolve() == bars.resolve():
        raise DataError(f"features of {bars} would take its place", allowed="another name")
    if plan.others:
        raise DataError(f"features that look at {', '.join(plan.others)}", hint="plan.run(bars, others=…)")
    frame = _scanned(plan, bars)
    blocks = _features(plan.crew(threads), plan.names, frame, bars, advance)
    schema: dict[str, Any] = {CLOCK: pl.Datetime("us", "UTC"), **dict.fromkeys(plan.names, pl.Float64)}
    made = register_io_source(lambda *_: blocks, schema=schema)
    part = out.with_name(f".{out.name}.part")
    try:
        made.sink_parquet(part)
        part.replace(out)
    except (OSError, pl.exceptions.ComputeError) as error:
        if isinstance(error.__cause__, DataError):
            raise error.__cause__ from None
        raise DataError(f"cannot write {out}: {_first_line(error)}", hint="another folder") from None
    finally:
        part.unlink(missing_ok=True)
    return rows_of(out)


def rows_of(bars: str | Path) -> int:
    """How many rows a Parquet file holds, from its footer; DataError where it cannot be read."""
    import polars as pl

    try:
        return int(pl.scan_parquet(bars).select(pl.len()).collect().item())
    except (pl.exceptions.PolarsError, OSError) as error:
        raise DataError(
            f"cannot read {bars}: {_first_line(error)}", allowed="a Parquet file of bars"
        ) from None


def _scanned(plan: Plan, bars: Path) -> pl.LazyFrame:
    """The file's columns that the plan needs, clocks as microseconds, read when asked for."""
    import polars as pl

    rows_of(bars)
    frame = pl.scan_parquet(bars)
    schema = frame.collect_schema()
    needed = list(dict.fromkeys([CLOCK, *plan.columns]))
    missing = [name for name in needed if name not in schema]
    if missing:
        raise DataError(
            f"{bars} has no column {', '.join(map(repr, missing))}",
            allowed=", ".join(schema),
            hint=nearest(missing[0], schema),
        )
    for name in needed:
        kind = schema[name]
        if not (kind.is_numeric() or kind in (pl.Boolean, pl.Null) or isinstance(kind, pl.Datetime)):
            raise DataError(
                f"the column {name!r} of {bars} is {kind}",
                allowed="numbers; clocks as microseconds or Datetime",
            )
    clocks = [name for name in needed if isinstance(schema[name], pl.Datetime)]
    return frame.select(needed).with_columns(pl.col(clocks).dt.epoch("us") if clocks else [])


def _features(
    crew: Crew, names: list[str], frame: pl.LazyFrame, bars: Path, advance: Callable[[int], None]
) -> Iterator[pl.DataFrame]:
    import polars as pl

    latest, done = -np.inf, 0
    for batch in frame.collect_batches(chunk_size=ROWS, maintain_order=True):
        columns: dict[str, Floats | Ints] = {
            name: batch[name].cast(pl.Float64).fill_null(float("nan")).to_numpy() for name in batch.columns
        }
        _in_order(columns[CLOCK], latest, done, bars)
        latest = float(columns[CLOCK][-1]) if len(batch) else latest
        made: dict[str, Any] = dict(zip(names, crew.run(columns), strict=True))
        time = batch[CLOCK].cast(pl.Int64).cast(pl.Datetime("us")).dt.replace_time_zone("UTC")
        yield pl.DataFrame({CLOCK: time, **made})
        done += len(batch)
        advance(len(batch))


def _in_order(time: Floats | Ints, latest: float, done: int, bars: Path) -> None:
    back = np.flatnonzero(~(np.diff(time, prepend=latest) >= 0))
    if len(back):
        raise DataError(
            f"row {done + int(back[0])} of {bars} is earlier than the row before it", allowed="bars in order"
        )


def _first_line(error: Exception) -> str:
    return str(error).split("\n", maxsplit=1)[0]
