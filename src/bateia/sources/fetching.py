"""What a fetch brought, what the source itself does not have, and what could not be had this time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from typing import Any

from bateia.core.coverage import Coverage
from bateia.store import Series, spans

Stage = Callable[[str, int], AbstractContextManager[Callable[[int], None]]]
"""Shows progress: `with stage(name, total) as advance: advance(1)`."""


@contextmanager
def silent(name: str, total: int) -> Iterator[Callable[[int], None]]:
    """A stage that nobody sees."""
    yield lambda steps: None


@dataclass
class Report:
    """What became of a fetch."""

    series: Series
    asked: Coverage
    rows: int = 0
    """Rows added to the store."""
    files: int = 0
    """Files of the archive that were downloaded."""
    requests: int = 0
    absent: Coverage = field(default_factory=Coverage)
    """Stretches for which the source has nothing."""
    failed: dict[str, Coverage] = field(default_factory=dict)
    """Reason -> stretches that are still missing because of it."""
    notes: list[str] = field(default_factory=list)

    @property
    def whole(self) -> bool:
        """Whether all that was asked for, and that the source has, is in the store."""
        return not self.failed

    def fail(self, stretches: Coverage, reason: object) -> None:
        """Something could not be had."""
        text = str(reason)
        self.failed[text] = self.failed.get(text, Coverage()) | stretches

    def add_absent(self, stretches: Coverage) -> None:
        """The source has nothing there."""
        self.absent |= stretches

    def to_dict(self) -> dict[str, Any]:
        """For people and machines: moments as text; the same whatever came first."""
        failed = sorted(self.failed.items(), key=lambda item: (item[1].stretches, item[0]))
        return {
            "series": str(self.series),
            "asked": spans(self.asked),
            "whole": self.whole,
            "rows": self.rows,
            "files": self.files,
            "requests": self.requests,
            "absent": spans(self.absent),
            "failed": [{"reason": reason, "missing": spans(missing)} for reason, missing in failed],
            "notes": sorted(self.notes),
        }
