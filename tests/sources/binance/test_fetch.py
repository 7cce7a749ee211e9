"""Candles from an archive and a REST interface on loopback, with everything that goes wrong on the way."""

import errno
import os
import time
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from bateia.core import ConfigError, DataError, format_time
from bateia.core.clock import DAY, MINUTE
from bateia.core.coverage import Coverage
from bateia.core.period import Period
from bateia.sources import StoreSource, read_candles
from bateia.sources.binance import fetch_binance
from bateia.sources.binance.markets import MARKETS
from bateia.sources.binance.rest import Rest, UnknownSymbolError
from bateia.sources.web import Web
from bateia.store import Series, Store
from loopback_exchange import Exchange, damaged, generated_klines, serving

REAL = Path(os.environ.get("BATEIA_DATA", Path(__file__).parents[4] / "shared" / "data"))
SERIES = Series("binance", "spot", "BTCUSDT", "candles-5m")
STEP = 5 * MINUTE
PLACES = (".zip", ".CHECKSUM", "/api/v3/klines")
JAN, FEB, MAR = (Period(f"2024-0{k}") for k in (1, 2, 3))


@pytest.fixture
def exchange():
    with serving(Exchange()) as served:
        yield served


def fetch(
    exchange, store, since="2024-01", until="2024-03", *, symbol="BTCUSDT", what="5m", waited=None, **more
):
    """A fetch that never really waits."""
    web = Web(tries=4, sleep=(waited if waited is not None else []).append)
    urls = {"archive": exchange.url, "rest": exchange.url}
    return fetch_binance(store, symbol, what, since, until, web=web, **(urls | more))


def rows_of(store, series=SERIES):
    return Store.open(store).read(series)


def opened(store, series=SERIES):
    return rows_of(store, series)["open_time"].dt.epoch("us").to_numpy()


def content(where):
    return {str(p.relative_to(where)): p.read_bytes() for p in sorted(where.rglob("*")) if p.is_file()}


def wanted(first=JAN, last=MAR):
    return np.arange(first.start, last.end, STEP)


def test_months_from_the_archive(exchange, tmp_path):
    exchange.put_months(months=["2024-01", "2024-03"])
    exchange.put_months(months=["2024-02"], header=True)
    report = fetch(exchange, tmp_path)
    assert report.whole
    assert (report.files, report.rows) == (3, len(wanted()))
    assert np.array_equal(opened(tmp_path), wanted())
    table = rows_of(tmp_path)
    assert (table["time"] - table["open_time"]).unique().to_list() == [
        pl.Series([STEP]).cast(pl.Duration("us"))[0]
    ]
    given = generated_klines(JAN.start, MAR.end, STEP)
    for column, k in (("open", 1), ("high", 2), ("low", 3), ("close", 4), ("volume", 5), ("quote_volume", 7)):
        assert np.array_equal(table[column].to_numpy(), [float(row[k]) for row in given])
    origin = Store.open(tmp_path).part(SERIES, FEB).origin
    assert [one.name for one in origin] == ["BTCUSDT-5m-2024-02.zip"]


def test_only_what_is_missing_is_downloaded(exchange, tmp_path):
    exchange.put_months(months=["2024-01", "2024-02", "2024-03"])
    fetch(exchange, tmp_path, until="2024-01")
    exchange.asked.clear()
    report = fetch(exchange, tmp_path)
    assert report.files == 2
    assert exchange.count("2024-01") == 0
    exchange.asked.clear()
    before = content(tmp_path)
    assert fetch(exchange, tmp_path).rows == 0
    assert exchange.asked == []
    assert content(tmp_path) == before


@pytest.mark.parametrize("unit", [1000, 1])
def test_days_and_then_rest_where_no_month_is(exchange, tmp_path, unit):
    days = JAN.days[:20]
    for day in days:
        exchange.put("spot", "BTCUSDT", "5m", day.name, generated_klines(day.start, day.end, STEP, unit))
    exchange.put_rest(JAN.start, JAN.end)
    report = fetch(exchange, tmp_path, until="2024-01")
    assert report.whole
    assert report.files == 20
    assert np.array_equal(opened(tmp_path), wanted(JAN, JAN))
    assert exchange.count("/klines?") == 1 + 4  # the first candle of all, and 11 days in pages of 1,000
    origin = [one.name for one in Store.open(tmp_path).part(SERIES, JAN).origin]
    assert origin == [*(f"BTCUSDT-5m-{day.name}.zip" for day in days), "rest"]
    alone = tmp_path / "rest-alone"
    exchange.files.clear()
    fetch(exchange, alone, until="2024-01")
    assert rows_of(alone).equals(rows_of(tmp_path))


