"""Trades from files: every way of writing them gives the same trades, every fault its own error."""

import gzip
from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bateia.core import ConfigError, DataError
from bateia.samples import sample_path
from bateia.sources import read_trades
from bateia.sources.columns import clock
from bateia.testing.bars import generated_trades

START = 1_377_993_600
HEADER = "time,price,size\n"


@pytest.fixture
def csv(tmp_path):
    """Writes text as trades.csv."""

    def write(text, name="trades.csv"):
        path = tmp_path / name
        path.write_text(text)
        return path

    return write


def same(one, two):
    return all(
        np.array_equal(column, getattr(two, name)) and column.dtype == getattr(two, name).dtype
        for name, column in one.columns().items()
    )


@pytest.mark.parametrize("suffix", [".parquet", ".csv", ".PARQUET", ".CSV"])
def test_what_is_written_reads_back(tmp_path, suffix):
    trades = generated_trades(300)
    frame, path = pl.DataFrame(trades.columns()), tmp_path / f"trades{suffix}"
    frame.write_parquet(path) if suffix.lower() == ".parquet" else frame.write_csv(path)
    read = read_trades(path)
    assert same(read, trades)
    assert same(read_trades(path, rows=7), trades[:7])
    assert all(column.flags.writeable and column.flags.c_contiguous for column in read.columns().values())


def test_a_compressed_csv(tmp_path):
    path = tmp_path / "trades.csv.gz"
    path.write_bytes(gzip.compress(f"{HEADER}{START},1.5,2\n".encode()))
    assert read_trades(path).price.tolist() == [1.5]


@pytest.mark.parametrize("unit", ["ms", "us", "ns"])
@pytest.mark.parametrize("zone", [None, "UTC", "America/Sao_Paulo"])
def test_datetimes_of_any_unit_and_zone(tmp_path, unit, zone):
    moments = pl.Series("time", [datetime(2013, 9, 1) + timedelta(milliseconds=5 * k) for k in range(3)])
    moments = moments.dt.cast_time_unit(unit)
    if zone:
        moments = moments.dt.replace_time_zone("UTC").dt.convert_time_zone(zone)
    path = tmp_path / "trades.parquet"
    pl.DataFrame({"time": moments, "price": [1, 2, 3], "size": [1, 1, 1]}).write_parquet(path)
    assert read_trades(path).time.tolist() == [START * 10**6 + 5000 * k for k in range(3)]


