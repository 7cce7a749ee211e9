"""A store on an object store: the same bytes as on a disk, one writer at a time."""

import os
import socket
import subprocess
import sys
import threading
import uuid

import fsspec
import polars as pl
import pytest

from bateia.core import ConfigError, DataError
from bateia.core.coverage import Coverage
from bateia.store import Store
from store_data import DAYS, SERIES, fill, generated_trades, whole


@pytest.fixture
def url():
    """An empty place in memory, which is an object store without a network."""
    return f"memory://{uuid.uuid4().hex}/store"


def content(url):
    fs, root = fsspec.url_to_fs(url)
    return {path[len(root) :]: fs.cat_file(path) for path in fs.find(root)}


def test_the_same_files_as_on_a_disk(url, tmp_path):
    store, local = fill(url), fill(tmp_path)
    assert content(url) == {
        f"/{path.relative_to(tmp_path)}": path.read_bytes()
        for path in tmp_path.rglob("*")
        if path.is_file() and not path.name.startswith(".")
    }
    opened = Store.open(url)
    assert (opened.name, opened.series()) == (url, [SERIES])
    assert opened.read(SERIES).equals(local.read(SERIES))
    assert store.coverage(SERIES) == Coverage.of([(DAYS[0].start, DAYS[-1].end)])


def test_a_day_is_replaced_and_its_old_file_goes(url):
    store = fill(url)
    before = set(content(url))
    with store.writer(SERIES) as writer:
        writer.write(DAYS[1], generated_trades(DAYS[1], 5), whole(DAYS[1]))
    assert len(content(url)) == len(before)
    assert set(content(url)) != before
    rows = [generated_trades(day, 5 if day == DAYS[1] else 24) for day in DAYS]
    assert Store.open(url).read(SERIES).equals(pl.concat(rows))


def test_one_writer_at_a_time(url):
    store = fill(url)
    second = Store.open(url).writer(SERIES)
    refused = pytest.raises(DataError, match=r"is writing .*; if it was killed, delete memory")
    with store.writer(SERIES), refused, second:
        raise AssertionError("two at once")
    with store.writer(SERIES):
        assert Store.open(url).series() == [SERIES]


def test_a_lock_that_was_left_is_taken_over_by_one(url, monkeypatch):
    """Another comes while the first, who has seen that the holder is gone, is about to take it away."""
    store = fill(url)
    fs, root = fsspec.url_to_fs(url)
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    fs.pipe_file(f"{root}/catalogue/{SERIES}/.lock", f"{socket.gethostname()} {gone.pid}".encode())
    delete, others, told = store.folder.delete, [], []

    def other():
        try:
            with Store.open(url).writer(SERIES):
                told.append("two at once")
        except DataError as error:
            told.append(str(error))

    def late(name):
        if name.endswith(".lock") and not others:
            others.append(threading.Thread(target=other))
            others[0].start()
            others[0].join(0.2)
        delete(name)

    monkeypatch.setattr(store.folder, "delete", late)
    with store.writer(SERIES):
        others[0].join(10)
    assert [f"{os.getpid()} is writing" in said for said in told] == [True]


def test_what_is_wrong_is_told(url):
    with pytest.raises(DataError, match=f"'{url}' is no store"):
        Store.open(url)
    with pytest.raises(ConfigError, match="cannot open the store 'nosuch://x'"):
        Store.open("nosuch://x")
    fs, root = fsspec.url_to_fs(url)
    fs.pipe_file(f"{root}/other.txt", b"mine")
    with pytest.raises(DataError, match="holds other files and no store"):
        Store.create(url)
