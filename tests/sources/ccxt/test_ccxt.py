"""ccxt's exchanges, by one made for the tests: its pages, caps, habits and failures; no network."""

import json
import sys
import types

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bateia.cli import app
from bateia.core import Bars, ConfigError, DataError, Trades
from bateia.core.coverage import Coverage
from bateia.sources.ccxt import CcxtSource, candle_pages, fetch_ccxt, open_exchange, pages, trade_pages
from bateia.store import Store
from bateia.testing import check_source

START = 1_704_067_200_000
"""2024-01-01, ms."""
STEP = 300_000


class BaseError(Exception):
    """As ccxt's."""


class NetworkError(BaseError):
    """As ccxt's: passes."""


class BadRequest(BaseError):  # noqa: N818
    """As ccxt's: does not pass."""


class GeneratedExchange:
    """Candles and trades in memory, in pages of at most `cap` rows."""

    id = "generated"

    def __init__(self, candles=(), trades=(), cap=7, now=START + 10**9, failures=(), since=True, window=None):
        self.candles, self.trades, self.cap, self.now = list(candles), list(trades), cap, now
        self.failures, self.since, self.window = list(failures), since, window
        self.requests = 0

    def load_markets(self):
        return {"BTC/USD": {}, "ETH/USD": {}}

    def milliseconds(self):
        return self.now

    def _page(self, rows, since, moment):
        self.requests += 1
        if self.failures and (failure := self.failures.pop(0)):
            raise failure
        if not self.since:
            return rows[-self.cap :]
        end = since + self.window if self.window else float("inf")
        return [row for row in rows if since <= moment(row) < end][: self.cap]

    def fetch_ohlcv(self, symbol, timeframe, since, limit):
        return self._page(self.candles, since, lambda row: row[0])

    def fetch_trades(self, symbol, since, limit):
        return self._page(self.trades, since, lambda row: row["timestamp"])


def generated_candles(rows):
    return [[START + STEP * k, 10.0, 12.0, 9.0, 11.0 + k, k + 1.0] for k in rows]


def generated_trades(moments, ids=True):
    return [
        {
            "id": str(k) if ids else None,
            "timestamp": START + moment,
            "price": 10.0 + k % 3,
            "amount": 1.0 + k % 2,
            "side": ("buy", "sell", None)[k % 3],
        }
        for k, moment in enumerate(sorted(moments))
    ]


@pytest.fixture
def use(monkeypatch):
    """Makes ccxt's exchange of the name `generated` the one given."""
    monkeypatch.setattr(pages, "BACKOFF", 0.0)

    def use(exchange):
        module = types.ModuleType("ccxt")
        module.exchanges = ["generated", "kraken"]
        module.generated = lambda settings: exchange if settings == {"enableRateLimit": True} else None
        monkeypatch.setitem(sys.modules, "ccxt", module)
        return exchange

    return use


def source(**more):
    said = {"exchange": "generated", "symbol": "BTC/USD", "first": "2024-01-01", "last": "2024-01-01"}
    return CcxtSource(**(said | more))


@settings(max_examples=60)
@given(
    rows=st.sets(st.integers(0, 250), max_size=60),
    cap=st.integers(1, 20),
    window=st.sampled_from([None, 100 * STEP, 150 * STEP]),
    edges=st.tuples(st.integers(0, 250), st.integers(0, 250)),
    now=st.integers(0, 300),
)
def test_candles_of_any_pages_are_all_that_are_whole(rows, cap, window, edges, now):
    exchange = GeneratedExchange(
        generated_candles(sorted(rows)), cap=cap, window=window, now=START + now * STEP - 1
    )
    start, end = ((START + STEP * k) * 1000 for k in sorted(edges))
    found = Bars.concat(list(candle_pages(exchange, "BTC/USD", "5m", STEP * 1000, start, end)))
    expected = [k for k in sorted(rows) if sorted(edges)[0] <= k < sorted(edges)[1] and k + 1 < now]
    assert found.open_time.tolist() == [(START + STEP * k) * 1000 for k in expected]
    assert found.volume.tolist() == [k + 1.0 for k in expected]
    assert (found.known_at == found.open_time + STEP * 1000).all()


