"""Files of the public archive: a zip with one CSV, and its SHA-256 beside it."""

from __future__ import annotations

import hashlib
import io
import re
import zipfile
import zlib
from collections.abc import Generator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from bateia.core import DataError
from bateia.core.period import Period
from bateia.sources.binance.markets import Market
from bateia.sources.web import Web

if TYPE_CHECKING:
    import polars as pl

_DIGEST = re.compile(rb"([0-9a-f]{64})\s+\*?(\S+)")
BROKEN = (zipfile.BadZipFile, zlib.error, OSError, EOFError, RuntimeError)
"""What is raised for a zip that is not whole; RuntimeError: packed with a password, or as none knows."""
DOWNLOADS = 3
"""How often a file is downloaded whose hash is not the published one."""


class UnverifiedError(DataError):
    """A file of the archive that is not what its checksum says, or has none."""


@dataclass(frozen=True)
class ArchiveFile:
    """One file of the archive, by what is in it."""

    market: Market
    symbol: str
    what: str
    """Folder and part of the name: `klines`, `aggTrades` or `trades`."""
    interval: str
    """Of candles; empty for trades."""
    period: Period

    @property
    def name(self) -> str:
        """Its name, which is also the archive's own for what it holds."""
        return f"{self.symbol}-{self.interval or self.what}-{self.period.name}.zip"

    @property
    def path(self) -> str:
        """Where it lies in the archive."""
        how = "monthly" if len(self.period.name) == 7 else "daily"
        below = f"{self.symbol}/{self.interval}" if self.interval else self.symbol
        return f"/data/{self.market.archive}/{how}/{self.what}/{below}/{self.name}"


Download = tuple[bytes, str] | None
"""A file and its SHA-256; None where the archive does not have it."""
T = TypeVar("T")
Steps = Generator[Sequence[ArchiveFile], Sequence[Future[Download]], T]
"""Yields the files that it wants and is sent what came of them: see `bateia.sources.downloads`."""


def download(web: Web, base: str, file: ArchiveFile) -> Download:
    """A file and its SHA-256, verified; None where the archive does not have it.

    UnverifiedError where the published hash is never met, WebError where the archive cannot be read.
    """
    url = base.rstrip("/") + file.path
    published = web.get(f"{url}.CHECKSUM", allow=(404,))
    if published.status == 404:
        return None
    match = _DIGEST.search(published.body)
    if not match or match[2].decode(errors="replace") != file.name:
        raise UnverifiedError(
            f"{file.name}.CHECKSUM says {published.body[:100]!r}", allowed="SHA-256 and name"
        )
    wanted, found = match[1].decode(), ""
    for _ in range(DOWNLOADS):
        answer = web.get(url, allow=(404,))
        if answer.status == 404:
            return None
        found = hashlib.sha256(answer.body).hexdigest()
        if found == wanted:
            return answer.body, wanted
    raise UnverifiedError(
        f"{file.name} has the SHA-256 {found[:12]}…, not the published {wanted[:12]}… ({DOWNLOADS} downloads)"
    )


def read_rows(data: bytes, name: str, columns: tuple[str, ...]) -> pl.DataFrame:
    """The rows of a zip's CSV, all text, under `columns`; DataError where it holds anything else.

    Some files begin with a line of names, others do not; columns after those named are left out.
    """
    import polars as pl

    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            inside = [entry for entry in archive.namelist() if entry.lower().endswith(".csv")]
            if len(inside) != 1:
                raise UnverifiedError(f"{name} holds {len(inside)} CSV files", allowed="one")
            text = archive.read(inside[0])
    except BROKEN as error:
        raise UnverifiedError(f"{name} is no whole zip: {error}") from None
    try:
        frame = pl.read_csv(
            io.BytesIO(text), has_header=False, skip_rows=int(text[:1].isalpha()), infer_schema=False
        )
    except pl.exceptions.PolarsError as error:
        reason = str(error).split("\n", maxsplit=1)[0]
        raise UnverifiedError(f"{name} holds no table: {reason}") from None
    if frame.width < len(columns):
        raise UnverifiedError(
            f"{name} has {frame.width} columns", allowed=f"{len(columns)}: {', '.join(columns)}"
        )
    return frame.select(frame.columns[: len(columns)]).rename(dict(zip(frame.columns, columns, strict=False)))
