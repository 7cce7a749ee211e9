"""Ray's machines as an executor, for whoever builds more archives than one machine can."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from concurrent.futures import Executor, Future
from typing import Any, TypeVar
from urllib.parse import urlsplit

from bateia.core import ConfigError, DataError

T = TypeVar("T")
_CONNECT_SECONDS = 5.0


class RayExecutor(Executor):
    """Calls as tasks of Ray: on this machine, or on a cluster by its address, `auto` or `host:port`.

    The machines of a cluster see the same files under the same paths. ConfigError without the extra `ray`,
    DataError where no cluster answers.
    """

    def __init__(self, address: str = "", workers: int | None = None) -> None:
        try:
            # Before Ray is imported, which reads it.
            os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
            import ray
        except ImportError:
            raise ConfigError("files built by Ray without Ray", hint="pip install 'bateia[ray]'") from None
        self._ray = ray
        where: dict[str, Any] = {"address": address} if address else {"num_cpus": workers}
        try:
            _answers(address)
            ray.init(include_dashboard=None if address else False, log_to_driver=False, **where)
        except (OSError, RuntimeError, ValueError) as error:
            raise DataError(
                f"cannot reach Ray at {address!r}: {error}", allowed="auto, or host:port of its head"
            ) from None

    def submit(self, fn: Callable[..., T], /, *args: Any, **kwargs: Any) -> Future[T]:
        """One task, a core; an attempt that a machine lost is not made again, the same command goes on."""
        task = self._ray.remote(num_cpus=1, max_retries=0)(fn)
        future: Future[T] = task.remote(*args, **kwargs).future()
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Leave the cluster, or end Ray on this machine; tasks under way are lost."""
        self._ray.shutdown()


def _answers(address: str) -> None:
    """OSError where nobody listens at `host:port`: Ray itself would try for minutes, then end the process."""
    parts = urlsplit(address if "://" in address else f"ray://{address}")
    if parts.hostname and parts.port:
        socket.create_connection((parts.hostname, parts.port), timeout=_CONNECT_SECONDS).close()
