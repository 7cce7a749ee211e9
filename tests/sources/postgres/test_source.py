"""PostgreSQL as a recipe's source."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from pydantic import ValidationError

from bateia.core import ConfigError
from bateia.quality import validate_trades
from bateia.sources import PostgresSource
from bateia.sources.postgres import write_ticks
from bateia.testing.sources import check_source
from postgres_rows import generated_ticks


def test_a_recipe_s_source(url):
    ticks = generated_ticks()
    write_ticks(url, "WDOV13", ticks)
    source = PostgresSource(url=url, symbol="WDOV13")
    trades = source.read()
    validate_trades(trades)
    assert np.array_equal(trades.price, ticks["price"])
    assert np.array_equal(trades.side, ticks["side"])
    check_source(source)
    part = PostgresSource(url=url, symbol="WDOV13", first="2013-09-30T10:00", last="2013-09-30T12:00").read()
    ten = datetime(2013, 9, 30, 10, tzinfo=UTC)
    assert len(part) == ticks["time"].is_between(ten, ten + timedelta(hours=2), closed="left").sum()


def test_an_address_from_the_environment(url, monkeypatch):
    write_ticks(url, "WDOV13", generated_ticks())
    monkeypatch.setenv("TICKS", url)
    assert len(PostgresSource(url="${TICKS}", symbol="WDOV13").read()) == 500
    monkeypatch.delenv("TICKS")
    with pytest.raises(ConfigError, match="is no PostgreSQL database"):
        PostgresSource(url="${TICKS}", symbol="WDOV13").read()


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ("postgresql://me:secret@db/x", "a password in url; try: the password in PGPASSWORD"),
        ("postgresql://me@db/x?password=secret", "a password in url"),
        ("mysql://db/x", "allowed: postgresql://user@host"),
    ],
)
def test_addresses_that_a_recipe_must_not_have(given, says):
    with pytest.raises(ValidationError, match=says):
        PostgresSource(url=given, symbol="WDOV13")
