"""Reading the web with patience: what passes is tried again, a bounded number of times; the rest is told."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import urlsplit

from bateia.core import ConfigError, DataError

if TYPE_CHECKING:
    import httpx

TRIES = 5
BACKOFF = 0.5
"""Seconds before the second try; twice as long before each next one."""
LONGEST = 300.0
"""Seconds that a server may ask us to wait; where it asks for more, the user is told instead."""
TIMEOUT = 30.0


class WebError(DataError):
    """A server that cannot be reached, refuses, or fails every time."""


@dataclass(frozen=True)
class Answer:
    """What a server said: `status` is 200 or, where the caller allows for it, 400 or 404."""

    status: int
    body: bytes
    headers: Mapping[str, str]

    def json(self) -> Any:
        """The body as JSON; WebError where it is none."""
        try:
            return json.loads(self.body)
        except ValueError:
            raise WebError(f"an answer that is no JSON: {self.body[:80]!r}") from None


class Web:
    """GET with bounded tries. `sleep` is how it waits; `tries`, `backoff` and `longest` are as above.

    A host that could not be reached once all tries are spent is not asked again: each further request would
    wait as long for nothing. Where `forgives`, as what runs for days must, it is.
    """

    def __init__(
        self,
        *,
        tries: int = TRIES,
        backoff: float = BACKOFF,
        longest: float = LONGEST,
        timeout: float = TIMEOUT,
        sleep: Callable[[float], None] = time.sleep,
        forgives: bool = False,
    ) -> None:
        try:
            import httpx
        except ImportError:
            raise ConfigError(
                "fetching needs httpx, which is not installed", hint="pip install 'bateia[exchange]'"
            ) from None
        self._errors = httpx.TransportError
        self._client: httpx.Client = httpx.Client(timeout=timeout, follow_redirects=True)
        self._tries, self._backoff, self._longest, self._sleep = tries, backoff, longest, sleep
        self._down: dict[str, str] = {}
        self._forgives = forgives
        self.requests = 0
        self.received = 0
        """Bytes of all bodies."""
        self._count = threading.Lock()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End all connections."""
        self._client.close()

    def get(
        self, url: str, params: Mapping[str, str | int] | None = None, allow: tuple[int, ...] = ()
    ) -> Answer:
        """An answer of status 200, or one of `allow`; WebError for anything else, after all tries."""
        host = urlsplit(url).netloc
        if host in self._down:
            raise WebError(f"{host} cannot be reached: {self._down[host]}", hint=_ONLINE)
        for left in range(self._tries - 1, -1, -1):
            wait = self._backoff * 2.0 ** (self._tries - 1 - left)
            try:
                response = self._client.get(url, params=params)
            except self._errors as error:
                reason = str(error) or type(error).__name__
                if not left:
                    if not self._forgives:
                        self._down[host] = reason
                    raise WebError(f"{url}: {reason} ({self._tries} tries)", hint=_ONLINE) from None
                self._sleep(wait)
                continue
            answer = Answer(response.status_code, response.content, response.headers)
            with self._count:
                self.requests += 1
                self.received += len(answer.body)
            if answer.status == 200 or answer.status in allow:
                return answer
            if not left or not _passing(answer.status):
                raise _refusal(url, answer, self._tries - left)
            self._wait(url, answer, wait)
        raise AssertionError("the last try returns or raises")

    def _wait(self, url: str, answer: Answer, usual: float) -> None:
        """As long as the server asks for, else as usual; WebError where it asks for too long."""
        asked = _retry_after(answer.headers.get("retry-after", ""))
        wait = usual if asked is None else asked
        if wait > self._longest:
            raise WebError(
                f"{urlsplit(url).netloc} answers {answer.status} and asks for {wait:,.0f} s of patience",
                allowed=f"at most {self._longest:,.0f} s",
                hint="run the same again then: it carries on",
            )
        self._sleep(wait)


_ONLINE = "is this machine online? Run the same again then: it carries on"


def _passing(status: int) -> bool:
    """Too many requests, a ban for having ignored that, a timeout, or trouble of the server's own."""
    return status in {408, 418, 429} or status >= 500


def _retry_after(text: str) -> float | None:
    """Seconds of a Retry-After header, which may be a date."""
    if text.strip().isdigit():
        return float(text)
    try:
        return max(0.0, parsedate_to_datetime(text).timestamp() - time.time())
    except ValueError:
        return None


def _refusal(url: str, answer: Answer, tries: int) -> WebError:
    said = answer.body[:200].decode(errors="replace").strip()
    again = f" ({tries} tries)" if tries > 1 else ""
    hint = {
        403: "a lower rate, or another network: this server refuses ours",
        451: "another host by --rest: this one does not serve this country",
    }.get(answer.status, "run the same again later: it carries on" if _passing(answer.status) else None)
    return WebError(f"{url} answers {answer.status}{again}: {said or 'nothing'}", hint=hint)
