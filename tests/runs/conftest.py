"""Where a ledger may lie in tests: a file, or a PostgreSQL database where there is one."""

import pytest


@pytest.fixture(params=["sqlite", "postgres"])
def where(request, tmp_path):
    """An empty place for a ledger: a file, or a schema of its own."""
    if request.param == "sqlite":
        return str(tmp_path / "deep" / "ledger.sqlite")
    return request.getfixturevalue("postgres_schema")
