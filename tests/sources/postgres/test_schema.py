"""Tables by numbered migrations: plain partitions, and hypertables where TimescaleDB is."""

import polars as pl
import pytest

from bateia.core import DataError
from bateia.core.clock import DAY, MINUTE
from bateia.sources.postgres import fetch_postgres, migrate, schema, write_candles, write_series, write_ticks
from bateia.sources.postgres.connection import connect
from bateia.sources.postgres.schema import VERSION, timescale
from bateia.store import Series
from postgres_rows import TRADES, content, generated_candles, generated_ticks, whole

CANDLES = Series("binance", "um", "BTCUSDT", "candles-1m")
EVERY = [(version,) for version, _, _ in schema.MIGRATIONS]


@pytest.fixture
def scaled(url):
    """A schema of a database with TimescaleDB."""
    with connect(url) as db:
        if not timescale(db):
            pytest.skip("this database has no TimescaleDB: CONTRIBUTING.md says how to test with it")
    return url


@pytest.fixture
def compressing(scaled):
    """The same, where its licence has compression."""
    if licence(scaled) == "apache":
        pytest.skip("this TimescaleDB has no compression: its licence is apache")
    return scaled


def licence(url):
    with connect(url) as db:
        return db.execute("SELECT current_setting('timescaledb.license')").fetchone()[0]


def compress(url, table):
    """Compress all of a hypertable; returns how many of its chunks are."""
    with connect(url) as db:
        where = timescale(db)
        db.execute(f"SELECT {where}.compress_chunk(chunk) FROM {where}.show_chunks('{table}') AS chunk")
        sql = (
            "SELECT count(*) FROM timescaledb_information.chunks WHERE is_compressed "
            "AND hypertable_schema = current_schema() AND hypertable_name = %s"
        )
        return db.execute(sql, (table,)).fetchone()[0]


