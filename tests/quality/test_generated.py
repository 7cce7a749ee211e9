"""No generated, shuffled or damaged data pass, and no real data are refused."""

import os
from pathlib import Path

import numpy as np
import pytest

from bateia.core import Bars, ConfigError
from bateia.quality import inspect_bars, inspect_trades
from bateia.quality.report import NAMES, known
from bateia.sources import read_candles, read_trades
from quality import damaged, generated_bars, generated_trades, shuffled

REAL = Path(os.environ.get("BATEIA_DATA", Path(__file__).parents[3] / "shared" / "data"))
KLINES = REAL / "binance/data"
BYBIT = REAL / "bybit/trading/BTCUSD/BTCUSD2019-10-01.csv.gz"
SERIES = {
    "BTCUSDT futures": "futures/um/monthly/klines/BTCUSDT/5m/*.zip",
    "SOLUSDT futures": "futures/um/monthly/klines/SOLUSDT/5m/*.zip",
    "FILUSDT futures": "futures/um/monthly/klines/FILUSDT/1m/*.zip",
    "BTCUSDT spot": "spot/monthly/klines/BTCUSDT/5m/*.zip",
}
needs_klines = pytest.mark.skipif(not KLINES.is_dir(), reason=f"no real candles at {KLINES}: set BATEIA_DATA")
needs_trades = pytest.mark.skipif(not BYBIT.is_file(), reason=f"no real trades at {BYBIT}: set BATEIA_DATA")


def named(functions):
    return pytest.mark.parametrize("make", functions, ids=lambda make: make.__name__)


@pytest.fixture(scope="module")
def month() -> Bars:
    """A real month of five minutes."""
    return read_candles(KLINES / "futures/um/monthly/klines/BTCUSDT/5m/BTCUSDT-5m-2025-05.zip")


@named(generated_bars.GENERATED)
@pytest.mark.parametrize("seed", range(3))
def test_generated_candles_are_blocked(make, seed):
    report = inspect_bars(make(np.random.default_rng(seed)))
    assert report["generated"].grade == report.grade == "blocked", str(report)


@named(generated_trades.GENERATED)
@pytest.mark.parametrize("seed", range(3))
def test_generated_trades_are_blocked(make, seed):
    report = inspect_trades(make(np.random.default_rng(seed)))
    assert report["generated"].grade == report.grade == "blocked", str(report)


@pytest.mark.parametrize("rows", [1, 2, 10, 60, 999])
def test_a_few_rows_tell_nothing_of_where_they_come_from(rows):
    rng = np.random.default_rng(0)
    few = inspect_bars(generated_bars.random_walk_on_a_grid(rng)[:rows])
    assert few["generated"].grade == few.grade == "ok"
    few = inspect_trades(generated_trades.random_walk_on_a_grid(rng)[:rows])
    assert few["generated"].grade == few.grade == "ok"


def test_every_test_says_how_likely_chance_is(es_trades):
    for report in (
        inspect_bars(generated_bars.garch(np.random.default_rng(0))),
        inspect_trades(es_trades[:50_000]),
    ):
        names = {check.name for check in report.checks}
        assert names <= set(NAMES)
        told = {check.name for check in report.checks if check.p_value is not None}
        assert {"clusters", "volume_range", "volume_shape", "digits"} <= told
        assert all(0 <= check.p_value <= 1 for check in report.checks if check.p_value is not None)


def test_a_name_that_no_check_has():
    assert [known(name) for name in NAMES] == list(NAMES)
    with pytest.raises(ConfigError, match=r"no check 'generate'.*try: generated"):
        known("generate")


@needs_klines
@named(damaged.DAMAGED)
def test_damaged_candles_do_not_pass(make, month):
    report = inspect_bars(make(month, np.random.default_rng(0)))
    wanted = "suspect" if make in (damaged.missing_rows, damaged.newest_first) else "blocked"
    assert report.grade == wanted, str(report)
    assert inspect_bars(month).grade == "ok"