def test_gaps_of_files_are_filled_from_rest_or_known_to_be_absent(exchange, tmp_path):
    rows = generated_klines(JAN.start, JAN.end, STEP)
    exchange.put("spot", "BTCUSDT", "5m", "2024-01", rows[:100] + rows[150:400] + rows[420:])
    exchange.klines["/api/v3/", "BTCUSDT", "5m"] = rows[:400] + rows[420:]
    report = fetch(exchange, tmp_path, until="2024-01")
    hole = Coverage.of([(JAN.start + 400 * STEP, JAN.start + 420 * STEP)])
    assert report.whole
    assert report.absent == hole
    assert report.to_dict()["absent"] == [[format_time(moment) for moment in hole.stretches[0]]]
    assert len(opened(tmp_path)) == len(rows) - 20
    exchange.asked.clear()
    again = fetch(exchange, tmp_path, until="2024-01")
    assert (exchange.asked, again.absent) == ([], hole)


def test_before_the_listing_there_is_nothing(exchange, tmp_path):
    listing = FEB.start + 3 * DAY
    exchange.put_rest(listing, MAR.end)
    report = fetch(exchange, tmp_path)
    assert report.whole
    assert report.absent == Coverage.of([(JAN.start, listing)])
    assert opened(tmp_path)[0] == listing
    assert exchange.count("/daily/") == sum(day.end > listing for day in FEB.days) + 31


@pytest.mark.parametrize(
    ("fault", "where"),
    [
        *((fault, where) for fault in ("drop", 500, (429, 3), (418, 9)) for where in PLACES),
        ("truncate", ".zip"),
        ("corrupt", ".zip"),
    ],
)
def test_a_fault_that_passes_changes_nothing(exchange, tmp_path, fault, where):
    exchange.put_months(months=["2024-01"])
    exchange.put_rest(FEB.start, FEB.end)
    fetch(exchange, tmp_path / "calm", until="2024-02")
    exchange.faults = {where: [fault]} if where != ".zip" else {"2024-01.zip": [None, fault]}
    waited = []
    assert fetch(exchange, tmp_path / "rough", until="2024-02", waited=waited).whole
    assert content(tmp_path / "rough") == content(tmp_path / "calm")
    assert len(waited) == (fault not in {"corrupt", "truncate"})


def test_a_wrong_checksum_sends_us_to_rest(exchange, tmp_path):
    exchange.put_months(months=["2024-01"])
    (path,) = [path for path in exchange.files if path.endswith(".zip")]
    exchange.files[path] = exchange.files[path][:-1] + b"?"
    report = fetch(exchange, tmp_path, until="2024-01")
    assert report.whole
    assert "not the published" in report.notes[0]
    assert "3 downloads" in report.notes[0]
    assert [one.name for one in Store.open(tmp_path).part(SERIES, JAN).origin] == ["rest"]


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"no zip at all", "is no whole zip"),
        (damaged("BTCUSDT-5m-2024-01"), "is no whole zip: Error -3 while decompressing data"),
        ("twice", "candles of another time"),
        ("off", "opens at 2024-01-01T00:01:00Z"),
        ("words", "has 'soon' for open"),
        ("narrow", "has 3 columns; allowed: 11"),
    ],
)
def test_a_file_that_makes_no_sense_is_never_taken_for_nothing(exchange, tmp_path, data, says):
    """REST has nothing either: then the month is missing, not absent."""
    rows = generated_klines(JAN.start, JAN.end, STEP)
    if data == "twice":
        rows = generated_klines(FEB.start, FEB.end, STEP)
    elif data == "off":
        rows[0][0] += 60_000
    elif data == "words":
        rows[7][1] = "soon"
    elif data == "narrow":
        rows = [row[:3] for row in rows]
    exchange.put("spot", "BTCUSDT", "5m", "2024-01", rows)
    if isinstance(data, bytes):
        exchange.put_bytes("/data/spot/monthly/klines/BTCUSDT/5m/BTCUSDT-5m-2024-01.zip", data)
    report = fetch(exchange, tmp_path, until="2024-01")
    assert not report.whole
    ((reason, missing),) = report.failed.items()
    assert says in reason
    assert missing == Coverage.of([(JAN.start, JAN.end)])
    exchange.put_months(months=["2024-01"])
    assert fetch(exchange, tmp_path, until="2024-01").whole


