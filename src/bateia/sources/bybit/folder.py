"""One symbol's folder of Bybit's archives, brought into the store: what it lists, each file whole."""

from __future__ import annotations

import hashlib
import re
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Generic, Protocol, TypeVar

from bateia.core import ConfigError, DataError
from bateia.core.coverage import Coverage
from bateia.core.period import Period
from bateia.sources.fetching import Report, Stage
from bateia.sources.web import Web, WebError
from bateia.store import Origin, Series, Store, Writer

DOWNLOADS = 3
"""How often a file is downloaded that is not whole: the archive has no checksums but those inside."""
NOT_YET = "the archive does not have it yet"
_LINK = re.compile(r'href="(?:[^"]*/)?([^"/]+)"')
Found = TypeVar("Found")


class Files(Protocol[Found]):
    """Files of one kind."""

    def listed(self, names: Iterable[str]) -> tuple[Mapping[Period, str], int]:
        """Of these files, those of the kind by day or month, and the moment at which the folder ends."""

    def check(self, path: Path) -> Found:
        """What a file holds; DataError where it is not whole, or of something else."""

    def put(self, writer: Writer, found: Found, path: Path, day: Period, origin: Origin) -> int:
        """Put a day of it into the store: how many rows. 0 is a day without any, and nothing is put."""

    def nothing(self, writer: Writer, day: Period) -> None:
        """Put into the store that there is nothing of a day, and never will be."""

    def notes(self) -> list[str]:
        """What is to be said of days that the kind lacks."""


@dataclass
class Folder(Generic[Found]):
    """Where files of one kind and symbol lie, at `url`."""

    web: Web
    url: str
    files: Files[Found]
    newest: int = 0
    """The moment at which the folder ends: what is later may come yet."""

    def fetch(self, store: Store, series: Series, start: int, end: int, stage: Stage) -> Report:
        """Every whole day from `start` to before `end` that is here and not in the store."""
        days = Period.covering(start, end, "day")
        report = Report(series, Coverage.of([(days[0].start, days[-1].end)]))
        listed = self._listed(series)
        with store.writer(series) as writer, stage(f"{series.symbol} {series.kind}", len(days)) as advance:
            wanted = (day for day in days if not _held(writer, day, report) or advance(1))
            for name, group in groupby(wanted, lambda day: _name(listed, day)):
                some = list(group)
                if name is None:
                    self._without(writer, some, report)
                else:
                    self._bring(writer, name, some, report)
                advance(len(some))
        report.notes += self.files.notes()
        return report

    def _listed(self, series: Series) -> Mapping[Period, str]:
        """Each file by its day or month; ConfigError where there is no folder."""
        page = self.web.get(self.url, allow=(404,))
        names = _LINK.findall(page.body.decode(errors="replace")) if page.status == 200 else []
        listed, self.newest = self.files.listed(names)
        if not listed:
            raise ConfigError(
                f"Bybit's archive has no {series.kind} of {series.symbol!r}",
                allowed=f"a symbol of {self.url.rsplit('/', 2)[0]}/",
                hint="another --market: linear, inverse, spot",
            )
        return listed

    def _without(self, writer: Writer, days: list[Period], report: Report) -> None:
        """Days that the archive lacks: known to be empty and not asked for again, unless they may come."""
        for day in days:
            whole = day.coverage
            if day.end > self.newest:
                report.fail(whole, NOT_YET)
            else:
                self.files.nothing(writer, day)
                report.add_absent(whole)

    def _bring(self, writer: Writer, name: str, days: list[Period], report: Report) -> None:
        """The days of one file; what is wrong with it does not keep us from the others.

        DataError where it cannot be put anywhere: nor could they.
        """
        with _scratch() as folder:
            path = folder / name
            try:
                found, origin = self._download(path)
            except (WebError, DataError) as error:
                said = str(error).replace(str(path), name)
                report.fail(_all(days), said)
                return
            report.files += 1
            empty = []
            for day in days:
                rows = self.files.put(writer, found, path, day, origin)
                report.rows += rows
                empty += [] if rows else [day]
        self._without(writer, empty, report)

    def _download(self, path: Path) -> tuple[Found, Origin]:
        """What a file holds, once it lies at `path`; DataError where it is never whole."""
        for left in range(DOWNLOADS - 1, -1, -1):
            data = self.web.get(self.url + path.name).body
            path.write_bytes(data)
            origin = Origin(name=path.name, sha256=hashlib.sha256(data).hexdigest())
            del data
            try:
                return self.files.check(path), origin
            except DataError as error:
                if not left:
                    raise DataError(f"{error} ({DOWNLOADS} downloads)") from None
        raise AssertionError("the last download returns or raises")


@contextmanager
def _scratch() -> Iterator[Path]:
    """A folder for one file, while it is looked at; DataError where there is no room for it."""
    try:
        with tempfile.TemporaryDirectory() as folder:
            yield Path(folder)
    except OSError as error:
        raise DataError(
            f"cannot write to {tempfile.gettempdir()}: {error.strerror or error}",
            allowed="a folder with space for a file of the archive",
            hint="TMPDIR in the environment, then the same again: it carries on",
        ) from None


def _all(days: Iterable[Period]) -> Coverage:
    return Coverage.of((day.start, day.end) for day in days)


def _held(writer: Writer, day: Period, report: Report) -> bool:
    """Whether all of a day is in the store, as it was written."""
    part = writer.store.part(writer.series, day)
    if part is None or _all([day]) - part.coverage:
        return False
    if not writer.store.intact(part):
        report.notes.append(f"{part.file} was corrupt and is fetched again")
        return False
    return True


def _name(listed: Mapping[Period, str], day: Period) -> str | None:
    """The day's own file, else the month's."""
    return listed.get(day) or listed.get(Period.at(day.start, "month"))
