"""Messages of Binance, good and bad."""

import json

import numpy as np
import pytest

from bateia.book.binance import Depth, Diff, Ticker, Trade, parse_message
from bateia.core import DataError

SPOT = {"e": "depthUpdate", "E": 1723161255208, "s": "BTCUSDT", "U": 11, "u": 13}
SPOT |= {"b": [["61737.63000000", "0.00000000"], ["0.1", "2"]], "a": []}
FUTURES = SPOT | {"T": 1723161255206, "pu": 9}
TRADE = {"e": "trade", "E": 20, "s": "BTCUSDT", "t": 7, "p": "61837.6", "q": "0.02", "T": 19, "m": True}
AGGREGATE = {"e": "aggTrade", "E": 20, "s": "A", "a": 3, "p": "2", "q": "5", "f": 10, "l": 12, "T": 19}
AGGREGATE |= {"m": False, "M": True}


def row(message):
    return parse_message(json.dumps(message))


def test_diff_of_spot_and_of_futures():
    spot, futures = row(SPOT), row(FUTURES)
    assert isinstance(spot, Diff) and spot.previous is None and futures.previous == 9
    assert (spot.symbol, spot.time, spot.first, spot.last) == ("BTCUSDT", 1723161255208000, 11, 13)
    assert spot.bids.tolist() == [[61737.63, 0.0], [0.1, 2.0]]
    assert spot.asks.shape == (0, 2)


def test_the_combined_stream_is_the_raw_one_in_an_envelope():
    raw, combined = row(SPOT), row({"stream": "btcusdt@depth", "data": SPOT})
    assert raw.last == combined.last and np.array_equal(raw.bids, combined.bids)


def test_bytes_are_read_as_text():
    assert parse_message(json.dumps(TRADE).encode()) == row(TRADE)


def test_depth_answer_takes_its_symbol_from_the_caller_where_it_has_none():
    answer = {"lastUpdateId": 5, "bids": [["9", "1"]], "asks": [["10", "2"], ["11", "3"]]}
    found = parse_message(json.dumps(answer), "ETHBTC")
    assert isinstance(found, Depth)
    assert (found.symbol, found.time, found.last, found.asks.shape) == ("ETHBTC", None, 5, (2, 2))
    coin = row(answer | {"symbol": "BTCUSD_PERP", "pair": "BTCUSD", "E": 1723161257835, "T": 1723161257823})
    assert (coin.symbol, coin.time) == ("BTCUSD_PERP", 1723161257835000)


def test_trades_have_the_side_of_the_taker():
    assert row(TRADE) == Trade("BTCUSDT", 19_000, 7, 61837.6, 0.02, -1, 1, 7)
    assert row(AGGREGATE) == Trade("A", 19_000, 3, 2.0, 5.0, 1, 3, 10)


def test_ticker_of_spot_and_of_futures():
    spot = {"u": 4, "s": "BTCUSDT", "b": "1", "B": "2", "a": "3", "A": "4"}
    assert row(spot) == Ticker("BTCUSDT", None, 4, 1.0, 2.0, 3.0, 4.0)
    assert row(spot | {"e": "bookTicker", "E": 5, "T": 4}) == Ticker("BTCUSDT", 5000, 4, 1.0, 2.0, 3.0, 4.0)


def test_microseconds_are_told_from_milliseconds():
    assert row(SPOT | {"E": 1735689600000123}).time == 1735689600000123


@pytest.mark.parametrize("other", [{"result": None, "id": 1}, {"e": "kline", "k": {}}, {}])
def test_other_messages_are_nothing(other):
    assert row(other) is None


BAD = {
    "ids reversed": SPOT | {"U": 14},
    "previous above last": FUTURES | {"pu": 14},
    "id with a fraction": SPOT | {"u": 13.5},
    "id as text": SPOT | {"U": "11"},
    "no bids": {key: SPOT[key] for key in SPOT if key != "b"},
    "levels as text": SPOT | {"b": "61737"},
    "level of three": SPOT | {"b": [["1", "2", "3"]]},
    "level of one": SPOT | {"b": [["1"]]},
    "price of words": SPOT | {"b": [["ten", "2"]]},
    "price of 0": SPOT | {"b": [["0", "2"]]},
    "price below 0": SPOT | {"b": [["-1", "2"]]},
    "size below 0": SPOT | {"a": [["1", "-2"]]},
    "size not a number": SPOT | {"a": [["1", "NaN"]]},
    "price without end": SPOT | {"a": [["1e999", "1"]]},
    "no symbol": SPOT | {"s": None},
    "envelope without message": {"stream": "btcusdt@depth", "data": [1]},
    "a list": [SPOT],
    "a number": 5,
    "trade without price": {key: TRADE[key] for key in TRADE if key != "p"},
    "trade of a negative size": TRADE | {"q": "-1"},
}


@pytest.mark.parametrize("message", BAD.values(), ids=BAD)
def test_what_cannot_be_is_one_clear_error(message):
    with pytest.raises(DataError, match="a message that cannot be read"):
        row(message)


@pytest.mark.parametrize("text", [b"\xff\xfe", "", json.dumps(SPOT)[:-9], "[" * 100_000])
def test_what_is_no_json_is_one_clear_error(text):
    with pytest.raises(DataError, match="a message that cannot be read") as caught:
        parse_message(text)
    assert len(str(caught.value)) < 400
