"""Ticks and candles in a real PostgreSQL, each test in a schema of its own: windows read, COPY written."""

import json
import subprocess
import sys
from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from typer.testing import CliRunner

from bateia import cli
from bateia.core import ConfigError, DataError
from bateia.core.clock import DAY, HOUR
from bateia.core.coverage import Coverage
from bateia.core.period import Period
from bateia.quality import validate_trades
from bateia.sources import PostgresSource, StoreSource
from bateia.sources.postgres import TickTable, fetch_postgres, migrate, write_candles, write_ticks
from bateia.sources.postgres.connection import connect
from bateia.sources.postgres.schema import TICKS, VERSION, has_timescale
from bateia.store import Series, Store
from bateia.testing.sources import check_source

MONDAY = Period("2013-09-30")
SERIES = Series("postgres", "ticks_raw", "WDOV13", "trades")


@pytest.fixture
def url(postgres_schema):
    """A schema of its own."""
    return postgres_schema


def generated_ticks(rows=500, start=MONDAY.start + 9 * HOUR, step=211_000_000, seed=1):
    """Ticks as the store has them; many of them at the same moment. The numbers mean nothing."""
    made = np.random.default_rng(seed)
    moments = start + np.sort(made.integers(0, rows // 2, rows)) * step
    return pl.DataFrame(
        {
            "time": pl.from_epoch(pl.Series(moments), "us").dt.replace_time_zone("UTC"),
            "price": 2200 + made.integers(0, 200, rows) / 2,
            "size": made.integers(1, 50, rows).astype(float),
            "side": pl.Series(made.integers(-1, 2, rows), dtype=pl.Int8),
            "buy_agent": made.choice(["XP", "BTG", "Itau", None], rows).tolist(),
            "sell_agent": made.choice(["XP", "Genial"], rows).tolist(),
            "exchange": ["B3"] * rows,
        }
    )


def plain(table):
    """Words as words, to compare."""
    return table.with_columns(pl.col(pl.Categorical).cast(pl.String))


def content(where):
    return {str(p.relative_to(where)): p.read_bytes() for p in sorted(where.rglob("*")) if p.is_file()}


def whole(url, **more):
    table = TickTable(url, **more)
    return plain(pl.concat(list(table.windows("WDOV13", *table.span("WDOV13")))))


def test_what_was_written_is_read(url):
    ticks = generated_ticks()
    assert write_ticks(url, "WDOV13", ticks) == 500
    write_ticks(url, "WINV13", generated_ticks(seed=2))
    assert whole(url).equals(ticks.select(whole(url).columns))
    first, last = TickTable(url).span("WDOV13")
    assert first == ticks["time"].dt.epoch("us")[0]
    assert last == ticks["time"].dt.epoch("us")[-1] + 1


def test_written_twice_it_is_there_once(url):
    ticks = generated_ticks()
    write_ticks(url, "WDOV13", ticks)
    write_ticks(url, "WDOV13", ticks)
    write_ticks(url, "WDOV13", ticks[100:200])
    assert len(whole(url)) == 500 - len(moments_of(ticks, 100, 200)) + 100


def moments_of(ticks, a, b):
    """Rows at the moments of rows a to b: those are what a write of them replaces."""
    times = ticks["time"][a:b]
    return ticks.filter(pl.col("time").is_between(times[0], times[-1]))


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=st.integers(1, 700), a=st.floats(0, 1), b=st.floats(0, 1))
def test_windows_of_any_size_give_each_row_once(url, rows, a, b):
    ticks = generated_ticks()
    table = TickTable(url)
    with connect(url) as db:
        there = db.execute("SELECT to_regclass('ticks_raw')").fetchone()[0]
    if not there:
        write_ticks(url, "WDOV13", ticks)
    first, last = table.span("WDOV13")
    start, end = (int(first + share * (last - first)) for share in sorted((a, b)))
    moments = ticks["time"].dt.epoch("us")
    wanted = ticks.filter((moments >= start) & (moments < end))
    found = list(table.windows("WDOV13", start, end, rows))
    assert sum(map(len, found)) == len(wanted)
    if found:
        # Rows of one moment keep the order in which they were written.
        assert plain(pl.concat(found))["price"].to_list() == wanted["price"].to_list()


def test_partitions_by_month_where_timescale_is_not(url):
    with connect(url) as db:
        if has_timescale(db):
            pytest.skip("this server has TimescaleDB: it cuts tables by itself")
    ticks = generated_ticks(step=DAY // 10)
    write_ticks(url, "WDOV13", ticks)
    months = sorted({moment.strftime("ticks_raw_%Y_%m") for moment in ticks["time"]})
    assert len(months) > 1
    with connect(url) as db:
        sql = "SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = 'ticks_raw'::regclass"
        assert sorted(row[0].split(".")[-1] for row in db.execute(sql)) == months
    assert len(whole(url)) == len(ticks)


def test_hypertables_where_timescale_is(url):
    with connect(url) as db:
        if not has_timescale(db):
            pytest.skip("this server has no TimescaleDB")
    ticks = generated_ticks(step=DAY // 10)
    write_ticks(url, "WDOV13", ticks)
    with connect(url) as db:
        assert db.execute("SELECT count(*) FROM timescaledb_information.hypertables").fetchone()[0] >= 1
    assert len(whole(url)) == len(ticks)


def test_migrations_are_counted(url):
    assert migrate(url) == migrate(url) == VERSION
    with connect(url) as db:
        assert db.execute("SELECT version FROM bateia_schema ORDER BY version").fetchall() == [(1,), (2,)]
        db.execute("DELETE FROM bateia_schema WHERE version = 2")
    assert migrate(url) == VERSION
    with connect(url) as db:
        db.execute("INSERT INTO bateia_schema VALUES (99, 'the future')")
    with pytest.raises(DataError, match="of version 99; allowed: up to 2; try: a newer bateia"):
        migrate(url)


def test_a_table_of_somebody_else_stays_as_it_is(url):
    with connect(url) as db:
        db.execute(
            "CREATE TABLE ticks_raw (id SERIAL, sym VARCHAR(9), px NUMERIC(12, 2), qty INT, ts TIMESTAMP,"
            " trade_type INT, buy_agent INT)"
        )
        db.execute(
            "INSERT INTO ticks_raw (sym, px, qty, ts, trade_type, buy_agent) VALUES"
            " ('WDOV13', 2250.5, 3, '2013-09-30 09:00:00.5', 2, 7),"
            " ('WDOV13', 2251, 1, '2013-09-30 09:00', 3, 8),"
            " ('WDOV13', 2252, 2, '2013-09-30 09:00:00.5', 1, NULL)"
        )
    migrate(url)
    found = whole(url, columns={"symbol": "sym", "price": "px", "size": "qty", "time": "ts"})
    assert found["price"].to_list() == [2251.0, 2250.5, 2252.0]
    assert found["side"].to_list() == [-1, 1, 0]
    assert found["buy_agent"].to_list() == ["8", "7", None]
    assert found["time"][0] == datetime(2013, 9, 30, 9, tzinfo=UTC)


def test_into_the_store_by_day(url, tmp_path):
    ticks = generated_ticks(start=MONDAY.start, step=DAY // 60)
    write_ticks(url, "WDOV13", ticks)
    report = fetch_postgres(tmp_path, url, "WDOV13")
    assert (report.whole, report.rows) == (True, 500)
    store = Store.open(tmp_path)
    assert plain(store.read(SERIES)).equals(ticks)
    assert len(store.parts(SERIES)) == len(set(ticks["time"].dt.date()))
    assert fetch_postgres(tmp_path, url, "WDOV13").rows == 0
    source = StoreSource(
        symbol="WDOV13", source="postgres", market="ticks_raw", data="trades", store=str(tmp_path)
    )
    validate_trades(source.read())
    check_source(source)


def test_days_that_are_there_stay_unless_replaced(url, tmp_path):
    ticks = generated_ticks(start=MONDAY.start, step=DAY // 60)
    write_ticks(url, "WDOV13", ticks)
    fetch_postgres(tmp_path, url, "WDOV13", until="2013-10-01")
    with connect(url) as db:
        db.execute("UPDATE ticks_raw SET price = price + 1")
    fetch_postgres(tmp_path, url, "WDOV13")
    day = pl.col("time").dt.date() <= pl.lit("2013-10-01").str.to_date()
    store = Store.open(tmp_path)
    mixed = ticks.with_columns(price=pl.when(day).then(pl.col("price")).otherwise(pl.col("price") + 1))
    assert plain(store.read(SERIES)).equals(mixed)
    fetch_postgres(tmp_path, url, "WDOV13", replace=True)
    assert plain(store.read(SERIES)).equals(ticks.with_columns(pl.col("price") + 1))


def test_half_a_day_and_the_rest_of_it_later(url, tmp_path):
    ticks = generated_ticks(start=MONDAY.start, step=DAY // 300)
    write_ticks(url, "WDOV13", ticks)
    fetch_postgres(tmp_path / "b", url, "WDOV13", "2013-09-30", "2013-09-30")
    fetch_postgres(tmp_path / "a", url, "WDOV13", "2013-09-30T06:00", "2013-09-30T07:00")
    fetch_postgres(tmp_path / "a", url, "WDOV13", "2013-09-30", "2013-09-30")
    assert content(tmp_path / "a") == content(tmp_path / "b")


def test_the_same_bytes_from_another_process(url, tmp_path):
    write_ticks(url, "WDOV13", generated_ticks())
    fetch_postgres(tmp_path / "a", url, "WDOV13")
    script = (
        "import sys, polars as pl; from bateia.sources.postgres import fetch_postgres;"
        "kept = pl.Series(['zzz', 'Genial', 'XP'], dtype=pl.Categorical);"
        "fetch_postgres(sys.argv[1], sys.argv[2], 'WDOV13')"
    )
    subprocess.run([sys.executable, "-c", script, str(tmp_path / "b"), url], check=True, timeout=60)
    assert content(tmp_path / "a") == content(tmp_path / "b")


def test_a_corrupt_day_is_fetched_again(url, tmp_path):
    write_ticks(url, "WDOV13", generated_ticks(start=MONDAY.start, step=DAY // 60))
    fetch_postgres(tmp_path, url, "WDOV13")
    before = content(tmp_path)
    path = tmp_path / Store.open(tmp_path).parts(SERIES)[1].file
    path.write_bytes(b"PAR1")
    report = fetch_postgres(tmp_path, url, "WDOV13")
    assert "was corrupt" in report.notes[0]
    assert content(tmp_path) == before


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


def test_candles(url):
    opened = pl.from_epoch(pl.Series([MONDAY.start + k * HOUR for k in range(24)]), "us")
    generated = pl.DataFrame({"open_time": opened.dt.replace_time_zone("UTC")}).with_columns(
        *(pl.lit(float(k)).alias(name) for k, name in enumerate(("open", "high", "low", "close", "volume"))),
        trades=pl.lit(3.0),
    )
    series = Series("binance", "um", "BTCUSDT", "candles-1h")
    for _ in range(2):
        assert write_candles(url, series, generated) == 24
    with connect(url) as db:
        rows = db.execute("SELECT length, count(*), max(trades) FROM candles GROUP BY length").fetchall()
    assert rows == [("1h", 24, 3.0)]


def test_what_is_not_there(url, tmp_path):
    with pytest.raises(DataError, match="has no table 'ticks_raw'"):
        TickTable(url).span("WDOV13")
    write_ticks(url, "WDOV13", generated_ticks())
    with pytest.raises(DataError, match="has no 'WDOV14'; allowed: WDOV13; try: WDOV13"):
        fetch_postgres(tmp_path, url, "WDOV14")
    with pytest.raises(DataError, match=r"no column 'pirce' \(for price\).*try: columns: \{price: price\}"):
        TickTable(url, columns={"price": "pirce"}).span("WDOV13")
    with pytest.raises(DataError, match="no column 'prise'; allowed: symbol"):
        TickTable(url, columns={"prise": "price"}).span("WDOV13")
    with pytest.raises(DataError, match="'symbol' is text; allowed: timestamp"):
        TickTable(url, columns={"time": "symbol"}).span("WDOV13")
    with pytest.raises(ConfigError, match="is no stretch of the past"):
        fetch_postgres(tmp_path, url, "WDOV13", "2014", "2013")


def test_rows_that_make_no_sense(url):
    write_ticks(url, "WDOV13", generated_ticks())
    with connect(url) as db:
        db.execute("ALTER TABLE ticks_raw ALTER price DROP NOT NULL")
        db.execute("UPDATE ticks_raw SET price = NULL WHERE buy_agent IS NULL")
    with pytest.raises(DataError, match=r"a row of 'ticks_raw' at 2013-09-30.* has no price"):
        whole(url)


@pytest.mark.parametrize(
    "wrong", ["postgresql://me:secret@127.0.0.1:1/test", "postgresql://nobody:secret@127.0.0.1:5432/no"]
)
def test_nobody_there_and_nobody_let_in(postgres, wrong):
    for ask in (TickTable(wrong).span, lambda symbol: write_ticks(wrong, symbol, generated_ticks())):
        with pytest.raises(DataError, match=r"PostgreSQL at .*; try: are address, user") as raised:
            ask("A")
        assert "secret" not in str(raised.value)


def test_the_column_of_a_symbol_is_no_way_in(url):
    write_ticks(url, "WDOV13", generated_ticks())
    for name in ("'; DROP TABLE ticks_raw; --", "a\\'b", "A'"):
        with pytest.raises(DataError, match="has no"):
            TickTable(url).span(name)
        assert list(TickTable(url).windows(name, 0, MONDAY.end)) == []
    assert len(whole(url)) == 500
    assert TICKS.name == "ticks_raw"


def test_the_commands(url, tmp_path):
    write_ticks(url, "WDOV13", generated_ticks())
    words = ["fetch", "postgres", "WDOV13", "--url", url, "--store", str(tmp_path)]
    done = CliRunner().invoke(cli.app, [*words, "--json"], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["rows"] == 500
    assert "whole from" in CliRunner().invoke(cli.app, words, catch_exceptions=False).stdout
    with connect(url) as db:
        db.execute("DELETE FROM ticks_raw")
    back = ["data", "export", str(SERIES), url, "--store", str(tmp_path), "--json"]
    done = CliRunner().invoke(cli.app, back, catch_exceptions=False)
    assert json.loads(done.stdout)["rows"] == 500
    assert whole(url).equals(generated_ticks().select(whole(url).columns))


def test_coverage_is_what_was_asked_for(url, tmp_path):
    write_ticks(url, "WDOV13", generated_ticks())
    fetch_postgres(tmp_path, url, "WDOV13", "2013-09-29", "2013-09-30")
    days = Coverage.of([(Period("2013-09-29").start, MONDAY.end)])
    assert Store.open(tmp_path).coverage(SERIES) == days
