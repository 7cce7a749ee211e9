"""A PostgreSQL for tests: the one that is named, the one that runs, or a private one, gone afterwards."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest

NAMED = "BATEIA_TEST_POSTGRES"
"""URL of a database to test with; `private` for a cluster of our own even where a server runs."""
RUNNING = "postgresql://postgres@127.0.0.1:5432/test"
SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "fsync": "off",
    "shared_buffers": "32MB",
    # Not UTC: whatever takes the server's zone for it shows.
    "timezone": "America/Sao_Paulo",
}
WATCH = """
"$@" & server=$!
cat > /dev/null
kill -QUIT $server
wait $server
rm -rf data
"""
"""Runs a server until our end of a pipe closes, as it does however the tests end; then deletes its data."""


@contextmanager
def database() -> Iterator[str]:
    """The URL of a database; the tests are skipped, and say why, where there is none."""
    named = os.environ.get(NAMED, "")
    if named not in {"", "private"}:
        yield named
    elif not named and _answers(RUNNING):
        yield RUNNING
    else:
        with _private() as url:
            yield url


@contextmanager
def schema(server: str) -> Iterator[str]:
    """The URL of a fresh schema of a database, dropped afterwards."""
    name = f"bateia_test_{uuid.uuid4().hex}"
    with psycopg.connect(server, autocommit=True) as db:
        db.execute(f"CREATE SCHEMA {name}")
        try:
            yield f"{server}{'&' if '?' in server else '?'}options=-csearch_path%3D{name}"
        finally:
            _drop(db, name)


def _drop(db: psycopg.Connection, schema: str) -> None:
    """Workers of TimescaleDB may be at the same tables: whom the server gives up waiting for tries again."""
    for left in range(9, -1, -1):
        try:
            db.execute(f"DROP SCHEMA {schema} CASCADE")
            return
        except psycopg.errors.DeadlockDetected:
            if not left:
                raise


@contextmanager
def _private() -> Iterator[str]:
    """A cluster made from the installed binaries, on a free port; stopped and deleted afterwards."""
    binaries = _binaries()
    if binaries is None:
        pytest.skip(
            f"no PostgreSQL: no URL in {NAMED}, no server at 127.0.0.1:5432, and no initdb in PATH, "
            "in `pg_config --bindir` or in /usr/lib/postgresql/*/bin"
        )
    with tempfile.TemporaryDirectory(prefix="bateia-postgres-", ignore_cleanup_errors=True) as name:
        folder, port = Path(name), _free_port()
        user = _user(folder)
        words = ["--pgdata=data", "--username=postgres", "--auth=trust", "--encoding=UTF8", "--no-locale"]
        made = subprocess.run(
            [binaries / "initdb", *words], check=False, cwd=folder, capture_output=True, text=True, **user
        )
        assert not made.returncode, f"initdb: {made.stderr}"
        settings = SETTINGS | {"port": str(port), "unix_socket_directories": name}
        given = [word for key, value in settings.items() for word in ("-c", f"{key}={value}")]
        start = ["sh", "-c", WATCH, "sh", binaries / "postgres", "-D", "data", *given]
        log = folder / "log"
        with log.open("wb") as out:
            # In a session of its own: Ctrl-C is for the tests.
            own = {"cwd": folder, "start_new_session": True, **user}
            watch = subprocess.Popen(start, stdin=subprocess.PIPE, stdout=out, stderr=out, **own)
        try:
            yield _ready(f"postgresql://postgres@127.0.0.1:{port}/postgres", log)
        finally:
            watch.communicate(timeout=60)


def _binaries() -> Path | None:
    """The folder of initdb and postgres: in PATH, as pg_config says, or the newest of Debian's."""
    folders = [Path(found).resolve().parent] if (found := shutil.which("initdb")) else []
    if shutil.which("pg_config"):
        asked = subprocess.run(["pg_config", "--bindir"], capture_output=True, text=True, check=True)
        folders.append(Path(asked.stdout.strip()))
    versions = Path("/usr/lib/postgresql").glob("*/bin")
    folders += sorted(versions, key=lambda path: float(path.parent.name), reverse=True)
    whole = (folder for folder in folders if all((folder / name).exists() for name in ("initdb", "postgres")))
    return next(whole, None)


def _user(folder: Path) -> dict[str, Any]:
    """Who the server runs as: PostgreSQL refuses root, which gives the folder to another user."""
    if os.geteuid():
        return {}
    known = {entry.pw_name for entry in pwd.getpwall()}
    entry = pwd.getpwnam("postgres" if "postgres" in known else "nobody")
    os.chown(folder, entry.pw_uid, entry.pw_gid)
    return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}


def _ready(url: str, log: Path) -> str:
    until = time.monotonic() + 60
    while not _answers(url):
        assert time.monotonic() < until, f"the private PostgreSQL does not start: {log.read_text()[-2000:]}"
        time.sleep(0.05)
    return url


def _answers(url: str) -> bool:
    try:
        psycopg.connect(url, connect_timeout=2).close()
    except psycopg.OperationalError:
        return False
    return True


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])
