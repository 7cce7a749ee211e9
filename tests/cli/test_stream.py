"""The command shows a market live: rows on one side, counts on the other, and an end."""

import json

import pytest
from typer.testing import CliRunner

from bateia.cli import app
from bateia.core import ConfigError
from bateia.core.period import Period
from loopback_bybit import SUBSCRIBED, BybitExchange, as_print, generated_prints, told
from loopback_exchange import Exchange, generated_trades, serving
from loopback_stream import DROP, Stream, agg_trade, playing

DAY = Period("2024-01-01")
ROWS = generated_trades(DAY.start, DAY.start + 30_000_000, 1_000_000)


def show(stream, *words, exchange=None, of=("binance", "BTCUSDT")):
    exchange = exchange or Exchange()
    with serving(exchange), playing(stream):
        where = ["--stream", stream.url, "--rest", exchange.url]
        return CliRunner().invoke(app, ["stream", *of, *words, *where])


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
    ("words", "says"),
    [
        (["book"], "without its tick size"),
        (["7m"], "no candles of '7m'"),
        (["aggTrades", "--from", "2024"], "of no store"),
        (["ticker", "--store", "store"], "a ticker of a store"),
        (["aggTrades", "--market", "dex"], "no market 'dex'"),
        (["aggTrades", "--for", "soon"], "not a duration"),
    ],
)
def test_what_cannot_be_meant_is_told(words, says):
    result = show(Stream(), *words)
    assert isinstance(result.exception, ConfigError) and says in str(result.exception)


BYBIT = ("bybit", "XYUSDT")


def test_trades_of_bybit_and_where_some_may_be_missing():
    prints, exchange = generated_prints(100), BybitExchange()
    exchange.prints, exchange.reach = [as_print(row) for row in prints], 10
    stream = Stream([SUBSCRIBED, told(prints[:5]), 0.2, DROP], [SUBSCRIBED, told(prints[95:])])
    result = show(stream, "trades", "--rows", "15", exchange=exchange, of=BYBIT)
    assert [row["time"] for row in rows_of(result)] == [row["T"] * 1000 for row in prints[:5] + prints[90:]]
    assert "rows 15, duplicates 0, late 0, joins 0, breaks 1" in result.stderr
    assert "trades between 2024-01-01T00:00:00.500000Z and" in result.stderr and "missing" in result.stderr
    assert stream.paths == ["/v5/public/linear"] * 2


def test_a_book_and_a_ticker_of_bybit():
    def said(topic, ts, kind, **data):
        return json.dumps({"topic": topic, "type": kind, "ts": ts, "data": {"s": "XYUSDT"} | data, "cts": ts})

    book = [
        said("orderbook.200.XYUSDT", 1000 * k, "delta" if k > 1 else "snapshot", u=k, seq=k, **sides)
        for k, sides in enumerate(
            [{"b": [["9", "1"]], "a": [["11", "3"]]}, *[{"b": [["9", "5"]], "a": []}] * 3], 1
        )
    ]
    rows = rows_of(show(Stream([SUBSCRIBED, *book]), "book", "--rows", "2", of=BYBIT))
    assert rows == [
        {"time": 1_000_000 * k, "bids": [[9, size]], "asks": [[11, 3]]} for k, size in ((2, 1), (3, 5))
    ]
    ticker = said("tickers.XYUSDT", 5, "snapshot", lastPrice="7", bid1Price="6.5")
    (row,) = rows_of(show(Stream([SUBSCRIBED, ticker]), "ticker", "--rows", "1", of=BYBIT))
    assert (row["time"], row["last"], row["bid"], row["ask"]) == (5000, 7, 6.5, None)


def test_candles_of_bybit_are_kept_where_fetch_puts_them(tmp_path):
    def candle(k):
        start = DAY.start // 1000 + 300_000 * k
        return [str(start), "10", "12", "9", "11", str(k), str(11 * k)]

    keys = ("start", "open", "high", "low", "close", "volume", "turnover")
    exchange = BybitExchange()
    exchange.candles, exchange.now = [candle(k) for k in range(10)], DAY.start // 1000 + 3_000_000
    said = [
        json.dumps(
            {
                "topic": "kline.5.XYUSDT",
                "data": [
                    dict(zip(keys, candle(k), strict=True)) | {"start": int(candle(k)[0]), "confirm": True}
                ],
            }
        )
        for k in (0, 9)
    ]
    more = ["--store", str(tmp_path / "store"), "--keep", "--rows", "10"]
    result = show(Stream([SUBSCRIBED, *said]), "5m", *more, exchange=exchange, of=BYBIT)
    assert len(rows_of(result)) == 10 and "kept 10 rows of bybit/linear/XYUSDT/candles-5m" in result.stderr
    with serving(exchange):
        words = ["fetch", "bybit", "XYUSDT", "5m", "--from", "2024-01-01", "--to", "2024-01-01T00:50"]
        done = CliRunner().invoke(
            app, [*words, "--store", str(tmp_path / "store"), "--rest", exchange.url, "--json"]
        )
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["rows"] == 0, "what was kept needs not be fetched"


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["aggTrades"], "no stream 'aggTrades' of Bybit; allowed: trades, book"),
        (["trades", "--market", "um"], "no market 'um' at Bybit"),
        (["trades", "--store", "store", "--keep"], "trades without numbers"),
        (["book", "--depth", "500"], "a book of 500 levels"),
        (["book", "--store", "store"], "a book of a store"),
    ],
)
def test_what_cannot_be_meant_of_bybit_is_told(words, says):
    result = show(Stream(), *words, of=BYBIT)
    assert isinstance(result.exception, ConfigError) and says in str(result.exception)


def test_a_refusal_of_bybit_is_told_in_its_words():
    said = '{"success":false,"ret_msg":"Invalid symbol :[publicTrade.XYUSDT]","op":"subscribe"}'
    result = show(Stream([said]), "trades", of=BYBIT)
    assert "refuses the stream: Invalid symbol :[publicTrade.XYUSDT]" in str(result.exception)
