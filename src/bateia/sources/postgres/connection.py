"""Connections: psycopg for questions and changes, ADBC for rows in bulk; errors without passwords."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from bateia.core import ConfigError, DataError
from bateia.runs.store import without_password

if TYPE_CHECKING:
    import polars as pl

_TIMEOUT = 15
_INSTALL = "pip install 'bateia[postgres]'"


@contextmanager
def connect(url: str) -> Iterator[Any]:
    """A psycopg connection: one transaction, committed at the end, rolled back on an error."""
    try:
        import psycopg
    except ImportError:
        raise ConfigError("PostgreSQL needs psycopg, which is not installed", hint=_INSTALL) from None
    try:
        with psycopg.connect(checked(url), connect_timeout=_TIMEOUT) as db:
            yield db
    except psycopg.Error as error:
        raise refused(url, error) from None


@contextmanager
def bulk(url: str) -> Iterator[Any]:
    """A cursor of ADBC in one transaction, committed at the end, rolled back on an error."""
    try:
        from adbc_driver_manager import Error
        from adbc_driver_postgresql import dbapi
    except ImportError:
        raise ConfigError(
            "PostgreSQL needs adbc-driver-postgresql, which is not installed", hint=_INSTALL
        ) from None
    try:
        with dbapi.connect(checked(url)) as db, db.cursor() as cursor:
            yield cursor
            db.commit()
    except Error as error:
        raise refused(url, error) from None


def rows_of(cursor: Any, sql: str) -> pl.DataFrame:
    """The rows of a query of ADBC."""
    import polars as pl

    cursor.execute(sql)
    return pl.DataFrame(cursor.fetch_arrow())


def checked(url: str) -> str:
    """The URL, if it is one of PostgreSQL; ConfigError otherwise."""
    if not url.startswith(("postgresql://", "postgres://")):
        given = without_password(url) if "://" in url else url
        raise ConfigError(
            f"{given!r} is no PostgreSQL database",
            allowed="postgresql://user@host:port/database",
            hint="the password in PGPASSWORD or ~/.pgpass",
        )
    return url


def refused(url: str, error: Exception) -> DataError:
    """What PostgreSQL said, in one line."""
    said = " ".join(str(error).split()).replace(url, without_password(url))
    return DataError(
        f"PostgreSQL at {without_password(url)!r}: {said}",
        hint="are address, user, password and the rights on the table right? Then run the same again",
    )
