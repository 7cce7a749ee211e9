"""Bybit's archive of books into the store, whole or not at all, and from there to a recipe's source."""

import io
import json
import os
import random
import signal
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import duckdb
import polars as pl
import pytest

from bateia.cli import app
from bateia.core import ConfigError, DataError
from bateia.core.coverage import Coverage
from bateia.core.period import Period
from bateia.sources.books import BookSource
from bateia.sources.bybit.fetch import fetch_bybit
from bateia.sources.web import Web
from bateia.store import Series, Store, scan, sql, status
from loopback_exchange import Exchange, serving

REAL = Path(os.environ.get("BATEIA_DATA", Path(__file__).parents[4] / "shared" / "data")) / "bybit"
REAL = REAL / "orderbook/linear/XRPUSDT/2024-12-01_XRPUSDT_ob500.data.zip"
SERIES = Series("bybit", "linear", "XYUSDT", "ob500")


def generated_lines(day, count=120, symbol="XYUSDT", depth=500):
    """A snapshot and changes, two a second; the prices mean nothing."""
    start = Period(day).start // 1000
    bids = [[f"{100 - k / 100:.2f}", str(k + 1)] for k in range(12)]
    asks = [[f"{100.01 + k / 100:.2f}", str(k + 1)] for k in range(12)]
    for k in range(count):
        sides = {"b": bids, "a": asks} if not k else {"b": [["100.00", str(k)]], "a": []}
        yield json.dumps(
            {
                "topic": f"orderbook.{depth}.{symbol}",
                "type": "delta" if k else "snapshot",
                "ts": start + 500 * k,
                "data": {"s": symbol, **sides, "u": k + 1, "seq": k},
                "cts": start + 500 * k,
            }
        )


def generated_zip(day, lines=None, **how):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as made:
        text = "\n".join(generated_lines(day, **how) if lines is None else lines) + "\n"
        made.writestr(zipfile.ZipInfo(f"{day}_XYUSDT_ob500.data"), text)
    return buffer.getvalue()


class GeneratedBooks(Exchange):
    """A folder of XYUSDT: ob500 to the 4th but for the 3rd, then ob200 alone."""

    def __init__(self):
        super().__init__()
        for day in ("2024-01-01", "2024-01-02", "2024-01-04"):
            self.add(day, "ob500", generated_zip(day))
        for day in ("2024-01-05", "2024-01-06"):
            self.add(day, "ob200", generated_zip(day, depth=200))

    def add(self, day, kind, data, symbol="XYUSDT"):
        self.files[f"/orderbook/linear/{symbol}/{day}_{symbol}_{kind}.data.zip"] = data

    def answer(self, path):
        names = [name.rpartition("/") for name in self.files]
        if links := [name for folder, _, name in names if f"{folder}/" == path]:
            return 200, "".join(f'<a href="{name}">{name}</a><br/>' for name in links).encode()
        return super().answer(path)


@pytest.fixture
def exchange():
    with serving(GeneratedBooks()) as served:
        yield served


def fetch(exchange, store, since, until="", what="ob500", symbol="xyusdt", **more):
    with Web(tries=3, sleep=lambda seconds: None) as web:
        return fetch_bybit(store, symbol, what, since, until, archive=exchange.url, web=web, **more)


def content(where):
    return {
        str(path.relative_to(where)): path.read_bytes()
        for path in sorted(where.rglob("*"))
        if path.is_file() and path.name != ".lock"
    }


def day_of(name):
    return Coverage.of([(Period(name).start, Period(name).end)])


def test_days_are_kept_as_they_are_and_a_rerun_asks_for_the_list_alone(exchange, tmp_path):
    report = fetch(exchange, tmp_path, "2024-01-01", "2024-01-04")
    assert (report.whole, report.rows, report.files) == (True, 360, 3)
    assert report.absent == day_of("2024-01-03")
    store = Store.open(tmp_path)
    parts = store.parts(SERIES)
    assert [part.rows for part in parts] == [120, 120, 0, 120]
    assert (parts[0].first, parts[0].last) == (
        Period("2024-01-01").start,
        Period("2024-01-01").start + 119 * 500_000,
    )
    for part in (parts[0], parts[1], parts[3]):
        name = Path(part.file).name
        assert name == f"{part.period}_XYUSDT_ob500.data.zip"
        assert (tmp_path / part.file).read_bytes() == exchange.files[f"/orderbook/linear/XYUSDT/{name}"]
        assert (part.origin[0].name, part.origin[0].sha256) == (name, part.sha256)
    assert store.coverage(SERIES) == report.asked
    told = status(store, SERIES, verify=True)
    assert (told["rows"], told["files"], told["missing"], told["corrupt"]) == (360, 3, [], [])
    asked = len(exchange.asked)
    assert fetch(exchange, tmp_path, "2024-01-01", "2024-01-04").files == 0
    assert len(exchange.asked) == asked + 1


