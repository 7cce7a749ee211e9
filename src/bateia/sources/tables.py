"""Tables in files, read a piece at a time: CSV (plain or packed), Parquet and Feather."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from bateia.core import DataError, nearest
from bateia.sources.formats import PLAIN, Format
from bateia.sources.unpack import unpacked

if TYPE_CHECKING:
    import polars as pl

CSVS = (".csv", ".csv.gz", ".csv.zst", ".zip")
ARROWS = (".feather", ".arrow", ".ipc")
SUFFIXES = (".parquet", *CSVS, *ARROWS)
PIECE = 1 << 22
"""Bytes of CSV that are parsed at a time."""
ROWS = 1 << 19
"""Rows of Parquet or Feather that are read at a time."""
_STRAY = 1 << 26
"""Bytes after which a quote that nothing closes is taken for a letter."""
_TOLD = 1000
"""Rows from which types are told; where a later row is of another, its piece is looked at whole."""


class Table(Protocol):
    """A table that is read by columns, in pieces."""

    names: list[str]
    """Its columns."""

    def pieces(self, columns: Sequence[str], numbers: Iterable[str] = ()) -> Iterator[pl.DataFrame]:
        """The columns, a piece at a time, in the file's order; those of `numbers` are read as such."""


def open_table(path: str | Path, form: Format = PLAIN, headless: Sequence[str] = ()) -> Table:
    """A table of a file; `headless` are the names of a CSV whose first line begins with no letter.

    DataError where the file is absent, empty, or of another kind.
    """
    path = existing(path)
    name = path.name.lower()
    if not name.endswith(SUFFIXES):
        raise DataError(f"{path} is neither Parquet, CSV nor Feather", allowed=", ".join(SUFFIXES))
    if path.stat().st_size == 0:
        raise DataError(f"{path} is empty", allowed="a file with a header and rows")
    if name.endswith(CSVS):
        return CsvTable(path, form, headless)
    return ArrowTable(path)


def read_table(path: Path) -> pl.DataFrame:
    """A whole table as it is; DataError where it cannot be read."""
    import polars as pl

    table = open_table(path)
    frames = list(table.pieces(table.names))
    try:
        return pl.concat(frames, how="vertical_relaxed") if frames else pl.DataFrame(schema=table.names)
    except pl.exceptions.PolarsError as error:
        raise _unreadable(path, error) from None


def existing(path: str | Path) -> Path:
    """The path, if a file lies there; DataError with the nearest name where none does."""
    path = Path(path)
    if not path.is_file():
        folder = path.parent if path.parent.is_dir() else Path()
        close = nearest(path.name, [p.name for p in folder.iterdir() if p.is_file()])
        where = None if close or path.is_absolute() else f"a path from {Path.cwd()}, or a whole one"
        raise DataError(f"no file {str(path)!r}", hint=str(folder / close) if close else where)
    return path


def files_of(path: str | Path) -> list[Path]:
    """The files that a path with or without * names, in order of name; DataError where there are none.

    Hidden ones are left out, as a shell does: what a writer that was killed left behind is no data.
    """
    if not any(sign in str(path) for sign in "*?["):
        return [existing(path)]
    pattern = Path(path)
    matches = Path(pattern.anchor).glob(str(pattern.relative_to(pattern.anchor)))
    hidden = pattern.name.startswith(".")
    found = sorted(m for m in matches if m.is_file() and (hidden or not m.name.startswith(".")))
    if not found:
        raise DataError(f"no file matches {str(path)!r}", hint="data/BTCUSDT-5m-*.zip")
    return found


class ArrowTable:
    """A Parquet or Feather file."""

    def __init__(self, path: Path) -> None:
        import polars as pl

        self._path = path
        try:
            scan = pl.scan_parquet if path.suffix.lower() == ".parquet" else pl.scan_ipc
            self._frame = scan(path, glob=False)
            self.names = self._frame.collect_schema().names()
            self._rows = int(self._frame.select(pl.len()).collect().item())
        except (pl.exceptions.PolarsError, OSError) as error:
            raise _unreadable(path, error) from None

    def pieces(self, columns: Sequence[str], numbers: Iterable[str] = ()) -> Iterator[pl.DataFrame]:
        """See `Table`."""
        import polars as pl

        for start in range(0, self._rows, ROWS):
            try:
                yield self._frame.select(columns).slice(start, ROWS).collect()
            except (pl.exceptions.PolarsError, OSError) as error:
                raise _unreadable(self._path, error) from None


