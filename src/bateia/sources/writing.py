"""Tables into files: CSV and Parquet, whole or not at all, of any length."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bateia.core import BateiaError, DataError

if TYPE_CHECKING:
    import polars as pl

SUFFIXES = (".parquet", ".csv")


def write_table(frame: pl.DataFrame, path: str | Path) -> None:
    """Write a table as `.parquet` or `.csv`, whole or not at all; DataError where it cannot."""
    write_blocks([frame], path)


def write_blocks(blocks: Iterable[pl.DataFrame], path: str | Path) -> int:
    """Write tables of the same columns one after the other, as one; how many rows.

    Memory holds a few of them. DataError where there is none, or where they cannot be written, and then
    nothing is.

    >>> import tempfile, polars as pl
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_blocks((pl.DataFrame({"price": [k, k]}) for k in range(3)), f"{folder}/prices.parquet")
    6
    """
    path = Path(path)
    if path.suffix not in SUFFIXES:
        raise DataError(f"cannot write {path}", allowed=f"a name that ends in {' or '.join(SUFFIXES)}")
    rest = iter(blocks)
    first = next(rest, None)
    if first is None:
        raise DataError(f"no rows to write to {path}", hint="a longer time, or another series")
    counted = _Counted(chain([first], rest))
    part = path.with_name(f".{path.name}.part")
    try:
        lazy = counted.lazy(first.schema)
        lazy.sink_parquet(part) if path.suffix == ".parquet" else lazy.sink_csv(part)
        part.replace(path)
    except OSError as error:
        raise DataError(f"cannot write {path}: {error.strerror or error}", hint="another folder") from None
    except BaseException:
        # Polars tells of an error in what it is given as one of its own.
        if counted.error is not None:
            raise counted.error from None
        raise
    finally:
        part.unlink(missing_ok=True)
    return counted.rows


class _Counted:
    """Tables on their way into a file."""

    def __init__(self, blocks: Iterator[pl.DataFrame]) -> None:
        self._blocks = blocks
        self.rows = 0
        self.error: BaseException | None = None

    def lazy(self, schema: pl.Schema) -> pl.LazyFrame:
        """As a lazy table of Polars, to be asked once."""
        from polars.io.plugins import register_io_source

        def given(*_: Any) -> Iterator[pl.DataFrame]:
            return self._counted()

        return register_io_source(given, schema=schema)

    def _counted(self) -> Iterator[pl.DataFrame]:
        try:
            for block in self._blocks:
                self.rows += len(block)
                yield block
        except (BateiaError, KeyboardInterrupt) as error:
            self.error = error
            raise
