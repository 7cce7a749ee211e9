"""A websocket that stays: what drops or falls silent is opened again, with bounded patience."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Callable, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

from bateia.core import ConfigError
from bateia.sources.web import WebError

TRIES = 10
"""Connections in a row that bring nothing, after which it is told."""
_BUSY = {408, 418, 425, 429}


class Heard(Enum):
    """What a message is."""

    MARKET = "of the market"
    ANSWER = "that what was said has been heard: the stream is open"
    PONG = "that the other side is there"


@dataclass(frozen=True, slots=True)
class Talk:
    """The words of an exchange that opens streams by message, beside those of the market."""

    say: Sequence[str]
    """Sent at the start of each connection."""
    beat: str
    """Sent again and again, to be answered."""
    hear: Callable[[str | bytes], Heard]
    """What a message is; ConfigError for one that refuses what was said."""


@dataclass(frozen=True, slots=True)
class Frame:
    """One message of the market as it came, or, without a text, the news that a stream has been opened."""

    received: int
    """Our clock, microseconds UTC."""
    text: str | bytes | None


@dataclass(slots=True)
class SocketStats:
    """Counts since the start."""

    opened: int = 0
    dropped: int = 0
    """Connections that ended or could not be made."""
    silent: int = 0
    """Of these, the ones that were closed by us for having said nothing."""
    frames: int = 0
    size: int = 0
    """Characters or bytes of all messages."""
    reason: str = ""
    """Why the last connection ended."""

    def line(self) -> str:
        """One line for a log.

        >>> SocketStats(opened=2, dropped=1, silent=1, frames=70, size=900, reason="nothing for 30 s").line()
        'opened 2, dropped 1 (silent 1; the last: nothing for 30 s), frames 70'
        """
        why = f" (silent {self.silent}; the last: {self.reason})" if self.dropped else ""
        return f"opened {self.opened}, dropped {self.dropped}{why}, frames {self.frames}"


class Socket:
    """The messages of `url`, over as many connections as it takes.

    A connection that brings nothing for `silence` seconds is closed. Before the next one it waits `backoff`
    seconds, twice as long after each that brought no message, at most `longest`. After `tries` in a row that
    brought none it gives up, but for silence where messages came before: a market may be quiet. Pings are
    answered, and sent every `ping` seconds. What comes faster than it is read waits in a short queue and then
    at the sender.

    With a `talk`, a stream is open once its opening is answered, and the answer to a beat, sent every `ping`
    seconds too, breaks the silence of an open one; neither is a frame.
    """

    def __init__(
        self,
        url: str,
        *,
        talk: Talk | None = None,
        silence: float = 30.0,
        backoff: float = 1.0,
        longest: float = 60.0,
        tries: int = TRIES,
        ping: float = 20.0,
        clock: Callable[[], int] = lambda: time.time_ns() // 1000,
    ) -> None:
        try:
            from websockets import exceptions
            from websockets.asyncio import client
        except ImportError:
            raise ConfigError(
                "streams need websockets, which is not installed", hint="pip install 'bateia[exchange]'"
            ) from None
        if min(silence, backoff, longest, ping) <= 0 or tries < 1:
            raise ConfigError("a socket without patience", allowed="seconds above 0, and 1 try or more")
        self.url, self._talk = url, talk
        self._silence, self._backoff, self._longest, self._tries = silence, backoff, longest, tries
        self._clock, self._ping = clock, ping
        self._leave = ""
        self._connect: Callable[[], Any] = lambda: client.connect(
            url, open_timeout=10.0, close_timeout=0.5, ping_interval=ping, ping_timeout=ping, max_size=1 << 24
        )
        self._errors, self._status = exceptions.WebSocketException, exceptions.InvalidStatus
        self._address = exceptions.InvalidURI
        self.stats = SocketStats()

    def leave(self, why: str) -> None:
        """Leave this connection for a new one, which begins its streams anew."""
        self._leave = why

    async def frames(self) -> AsyncGenerator[Frame, None]:
        """Frames without end; ConfigError for a wrong address or a refusal, WebError as said above."""
        vain = 0
        while True:
            silent, frames, heard, begun = self.stats.silent, self.stats.frames, False, time.monotonic()
            try:
                async with self._connect() as connection:
                    self.stats.opened += 1
                    self._leave = ""
                    line = _Line(connection, self._talk, self._ping)
                    await line.begin()
                    if self._talk is None:
                        yield Frame(self._clock(), None)
                    while True:
                        text = await self._next(line)
                        if not heard and self._talk is not None:
                            yield Frame(self._clock(), None)
                        heard = True
                        if text is not None:
                            yield self._counted(text)
            except (OSError, EOFError, self._errors) as error:
                self._ended(error)
            quiet = self.stats.silent > silent and self.stats.frames > 0
            # What opens a stream and drops it at once has brought nothing.
            lasted = heard and time.monotonic() - begun > self._silence
            vain = 0 if quiet or lasted or self.stats.frames > frames else vain + 1
            if vain >= self._tries:
                hint = "is this machine online, and is the symbol traded?"
                raise WebError(f"{self.url}: {self.stats.reason} ({vain} tries)", hint=hint)
            await asyncio.sleep(min(self._longest, self._backoff * 2.0**vain))

    async def _next(self, line: _Line) -> str | bytes | None:
        """The next message of the market; None for the news that a stream is open."""
        try:
            async with asyncio.timeout(self._silence) as limit:
                while True:
                    if self._leave:
                        raise ConnectionResetError(self._leave)
                    heard, text = await line.receive()
                    if heard is Heard.MARKET:
                        return text
                    if heard is Heard.ANSWER:
                        return None
                    if line.open:
                        limit.reschedule(asyncio.get_running_loop().time() + self._silence)
        except TimeoutError:
            self.stats.silent += 1
            raise TimeoutError(f"nothing for {self._silence:g} s") from None

    def _counted(self, text: str | bytes) -> Frame:
        self.stats.frames += 1
        self.stats.size += len(text)
        return Frame(self._clock(), text)

    def _ended(self, error: Exception) -> None:
        self.stats.dropped += 1
        self.stats.reason = str(error) or type(error).__name__
        if isinstance(error, self._address):
            raise ConfigError(f"{self.url!r} is no address of a stream", allowed="ws:// or wss://") from None
        if isinstance(error, self._status):
            status = error.response.status_code
            if 400 <= status < 500 and status not in _BUSY:
                raise WebError(
                    f"{self.url} answers {status}", hint="another address: this one refuses us"
                ) from None


class _Line:
    """One connection: what is to be said on it, and when again."""

    def __init__(self, connection: Any, talk: Talk | None, ping: float) -> None:
        self._connection, self._talk, self._ping = connection, talk, ping
        self._due = 0.0
        self.open = False
        """Whether the other side has said more than that it is there."""

    async def begin(self) -> None:
        """Ask for what is wanted."""
        for text in self._talk.say if self._talk else ():
            await self._connection.send(text)
        self._due = time.monotonic() + self._ping

    async def receive(self) -> tuple[Heard, str | bytes]:
        """The next message, a beat being sent whenever one is due."""
        text = await (self._connection.recv() if self._talk is None else self._between_beats(self._talk))
        heard = Heard.MARKET if self._talk is None else self._talk.hear(text)
        self.open = self.open or heard is not Heard.PONG
        return heard, text

    async def _between_beats(self, talk: Talk) -> str | bytes:
        while True:
            left = self._due - time.monotonic()
            try:
                async with asyncio.timeout(left) as limit:
                    found: str | bytes = await self._connection.recv()
                    return found
            except TimeoutError:
                if not limit.expired():
                    raise
            await self._connection.send(talk.beat)
            self._due = time.monotonic() + self._ping
