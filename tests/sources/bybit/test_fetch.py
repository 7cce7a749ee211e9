"""Bybit into the store, from an archive and a REST interface on loopback, with faults to order."""

import gzip
import json
import os
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from bateia.cli import app
from bateia.core import ConfigError, DataError
from bateia.core.clock import DAY
from bateia.core.coverage import Coverage
from bateia.core.period import Period
from bateia.sources.bybit import fetch as bybit
from bateia.sources.bybit import rest as interface
from bateia.sources.bybit.fetch import fetch_bybit
from bateia.sources.web import Web
from bateia.store import Store
from bateia.store.folder import LocalFolder
from loopback_exchange import Exchange, serving

REAL = Path(os.environ.get("BATEIA_DATA", Path(__file__).parents[4] / "shared" / "data")) / "bybit"
HEADER = "timestamp,symbol,side,size,price,tickDirection,trdMatchID,grossValue,homeNotional,foreignNotional\n"
DAYS = ["2024-01-01", "2024-01-02", "2024-01-04"]
STEP = 300_000


def generated_file(day, rows=50):
    start = Period(day).start // 10**6
    lines = [
        f"{start + 1000 * k}.25,XYUSDT,{'Buy' if k % 2 else 'Sell'},{k + 1},{10 + k}.5,PlusTick,i,1,1,1"
        for k in range(rows)
    ]
    return gzip.compress((HEADER + "\n".join(lines[::-1]) + "\n").encode(), mtime=0)


class GeneratedBybit(Exchange):
    """Three days of trades of XYUSDT, the third of January missing, and a thousand-odd candles."""

    def __init__(self):
        super().__init__()
        self.days = {day: generated_file(day) for day in DAYS}
        first = Period("2024-01-01").start // 1000
        self.rows = [
            [str(first + STEP * k), "10", "12", "9", str(11 + k / 8), str(k), str(k * 11)]
            for k in range(1300)
        ]
        self.codes, self.recent = [], {}

    def answer(self, path):
        url = urlsplit(path)
        if url.path == "/v5/market/kline":
            return 200, json.dumps(self.kline({k: v[0] for k, v in parse_qs(url.query).items()})).encode()
        if url.path == "/v5/market/recent-trade":
            return 200, json.dumps(self.recent).encode()
        if url.path == "/trading/XYUSDT/":
            links = "".join(f'<li><a href="XYUSDT{day}.csv.gz">x</a></li>' for day in self.days)
            return 200, f"<html>{links}</html>".encode()
        for day, data in self.days.items():
            if url.path == f"/trading/XYUSDT/XYUSDT{day}.csv.gz":
                return 200, data
        return super().answer(path)

    def kline(self, asked):
        if self.codes:
            return {"retCode": self.codes.pop(0), "retMsg": "as ordered"}
        if asked["symbol"] != "XYUSDT":
            return {"retCode": 10001, "retMsg": "Not supported symbols"}
        assert (asked["category"], asked["interval"], asked["limit"]) == ("linear", "5", "1000")
        found = [row for row in self.rows if int(asked["start"]) <= int(row[0]) <= int(asked["end"])]
        return {"retCode": 0, "retMsg": "OK", "result": {"list": found[-1000:][::-1]}}


@pytest.fixture
def exchange(monkeypatch):
    monkeypatch.setattr(interface, "BACKOFF", 0.0)
    with serving(GeneratedBybit()) as made:
        yield made


def fetch(exchange, store, what, since, until, **more):
    web = Web(backoff=0.0, sleep=lambda seconds: None)
    said = {"archive": exchange.url, "rest": exchange.url, "web": web, "symbol": "XYUSDT"} | more
    return fetch_bybit(store, said.pop("symbol"), what, since, until, **said)


def content(root):
    return {
        path.relative_to(root).as_posix(): path.read_bytes()
        for path in sorted(root.rglob("*"))
        if path.is_file() and path.name != ".lock"
    }


def test_days_of_trades(exchange, tmp_path):
    report = fetch(exchange, tmp_path, "trades", "2024-01-01", "2024-01-04")
    assert (report.whole, report.rows, report.files) == (True, 150, 3)
    third = Period("2024-01-03")
    assert report.absent == Coverage.of([(third.start, third.end)])
    store = Store.open(tmp_path)
    assert store.coverage(report.series) == report.asked
    rows = store.read(report.series)
    assert rows["price"].to_list() == [10.5 + k for k in range(50)] * 3
    assert rows["side"].to_list() == [-1, 1] * 75
    asked = len(exchange.asked)
    assert fetch(exchange, tmp_path, "trades", "2024-01-01", "2024-01-04").rows == 0
    assert len(exchange.asked) == asked + 1, "only the list of files is asked for again"


