"""A schema of its own for each test."""

import pytest


@pytest.fixture
def url(postgres_schema):
    """A database with nothing in its search path yet."""
    return postgres_schema
