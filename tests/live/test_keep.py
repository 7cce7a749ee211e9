"""Live rows in the store: those that a fetch would bring, whatever happens, and never more than is true."""

import asyncio
import errno
import json
import os
import zipfile
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing
from pathlib import Path
from threading import Event

import numpy as np
import polars as pl
import pytest
import zstandard
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from bateia.core import ConfigError, DataError
from bateia.core.clock import HOUR, MINUTE, SECOND
from bateia.core.coverage import Coverage
from bateia.core.period import Period
from bateia.live import Keeper, LiveCandles, LiveTrades, Place
from bateia.pipeline import run
from bateia.recipe import Recipe
from bateia.sources import StoreSource
from bateia.sources.binance import fetch_binance
from bateia.sources.web import Web
from bateia.store import Series, Store, folder, spans, status
from faulty_stream import faulty
from loopback_exchange import Exchange, generated_klines, generated_trades, serving
from loopback_stream import SILENT, Stream, agg_trade, kline, streaming

REAL = Path(os.environ.get("BATEIA_DATA", Path(__file__).parents[3] / "shared" / "data"))
DAYS = [Period("2024-01-01"), Period("2024-01-02"), Period("2024-01-03")]
QUICK = {"backoff": 0.001, "longest": 0.01, "silence": 10.0}
TRADES, STEP = Series("binance", "spot", "BTCUSDT", "agg_trades"), 5 * MINUTE
CANDLES = Series("binance", "spot", "BTCUSDT", "candles-5m")
KEY = ("/api/v3/", "BTCUSDT")


def an_exchange(rows=(), klines=()):
    exchange = Exchange()
    exchange.trades[KEY], exchange.klines[*KEY, "5m"] = list(rows), list(klines)
    exchange.now = (DAYS[-1].end + HOUR) // 1000
    return exchange


