"""`bateia stream --keep` as a user runs it: killed at any moment, interrupted, and gone on with."""

import json
import random
import signal
import subprocess
import sys
import time

import pytest
from typer.testing import CliRunner

from bateia.cli import app
from bateia.core import ConfigError, DataError
from bateia.core.clock import SECOND
from bateia.core.period import Period
from bateia.store import Series, Store
from loopback_exchange import Exchange, generated_trades, serving
from loopback_stream import DROP, Stream, agg_trade, playing

DAY = Period("2024-01-01")
ROWS = generated_trades(DAY.end - 150 * SECOND, DAY.end + 150 * SECOND, SECOND)  # through midnight
TRADES = Series("binance", "spot", "BTCUSDT", "agg_trades")


def words(stream, exchange, store, *more):
    where = ["--stream", stream.url, "--rest", exchange.url, "--store", str(store), "--keep"]
    return ["stream", "binance", "BTCUSDT", "aggTrades", "--flush", "30ms", *where, *more]


def begun(*given):
    command = [sys.executable, "-m", "bateia", *given]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def ids(store):
    """Of the trades that are in a store, each file held against its hash."""
    kept = Store.create(store)
    return [number for part in kept.parts(TRADES) if part.rows for number in kept.table(TRADES, part)["id"]]


def test_killed_at_random_moments_it_goes_on_where_the_store_ends(tmp_path):
    """Each start hears a few trades more, slowly; what is whole after a kill is whole in the end."""
    seed, kills, reached = random.Random(7), 0, 0
    exchange, store = Exchange(), tmp_path / "store"
    with serving(exchange):
        for begin in range(0, 250, 50):
            exchange.trades["/api/v3/", "BTCUSDT"] = ROWS[: begin + 1]
            said = [step for row in ROWS[begin : begin + 50] for step in (agg_trade(row), 0.01)]
            with playing(Stream(said)) as stream:
                work = begun(*words(stream, exchange, store))
                patience = time.monotonic() + 30
                while len(ids(store)) <= reached and time.monotonic() < patience:
                    time.sleep(0.01)
                time.sleep(0.3 * seed.random())
                work.kill()
                work.communicate(timeout=30)
                kills += work.returncode == -signal.SIGKILL
            found = ids(store)
            assert found == list(range(1, len(found) + 1)) and len(found) > reached
            reached = len(found)
        assert kills == 5
        exchange.trades["/api/v3/", "BTCUSDT"] = ROWS
        with playing(Stream([agg_trade(ROWS[-1])])) as stream:
            done = CliRunner().invoke(app, words(stream, exchange, store, "--rows", str(300 - reached)))
    assert done.exit_code == 0, done.output
    assert f"kept {300 - reached} rows of {TRADES}, none missing" in done.stderr
    assert ids(store) == list(range(1, 301))
    first, last = (ROWS[row]["T"] * 1000 for row in (0, -1))
    assert Store.open(store).coverage(TRADES).stretches == ((first + 1, last),)


def test_an_interrupt_writes_what_came(tmp_path):
    exchange = Exchange()
    with serving(exchange), playing(Stream([agg_trade(row) for row in ROWS[:5]])) as stream:
        work = begun(*words(stream, exchange, tmp_path, "--flush", "1h"))
        shown = [json.loads(work.stdout.readline())["id"] for _ in range(5)]
        work.send_signal(signal.SIGINT)
        _, told = work.communicate(timeout=30)
    assert shown == ids(tmp_path) == [1, 2, 3, 4, 5]
    assert "kept 5 rows" in told and "interrupted" in told and "Traceback" not in told


def test_a_gap_is_told_and_seen(tmp_path):
    exchange = Exchange()
    stream = Stream([agg_trade(ROWS[0]), agg_trade(ROWS[1]), DROP], [agg_trade(ROWS[7]), agg_trade(ROWS[8])])
    with serving(exchange), playing(stream):
        done = CliRunner().invoke(app, words(stream, exchange, tmp_path, "--rows", "4"))
    assert done.exit_code == 0, done.output
    assert "kept 4 rows" in done.stderr
    assert "missing: 2024-01-01T23:57:31Z to 2024-01-01T23:57:37.000001Z" in done.stderr
    status = CliRunner().invoke(app, ["data", "status", "--store", str(tmp_path), "--json"])
    (row,) = json.loads(status.stdout)
    assert row["missing"] == [["2024-01-01T23:57:31Z", "2024-01-01T23:57:37.000001Z"]]


def test_with_a_first_moment_the_store_is_shown_first(tmp_path):
    exchange = Exchange()
    exchange.trades["/api/v3/", "BTCUSDT"] = ROWS[:9]
    for said, more, shown in [
        (ROWS[:5], ["--rows", "5"], [1, 2, 3, 4, 5]),
        (ROWS[8:9], ["--rows", "4"], [6, 7, 8, 9]),
        (ROWS[9:10], ["--rows", "3", "--from", "2024-01-01T23:57:37"], [8, 9, 10]),
    ]:
        with serving(exchange), playing(Stream([agg_trade(row) for row in said])) as stream:
            done = CliRunner().invoke(app, words(stream, exchange, tmp_path, *more))
        assert [json.loads(line)["id"] for line in done.stdout.splitlines()] == shown, done.output
    assert ids(tmp_path) == list(range(1, 11))


@pytest.mark.parametrize(
    ("given", "error", "told"),
    [
        (["ticker", "--store", "store", "--keep"], ConfigError, "a ticker of a store"),
        (["book", "--tick", "1", "--store", "store", "--keep"], ConfigError, "a book of a store"),
        (["aggTrades", "--keep"], ConfigError, "rows kept in no store"),
        (["aggTrades", "--keep", "--store", "store", "--flush", "soon"], ConfigError, "not a duration"),
        (["aggTrades", "--store", "store", "--flush", "30s"], ConfigError, "--flush without --keep"),
        (["aggTrades", "--keep", "--store", __file__], DataError, "cannot write"),
    ],
)
def test_what_cannot_be_kept_is_told(given, error, told, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(app, ["stream", "binance", "BTCUSDT", *given])
    assert isinstance(result.exception, error) and told in str(result.exception)
