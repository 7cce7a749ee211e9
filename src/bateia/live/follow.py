"""A numbered stream over a socket that may break, its gaps mended by asking for what is missing."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Coroutine, Sequence
from contextlib import aclosing
from typing import Any, Generic, TypeVar

from bateia.core import DataError
from bateia.live.unbroken import Unbroken
from bateia.sources.socket import Frame, Socket

T = TypeVar("T")
A = TypeVar("A")
LISTED = 50


class Follower(Generic[T]):
    """Rows in order, each once, as they come.

    `read` turns a frame into its rows; `ask` brings rows from a number on, a page of them, and runs in a
    thread. It is called where numbers are missing and, since a quiet market would
    not show that any are, after each connection that does not begin the count. What is still missing after
    `tries` answers in a row is given up: `seam.stats.lost` counts it, `told` says it.

    >>> import asyncio
    >>> seam = Unbroken[int](number=int, time=int)
    >>> follower = Follower(Socket("ws://127.0.0.1:1"), seam, read=lambda frame: [], ask=lambda first: [])
    >>> follower.line()
    'rows 0, gaps 0, duplicates 0, lost 0, resets 0, overflows 0, asked 0, failed 0, unreadable 0; opened 0,
    dropped 0, frames 0'
    """

    def __init__(
        self,
        socket: Socket,
        seam: Unbroken[T],
        read: Callable[[Frame], Sequence[T]],
        ask: Callable[[int], Sequence[T]],
        *,
        page: int = 1000,
        tries: int = 5,
        wait: float = 0.5,
    ) -> None:
        self.socket, self.seam, self._read, self._ask = socket, seam, read, ask
        self._page, self._tries, self._wait = page, tries, wait
        self._vain, self._unsure = 0, False
        self.asked = self.failed = self.unreadable = 0
        self.told: list[str] = []
        """The first of what went wrong, in words."""

    def line(self) -> str:
        """One line for a log."""
        counts = f"asked {self.asked}, failed {self.failed}, unreadable {self.unreadable}"
        return f"{self.seam.stats.line()}, {counts}; {self.socket.stats.line()}"

    async def rows(self) -> AsyncGenerator[list[T], None]:
        """Runs of rows without end; ConfigError, or WebError where the socket gives up."""
        async with aclosing(paired(self.socket, self._wanted)) as events:
            async for frame, answer in events:
                ready = self._answered(answer) if answer is not None else []
                if frame is not None:
                    ready += self._came(frame)
                if ready:
                    yield ready

    def _wanted(self) -> Coroutine[Any, Any, Sequence[T] | DataError] | None:
        """A request for what is missing, if something is."""
        missing = self.seam.missing
        if missing is None and not self._unsure:
            return None
        first = missing[0] if missing else self.seam.due
        if first is None:
            self._unsure = False
            return None
        return self._request(first)

    async def _request(self, first: int) -> Sequence[T] | DataError:
        if self._vain:
            await asyncio.sleep(self._wait * 2.0 ** (self._vain - 1))
        self.asked += 1
        return await asked(lambda: self._ask(first))

    def _answered(self, answer: Sequence[T] | DataError) -> list[T]:
        if isinstance(answer, DataError):
            self.failed += 1
            self.tell(str(answer))
            answer = []
        before, due = self.seam.missing, self.seam.due
        ready = [made for row in answer for made in self.seam.on(row)]
        moved = self.seam.due != due
        self._unsure = self._unsure and moved and len(answer) >= self._page
        self._vain = 0 if moved or before is None else self._vain + 1
        missing = self.seam.missing
        if missing is not None and self._vain >= self._tries:
            self.tell(f"{missing[1] - missing[0]} rows from number {missing[0]} on cannot be had")
            self._vain = 0
            ready += self.seam.give_up()
        return ready

    def _came(self, frame: Frame) -> list[T]:
        if frame.text is None:
            self._unsure = self.seam.due is not None
            return []
        try:
            rows = self._read(frame)
        except DataError as error:
            self.unreadable += 1
            self.tell(str(error))
            return []
        return [made for row in rows for made in self.seam.on(row)]

    def tell(self, what: str) -> None:
        """Keep what went wrong, unless there was much of it already."""
        if len(self.told) < LISTED:
            self.told.append(what)


async def asked(ask: Callable[[], A]) -> A | DataError:
    """What `ask` gives in a thread, or its error."""
    try:
        return await asyncio.to_thread(ask)
    except DataError as error:
        return error


async def paired(
    socket: Socket, wanted: Callable[[], Coroutine[Any, Any, A] | None]
) -> AsyncGenerator[tuple[Frame | None, A | None], None]:
    """Frames and answers as they come, at most one request under way; `wanted` is asked before each wait."""
    frames = socket.frames()
    coming: asyncio.Task[Frame] | None = None
    asking: asyncio.Task[A] | None = None
    try:
        while True:
            coming = coming or asyncio.create_task(_next(frames))
            if asking is None and (request := wanted()) is not None:
                asking = asyncio.create_task(request)
            waiting: list[asyncio.Task[Any]] = [coming] if asking is None else [coming, asking]
            await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
            frame = answer = None
            if asking is not None and asking.done():
                answer, asking = asking.result(), None
            if coming.done():
                frame, coming = coming.result(), None
            yield frame, answer
    finally:
        left = [task for task in (coming, asking) if task is not None]
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)
        await frames.aclose()


async def _next(frames: AsyncGenerator[Frame, None]) -> Frame:
    return await anext(frames)
