"""Imports: the store holds the rows once, whatever the blocks, files, interruptions and reruns were."""

import hashlib
import json

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bateia.cli import app
from bateia.core import Bars, ConfigError, DataError, Trades
from bateia.core.clock import DAY, MINUTE
from bateia.core.coverage import Coverage
from bateia.core.period import Period
from bateia.sources import StoreSource
from bateia.sources.blocks import recut
from bateia.sources.described import describe_files
from bateia.sources.importing import import_events, origins
from bateia.sources.periods import by_period
from bateia.store import Origin, Series, Store
from bateia.testing import check_source

START = Period("2024-01-31").start
TRADES = Series("generated", "spot", "XY", "trades")
CANDLES = Series("generated", "spot", "XY", "candles")


def generated(moments):
    time = np.array(sorted(moments), np.int64)
    n = len(time)
    price = np.arange(1.0, n + 1)
    return Trades(time, time + 5, price, np.ones(n), np.where(np.arange(n) % 2, 1, -1).astype(np.int8))


def generated_candles(count, start=START, skip=()):
    rows = np.array([k for k in range(count) if k not in skip], np.int64)
    opened = start + rows * 60 * MINUTE
    columns = dict.fromkeys(Bars.empty().columns(), rows + 1.0)
    clocks = {"open_time": opened, "time": opened + 60 * MINUTE, "known_at": opened + 60 * MINUTE}
    return Bars(**(columns | clocks))


class Memory:
    """Rows in blocks of some size; it breaks off before block `fails`."""

    def __init__(self, events, rows=10**6, fails=None):
        self.events, self.rows, self.fails = events, rows, fails

    def blocks(self):
        for k, block in enumerate(recut([self.events], self.rows)):
            if k == self.fails:
                raise OSError("the disk is gone")
            yield block


def content(root):
    return {
        path.relative_to(root).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(root.rglob("*"))
        if path.is_file() and path.name != ".lock"
    }


def stored(root, series=TRADES):
    frame = Store.open(root).read(series)
    return frame["time"].dt.epoch("us").to_list()


moments = st.lists(st.integers(START, START + 4 * DAY), min_size=1, max_size=60)


@settings(max_examples=25)
@given(moments=moments, rows=st.integers(1, 70), fails=st.integers(0, 70))
def test_any_blocks_and_any_interruption_give_the_same_bytes(tmp_path_factory, moments, rows, fails):
    root = tmp_path_factory.mktemp("store")
    trades = generated(moments)
    import_events(Store.create(root / "a"), Memory(trades), TRADES)
    other = Store.create(root / "b")
    if fails * rows < len(trades):
        with pytest.raises(OSError, match="the disk is gone"):
            import_events(other, Memory(trades, rows, fails), TRADES)
    report = import_events(other, Memory(trades, rows), TRADES)
    assert content(root / "a") == content(root / "b")
    assert stored(root / "b") == trades.time.tolist()
    assert report.rows == len(trades)
    assert report.covered == other.coverage(TRADES) == Coverage.of([(trades.time[0], trades.time[-1] + 1)])
    again = import_events(other, Memory(trades, rows), TRADES)
    assert (again.written, again.kept) == (0, report.written + report.kept)


@settings(max_examples=25)
@given(moments=moments, cut=st.integers(0, 4 * DAY), late=st.booleans())
def test_two_files_that_meet_are_one(tmp_path_factory, moments, cut, late):
    root = tmp_path_factory.mktemp("store")
    trades, edge = generated(moments), START + cut
    end = START + 4 * DAY + 1
    parts = [(trades[trades.time < edge], START, edge), (trades[trades.time >= edge], edge, end)]
    store = Store.create(root)
    for part, since, until in parts[::-1] if late else parts:
        if len(part):
            import_events(store, Memory(part), TRADES, start=since, end=until)
    assert sorted(stored(root)) == stored(root) == trades.time.tolist()


