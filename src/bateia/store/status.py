"""What a store holds of a series, in numbers."""

from __future__ import annotations

from typing import Any

from bateia.core import format_time
from bateia.core.coverage import Coverage
from bateia.store.catalogue import Series
from bateia.store.store import Store


def status(store: Store, series: Series, *, verify: bool = False) -> dict[str, Any]:
    """Ends, rows, bytes, stretches missing within, stretches that the source lacks; moments as text.

    `verify` reads every file and names the days or months whose hash is wrong; else `corrupt` is None.
    """
    parts = store.parts(series)
    covered = store.coverage(series)
    absent = Coverage.of(stretch for part in parts for stretch in part.absent)
    ends = (covered.stretches[0][0], covered.stretches[-1][1]) if covered else None
    missing = Coverage.of([ends]) - covered if ends else Coverage()
    return {
        "series": str(series),
        "from": format_time(ends[0]) if ends else None,
        "to": format_time(ends[1]) if ends else None,
        "rows": sum(part.rows for part in parts),
        "bytes": sum(part.size for part in parts),
        "files": sum(bool(part.file) for part in parts),
        "missing": spans(missing),
        "absent": spans(absent),
        "corrupt": [part.period for part in parts if not store.intact(part)] if verify else None,
    }


def spans(coverage: Coverage) -> list[list[str]]:
    """Stretches as text, each from to before."""
    return [[format_time(start), format_time(end)] for start, end in coverage.stretches]