def test_any_fault_is_mended_by_the_next_run(exchange, tmp_path):
    whole = tmp_path / "whole"
    fetch(exchange, whole, "trades", "2024-01-01", "2024-01-04")
    exchange.faults = {
        "2024-01-02": ["truncate"] * 3,
        "2024-01-04": ["corrupt", "truncate", "drop", 503, 429],
    }
    report = fetch(exchange, tmp_path / "other", "trades", "2024-01-01", "2024-01-04")
    ((reason, missing),) = report.failed.items()
    second = Period("2024-01-02")
    assert missing == Coverage.of([(second.start, second.end)])
    assert "XYUSDT2024-01-02.csv.gz cannot be unpacked: it ends in the middle" in reason
    assert "(3 downloads)" in reason
    assert str(tmp_path) not in reason
    assert fetch(exchange, tmp_path / "other", "trades", "2024-01-01", "2024-01-04").whole
    assert content(tmp_path / "other") == content(whole)


def test_days_that_are_not_there_yet(exchange, tmp_path):
    report = fetch(exchange, tmp_path, "trades", "2024-01-04", "2024-01-06")
    assert report.rows == 50
    assert list(report.failed) == ["the archive does not have it yet"]
    assert report.failed["the archive does not have it yet"].length == 2 * 86_400_000_000


def test_a_file_with_trades_of_another_day_is_refused(exchange, tmp_path):
    exchange.days["2024-01-02"] = generated_file("2024-01-01")
    report = fetch(exchange, tmp_path, "trades", "2024-01-02", "2024-01-02")
    (reason,) = report.failed
    assert "XYUSDT2024-01-02.csv.gz has a trade of 2024-01-01; allowed: those of 2024-01-02" in reason


@pytest.mark.parametrize("full", ["store", "scratch"])
def test_where_nothing_can_be_written_nothing_more_is_asked_for(exchange, tmp_path, monkeypatch, full):
    written = Path.write_bytes if full == "scratch" else LocalFolder.write

    def refuse(where, *given):
        if full == "store" and ".parquet" not in given[0]:
            return written(where, *given)
        error = OSError(28, "No space left on device")
        raise error if full == "scratch" else DataError(f"cannot write {given[0]}: {error.strerror}")

    fetch(exchange, tmp_path, "trades", "2024-01-01", "2024-01-01")
    asked = len(exchange.asked)
    with monkeypatch.context() as patch:
        patch.setattr(*((Path, "write_bytes") if full == "scratch" else (LocalFolder, "write")), refuse)
        with pytest.raises(DataError, match=r"cannot write .*No space left on device"):
            fetch(exchange, tmp_path, "trades", "2024-01-02", "2024-01-04")
    assert len(exchange.asked) == asked + 2, "the list and one file"
    assert fetch(exchange, tmp_path, "trades", "2024-01-01", "2024-01-04").whole


def test_a_corrupt_day_is_fetched_again(exchange, tmp_path):
    fetch(exchange, tmp_path, "trades", "2024-01-01", "2024-01-04")
    whole = content(tmp_path)
    (path,) = tmp_path.rglob("2024-01-02-*.parquet")
    path.write_bytes(path.read_bytes()[:-1])
    report = fetch(exchange, tmp_path, "trades", "2024-01-01", "2024-01-04")
    assert (report.files, report.notes) == (
        1,
        [f"{path.relative_to(tmp_path)} was corrupt and is fetched again"],
    )
    assert content(tmp_path) == whole


def generated_spot(start, count, step, newest_first=False):
    """A file of spot trades, one each `step` milliseconds from `start` on."""
    lines = [
        f"{k + 1},{start // 1000 + k * step},{10 + k % 7}.5,{k + 1},{'buy' if k % 2 else 'sell'}"
        for k in range(count)
    ]
    text = "id,timestamp,price,volume,side\n" + "\n".join(lines[:: -1 if newest_first else 1]) + "\n"
    return gzip.compress(text.encode(), mtime=0)