@pytest.mark.parametrize("unit", [1, 10**3, 10**6, 10**9])
@given(moments=st.lists(st.integers(10**9, 4 * 10**9), min_size=1), part=st.integers(0, 999_999_999))
def test_the_unit_of_whole_times_is_told_from_their_magnitude_and_exact(unit, moments, part):
    """Python's own whole numbers are the reference; rounded down to the microsecond."""
    values = [moment * unit + part * unit // 10**9 for moment in moments]
    expected = [value * 10**6 // unit for value in values]
    assert clock(pl.Series("time", values), "f.csv").tolist() == expected


def test_unsigned_times_do_not_wrap():
    late = 2**63 + 1000
    assert clock(pl.Series("time", [late], dtype=pl.UInt64), "f.csv").tolist() == [late // 1000]
    small = pl.Series("time", [START], dtype=pl.Int32)
    assert clock(small, "f.csv").tolist() == [START * 10**6]


@pytest.mark.parametrize(
    ("text", "micros"),
    [
        ("1377993600.123", 123_000),
        ("1377993600.999999", 999_999),
        ("2013-09-01T00:00:00.25", 250_000),
        ("2013-09-01 00:00:00", 0),
        ("2013-09-01T02:00:00.000001+02:00", 1),
        ("2013-09-01T00:00:00.5Z", 500_000),
    ],
)
def test_times_as_text(csv, text, micros):
    assert read_trades(csv(f"{HEADER}{text},1,1\n")).time.tolist() == [START * 10**6 + micros]


def test_texts_with_and_without_fractions_mix(csv):
    path = csv(f"{HEADER}2013-09-01 00:00:00,1,1\n2013-09-01 00:00:00.5,1,1\n2013-09-01 00:00:01,1,1\n")
    assert (read_trades(path).time - START * 10**6).tolist() == [0, 500_000, 1_000_000]


@pytest.mark.parametrize(
    ("name", "words", "expected"),
    [
        ("side", ["buy", "SELL", "Buy", "s", "B", ""], [1, -1, 1, -1, 1, 0]),
        ("side", ["1", "-1", "0", ""], [1, -1, 0, 0]),
        ("side", ["1.0", "-1.0", "NaN"], [1, -1, 0]),
        ("trade_type", ["2", "3", "0", ""], [1, -1, 0, 0]),
    ],
)
def test_sides(csv, name, words, expected):
    lines = "".join(f"{START},1,1,{word}\n" for word in words)
    trades = read_trades(csv(f"time,price,size,{name}\n{lines}"))
    assert trades.side.tolist() == expected
    assert trades.side.dtype == np.int8


@pytest.mark.parametrize("word", ["bid", "ask", "7", "2", "taker"])
def test_sides_that_are_not_plain_are_not_guessed(csv, word):
    with pytest.raises(DataError, match=r"row 1 of 'side' .* is no side"):
        read_trades(csv(f"time,price,size,side\n{START},1,1,\n{START},1,1,{word}\n"))


def test_names_of_the_file_and_a_second_clock(csv):
    path = csv(f"ts,got,p,q,who\n{START},{START + 1},1.5,2,sell\n")
    names = {"time": "ts", "known_at": "got", "price": "p", "size": "q", "side": "who"}
    trades = read_trades(path, names)
    assert (trades.known_at - trades.time).tolist() == [1_000_000]
    assert (trades.price[0], trades.size[0], trades.side[0]) == (1.5, 2.0, -1)
    del names["known_at"], names["side"]
    trades = read_trades(path, names)
    assert trades.known_at.tolist() == trades.time.tolist()
    assert trades.side.tolist() == [0]


def test_a_column_that_turns_fractional_late_is_read_whole(csv):
    lines = "".join(f"{START + k},100,1\n" for k in range(20_000))
    trades = read_trades(csv(f"{HEADER}{lines}{START + 20_000},100.5,0.25\n"))
    assert (trades.price[-1], trades.size[-1], len(trades)) == (100.5, 0.25, 20_001)


def test_nothing_where_a_number_should_be_is_nan_for_validation_to_name(csv):
    trades = read_trades(csv(f"{HEADER}{START},,1\n{START},2,\n"))
    assert np.isnan(trades.price).tolist() == [True, False]
    assert np.isnan(trades.size).tolist() == [False, True]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "is empty"),
        (HEADER, "holds no trades"),
        (
            f"time,prise,size\n{START},1,1\n",
            "has no column 'price' .*allowed: time, prise, size; .*price: prise",
        ),
        (f"{HEADER}{START},1,1\n{START},abc,1\n", "row 1 of 'price' .*'abc', is no number"),
        (f"{HEADER}{START},1,true\n", "'size' .* is Boolean"),
        (f"{HEADER}{START},1,1\n,1,1\n", "row 1 of 'time' .* has no time"),
        (f"{HEADER}{START}.5,1,1\nNaN,1,1\n", "row 1 of 'time' .* is no time"),
        (f"{HEADER}{START}.5,1,1\ninf,1,1\n", "row 1 of 'time' .* is no time"),
        (f"{HEADER}{10**20},1,1\n", "row 0 of 'time' .* is no time"),
        (f"{HEADER}1e21,1,1\n", "are no moments"),
        (f"{HEADER}01/02/2013 10:00,1,1\n", "row 0 of 'time' .* not understood"),
        (
            f"{HEADER}2013-09-01T00:00:00,1,1\n2013-09-01 noon,1,1\n",
            "row 1 of 'time' .*noon.* not understood",
        ),
        (f"{HEADER}2013-09-01 what,1,1\n", "row 0 of 'time' .* not understood"),
        (f"{HEADER}{START},1\n{START},1,2,3\n", r"line 3 of .* has 4 fields; allowed: 3: time, price, size"),
    ],
)
def test_a_csv_that_is_not_trades(csv, text, words):
    with pytest.raises(DataError, match=words):
        read_trades(csv(text))


def test_dates_are_no_clock(tmp_path):
    path = tmp_path / "trades.parquet"
    pl.DataFrame(
        {"time": [datetime(2013, 9, 1, tzinfo=UTC).date()], "price": [1], "size": [1]}
    ).write_parquet(path)
    with pytest.raises(DataError, match=r"'time' .* is Date"):
        read_trades(path)


def test_files_that_are_broken_missing_or_of_another_kind(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    whole = sample_path("es-trades-2013-09").read_bytes()
    spoiled = {
        "cut.parquet": whole[:100_000],
        "text.parquet": b"hello",
        "holes.parquet": whole[:2000] + bytes(58_000) + whole[60_000:],
        "bytes.csv": bytes(range(256)) * 40,
    }
    for name, data in spoiled.items():
        (tmp_path / name).write_bytes(data)
        with pytest.raises(DataError, match=r"cannot read .*is the file whole"):
            read_trades(tmp_path / name)
    (tmp_path / "trades.txt").write_text("a")
    with pytest.raises(DataError, match=r"neither Parquet, CSV nor Feather; allowed: \.parquet, \.csv"):
        read_trades(tmp_path / "trades.txt")
    with pytest.raises(DataError, match=r"no file .*try: .*bytes\.csv"):
        read_trades(tmp_path / "byte.csv")
    with pytest.raises(DataError, match=f"no file 'nowhere'; try: a path from {tmp_path}, or a whole one"):
        read_trades("nowhere")
    with pytest.raises(DataError, match="no file"):
        read_trades(tmp_path)
    with pytest.raises(DataError, match="no file"):
        read_trades(tmp_path / "nowhere" / "trades.csv")


def test_arguments_that_make_no_sense(csv):
    path = csv(f"{HEADER}{START},1,1\n")
    with pytest.raises(ConfigError, match="0 rows"):
        read_trades(path, rows=0)
    with pytest.raises(DataError, match=r"trades have no column 'sise'; .*try: size"):
        read_trades(path, {"sise": "size"})


def test_every_column_that_is_not_there_is_told_at_once(csv):
    said = r"no column 'time' or 'price' \(for time and price\); allowed: ts, Price, size; try: columns: "
    with pytest.raises(DataError, match=said + r"\{time: …, price: Price\}"):
        read_trades(csv("ts,Price,size\n1,1,1\n"))