@settings(max_examples=40)
@given(moments=moments, rows=st.integers(1, 70), unit=st.sampled_from(["day", "month"]))
def test_periods_hold_their_rows_and_all_of_the_time(moments, rows, unit):
    trades = generated(moments)
    pieces = list(by_period(recut([trades], rows), unit))
    assert [p.period for p in pieces] == Period.covering(int(trades.time[0]), int(trades.time[-1]) + 1, unit)
    for piece in pieces:
        inside = (trades.time >= piece.period.start) & (trades.time < piece.period.end)
        assert Trades.concat(piece.blocks).price.tolist() == trades.price[inside].tolist()
    whole = Coverage.of(stretch for piece in pieces for stretch in piece.covered.stretches)
    assert whole == Coverage.of([(trades.time[0], trades.time[-1] + 1)])


def test_candles_go_by_month_under_their_length(tmp_path):
    store = Store.create(tmp_path)
    report = import_events(store, Memory(generated_candles(60, skip={20, 21})), CANDLES)
    assert report.series.kind == "candles-1h"
    assert (report.rows, report.written) == (58, 2)
    assert report.covered == Coverage.of([(START, START + 60 * 60 * MINUTE)])
    frame = store.read(report.series)
    assert "up_ticks" not in frame.columns
    assert frame["close"].to_list() == [k + 1.0 for k in range(60) if k not in {20, 21}]
    assert import_events(store, Memory(generated_candles(60, skip={20, 21})), report.series).kept == 2


def test_what_is_imported_is_a_source(tmp_path):
    store, candles = Store.create(tmp_path), generated_candles(60)
    import_events(store, Memory(candles), CANDLES)
    import_events(store, Memory(generated([START + k * MINUTE for k in range(4000)])), TRADES)
    said = {"source": "generated", "symbol": "XY", "store": str(tmp_path)}
    bars = StoreSource(**said, interval="1h")
    assert check_source(bars)
    for name in ("open_time", "known_at", "close", "volume", "value", "vwap", "trades", "signed_volume"):
        assert getattr(bars.read(), name).tolist() == getattr(candles, name).tolist(), name
    assert check_source(StoreSource(**said, data="trades"))


def test_days_without_a_trade_are_known_to_have_none(tmp_path):
    store = Store.create(tmp_path)
    report = import_events(store, Memory(generated([START, START + 3 * DAY])), TRADES)
    assert (report.written, report.rows) == (4, 2)
    assert [part.rows for part in store.parts(TRADES)] == [1, 0, 0, 1]
    assert store.read(TRADES)["price"].to_list() == [1.0, 2.0]


def test_other_rows_of_the_same_time_are_not_lost_unasked(tmp_path):
    store = Store.create(tmp_path)
    old = generated([START + k * MINUTE for k in range(100)])
    import_events(store, Memory(old), TRADES, origin=[Origin(name="old")])
    before = content(tmp_path)
    new = generated([START + k * MINUTE for k in range(50, 60)])
    with pytest.raises(DataError, match=r"other rows of .* in 2024-01-31; .*try: --replace"):
        import_events(store, Memory(new), TRADES)
    assert content(tmp_path) == before
    report = import_events(store, Memory(new), TRADES, replace=True, origin=[Origin(name="new")])
    assert report.written == 1
    kept = store.read(TRADES)
    assert kept["time"].dt.epoch("us").to_list() == old.time.tolist()
    assert kept["price"].to_list() == [*old.price[:50], *new.price, *old.price[60:]]
    assert [one.name for one in store.parts(TRADES)[0].origin] == ["new", "old"]
    same = import_events(store, Memory(old[10:40]), TRADES)
    assert (same.written, same.kept) == (0, 1), "a piece of what is there adds nothing"