@settings(max_examples=60)
@given(
    moments=st.lists(st.integers(0, 30), max_size=60),
    more=st.integers(0, 20),
    edges=st.tuples(st.integers(0, 31), st.integers(0, 31)),
    ids=st.booleans(),
)
def test_trades_of_any_pages_are_each_there_once(moments, more, edges, ids):
    cap = max([moments.count(moment) for moment in moments], default=1) + 1 + more
    exchange = GeneratedExchange(trades=generated_trades(moments, ids), cap=cap)
    start, end = ((START + edge) * 1000 for edge in sorted(edges))
    found = Trades.concat(list(trade_pages(exchange, "BTC/USD", start, end)))
    expected = [t for t in exchange.trades if start <= t["timestamp"] * 1000 < end]
    assert found.time.tolist() == [t["timestamp"] * 1000 for t in expected]
    assert found.price.tolist() == [t["price"] for t in expected]
    assert found.side.tolist() == [{"buy": 1, "sell": -1, None: 0}[t["side"]] for t in expected]


def test_more_trades_of_one_moment_than_a_page_holds_are_told():
    trades = generated_trades([5] * 60 + [6, 7])
    exchange = GeneratedExchange(trades=trades, cap=50)
    with pytest.raises(
        DataError, match=r"more trades at 2024-01-01T00:00:00.005000Z than the 50 that it gives"
    ):
        list(trade_pages(exchange, "BTC/USD", START * 1000, (START + 100) * 1000))


def test_the_source_passes_the_suite(use):
    use(GeneratedExchange(generated_candles(range(100)), generated_trades(range(0, 9000, 30)), cap=50))
    assert check_source(source(interval="5m"))
    assert check_source(source(data="trades"))


def test_what_passes_is_tried_again_and_the_rest_is_told(use):
    passing = [NetworkError("a"), NetworkError("b"), None, NetworkError("c")]
    exchange = use(GeneratedExchange(generated_candles(range(20)), failures=passing))
    assert len(source(interval="5m").read()) == 20
    exchange.failures = [NetworkError("down")] * 5
    with pytest.raises(DataError, match=r"says NetworkError: down; try: run the same again"):
        source(interval="5m").read()
    exchange.failures, exchange.requests = [BadRequest("no\nsuch timeframe")], 0
    with pytest.raises(DataError, match=r"says BadRequest: no such timeframe$"):
        source(interval="5m").read()
    assert exchange.requests == 1
    exchange.failures = [ZeroDivisionError()]
    with pytest.raises(ZeroDivisionError):
        source(interval="5m").read()


def test_words_that_name_nothing(use, monkeypatch):
    use(GeneratedExchange())
    with pytest.raises(ConfigError, match="no exchange 'krakken'; allowed: 2 of them; try: kraken"):
        open_exchange("krakken")
    with pytest.raises(ConfigError, match=r"no symbol 'BTC/USDT'; .*such as BTC/USD.*; try: BTC/USD"):
        source(interval="5m", symbol="BTC/USDT").read()
    with pytest.raises(DataError, match="has no candles of BTC/USD in that time"):
        source(interval="5m").read()
    monkeypatch.setitem(sys.modules, "ccxt", None)
    with pytest.raises(ConfigError, match=r"'kraken' needs ccxt.*pip install 'bateia\[ccxt\]'"):
        open_exchange("kraken")


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ({}, "candles without an interval"),
        ({"data": "trades", "interval": "5m"}, "trades of an interval"),
        ({"interval": "5"}, "'5' is not a duration"),
        ({"interval": "5m", "first": "2024-02"}, "allowed: first before last"),
        ({"interval": "5m", "first": "soon"}, "'soon' is no date"),
    ],
)
def test_settings_that_make_no_sense(more, says):
    with pytest.raises(ValueError, match=says):
        source(**more)


