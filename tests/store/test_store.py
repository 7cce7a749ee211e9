"""A store is whole at every moment, and the same bytes however often its writing was interrupted."""

import errno
import hashlib
import json
import os
import subprocess
import sys

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bateia.core import ConfigError, DataError
from bateia.core.clock import HOUR
from bateia.core.coverage import Coverage
from bateia.store import Series, Store
from bateia.store.folder import LocalFolder
from store_data import DAYS, SERIES, fill, generated_trades, whole


def content(where):
    """Every file of a folder and its bytes."""
    files = sorted(path for path in where.rglob("*") if path.is_file())
    return {str(path.relative_to(where)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def test_what_was_written_is_read(tmp_path):
    store = fill(tmp_path / "new" / "store")
    wanted = pl.concat([generated_trades(day) for day in DAYS])
    assert store.read(SERIES).equals(wanted)
    assert Store.open(store.name).read(SERIES, columns=["price"]).equals(wanted.select("price"))
    assert store.series() == [SERIES]
    assert store.coverage(SERIES) == Coverage.of([(DAYS[0].start, DAYS[-1].end)])
    part = store.part(SERIES, DAYS[1])
    assert (part.rows, part.first, part.last) == (24, DAYS[1].start, DAYS[1].end - HOUR)
    # Any program that knows Parquet reads it too, with the series as columns.
    found = pl.read_parquet(tmp_path / "new/store/data/**/*.parquet", hive_partitioning=True)
    assert found.filter(symbol="BTCUSDT", kind="trades").height == 72


def test_files_are_kept_as_their_source_made_them(tmp_path):
    store, raw = Store.create(tmp_path), Series("mine", "spot", "BTCUSDT", "ob500")
    with store.writer(raw) as writer:
        part = writer.keep(DAYS[0], "first.zip", b"not rows", 7, (DAYS[0].start, DAYS[0].end - 1))
        writer.lacks(DAYS[1])
    assert (tmp_path / part.file).read_bytes() == b"not rows" and part.file.endswith("/first.zip")
    assert (part.rows, part.size, part.origin[0].sha256) == (7, 8, part.sha256)
    assert store.files(raw) == [part.file] and all(map(store.intact, store.parts(raw)))
    assert store.coverage(raw) == Coverage.of([(DAYS[0].start, DAYS[1].end)])
    assert [one.absent for one in store.parts(raw)] == [(), whole(DAYS[1]).stretches]
    with pytest.raises(DataError, match="kept as its source made it: files, not rows"):
        store.read(raw)
    with store.writer(raw) as writer:
        writer.keep(DAYS[1], "second.zip", b"it came", 1, (DAYS[1].start, DAYS[1].start))
        (tmp_path / part.file).write_bytes(b"changed!")
        assert not store.intact(part)
        writer.keep(DAYS[0], "renamed.zip", b"not rows", 7, (DAYS[0].start, DAYS[0].end - 1))
    assert [name.rpartition("/")[2] for name in store.files(raw)] == ["renamed.zip", "second.zip"]
    assert sorted(path.name for path in tmp_path.rglob("*.zip")) == ["renamed.zip", "second.zip"]


@given(st.integers(-30, 100), st.integers(-30, 100))
def test_a_stretch_of_time_is_a_filter_of_the_whole(tmp_path_factory, a, b):
    where = tmp_path_factory.getbasetemp() / "stretches"
    store = Store.open(where) if where.is_dir() else fill(where)
    start, end = (DAYS[0].start + hours * HOUR // 2 for hours in (min(a, b), max(a, b)))
    everything = store.read(SERIES)
    moment = everything["time"].dt.epoch("us")
    wanted = everything.filter((moment >= start) & (moment < end))
    if start < end and (start < DAYS[0].start or end > DAYS[-1].end):
        with pytest.raises(DataError, match=r"lacks 202.* of mine/spot/BTCUSDT/trades; try: bateia"):
            store.read(SERIES, start, end)
    elif wanted.is_empty():
        with pytest.raises(DataError, match="holds no rows"):
            store.read(SERIES, start, end)
    else:
        assert store.read(SERIES, start, end).equals(wanted)


def test_a_hole_is_told(tmp_path):
    store = fill(tmp_path, [DAYS[0], DAYS[2]])
    with pytest.raises(DataError, match="lacks 2024-01-02T00:00:00Z to 2024-01-03T00:00:00Z"):
        store.read(SERIES)
    assert len(store.read(SERIES, end=DAYS[0].end)) == 24


class Killed(BaseException):
    """Stands for the end of the process: nothing may catch it."""


@pytest.mark.parametrize("step", range(30))
def test_interrupted_anywhere_the_rest_makes_the_same_bytes(tmp_path, monkeypatch, step):
    before = fill(tmp_path / "a", DAYS[:2], rows=20)
    fill(tmp_path / "b", DAYS[:2], rows=20)
    old, new = before.read(SERIES, end=DAYS[1].end), pl.concat([generated_trades(day) for day in DAYS])
    fill(tmp_path / "b")
    done = 0

    def kill(real):
        def killed(*args, **kwargs):
            nonlocal done
            done += 1
            if done > step:
                raise Killed
            return real(*args, **kwargs)

        return killed

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", kill(os.fsync))
        patch.setattr("pathlib.Path.replace", kill(type(tmp_path).replace))
        # A killed process does not tidy up.
        patch.setattr("pathlib.Path.unlink", kill(type(tmp_path).unlink))
        try:
            fill(tmp_path / "a")
            killed = False
        except Killed:
            killed = True
    assert killed == (step < done)
    seen = Store.open(tmp_path / "a").read(SERIES)
    days = [seen.filter(pl.col("time").dt.date() == pl.lit(d.name).str.to_date()) for d in DAYS]
    for day, frame in zip(DAYS, days, strict=True):
        versions = (len(generated_trades(day)), 20 if day != DAYS[2] else 0)
        assert len(frame) in versions
    assert len(old) <= len(seen) <= len(new)
    fill(tmp_path / "a")
    assert content(tmp_path / "a") == content(tmp_path / "b")


def test_disk_full_loses_nothing(tmp_path, monkeypatch):
    store = fill(tmp_path)
    before = content(tmp_path)

    def full(handle):
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(DataError, match=r"cannot write .*No space left.*it carries on"):
            fill(tmp_path, rows=3)
    assert content(tmp_path) == before
    assert store.read(SERIES).height == 72


def test_a_read_only_store_is_read_and_not_written(tmp_path, monkeypatch):
    store = fill(tmp_path)

    def refused(self, *args, **kwargs):
        if args and args[0] in {"wb", "ab"}:
            raise PermissionError(errno.EACCES, "Permission denied")
        return opened(self, *args, **kwargs)

    opened = type(tmp_path).open
    monkeypatch.setattr("pathlib.Path.open", refused)
    assert store.read(SERIES).height == 72
    with pytest.raises(DataError, match=r"cannot write to the store .*Permission denied"):
        fill(tmp_path)


def test_corruption_is_seen(tmp_path):
    store = fill(tmp_path)
    part = store.part(SERIES, DAYS[1])
    path = tmp_path / part.file
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(bytes(data))
    assert not store.intact(part)
    with pytest.raises(DataError, match=r"is corrupt: its hash is not the catalogue's; try: bateia fetch"):
        store.read(SERIES)
    assert store.read(SERIES, end=DAYS[0].end).height == 24
    path.unlink()
    with pytest.raises(DataError, match="is missing"):
        store.read(SERIES)
    fill(tmp_path)
    assert store.read(SERIES).height == 72


def test_what_is_no_store(tmp_path):
    with pytest.raises(DataError, match="is no store"):
        Store.open(tmp_path)
    (tmp_path / "letter.txt").write_text("mine")
    with pytest.raises(DataError, match="holds other files and no store"):
        Store.create(tmp_path)
    (tmp_path / "letter.txt").unlink()
    mark = tmp_path / "store.json"
    mark.write_text(json.dumps({"version": 2}))
    for way in (Store.open, Store.create):
        with pytest.raises(DataError, match="of version 2; allowed: version 1; try: a newer bateia"):
            way(tmp_path)
    mark.write_text("{")
    with pytest.raises(DataError, match="is broken"):
        Store.open(tmp_path)


def test_a_broken_entry_is_named(tmp_path):
    store = fill(tmp_path)
    entry = tmp_path / "catalogue/mine/spot/BTCUSDT/trades/2024-01-02.json"
    entry.write_text("{}")
    with pytest.raises(DataError, match=r"2024-01-02\.json is no entry .*delete it and fetch again"):
        store.read(SERIES)
    entry.unlink()
    assert store.read(SERIES, end=DAYS[0].end).height == 24


def test_one_writer_a_series(tmp_path):
    store = fill(tmp_path)
    script = (
        "import sys; from bateia.store import *; s = Store.open(sys.argv[1]);"
        "o = s.writer(Series('mine', 'spot', sys.argv[2], 'trades')); o.__enter__()"
    )
    with store.writer(SERIES):
        for symbol, wrong in (("BTCUSDT", True), ("ETHUSDT", False)):
            words = [sys.executable, "-c", script, str(tmp_path), symbol]
            done = subprocess.run(words, capture_output=True, text=True, timeout=60, check=False)
            assert ("another process is writing" in done.stderr) == wrong
            assert (done.returncode != 0) == wrong


def test_rows_must_be_in_order_and_in_their_period(tmp_path):
    store = Store.create(tmp_path)
    with store.writer(SERIES) as writer:
        with pytest.raises(DataError, match="not in order"):
            writer.write(DAYS[0], generated_trades(DAYS[0]).reverse(), whole(DAYS[0]))
        with pytest.raises(DataError, match=r"a row of .* at 2024-01-02T00:00:00Z in 2024-01-01"):
            writer.write(DAYS[0], generated_trades(DAYS[0], 25), whole(DAYS[0]))
        with pytest.raises(DataError, match="without a clock"):
            writer.write(DAYS[0], pl.DataFrame({"price": [1.0]}), whole(DAYS[0]))
    assert store.series() == []


def test_an_empty_day_is_known_to_be_empty(tmp_path):
    store = fill(tmp_path, [DAYS[0], DAYS[2]])
    with store.writer(SERIES) as writer:
        writer.write(DAYS[1], generated_trades(DAYS[1], 0), whole(DAYS[1]), absent=whole(DAYS[1]))
    assert store.read(SERIES).height == 48
    with pytest.raises(DataError, match="holds no rows"):
        store.read(SERIES, DAYS[1].start, DAYS[1].end)


def test_a_reader_gets_the_new_file_where_a_writer_was_faster(tmp_path):
    store = fill(tmp_path, rows=20)
    (old, *_) = store.parts(SERIES)
    fill(tmp_path)
    assert store.table(SERIES, old).height == 24
    assert store.read(SERIES).height == 72


def test_bad_names():
    for word in ("", "a/b", "../x", "a b", ".hidden", "x" * 65):
        with pytest.raises(ConfigError, match="of a series; allowed: letters"):
            Series("mine", "spot", word, "trades")


def test_unknown_series(tmp_path):
    store = fill(tmp_path)
    with pytest.raises(DataError, match=r"has no mine/spot/BTCUSD/trades.*try: mine/spot/BTCUSDT/trades"):
        store.read(Series("mine", "spot", "BTCUSD", "trades"))


def test_halves_of_files_are_never_listed(tmp_path):
    folder = LocalFolder(tmp_path)
    folder.write("a/b.txt", b"1")
    (tmp_path / "a" / ".c.txt.99.part").write_bytes(b"half")
    assert folder.names("") == ["a/b.txt"]
    with folder.alone("a"):
        assert sorted(path.name for path in (tmp_path / "a").iterdir()) == [".lock", "b.txt"]
    assert folder.read("a/none") is None
    assert folder.read("a/b.txt/deeper") is None
