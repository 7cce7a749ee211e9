"""Who shares the work of a search: processes of this machine, or Ray's on one or many."""

from __future__ import annotations

import os
import signal
import socket
from collections.abc import Callable, Sequence
from contextlib import suppress
from multiprocessing import get_context
from typing import Any, Literal, Protocol
from urllib.parse import urlsplit

from bateia.core import ConfigError, RunError

Kind = Literal["processes", "ray"]
_JOIN_SECONDS, _CONNECT_SECONDS = 20.0, 5.0


class Workers(Protocol):
    """`run(work, parts)`: call `work(*part)` for every part, side by side, until all are done.

    An interrupt reaches them all and is raised here once they have ended. RunError where one broke.
    """

    far: bool
    """Whether they may be on other machines."""

    def run(self, work: Callable[..., None], parts: Sequence[tuple[Any, ...]]) -> None:
        """See the class."""


class Processes:
    """A process a part, on this machine."""

    far = False

    def run(self, work: Callable[..., None], parts: Sequence[tuple[Any, ...]]) -> None:
        """See `Workers`."""
        # Not forked: LightGBM's threads would not survive it.
        context = get_context("spawn")
        workers = [context.Process(target=work, args=part) for part in parts]
        try:
            for worker in workers:
                worker.start()
            for worker in workers:
                worker.join()
        except BaseException:
            for worker in workers:
                with suppress(ProcessLookupError):
                    if worker.pid is not None and worker.is_alive():
                        os.kill(worker.pid, signal.SIGINT)
            for worker in workers:
                worker.join(_JOIN_SECONDS)
                if worker.is_alive():
                    worker.terminate()
                    worker.join()
            raise
        broken = [worker.exitcode for worker in workers if worker.exitcode]
        if broken:
            raise RunError(
                f"{len(broken)} of {len(parts)} processes of the search ended with {broken[0]}",
                hint="jobs 1 shows why; what is done is kept",
            )


class RayWorkers:
    """A task of Ray's a part: on this machine, or on a cluster by its address, such as `auto`.

    The machines of a cluster see the same data under the same paths.
    """

    def __init__(self, address: str = "") -> None:
        try:
            # Before Ray is imported, which reads them.
            os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
            import ray
        except ImportError:
            raise ConfigError("workers of Ray without Ray", hint="pip install 'bateia[ray]'") from None
        self._ray, self._address, self.far = ray, address, address != ""

    def run(self, work: Callable[..., None], parts: Sequence[tuple[Any, ...]]) -> None:
        """See `Workers`."""
        ray = self._ray
        where = {"address": self._address} if self._address else {"num_cpus": len(parts)}
        try:
            _answers(self._address)
            ray.init(include_dashboard=None if self._address else False, log_to_driver=False, **where)
        except (OSError, RuntimeError, ValueError) as error:
            raise RunError(
                f"cannot reach Ray at {self._address!r}: {error}",
                allowed="auto, or host:port of its head",
            ) from None
        try:
            task = ray.remote(num_cpus=1, max_retries=0)(work)
            waiting = [task.remote(*part) for part in parts]
            try:
                ray.get(waiting)
            except ray.exceptions.RayError as error:
                raise RunError(
                    f"a task of the search broke: {str(error).strip().splitlines()[-1]}",
                    hint="jobs 1 shows why; what is done is kept",
                ) from None
            except BaseException:
                for one in waiting:
                    ray.cancel(one)
                ray.wait(waiting, num_returns=len(waiting), timeout=_JOIN_SECONDS)
                raise
        finally:
            ray.shutdown()


def _answers(address: str) -> None:
    """OSError where nobody listens at `host:port`: Ray itself would try for minutes, then end the process."""
    parts = urlsplit(address if "://" in address else f"ray://{address}")
    if parts.hostname and parts.port:
        socket.create_connection((parts.hostname, parts.port), timeout=_CONNECT_SECONDS).close()


def workers_of(kind: Kind, address: str = "") -> Workers:
    """The workers of this kind; ConfigError for an address without Ray, or Ray that is not installed."""
    if kind == "ray":
        return RayWorkers(address)
    if address:
        raise ConfigError(f"processes at {address!r}", allowed="an address of Ray's", hint="workers ray")
    return Processes()