@pytest.mark.parametrize("newest_first", [False, True])
def test_spot_by_month_where_there_is_no_file_of_the_day(exchange, tmp_path, newest_first):
    month, day = Period("2022-11"), Period("2022-11-20")
    hour = 3_600_000
    rows = generated_spot(month.start + 5 * DAY, 24 * 20, hour, newest_first)
    files = {
        "XYUSDT-2022-11.csv.gz": rows,
        "XYUSDT_2022-11-20.csv.gz": generated_spot(day.start, 7, hour),
        "XYUSDT_2022-12-02.csv.gz": generated_spot(Period("2022-12-02").start, 3, hour),
    }
    exchange.files |= {f"/spot/XYUSDT/{name}": data for name, data in files.items()}
    exchange.files["/spot/XYUSDT/"] = "".join(f'<a href="{name}">x</a>' for name in files).encode()
    report = fetch(exchange, tmp_path, "trades", "2022-11", "2022-12-02", market="spot")
    assert (report.whole, report.rows, report.files) == (True, 24 * 19 + 7 + 3, 4), report
    assert [Period.at(a, "day").name for a, _ in report.absent.stretches] == ["2022-11-01", "2022-11-26"]
    table = Store.open(tmp_path).read(report.series)
    times = table["time"].dt.epoch("us")
    assert times.is_sorted() and len(table) == report.rows
    of_the_day = table.filter(times.is_between(day.start, day.end, closed="left"))
    assert of_the_day["size"].to_list() == [k + 1 for k in range(7)], "the day's own file"
    before = table.filter(times < day.start)
    assert before["size"].to_list() == [k + 1 for k in range(24 * 14)]
    assert before["side"].to_list() == [-1, 1] * (12 * 14)
    asked = exchange.count("csv.gz")
    assert fetch(exchange, tmp_path, "trades", "2022-11", "2022-12-02", market="spot").files == 0
    assert exchange.count("csv.gz") == asked


def test_a_month_with_a_trade_of_another_is_refused(exchange, tmp_path):
    rows = generated_spot(Period("2022-10-31").start, 48, 3_600_000)
    exchange.files["/spot/XYUSDT/XYUSDT-2022-11.csv.gz"] = rows
    exchange.files["/spot/XYUSDT/"] = b'<a href="XYUSDT-2022-11.csv.gz">x</a>'
    report = fetch(exchange, tmp_path, "trades", "2022-11-01", "2022-11-03", market="spot")
    ((reason, missing),) = report.failed.items()
    assert reason == (
        "XYUSDT-2022-11.csv.gz has a trade of 2022-10-31; allowed: those of 2022-11 (3 downloads)"
    )
    assert missing == report.asked


def test_candles_by_pages(exchange, tmp_path):
    report = fetch(exchange, tmp_path, "5m", "2024-01-01", "2024-01-04")
    assert (report.whole, report.rows, str(report.series)) == (
        True,
        288 * 4,
        "bybit/linear/XYUSDT/candles-5m",
    )
    rows = Store.open(tmp_path).read(report.series)
    assert rows["close"].to_list() == [11 + k / 8 for k in range(288 * 4)]
    assert rows["value"].to_list() == [k * 11.0 for k in range(288 * 4)]
    exchange.codes = [10006, 10016]
    more = fetch(exchange, tmp_path, "5m", "2023-12-31", "2024-01-05T12:19")
    assert more.rows == 147
    ((reason, missing),) = more.failed.items()
    assert reason == "the exchange gives nothing of that time"
    assert missing == Coverage.of([(Period("2023-12-31").start, Period("2024-01-01").start)])


@pytest.mark.parametrize("again", [("2024-01-01", "2024-01-04"), ("2024-01-02", "2024-01-03")])
def test_corrupt_candles_are_fetched_again(exchange, tmp_path, again):
    fetch(exchange, tmp_path, "5m", "2024-01-01", "2024-01-04")
    whole = content(tmp_path)
    (path,) = tmp_path.rglob("*.parquet")
    path.write_bytes(path.read_bytes()[:-1])
    report = fetch(exchange, tmp_path, "5m", *again)
    assert (report.whole, len(report.notes)) == (True, 1), report
    assert "was corrupt and is fetched again" in report.notes[0]
    store = Store.open(tmp_path)
    assert store.coverage(report.series) == report.asked, "no more than is there"
    assert len(store.read(report.series)) == report.asked.length // (300 * 10**6)
    assert fetch(exchange, tmp_path, "5m", "2024-01-01", "2024-01-04").whole
    assert len(store.read(report.series)) == 4 * 288
    if again == ("2024-01-01", "2024-01-04"):
        assert content(tmp_path) == whole