def test_what_cannot_be_had_is_told_and_a_rerun_carries_on(exchange, tmp_path):
    exchange.put_months(months=["2024-01", "2024-03"])
    exchange.put_rest(FEB.start, FEB.end)
    fetch(exchange, tmp_path / "calm")
    exchange.faults = {"2024-03.zip": [500] * 4, "/api/v3/klines?": [None, None, *([503] * 4)]}
    report = fetch(exchange, tmp_path / "rough")
    assert not report.whole
    assert sorted(missing.stretches for missing in report.failed.values()) == [
        ((FEB.start, FEB.end),),
        ((MAR.start, MAR.end),),
    ]
    assert all("it carries on" in reason for reason in report.failed)
    with pytest.raises(DataError, match="lacks"):
        Store.open(tmp_path / "rough").read(SERIES, JAN.start, MAR.end)
    exchange.asked.clear()
    assert fetch(exchange, tmp_path / "rough").whole
    assert exchange.count("2024-01") == 0
    assert content(tmp_path / "rough") == content(tmp_path / "calm")


def test_nobody_there(tmp_path):
    exchange = Exchange()
    exchange.url = "http://127.0.0.1:1"
    waited = []
    report = fetch(exchange, tmp_path, waited=waited)
    assert not report.whole
    missing = [stretch for coverage in report.failed.values() for stretch in coverage.stretches]
    assert Coverage.of(missing) == Coverage.of([(JAN.start, MAR.end)])
    assert 3 <= len(waited) <= 9  # three waits of each download that had begun before the first gave up


@pytest.mark.parametrize("at_once", [2, 3, 16])
def test_files_side_by_side_make_the_same_bytes(exchange, tmp_path, at_once):
    """Months in any order, one with a hole that REST fills, and one in days whose end REST alone has."""
    rows = generated_klines(FEB.start, FEB.end, STEP)
    exchange.put_months(months=["2023-11", "2023-12", "2024-01"])
    exchange.put("spot", "BTCUSDT", "5m", "2024-02", rows[:900] + rows[950:])
    for day in MAR.days[:20]:
        exchange.put("spot", "BTCUSDT", "5m", day.name, generated_klines(day.start, day.end, STEP))
    exchange.put_rest(FEB.start, MAR.end)
    calm = fetch(exchange, tmp_path / "one", "2023-11", at_once=1)
    assert calm.whole
    assert exchange.busiest == 1
    exchange.slow, exchange.busiest = 0.02, 0
    exchange.faults = {"2023-11.zip": [None, "drop", "corrupt"], f"{MAR.days[3].name}.zip": [(429, 1)]}
    report = fetch(exchange, tmp_path / "many", "2023-11", at_once=at_once)
    assert 1 < exchange.busiest <= at_once + 1  # one for REST
    assert content(tmp_path / "many") == content(tmp_path / "one")
    assert {**report.to_dict(), "requests": 0} == {**calm.to_dict(), "requests": 0}


def test_what_is_there_is_in_the_store_while_another_file_is_under_way(exchange, tmp_path):
    exchange.put_months(months=["2024-01", "2024-02", "2024-03"])
    others = [tmp_path / f"catalogue/{SERIES}/2024-0{k}.json" for k in (2, 3)]
    found = []

    def meanwhile(seconds):
        until = time.monotonic() + 10
        while not all(path.is_file() for path in others) and time.monotonic() < until:
            time.sleep(0.005)
        found.append([path.is_file() for path in others])

    exchange.faults = {"2024-01.zip": [500]}
    with Web(tries=2, sleep=meanwhile) as web:
        urls = {"archive": exchange.url, "rest": exchange.url}
        assert fetch_binance(tmp_path, "BTCUSDT", "5m", "2024-01", "2024-03", web=web, **urls).whole
    assert found == [[True, True]]


@pytest.mark.parametrize("room", [0, 3, 8])
def test_a_full_disk_loses_nothing_and_a_rerun_carries_on(exchange, tmp_path, monkeypatch, room):
    exchange.put_months(months=["2024-01", "2024-02", "2024-03"])
    fetch(exchange, tmp_path / "calm")
    left, real = room, os.fsync

    def full(handle):
        nonlocal left
        left -= 1
        if left < 0:
            raise OSError(errno.ENOSPC, "No space left on device")
        real(handle)

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(DataError, match=r"cannot write .*No space left on device.*it carries on"):
            fetch(exchange, tmp_path / "rough")
    before = exchange.count(".zip")
    assert fetch(exchange, tmp_path / "rough").whole
    assert exchange.count(".zip") - before <= 6
    assert content(tmp_path / "rough") == content(tmp_path / "calm")


