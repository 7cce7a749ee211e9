"""The recipes that ship, with what they read put in its place."""

import os
from pathlib import Path

import pytest

REAL = Path(os.environ.get("BATEIA_DATA", Path(__file__).parents[2] / "shared" / "data"))
RECIPES = sorted((Path(__file__).parents[1] / "recipes").glob("*.yaml"))
CANDLES = REAL / "binance/data/futures/um/monthly/klines/BTCUSDT/5m"


def runnable(path):
    """A recipe as it runs here: candles are a quarter of a year of real ones, or the test is skipped."""
    text = path.read_text()
    if "data/BTCUSDT-5m-*.zip" not in text:
        return text
    if not CANDLES.is_dir():
        pytest.skip(f"no real candles at {CANDLES}: set BATEIA_DATA to their folder")
    return text.replace("data/BTCUSDT-5m-*.zip", f'"{CANDLES}/BTCUSDT-5m-2025-0[1-3].zip"')
