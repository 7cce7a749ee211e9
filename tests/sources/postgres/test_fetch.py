"""`bateia fetch postgres`: ticks by day and candles by month into the store, and back."""

import json
import subprocess
import sys

import polars as pl
from typer.testing import CliRunner

from bateia import cli
from bateia.core.clock import DAY
from bateia.core.coverage import Coverage
from bateia.core.period import Period
from bateia.quality import validate_trades
from bateia.sources import StoreSource
from bateia.sources.postgres import fetch_postgres, write_ticks
from bateia.sources.postgres.connection import connect
from bateia.store import Store
from bateia.testing.sources import check_source
from postgres_rows import MONDAY, TRADES, content, generated_ticks, plain, whole


def test_into_the_store_by_day(url, tmp_path):
    ticks = generated_ticks(start=MONDAY.start, step=DAY // 60)
    write_ticks(url, "WDOV13", ticks)
    report = fetch_postgres(tmp_path, url, "WDOV13")
    assert (report.whole, report.rows) == (True, 500)
    store = Store.open(tmp_path)
    assert plain(store.read(TRADES)).equals(ticks)
    assert len(store.parts(TRADES)) == len(set(ticks["time"].dt.date()))
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
    assert plain(store.read(TRADES)).equals(mixed)
    fetch_postgres(tmp_path, url, "WDOV13", replace=True)
    assert plain(store.read(TRADES)).equals(ticks.with_columns(pl.col("price") + 1))


def test_half_a_day_and_the_rest_of_it_later(url, tmp_path):
    ticks = generated_ticks(start=MONDAY.start, step=DAY // 300)
    write_ticks(url, "WDOV13", ticks)
    fetch_postgres(tmp_path / "b", url, "WDOV13", "trades", "2013-09-30", "2013-09-30")
    fetch_postgres(tmp_path / "a", url, "WDOV13", "trades", "2013-09-30T06:00", "2013-09-30T07:00")
    fetch_postgres(tmp_path / "a", url, "WDOV13", "trades", "2013-09-30", "2013-09-30")
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
    path = tmp_path / Store.open(tmp_path).parts(TRADES)[1].file
    path.write_bytes(b"PAR1")
    report = fetch_postgres(tmp_path, url, "WDOV13")
    assert "was corrupt" in report.notes[0]
    assert content(tmp_path) == before


def test_coverage_is_what_was_asked_for(url, tmp_path):
    write_ticks(url, "WDOV13", generated_ticks())
    fetch_postgres(tmp_path, url, "WDOV13", "trades", "2013-09-29", "2013-09-30")
    days = Coverage.of([(Period("2013-09-29").start, MONDAY.end)])
    assert Store.open(tmp_path).coverage(TRADES) == days


def test_the_commands(url, tmp_path):
    write_ticks(url, "WDOV13", generated_ticks())
    words = ["fetch", "postgres", "WDOV13", "--url", url, "--store", str(tmp_path)]
    done = CliRunner().invoke(cli.app, [*words, "--json"], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["rows"] == 500
    assert "whole from" in CliRunner().invoke(cli.app, words, catch_exceptions=False).stdout
    with connect(url) as db:
        db.execute("DELETE FROM ticks_raw")
    back = ["data", "export", str(TRADES), url, "--store", str(tmp_path), "--json"]
    done = CliRunner().invoke(cli.app, back, catch_exceptions=False)
    assert json.loads(done.stdout)["rows"] == 500
    assert whole(url).equals(generated_ticks().select(whole(url).columns))


def test_replacing_a_part_of_a_day_leaves_the_rest_of_it(url, tmp_path):
    ticks = generated_ticks(start=MONDAY.start, step=DAY // 300)
    write_ticks(url, "WDOV13", ticks)
    fetch_postgres(tmp_path, url, "WDOV13", "trades", "2013-09-30", "2013-09-30")
    with connect(url) as db:
        db.execute("UPDATE ticks_raw SET price = price + 1")
    edges = ["2013-09-30T06:00", "2013-09-30T07:00"]
    assert fetch_postgres(tmp_path, url, "WDOV13", "trades", *edges, replace=True).rows == 0
    there = pl.col("time").dt.hour() == 6
    wanted = ticks.with_columns(pl.col("price") + there.cast(pl.Float64))
    wanted = wanted.filter(pl.col("time").dt.date() == pl.date(2013, 9, 30))
    store = Store.open(tmp_path)
    assert plain(store.read(TRADES)).equals(wanted)
    assert store.coverage(TRADES) == Coverage.of([(MONDAY.start, MONDAY.end)])
