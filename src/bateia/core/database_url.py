"""URLs of databases: as they may be shown, and whether they can be trusted not to show a password."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from bateia.core.errors import ConfigError

POSTGRES = ("postgresql://", "postgres://")
ALLOWED = "postgresql://user@host:port/database"
SECRET = "the password in PGPASSWORD or ~/.pgpass"


def without_password(url: str) -> str:
    """The URL as it may be shown.

    >>> without_password("postgresql://me:secret@db:5432/lab?application_name=x")
    'postgresql://me@db:5432/lab'
    """
    parts = urlsplit(url)
    user, at, host = parts.netloc.rpartition("@")
    # The query goes too: it may hold a password of its own.
    return f"{parts.scheme}://{user.partition(':')[0]}{at}{host}{parts.path}"


def postgres_url(url: str) -> str:
    """The URL, if it is one of PostgreSQL; ConfigError otherwise, which never shows a password.

    >>> postgres_url("postgresql://me@db/lab")
    'postgresql://me@db/lab'
    """
    if not url.startswith(POSTGRES):
        given = without_password(url) if "://" in url else url
        raise ConfigError(f"{given!r} is no PostgreSQL database", allowed=ALLOWED, hint=SECRET)
    rest = url.removeprefix(f"{urlsplit(url).scheme}://{urlsplit(url).netloc}")
    if "@" in rest or url.count("@") > 1 or re.search("%(?![0-9A-Fa-f]{2})", url):
        # PostgreSQL would take a part of the password for a host or a port, and show it.
        raise ConfigError(
            "a PostgreSQL URL whose password has an unescaped /, ?, #, @ or %", allowed=ALLOWED, hint=SECRET
        )
    return url