def test_other_depths_and_days_to_come_are_said(exchange, tmp_path):
    report = fetch(exchange, tmp_path, "2024-01-04", "2024-01-08")
    assert report.absent == day_of("2024-01-05") | day_of("2024-01-06")
    assert report.notes == [
        "days without ob500 that have ob200: 2, 2024-01-05 to 2024-01-06; "
        "bateia fetch bybit XYUSDT ob200 --market linear"
    ]
    assert report.failed == {"the archive does not have it yet": day_of("2024-01-07") | day_of("2024-01-08")}
    assert fetch(exchange, tmp_path, "2024-01-05", "2024-01-06", "ob200").rows == 240
    with pytest.raises(ConfigError, match="no ob1000 of XYUSDT; allowed: ob200, ob500"):
        fetch(exchange, tmp_path, "2024-01-05", "2024-01-06", "ob1000")
    with pytest.raises(ConfigError, match=r"no ob500 of 'QQUSDT'; .*another --market"):
        fetch(exchange, tmp_path, "2024-01-05", symbol="QQUSDT")


def test_any_fault_is_mended_by_the_next_run(exchange, tmp_path):
    whole = tmp_path / "whole"
    fetch(exchange, whole, "2024-01-01", "2024-01-04")
    exchange.faults = {
        "2024-01-01": ["truncate", "drop", 503],
        "2024-01-02": ["truncate"] * 3,
        "01-04": [404],
    }
    report = fetch(exchange, tmp_path / "other", "2024-01-01", "2024-01-04")
    assert report.failed == {
        "2024-01-02_XYUSDT_ob500.data.zip cannot be unpacked: File is not a zip file; "
        "allowed: a whole archive; try: another copy (3 downloads)": day_of("2024-01-02"),
        f"{exchange.url}/orderbook/linear/XYUSDT/2024-01-04_XYUSDT_ob500.data.zip answers 404: "
        '{"msg": "as ordered"}': day_of("2024-01-04"),
    }
    assert not list((tmp_path / "other").rglob("*2024-01-02*"))
    assert fetch(exchange, tmp_path / "other", "2024-01-01", "2024-01-04").whole
    assert content(tmp_path / "other") == content(whole)


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (
            generated_zip("2024-01-02", symbol="QQUSDT"),
            "holds orderbook.500.QQUSDT; allowed: orderbook.500.XY",
        ),
        (generated_zip("2024-01-02", depth=200), "holds orderbook.200.XYUSDT"),
        (generated_zip("2024-01-01"), "has a message of 2024-01-01; allowed: those of 2024-01-02"),
        (generated_zip("2024-01-02", lines=["<html>"]), "has no message of a book: b'<html>'"),
        (generated_zip("2024-01-02")[:-60] + bytes(60), "cannot be unpacked"),
        (b"PK\x05\x06" + bytes(18), "holds 0 files"),
    ],
)
def test_what_is_no_file_of_the_day_is_refused(exchange, tmp_path, data, says):
    exchange.add("2024-01-02", "ob500", data)
    report = fetch(exchange, tmp_path, "2024-01-02", "2024-01-02")
    (reason,) = report.failed
    assert says in reason and str(tmp_path) not in reason
    assert Store.open(tmp_path).parts(SERIES) == []


def test_rows_are_not_to_be_had_and_other_series_are_as_before(exchange, tmp_path, capsys):
    fetch(exchange, tmp_path, "2024-01-02", "2024-01-04")
    store = Store.open(tmp_path)
    told = r"bybit/linear/XYUSDT/ob500 is kept as its source made it: files, not rows; .*bateia book build"
    for ask in (
        lambda: store.read(SERIES),
        lambda: store.table(SERIES, store.parts(SERIES)[1]),
        lambda: scan(store, SERIES),
        lambda: sql(store, f'SELECT * FROM "{SERIES}"'),
        lambda: app(["data", "export", str(SERIES), str(tmp_path / "x.csv"), "--store", str(tmp_path)]),
    ):
        with pytest.raises(DataError, match=told):
            ask()
    day = Period("2024-01-02")
    trades = Series("bybit", "linear", "XYUSDT", "trades")
    with store.writer(trades) as writer:
        writer.write(day, pl.DataFrame({"time": [day.start], "price": [1.5]}), day_of("2024-01-02"))
    found = duckdb.sql(
        f"SELECT price FROM read_parquet('{tmp_path}/data/**/*.parquet', hive_partitioning=true)"
    )
    assert found.fetchall() == [(1.5,)]
    assert app(["data", "status", "--store", str(tmp_path), "--verify"], standalone_mode=False) is None
    assert str(SERIES) in capsys.readouterr().out
    asked = ["data", "check", str(SERIES), "--store", str(tmp_path), "--json"]
    assert app(asked, standalone_mode=False) in (None, 1)
    checked = json.loads(capsys.readouterr().out)
    assert list(checked) == [f"{tmp_path}/{file}" for file in store.files(SERIES)]
    assert all("XYUSDT book of 500" in report["parts"] for report in checked.values())


