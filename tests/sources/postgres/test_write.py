"""Rows of a series into tables of somebody else, by `bateia data export` too."""

import json

import polars as pl
import pytest
from typer.testing import CliRunner

from bateia import cli
from bateia.core import ConfigError, DataError
from bateia.core.coverage import Coverage
from bateia.core.period import Period
from bateia.sources.postgres import (
    CandleTable,
    fetch_postgres,
    write,
    write_candles,
    write_series,
    write_ticks,
)
from bateia.sources.postgres.connection import connect
from bateia.store import Series, Store
from postgres_rows import TRADES, generated_candles, generated_ticks, whole

HOURLY = Series("binance", "um", "BTCUSDT", "candles-1h")
NAMES = {"symbol": "sym", "time": "ts", "price": "px", "size": "qty", "side": "aggressor"}


def mine(url, side="TEXT", size="NUMERIC(10, 2)"):
    """A table of somebody else, with a row of another symbol."""
    types = f"sym VARCHAR(9), ts TIMESTAMP, px NUMERIC(12, 2), qty {size}, aggressor {side}"
    with connect(url) as db:
        db.execute(f"CREATE TABLE mine ({types})")
        db.execute("INSERT INTO mine (sym, ts, px, qty) VALUES ('OTHER', '2013-09-30 09:00', 1, 1)")


@pytest.mark.parametrize(
    ("side", "size"), [("TEXT", "NUMERIC(10, 2)"), ("SMALLINT", "INTEGER"), ("BIGINT", "REAL")]
)
def test_ticks_into_a_table_of_somebody_else(url, side, size, monkeypatch):
    monkeypatch.setattr(write, "WINDOW", 64)
    mine(url, side, size)
    ticks = generated_ticks()
    for _ in range(2):
        assert write_series(url, TRADES, [ticks[:0], ticks], table="mine", columns=NAMES).rows == 500
    found = whole(url, table="mine", columns=NAMES)
    # Rows of one moment come as the server has them.
    order = ["time", "price", "size", "side"]
    assert found.sort(order).equals(ticks.select(order).sort(order))
    with connect(url) as db:
        assert db.execute("SELECT count(*) FROM mine WHERE sym = 'OTHER'").fetchone() == (1,)
        assert db.execute("SELECT to_regclass('ticks_raw')").fetchone() == (None,)


def test_candles_into_a_table_of_somebody_else(url):
    with connect(url) as db:
        db.execute(
            "CREATE TABLE bars (symbol TEXT, interval TEXT, t TIMESTAMPTZ, open NUMERIC, high NUMERIC,"
            " low NUMERIC, close NUMERIC, volume NUMERIC, count INT, turnover REAL)"
        )
    names = {"open_time": "t", "length": "interval", "value": "turnover"}
    candles = generated_candles()
    for _ in range(2):
        assert write_series(url, HOURLY, [candles], table="bars", columns=names).rows == 48
    table = CandleTable(url, "1h", "bars", names)
    found = pl.concat(list(table.windows("BTCUSDT", *table.span("BTCUSDT"))))
    same = ["open_time", "open", "high", "low", "close", "volume", "trades"]
    assert found.select(same).equals(candles.select(same))
    assert found["value"].equals(candles["quote_volume"].alias("value"))


def test_what_is_not_known_is_null_in_our_table(url):
    candles = generated_candles().drop("quote_volume", "taker_buy_volume")
    write_candles(url, HOURLY, candles.with_columns(trades=pl.lit(float("nan"))))
    with connect(url) as db:
        sql = "SELECT count(*), count(trades), count(quote_volume), count(vwap) FROM candles"
        assert db.execute(sql).fetchone() == (48, 0, 0, 0)


def test_what_does_not_fit_changes_nothing(url):
    mine(url, size="INTEGER")
    ticks = generated_ticks()
    write_series(url, TRADES, [ticks], table="mine", columns=NAMES)
    halves = ticks.with_columns(pl.col("size") / 2)
    with pytest.raises(
        DataError, match=r"a fraction into 'qty' of the table 'mine'; allowed: whole .* integer"
    ):
        write_series(url, TRADES, [halves], table="mine", columns=NAMES)
    with pytest.raises(DataError, match="value too long"):
        write_series(url, Series("a", "b", "LONGERTHANNINE", "trades"), [ticks], table="mine", columns=NAMES)
    with connect(url) as db:
        db.execute("ALTER TABLE mine ADD must TEXT")
        db.execute("UPDATE mine SET must = ''")
        db.execute("ALTER TABLE mine ALTER must SET NOT NULL")
    with pytest.raises(DataError, match=r"null value in column .must.*; try: a table, or a partition"):
        write_series(url, TRADES, [ticks], table="mine", columns=NAMES)
    assert len(whole(url, table="mine", columns=NAMES)) == 500


def test_the_command(url, tmp_path):
    write_ticks(url, "WDOV13", generated_ticks())
    fetch_postgres(tmp_path, url, "WDOV13")
    mine(url)
    words = ["data", "export", str(TRADES), url, "--store", str(tmp_path), "--table", "mine"]
    names = ",".join("=".join(pair) for pair in NAMES.items())
    done = CliRunner().invoke(cli.app, [*words, "--columns", names, "--json"], catch_exceptions=False)
    assert json.loads(done.stdout)["rows"] == 500
    assert len(whole(url, table="mine", columns=NAMES)) == 500
    for more in (["--table", "mine"], ["--columns", "time=ts"]):
        wrong = CliRunner().invoke(cli.app, [*words[:3], str(tmp_path / "a.csv"), *words[4:6], *more])
        assert isinstance(wrong.exception, ConfigError)
    candles = generated_candles()
    store = Store.create(tmp_path)

    for period in (Period("2013-09"), Period("2013-10")):
        rows = candles.filter(candles["open_time"].dt.month() == int(period.name[-2:]))
        with store.writer(HOURLY) as writer:
            writer.write(period, rows, Coverage.of([(period.start, period.end)]))
    assert export(url, tmp_path) == 48
    words = ["fetch", "postgres", "BTCUSDT", "1h", "--url", url, "--store", str(tmp_path), "--json"]
    done = CliRunner().invoke(cli.app, [*words, "--only", "source=binance"], catch_exceptions=False)
    assert json.loads(done.stdout)["rows"] == 48


def export(url, store):
    words = ["data", "export", str(HOURLY), url, "--store", str(store), "--json"]
    return json.loads(CliRunner().invoke(cli.app, words, catch_exceptions=False).stdout)["rows"]