def test_a_fetch_brings_only_what_is_missing(use, tmp_path):
    exchange = use(GeneratedExchange(generated_candles(range(288 * 3)), cap=200))
    report = fetch_ccxt(tmp_path, "generated", "BTC/USD", "5m", "2024-01-01", "2024-01-01")
    assert (report.whole, report.rows, str(report.series)) == (True, 288, "generated/spot/BTC-USD/candles-5m")
    first = exchange.requests
    assert fetch_ccxt(tmp_path, "generated", "BTC/USD", "5m", "2024-01-01", "2024-01-01").rows == 0
    assert exchange.requests == first
    report = fetch_ccxt(tmp_path, "generated", "BTC/USD", "5m", "2024-01-01", "2024-01-03")
    assert report.rows == 288 * 2
    store = Store.open(tmp_path)
    assert store.coverage(report.series) == report.asked
    assert store.read(report.series)["close"].to_list() == [11.0 + k for k in range(288 * 3)]


def test_a_fetch_that_breaks_off_carries_on(use, tmp_path):
    exchange = use(GeneratedExchange(generated_candles(range(288 * 60)), cap=500, now=START + 10**10))
    exchange.failures = [*[None] * 20, *[NetworkError("down")] * 5]
    report = fetch_ccxt(tmp_path, "generated", "BTC/USD", "5m", "2024-01", "2024-02")
    assert not report.whole
    ((reason, missing),) = report.failed.items()
    assert "NetworkError" in reason
    assert (report.asked - missing).length == 31 * 86_400_000_000, "the month that was over is kept"
    again = fetch_ccxt(tmp_path, "generated", "BTC/USD", "5m", "2024-01", "2024-02")
    assert again.whole
    one = use(GeneratedExchange(exchange.candles, cap=333, now=exchange.now))
    assert one.requests == 0
    other = tmp_path / "other"
    fetch_ccxt(other, "generated", "BTC/USD", "5m", "2024-01", "2024-02")
    tables = [Store.open(root).read(again.series) for root in (tmp_path, other)]
    assert tables[0].equals(tables[1])


def test_what_an_exchange_no_longer_gives_is_told(use, tmp_path):
    exchange = use(GeneratedExchange(generated_candles(range(288)), cap=100, since=False))
    exchange.now = START + 288 * STEP
    report = fetch_ccxt(tmp_path, "generated", "BTC/USD", "5m", "2024-01-01")
    assert report.rows == 100
    ((reason, missing),) = report.failed.items()
    assert reason == "the exchange gives nothing of that time"
    assert missing == Coverage.of([(START * 1000, (START + 188 * STEP) * 1000)])


def test_the_command(use, tmp_path, capsys):
    use(GeneratedExchange(generated_candles(range(288)), cap=100))
    words = ["fetch", "ccxt", "generated", "BTC/USD", "5m", "--store", str(tmp_path), "--json"]
    app([*words, "--from", "2024-01-01", "--to", "2024-01-01"], standalone_mode=False)
    assert json.loads(capsys.readouterr().out)["rows"] == 288
    assert app([*words, "--from", "2023-12-31", "--to", "2024-01-01"], standalone_mode=False) == 1
    (failed,) = json.loads(capsys.readouterr().out)["failed"]
    assert failed["missing"] == [["2023-12-31T00:00:00Z", "2024-01-01T00:00:00Z"]]
    with pytest.raises(DataError, match="nothing is whole from 2030"):
        app([*words, "--from", "2030"], standalone_mode=False)


def test_a_candle_that_is_not_yet_whole_is_left_out(use):
    exchange = GeneratedExchange(generated_candles(range(10)), now=START + 9 * STEP + STEP - 1)
    got = Bars.concat(list(candle_pages(exchange, "X", "5m", STEP * 1000, START * 1000, 2 * START * 1000)))
    assert len(got) == 9
    exchange.now += 1
    got = Bars.concat(list(candle_pages(exchange, "X", "5m", STEP * 1000, START * 1000, 2 * START * 1000)))
    assert len(got) == 10
    assert np.isnan(got.signed_volume).all()