class CsvTable:
    """A CSV file, packed or not, with a line of names or without."""

    def __init__(self, path: Path, form: Format = PLAIN, headless: Sequence[str] = ()) -> None:
        self._path, self._form = path, form
        first = self._first_line()
        self._headed = not form.names and not (headless and not first[:1].strip('"').isalpha())
        self.names = self._names(first) if self._headed else list(form.names or headless)
        quoted = (f'"{name.replace(chr(34), chr(34) * 2)}"' for name in self.names)
        self._header = (form.separator.join(quoted) + "\n").encode()
        known = len(self._names(first))
        others = [sign for sign in ";\t|," if sign != form.separator and sign in first]
        if known == 1 and others:
            raise DataError(
                f"{path} has one column with {form.separator!r} as the separator: {first[:60]!r}",
                allowed="the separator of the file",
                hint=f'format: {{separator: "{others[0]}"}}'.replace("\t", "\\t"),
            )
        if known < len(self.names) or (form.names and known > len(self.names)):
            raise DataError(
                f"{path} has {known} columns", allowed=f"{len(self.names)}: {', '.join(self.names)}"
            )

    def pieces(self, columns: Sequence[str], numbers: Iterable[str] = ()) -> Iterator[pl.DataFrame]:
        """See `Table`."""
        import polars as pl

        twice = [name for name in columns if self.names.count(name) > 1]
        if twice:
            raise DataError(f"{self._path} has two columns {twice[0]!r}", allowed="each name once")
        types: dict[str, pl.DataType | type[pl.DataType]] = dict.fromkeys(numbers, pl.Float64)
        line = 1 + self._headed
        for piece in self._lines():
            if self._form.time_format is not None:
                types |= {name: pl.String for name in columns if name not in types}
            try:
                frame = self._parse(piece, columns, types, _TOLD)
            except pl.exceptions.PolarsError:
                frame = self._whole(piece, columns, line)
            if len(frame):
                types |= {name: kind for name, kind in frame.schema.items() if name not in types}
                yield frame
            line += piece.count(b"\n")

    def _parse(
        self,
        piece: bytes,
        columns: Sequence[str],
        types: Mapping[str, pl.DataType | type[pl.DataType]],
        told: int | None,
    ) -> pl.DataFrame:
        import polars as pl

        frame = pl.read_csv(
            self._header + piece,
            columns=list(columns),
            separator=self._form.separator,
            decimal_comma=self._form.decimal == ",",
            schema_overrides=types,
            infer_schema_length=told,
        )
        return frame.select(columns)

    def _whole(self, piece: bytes, columns: Sequence[str], line: int) -> pl.DataFrame:
        """A piece in which a row is not as the others: its types are told from all of its rows."""
        import polars as pl

        text = {} if self._form.time_format is None else dict.fromkeys(columns, pl.String)
        try:
            return self._parse(piece, columns, text, None)
        except pl.exceptions.PolarsError as error:
            self._ragged(piece, line)
            raise _unreadable(self._path, error) from None

    def _ragged(self, piece: bytes, line: int) -> None:
        """DataError for the first line with more fields than there are columns."""
        text = io.StringIO(piece.decode(errors="replace"), newline="")
        reader = csv.reader(text, delimiter=self._form.separator)
        try:
            for fields in reader:
                if len(fields) > len(self.names):
                    raise DataError(
                        f"line {line + reader.line_num - 1} of {self._path} has {len(fields)} fields",
                        allowed=f"{len(self.names)}: {', '.join(self.names)}",
                        hint="another separator, or a comma that is a decimal?",
                    )
        except csv.Error:
            return
        if piece.count(b'"') % 2:
            raise DataError(
                f"{self._path} has a quote that nothing closes, from line {line} on",
                allowed='"a name", and "" for a quote within',
            )

    def _lines(self) -> Iterator[bytes]:
        """The file in pieces that end with a line, without the line of names."""
        parts: list[bytes] = []
        held, headed = 0, self._headed
        for part in unpacked(self._path, PIECE):
            parts.append(part)
            held += len(part)
            if held < PIECE:
                continue
            data = b"".join(parts)
            end = data.rfind(b"\n") + 1
            # A line's end inside quotes is none; an even number of quotes before it says that it is outside.
            if end and (data.count(b'"', 0, end) % 2 == 0 or held > _STRAY):
                yield from self._body(data[:end], headed)
                headed, data = False, data[end:]
            parts, held = [data], len(data)
        yield from self._body(b"".join(parts), headed)

    def _body(self, data: bytes, headed: bool) -> Iterator[bytes]:
        data = data.removeprefix(b"\xef\xbb\xbf") if headed else data
        body = data[data.find(b"\n") + 1 or len(data) :] if headed else data
        if b"\n\n" in body or b"\n\r\n" in body or body[:1] in b"\r\n":
            body = b"\n".join(line for line in body.split(b"\n") if line.strip())
        if body.strip():
            yield body

    def _first_line(self) -> str:
        data = b""
        for part in unpacked(self._path, 1 << 12):
            data += part
            if b"\n" in part or len(data) > PIECE:
                break
        line = data.removeprefix(b"\xef\xbb\xbf").split(b"\n", 1)[0].rstrip(b"\r")
        try:
            text = line.decode()
        except UnicodeDecodeError as error:
            raise _unreadable(self._path, error) from None
        if "\0" in text:
            raise _unreadable(self._path, ValueError("it is no text"))
        return text

    def _names(self, line: str) -> list[str]:
        try:
            return [name.strip() for name in next(csv.reader([line], delimiter=self._form.separator), [])]
        except csv.Error as error:
            raise _unreadable(self._path, error) from None


def _unreadable(path: Path, error: Exception) -> DataError:
    reason = str(error).split("\n", maxsplit=1)[0]
    return DataError(
        f"cannot read {path}: {reason}", hint="is the file whole, of its kind, and with its separator?"
    )
