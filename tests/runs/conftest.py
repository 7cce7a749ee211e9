"""Where a ledger may lie in tests: a file, or a PostgreSQL server where there is one."""

import os
import uuid

import pytest


@pytest.fixture(scope="session")
def server():
    """A PostgreSQL database, or why there is none."""
    psycopg = pytest.importorskip("psycopg")
    places = [os.environ.get("BATEIA_TEST_POSTGRES"), "postgresql://postgres@127.0.0.1:5432/test"]
    for url in filter(None, places):
        try:
            psycopg.connect(url, connect_timeout=2).close()
        except psycopg.OperationalError:
            continue
        return url
    pytest.skip("no PostgreSQL at BATEIA_TEST_POSTGRES or at 127.0.0.1:5432")


@pytest.fixture(params=["sqlite", "postgres"])
def where(request, tmp_path):
    """An empty place for a ledger: a file, or a schema of its own."""
    if request.param == "sqlite":
        yield str(tmp_path / "deep" / "ledger.sqlite")
        return
    url, schema = request.getfixturevalue("server"), f"bateia_test_{uuid.uuid4().hex}"
    import psycopg

    with psycopg.connect(url, autocommit=True) as db:
        db.execute(f"CREATE SCHEMA {schema}")
        yield f"{url}{'&' if '?' in url else '?'}options=-csearch_path%3D{schema}"
        db.execute(f"DROP SCHEMA {schema} CASCADE")
