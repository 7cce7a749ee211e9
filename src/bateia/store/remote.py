"""A store on an object store, by fsspec: `s3://bucket/store`, `gs://…`, `memory://…`."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from bateia.core import ConfigError, DataError

LOCK = ".lock"


class RemoteFolder:
    """A folder behind a URL, where a file is put whole or not at all, as object stores do.

    Credentials and endpoint come from the environment, as fsspec and each service read it, not from the URL.
    A process that is killed while it is alone with a folder leaves its lock: the next one on the same machine
    takes it away, on any other the error names it.
    """

    def __init__(self, url: str) -> None:
        try:
            import fsspec
        except ImportError:
            raise ConfigError(
                f"the store {url!r} needs fsspec", hint="pip install 'bateia[remote]'"
            ) from None
        if (split := urlsplit(url)).password is not None:
            raise ConfigError(
                "a password in the URL of a store, which logs would show",
                allowed=f"{split.scheme}://{split.hostname}{split.path}",
                hint=f"FSSPEC_{split.scheme.upper()}_PASSWORD in the environment",
            )
        self.name = url.rstrip("/")
        try:
            self._fs, root = fsspec.url_to_fs(self.name)
        except (ImportError, ValueError) as error:
            raise ConfigError(
                f"cannot open the store {url!r}: {error}", allowed="a folder, or a URL that fsspec knows"
            ) from None
        self._root: str = root.rstrip("/")

    def _path(self, name: str) -> str:
        return f"{self._root}/{name}".rstrip("/")

    def _do(self, what: str, name: str, *more: Any, **how: Any) -> Any:
        """One call of the file system; DataError for whatever it says but "not found" and "is there"."""
        try:
            return getattr(self._fs, what)(self._path(name), *more, **how)
        except (FileNotFoundError, FileExistsError):
            raise
        except Exception as error:  # every kind of object store has errors of its own
            raise self._failure(name, error) from None

    def _failure(self, name: str, error: Exception) -> DataError:
        said = " ".join(str(error).split()) or type(error).__name__
        return DataError(
            f"cannot use {self.name}/{name}: {said}",
            allowed="a place that this user may read and write",
            hint="other credentials in the environment: see docs/data.md"
            if isinstance(error, PermissionError)
            else "run the same again: it carries on",
        )

    def read(self, name: str) -> bytes | None:
        """See `Folder`."""
        try:
            return bytes(self._do("cat_file", name))
        except FileNotFoundError:
            return None

    def read_all(self, names: Sequence[str]) -> list[bytes | None]:
        """See `Folder`; asked for side by side."""
        if not names:
            return []
        try:
            found = self._fs.cat([self._path(name) for name in names], on_error="return")
        except Exception as error:
            raise self._failure(names[0], error) from None
        return [self._came(name, found[self._path(name)]) for name in names]

    def _came(self, name: str, found: bytes | Exception) -> bytes | None:
        if isinstance(found, FileNotFoundError):
            return None
        if isinstance(found, Exception):
            raise self._failure(name, found)
        return found

    def write(self, name: str, data: bytes) -> None:
        """See `Folder`."""
        try:
            self._do("pipe_file", name, data)
        except FileNotFoundError as error:  # no such bucket
            raise self._failure(name, error) from None

    def delete(self, name: str) -> None:
        """See `Folder`."""
        with suppress(FileNotFoundError):
            self._do("rm_file", name)

    def names(self, below: str) -> list[str]:
        """See `Folder`."""
        self._fs.invalidate_cache()
        try:
            found = self._do("find", below)
        except FileNotFoundError:
            return []
        short = (path[len(self._root) :].lstrip("/") for path in found)
        return sorted(name for name in short if not name.rpartition("/")[2].startswith("."))

    @contextmanager
    def alone(self, *below: str) -> Iterator[None]:
        """See `Folder`; DataError where another process is, or was until it was killed elsewhere."""
        lock = f"{below[0]}/{LOCK}"
        if not self._claim(lock) and not self._inherit(lock):
            raise DataError(
                f"process {self._holder(lock)} is writing {below[0]!r} of the store {self.name!r}",
                hint=f"wait until it is done; if it was killed, delete {self.name}/{lock}",
            )
        try:
            yield
        finally:
            self.delete(lock)

    def _claim(self, lock: str) -> bool:
        """Whether a lock is ours now: it is made only where none is."""
        try:
            self._do("pipe_file", lock, f"{socket.gethostname()} {os.getpid()}".encode(), mode="create")
        except FileExistsError:
            return False
        except FileNotFoundError as error:
            raise self._failure(lock, error) from None
        return True

    def _inherit(self, lock: str) -> bool:
        """Whether a lock whose holder has ended is ours now; of several who want it, one process has it."""
        with _heir() as alone:
            if not alone or not _is_gone(self._holder(lock)):
                return False
            self.delete(lock)
            return self._claim(lock)

    def _holder(self, lock: str) -> str:
        return (self.read(lock) or b"").decode(errors="replace")

    def sweep(self, below: str) -> None:
        """Nothing: no file is ever half-written."""


@contextmanager
def _heir() -> Iterator[bool]:
    """Context in which no other process of this machine takes a lock over; False where that cannot be had."""
    try:
        import fcntl
    except ImportError:
        yield False
        return
    with Path(__file__).open("rb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield True


def _is_gone(holder: str) -> bool:
    """Whether the holder of a lock was a process of this machine that has ended."""
    host, _, process = holder.rpartition(" ")
    if host != socket.gethostname() or not process.isdigit():
        return False
    try:
        os.kill(int(process), 0)
    except OSError as error:
        return isinstance(error, ProcessLookupError)
    return False
