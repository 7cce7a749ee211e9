"""Candles of others: Binance's archive with its changes of form, and plain tables."""

import os
import zipfile
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from bateia.core import DataError
from bateia.quality import validate_bars
from bateia.sources import CandleSource, read_candles
from bateia.sources.candles import BINANCE
from bateia.testing import check_source

REAL = Path(os.environ.get("BATEIA_DATA", Path(__file__).parents[3] / "shared" / "data"))
KLINES = "binance/data/{}/monthly/klines/{}/*.zip"
HEADER = ",".join(BINANCE)
MINUTE = 60_000_000


def row(minute, unit=1000, price=10.0):
    opened = (20_000_000 + minute) * MINUTE // unit
    prices = f"{price},{price + 2},{price - 1},{price + 1}"
    return f"{opened},{prices},8.5,{opened + 59_999},90.0,7,6.5,70.0,0"


def archive(path, *rows, header=False):
    with zipfile.ZipFile(path, "w") as made:
        made.writestr(f"{path.stem}.csv", "\n".join([HEADER, *rows] if header else rows) + "\n")
    return path


@pytest.mark.skipif(not (REAL / "binance").is_dir(), reason="no real candles beside the project")
@pytest.mark.parametrize(
    ("pattern", "rows"),
    [
        (KLINES.format("futures/um", "BTCUSDT/5m"), 105_120),
        (KLINES.format("futures/um", "SOLUSDT/5m"), 105_120),
        (KLINES.format("spot", "BTCUSDT/5m"), None),
    ],
)
def test_real_candles_are_whole(pattern, rows):
    bars = read_candles(REAL / pattern)
    validate_bars(bars)
    assert rows is None or len(bars) == rows
    traded = bars.volume > 0
    assert np.all(bars.vwap[traded] >= bars.low[traded] * (1 - 1e-9))
    assert np.all(bars.vwap[traded] <= bars.high[traded] * (1 + 1e-9))
    assert np.all(np.abs(bars.signed_volume) <= bars.volume * (1 + 1e-9))
    assert np.all(bars.time - bars.open_time == 5 * MINUTE)


@pytest.mark.skipif(not (REAL / "binance").is_dir(), reason="no real candles beside the project")
def test_real_candles_pass_the_suite():
    assert check_source(CandleSource(path=str(REAL / KLINES.format("spot", "BTCUSDT/5m")), interval="5m"))


def test_with_and_without_a_header_in_ms_and_us(tmp_path):
    old = archive(tmp_path / "a-2024-12.zip", *(row(k) for k in range(3)))
    new = archive(tmp_path / "a-2025-01.zip", *(row(k, unit=1) for k in range(3, 6)), header=True)
    bars = read_candles(tmp_path / "a-*.zip")
    assert bars.open_time.tolist() == [(20_000_000 + k) * MINUTE for k in range(6)]
    assert bars.time.tolist() == bars.known_at.tolist() == [(20_000_000 + k) * MINUTE for k in range(1, 7)]
    assert bars.signed_volume.tolist() == [4.5] * 6
    assert bars.vwap.tolist() == [90.0 / 8.5] * 6
    assert bars.trades.tolist() == [7.0] * 6
    assert np.isnan(bars.up_ticks).all()
    assert read_candles(old).close.tolist() == read_candles(new).close.tolist() == [11.0] * 3


def test_plain_tables_tell_what_they_know(tmp_path):
    table = pl.DataFrame(
        {
            "ts": [0, 5 * MINUTE, 10 * MINUTE],
            "open": 9.0,
            "high": 12.0,
            "low": 9.0,
            "close": 9.0,
            "volume": [2, 0, 2],
        }
    ).with_columns(pl.from_epoch("ts", "us"))
    table.write_parquet(tmp_path / "t.parquet")
    bars = CandleSource(path=str(tmp_path / "t.parquet"), columns={"open_time": "ts"}).read()
    assert bars.value.tolist() == [20.0, 0.0, 20.0]
    assert bars.vwap.tolist() == [10.0, 9.0, 10.0]
    assert np.isnan(bars.signed_volume).all()
    assert np.isnan(bars.trades).all()


def refused(says, path, **more):
    with pytest.raises(DataError, match=says):
        read_candles(path, **more)


def test_bad_files(tmp_path):
    refused(r"no file matches .*\*\.zip", tmp_path / "*.zip")
    refused("no file", tmp_path / "a.zip")
    (tmp_path / "broken.zip").write_bytes(b"PK\x03\x04 and no more")
    refused(r"broken\.zip cannot be unpacked.*another copy", tmp_path / "broken.zip")
    refused("holds 2 files", two_files(tmp_path / "two.zip"))
    refused("do not tell how long one is.*interval", archive(tmp_path / "one.zip", row(1)))
    off = archive(tmp_path / "off.zip", row(0), row(2), row(5))
    refused("1 of them off that grid", off)
    assert len(read_candles(off, interval=MINUTE)) == 3
    whole = archive(tmp_path / "whole.zip", row(0), row(1))
    refused("no column 'opened' .*allowed: open_time", whole, columns={"open": "opened"})
    refused("candles have no column 'opne'.*try: open", whole, columns={"opne": "open"})


def two_files(path):
    with zipfile.ZipFile(path, "w") as made:
        made.writestr("a.csv", row(1))
        made.writestr("b.csv", row(2))
    return path


def test_the_hash_covers_every_file(tmp_path):
    archive(tmp_path / "a-1.zip", row(0), row(1))
    source = CandleSource(path=str(tmp_path / "a-*.zip"))
    one = source.hash()
    archive(tmp_path / "a-2.zip", row(2), row(3))
    assert source.hash() != one
    assert len(source.read()) == 4
