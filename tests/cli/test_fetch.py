"""`bateia fetch` and `bateia data` as a user meets them, killed at any moment too."""

import json
import random
import signal
import subprocess
import sys
import time

import polars as pl
import pytest
from typer.testing import CliRunner

from bateia import cli
from bateia.core import BateiaError
from bateia.core.period import Period
from bateia.store import Series, Store
from loopback_exchange import Exchange, serving

MONTHS = ["2024-01", "2024-02", "2024-03", "2024-04"]
SERIES = "binance/um/BTCUSDT/candles-15m"


@pytest.fixture(scope="module")
def exchange():
    """Three months in the archive, one of them with a hole that REST fills, and a fourth from REST alone."""
    with serving(Exchange()) as served:
        how = {"interval": "15m", "market": "futures/um", "prefix": "/fapi/v1/", "header": True}
        served.put_months(months=MONTHS[:3], **how)
        rows = served.klines["/fapi/v1/", "BTCUSDT", "15m"]
        inside = [row for row in rows if row[0] >= Period("2024-02").start // 1000]
        served.put("futures/um", "BTCUSDT", "15m", "2024-02", inside[:500] + inside[900:2784])
        april = Period("2024-04")
        served.put_rest(april.start, april.end, interval="15m", prefix="/fapi/v1/")
        yield served


def words(exchange, store, *more):
    urls = ["--archive", exchange.url, "--rest", exchange.url, "--store", str(store), "--market", "um"]
    return ["fetch", "binance", "BTCUSDT", "15m", "--from", MONTHS[0], "--to", MONTHS[-1], *urls, *more]


def invoke(*given):
    return CliRunner().invoke(cli.app, list(given), catch_exceptions=True)


def content(where):
    return {str(p.relative_to(where)): p.read_bytes() for p in sorted(where.rglob("*")) if p.is_file()}


@pytest.fixture(scope="module")
def fetched(exchange, tmp_path_factory):
    """A store whose files came one after the other, uninterrupted."""
    store = tmp_path_factory.mktemp("fetched")
    done = invoke(*words(exchange, store, "--json", "--at-once", "1"))
    assert done.exit_code == 0, done.output
    report = json.loads(done.stdout)
    assert (report["whole"], report["rows"]) == (True, 121 * 96)
    return store


def test_killed_at_ten_random_moments_the_store_is_the_same(exchange, fetched, tmp_path):
    store, seed = tmp_path / "store", 20_240
    moments, kills, ends = random.Random(seed), 0, []
    exchange.slow = 0.004
    try:
        for _ in range(40):
            asked = len(exchange.asked)
            work = subprocess.Popen(
                [sys.executable, "-m", "bateia", *words(exchange, store)],
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
            # From its first request on: what happens before that is the start of Python.
            until, patience = asked + moments.randrange(1, 14), time.monotonic() + 60
            while len(exchange.asked) < until and work.poll() is None and time.monotonic() < patience:
                time.sleep(0.001)
            time.sleep(moments.random() * 0.03)
            work.send_signal(signal.SIGKILL)
            ends.append(work.wait(timeout=60))
            kills += ends[-1] == -signal.SIGKILL
            if (store / "store.json").is_file():
                # Whatever is visible is whole.
                for series in Store.open(store).series():
                    for part in Store.open(store).parts(series):
                        assert Store.open(store).intact(part)
            if kills == 10:
                break
            if ends[-1] == 0:
                forget_a_month(store, moments)
    finally:
        exchange.slow = 0.0
    assert kills == 10, ends
    done = invoke(*words(exchange, store))
    assert done.exit_code == 0, done.output
    assert content(store) == content(fetched)


def forget_a_month(store, moments):
    """Take a month away, so that there is something left to be killed at."""
    (series,) = Store.open(store).series()
    part = moments.choice(Store.open(store).parts(series))
    (store / f"catalogue/{series}/{part.period}.json").unlink()


def test_what_is_shown(exchange, fetched, tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "bateia", *words(exchange, fetched)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0
    assert "BTCUSDT 15m" in done.stderr
    assert "4/4" in done.stderr
    assert f"{SERIES}: 0 rows added" in done.stdout
    assert "whole from 2024-01-01 00:00 to 2024-05-01 00:00" in done.stdout


def test_what_is_missing_is_told_by_the_exit_status(exchange, tmp_path):
    exchange.faults = {"2024-03.zip": [403]}
    done = invoke(*words(exchange, tmp_path))
    assert done.exit_code == 1
    assert "missing: 2024-03-01 00:00 to 2024-04-01 00:00" in done.stdout
    assert "run the same again" in done.stdout
    status = invoke("data", "status", "--store", str(tmp_path))
    assert f"{SERIES} lacks 2024-03-01 00:00 to 2024-04-01 00:00" in status.stdout
    assert invoke(*words(exchange, tmp_path)).exit_code == 0


def test_several_symbols_at_once(exchange, fetched, tmp_path):
    how = {"interval": "15m", "market": "futures/um", "prefix": "/fapi/v1/", "header": True}
    exchange.put_months(symbol="ETHUSDT", months=MONTHS[:2], **how)
    given = [
        word.replace("BTCUSDT", "ethusdt,NONEUSDT,BTCUSDT")
        for word in words(exchange, tmp_path, "--to", MONTHS[1])
    ]
    done = invoke(*given)
    assert "no 'NONEUSDT' among its USD-M futures" in str(done.exception)
    for symbol, rows in (("ETHUSDT", "5,760"), ("BTCUSDT", "5,760")):
        assert f"{SERIES.replace('BTCUSDT', symbol)}: {rows} rows added" in done.stdout
    done = invoke(*(word.replace("NONEUSDT,", "") for word in given), "--json")
    assert done.exit_code == 0
    assert [report["series"][11:18] for report in json.loads(done.stdout)] == ["ETHUSDT", "BTCUSDT"]


def test_each_symbol_that_fails_is_told(exchange, tmp_path):
    """What one is not does not hide what became of the others."""
    given = words(exchange, tmp_path, "--to", MONTHS[0])
    done = invoke(*(word.replace("BTCUSDT", "BTCUSDT,NONEUSDT,BTC/USDT,") for word in given))
    assert f"{SERIES}: 2,976 rows added" in done.stdout
    told = done.stderr + str(done.exception)
    for said in ("no 'NONEUSDT'", "'BTC/USDT' is no symbol", "'' is no symbol"):
        assert said in told
    done = invoke(*(word.replace("BTCUSDT", "BTCUSDT,ETHUSDT") for word in given), "--market", "nowhere")
    assert "error" not in done.stderr
    assert "no market 'nowhere'" in str(done.exception)


def test_status(fetched):
    (row,) = json.loads(invoke("data", "status", "--store", str(fetched), "--json").stdout)
    assert row["series"] == SERIES
    assert (row["rows"], row["missing"], row["absent"], row["corrupt"]) == (121 * 96, [], [], None)
    assert row["from"] == "2024-01-01T00:00:00Z"
    shown = invoke("data", "status", "--store", str(fetched))
    assert SERIES in shown.stdout


def test_status_verifies(fetched, tmp_path):
    copy = tmp_path / "copy"
    for name, data in content(fetched).items():
        (copy / name).parent.mkdir(parents=True, exist_ok=True)
        (copy / name).write_bytes(data)
    assert invoke("data", "status", "--store", str(copy), "--verify").exit_code == 0
    (path,) = copy.rglob("2024-02-*.parquet")
    path.write_bytes(path.read_bytes()[:-1])
    done = invoke("data", "status", "--store", str(copy), "--verify", "--json")
    assert done.exit_code == 1
    assert json.loads(done.stdout)[0]["corrupt"] == ["2024-02"]


def test_an_empty_store(tmp_path):
    Store.create(tmp_path)
    assert "holds nothing yet" in invoke("data", "status", "--store", str(tmp_path)).stdout


@pytest.mark.parametrize("name", ["out.parquet", "out.csv"])
def test_export(fetched, tmp_path, name):
    out = tmp_path / name
    more = ["--from", "2024-02-10", "--to", "2024-02-11", "--store", str(fetched)]
    done = invoke("data", "export", SERIES, str(out), *more)
    assert done.exit_code == 0, done.output
    table = pl.read_parquet(out) if name.endswith("parquet") else pl.read_csv(out)
    assert len(table) == 192
    wanted = Store.open(fetched).read(
        Series.parse(SERIES), *(Period("2024-02").days[k].start for k in (9, 11))
    )
    assert table["close"].to_list() == wanted["close"].to_list()


def test_a_query_in_sql(fetched, tmp_path):
    asked = [
        "data",
        "query",
        f'SELECT count(*) AS n, max(high) AS top FROM "{SERIES}"',
        "--store",
        str(fetched),
    ]
    highest = Store.open(fetched).read(Series.parse(SERIES))["high"].max()
    assert json.loads(invoke(*asked, "--json").stdout) == [{"n": 121 * 96, "top": highest}]
    shown = invoke(*asked).stdout
    assert str(121 * 96) in shown
    assert "1 rows" in shown
    out = tmp_path / "answer.csv"
    assert "1 rows written" in invoke(*asked, "--out", str(out)).stdout
    assert pl.read_csv(out)["top"].to_list() == [highest]


@pytest.mark.parametrize(
    ("given", "says"),
    [
        (["data", "status", "--store", "nowhere"], "'nowhere' is no store"),
        (["data", "export", "BTCUSDT", "out.csv"], "'BTCUSDT' is no series; allowed: source/market"),
        (["fetch", "binance", "BTCUSDT", "5m", "--from", "2999"], "2999 lies in the future"),
    ],
)
def test_one_clear_error(given, says, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    if given[1] == "export":
        Store.create(tmp_path / "store")
    done = invoke(*given)
    assert isinstance(done.exception, BateiaError)
    assert says in str(done.exception)


def test_an_interrupt_ends_at_once_though_the_exchange_is_silent(exchange, tmp_path):
    exchange.slow = 20.0
    asked = len(exchange.asked)
    try:
        work = subprocess.Popen(
            [sys.executable, "-m", "bateia", *words(exchange, tmp_path)], stderr=subprocess.PIPE, text=True
        )
        patience = time.monotonic() + 60
        while len(exchange.asked) < asked + 4 and time.monotonic() < patience:
            time.sleep(0.005)
        began = time.monotonic()
        work.send_signal(signal.SIGINT)
        said = work.communicate(timeout=60)[1]
    finally:
        exchange.slow = 0.0
    assert work.returncode == 130
    assert time.monotonic() - began < 5
    assert "what was fetched is kept" in said


def test_an_interrupt_ends_at_once_though_the_exchange_asked_for_patience(exchange, tmp_path):
    exchange.faults = {"2024-02.zip": [(429, 60)]}
    asked = exchange.count("2024-02.zip")
    work = subprocess.Popen(
        [sys.executable, "-m", "bateia", *words(exchange, tmp_path)], stderr=subprocess.PIPE, text=True
    )
    try:
        patience = time.monotonic() + 60
        while exchange.count("2024-02.zip") == asked and time.monotonic() < patience:
            time.sleep(0.005)
        time.sleep(0.5)
        work.send_signal(signal.SIGINT)
        said = work.communicate(timeout=20)[1]
    finally:
        work.kill()
    assert work.returncode == 130
    assert "what was fetched is kept" in said


def test_an_interrupt_keeps_what_is_there(exchange, tmp_path):
    exchange.slow = 0.05
    try:
        work = subprocess.Popen(
            [sys.executable, "-m", "bateia", *words(exchange, tmp_path)], stderr=subprocess.PIPE, text=True
        )
        patience = time.monotonic() + 60
        while not list(tmp_path.rglob("2024-02.json")) and time.monotonic() < patience:
            time.sleep(0.005)
        work.send_signal(signal.SIGINT)
        said = work.communicate(timeout=60)[1]
    finally:
        exchange.slow = 0.0
    assert work.returncode == 130
    assert "what was fetched is kept" in said
    assert Store.open(tmp_path).parts(Series.parse(SERIES))
