"""Aggregated and single trades: by day from daily files or the month's, by id from REST."""

import json
import os
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from bateia.core import DataError
from bateia.core.clock import DAY, HOUR, MINUTE, SECOND
from bateia.core.coverage import Coverage
from bateia.core.period import Period
from bateia.quality import validate_trades
from bateia.sources import StoreSource
from bateia.sources.binance import fetch_binance, prints
from bateia.sources.binance.markets import MARKETS
from bateia.sources.binance.prints import AGGREGATED, rest_rows, trade_table
from bateia.sources.binance.rest import Rest, UnknownSymbolError
from bateia.sources.web import Web
from bateia.store import Series, Store
from loopback_exchange import Exchange, as_lines, damaged, generated_trades, serving

REAL = Path(os.environ.get("BATEIA_DATA", Path(__file__).parents[4] / "shared" / "data"))
SERIES = Series("binance", "spot", "BTCUSDT", "agg_trades")
MONTH = Period("2024-01")
DAYS = MONTH.days[:4]
STEP = 7 * MINUTE
KEY = ("/api/v3/", "BTCUSDT")
HEADER = "agg_trade_id,price,quantity,first_trade_id,last_trade_id,transact_time,is_buyer_maker"


@pytest.fixture
def exchange():
    with serving(Exchange()) as served:
        served.trades[KEY] = generated_trades(MONTH.start, MONTH.end, STEP)
        yield served


def rows_in(exchange, period):
    return [row for row in exchange.trades[KEY] if period.start <= row["T"] * 1000 < period.end]