def test_a_corrupt_file_is_fetched_again(exchange, tmp_path):
    exchange.put_months(months=["2024-01", "2024-02", "2024-03"])
    fetch(exchange, tmp_path)
    before = content(tmp_path)
    path = tmp_path / Store.open(tmp_path).part(SERIES, FEB).file
    path.write_bytes(path.read_bytes()[:-9])
    exchange.asked.clear()
    report = fetch(exchange, tmp_path)
    assert "was corrupt and is fetched again" in report.notes[0]
    assert exchange.count(".zip") == exchange.count("2024-02") == 2
    assert content(tmp_path) == before


def test_unknown_symbols(exchange, tmp_path):
    with pytest.raises(UnknownSymbolError, match=r"no 'BTCUSDX' among its spot.*try: BTCUSDT"):
        fetch(exchange, tmp_path, symbol="BTCUSDX")
    assert exchange.count("/daily/") == 9  # three days of each month, no more
    exchange.symbols = []
    with pytest.raises(UnknownSymbolError, match="another --market"):
        fetch(exchange, tmp_path, symbol="BTCUSDX")


def test_a_delisted_symbol_is_in_the_archive_alone(exchange, tmp_path):
    exchange.put_months(symbol="OLDUSDT", months=["2024-01", "2024-02"])
    report = fetch(exchange, tmp_path, symbol="oldusdt")
    ((reason, missing),) = report.failed.items()
    assert "know no symbol 'OLDUSDT'" in reason
    assert missing == Coverage.of([(MAR.start, MAR.end)])
    assert len(opened(tmp_path, Series("binance", "spot", "OLDUSDT", "candles-5m"))) == len(wanted(JAN, FEB))


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ({"since": "2999-01", "until": ""}, "2999-01 lies in the future"),
        ({"until": "2999"}, "2999 lies in the future.*leave --to out"),
        ({"since": "2024-05", "until": "2024-04"}, "is no stretch of time"),
        ({"since": "May"}, "'May' is no date"),
        ({"what": "7m"}, "no candles of '7m' on spot; allowed: 1s, 1m.*try: "),
        ({"what": "3d"}, "candles of '3d' are not taken: .*; try: 1d"),
        ({"what": "1M"}, "candles of '1M' are not taken: months differ in length"),
        ({"what": "1s", "market": "um"}, "no candles of '1s' on USD-M"),
        ({"symbol": "BTC/USDT"}, "'BTC/USDT' is no symbol"),
        ({"at_once": 0}, "0 downloads at a time; allowed: 1 to 16"),
        ({"market": "option"}, "no market 'option' at Binance; allowed: spot"),
    ],
)
def test_what_cannot_be_meant(exchange, tmp_path, words, says):
    with pytest.raises(ConfigError, match=says):
        fetch(exchange, tmp_path, **words)
    assert exchange.asked == []


def test_the_candle_under_way_is_not_taken(exchange, tmp_path, monkeypatch):
    """Ours is a clock that runs ahead: the exchange's decides which candle is whole."""
    real = JAN.start + 10 * STEP + 7_000_000
    monkeypatch.setattr("time.time", lambda: (real + 3 * MINUTE * 5) / 1e6)
    exchange.now = real // 1000
    exchange.put_rest(JAN.start, JAN.end)
    fetch(exchange, tmp_path, until="")
    assert len(opened(tmp_path)) == 10
    exchange.now += 2 * STEP // 1000
    report = fetch(exchange, tmp_path, until="2024-01")
    assert report.rows == 2
    assert np.array_equal(opened(tmp_path), np.arange(JAN.start, JAN.start + 12 * STEP, STEP))


