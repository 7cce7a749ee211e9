"""How an exchange is reached live: its addresses, our patience, our clock."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

from bateia.sources.web import Web


class Interface(Protocol):
    """A REST interface."""

    web: Web


@dataclass
class Reach:
    """Where an exchange is to be reached, and with how much patience."""

    market: str = ""
    stream: str = ""
    """Host of the streams; the exchange's own if empty."""
    rest: str = ""
    """Host of the REST interface; the exchange's own if empty."""
    web: Web | None = None
    """How REST is asked."""
    patience: dict[str, Any] = field(default_factory=dict)
    """Settings of `Socket`."""
    wait: float = 0.5
    """Seconds from an answer that brought nothing to the next request; twice as long after each."""
    clock: Callable[[], int] = lambda: time.time_ns() // 1000

    def open_web(self) -> Web:
        """How REST is asked."""
        return self.web or Web(tries=2, timeout=10.0, longest=60.0, forgives=True)

    def close(self, rest: Interface) -> None:
        """End what asks REST; a `web` that was given is its owner's."""
        if self.web is None:
            rest.web.close()
