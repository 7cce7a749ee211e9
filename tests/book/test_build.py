"""Archives to files of bars: whole days, days joined, broken archives, runs that go on."""

import functools
import gzip
import json
from concurrent.futures import ProcessPoolExecutor
from itertools import islice
from multiprocessing import get_context

import numpy as np
import polars as pl
import pytest

from bateia.book.archive import ArchiveReader, ArchiveSamples
from bateia.book.bars import AFTER_ANOTHER, FEATURES, BookBars, level_names
from bateia.book.build import build
from bateia.book.recorded import RecordingReader
from bateia.book.samples import Samples
from bateia.book.validate import validate_bars
from bateia.core import DataError
from generated_days import archived, generated_day
from plain_book_bars import plain_bars
from plain_lines import ARCHIVE, generated_line

MINUTE = 60_000_000
READER, SHALLOW, KIND = ArchiveReader(), ArchiveReader(depth=8), BookBars()
HOUR_MS = 3_600_000
DAYS = ("2024-02-28", "2024-02-29")


@functools.cache
def lines_of(date, stop_ms=86_400_000, symbol="GENERATED"):
    return generated_day(date, seed=int(date[-2:]), stop_ms=stop_ms, symbol=symbol)


@pytest.fixture(scope="module")
def days(tmp_path_factory):
    """Two whole days, built, and their archives."""
    folder = tmp_path_factory.mktemp("days")
    paths = [archived(folder / "in", date, lines_of(date)) for date in DAYS]
    made = build(folder / "in", folder / "out", READER, KIND)
    return folder, paths, made


def test_a_day_is_1440_rows_of_810_columns(days):
    folder, _, made = days
    for report, date in zip(made, DAYS, strict=True):
        assert (report.error, report.days) == ("", [f"GENERATED/{date}.parquet"])
        assert (report.rows, report.gaps, report.dropped, report.shallow) == (1440, 0, 0, 0)
        assert (report.messages, report.faults, report.tick_size) == (17_280, {}, 0.01)
        path = folder / "out" / report.days[0]
        frame = pl.read_parquet(path)
        assert frame.columns == ["time", *level_names(200), *FEATURES]
        assert (len(frame), len(frame.columns) - 1) == (1440, 810)
        assert frame["time"].diff()[1:].unique().dt.total_microseconds().to_list() == [MINUTE]
        assert str(frame["time"][0]) == f"{date} 00:01:00+00:00"
        assert validate_bars(path, KIND) == 0


def test_features_of_both_days_are_those_of_polars_across_midnight(days):
    folder, paths, made = days
    frame = pl.concat([pl.read_parquet(folder / "out" / report.days[0]) for report in made])
    samples = Samples.concat([block for path in paths for block in SHALLOW.open(path)])
    ends, expected = plain_bars(samples, MINUTE, 1_000_000)
    assert frame["time"].dt.epoch("us").to_list() == ends.tolist()
    np.testing.assert_allclose(frame.select(FEATURES).to_numpy(), expected, rtol=1e-12, atol=1e-12)
    unknown = frame.select(pl.col(name).is_nan().sum() for name in FEATURES).row(0, named=True)
    assert unknown == {name: int(name in AFTER_ANOTHER) for name in FEATURES}
    # What parallel files make is bit for bit what one book going through midnight makes.
    one = BookBars(depth=8).run(samples)
    np.testing.assert_array_equal(frame.select(FEATURES).to_numpy(), one.features)


