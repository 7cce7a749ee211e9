"""What cannot be read or written is told in one line, and no password in it."""

from urllib.parse import urlsplit

import pytest

from bateia.core import ConfigError, DataError
from bateia.sources.postgres import CandleTable, TickTable, fetch_postgres, write_candles, write_ticks
from bateia.sources.postgres.connection import connect
from bateia.store import Series
from postgres_rows import generated_candles, generated_ticks, whole


def test_what_is_not_there(url, tmp_path):
    with pytest.raises(DataError, match="has no table 'ticks_raw'"):
        TickTable(url).span("WDOV13")
    write_ticks(url, "WDOV13", generated_ticks())
    with pytest.raises(DataError, match=r"no table 'tick_raw'; allowed: bateia_schema, .*; try: ticks_raw"):
        TickTable(url, "tick_raw").span("WDOV13")
    with pytest.raises(DataError, match="has no 'WDOV14'; allowed: WDOV13; try: WDOV13"):
        fetch_postgres(tmp_path, url, "WDOV14")
    with pytest.raises(DataError, match=r"no column 'pirce' \(for price\).*try: columns: \{price: price\}"):
        TickTable(url, columns={"price": "pirce"}).span("WDOV13")
    with pytest.raises(DataError, match="no column 'prise'; allowed: symbol"):
        TickTable(url, columns={"prise": "price"}).span("WDOV13")
    with pytest.raises(ConfigError, match="is no stretch of the past"):
        fetch_postgres(tmp_path, url, "WDOV13", "trades", "2014", "2013")
    with pytest.raises(ConfigError, match="'tardes' is not a duration"):
        fetch_postgres(tmp_path, url, "WDOV13", "tardes")


@pytest.mark.parametrize(
    ("columns", "says"),
    [
        ({"time": "symbol"}, r"'symbol' \(for time\) of the table 'ticks_raw' is text; allowed: timestamp"),
        ({"price": "buy_agent"}, r"'buy_agent' \(for price\) .* is text; allowed: numbers; try: another"),
        ({"size": "timestamp"}, r"'timestamp' \(for size\) .* is timestamp with time zone; allowed: numbers"),
    ],
)
def test_columns_of_another_type(url, columns, says):
    write_ticks(url, "WDOV13", generated_ticks())
    with pytest.raises(DataError, match=says):
        TickTable(url, columns=columns).span("WDOV13")


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ("price = NULL WHERE buy_agent IS NULL", r"a row of 'mine' at 2013-09-30.* has no price; allowed: a"),
        ("timestamp = NULL WHERE buy_agent IS NULL", "a row of 'mine' has no time"),
        ("timestamp = 'infinity' WHERE buy_agent IS NULL", "a row of 'mine' is of no date; allowed: the y"),
        ("timestamp = NULL", "a row of 'mine' has no time"),
    ],
)
def test_rows_that_make_no_sense(url, change, says):
    write_ticks(url, "WDOV13", generated_ticks())
    with connect(url) as db:
        db.execute("CREATE TABLE mine AS SELECT * FROM ticks_raw")
        db.execute(f"UPDATE mine SET {change}")
    with pytest.raises(DataError, match=says):
        whole(url, table="mine")


def test_what_this_user_may_not_do(url):
    """`pg_monitor` is a role that every server has, and that may do nothing here."""
    write_ticks(url, "WDOV13", generated_ticks())
    with connect(url) as db:
        db.execute(
            "DO $$ BEGIN EXECUTE 'GRANT USAGE ON SCHEMA ' || current_schema() || ' TO pg_monitor'; END $$"
        )
    poor = f"{url}%20-crole%3Dpg_monitor"
    with pytest.raises(DataError, match="permission denied for table ticks_raw; try: GRANT SELECT to read"):
        TickTable(poor).span("WDOV13")
    with pytest.raises(DataError, match=r"permission denied for .*; try: GRANT SELECT to read, INSERT"):
        write_ticks(poor, "WDOV13", generated_ticks())
    assert len(whole(url)) == 500


@pytest.mark.parametrize("name", ["nobody", "postgres"])
def test_nobody_there_and_nobody_let_in(postgres, name):
    there = urlsplit(postgres)
    wrong = [
        f"postgresql://{name}:secret@127.0.0.1:1/test",
        f"postgresql://{name}:secret@{there.netloc.rpartition('@')[2]}/no",
    ]
    series = Series("any", "any", "A", "candles-1h")
    for url in wrong:
        for ask in (
            lambda url=url: TickTable(url).span("A"),
            lambda url=url: CandleTable(url, "5m").span("A"),
            lambda url=url: write_ticks(url, "A", generated_ticks()),
            lambda url=url: write_candles(url, series, generated_candles()),
        ):
            with pytest.raises(DataError, match=r"PostgreSQL at .*; try: are address, database") as raised:
                ask()
            assert "secret" not in str(raised.value)


@pytest.mark.parametrize("password", ["se%cret", "se/cret", "se@cret", "se?cret", "se#cret"])
def test_a_password_that_is_not_escaped_is_not_shown(password):
    with pytest.raises(ConfigError, match=r"whose password has an unescaped /, \?, #, @ or %") as raised:
        TickTable(f"postgresql://me:{password}@127.0.0.1:1/test").span("A")
    assert "cret" not in str(raised.value)
