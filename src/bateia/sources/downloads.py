"""Downloads side by side: a few files under way at a time, what is done with them one after the other."""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator, Hashable, Iterable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from typing import Generic, TypeVar

from bateia.core import ConfigError

AT_ONCE = 4
"""Files under way at a time, unless told otherwise."""
MOST = 16
Want = TypeVar("Want", bound=Hashable)
Found = TypeVar("Found")
T = TypeVar("T")
Job = Generator[Sequence[Want], Sequence[Future[Found]], None]
"""Yields the files that it wants next, at least one, and is sent what came of them, in the same order."""


@dataclass
class _Waiting(Generic[Want, Found]):
    """A job and the files that it waits for."""

    job: Job[Want, Found]
    wants: Sequence[Want]


def check_at_once(count: int) -> int:
    """How many files may be under way at a time; ConfigError for too few or more than is polite."""
    if not 1 <= count <= MOST:
        raise ConfigError(f"{count} downloads at a time", allowed=f"1 to {MOST}", hint=str(AT_ONCE))
    return count


def side_by_side(
    jobs: Iterable[Job[Want, Found]], get: Callable[[Want], Found], at_once: int = AT_ONCE
) -> None:
    """Run jobs to their ends, `at_once` of them begun and as many files under way at a time.

    The jobs themselves run in this thread, one at a time, so they may share what they like; `get` runs in
    others. Jobs that wait for the same file share it. An error that a job does not catch, Ctrl-C too, ends
    everything at once: what is under way is forgotten.

    >>> def job(name):
    ...     first, second = yield [f"{name}1", f"{name}2"]
    ...     print(first.result(), second.result())
    >>> side_by_side([job("a"), job("b")], str.upper, at_once=1)
    A1 A2
    B1 B2
    """
    came = SimpleQueue[tuple[Want, Future[Found]]]()
    found: dict[Want, Future[Found]] = {}
    under_way: set[Want] = set()
    waiting: list[_Waiting[Want, Found]] = []
    fresh = iter(jobs)

    def bring(want: Want) -> None:
        future = Future[Found]()
        try:
            future.set_result(get(want))
        except Exception as error:
            future.set_exception(error)
        came.put((want, future))

    while True:
        while len(waiting) < at_once and (job := next(fresh, None)) is not None:
            waiting += _run(job, None)
        if not waiting:
            return
        for want in (want for one in waiting for want in one.wants):
            if len(under_way) < at_once and want not in found and want not in under_way:
                under_way.add(want)
                threading.Thread(target=bring, args=(want,), daemon=True).start()
        ready = [one for one in waiting if found.keys() >= set(one.wants)]
        for one in ready:
            waiting.remove(one)
            waiting += _run(one.job, [found[want] for want in one.wants])
        if ready:
            still = {want for one in waiting for want in one.wants}
            found = {want: future for want, future in found.items() if want in still}
        else:
            want, future = _first(came)
            under_way.remove(want)
            found[want] = future


def _first(came: SimpleQueue[T]) -> T:
    """What comes first. Ctrl-C is looked for twice a second: a wait without an end may not see it."""
    while True:
        with suppress(Empty):
            return came.get(timeout=0.5)


def _run(job: Job[Want, Found], found: Sequence[Future[Found]] | None) -> Iterator[_Waiting[Want, Found]]:
    """Let a job run until it wants files, and yield what it waits for; nothing at its end."""
    with suppress(StopIteration):
        yield _Waiting(job, next(job) if found is None else job.send(found))
