"""Hours that daylight saving takes and gives back, days that a market does not trade, and holes."""

import os
from dataclasses import replace
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl
import pytest

from bateia.core import Bars
from bateia.quality import inspect_bars
from bateia.sources import read_candles

REAL = Path(os.environ.get("BATEIA_DATA", Path(__file__).parents[3] / "shared" / "data"))
KLINES = REAL / "binance/data/futures/um/monthly/klines/BTCUSDT/5m"
pytestmark = pytest.mark.skipif(not KLINES.is_dir(), reason=f"no real candles at {KLINES}: set BATEIA_DATA")
DAY = 86_400_000_000
CLOCKS = ("time", "open_time", "known_at")


def month(number) -> Bars:
    return read_candles(KLINES / f"BTCUSDT-5m-2025-{number:02}.zip")


def in_local_time(bars: Bars, zone) -> Bars:
    """UTC read as if it were the time of a place, as exports of many programs are."""

    def local(column):
        utc = pl.Series(column).cast(pl.Datetime("us", "UTC"))
        return utc.dt.convert_time_zone(zone).dt.replace_time_zone(None).dt.epoch("us").to_numpy()

    return replace(bars, **{name: local(getattr(bars, name)) for name in CLOCKS})


@pytest.mark.parametrize(
    ("number", "zone"),
    [(3, "America/New_York"), (3, "Europe/Berlin"), (10, "Europe/Berlin"), (11, "America/New_York")],
)
def test_an_hour_of_daylight_saving(number, zone):
    ZoneInfo(zone)
    bars = month(number)
    assert inspect_bars(bars)["daylight_saving"].grade == "ok"
    report = inspect_bars(in_local_time(bars, zone))
    assert report["daylight_saving"].grade == "suspect", str(report)
    # In spring an hour is missing, in autumn one comes twice and times run backwards.
    assert report.grade == ("suspect" if number == 3 else "blocked")
    assert inspect_bars(in_local_time(bars, "America/Sao_Paulo"))["daylight_saving"].grade == "ok"


def test_days_that_the_market_does_not_trade():
    bars = month(5)
    weekday = (bars.open_time // DAY + 3) % 7
    workdays = bars[weekday < 5]
    assert inspect_bars(workdays, weekend=False)["calendar"].grade == "ok"
    assert "Saturdays and Sundays" in inspect_bars(workdays)["calendar"].found
    few = np.flatnonzero(weekday == 5)[500:503]
    odd = inspect_bars(bars[np.union1d(np.flatnonzero(weekday < 5), few)])["calendar"]
    assert odd.grade == "suspect"
    assert odd.count == 3
    closed = inspect_bars(bars, weekend=False)["calendar"]
    assert (closed.grade, closed.count) == ("blocked", int((weekday >= 5).sum()))


@pytest.mark.parametrize(("rows", "grade"), [(1, "suspect"), (100, "suspect"), (800, "blocked")])
def test_holes_are_graded_by_what_is_lost(rows, grade):
    bars = month(5)
    hole = np.setdiff1d(np.arange(len(bars)), np.arange(3_000, 3_000 + rows))
    check = inspect_bars(bars[hole])["gaps"]
    assert check.grade == grade
    assert f"{rows:,} of 8,928 steps of 5m are missing" in check.found
    assert check.rows == (3_000,)