def put_days(exchange, days=DAYS, unit=1000):
    for day in days:
        rows = [row | {"T": row["T"] * (1000 // unit)} for row in rows_in(exchange, day)]
        exchange.put_file("spot", "aggTrades", "BTCUSDT", "", day.name, as_lines(rows))


def fetch(exchange, store, since="2024-01-01", until="2024-01-04", what="aggTrades", **more):
    web = Web(tries=4, sleep=lambda seconds: None)
    urls = {"archive": exchange.url, "rest": exchange.url}
    return fetch_binance(store, "BTCUSDT", what, since, until, web=web, **(urls | more))


def table(store, series=SERIES):
    return Store.open(store).read(series)


def check(found, rows):
    """Every trade, once, in order, and as it was."""
    assert found["id"].to_list() == [row["a"] for row in rows]
    assert found["time"].dt.epoch("ms").to_list() == [row["T"] for row in rows]
    assert found["price"].to_list() == [float(row["p"]) for row in rows]
    assert found["size"].to_list() == [float(row["q"]) for row in rows]
    assert found["side"].to_list() == [-1 if row["m"] else 1 for row in rows]


def content(where):
    return {str(p.relative_to(where)): p.read_bytes() for p in sorted(where.rglob("*")) if p.is_file()}


@pytest.mark.parametrize("unit", [1000, 1])
def test_daily_files(exchange, tmp_path, unit):
    put_days(exchange, unit=unit)
    report = fetch(exchange, tmp_path)
    assert report.whole
    assert report.files == 4
    check(table(tmp_path), [row for day in DAYS for row in rows_in(exchange, day)])
    exchange.asked.clear()
    assert fetch(exchange, tmp_path).rows == 0
    assert exchange.asked == []
    source = StoreSource(symbol="BTCUSDT", data="agg_trades", store=str(tmp_path))
    validate_trades(source.read())


@pytest.mark.parametrize("chunk", [997, 1 << 25])
def test_the_month_where_no_day_is(exchange, tmp_path, monkeypatch, chunk):
    monkeypatch.setattr(prints, "CHUNK", chunk)
    rows = rows_in(exchange, MONTH)
    exchange.put_file("spot", "aggTrades", "BTCUSDT", "", "2024-01", as_lines(rows), HEADER)
    report = fetch(exchange, tmp_path, until="2024-01")
    assert (report.whole, report.files, report.rows) == (True, 1, len(rows))
    check(table(tmp_path), rows)
    assert len(Store.open(tmp_path).parts(SERIES)) == 31


@pytest.mark.parametrize("chunk", [997, 1 << 25])
@pytest.mark.parametrize("what", ["aggTrades", "trades"])
def test_trades_whose_order_is_not_that_of_time_around_midnight(exchange, tmp_path, monkeypatch, what, chunk):
    monkeypatch.setattr(prints, "CHUNK", chunk)
    rows = rows_in(exchange, MONTH)
    first = next(k for k, row in enumerate(rows) if row["T"] * 1000 >= MONTH.days[9].start)
    for late, early in ((first - 1, first), (first - 3, first + 2)):
        rows[late]["T"], rows[early]["T"] = rows[early]["T"], rows[late]["T"]
    lines = as_lines(rows)
    if what == "trades":
        lines = [
            [a, price, size, 1, moment, maker, maker] for a, price, size, _, _, moment, maker, _ in lines
        ]
    exchange.put_file("spot", what, "BTCUSDT", "", "2024-01", lines)
    report = fetch(exchange, tmp_path, until="2024-01", what=what)
    assert (report.whole, report.rows) == (True, len(rows))
    check(table(tmp_path, report.series), sorted(rows, key=lambda row: row["T"]))


@pytest.mark.parametrize("at_once", [1, 4, 16])
def test_days_that_wait_for_the_same_month_share_its_file(exchange, tmp_path, at_once):
    rows = rows_in(exchange, MONTH)
    put_days(exchange, MONTH.days[9:12])
    exchange.put_file("spot", "aggTrades", "BTCUSDT", "", "2024-01", as_lines(rows), HEADER)
    assert fetch(exchange, tmp_path, until="2024-01", at_once=at_once).whole
    check(table(tmp_path), rows)
    assert exchange.count("2024-01.zip") == 2  # and its checksum


def test_a_broken_month_is_downloaded_once_for_all_its_days(exchange, tmp_path):
    exchange.put_file("spot", "aggTrades", "BTCUSDT", "", "2024-01", [[1, 2, 3]])
    report = fetch(exchange, tmp_path, until="2024-01")
    assert report.whole  # REST has them
    assert exchange.count("2024-01.zip") == 2
    assert ["has 3 columns" in note and "not used" in note for note in report.notes] == [True]


def test_a_file_that_cannot_be_unpacked_is_not_used(exchange, tmp_path):
    put_days(exchange)
    (path,) = [path for path in exchange.files if path.endswith(f"{DAYS[1].name}.zip")]
    exchange.put_bytes(path, damaged(DAYS[1].name))
    report = fetch(exchange, tmp_path)
    assert report.whole
    assert ["is no whole zip" in note and "not used" in note for note in report.notes] == [True]
    check(table(tmp_path), [row for day in DAYS for row in rows_in(exchange, day)])


def test_a_file_whose_checksum_is_never_met_is_not_used(exchange, tmp_path):
    put_days(exchange)
    (path,) = [path for path in exchange.files if path.endswith(f"{DAYS[1].name}.zip")]
    exchange.files[path] = exchange.files[path][:-1] + b"?"
    report = fetch(exchange, tmp_path)
    assert report.whole
    assert [("not the published" in note, "not used" in note) for note in report.notes] == [(True, True)]
    check(table(tmp_path), [row for day in DAYS for row in rows_in(exchange, day)])


def test_a_corrupt_day_is_fetched_again(exchange, tmp_path):
    put_days(exchange)
    fetch(exchange, tmp_path)
    before = content(tmp_path)
    path = tmp_path / Store.open(tmp_path).part(SERIES, DAYS[1]).file
    path.write_bytes(path.read_bytes()[:-9])
    exchange.asked.clear()
    assert "was corrupt and is fetched again" in fetch(exchange, tmp_path).notes[0]
    assert exchange.count(".zip") == exchange.count(DAYS[1].name) == 2
    assert content(tmp_path) == before


def test_rest_where_no_file_is(exchange, tmp_path):
    exchange.trades[KEY] = generated_trades(MONTH.start + HOUR // 2, DAYS[3].end, 20 * SECOND)
    report = fetch(exchange, tmp_path)
    assert report.whole
    check(table(tmp_path), exchange.trades[KEY])
    parts = Store.open(tmp_path).parts(SERIES)
    assert [one.name for part in parts for one in part.origin] == ["rest"] * 4


def test_days_and_rest_join_at_the_seam(exchange, tmp_path, monkeypatch):
    """A live fetch goes on where the last one stopped; later the day's file says the same."""
    put_days(exchange, DAYS[:2])
    noon = DAYS[2].start + 12 * HOUR
    monkeypatch.setattr("time.time", lambda: noon / 1e6)
    exchange.now = noon // 1000
    fetch(exchange, tmp_path, until="")
    known = [row for row in exchange.trades[KEY] if row["T"] * 1000 < noon]
    check(table(tmp_path), known)
    exchange.now += 6 * HOUR // 1000
    monkeypatch.setattr("time.time", lambda: (noon + 6 * HOUR) / 1e6)
    exchange.asked.clear()
    fetch(exchange, tmp_path, until="")
    check(table(tmp_path), [row for row in exchange.trades[KEY] if row["T"] * 1000 < noon + 6 * HOUR])
    assert exchange.count(".zip") == 0


def test_a_missing_id_is_asked_for(exchange, tmp_path):
    rows = rows_in(exchange, DAYS[0])
    exchange.put_file("spot", "aggTrades", "BTCUSDT", "", DAYS[0].name, as_lines(rows[:50] + rows[60:]))
    exchange.faults = {"aggTrades?": [503] * 4}
    report = fetch(exchange, tmp_path, until="2024-01-01")
    ((reason, missing),) = report.failed.items()
    assert "503" in reason
    assert missing == Coverage.of([(rows[49]["T"] * 1000, rows[60]["T"] * 1000 + 1)])
    assert fetch(exchange, tmp_path, until="2024-01-01").whole
    check(table(tmp_path), rows)


def test_an_id_that_nobody_has_is_absent(exchange, tmp_path):
    rows = rows_in(exchange, DAYS[0])
    exchange.trades[KEY] = [row for row in exchange.trades[KEY] if not 50 < row["a"] < 60]
    put_days(exchange, DAYS[:1])
    report = fetch(exchange, tmp_path, until="2024-01-01")
    assert report.whole
    assert report.absent == Coverage.of([(rows[49]["T"] * 1000, rows[59]["T"] * 1000 + 1)])


def test_interrupted_between_days_the_bytes_are_the_same(exchange, tmp_path):
    put_days(exchange)
    fetch(exchange, tmp_path / "calm")
    exchange.faults = {f"{DAYS[2].name}.zip": ["drop"] * 4}
    assert not fetch(exchange, tmp_path / "rough").whole
    assert fetch(exchange, tmp_path / "rough").whole
    assert content(tmp_path / "rough") == content(tmp_path / "calm")


def test_single_trades_are_in_files_alone(exchange, tmp_path):
    lines = [[k, "1.5", "2.0", "3.0", (DAYS[0].start + k * SECOND) // 1000, "true"] for k in range(100)]
    header = "id,price,qty,quote_qty,time,is_buyer_maker"
    exchange.put_file("futures/um", "trades", "BTCUSDT", "", DAYS[0].name, lines, header)
    exchange.trades["/fapi/v1/", "BTCUSDT"] = generated_trades(MONTH.start, MONTH.end, STEP)
    report = fetch(exchange, tmp_path, until="2024-01-02", what="trades", market="um")
    ((reason, missing),) = report.failed.items()
    assert "the archive has no file of trades" in reason
    assert missing == Coverage.of([(DAYS[1].start, DAYS[1].end)])
    found = Store.open(tmp_path).read(Series("binance", "um", "BTCUSDT", "trades"))
    assert len(found) == 100
    assert (found["side"] == -1).all()


def test_an_unknown_symbol_is_not_asked_of_rest_for_every_day(exchange, tmp_path):
    exchange.symbols = ["ETHUSDT"]
    with pytest.raises(UnknownSymbolError, match="no 'BTCUSDT' among its spot"):
        fetch(exchange, tmp_path, until="2024-01-20")
    assert exchange.count("/api/") == 2  # when it was listed, and which symbols there are
    put_days(exchange, DAYS[:2])
    report = fetch(exchange, tmp_path)
    ((reason, missing),) = report.failed.items()
    assert "REST knows no symbol 'BTCUSDT'" in reason
    assert missing == Coverage.of([(DAYS[2].start, DAYS[3].end)])


def test_before_the_listing_there_is_nothing(exchange, tmp_path):
    exchange.trades[KEY] = rows_in(exchange, DAYS[3])
    report = fetch(exchange, tmp_path)
    assert report.whole
    assert report.absent == Coverage.of([(DAYS[0].start, DAYS[2].end)])
    assert exchange.count("/daily/") == 1


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"m": 7}, "has '7' for maker_buys; allowed: true or false"),
        ({"p": "high"}, "has 'high' for price"),
        ({"a": None}, "has 'None' for id"),
    ],
)
def test_cells_that_make_no_sense(change, says):
    rows = generated_trades(DAYS[0].start, DAYS[0].end, HOUR)
    rows[3] = rows[3] | change
    with pytest.raises(DataError, match=says):
        trade_table(rest_rows(rows, AGGREGATED, "x"), "x")


def test_a_file_of_another_day_is_not_used(exchange, tmp_path):
    exchange.put_file("spot", "aggTrades", "BTCUSDT", "", DAYS[0].name, as_lines(rows_in(exchange, DAYS[1])))
    report = fetch(exchange, tmp_path, until="2024-01-01")
    assert "holds trades of another time: not used" in report.notes[0]
    assert report.whole  # REST has them
    check(table(tmp_path), rows_in(exchange, DAYS[0]))


@pytest.mark.skipif(not (REAL / "recordings").is_dir(), reason="no recordings beside the project")
def test_recorded_answers_are_understood():
    recorded = json.loads((REAL / "recordings/binance-rest.json").read_text())
    seen = 0
    for route, answers in recorded.items():
        market = {"/api": "spot", "/fap": "um", "/dap": "cm"}[route[:4]]
        if not route.endswith(("klines", "aggTrades")):
            continue
        for answer in answers["GET"]:
            data = answer["data"]
            asked = dict(pair.split("=") for pair in answer["queryString"].split("&"))
            with serving(Recorded(data)) as exchange, Web() as web:
                rest = Rest(web, exchange.url, MARKETS[market])
                if not isinstance(data, list):
                    with pytest.raises(DataError, match="Maximum time interval is 200 days"):
                        list(rest.candles(asked["symbol"], "1d", DAY, 0, DAY))
                elif route.endswith("klines"):
                    seen += check_klines(rest, asked, data)
                elif not all("m" in row for row in data):
                    with pytest.raises(DataError, match="another form; allowed: objects with a, p, q"):
                        list(rest.trades_from(asked["symbol"], AGGREGATED, 0))
                else:
                    found = rest._trades(asked["symbol"], AGGREGATED, {})
                    assert found["id"].to_list() == sorted({row["a"] for row in data})
                    assert np.array_equal(found["side"] == -1, [row["m"] for row in data])
                    seen += len(found)
    assert seen > 5000


def check_klines(rest, asked, data):
    """Candles of a length that the store takes, read as they were recorded."""
    steps = {"1m": MINUTE, "5m": 5 * MINUTE, "1h": HOUR, "1d": DAY}
    if asked["interval"] not in steps:
        return 0
    step = steps[asked["interval"]]
    start, end = data[0][0] * 1000, data[-1][0] * 1000 + step
    (found, *more) = rest.candles(
        asked["symbol"], asked["interval"], step, start, min(end, start + 1000 * step)
    )
    assert not more
    assert found["open_time"].dt.epoch("ms").to_list() == [row[0] for row in data]
    assert found["close"].to_list() == [float(row[4]) for row in data]
    assert found["trades"].to_list() == [float(row[8]) for row in data]
    return len(found)


class Recorded(Exchange):
    """Gives one recorded answer to whatever is asked."""

    def __init__(self, data):
        super().__init__()
        self.data = data

    def rest(self, prefix, route, asked):
        return 200 if isinstance(self.data, list) else 400, json.dumps(self.data).encode()


def test_generated_trades_are_the_same_from_both_sides(exchange):
    """The server's two ways of telling a trade agree, or the tests above would show nothing."""
    rows = rows_in(exchange, DAYS[0])[:10]
    lines = pl.DataFrame(
        {name: [str(line[k]) for line in as_lines(rows)] for k, name in enumerate(AGGREGATED.columns)}
    )
    assert trade_table(lines, "file").equals(trade_table(rest_rows(rows, AGGREGATED, "rest"), "rest"))
