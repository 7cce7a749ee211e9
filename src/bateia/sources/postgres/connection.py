"""Connections: psycopg for questions and changes, ADBC for rows in bulk; errors without passwords."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from bateia.core import ConfigError, DataError
from bateia.core.database_url import SECRET, postgres_url, without_password

if TYPE_CHECKING:
    import polars as pl

_TIMEOUT = 15
_INSTALL = "pip install 'bateia[postgres]'"
_LATER = "run the same again: it carries on"
_HINTS = {
    "": f"are address, database and user right, and {SECRET}?",
    "42501": "GRANT SELECT to read, INSERT and DELETE to write, CREATE on the schema to make tables",
    "22": "a view that casts the column to what is meant",
    "23": "a table, or a partition of it, that takes such rows",
    "53": f"free some of it, then {_LATER}",
    **dict.fromkeys(("08", "40", "55", "57", "58"), _LATER),
}
"""How an SQLSTATE begins -> what to try; the first is of a server that could not be reached or entered."""


@contextmanager
def connect(url: str) -> Iterator[Any]:
    """A psycopg connection: one transaction, committed at the end, rolled back on an error."""
    try:
        import psycopg
    except ImportError:
        raise ConfigError("PostgreSQL needs psycopg, which is not installed", hint=_INSTALL) from None
    try:
        with psycopg.connect(postgres_url(url), connect_timeout=_TIMEOUT) as db:
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
        with dbapi.connect(postgres_url(url)) as db, db.cursor() as cursor:
            yield cursor
            db.commit()
    except Error as error:
        raise refused(url, error) from None


def rows_of(cursor: Any, sql: str) -> pl.DataFrame:
    """The rows of a query of ADBC."""
    import polars as pl

    cursor.execute(sql)
    return pl.DataFrame(cursor.fetch_arrow())


def refused(url: str, error: Exception) -> DataError:
    """What PostgreSQL said, in one line."""
    said = " ".join(str(error).split()).replace(url, without_password(url))
    said = re.sub(r"^.*?\b(ERROR|FATAL): +", "", said).partition(" Query was: ")[0].removesuffix(" ^")
    state = getattr(error, "sqlstate", None) or ""
    hint = next((_HINTS[start] for start in (state, state[:2]) if start in _HINTS), None)
    return DataError(f"PostgreSQL at {without_password(url)!r}: {said}", hint=hint)
