"""Whoever watches a run."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol


class Watch(Protocol):
    """Whoever wants to see progress: a named stage, and a function to call with the steps done."""

    def stage(self, name: str, total: int = 1) -> AbstractContextManager[Callable[[int], None]]:
        """A stage of `total` steps."""


class Silent:
    """A watch that shows nothing."""

    @contextmanager
    def stage(self, name: str, total: int = 1) -> Iterator[Callable[[int], None]]:
        """A stage that nobody sees."""
        yield lambda steps: None
