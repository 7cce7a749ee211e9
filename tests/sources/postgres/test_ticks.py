"""Ticks in a real PostgreSQL, each test in a schema of its own: windows read, COPY written."""

from datetime import UTC, datetime

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bateia.core import DataError
from bateia.sources.postgres import TickTable, migrate, write, write_ticks
from bateia.sources.postgres.connection import connect
from postgres_rows import MONDAY, generated_ticks, plain, whole


def test_what_was_written_is_read(url):
    ticks = generated_ticks()
    assert write_ticks(url, "WDOV13", ticks) == 500
    write_ticks(url, "WINV13", generated_ticks(seed=2))
    assert whole(url).equals(ticks.select(whole(url).columns))
    first, last = TickTable(url).span("WDOV13")
    assert first == ticks["time"].dt.epoch("us")[0]
    assert last == ticks["time"].dt.epoch("us")[-1] + 1


def test_written_twice_it_is_there_once(url, monkeypatch):
    monkeypatch.setattr(write, "WINDOW", 64)
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
        (there,) = db.execute("SELECT to_regclass('ticks_raw')").fetchone()
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


def test_the_column_of_a_symbol_is_no_way_in(url):
    write_ticks(url, "WDOV13", generated_ticks())
    for name in ("'; DROP TABLE ticks_raw; --", "a\\'b", "A'"):
        with pytest.raises(DataError, match="has no"):
            TickTable(url).span(name)
        assert list(TickTable(url).windows(name, 0, MONDAY.end)) == []
    assert len(whole(url)) == 500


def somebodys(url, side, values):
    """A table with a column `side` of a type of its own, a row for each of `values`."""
    with connect(url) as db:
        db.execute(
            f"CREATE TABLE mine (sym TEXT, ts TIMESTAMPTZ, px FLOAT4, qty BIGINT, side {side}, no INT)"
        )
        for k, value in enumerate(values):
            row = ("A", datetime(2024, 1, 1, tzinfo=UTC), 1.5, 2, value, -k)
            db.execute("INSERT INTO mine VALUES (%s, %s, %s, %s, %s, %s)", row)
    names = {"symbol": "sym", "time": "ts", "price": "px", "size": "qty"}
    return lambda **more: pl.concat(
        TickTable(url, "mine", names | more).windows("A", MONDAY.start, MONDAY.start * 2)
    )


@pytest.mark.parametrize(
    ("kind", "values", "sides"),
    [
        ("TEXT", ["buy", "SELL", "B", "s", "", None], [1, -1, 1, -1, 0, 0]),
        ("INT", [1, -1, 0, None], [1, -1, 0, 0]),
        ("NUMERIC", [1, -1], [1, -1]),
    ],
)
def test_a_side_in_words_or_signs(url, kind, values, sides):
    assert somebodys(url, kind, values)()["side"].to_list() == sides


@pytest.mark.parametrize(("kind", "value"), [("TEXT", "bid"), ("INT", 2), ("BOOLEAN", True)])
def test_a_side_that_may_mean_anything_is_refused(url, kind, value):
    with pytest.raises(DataError, match=r"a row of 'mine' at 2024-01-01T00:00:00Z has no side; allowed: buy"):
        somebodys(url, kind, [value])()


def test_an_order_of_the_table_s_own_among_equal_times(url):
    read = somebodys(url, "TEXT", ["buy", "sell", None])
    assert read()["side"].to_list() == [1, -1, 0]
    assert read(id="no")["side"].to_list() == [0, -1, 1]


def test_a_view_and_a_table_of_another_schema(url):
    write_ticks(url, "WDOV13", generated_ticks())
    with connect(url) as db:
        db.execute("CREATE VIEW seen AS SELECT * FROM ticks_raw WHERE price >= 2250")
        (schema,) = db.execute("SELECT current_schema()").fetchone()
    seen = whole(url, table="seen")
    assert seen.equals(whole(url).filter(pl.col("price") >= 2250))
    elsewhere = url.partition("?options")[0]
    assert whole(elsewhere, table=f"{schema}.seen").equals(seen)


def test_only_rows_that_are_meant(url):
    write_ticks(url, "WDOV13", generated_ticks())
    found = whole(url, only={"sell_agent": "XP", "trade_type": "2"})
    assert len(found)
    assert found.equals(whole(url).filter((pl.col("sell_agent") == "XP") & (pl.col("side") == 1)))
    with pytest.raises(DataError, match="has no 'WDOV13' with sell_agent=Nobody; try: another --only"):
        whole(url, only={"sell_agent": "Nobody"})
    with pytest.raises(DataError, match="has no column 'agent'; allowed: symbol, price"):
        whole(url, only={"agent": "XP"})
