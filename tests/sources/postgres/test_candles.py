"""Candles of PostgreSQL: as they were in the store, and from tables of somebody else."""

from datetime import UTC, datetime

import polars as pl
import pytest

from bateia.core import DataError
from bateia.core.clock import DAY, HOUR, MINUTE
from bateia.core.coverage import Coverage
from bateia.core.period import Period
from bateia.sources import PostgresSource, StoreSource, read_candles
from bateia.sources.importing import import_events
from bateia.sources.postgres import CandleTable, fetch_postgres, write_candles, write_series
from bateia.sources.postgres.connection import connect
from bateia.store import Series, Store
from bateia.testing.sources import check_source
from postgres_rows import MONDAY, generated_candles
from real_columns import CANDLES as REAL

HOURLY = Series("binance", "um", "BTCUSDT", "candles-1h")
FETCHED = Series("postgres", "candles", "BTCUSDT", "candles-1h")


class Read:
    """Bars that are there, as a source."""

    def __init__(self, bars):
        self.bars = bars

    def blocks(self):
        return iter([self.bars])


def foreign(url, candles, **more):
    """A table of somebody else: other names and types, clocks without a zone."""
    with connect(url) as db:
        db.execute(
            "CREATE TABLE klines (pair VARCHAR(20), ts TIMESTAMP, o NUMERIC(12, 4), h NUMERIC(12, 4),"
            " l NUMERIC(12, 4), c REAL, vol INTEGER, frame TEXT)"
        )
        for row in candles.iter_rows(named=True):
            figures = [row[name] for name in ("open", "high", "low", "close")]
            values = ["BTC", row["open_time"].replace(tzinfo=None), *figures, 3, more.get("frame", "1h")]
            db.execute("INSERT INTO klines VALUES (%s, %s, %s, %s, %s, %s, %s, %s)", values)
    return {
        "symbol": "pair",
        "open_time": "ts",
        "open": "o",
        "high": "h",
        "low": "l",
        "close": "c",
        "volume": "vol",
    }


def test_there_and_back_into_the_store(url, tmp_path):
    candles = generated_candles(rows=1000)
    for _ in range(2):
        assert write_candles(url, HOURLY, candles) == 1000
    report = fetch_postgres(tmp_path, url, "BTCUSDT", "1h")
    assert (report.whole, report.rows, report.series) == (True, 1000, FETCHED)
    table = Store.open(tmp_path).read(FETCHED)
    known = ["open_time", "time", "known_at", "open", "high", "low", "close", "volume", "trades"]
    assert table.select(known).equals(candles.select(known))
    assert table["value"].equals(candles["quote_volume"].alias("value"))
    signed = 2 * candles["taker_buy_volume"] - candles["volume"]
    assert table["signed_volume"].equals(signed.alias("signed_volume"))
    assert fetch_postgres(tmp_path, url, "BTCUSDT", "1h").rows == 0
    source = StoreSource(
        symbol="BTCUSDT", source="postgres", market="candles", interval="1h", store=str(tmp_path)
    )
    check_source(source)


@pytest.mark.skipif(not REAL.is_file(), reason=f"no real candles at {REAL}: set BATEIA_DATA to their folder")
def test_a_real_month_is_bit_for_bit_the_same_after_the_way_through(url, tmp_path):
    bars = read_candles(REAL)
    store = Store.create(tmp_path / "first")
    series = Series("mine", "um", "BTCUSDT", "candles-5m")
    import_events(store, Read(bars), series)
    assert write_series(url, series, store.blocks(series)).rows == len(bars)
    fetch_postgres(tmp_path / "second", url, "BTCUSDT", "5m")
    again = Store.open(tmp_path / "second").read(Series("postgres", "candles", "BTCUSDT", "candles-5m"))
    assert again.equals(store.read(series))
    with connect(url) as db:
        unknown = "SELECT count(*) FROM candles WHERE 'NaN' IN (quote_volume, trades, vwap, signed_volume)"
        assert db.execute(unknown).fetchone() == (0,)


def test_windows_of_any_size_give_each_candle_once(url):
    candles = generated_candles(rows=100)
    write_candles(url, HOURLY, candles)
    table = CandleTable(url, "1h")
    start, end = table.span("BTCUSDT")
    assert (start, end) == (MONDAY.start, MONDAY.start + 100 * HOUR)
    whole = pl.concat(list(table.windows("BTCUSDT", start, end)))
    for rows in (1, 2, 7, 99, 100, 101):
        found = list(table.windows("BTCUSDT", start, end, rows))
        assert pl.concat(found).equals(whole)
    some = pl.concat(list(table.windows("BTCUSDT", start + 1, start + 9 * HOUR)))
    assert some["open_time"].equals(candles["open_time"][1:9])