def test_levels_are_those_of_the_sample_at_the_close(days):
    folder, paths, made = days
    levels = pl.read_parquet(folder / "out" / made[1].days[0])[:20].select(level_names(200)).to_numpy()
    table = levels.reshape(20, 2, 200, 2)
    samples = Samples.concat(list(islice(READER.open(paths[1]), 10)))
    at = np.flatnonzero(samples.time % MINUTE == 0)[:20]
    sides = samples.bid_price, samples.bid_size, samples.ask_price, samples.ask_size
    for i, expected in enumerate(sides):
        np.testing.assert_array_equal(table[:, i // 2, :, i % 2], expected[at])


def test_a_run_goes_on_where_it_stopped(days, tmp_path):
    hours = [archived(tmp_path / "in", date, lines_of(date, HOUR_MS)) for date in DAYS]
    out = tmp_path / "out"
    first = build(tmp_path / "in", out, READER, KIND)
    files = [out / report.days[0] for report in first]
    before = [file.stat().st_mtime_ns for file in files]
    again = build(tmp_path / "in", out, READER, KIND)
    assert [report.resumed for report in again] == [True, True]
    assert [file.stat().st_mtime_ns for file in files] == before
    files[1].unlink()
    assert [report.resumed for report in build(tmp_path / "in", out, READER, KIND)] == [True, False]
    shorter = BookBars(bar="30s")
    assert [report.resumed for report in build(tmp_path / "in", out, READER, shorter)] == [False, False]
    hours[0].write_bytes(hours[0].read_bytes()[:-5])
    broken, kept = build(tmp_path / "in", out, READER, shorter)
    assert "cannot be unpacked" in broken.error and kept.resumed
    mark = out / ".built" / f"{hours[1].name}.json"
    mark.write_text("{")
    assert [report.resumed for report in build(hours[1], out, READER, shorter)] == [False]
    assert not list(out.rglob("*.part*"))


def ending(date):
    """The last hour of a day, by its snapshot and what comes after."""
    lines = lines_of(date)
    start = json.loads(lines[0])
    made = [
        generated_line(0, *sides(start), kind="snapshot", ts=start["ts"] + 23 * HOUR_MS, number=0, levels=200)
    ]
    for i in range(1, 720):
        ts, number = start["ts"] + 23 * HOUR_MS + 5000 * i, i
        made.append(generated_line(i, [("480.00", "5")], [], ts=ts, number=number, levels=200))
    return made


def sides(message):
    return message["data"]["b"], message["data"]["a"]


def first_row(path):
    return pl.read_parquet(path, columns=AFTER_ANOTHER, n_rows=1).row(0)


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_days_built_one_by_one_in_any_order_are_joined(order, tmp_path):
    paths = [
        archived(tmp_path, DAYS[0], ending(DAYS[0])),
        archived(tmp_path, DAYS[1], lines_of(DAYS[1], HOUR_MS)),
    ]
    build(tmp_path, tmp_path / "both", READER, KIND)
    for i in order:
        build(paths[i], tmp_path / "out", READER, KIND)
    second = f"GENERATED/{DAYS[1]}.parquet"
    assert np.isfinite(first_row(tmp_path / "out" / second)).all()
    assert pl.read_parquet(tmp_path / "out" / second).equals(pl.read_parquet(tmp_path / "both" / second))


def test_a_day_built_again_is_the_one_that_the_next_is_joined_to(tmp_path):
    archived(tmp_path / "in", DAYS[1], lines_of(DAYS[1], HOUR_MS))
    second = tmp_path / "out" / f"GENERATED/{DAYS[1]}.parquet"
    closes = []
    for size in (b'"5"', b'"7"'):
        changed = [line.replace(b'["480.00",' + b'"5"', b'["500.00",' + size) for line in ending(DAYS[0])]
        archived(tmp_path / "in", DAYS[0], changed)
        assert {report.error for report in build(tmp_path / "in", tmp_path / "out", READER, KIND)} == {""}
        first = pl.read_parquet(second.with_name(f"{DAYS[0]}.parquet"))["close"][-1]
        closes.append(first)
        opened = pl.read_parquet(second)["close"][0]
        assert first_row(second)[2] == pytest.approx(np.log(opened / first), rel=1e-12)
    assert closes[0] != closes[1]


def test_a_day_of_another_source_is_not_written_over(tmp_path):
    hour = lines_of(DAYS[0], HOUR_MS)
    for name in ("morning.data", "evening.data"):
        (tmp_path / name).write_bytes(b"".join(hour))
    [one] = build(tmp_path / "morning.data", tmp_path / "out", READER, KIND)
    before = (tmp_path / "out" / one.days[0]).read_bytes()
    [other] = build(tmp_path / "evening.data", tmp_path / "out", READER, KIND)
    assert (
        "holds the bars of morning.data, not of evening.data; allowed: one file a symbol and day"
        in other.error
    )
    assert (tmp_path / "out" / one.days[0]).read_bytes() == before
    [again] = build(tmp_path / "morning.data", tmp_path / "out", READER, BookBars(bar="30s"))
    assert again.error == "" and not again.resumed


def test_an_archive_packed_otherwise_is_the_same_source(tmp_path):
    path = archived(tmp_path / "in", DAYS[0], lines_of(DAYS[0], HOUR_MS))
    plain = tmp_path / path.stem
    plain.write_bytes(b"".join(lines_of(DAYS[0], HOUR_MS)))
    for one in (path, plain):
        [report] = build(one, tmp_path / "out", READER, KIND)
        assert (report.error, report.resumed) == ("", False)


def test_a_day_that_was_damaged_since_is_told_and_built_by_the_next_run(tmp_path):
    path = archived(tmp_path, DAYS[0], lines_of(DAYS[0], HOUR_MS))
    [one] = build(path, tmp_path / "out", READER, KIND)
    day = tmp_path / "out" / one.days[0]
    day.write_bytes(day.read_bytes()[:-9])
    [damaged] = build(path, tmp_path / "out", READER, KIND)
    assert f"{day} cannot be read" in damaged.error
    [again] = build(path, tmp_path / "out", READER, KIND)
    assert (again.error, again.resumed) == ("", False)


def test_what_nobody_foresaw_in_one_file_stops_no_other(tmp_path, monkeypatch):
    for date in DAYS:
        archived(tmp_path / "in", date, lines_of(date, HOUR_MS))

    def fails(reader, path):
        if DAYS[0] in path.name:
            raise ZeroDivisionError("so it is")
        return ArchiveSamples(reader, path)

    monkeypatch.setattr(ArchiveReader, "open", fails)
    bad, good = build(tmp_path / "in", tmp_path / "out", READER, KIND)
    assert "ZeroDivisionError('so it is')" in bad.error and good.rows == 59


def test_a_folder_that_cannot_be_is_told(tmp_path):
    path = archived(tmp_path, DAYS[0], lines_of(DAYS[0], HOUR_MS))
    with pytest.raises(DataError, match="cannot write to"):
        build(path, path, READER, KIND)


def test_processes_make_the_same_files(tmp_path):
    for date in DAYS:
        archived(tmp_path / "in", date, lines_of(date, HOUR_MS))
    one = build(tmp_path / "in", tmp_path / "one", READER, KIND)
    heard = []
    with ProcessPoolExecutor(2, get_context("spawn")) as executor:
        many = build(tmp_path / "in", tmp_path / "many", READER, KIND, executor, heard.append)
    assert many == one and len(heard) == 2
    for report in one:
        a, b = (pl.read_parquet(tmp_path / name / report.days[0]) for name in ("one", "many"))
        assert a.equals(b)


def test_a_gap_is_counted_and_no_bar_reaches_over_it(tmp_path):
    hour = list(lines_of("2024-02-29", HOUR_MS))
    at = 300
    snapshot = json.loads(hour[0])
    # A line is cut short; a snapshot comes 100 lines later.
    later = json.loads(hour[at + 100])
    snapshot["ts"], snapshot["data"]["u"] = later["ts"], later["data"]["u"]
    hour[at] = hour[at][:50] + b"\n"
    moved = [*hour[: at + 100], json.dumps(snapshot).encode() + b"\n"]
    # After it, messages that touch one level far from the best, so that the old snapshot fits them.
    for line in hour[at + 101 :]:
        found = json.loads(line)
        moved.append(
            generated_line(0, [("480.00", "5")], [], ts=found["ts"], number=found["data"]["u"], levels=200)
        )
    path = archived(tmp_path / "in", "2024-02-29", moved)
    [report] = build(path, tmp_path / "out", READER, KIND)
    assert (report.error, report.faults, report.gaps) == ("", {"malformed": 1}, 1)
    assert report.listed[0].startswith("line 301: ") and report.skipped == 99
    minutes = pl.read_parquet(tmp_path / "out" / report.days[0])["time"].dt.minute().to_list()
    # The line of 25:00.3 is lost, before any told that it was 25:00; the snapshot comes at 33:20.3.
    assert minutes == [*range(1, 25), *range(35, 60)] and report.dropped == 2
    [stopped] = build(path, tmp_path / "stop", ArchiveReader(policy="stop"), KIND)
    assert f"{path}: line 301: " in stopped.error


def two_symbols(lines):
    return [*lines[:40], *lines_of("2024-02-28", HOUR_MS, "OTHER")[40:41], *lines[41:]]


def backwards(lines):
    return [*lines[:40], lines[40].replace(b'"ts":17', b'"ts":16'), *lines[41:]]


def off_the_grid(lines):
    return [*lines[:40], lines[40].replace(b'"b":[["', b'"b":[["1.005","1"],["'), *lines[41:]]


def too_deep(lines):
    many = ",".join(f'["{i / 100:.2f}","1"]' for i in range(100, 1000)).encode()
    return [*lines[:40], lines[40].replace(b'"b":[', b'"b":[' + many + b","), *lines[41:]]


BROKEN = {
    "two symbols": (two_symbols, "line 41: OTHER of 200 levels in a book of GENERATED of 200"),
    "times backwards": (backwards, "line 41: 20"),
    "off the grid": (off_the_grid, "line 41: the price 1.005 is off the tick grid"),
    "too deep": (too_deep, "line 41: a book of 1116 levels on one side; allowed: at most 800"),
    "no book": (
        lambda lines: [b'{"topic":"publicTrade.X"}\n'],
        "no snapshot of an order book in its 1 lines",
    ),
    "no snapshot": (lambda lines: lines[1:], "no snapshot of an order book in its 719 lines"),
    "another day": (
        lambda lines: lines_of("2024-02-29", HOUR_MS),
        "holds 2024-02-29; allowed: the day of its name",
    ),
    "seconds alone": (lambda lines: lines[:5], "makes no whole bar: 5 messages"),
}


@pytest.mark.parametrize("what", BROKEN)
def test_a_broken_archive_is_told_and_the_others_go_on(what, tmp_path):
    damage, says = BROKEN[what]
    archived(tmp_path / "in", "2024-02-28", damage(list(lines_of("2024-02-28", HOUR_MS))))
    archived(tmp_path / "in", "2024-02-29", lines_of("2024-02-29", HOUR_MS))
    bad, good = build(tmp_path / "in", tmp_path / "out", READER, KIND)
    assert says in bad.error and "2024-02-28_GENERATED_ob200.data.zip" in bad.error
    assert (good.error, good.rows) == ("", 59)
    assert [path.name for path in (tmp_path / "out").rglob("*.parquet")] == ["2024-02-29.parquet"]


def test_archives_of_one_day_twice_and_less_deep_than_asked(tmp_path):
    hour = lines_of("2024-02-28", HOUR_MS)
    archived(tmp_path / "in", "2024-02-28", hour)
    archived(tmp_path / "in", "2024-02-28", hour, levels=500)
    one, other = build(tmp_path / "in", tmp_path / "out", READER, KIND)
    assert one.error == "" and "is of the same day as" in other.error
    [shallow] = build(tmp_path / "in" / "2024-02-28_GENERATED_ob200.data.zip", tmp_path / "deep", *deep(500))
    assert "500 levels asked of lines of 200; allowed: at most 200 of this file" in shallow.error
    [few] = build(archived(tmp_path / "few", "2024-02-28", hour), tmp_path / "few", *deep(200))
    assert few.error == ""


def deep(depth):
    return ArchiveReader(depth=depth), BookBars(depth=depth)


def test_archives_are_found_by_name_and_symbol(tmp_path):
    with pytest.raises(DataError, match="there is no file or folder"):
        READER.find(tmp_path / "no")
    with pytest.raises(DataError, match="no archive of any symbol"):
        READER.find(tmp_path)
    for name in (
        "b/2024-01-02_XUSDT_ob200.data.zip",
        "a/2024-01-03_XUSDT_ob500.data.gz",
        "2024-01-01_YUSDT_ob200.data",
    ):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"")
    (tmp_path / "notes.txt").write_text("no archive")
    dates = ["2024-01-01", "2024-01-02", "2024-01-03"]
    assert [path.name[:10] for path in READER.find(tmp_path)] == dates
    assert [path.name[:10] for path in ArchiveReader(symbol="XUSDT").find(tmp_path)] == dates[1:]
    with pytest.raises(DataError, match=r"no archive of ZUSDT in .*try: --symbol XUSDT"):
        ArchiveReader(symbol="ZUSDT").find(tmp_path)


@pytest.mark.skipif(not ARCHIVE.exists(), reason="real data is absent")
def test_a_recorded_hour_of_binance_makes_the_same_bars(tmp_path):
    reader = RecordingReader(market="spot", tick_size=1e-6, depth=50, symbol="ETHBTC")
    kind, name = BookBars(depth=50), "binance-spot-ethbtc-20201101T09"
    path = ARCHIVE.parents[4] / "recordings" / name
    [report] = build(path, tmp_path, reader, kind)
    assert (report.error, report.faults, report.gaps, report.shallow) == ("", {}, 0, 0)
    assert (report.rows, report.days) == (59, ["ETHBTC/2020-11-01.parquet"])
    frame = pl.read_parquet(tmp_path / report.days[0])
    samples = Samples.concat(list(reader.open(path)))
    ends, expected = plain_bars(samples, MINUTE, 1_000_000)
    assert frame["time"].dt.epoch("us").to_list() == ends.tolist()
    np.testing.assert_allclose(frame.select(FEATURES).to_numpy(), expected, rtol=1e-12, atol=1e-12)
    [again] = build(path, tmp_path, reader, kind)
    assert again.resumed and again.rows == report.rows


SPOT = ARCHIVE.parents[4] / "recordings" / "binance-spot-btcusdt-20240808.gz"


@pytest.mark.skipif(not ARCHIVE.exists(), reason="real data is absent")
def test_a_recording_with_a_broken_line_or_cut_short_gives_what_it_holds(tmp_path):
    reader = RecordingReader(market="spot", tick_size=0.01, depth=50)
    kind = BookBars(depth=50, bar="10s")
    lines = gzip.decompress(SPOT.read_bytes()).splitlines(keepends=True)
    at = [i for i, line in enumerate(lines) if b"depthUpdate" in line][1000]
    broken = [*lines[:at], lines[at][:60] + b"\n", *lines[at + 1 :]]
    (tmp_path / "broken.gz").write_bytes(gzip.compress(b"".join(broken), 1))
    (tmp_path / "cut.gz").write_bytes(SPOT.read_bytes()[: SPOT.stat().st_size // 2])
    [one] = build(tmp_path / "broken.gz", tmp_path / "one", reader, kind)
    assert (one.error, one.faults) == ("", {"unreadable": 1, "gap": 1}) and one.rows
    number = 1 + sum(b"depthUpdate" in line or b"lastUpdateId" in line for line in lines[:at])
    assert one.listed[0].startswith(f"message {number}: line {at + 1}: ")
    [other] = build(tmp_path / "cut.gz", tmp_path / "other", reader, kind)
    assert (other.error, other.faults) == ("", {"unreadable": 1}) and other.rows > one.rows / 2
    assert "ended before" in other.listed[0]
    stop = reader.model_copy(update={"policy": "stop"})
    [stopped] = build(tmp_path / "broken.gz", tmp_path / "stop", stop, kind)
    assert f"broken.gz, line {at + 1}: " in stopped.error


@pytest.mark.skipif(not ARCHIVE.exists(), reason="real data is absent")
def test_a_recording_of_many_books_and_one_of_another_symbol(tmp_path):
    session = SPOT.parent / "sessions" / "binance.jsonl.zst"
    [many] = build(session, tmp_path, RecordingReader(market="spot", tick_size=0.01), KIND)
    assert "holds books of " in many.error and "; try: --symbol " in many.error
    reader = RecordingReader(market="spot", tick_size=0.01, symbol="NOPE")
    for path, says in ((session, "--symbol "), (SPOT, "allowed: BTCUSDT; try: --symbol BTCUSDT")):
        [none] = build(path, tmp_path, reader, KIND)
        assert "holds no book of NOPE; allowed: " in none.error and says in none.error


def test_recordings_that_are_none_are_told(tmp_path):
    reader = RecordingReader(market="spot", tick_size=0.01)
    with pytest.raises(DataError, match="there is no recording"):
        build(tmp_path / "no.gz", tmp_path / "out", reader, KIND)
    with pytest.raises(DataError, match="is no recording"):
        build(tmp_path, tmp_path / "out", reader, KIND)
    (tmp_path / "bad.gz").write_bytes(b"hello")
    [bad] = build(tmp_path / "bad.gz", tmp_path / "out", reader, KIND)
    assert "bad.gz, line 1: Not a gzipped file" in bad.error


@pytest.mark.skipif(not ARCHIVE.exists(), reason="real data is absent")
def test_the_real_archive_in_seconds(tmp_path):
    reader, kind = ArchiveReader(every="100ms", symbol="XRPUSDT"), BookBars(every="100ms", bar="1s")
    [report] = build(ARCHIVE, tmp_path, reader, kind)
    assert (report.error, report.messages, report.rows, report.tick_size) == ("", 50, 4, 0.0001)
    samples = Samples.concat(list(reader.open(ARCHIVE)))
    frame = pl.read_parquet(tmp_path / "XRPUSDT/2024-12-01.parquet")
    ends, expected = plain_bars(samples, 1_000_000, 100_000)
    assert frame["time"].dt.epoch("us").to_list() == ends.tolist()
    np.testing.assert_allclose(frame.select(FEATURES).to_numpy(), expected, rtol=1e-12, atol=1e-12)


def set_cell(row, name, value):
    def change(frame):
        frame[row, name] = value
        return frame

    return change


WRONG = {
    "NaN in a level": (set_cell(5, "bid_7_s", float("nan")), "row 5, .*: a level of the bids that is NaN"),
    "infinite level": (
        set_cell(5, "ask_7_p", float("inf")),
        "row 5, .*: a level of the asks that is NaN",
    ),
    "no size": (set_cell(3, "bid_0_s", 0.0), "row 3, .*: a price or size of 0"),
    "bids not sorted": (set_cell(9, "bid_4_p", 600.0), "row 9, .*: bids that do not fall"),
    "asks not sorted": (set_cell(9, "ask_4_p", 1.0), "row 9, .*: asks that do not rise"),
    "NaN in a feature": (set_cell(2, "volatility", float("nan")), "row 2, .*: volatility: NaN or infinite"),
    "NaN after a bar": (set_cell(2, "log_ret_close", float("nan")), "row 2, .*: log_ret_close"),
    "infinite feature": (set_cell(0, "upper_wick", float("inf")), "row 0, .*: upper_wick"),
    "a column less": (lambda frame: frame.drop("ask_199_s"), "809 columns beside time, ask_199_s"),
    "turned columns": (lambda frame: frame.select(reversed(frame.columns)), "in another order"),
    "no rows": (lambda frame: frame.head(0), "no rows"),
    "turned rows": (lambda frame: frame.reverse(), "row 1: .* does not come later"),
    "off the clock": (lambda frame: frame.with_columns(pl.col("time").dt.offset_by("1s")), "no bar's close"),
    "crossed": (
        lambda frame: frame.with_columns(pl.col(f"bid_{i}_p") + 100 for i in range(200)),
        "row 0, .*: a best bid that is not below the best ask",
    ),
}


@pytest.mark.parametrize("what", WRONG)
def test_what_cannot_be_is_found_in_a_written_file(what, days, tmp_path):
    change, says = WRONG[what]
    frame = pl.read_parquet(days[0] / "out" / days[2][0].days[0]).head(20)
    frame.write_parquet(tmp_path / "day.parquet")
    assert validate_bars(tmp_path / "day.parquet", KIND) == 0
    change(frame).write_parquet(tmp_path / "day.parquet")
    with pytest.raises(DataError, match=says):
        validate_bars(tmp_path / "day.parquet", KIND)


def test_gaps_and_unreadable_files(days, tmp_path):
    frame = pl.read_parquet(days[0] / "out" / days[2][0].days[0])
    frame[[0, 1, 5, 6, 20]].with_columns(upper_wick=pl.lit(0.0)).write_parquet(tmp_path / "gaps.parquet")
    assert validate_bars(tmp_path / "gaps.parquet", KIND) == 2
    (tmp_path / "day.parquet").write_bytes(b"hello")
    for name in ("day.parquet", "absent.parquet"):
        with pytest.raises(DataError, match="cannot be read"):
            validate_bars(tmp_path / name, KIND)
