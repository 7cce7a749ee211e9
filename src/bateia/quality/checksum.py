"""A published hash, and the file that it is of."""

from __future__ import annotations

import re
from pathlib import Path

from bateia.core import DataError
from bateia.quality.report import Check, QualityReport
from bateia.runs import file_hash

LINE = re.compile(r"([0-9a-fA-F]{64}) [ *](\S+)")


def inspect_checksum(path: str | Path) -> QualityReport:
    """The check `checksum` of a file of SHA-256 and names, by the files beside it.

    DataError for a file that holds no such line, and where what it names is not there.
    """
    path = Path(path)
    try:
        lines = path.read_text().split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path} cannot be read: {error}", allowed="lines of a SHA-256 and a name") from None
    told = [LINE.fullmatch(line.strip()) for line in lines if line.strip()]
    if not told or None in told:
        raise DataError(f"{path} is no file of hashes", allowed="lines of a SHA-256 and a name")
    checks = tuple(_check(path.with_name(one[2]), one[1].lower()) for one in told if one)
    return QualityReport(kind="checksum", rows=len(checks), checks=checks)


def _check(file: Path, said: str) -> Check:
    if not file.is_file():
        raise DataError(f"{file} is not there to be hashed", allowed="the file beside its .CHECKSUM")
    found = file_hash(file)
    if found == said:
        return Check(name="checksum", grade="ok", found=f"{file.name} is as it was published")
    what = f"{file.name} has the SHA-256 {found}, not the published {said}"
    return Check(name="checksum", grade="blocked", found=what, count=1, rows=(0,))
