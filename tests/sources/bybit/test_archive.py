"""Bybit's archive of trades: the real half day row by row, and generated files of its other forms."""

import csv
import gzip
import os
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest

from bateia.core import DataError
from bateia.quality import validate_trades
from bateia.sources.bybit import BybitSource, read_day
from bateia.testing import check_source

REAL = Path(os.environ.get("BATEIA_DATA", Path(__file__).parents[4] / "shared" / "data"))
DAY = REAL / "bybit" / "trading" / "BTCUSD" / "BTCUSD2019-10-01.csv.gz"
HEADER = "timestamp,symbol,side,size,price,tickDirection,trdMatchID,grossValue,homeNotional,foreignNotional\n"
real = pytest.mark.skipif(not DAY.is_file(), reason="no real trades of Bybit beside the project")


def generated_day(path, seconds, newest_first, unit=1):
    lines = [
        f"{1569888000 * unit + s},XY,{'Buy' if k % 2 else 'Sell'},{k + 1},{10 + k}.5,PlusTick,id{k},1,1,1"
        for k, s in enumerate(seconds)
    ]
    text = HEADER + "\n".join(lines[::-1] if newest_first else lines) + "\n"
    path.write_bytes(gzip.compress(text.encode()))
    return path


@real
def test_the_real_half_day_is_the_file_from_its_end():
    """Python's csv and Decimal are the reference, row by row."""
    with gzip.open(DAY, "rt") as file:
        lines = list(csv.DictReader(file))[::-1]
    trades = BybitSource(path=str(DAY)).read()
    validate_trades(trades)
    assert len(trades) == len(lines) == 41_454
    assert trades.time.tolist() == [int(Decimal(line["timestamp"]) * 10**6) for line in lines]
    assert trades.known_at.tolist() == trades.time.tolist()
    assert trades.price.tolist() == [float(line["price"]) for line in lines]
    assert trades.size.tolist() == [float(line["size"]) for line in lines]
    assert trades.side.tolist() == [{"Buy": 1, "Sell": -1}[line["side"]] for line in lines]


@real
def test_trades_of_one_moment_are_in_the_order_in_which_they_happened():
    """The archive's own tick directions say so: each holds between a trade and the one before it."""
    with gzip.open(DAY, "rt") as file:
        told = [line["tickDirection"] for line in csv.DictReader(file)][::-1]
    moves = np.sign(np.diff(read_day(DAY).price))
    expected = {"PlusTick": 1.0, "MinusTick": -1.0, "ZeroMinusTick": 0.0, "ZeroPlusTick": 0.0}
    assert moves.tolist() == [expected[word] for word in told[1:]]


@real
def test_the_real_half_day_passes_the_suite():
    assert check_source(BybitSource(path=str(DAY)))


@pytest.mark.parametrize("newest_first", [True, False])
def test_either_order_and_many_days(tmp_path, newest_first):
    first = generated_day(tmp_path / "b.csv.gz", [0, 0, 0.25, 5, 5, 9, 9.5, 10], newest_first)
    generated_day(tmp_path / "a.csv.gz", [86400, 86401, 86401.000001, 86402], newest_first)
    assert read_day(first).size.tolist() == [1, 2, 3, 4, 5, 6, 7, 8]
    source = BybitSource(path=str(tmp_path / "*.csv.gz"))
    assert check_source(source)
    assert source.read().size.tolist() == [1, 2, 3, 4, 5, 6, 7, 8, 1, 2, 3, 4]
    assert source.read().time[-2] - 1_569_888_000_000_000 == 86_401_000_001


def test_a_file_a_little_out_of_order_is_sorted_and_keeps_its_equals(tmp_path):
    path = generated_day(tmp_path / "t.csv.gz", [0, 3, 2, 2, 5], newest_first=False)
    assert read_day(path).size.tolist() == [1, 3, 4, 2, 5]


def test_spot(tmp_path):
    path = tmp_path / "BTCUSDT_2022-11-10.csv"
    path.write_text("id,timestamp,price,volume,side,rpi\n1,1668038400157,15922.8,0.01,sell,0\n")
    trades = read_day(path)
    assert (trades.time[0], trades.size[0], trades.side[0]) == (1668038400157000, 0.01, -1)


def test_files_that_are_not_of_the_archive(tmp_path):
    (tmp_path / "t.csv").write_text("time,price,size\n1,1,1\n")
    with pytest.raises(
        DataError, match=r"has the columns time, price, size; allowed: timestamp, price, size"
    ):
        BybitSource(path=str(tmp_path / "t.csv")).read()
    generated_day(tmp_path / "1.csv.gz", [0, 5, 9], True)
    generated_day(tmp_path / "2.csv.gz", [4, 6], True)
    with pytest.raises(DataError, match=r"\.csv\.gz begins before .*\.csv\.gz ends"):
        BybitSource(path=str(tmp_path / "*.csv.gz")).read()
    cut = (tmp_path / "1.csv.gz").read_bytes()[:-20]
    (tmp_path / "cut.csv.gz").write_bytes(cut)
    with pytest.raises(DataError, match="cannot be unpacked: it ends in the middle"):
        read_day(tmp_path / "cut.csv.gz")
    text = HEADER + "1569888000.5,XY,Buy,1,1,P,i,1,1,1\n1569888000.1,AB,Buy,1,1,P,i,1,1,1\n"
    (tmp_path / "two.csv").write_text(text)
    with pytest.raises(DataError, match="several symbols: AB, XY"):
        read_day(tmp_path / "two.csv")