@pytest.mark.parametrize("from_archive", [True, False])
def test_weeks_begin_on_monday_whatever_month_it_is(exchange, tmp_path, monkeypatch, from_archive):
    """A week belongs to the month in which it opens, and is taken once it is over."""
    mondays = np.arange(Period("2024-01-01").start, MAR.end, 7 * DAY)
    if from_archive:
        exchange.put_months(interval="1w", months=["2024-01", "2024-02", "2024-03"])
    else:
        exchange.put_rest(JAN.start, MAR.end, interval="1w")
    series = Series("binance", "spot", "BTCUSDT", "candles-1w")
    friday = Period("2024-02-02").start
    monkeypatch.setattr("time.time", lambda: friday / 1e6)
    exchange.now = friday // 1000
    report = fetch(exchange, tmp_path, until="", what="1w")
    assert (report.whole, report.rows) == (True, 4)  # the fifth of January ends on 5 February
    monkeypatch.setattr("time.time", lambda: MAR.end * 2 / 1e6)
    for until in ("2024-01", "2024-03"):
        report = fetch(exchange, tmp_path, until=until, what="1w")
        assert report.whole
        assert not report.absent
    assert np.array_equal(opened(tmp_path, series), mondays)
    assert len(Store.open(tmp_path).part(series, JAN).covered) == 1
    assert exchange.count("/daily/") == 0
    bars = StoreSource(symbol="BTCUSDT", interval="1w", market="spot", store=str(tmp_path)).read()
    assert np.array_equal(bars.time, mondays + 7 * DAY)
    exchange.asked.clear()
    assert fetch(exchange, tmp_path, what="1w").rows == 0
    assert exchange.asked == []


def test_weight_is_watched(exchange):
    exchange.headers = {"X-MBX-USED-WEIGHT-1M": "4801"}
    exchange.put_rest(JAN.start, JAN.end)
    waited = []
    with Web() as web:
        rest = Rest(web, exchange.url, MARKETS["spot"], sleep=waited.append, clock=lambda: 130.0)
        pages = list(rest.candles("BTCUSDT", "5m", STEP, JAN.start, JAN.start + 2500 * STEP))
    assert [len(page) for page in pages] == [1000, 1000, 500]
    assert waited == [50.0] * 3


def test_rest_answers_that_are_none(exchange, tmp_path):
    exchange.put_rest(JAN.start, JAN.end)
    foreign = generated_klines(FEB.start, FEB.start + STEP, STEP)
    for fault, says in (
        (b'{"surprise": 1}', "answers with no list"),
        (b"[[1, 2]]", "a row of another form"),
        (repr(foreign).replace("'", '"').encode(), "not asked for"),
        (400, "refuses"),
    ):
        exchange.faults = {"/api/v3/klines?": [None, fault]}
        report = fetch(exchange, tmp_path, until="2024-01-01")
        ((reason, missing),) = report.failed.items()
        assert says in reason
        assert missing.length == DAY
    assert fetch(exchange, tmp_path, until="2024-01-01").whole


def test_coin_margined_volume_is_in_contracts(exchange, tmp_path):
    exchange.symbols = ["BTCUSD_PERP"]
    exchange.put_rest(JAN.start, JAN.end, symbol="BTCUSD_PERP", interval="1d", prefix="/dapi/v1/")
    fetch(exchange, tmp_path, until="2024-01", symbol="BTCUSD_PERP", what="1d", market="cm")
    table = rows_of(tmp_path, Series("binance", "cm", "BTCUSD_PERP", "candles-1d"))
    assert {"volume", "base_volume", "taker_buy_base_volume"} <= set(table.columns)
    assert "quote_volume" not in table.columns


@pytest.mark.skipif(not (REAL / "binance").is_dir(), reason="no real candles beside the project")
@pytest.mark.parametrize(
    ("market", "symbol", "interval", "since", "until", "files"),
    [
        ("spot", "BTCUSDT", "5m", "2024-01", "2024-09", "spot/monthly/klines/BTCUSDT/5m/*2024-*.zip"),
        ("spot", "BTCUSDT", "5m", "2025-01", "2025-01", "spot/monthly/klines/BTCUSDT/5m/*2025-01.zip"),
        ("um", "FILUSDT", "1m", "2023-08", "2023-11", "futures/um/monthly/klines/FILUSDT/1m/*.zip"),
    ],
)
def test_the_real_archive(tmp_path, market, symbol, interval, since, until, files):
    with serving(Exchange(REAL / "binance")) as exchange:
        report = fetch(exchange, tmp_path, since, until, symbol=symbol, what=interval, market=market)
    assert report.whole, report.failed
    assert not report.absent
    theirs = read_candles(REAL / "binance/data" / files)
    ours = rows_of(tmp_path, Series("binance", market, symbol, f"candles-{interval}"))
    assert np.array_equal(ours["open_time"].dt.epoch("us").to_numpy(), theirs.open_time)
    assert np.array_equal(ours["close"].to_numpy(), theirs.close)
    assert np.array_equal(ours["quote_volume"].to_numpy(), theirs.value)
