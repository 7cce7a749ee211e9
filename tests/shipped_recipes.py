"""The recipes that ship, with what they read put in its place."""

import atexit
import os
import shutil
import tempfile
from functools import cache
from pathlib import Path

import pytest

from bateia.book.bars import BookBars
from bateia.book.component import Book
from bateia.book.recordings import read_recording
from bateia.book.sync import Synchroniser
from bateia.book.synced import SyncedReplay
from bateia.sources.binance import fetch_binance
from loopback_exchange import Exchange, serving

REAL = Path(os.environ.get("BATEIA_DATA", Path(__file__).parents[2] / "shared" / "data"))
RECIPES = sorted((Path(__file__).parents[1] / "recipes").glob("*.yaml"))
YEAR = "symbol: BTCUSDT, interval: 5m, first: 2025-01, last: 2025-12}"


def runnable(path):
    """A recipe as it runs here: candles are a quarter of a year of real ones, or the test is skipped."""
    text = path.read_text()
    if "kind: books" in text:
        return smaller(text.replace("books/BTCUSDT/*.parquet", f'"{built()}"'))
    if "kind: store" not in text:
        return text
    assert YEAR in text
    return text.replace(YEAR, f'{YEAR[:-8]}2025-03, store: "{fetched()}"}}')


def smaller(text):
    """The order book's recipe for an hour of five-second bars instead of months of minutes."""
    for ours, theirs in (
        ("horizon: 60, up_bps: 80, down_bps: 40, gap: 1m", "horizon: 30, up_bps: 1, down_bps: 0.5, gap: 5s"),
        ("embargo: 1h", "embargo: 1m"),
        ("folds: 5", "folds: 2"),
        ("rounds: 300", "rounds: 20"),
        ("min_data_in_leaf: 100", "min_data_in_leaf: 10"),
    ):
        assert ours in text
        text = text.replace(ours, theirs)
    return text


@cache
def built():
    """A recorded hour of ETHBTC's order book in five-second bars."""
    hour = REAL / "recordings" / "binance-spot-ethbtc-20201101T09"
    if not hour.is_dir():
        pytest.skip(f"no recorded hour at {hour}: set BATEIA_DATA to the folder above `recordings`")
    messages = [row for row in read_recording(hour) if row[1] != "trade"]
    replay = SyncedReplay(Synchroniser(market="spot"), Book(tick_size=1e-6, depth=12), 1_000_000)
    folder = Path(tempfile.mkdtemp(prefix="bateia-books-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    BookBars(depth=12, bar="5s").run(replay.run(messages)).to_frame().write_parquet(folder / "hour.parquet")
    return folder / "*.parquet"


@cache
def fetched():
    """A store of real candles, fetched from their files as from the exchange's own server."""
    if not (REAL / "binance").is_dir():
        pytest.skip(f"no real candles at {REAL}: set BATEIA_DATA to their folder")
    store = tempfile.mkdtemp(prefix="bateia-store-")
    atexit.register(shutil.rmtree, store, ignore_errors=True)
    with serving(Exchange(REAL / "binance")) as exchange:
        how = {"market": "um", "archive": exchange.url, "rest": exchange.url}
        assert fetch_binance(store, "BTCUSDT", "5m", "2025-01", "2025-03", **how).whole
    return store
