"""The command shows a market live: rows on one side, counts on the other, and an end."""

import asyncio
import json
import threading
from contextlib import contextmanager

import pytest
from typer.testing import CliRunner

from bateia.cli import app
from bateia.core import ConfigError
from bateia.core.period import Period
from loopback_exchange import Exchange, generated_trades, serving
from loopback_stream import DROP, Stream, agg_trade, streaming

DAY = Period("2024-01-01")
ROWS = generated_trades(DAY.start, DAY.start + 30_000_000, 1_000_000)


@contextmanager
def playing(stream):
    """The stream in a thread of its own, since the command has its own loop."""
    ready, loop, over = threading.Event(), asyncio.new_event_loop(), asyncio.Event()

    async def main():
        async with streaming(stream):
            ready.set()
            await over.wait()

    thread = threading.Thread(target=lambda: loop.run_until_complete(main()), daemon=True)
    thread.start()
    assert ready.wait(10)
    try:
        yield stream
    finally:
        loop.call_soon_threadsafe(over.set)
        thread.join(timeout=10)
        loop.close()


def show(stream, *words, exchange=None):
    exchange = exchange or Exchange()
    with serving(exchange), playing(stream):
        where = ["--stream", stream.url, "--rest", exchange.url]
        return CliRunner().invoke(app, ["stream", "binance", "BTCUSDT", *words, *where])


def rows_of(result):
    assert result.exit_code == 0, result.output
    return [json.loads(line) for line in result.stdout.splitlines()]


def test_trades_come_as_lines_and_counts_at_the_end():
    exchange = Exchange()
    exchange.trades["/api/v3/", "BTCUSDT"] = ROWS
    stream = Stream([agg_trade(ROWS[0]), DROP], [agg_trade(ROWS[29])])
    result = show(stream, "aggTrades", "--rows", "30", exchange=exchange)
    rows = rows_of(result)
    assert [row["id"] for row in rows] == [row["a"] for row in ROWS]
    assert rows[3]["price"] == float(ROWS[3]["p"]) and rows[3]["known_at"] > rows[3]["time"]
    assert "rows 30" in result.stderr and "lost 0" in result.stderr


def test_it_ends_when_its_time_is_over():
    said = json.dumps({"u": 7, "s": "BTCUSDT", "b": "9", "B": "1", "a": "11", "A": "2"})
    rows = rows_of(show(Stream([said]), "ticker", "--for", "3s"))
    assert [row["update_id"] for row in rows] == [7] and rows[0]["time"] is None


def test_a_book_comes_with_its_best_levels():
    diffs = [
        {"e": "depthUpdate", "E": 1000 * k, "s": "BTCUSDT", "U": k, "u": k, "b": [["9", str(k)]], "a": []}
        for k in range(1, 5)
    ]
    exchange = Exchange()
    exchange.depth["BTCUSDT"] = lambda: {"lastUpdateId": 1, "bids": [["9", "1"]], "asks": [["11", "3"]]}
    told = [lambda: exchange.count("depth") > 0, 0.3]
    stream = Stream([json.dumps(diffs[0]), *told, *map(json.dumps, diffs[1:])])
    rows = rows_of(show(stream, "book", "--tick", "0.5", "--rows", "2", exchange=exchange))
    assert rows == [{"time": 1_000_000 * k, "bids": [[9, k - 1]], "asks": [[11, 3]]} for k in (3, 4)]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["book"], "without its tick size"),
        (["7m"], "no candles of '7m'"),
        (["aggTrades", "--from", "2024"], "of no store"),
        (["ticker", "--store", "store"], "a ticker of a store"),
        (["aggTrades", "--market", "dex"], "no market 'dex'"),
        (["aggTrades", "--for", "soon"], "not a duration"),
    ],
)
def test_what_cannot_be_meant_is_told(words, told):
    result = show(Stream(), *words)
    assert isinstance(result.exception, ConfigError) and told in str(result.exception)