def test_a_recipe_s_source(url):
    write_candles(url, HOURLY, generated_candles())
    source = PostgresSource(url=url, symbol="BTCUSDT", data="candles", interval="1h")
    assert source.gives == "candles"
    check_source(source)
    part = PostgresSource(
        url=url,
        symbol="BTCUSDT",
        data="candles",
        interval="1h",
        first="2013-09-30T10:00",
        last="2013-09-30T12:00",
    )
    assert len(part.read()) == 2
    early = PostgresSource(url=url, symbol="BTCUSDT", data="candles", interval="1h", last="2012")
    with pytest.raises(DataError, match="the table 'candles' has no candles of 'BTCUSDT' in that time"):
        early.read()


def test_a_table_of_somebody_else(url, tmp_path):
    candles = generated_candles()
    columns = foreign(url, candles)
    report = fetch_postgres(tmp_path, url, "BTC", "1h", table="klines", columns=columns)
    assert report.rows == len(candles)
    table = Store.open(tmp_path).read(Series("postgres", "klines", "BTC", "candles-1h"))
    assert table.select("open_time", "open", "high", "low", "close").equals(
        candles.select("open_time", "open", "high", "low", "close")
    )
    assert table["trades"].is_nan().all()


def test_lengths_in_one_table_are_told_apart(url):
    columns = foreign(url, generated_candles())
    with connect(url) as db:
        where = "extract(hour FROM ts)::int % 4 = 0"
        db.execute(f"INSERT INTO klines SELECT pair, ts, 1, 1, 1, 1, 1, '4h' FROM klines WHERE {where}")
    with pytest.raises(
        DataError, match=r"at 2013-09-30T00:00:00Z is no time after .*: candles of 1h, each once"
    ):
        read(url, "1h", columns)
    assert len(read(url, "1h", columns | {"length": "frame"})) == 48
    assert len(read(url, "4h", columns | {"length": "frame"})) == 12
    assert len(read(url, "4h", columns, only={"frame": "4h"})) == 12
    with pytest.raises(
        DataError, match=r"at 2013-09-30T04:00:00Z is 4h after the one before it; allowed: candles of 8h"
    ):
        read(url, "8h", columns, only={"frame": "4h"})


def read(url, interval, columns=None, **more):
    table = CandleTable(url, interval, "klines", columns, **more)
    return pl.concat(list(table.windows("BTC", *table.span("BTC"))))


def test_makers_in_one_table_are_told_apart(url, tmp_path):
    write_candles(url, HOURLY, generated_candles())
    write_candles(url, Series("bybit", "linear", "BTCUSDT", "candles-1h"), generated_candles(seed=2, rows=24))
    with pytest.raises(
        DataError, match="of 2 makers; allowed: source=binance,market=um, source=bybit,market=l"
    ):
        fetch_postgres(tmp_path, url, "BTCUSDT", "1h")
    assert fetch_postgres(tmp_path, url, "BTCUSDT", "1h", only={"source": "bybit"}).rows == 24
    with pytest.raises(DataError, match="has no candles of 5m of 'BTCUSDT'"):
        fetch_postgres(tmp_path, url, "BTCUSDT", "5m")


def test_a_candle_under_way_is_left_for_later(url, tmp_path):
    minute = int(datetime.now(UTC).timestamp()) // 60 * 60_000_000
    candles = generated_candles(rows=10, start=minute - 9 * MINUTE, step=MINUTE)
    write_candles(url, Series("binance", "um", "BTCUSDT", "candles-1m"), candles)
    report = fetch_postgres(tmp_path, url, "BTCUSDT", "1m")
    assert report.rows in {9, 10}
    held = Store.open(tmp_path).coverage(report.series)
    assert held.length == report.rows * MINUTE


def test_months_with_nothing_are_known_to_be_empty(url, tmp_path):
    write_candles(url, HOURLY, generated_candles(rows=24))
    write_candles(url, HOURLY, generated_candles(rows=24, start=MONDAY.start + 90 * DAY))
    report = fetch_postgres(tmp_path, url, "BTCUSDT", "1h")
    assert report.rows == 48
    assert Store.open(tmp_path).coverage(FETCHED) == Coverage.of([(MONDAY.start, MONDAY.start + 91 * DAY)])


def test_a_part_of_a_month_and_the_rest_of_it_later(url, tmp_path):
    write_candles(url, HOURLY, generated_candles(rows=600, start=Period("2013-09").start))
    fetch_postgres(tmp_path / "b", url, "BTCUSDT", "1h")
    for day in ("2013-09-03", "2013-09-09", "2013-09"):
        fetch_postgres(tmp_path / "a", url, "BTCUSDT", "1h", day, min(day, "2013-09-25"))
    fetch_postgres(tmp_path / "a", url, "BTCUSDT", "1h")
    first, second = (Store.open(tmp_path / name).read(FETCHED) for name in "ab")
    assert first.equals(second)


@pytest.mark.parametrize("column", ["close", "volume"])
def test_a_candle_without_a_number(url, column):
    columns = foreign(url, generated_candles())
    with connect(url) as db:
        db.execute(f"UPDATE klines SET {columns[column]} = NULL WHERE ts = '2013-09-30 07:00'")
    with pytest.raises(
        DataError, match=rf"the candle of 'klines' at 2013-09-30T07:00:00Z has no {column}; all"
    ):
        read(url, "1h", columns)