def test_killed_at_random_moments_nothing_is_half_visible(exchange, tmp_path):
    fetch(exchange, tmp_path / "whole", "2024-01-01", "2024-01-04")
    store, moments, kills = tmp_path / "store", random.Random(500), 0
    words = ["fetch", "bybit", "XYUSDT", "ob500", "--from", "2024-01-01", "--to", "2024-01-04"]
    words += ["--archive", exchange.url, "--store", str(store)]
    exchange.slow = 0.01
    for _ in range(40):
        asked = len(exchange.asked)
        work = subprocess.Popen(
            [sys.executable, "-m", "bateia", *words], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        until, patience = asked + moments.randrange(1, 3), time.monotonic() + 60
        while len(exchange.asked) < until and work.poll() is None and time.monotonic() < patience:
            time.sleep(0.001)
        time.sleep(moments.random() * 0.02)
        work.send_signal(signal.SIGKILL)
        kills += work.wait(timeout=60) == -signal.SIGKILL
        if (store / "store.json").is_file():
            kept = Store.open(store)
            assert all(kept.intact(part) for series in kept.series() for part in kept.parts(series))
            # Something is left to be killed at.
            for entry in list(store.glob("catalogue/**/2024-01-02.json")):
                entry.unlink()
        if kills == 5:
            break
    exchange.slow = 0.0
    assert kills == 5
    assert fetch(exchange, store, "2024-01-01", "2024-01-04").whole
    assert content(store) == content(tmp_path / "whole")


def test_from_the_store_to_bars_and_a_source(exchange, tmp_path, capsys):
    fetch(exchange, tmp_path / "store", "2024-01-01", "2024-01-02")
    folder = tmp_path / "store/data/source=bybit/market=linear/symbol=XYUSDT/kind=ob500"
    how = ["--depth", "10", "--every", "1s", "--bar", "10s", "--workers", "1", "--json"]
    assert (
        app(["book", "build", str(folder), "--out", str(tmp_path / "books"), *how], standalone_mode=False)
        is None
    )
    assert [report["messages"] for report in json.loads(capsys.readouterr().out)] == [120, 120]
    bars = BookSource(path=str(tmp_path / "books/XYUSDT/*.parquet")).read()
    assert len(bars) > 8 and (bars.book["bid"] == 100.0).all()


@pytest.mark.skipif(not REAL.is_file(), reason=f"no real book of Bybit at {REAL}: set BATEIA_DATA")
def test_the_real_day_by_the_command(exchange, tmp_path, capsys):
    exchange.add("2024-12-01", "ob500", REAL.read_bytes(), "XRPUSDT")
    words = ["fetch", "bybit", "XRPUSDT", "ob500", "--archive", exchange.url, "--json"]
    words += ["--from", "2024-12-01", "--to", "2024-12-01", "--store", str(tmp_path / "store")]
    assert app(words, standalone_mode=False) is None
    report = json.loads(capsys.readouterr().out)
    assert (report["rows"], report["series"]) == (50, "bybit/linear/XRPUSDT/ob500")
    check = ["data", "check", report["series"], "--store", str(tmp_path / "store"), "--json"]
    assert app(check, standalone_mode=False) is None
    assert [one["grade"] for one in json.loads(capsys.readouterr().out).values()] == ["ok"]
    folder = tmp_path / "store/data/source=bybit/market=linear/symbol=XRPUSDT/kind=ob500"
    how = ["--depth", "10", "--every", "100ms", "--bar", "1s", "--workers", "1"]
    out = str(tmp_path / "books")
    assert app(["book", "build", str(folder), "--out", out, *how], standalone_mode=False) is None
    bars = BookSource(path=f"{out}/XRPUSDT/2024-12-01.parquet").read()
    assert len(bars) == 3 and (abs(bars.close - 1.953) < 0.002).all()
