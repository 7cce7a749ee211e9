"""The recipes that ship, with what they read put in its place."""

import atexit
import os
import shutil
import tempfile
from functools import cache
from pathlib import Path

import pytest

from bateia.sources.binance import fetch_binance
from loopback_exchange import Exchange, serving

REAL = Path(os.environ.get("BATEIA_DATA", Path(__file__).parents[2] / "shared" / "data"))
RECIPES = sorted((Path(__file__).parents[1] / "recipes").glob("*.yaml"))
YEAR = "symbol: BTCUSDT, interval: 5m, first: 2025-01, last: 2025-12}"


def runnable(path):
    """A recipe as it runs here: candles are a quarter of a year of real ones, or the test is skipped."""
    text = path.read_text()
    if "kind: store" not in text:
        return text
    assert YEAR in text
    return text.replace(YEAR, f'{YEAR[:-8]}2025-03, store: "{fetched()}"}}')


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
