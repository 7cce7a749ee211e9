"""What goes wrong around a fetch: one clear error, nothing lost, and the same command carries on."""

import json
import re
import shlex
import shutil
import subprocess
import sys

import pytest
from typer.testing import CliRunner

from bateia import cli
from bateia.core import DataError
from bateia.store import Series, Store
from loopback_exchange import Exchange, serving

MONTHS = ["2024-01", "2024-02", "2024-03"]
SERIES = Series("binance", "spot", "BTCUSDT", "candles-15m")


@pytest.fixture(scope="module")
def exchange():
    with serving(Exchange()) as served:
        served.put_months(interval="15m", months=MONTHS)
        yield served


@pytest.fixture
def words(exchange):
    """A fetch into the store of the last argument."""
    exchange.faults.clear()
    urls = ["--archive", exchange.url, "--rest", exchange.url]
    return ["fetch", "binance", "BTCUSDT", "15m", "--from", MONTHS[0], "--to", MONTHS[-1], *urls, "--store"]


def content(where):
    return {str(p.relative_to(where)): p.read_bytes() for p in sorted(where.rglob("*")) if p.is_file()}


def invoke(*given):
    return CliRunner().invoke(cli.app, [str(word) for word in given])


@pytest.fixture(scope="module")
def calm(exchange, tmp_path_factory):
    """The store of a fetch to which nothing happened."""
    store = tmp_path_factory.mktemp("calm")
    urls = ["--archive", exchange.url, "--rest", exchange.url]
    done = invoke(
        "fetch", "binance", "BTCUSDT", "15m", "--from", MONTHS[0], "--to", MONTHS[-1], *urls, "--store", store
    )
    assert done.exit_code == 0, done.output
    return content(store)


