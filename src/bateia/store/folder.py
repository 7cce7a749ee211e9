"""Where a store's files lie: a local folder whose files appear whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Protocol

from bateia.core import DataError

try:
    import fcntl
except ImportError:  # not a POSIX system: there, one writer at a time is the user's care
    fcntl = None  # type: ignore[assignment]

PART = ".part"


class Folder(Protocol):
    """The few things that a store does with files; names are relative, with slashes."""

    name: str

    def read(self, name: str) -> bytes | None:
        """A file's bytes, None where there is none."""

    def read_all(self, names: Sequence[str]) -> list[bytes | None]:
        """The same of several files."""

    def write(self, name: str, data: bytes) -> None:
        """Put a file there, or in place of another: all of it at once."""

    def delete(self, name: str) -> None:
        """Take a file away, if it is there."""

    def names(self, below: str) -> list[str]:
        """Names of all whole files below a folder, sorted."""

    def alone(self, *below: str) -> AbstractContextManager[None]:
        """Context in which no other process is alone with these folders; begins by sweeping them."""

    def sweep(self, below: str) -> None:
        """Delete what a killed process left half-written."""


class LocalFolder:
    """A folder of this machine: written under another name, synced to the disk, then renamed."""

    def __init__(self, root: Path) -> None:
        self.root, self.name = root, str(root)

    def read(self, name: str) -> bytes | None:
        """See `Folder`; DataError where it cannot be read."""
        try:
            return (self.root / name).read_bytes()
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            raise DataError(f"cannot read {self.root / name}: {error.strerror or error}") from None

    def read_all(self, names: Sequence[str]) -> list[bytes | None]:
        """See `Folder`."""
        return [self.read(name) for name in names]

    def write(self, name: str, data: bytes) -> None:
        """See `Folder`; DataError where the disk is full or the folder read-only, and nothing changes."""
        path = self.root / name
        part = path.with_name(f".{path.name}.{os.getpid()}{PART}")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            try:
                _write_whole(part, data)
                part.replace(path)
            finally:
                part.unlink(missing_ok=True)
            _sync(path.parent)
        except OSError as error:
            raise DataError(
                f"cannot write {path}: {error.strerror or error}",
                allowed="a folder with space that this user may write",
                hint="free some space or take another --store, then run the same again: it carries on",
            ) from None

    def delete(self, name: str) -> None:
        """See `Folder`."""
        try:
            (self.root / name).unlink(missing_ok=True)
        except OSError as error:
            raise DataError(f"cannot delete {self.root / name}: {error.strerror or error}") from None

    def names(self, below: str) -> list[str]:
        """See `Folder`."""
        found = (self.root / below).rglob("*")
        return sorted(path.relative_to(self.root).as_posix() for path in found if _whole(path))

    @contextmanager
    def alone(self, *below: str) -> Iterator[None]:
        """See `Folder`; DataError where another process is. The lock ends with its process."""
        path = self.root / below[0] / ".lock"
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            file = path.open("ab")
        except OSError as error:
            raise DataError(
                f"cannot write to the store {self.name!r}: {error.strerror or error}",
                allowed="a folder that this user may write",
                hint="another --store",
            ) from None
        with file:
            if fcntl is not None:
                try:
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except OSError:
                    raise DataError(
                        f"another process is writing {below[0]!r} of the store {self.name!r}",
                        hint="wait until it is done, then run the same again",
                    ) from None
            for folder in below:
                self.sweep(folder)
            yield

    def sweep(self, below: str) -> None:
        """Delete what a killed process left half-written."""
        for left in (self.root / below).glob(f".*{PART}"):
            left.unlink(missing_ok=True)


def _whole(path: Path) -> bool:
    return path.is_file() and not path.name.startswith(".")


def _write_whole(path: Path, data: bytes) -> None:
    with path.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _sync(folder: Path) -> None:
    """Make names as durable as the files that they name."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
