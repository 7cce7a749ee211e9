"""Reading the web with patience: what passes is tried again, a bounded number of times; the rest is told."""

from __future__ import annotations

import io
import json
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
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
PROGRESS = 1 << 20
"""Bytes that a try must bring, before its connection breaks, not to be counted as one."""


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


@dataclass
class _Body:
    """What came of a body before its connection broke, and whether the rest can be asked for."""

    data: io.BytesIO = field(default_factory=io.BytesIO)
    mark: str = ""
    """The server's ETag: the rest must be of the same file."""
    furthest: int = 0
    """Bytes that were ever here."""

    @property
    def length(self) -> int:
        """Bytes that are here."""
        return self.data.tell()

    def headers(self) -> dict[str, str]:
        """Of the request for what is not here."""
        return {"Range": f"bytes={self.length}-", "If-Range": self.mark} if self.length and self.mark else {}

    def receive(self, response: httpx.Response) -> Answer:
        """All of an answer: where it is the rest of a file, joined to what is here."""
        status, headers = response.status_code, response.headers
        if status not in {200, 206}:
            if status == 416:
                self._forget()
            return Answer(status, response.read(), headers)
        span, _, whole = headers.get("content-range", "").rpartition("/")
        if status == 200:
            self._forget()
        elif not span.startswith(f"bytes {self.length}-"):
            self._forget()
            return Answer(status, b"not the bytes that were asked for", headers)
        mark = headers.get("etag", "")
        # A weak mark, or an encoding, and the bytes may be others next time.
        self.mark = "" if mark.startswith("W/") or "content-encoding" in headers else mark
        for piece in response.iter_bytes():
            self.data.write(piece)
        if status == 206 and whole not in {"*", str(self.length)}:
            said = f"{self.length} bytes of {whole}".encode()
            self._forget()
            return Answer(status, said, headers)
        return Answer(200, self.data.getvalue(), headers)

    def _forget(self) -> None:
        """Begin anew."""
        self.data, self.mark = io.BytesIO(), ""

    def further(self) -> bool:
        """Whether the last try brought so much more than all before it that it does not count as one."""
        before, self.furthest = self.furthest, max(self.furthest, self.length)
        return self.length >= before + PROGRESS


class Web:
    """GET with bounded tries, from any number of threads.

    `sleep` is how it waits; `tries`, `backoff` and `longest` are as above. Where a connection breaks in the
    middle of a file, the next try asks for the rest. While one thread waits as a host asked it to, no other
    asks that host. A host that is not there, or silent, once all tries are spent is not asked again: each
    further request would wait as long for nothing. Where `forgives`, as what runs for days must, it is.
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
        self._errors, self._no_url = httpx.RequestError, (httpx.InvalidURL, httpx.UnsupportedProtocol)
        self._unreached = httpx.ConnectError, httpx.TimeoutException
        self._client: httpx.Client = httpx.Client(timeout=timeout, follow_redirects=True)
        self._tries, self._backoff, self._longest, self._sleep = tries, backoff, longest, sleep
        self._down: dict[str, str] = {}
        self._forgives = forgives
        self.requests = 0
        self._count = threading.Lock()
        self._waiting: dict[str, threading.Lock] = {}
        """Host -> held by the thread that waits as the host asked."""

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
        body, tries = _Body(), 0
        while True:
            wait = self._backoff * 2.0**tries
            tries += 1
            try:
                answer = self._ask(host, url, params, body)
            except self._no_url as error:
                raise ConfigError(f"{url!r} is no address: {error}", hint="https://…") from None
            except self._errors as error:
                reason = str(error) or type(error).__name__
                if body.further():
                    tries = 0
                if tries == self._tries:
                    if isinstance(error, self._unreached) and not self._forgives:
                        self._down[host] = reason
                    raise WebError(f"{url}: {reason} ({tries} tries)", hint=_ONLINE) from None
                self._sleep(wait)
                continue
            if answer.status == 200 or answer.status in allow:
                return answer
            if tries == self._tries or not _passing(answer.status):
                raise _refusal(url, answer, tries)
            self._wait(host, answer, wait)

    def _ask(self, host: str, url: str, params: Mapping[str, str | int] | None, body: _Body) -> Answer:
        """One try, once nobody waits for this host any more."""
        with self._patience(host):
            pass  # then it is free
        with self._client.stream("GET", url, params=params, headers=body.headers()) as response:
            answer = body.receive(response)
        with self._count:
            self.requests += 1
        return answer

    def _patience(self, host: str) -> threading.Lock:
        return self._waiting.setdefault(host, threading.Lock())

    def _wait(self, host: str, answer: Answer, usual: float) -> None:
        """As long as the server asks for, else as usual; WebError where it asks for too long."""
        asked = _retry_after(answer.headers.get("retry-after", ""))
        if asked is None:
            self._sleep(usual)
            return
        if asked > self._longest:
            raise WebError(
                f"{host} answers {answer.status} and asks for {asked:,.0f} s of patience",
                allowed=f"at most {self._longest:,.0f} s",
                hint="run the same again then: it carries on",
            )
        patience = self._patience(host)
        # Where another waits already, all go on when he does.
        if patience.acquire(blocking=False):
            try:
                self._sleep(asked)
            finally:
                patience.release()


_ONLINE = "is this machine online? Run the same again then: it carries on"


def _passing(status: int) -> bool:
    """Too many requests, a ban for having ignored that, a timeout, a wrong piece, trouble of the server's."""
    return status in {206, 408, 416, 418, 429} or status >= 500


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