def test_partitions_by_month_where_timescale_is_not(url):
    with connect(url) as db:
        if timescale(db):
            pytest.skip("this database has TimescaleDB, which cuts tables by itself")
    ticks = generated_ticks(step=DAY // 10)
    write_ticks(url, "WDOV13", ticks)
    months = sorted({moment.strftime("ticks_raw_%Y_%m") for moment in ticks["time"]})
    assert len(months) > 1
    with connect(url) as db:
        sql = "SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = 'ticks_raw'::regclass"
        assert sorted(row[0].split(".")[-1] for row in db.execute(sql)) == months
    assert len(whole(url)) == len(ticks)


def test_migrations_are_counted(url):
    assert migrate(url).version == VERSION
    assert migrate(url) == schema.Schema(VERSION)
    with connect(url) as db:
        assert db.execute("SELECT version FROM bateia_schema ORDER BY version").fetchall() == EVERY
        db.execute("DELETE FROM bateia_schema WHERE version > 1")
    assert migrate(url).version == VERSION
    with connect(url) as db:
        db.execute("INSERT INTO bateia_schema VALUES (99, 'the future')")
    with pytest.raises(DataError, match=f"of version 99; allowed: up to {VERSION}; try: a newer bateia"):
        migrate(url)


@pytest.mark.parametrize("version", range(VERSION))
def test_from_every_earlier_version_with_its_rows(url, version, monkeypatch):
    with monkeypatch.context() as before:
        before.setattr(schema, "MIGRATIONS", schema.MIGRATIONS[:version])
        before.setattr(schema, "VERSION", version)
        assert migrate(url).version == version
    known = {name for _, name, _ in schema.MIGRATIONS[:version]}
    ticks = generated_ticks()
    with connect(url) as db:
        scale = timescale(db)
        if "ticks_raw" in known:
            schema.make_partitions(db, schema.TICKS, ticks_start(ticks), ticks_start(ticks) + DAY)
            sql = "INSERT INTO ticks_raw (symbol, price, volume, timestamp) VALUES ('OLD', 1, 2, %s)"
            db.execute(sql, (ticks["time"][0],))
    if scale and licence(url) != "apache" and "candles" in known:
        with connect(url) as db:
            when = "'2024-01-01T00:00Z'"
            db.execute(f"INSERT INTO candles VALUES ('a', 'b', 'c', '1m', {when}, 1, 1, 1, 1, 1)")
        assert compress(url, "candles") == 1
    assert migrate(url).version == VERSION
    write_ticks(url, "WDOV13", ticks)
    assert write_candles(url, CANDLES, generated_candles()) == 48
    with connect(url) as db:
        (old,) = db.execute("SELECT count(*) FROM ticks_raw WHERE symbol = 'OLD'").fetchone()
        assert db.execute("SELECT version FROM bateia_schema ORDER BY version").fetchall() == EVERY
    assert old == ("ticks_raw" in known)
    assert whole(url)["price"].equals(ticks["price"])


def ticks_start(ticks):
    return int(ticks["time"].dt.epoch("us")[0])


def test_hypertables_where_timescale_is(scaled):
    made = migrate(scaled)
    apache = licence(scaled) == "apache"
    assert ["licence leaves compression out" in note for note in made.notes] == [True, True][: 2 * apache]
    write_ticks(scaled, "WDOV13", generated_ticks(step=DAY // 10))
    with connect(scaled) as db:
        sql = (
            "SELECT hypertable_name, compression_enabled, num_chunks > 1 "
            "FROM timescaledb_information.hypertables WHERE hypertable_schema = current_schema()"
        )
        expected = [("candles", not apache, False), ("ticks_raw", not apache, True)]
        assert sorted(db.execute(sql).fetchall()) == expected
        jobs = (
            "SELECT hypertable_name, config ->> 'compress_after' FROM timescaledb_information.jobs "
            "WHERE proc_name LIKE 'policy_compression%' AND hypertable_schema = current_schema()"
        )
        policies = [] if apache else [("candles", "7 days"), ("ticks_raw", "7 days")]
        assert sorted(db.execute(jobs).fetchall()) == policies


def test_compressed_ticks_are_read_as_plain_partitions_are(compressing, tmp_path):
    url, ticks = compressing, generated_ticks(rows=20_000, step=DAY // 1000)
    write_ticks(url, "WDOV13", ticks)
    write_ticks(url, "WINV13", generated_ticks(rows=2_000, step=DAY // 100, seed=2))
    with connect(url) as db:
        db.execute("CREATE TABLE parted (LIKE ticks_raw INCLUDING ALL) PARTITION BY RANGE (timestamp)")
        db.execute("CREATE TABLE parted_rest PARTITION OF parted DEFAULT")
    write_series(url, TRADES, [ticks], table="parted")
    assert compress(url, "ticks_raw") > 1
    assert whole(url).equals(whole(url, table="parted"))
    assert whole(url).equals(ticks.select(whole(url).columns))
    for name in ("ticks_raw", "parted"):
        fetch_postgres(tmp_path / name, url, "WDOV13", table=name, market="any")
    first, second = (content(tmp_path / name / "data") for name in ("ticks_raw", "parted"))
    assert first == second


def test_compressed_rows_are_replaced_however_many_they_are(compressing):
    url, ticks = compressing, generated_ticks(rows=120_000, step=2_000_000)
    write_ticks(url, "WDOV13", ticks)
    assert compress(url, "ticks_raw") >= 1
    changed = ticks.with_columns(pl.col("price") + 1)
    write_ticks(url, "WDOV13", changed)
    assert whole(url).equals(changed.select(whole(url).columns))


def test_compressed_candles_are_replaced(compressing, tmp_path):
    candles = generated_candles(rows=3000, step=MINUTE)
    for _ in range(2):
        write_candles(compressing, CANDLES, candles)
        assert compress(compressing, "candles") >= 1
    report = fetch_postgres(tmp_path, compressing, "BTCUSDT", "1m")
    assert (report.whole, report.rows) == (True, 3000)