def keep(
    stream, exchange, store, last, what="agg_trades", every=0.02, market="spot", symbol="BTCUSDT", **more
):
    """Keep what a stream brings until the row of this number is there; its blocks, and the keeper."""

    async def main():
        with Web(tries=2, sleep=lambda seconds: None, forgives=True) as web:
            async with streaming(stream):
                how = {"stream": stream.url, "rest": exchange.url, "web": web} | more
                place = Place(market=market, patience=QUICK, wait=0.001, **how)
                live = LiveCandles(symbol, what, place=place) if what == "5m" else None
                keeper = Keeper(live or LiveTrades(symbol, what, place=place), store, every=every)
                blocks = []
                async with aclosing(keeper.blocks()) as coming:
                    async for block in coming:
                        blocks.append(block)
                        if (block.open_time[-1] // STEP if live else block.id[-1]) >= last:
                            break
                return blocks, keeper

    return asyncio.run(asyncio.wait_for(main(), 60))


def fetch(exchange, store, since=DAYS[0].name, until=DAYS[-1].name, what="aggTrades", **more):
    with Web(tries=2, sleep=lambda seconds: None) as web:
        urls = {"archive": exchange.url, "rest": exchange.url}
        return fetch_binance(store, "BTCUSDT", what, since, until, web=web, **(urls | more))


def table_of(store, series=TRADES):
    """Every row of a series, whether or not all between is covered."""
    store = Store.open(store)
    return pl.concat([store.table(series, part) for part in store.parts(series) if part.rows])


def assert_same(found, wanted):
    assert found.schema == wanted.schema
    assert found.drop("known_at").equals(wanted.drop("known_at"))


def assert_known(store, series=TRADES):
    """As a recipe reads it, no row is known before its time, or before the row ahead of it."""
    how = {"interval": "5m"} if series == CANDLES else {"data": "agg_trades"}
    read = StoreSource(symbol="BTCUSDT", store=str(store), **how).read()
    assert (read.known_at >= read.time).all() and (np.diff(read.known_at) >= 0).all()
    return read


@pytest.fixture(scope="module")
def rows():
    """Trades through two midnights, several of them at a moment."""
    made = generated_trades(DAYS[0].end - 12 * SECOND, DAYS[1].start + 12 * SECOND, SECOND)
    made += generated_trades(DAYS[2].start, DAYS[2].start + 12 * SECOND, SECOND, len(made) + 1)
    return [row | {"T": row["T"] - row["T"] % 3000} for row in made]


@st.composite
def lives(draw, rows):
    """How many rows are history, which can never be had live, and what the streams of each start say."""
    cuts = sorted(draw(st.sets(st.integers(1, len(rows) - 1), max_size=3)) | {len(rows)})
    history = draw(st.integers(0, cuts[0] - 1))
    while history and rows[history]["T"] == rows[history - 1]["T"]:
        history -= 1  # a fetch never ends within a moment
    free = [k for k in range(history, len(rows)) if k + 1 not in cuts]
    lost = draw(st.sets(st.sampled_from(free), max_size=5)) if free and draw(st.booleans()) else set()
    starts, before = [], history
    for cut in cuts:
        there = [rows[k] for k in range(before, cut) if k not in lost]
        starts.append((cut, draw(faulty(there, agg_trade))))
        before = cut
    return history, lost, starts


@settings(max_examples=10, phases=[Phase.generate])  # a start takes long: no time to shrink
@given(st.data())
def test_what_was_kept_is_what_a_fetch_brings(rows, tmp_path_factory, data):
    history, lost, starts = data.draw(lives(rows))
    kept, plain = tmp_path_factory.mktemp("kept"), tmp_path_factory.mktemp("plain")
    with serving(an_exchange(rows[:history])) as exchange:
        if history:
            fetch(exchange, kept, until=moment_of(rows[history - 1]))
        shown = []
        for cut, scripts in starts:
            exchange.trades[KEY] = [row for k, row in enumerate(rows[:cut]) if k not in lost]
            blocks, keeper = keep(Stream(*scripts), exchange, kept, cut)
            shown += [number for block in blocks for number in block.id.tolist()]
            assert keeper.kept == sum(map(len, blocks))
        first = shown[0] - 1
        expected = [k + 1 for k in range(len(rows)) if (k < history or k >= first) and k not in lost]
        found = table_of(kept)
        assert found["id"].to_list() == expected
        assert shown == [number for number in expected if number > history]
        check_coverage(Store.open(kept), rows, set(expected))
        exchange.trades[KEY] = rows
        assert fetch(exchange, kept).whole and fetch(exchange, plain).whole
    assert_same(table_of(kept), table_of(plain))
    assert Store.open(kept).coverage(TRADES) == Store.open(plain).coverage(TRADES)
    assert_known(kept)


def moment_of(row):
    """A moment that a fetch may end with, in which all of the row's have happened."""
    return f"{np.datetime64(row['T'] + 1, 'ms')}"


def check_coverage(store, rows, there):
    """Every row of the time that is covered is there, and what is not covered within has a reason."""
    covered = store.coverage(TRADES)
    for row in rows:
        inside = any(start <= row["T"] * 1000 < end for start, end in covered.stretches)
        assert not inside or row["a"] in there
    missing = status(store, TRADES)["missing"]
    gaps = Coverage.of([(covered.stretches[0][0], covered.stretches[-1][1])]) - covered if covered else ()
    assert len(missing) == len(gaps.stretches if gaps else ())
    for start, end in gaps.stretches if gaps else ():
        assert any(start <= row["T"] * 1000 < end for row in rows if row["a"] not in there)


@settings(max_examples=5, phases=[Phase.generate])
@given(st.data())
def test_candles_are_kept_as_a_fetch_brings_them(tmp_path_factory, data):
    kept, plain = tmp_path_factory.mktemp("kept"), tmp_path_factory.mktemp("plain")
    begin, end = DAYS[0].start - 20 * STEP, DAYS[0].start + 20 * STEP  # two months
    klines = generated_klines(begin, end, STEP)
    with serving(an_exchange(klines=klines[:10])) as exchange:
        exchange.now = end // 1000
        span = ("2023-12-31T22:20", "2024-01-01T01:40")
        fetch(exchange, kept, span[0], "2023-12-31T23:10", "5m")
        for last in (25, 40):
            exchange.klines[*KEY, "5m"] = klines[:last]
            stream = Stream(*data.draw(faulty(klines[10:last], kline)))
            keep(stream, exchange, kept, begin // STEP + last - 1, "5m")
        assert fetch(exchange, plain, *span, "5m").whole
    assert_same(table_of(kept, CANDLES), table_of(plain, CANDLES))
    assert Store.open(kept).coverage(CANDLES) == Store.open(plain).coverage(CANDLES)
    assert len(assert_known(kept, CANDLES)) == 40


def test_a_fetch_asks_for_what_was_lost_and_for_nothing_else(rows, tmp_path):
    with serving(an_exchange(rows[:4] + rows[6:12])) as exchange:
        said = [agg_trade(row) for k, row in enumerate(rows[:12]) if k not in (4, 5)]
        _, keeper = keep(Stream(said), exchange, tmp_path, 12)
        start, end = rows[3]["T"] * 1000, rows[6]["T"] * 1000 + 1
        assert keeper.missing == Coverage.of([(start, end)])
        assert "kept 10 rows" in keeper.line() and "missing: 2024-01-01T23:59:51Z to" in keeper.line()
        (gap,) = status(Store.open(tmp_path), TRADES)["missing"]
        assert gap == spans(keeper.missing)[0]
        exchange.trades[KEY] = rows
        exchange.asked.clear()
        assert fetch(exchange, tmp_path, since=moment_of(rows[0]), until=moment_of(rows[8])).whole
        asked = [path for path in exchange.asked if "startTime" in path and "klines" not in path]
        assert f"startTime={rows[3]['T']}&endTime={rows[6]['T']}" in asked[0]
    assert table_of(tmp_path)["id"].to_list() == list(range(1, 13))


def test_single_trades_are_kept_and_what_nobody_gives_is_missing(tmp_path):
    start = DAYS[0].start // 1000

    def said(number):
        words = {
            "s": "BTCUSDT",
            "T": start + 100 * number,
            "t": number,
            "p": "1",
            "q": "2",
            "m": number % 2 == 0,
        }
        return json.dumps({"e": "trade"} | words)

    with serving(an_exchange()) as exchange:
        keep(Stream([said(5), said(6)]), exchange, tmp_path, 6, "trades")
        _, keeper = keep(Stream([said(9), said(10)]), exchange, tmp_path, 10, "trades")
    series = Series("binance", "spot", "BTCUSDT", "trades")
    found = table_of(tmp_path, series)
    assert found.columns == ["id", "time", "known_at", "price", "size", "side"]
    assert found["id"].to_list() == [5, 6, 9, 10] and found["side"].to_list() == [1, -1, 1, -1]
    moments = [1000 * (start + 100 * number) for number in (5, 6, 9, 10)]
    wanted = Coverage.of([(moments[0] + 1, moments[1]), (moments[2] + 1, moments[3])])
    assert Store.open(tmp_path).coverage(series) == wanted
    assert keeper.missing == Coverage.of([(moments[1], moments[2] + 1)])


def test_what_is_quiet_is_written_too(rows, tmp_path):
    """A row is in the store though no other follows, and before the stream ends."""
    seen = []

    def there():
        seen.append(bool(Store.open(tmp_path).series()))
        return seen[-1]

    Store.create(tmp_path)
    with serving(an_exchange(rows)) as exchange:
        keep(Stream([agg_trade(rows[0]), there, agg_trade(rows[1])]), exchange, tmp_path, 2)
    assert seen[-1] and len(seen) > 1


def test_nobody_else_writes_meanwhile(rows, tmp_path):
    told = []

    def second():
        for what in (lambda: fetch(exchange, tmp_path), lambda: keep(Stream(), exchange, tmp_path, 1)):
            with pytest.raises(DataError, match="another process is writing") as error:
                Thread(what)
            told.append(str(error.value))
        return True

    class Thread:
        """Runs something in a thread of its own, and raises what it raises."""

        def __init__(self, what):
            with ThreadPoolExecutor(1) as pool:
                pool.submit(what).result()

    with serving(an_exchange(rows[:2])) as exchange:
        keep(Stream([agg_trade(rows[0]), second, agg_trade(rows[1])]), exchange, tmp_path, 2)
        assert len(told) == 2 and all("wait until it is done" in text for text in told)
        assert table_of(tmp_path)["id"].to_list() == [1, 2]
        assert fetch(exchange, tmp_path).whole


def test_a_full_disk_is_told_and_the_next_start_goes_on(rows, tmp_path, monkeypatch):
    stream = [agg_trade(row) for row in rows]
    with serving(an_exchange(rows[:20])) as exchange:
        keep(Stream(stream[:8]), exchange, tmp_path, 8)
        before = table_of(tmp_path)

        def full(path, data):
            raise OSError(errno.ENOSPC, "No space left on device")

        with monkeypatch.context() as patch:
            patch.setattr(folder, "_write_whole", full)
            with pytest.raises(DataError, match=r"No space left on device.*free some space"):
                keep(Stream([*stream[8:12], SILENT]), exchange, tmp_path, 99)
        store = Store.open(tmp_path)
        assert table_of(tmp_path).equals(before) and all(store.intact(one) for one in store.parts(TRADES))
        exchange.trades[KEY] = rows
        keep(Stream(stream[-1:]), exchange, tmp_path, len(rows))
    assert table_of(tmp_path)["id"].to_list() == [row["a"] for row in rows]
    assert len(Store.open(tmp_path).coverage(TRADES).stretches) == 1


def test_a_write_that_fails_when_it_is_done_doubles_nothing(rows, tmp_path, monkeypatch):
    """The entry names the new file; then the old one cannot be deleted."""
    deletes, delete = [], folder.LocalFolder.delete

    def refused(self, name):
        deletes.append(name)
        if len(deletes) == 1:
            raise DataError("cannot delete")
        delete(self, name)

    monkeypatch.setattr(folder.LocalFolder, "delete", refused)
    with serving(an_exchange(rows[:7])) as exchange:
        keep(Stream([agg_trade(rows[0])]), exchange, tmp_path, 1)
        with pytest.raises(DataError, match="cannot delete"):
            keep(Stream([agg_trade(row) for row in rows[1:7]]), exchange, tmp_path, 99)
    assert deletes and table_of(tmp_path)["id"].to_list() == list(range(1, 8))


def test_the_series_is_ours_until_all_is_written_however_often_it_is_cancelled(rows, tmp_path, monkeypatch):
    writing, go_on, write = Event(), Event(), folder.LocalFolder.write

    def slow(self, name, data):
        writing.set()
        assert go_on.wait(10)
        write(self, name, data)

    async def main():
        got = asyncio.Event()
        async with streaming(Stream([agg_trade(rows[0])])) as stream:
            place = Place(stream=stream.url, rest=exchange.url, patience=QUICK)
            keeper = Keeper(LiveTrades("BTCUSDT", place=place), tmp_path)

            async def show():
                async with aclosing(keeper.blocks()) as blocks:
                    async for _ in blocks:
                        got.set()

            monkeypatch.setattr(folder.LocalFolder, "write", slow)
            showing = asyncio.create_task(show())
            await asyncio.wait_for(got.wait(), 10)
            showing.cancel()
            assert await asyncio.to_thread(writing.wait, 10)
            for _ in range(3):
                showing.cancel()
                await asyncio.wait([showing], timeout=0.01)
            with pytest.raises(DataError, match="another process is writing"), keeper.store.writer(TRADES):
                pass
            go_on.set()
            await asyncio.wait([showing], timeout=10)
            assert showing.cancelled()

    with serving(an_exchange(rows[:1])) as exchange:
        asyncio.run(main())
    with Store.open(tmp_path).writer(TRADES):
        assert table_of(tmp_path)["id"].to_list() == [1]


def test_what_cannot_be_kept(rows, tmp_path):
    with pytest.raises(ConfigError, match="every 0 seconds"):
        Keeper(LiveTrades("BTCUSDT"), tmp_path, every=0.0)
    store = Store.create(tmp_path)
    with store.writer(TRADES) as writer:
        table = pl.DataFrame({"id": [1], "time": [DAYS[0].start], "price": [1.0], "side": [1], "size": [1.0]})
        table = table.with_columns(pl.from_epoch("time", "us").dt.replace_time_zone("UTC"))
        writer.write(DAYS[0], table, Coverage.of([(DAYS[0].start, DAYS[0].end)]))
    with (
        serving(an_exchange(rows)) as exchange,
        pytest.raises(DataError, match=r"has the columns id, time, price.*allowed: those of `bateia"),
    ):
        keep(Stream([agg_trade(rows[0])]), exchange, tmp_path, 99)


def real_trades(symbol="ETHBTC"):
    path = REAL / f"recordings/binance-spot-{symbol.lower()}-20201101T09/trades.json.zst"
    if not path.is_file():
        pytest.skip("no recordings beside the project")
    with zstandard.open(path) as file:
        return json.load(file)


@settings(max_examples=2, phases=[Phase.generate])
@given(st.data())
def test_a_real_hour_kept_is_the_hour_fetched(tmp_path_factory, data):
    real = real_trades()[:250]
    kept, plain = tmp_path_factory.mktemp("kept"), tmp_path_factory.mktemp("plain")
    half = next(k for k in range(100, 250) if real[k]["T"] > real[k - 1]["T"])
    with serving(an_exchange()) as exchange:
        exchange.symbols.append("ETHBTC")
        exchange.trades["/api/v3/", "ETHBTC"] = real
        span = (moment_of(real[0]), moment_of(real[-1]))
        ask = {"archive": exchange.url, "rest": exchange.url}
        fetch_binance(kept, "ETHBTC", "aggTrades", "2020-11-01T09:00", moment_of(real[half - 1]), **ask)
        stream = Stream(*data.draw(faulty(real[half:], lambda row: agg_trade(row, "ETHBTC"))))
        keep(stream, exchange, kept, real[-1]["a"], symbol="ETHBTC")
        fetch_binance(plain, "ETHBTC", "aggTrades", "2020-11-01T09:00", span[1], **ask)
    series = Series("binance", "spot", "ETHBTC", "agg_trades")
    assert_same(table_of(kept, series), table_of(plain, series))


RECIPE = """
name: seam
source: {{kind: store, market: um, symbol: SOLUSDT, interval: 5m, store: {store}}}
bars: {{kind: candles}}
features: {{define: {{trend: "ema(close, 5) / ema(close, 20) - 1", rsi: "rsi(close, 14)"}}}}
label: {{kind: fixed_horizon, horizon: 12}}
split: {{kind: walk_forward, folds: 2, min_train: 0.5, embargo: 1h}}
model: {{kind: lightgbm, rounds: 10, early_stopping_rounds: 5, min_data_in_leaf: 50, threads: 1}}
policy: {{kind: threshold, enter: 0.05, exit: 0.0}}
broker: {{kind: simulated, latency: 100ms, costs: {{fee_bps: 4}}}}
"""


def test_a_recipe_runs_over_the_seam(tmp_path):
    """Real candles: January from the archive, the first week of February live."""
    folder = REAL / "binance/data/futures/um/monthly/klines/SOLUSDT/5m"
    if not folder.is_dir():
        pytest.skip("no candles beside the project")
    name = "SOLUSDT-5m-2025-02"
    lines = zipfile.ZipFile(folder / f"{name}.zip").read(f"{name}.csv").decode().split()[1:2017]
    cells = [line.split(",") for line in lines]
    week = [[int(cell) if k in (0, 6, 8) else cell for k, cell in enumerate(row)] for row in cells]
    exchange, moments = Exchange(), iter([0, *(row[6] * 1000 + SECOND // 2 for row in week)])
    exchange.folder = REAL / "binance"
    exchange.symbols.append("SOLUSDT")
    exchange.now = week[-1][6] + 1
    with serving(exchange):
        urls = {"archive": exchange.url, "rest": exchange.url}
        fetch_binance(tmp_path, "SOLUSDT", "5m", "2025-01", "2025-01", market="um", **urls)
        stream = Stream([kline(row, symbol="SOLUSDT") for row in week])
        how = {"market": "um", "symbol": "SOLUSDT", "clock": lambda: next(moments)}
        _, keeper = keep(stream, exchange, tmp_path, week[-1][0] * 1000 // STEP, "5m", **how)
    assert (keeper.kept, keeper.missing) == (2016, Coverage())
    bars = StoreSource(market="um", symbol="SOLUSDT", interval="5m", store=str(tmp_path)).read()
    assert (np.diff(bars.time) == STEP).all() and (np.diff(bars.known_at) > 0).all()
    assert ((bars.known_at - bars.time)[[0, -1]] == [0, SECOND // 2 - 1000]).all()
    done = run(Recipe.parse(RECIPE.format(store=tmp_path)), root=tmp_path / "runs")
    predictions = pl.read_parquet(done.path / "predictions.parquet")
    assert len(predictions) > 1000 and len(bars) == 31 * 288 + 2016
