"""Questions to a store: what Polars and DuckDB say of the whole table, whatever its cut into files."""

from pathlib import Path

import polars as pl
import pytest

from bateia.core import ConfigError, DataError
from bateia.store import Series, Store, scan, sql
from store_data import DAYS, SERIES, fill, generated_trades

NAME = f'"{SERIES}"'


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    return fill(tmp_path_factory.mktemp("store"))


@pytest.fixture(scope="module")
def table():
    return pl.concat([generated_trades(day) for day in DAYS])


def test_a_scan_is_the_whole_table_and_gives_only_what_is_asked_for(store, table):
    assert scan(store, SERIES).collect().equals(table)
    above = pl.col("price") > 50
    asked = scan(store, SERIES).filter(above).select("price").head(30)
    assert asked.collect().equals(table.filter(above).select("price").head(30))


@pytest.mark.parametrize(
    "query",
    [
        f"SELECT count(*) AS n, min(price) AS low FROM {NAME}",
        f"SELECT price FROM {NAME} WHERE price > 50 ORDER BY price DESC LIMIT 7",
        f"SELECT price FROM {NAME} WHERE price > 50 LIMIT 20",
        f"SELECT price FROM (SELECT * FROM {NAME} LIMIT 30) AS first WHERE price > 50",
        f"SELECT day(time) AS day, sum(price) AS total FROM {NAME} GROUP BY day(time) ORDER BY day",
    ],
)
def test_sql_says_what_duckdb_says_of_the_files_of_the_catalogue(store, query):
    import duckdb

    files = [str(Path(store.name) / name) for name in store.files(SERIES)]
    theirs = duckdb.sql(query.replace(NAME, f"read_parquet({files})")).fetchall()
    assert sql(store, query).rows() == theirs
    assert theirs


def test_duckdb_reads_the_words_of_a_series_as_columns(store):
    import duckdb

    files = [str(Path(store.name) / name) for name in store.files(SERIES)]
    found = duckdb.sql(f"SELECT DISTINCT source, symbol FROM read_parquet({files}, hive_partitioning=true)")
    assert found.fetchall() == [(SERIES.source, SERIES.symbol)]


def test_a_series_that_is_not_there(store, tmp_path):
    with pytest.raises(DataError, match="has no mine/spot/BTCUSDT/candles-5m"):
        scan(store, Series("mine", "spot", "BTCUSDT", "candles-5m"))
    with pytest.raises(ConfigError, match='allowed: "mine/spot/BTCUSDT/trades"; try: SELECT'):
        sql(store, "SELECT 1")
    with pytest.raises(ConfigError, match="it is empty"):
        sql(Store.create(tmp_path / "empty"), "SELECT 1")


@pytest.mark.parametrize("query", [f"SELECT prise FROM {NAME}", f"SELEC price FROM {NAME}"])
def test_a_wrong_query_is_told_in_one_line(store, query):
    with pytest.raises(ConfigError, match="the query cannot be answered: ") as told:
        sql(store, query)
    assert "\n" not in str(told.value)


def test_a_corrupt_file_is_an_error_and_no_answer(tmp_path):
    store = fill(tmp_path)
    (Path(store.name) / store.files(SERIES)[1]).write_bytes(b"")
    with pytest.raises(DataError, match="is corrupt"):
        sql(store, f"SELECT count(*) FROM {NAME}")