def test_a_candle_under_way_is_not_taken_for_a_whole_one(exchange, tmp_path, monkeypatch):
    """Our clock is ten minutes fast."""
    exact = Period("2024-01-02").start
    monkeypatch.setattr(bybit.time, "time", lambda: exact / 1e6 + 600)
    exchange.files["/v5/market/time"] = json.dumps({"retCode": 0, "time": exact // 1000 + 1}).encode()
    assert fetch(exchange, tmp_path, "5m", "2024-01-01", "").asked.stretches == ((exact - DAY, exact),)
    assert fetch(exchange, tmp_path, "5m", "2024-01-01", "").rows == 0


def test_the_last_trades(exchange):
    row = {"execId": "a", "symbol": "XYUSDT", "isBlockTrade": False, "seq": "1"}
    made = [
        row | {"time": str(1_704_067_200_000 + k // 2), "price": f"{k}.5", "size": "2", "side": side}
        for k, side in enumerate(["Buy", "Sell", "Sell"])
    ]
    exchange.recent = {"retCode": 0, "result": {"list": made[::-1]}}
    with Web() as web:
        rest = interface.Rest(web, exchange.url, "linear")
        prints = rest.last_prints("XYUSDT")
        assert [one.price for one in prints] == [0.5, 1.5, 2.5]
        assert [one.side for one in prints] == [1, -1, -1]
        assert [one.time for one in prints] == [int(one["time"]) * 1000 for one in made]
        exchange.recent = {"retCode": 0, "result": {"list": [row]}}
        with pytest.raises(DataError, match=r"Bybit answers .*allowed: trades"):
            rest.last_prints("XYUSDT")


def test_answers_that_are_none(exchange, tmp_path):
    exchange.codes = [10006] * 5
    (reason,) = fetch(exchange, tmp_path, "5m", "2024-01-01", "2024-01-01").failed
    assert "Bybit says 10006: as ordered; try: run the same again" in reason
    exchange.codes = [10003]
    (reason,) = fetch(exchange, tmp_path, "5m", "2024-01-01", "2024-01-01").failed
    assert "Bybit says 10003" in reason
    exchange.rows = [["x"]]
    exchange.kline = lambda asked: {"retCode": 0, "result": {"list": [["1", "2"]]}}
    (reason,) = fetch(exchange, tmp_path, "5m", "2024-01-01", "2024-01-01").failed
    assert "allowed: rows of seven numbers" in reason


@pytest.mark.parametrize(
    ("what", "since", "more", "says"),
    [
        ("5m", "2024-01", {"market": "um"}, "no market 'um' at Bybit; allowed: linear"),
        ("7m", "2024-01", {}, "nothing called '7m' at Bybit; allowed: trades, ob500.*1m, 3m"),
        ("trades", "2024-01", {"symbol": "../x"}, "no symbol"),
        ("trades", "2024-01", {"symbol": "QQUSDT"}, "archive has no trades of 'QQUSDT'.*another --market"),
        ("5m", "2024-01", {"symbol": "QQUSDT"}, "Bybit says of 'QQUSDT': Not supported"),
        ("5m", "2150", {}, "no time that is over"),
    ],
)
def test_what_cannot_be_meant(exchange, tmp_path, what, since, more, says):
    with pytest.raises(ConfigError, match=says):
        fetch(exchange, tmp_path, what, since, "", **more)


@pytest.mark.skipif(not REAL.is_dir(), reason="no real trades of Bybit beside the project")
def test_the_real_half_day_by_the_command(exchange, tmp_path, capsys):
    exchange.folder = REAL
    exchange.files["/trading/BTCUSD/"] = b'<a href="BTCUSD2019-10-01.csv.gz">x</a>'
    words = ["fetch", "bybit", "BTCUSD", "trades", "--market", "inverse", "--archive", exchange.url, "--json"]
    words += ["--from", "2019-10-01", "--store", str(tmp_path)]
    assert app([*words, "--to", "2019-10-01"], standalone_mode=False) is None
    report = json.loads(capsys.readouterr().out)
    assert (report["rows"], report["series"]) == (41_454, "bybit/inverse/BTCUSD/trades")
    assert app([*words, "--to", "2019-10-02"], standalone_mode=False) == 1
