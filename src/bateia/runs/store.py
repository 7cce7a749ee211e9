"""Where the ledger's rows lie: a SQLite file, or a PostgreSQL database by URL."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

from bateia.core import RunError
from bateia.core.database_url import ALLOWED, POSTGRES, postgres_url, without_password

Run = Callable[..., list[tuple[Any, ...]]]
"""`run(sql, values)`: rows found, oldest first; `?` stands for a value."""

_WAIT_SECONDS = 60.0
_LOCK = 0x62617465
"""Key of the advisory lock under which a PostgreSQL ledger is made: any number, but always this one."""


class Store(Protocol):
    """One transaction at a time: all of it is kept, or nothing."""

    name: str
    """For messages; without a password."""
    prefix: str
    """Of table names."""
    identity: str
    """A column that numbers rows by itself."""
    blob: str

    def transaction(self, *, alone: bool = False) -> Any:
        """Context of one transaction, giving `run`; `alone` keeps every other such one waiting."""


class SqliteStore:
    """A SQLite file in write-ahead mode: one writer at a time, the others wait for up to a minute."""

    prefix, identity, blob = "", "INTEGER PRIMARY KEY", "BLOB"

    def __init__(self, path: Path) -> None:
        self.path, self.name = path, str(path)
        with self._errors():
            path.parent.mkdir(parents=True, exist_ok=True)
            self._write_ahead()

    def _write_ahead(self) -> None:
        give_up = time.monotonic() + _WAIT_SECONDS
        while True:
            db = sqlite3.connect(self.path, timeout=_WAIT_SECONDS)
            try:
                db.execute("PRAGMA journal_mode = WAL")
                return
            except sqlite3.OperationalError as error:
                # SQLite does not wait here by itself while another process makes the same change.
                if "locked" not in str(error) or time.monotonic() > give_up:
                    raise
                time.sleep(0.05)
            finally:
                db.close()

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except (OSError, sqlite3.Error) as error:
            raise RunError(
                f"cannot use the trial ledger {self.name!r}: {error}",
                allowed="a SQLite file that this program made, or a postgresql:// URL",
                hint="move it away, or use another --runs folder",
            ) from None

    @contextmanager
    def transaction(self, *, alone: bool = False) -> Iterator[Run]:
        """See `Store`."""
        with self._errors():
            db = sqlite3.connect(self.path, timeout=_WAIT_SECONDS, isolation_level=None)
            try:
                db.execute("BEGIN IMMEDIATE" if alone else "BEGIN")
                try:
                    yield lambda sql, values=(): db.execute(sql, values).fetchall()
                except BaseException:
                    db.execute("ROLLBACK")
                    raise
                db.execute("COMMIT")
            finally:
                db.close()


class PostgresStore:
    """Tables `bateia_*` of a PostgreSQL database, in the first schema of its search path."""

    prefix, identity, blob = "bateia_", "BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY", "BYTEA"

    def __init__(self, url: str) -> None:
        self._url, self.name = postgres_url(url), without_password(url)
        try:
            import psycopg
        except ImportError:
            raise RunError(
                f"the trial ledger {self.name!r} needs psycopg, which is not installed",
                hint="pip install 'bateia[postgres]'",
            ) from None
        self._driver = psycopg

    @contextmanager
    def transaction(self, *, alone: bool = False) -> Iterator[Run]:
        """See `Store`."""
        try:
            # Leaving the connection's context commits, or rolls back on an error, and closes it.
            with self._driver.connect(self._url, connect_timeout=15) as db:

                def run(sql: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
                    cursor = db.execute(sql.replace("?", "%s"), values)
                    return cursor.fetchall() if cursor.description else []

                if alone:
                    run("SELECT pg_advisory_xact_lock(?)", (_LOCK,))
                yield run
        except self._driver.Error as error:
            raise RunError(
                f"cannot use the trial ledger {self.name!r}: {' '.join(str(error).split())}",
                allowed="a PostgreSQL database in which this user may make tables",
            ) from None


def open_store(where: str | Path) -> Store:
    """A PostgreSQL database for `postgresql://…`, a SQLite file for anything else."""
    if isinstance(where, str) and where.startswith(POSTGRES):
        return PostgresStore(where)
    if isinstance(where, str) and "://" in where:
        raise RunError(
            f"the trial ledger {without_password(where)!r}",
            allowed=f"a path, or {ALLOWED}",
        )
    return SqliteStore(Path(where))
