"""A store on an object store, by fsspec: `s3://bucket/store`, `gs://…`, `memory://…`."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from bateia.core import ConfigError, DataError

LOCK = ".lock"


class RemoteFolder:
    """A folder behind a URL, where a file is put whole or not at all, as object stores do.

    A process that is killed while it is alone with a folder leaves its lock, which the error then names.
    """

    def __init__(self, url: str) -> None:
        try:
            import fsspec
        except ImportError:
            raise ConfigError(
                f"the store {url!r} needs fsspec", hint="pip install 'bateia[remote]'"
            ) from None
        self.name = url.rstrip("/")
        try:
            self._fs, root = fsspec.url_to_fs(self.name)
        except (ImportError, ValueError) as error:
            raise ConfigError(
                f"cannot open the store {url!r}: {error}", allowed="a folder, or a URL that fsspec knows"
            ) from None
        self._root: str = root.rstrip("/")

    def _do(self, what: str, name: str, *more: Any, **how: Any) -> Any:
        """One call of the file system; DataError for whatever it says but "not found" and "is there"."""
        try:
            return getattr(self._fs, what)(f"{self._root}/{name}".rstrip("/"), *more, **how)
        except (FileNotFoundError, FileExistsError):
            raise
        except Exception as error:  # every kind of object store has errors of its own
            raise DataError(
                f"cannot use {self.name}/{name}: {' '.join(str(error).split()) or type(error).__name__}",
                allowed="a place that this user may read and write",
                hint="run the same again: it carries on",
            ) from None

    def read(self, name: str) -> bytes | None:
        """See `Folder`."""
        try:
            return bytes(self._do("cat_file", name))
        except FileNotFoundError:
            return None

    def write(self, name: str, data: bytes) -> None:
        """See `Folder`."""
        self._do("pipe_file", name, data)

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
        """See `Folder`; DataError where another process is, or was until it was killed."""
        lock = f"{below[0]}/{LOCK}"
        try:
            self._do("pipe_file", lock, f"{socket.gethostname()} {os.getpid()}".encode(), mode="create")
        except FileExistsError:
            held = (self.read(lock) or b"").decode(errors="replace")
            raise DataError(
                f"process {held} is writing {below[0]!r} of the store {self.name!r}",
                hint=f"wait until it is done; if it was killed, delete {self.name}/{lock}",
            ) from None
        try:
            yield
        finally:
            self.delete(lock)

    def sweep(self, below: str) -> None:
        """Nothing: no file is ever half-written."""