@needs_klines
@named(shuffled.MOVED)
def test_candles_in_another_order_do_not_pass(make, month):
    """Four weeks have three seams, as two chunks of days have: those are told, and are too few to be sure."""
    report = inspect_bars(make(month, np.random.default_rng(0)))
    assert report.grade in ({"suspect", "blocked"} if make.__name__ == "blocks_of_week" else {"blocked"})


@needs_klines
@named(shuffled.REBUILT)
def test_shuffled_candles_that_join_on_do_not_pass(make, month):
    """Their prices have lost round numbers; whole weeks have lost little else."""
    report = inspect_bars(make(month, np.random.default_rng(0)))
    weak = ("reversed_time", "rebuilt_blocks_of_400", "rebuilt_blocks_of_week")
    assert report.grade in ({"suspect", "blocked"} if make.__name__ in weak else {"blocked"}), str(report)


@needs_klines
def test_a_few_hundred_wrong_bars_among_a_hundred_thousand():
    months = [read_candles(file) for file in sorted(KLINES.glob(SERIES["BTCUSDT futures"]))]
    year = Bars.concat(months)[-100_000:]
    before = {check.name: check.count for check in inspect_bars(year).checks}
    assert before["generated"] == 0
    for make in damaged.FEW_OF_MANY:
        with np.errstate(all="ignore"):
            report = inspect_bars(make(year, np.random.default_rng(0)))
        more = {c.name: c.count for c in report.checks if c.grade != "ok" and c.count > before.get(c.name, 0)}
        least = 10 if make is damaged.three_hundred_bars_an_hour_on else 200
        assert max(more.values(), default=0) >= least, f"{make.__name__}: {report}"


@named(shuffled.TRADES_MOVED + shuffled.TRADES_REBUILT)
def test_trades_in_another_order_are_blocked(make, es_trades):
    report = inspect_trades(make(es_trades[:60_000], np.random.default_rng(0)))
    assert report.grade == "blocked", str(report)


@named(generated_trades.DAMAGED)
def test_shuffled_and_damaged_trades_are_blocked(make, es_trades):
    real = es_trades[:60_000]
    assert inspect_trades(make(real, np.random.default_rng(0))).grade == "blocked"
    assert inspect_trades(real).grade == "ok"


def test_real_trades_are_not_blocked_whole_or_in_windows(es_trades):
    assert inspect_trades(es_trades).grade == "ok"
    rng = np.random.default_rng(0)
    for rows in (1_000, 3_000, 10_000, 60_000):
        for start in rng.integers(0, len(es_trades) - rows, 8):
            report = inspect_trades(es_trades[start : start + rows])
            assert report.grade != "blocked", str(report)
            assert report["generated"].grade == "ok"


@needs_trades
def test_real_trades_of_an_exchange_are_only_the_other_way_round():
    trades = read_trades(BYBIT, {"time": "timestamp"})
    report = inspect_trades(trades)
    assert [check.name for check in report.of("suspect")] == ["order"]
    assert report.grade == "suspect"
    assert inspect_trades(trades[::-1][np.argsort(trades.time[::-1], kind="stable")]).grade == "ok"


@needs_klines
@pytest.mark.parametrize("name", SERIES)
def test_real_candles_are_not_blocked_by_month_together_or_in_windows(name):
    files = sorted(KLINES.glob(SERIES[name]))
    months = [read_candles(file) for file in files]
    assert len(months) >= 4
    whole = Bars.concat(months)
    rng = np.random.default_rng(0)
    windows = [
        whole[start : start + rows]
        for rows in (1_000, 1_500, 2_500, 9_000)
        for start in rng.integers(0, len(whole) - rows, 10)
    ]
    for bars in (*months, whole, *windows):
        report = inspect_bars(bars)
        assert report.grade != "blocked", str(report)
    for bars in (*months, whole):
        assert inspect_bars(bars)["generated"].grade == "ok"