def test_files_may_not_grow(words, calm, tmp_path):
    """A quota, which the system enforces: the JSON still fits, the data does not."""
    code = "import resource, runpy; resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000));"
    code += "runpy.run_module('bateia', run_name='__main__', alter_sys=True)"
    done = subprocess.run(
        [sys.executable, "-B", "-c", code, *words, str(tmp_path)],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 1
    assert "error: cannot write " in done.stderr
    assert "File too large; allowed: a folder with space" in done.stderr
    assert "Traceback" not in done.stderr
    assert [name for name in content(tmp_path) if name.endswith((".parquet", ".part", ".json"))] == [
        "store.json"
    ]
    assert invoke(*words, tmp_path).exit_code == 0
    assert content(tmp_path) == calm


def in_a_namespace(script):
    """Run lines of a shell in which mounts are ours alone."""
    if not shutil.which("unshare") or subprocess.run(["unshare", "-rm", "true"], check=False).returncode:
        pytest.skip("this system lets us mount nothing")
    return subprocess.run(
        ["unshare", "-rm", "sh", "-c", script], capture_output=True, text=True, check=False, timeout=120
    )


def test_a_full_disk(words, calm, tmp_path):
    """A disk with room for one month and a bit, and then for all of them."""
    disk, full, more = (tmp_path / name for name in ("disk", "full", "more"))
    disk.mkdir()
    size = max(len(data) for data in calm.values()) * 3 // 2
    fetch = shlex.join([sys.executable, "-m", "bateia", *words, str(disk / "store")])
    done = in_a_namespace(
        f"mount -t tmpfs -o size={size} none {disk};"
        f"{fetch} --at-once 1; echo first $?; cp -r {disk}/store {full};"
        f"mount -o remount,size=50m {disk}; {fetch}; echo second $?; cp -r {disk}/store {more}"
    )
    assert "first 1" in done.stdout
    assert "No space left on device; allowed: a folder with space" in done.stderr
    assert "second 0" in done.stdout
    store = Store.open(full)
    parts = store.parts(SERIES)
    assert 0 < len(parts) < 3
    assert all(store.intact(part) for part in parts)
    assert not list(full.rglob("*.part"))
    assert content(more) == calm


def test_a_read_only_disk(words, calm, tmp_path):
    """What is there is read; what is missing cannot be written, and that is said."""
    for name, data in calm.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(data)
    (tmp_path / f"catalogue/{SERIES}/2024-02.json").unlink()
    before = content(tmp_path)
    bateia = shlex.join([sys.executable, "-m", "bateia"])
    fetch = shlex.join([sys.executable, "-m", "bateia", *words, str(tmp_path)])
    done = in_a_namespace(
        f"mount --bind {tmp_path} {tmp_path}; mount -o remount,bind,ro {tmp_path};"
        f"{fetch}; echo fetch $?; {bateia} data status --store {tmp_path} --json; echo status $?"
    )
    assert "fetch 1" in done.stdout
    assert f"error: cannot write to the store '{tmp_path}': Read-only file system" in done.stderr
    assert "status 0" in done.stdout
    assert content(tmp_path) == before
    assert invoke(*words, tmp_path).exit_code == 0
    assert content(tmp_path) == calm


def test_a_store_of_a_newer_version_is_left_alone(exchange, words, tmp_path):
    (tmp_path / "store.json").write_text('{"what": "bateia store", "version": 99}\n')
    before, asked = content(tmp_path), len(exchange.asked)
    done = invoke(*words, tmp_path)
    assert isinstance(done.exception, DataError)
    assert "is of version 99; allowed: version 1; try: a newer bateia" in str(done.exception)
    assert (content(tmp_path), len(exchange.asked)) == (before, asked)


def test_corrupt_files_are_told_and_mended(words, calm, tmp_path):
    """A bit flipped in one month's file, another month's file gone."""
    assert invoke(*words, tmp_path).exit_code == 0
    flipped, gone = sorted(tmp_path.rglob("*.parquet"))[:2]
    data = bytearray(flipped.read_bytes())
    data[len(data) // 2] ^= 1
    flipped.write_bytes(data)
    gone.unlink()
    done = invoke("data", "status", "--store", tmp_path, "--verify", "--json")
    assert done.exit_code == 1
    assert json.loads(done.stdout)[0]["corrupt"] == MONTHS[:2]
    done = invoke("data", "export", SERIES, tmp_path / "out.csv", "--store", tmp_path)
    assert "its hash is not the catalogue's; try: bateia fetch again: it replaces it" in str(done.exception)
    assert not (tmp_path / "out.csv").exists()
    again = invoke(*words, tmp_path)
    assert again.exit_code == 0
    assert again.stdout.count("was corrupt and is fetched again") == 2
    assert content(tmp_path) == calm


def test_an_entry_that_is_none_is_named(words, calm, tmp_path):
    assert invoke(*words, tmp_path).exit_code == 0
    entry = tmp_path / f"catalogue/{SERIES}/2024-02.json"
    entry.write_text(entry.read_text()[:50])
    done = invoke(*words, tmp_path)
    assert isinstance(done.exception, DataError)
    assert "2024-02.json is no entry of a store's catalogue" in str(done.exception)
    assert "try: delete it and fetch again" in str(done.exception)
    entry.unlink()
    assert invoke(*words, tmp_path).exit_code == 0
    assert content(tmp_path) == calm


@pytest.mark.parametrize(
    ("faults", "says"),
    [
        ({"2024-02.zip": [(418, 7200)]}, "asks for 7,200 s of patience; allowed: at most 300 s"),
        ({"2024-02.zip": [(429, 301)]}, "asks for 301 s of patience"),
        ({"2024-02.zip": [403]}, "answers 403.*another network"),
        ({"2024-02.zip": [None, 451]}, "answers 451.*another host by --rest"),
    ],
)
def test_a_refusal_is_told_and_a_rerun_carries_on(exchange, words, calm, tmp_path, faults, says):
    exchange.faults = faults
    done = invoke(*words, tmp_path, "--json")
    assert done.exit_code == 1
    (failed,) = json.loads(done.stdout)["failed"]
    assert failed["missing"] == [["2024-02-01T00:00:00Z", "2024-03-01T00:00:00Z"]]
    assert re.search(says, failed["reason"])
    exchange.asked.clear()
    assert invoke(*words, tmp_path).exit_code == 0
    assert exchange.count("2024-01") == exchange.count("2024-03") == 0
    assert content(tmp_path) == calm


def test_a_portal_that_answers_everything_is_not_believed(exchange, words, calm, tmp_path):
    """A page of a hotel's network in place of every answer."""
    page = b"<html>Please accept our terms</html>"
    exchange.faults = {"/": [page] * 1000}
    done = invoke(*words, tmp_path, "--json")
    assert done.exit_code == 1
    report = json.loads(done.stdout)
    missing = sorted(stretch for failed in report["failed"] for stretch in failed["missing"])
    assert [missing[0][0], missing[-1][1]] == ["2024-01-01T00:00:00Z", "2024-04-01T00:00:00Z"]
    assert report["rows"] == 0
    assert any("Please accept our terms" in failed["reason"] for failed in report["failed"])
    exchange.faults = {}
    assert invoke(*words, tmp_path).exit_code == 0
    assert content(tmp_path) == calm


def test_two_at_once_do_not_write_the_same_series(words, calm, tmp_path):
    with Store.create(tmp_path).writer(SERIES):
        done = invoke(*words, tmp_path)
    assert isinstance(done.exception, DataError)
    assert "another process is writing" in str(done.exception)
    assert "try: wait until it is done, then run the same again" in str(done.exception)
    assert invoke(*words, tmp_path).exit_code == 0
    assert content(tmp_path) == calm