@pytest.mark.parametrize(
    ("events", "says", "more"),
    [
        (generated([START, START + 1])[::-1], "row 1 .* is not after .*allowed: oldest first;", {}),
        (generated_candles(5)[np.array([0, 1, 1, 2])], "row 2 of .*each candle once", {}),
        (generated([START // 1000, START]), "row 1 is .* days after .*is its clock right", {}),
        (generated([START]), "a row of 2024-01-31T00:00:00Z; allowed: from", {"start": START + 1}),
        (generated([START + 9]), "a row of .*; allowed: before", {"end": START + 9}),
        (Trades.empty(), "no rows to import", {}),
    ],
)
@pytest.mark.parametrize("rows", [1, 100])
def test_rows_that_cannot_be(tmp_path, events, says, more, rows):
    series = CANDLES if isinstance(events, Bars) else TRADES
    with pytest.raises(DataError, match=says):
        import_events(Store.create(tmp_path), Memory(events, rows), series, **more)


def test_kinds_that_do_not_fit(tmp_path):
    store = Store.create(tmp_path)
    with pytest.raises(ConfigError, match="candles into a series of kind 'trades'; allowed: kind candles"):
        import_events(store, Memory(generated_candles(3)), TRADES)
    with pytest.raises(ConfigError, match="trades into a series of kind 'candles'"):
        import_events(store, Memory(generated([START])), CANDLES)
    five = Series("generated", "spot", "XY", "candles-5m")
    with pytest.raises(ConfigError, match=r"candles-1h into .* 'candles-5m'; allowed: kind candles-1h"):
        import_events(store, Memory(generated_candles(3)), five)
    with store.writer(TRADES) as writer:
        day = Period("2024-01-31")
        writer.write(day, pl.DataFrame({"time": [START], "odd": [1]}), Coverage.of([(day.start, day.end)]))
    with pytest.raises(DataError, match=r"has the columns time, odd; .*another --source"):
        import_events(store, Memory(generated([START])), TRADES)


@pytest.mark.parametrize(
    ("kind", "given", "form", "says"),
    [
        ("trade", {}, {}, "no kind 'trade'; allowed: candles, trades; try: trades"),
        ("candles", {"preset": "etapa"}, {}, "no preset 'etapa'; allowed: etapa6; try: etapa6"),
        ("trades", {"preset": "etapa6"}, {}, "preset of trades; .*--kind candles"),
        ("trades", {}, {"separator": ";;"}, "separator: String should have at most 1"),
        ("candles", {"stamp": "middle"}, {}, "stamp: Input should be 'open' or 'close'"),
        ("candles", {"interval": "5"}, {}, "interval: '5' is not a duration"),
    ],
)
def test_words_that_describe_no_file(kind, given, form, says):
    with pytest.raises(ConfigError, match=says):
        describe_files("x.csv", kind, given, form)


def test_a_preset_keeps_what_is_not_said_otherwise():
    source = describe_files("x.csv", "candles", {"preset": "etapa6"}, {"separator": ";"})
    assert (source.format.separator, source.format.time_zone) == (";", "America/Sao_Paulo")


def test_the_command(tmp_path, capsys):
    path = tmp_path / "t.csv"
    path.write_text("when;price;size\n31/01/2024 21:00:00;1,5;2\n31/01/2024 22:00:00;2,5;1\n")
    words = ["data", "import", str(path), "--source", "mine", "--symbol", "WDO", "--kind", "trades"]
    words += ["--columns", "time=when", "--separator", ";", "--decimal", ",", "--market", "b3"]
    words += ["--time-zone", "America/Sao_Paulo", "--time-format", "%d/%m/%Y %H:%M:%S"]
    words += ["--store", str(tmp_path / "store"), "--from", "2024-02-01", "--to", "2024-02-02"]
    app([*words, "--json"], standalone_mode=False)
    report = json.loads(capsys.readouterr().out)
    assert report["series"] == "mine/b3/WDO/trades"
    assert report["covered"] == [["2024-02-01T00:00:00Z", "2024-02-03T00:00:00Z"]]
    app(words, standalone_mode=False)
    assert "2 rows (0 files written, 2 there already)" in capsys.readouterr().out
    store = Store.open(tmp_path / "store")
    (series,) = store.series()
    assert store.read(series)["price"].to_list() == [1.5, 2.5]
    assert store.parts(series)[0].origin == tuple(origins(str(path)))
