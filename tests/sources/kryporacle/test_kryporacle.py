"""KrypOracle's backtests: every shape of the JSON gives the same, phases see no future, samples are fair."""

import json
import math
from itertools import pairwise

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from bateia import cli
from bateia.core import Bars, ConfigError, DataError
from bateia.quality import validate_bars
from bateia.sources import KrypOracleSource
from bateia.sources.candles import OPTIONAL, as_bars
from bateia.sources.kryporacle import (
    PHASES,
    balanced_rows,
    find_phases,
    partition,
    phase_at,
    read_backtest,
    read_backtests,
    sheets_of,
    trade_table,
)
from bateia.testing import check_source

START, MINUTE = 1_704_067_200, 60
CLOSES = [100 + 10 * math.sin(k / 9) + k / 20 for k in range(300)]


def generated_bars(closes):
    rows = np.arange(len(closes), dtype=np.int64)
    closes = np.array(closes, np.float64)
    figures = dict.fromkeys(("open", "high", "low", "close", "volume"), closes)
    unknown = {name: np.full(len(closes), np.nan) for name in OPTIONAL}
    opened = (START + 300 * rows) * 1_000_000
    return as_bars({"open_time": opened, **figures, **unknown}, 300_000_000, "open")


def generated_backtest(strategy="cross", symbol="BTCUSDT", shift=0):
    """A made-up backtest in the form that the sections are described in."""
    prices = [
        {
            "timestamp": START + 300 * k,
            "open": c,
            "high": c + 1,
            "low": c - 1,
            "close": c + 0.5,
            "volume": k + 1,
        }
        for k, c in enumerate(CLOSES)
    ]
    trades = [
        {
            "entry_time": START + 300 * k + shift,
            "exit_time": START + 300 * (k + 5) + shift,
            "side": "long" if k % 20 else "short",
            "entry_price": CLOSES[k],
            "exit_price": CLOSES[k + 5],
            "size": 2,
            "fees": 0.25,
        }
        for k in range(0, 290, 10)
    ]
    return {
        "metadata": {"strategy": strategy, "symbol": symbol, "timeframe": "5m"},
        "price_series": prices,
        "indicators": {"rsi": [None, *range(299)]},
        "signals": [{"time": START + 300 * k, "signal": "buy", "price": CLOSES[k]} for k in (3, 40)],
        "trades": trades,
        "metrics": {"sharpe": 1.5},
    }


@pytest.fixture
def write(tmp_path):
    def write(whole, name="b.json"):
        text = whole if isinstance(whole, str) else json.dumps(whole)
        (tmp_path / name).write_text(text)
        return str(tmp_path / name)

    return write


def as_columns(rows):
    return {name: [row[name] for row in rows] for name in rows[0]}


def same(one, two):
    return all(np.array_equal(a, getattr(two, n), equal_nan=True) for n, a in one.columns().items())


def test_the_candles_pass_the_suite(write):
    source = KrypOracleSource(path=write(generated_backtest()))
    assert check_source(source)
    validate_bars(source.read())
    assert source.read().time[0] == (START + 300) * 10**6
    assert (len(source.read()), source.read().volume[-1]) == (300, 300.0)


def test_all_that_a_file_tells(write):
    told = read_backtest(write(generated_backtest()))
    assert (told.strategy, told.symbol, told.metrics) == ("cross", "BTCUSDT", {"sharpe": 1.5})
    assert math.isnan(told.indicators["rsi"][0])
    assert told.indicators["rsi"][1:].tolist() == list(range(299))
    assert told.signals.side.tolist() == [1, 1]
    late = told.signals.known_at - told.signals.time
    assert late.tolist() == [300_000_000] * 2, "a signal stamped with its candle is known at its close"
    trades = told.trades
    for row, k in enumerate(range(0, 290, 10)):
        side = 1 if k % 20 else -1
        profit = side * (CLOSES[k + 5] - CLOSES[k]) * 2 - 0.25
        assert trades.profit[row] == pytest.approx(profit)
        assert trades.success[row] == (profit > 0)
        assert trades.known_at[row] - trades.time[row] == 5 * 300_000_000
    assert 0 < trades.success.sum() < len(trades)


def test_every_shape_and_name_of_the_sections_is_the_same(write):
    whole = generated_backtest()
    told = read_backtest(write(whole))
    rows = whole["price_series"]
    other = {
        "meta": {"strategy_name": "cross", "pair": "BTCUSDT"},
        "candles": [[row["timestamp"] * 1000, *list(row.values())[1:]] for row in rows],
        "signals": as_columns([{**row, "time": row["time"] * 1000} for row in whole["signals"]]),
        "trades": {
            ("pnl" if name == "profit" else name): column
            for name, column in as_columns(whole["trades"]).items()
        },
        "indicators": whole["indicators"],
    }
    again = read_backtest(write(other, "other.json"))
    assert same(again.candles, told.candles)
    assert same(again.signals, told.signals)
    assert same(again.trades, told.trades)
    assert (again.strategy, again.symbol) == (told.strategy, told.symbol)


def test_a_file_of_candles_alone(write):
    told = read_backtest(write({"prices": as_columns(generated_backtest()["price_series"])}))
    assert (len(told.candles), len(told.signals), len(told.trades)) == (300, 0, 0)
    assert (told.strategy, told.symbol, told.indicators) == ("b", "", {})


def test_what_success_is(write):
    whole = generated_backtest()
    whole["trades"] = whole["trades"][:4]
    for row, profit in zip(whole["trades"], (-1, 0, 2, 5), strict=True):
        row["profit"] = profit
    path = write(whole)
    assert read_backtest(path).trades.success.tolist() == [0, 0, 1, 1]
    assert read_backtest(path, least=2).trades.success.tolist() == [0, 0, 0, 1]


def test_many_backtests_of_one_market(write, tmp_path):
    write(generated_backtest(), "a.json")
    longer = generated_backtest("other")
    last = longer["price_series"][-1]
    longer["price_series"] = [*longer["price_series"][100:], {**last, "timestamp": last["timestamp"] + 300}]
    longer["indicators"] = {}
    write(longer, "b.json")
    source = KrypOracleSource(path=str(tmp_path / "*.json"))
    assert check_source(source)
    assert len(source.read()) == 301
    table = trade_table(read_backtests(source.path), window=20)
    assert table["strategy"].value_counts().sort("strategy")["count"].to_list() == [29, 29]
    assert table["time"].is_sorted()
    assert set(table["phase"]) <= set(PHASES)
    longer["price_series"][50]["close"] += 0.1
    write(longer, "b.json")
    with pytest.raises(DataError, match="tell another close of the candle of 2024-01-01T12:30:00Z"):
        source.read()
    write(generated_backtest(symbol="ETHUSDT"), "b.json")
    with pytest.raises(DataError, match="several symbols: BTCUSDT, ETHUSDT"):
        source.read()


def changed(section, row=None, **cells):
    whole = generated_backtest()
    if row is None:
        whole[section] = cells.get("to")
    else:
        for name, value in cells.items():
            if value is ...:
                for one in whole[section]:
                    del one[name]
            else:
                whole[section][row][name] = value
    return whole


@pytest.mark.parametrize(
    ("whole", "says"),
    [
        ("{", "is no JSON: .*is the file whole"),
        ("[1]", "is a JSON list; allowed: an object"),
        ("{}", "has no 'price_series', only nothing; allowed: price_series, prices"),
        ('{"price_serie": []}', "only 'price_serie'; .*try: price_serie"),
        ('{"prices": []}', "holds no candles"),
        ('{"prices": 3}', "prices of .* are neither rows nor columns"),
        ('{"prices": {"time": [1], "open": []}}', "columns of unequal length"),
        (changed("price_series", 7, high="x"), "row 7 of 'high' in prices of .*'x', is no number"),
        (changed("price_series", 0, close=...), "prices of .* have no 'close', only"),
        (changed("price_series", 9, timestamp=None), "row 9 of 'timestamp' .* has no time"),
        (changed("metadata", to={"timeframe": "five"}), "timeframe of prices .*'five' is not a duration"),
        (changed("metadata", to=[1]), "metadata of .* is list; allowed: an object"),
        (changed("indicators", to={"rsi": [1, 2]}), "indicator 'rsi' of .* has 2 values; allowed: 300"),
        (changed("indicators", to={"rsi": ["a"] * 300}), "indicator 'rsi' .* holds what is no number"),
        (changed("trades", 4, side="up"), "row 4 of 'side' in trades of .*'up', is no side"),
        (changed("trades", 4, exit_time=START), "row 4 of trades .* leaves before it enters"),
        (changed("trades", 4, exit_price=None), "row 4 of trades .* tells no profit"),
        (changed("trades", 0, entry_time=...), "have no 'entry_time', only .*allowed: entry_time, open_time"),
    ],
)
def test_files_that_are_no_backtest(write, whole, says):
    with pytest.raises(DataError, match=says):
        read_backtest(write(whole))


def plain_phase(closes, t, window, spread):
    """One candle's phase from its own past, by the words of the definition."""
    if t < window:
        return "unknown"
    returns = [math.log(closes[k] / closes[k - 1]) for k in range(t - window + 1, t + 1)]
    drift, chance = sum(returns), math.sqrt(sum(r * r for r in returns))
    return "bull" if drift > spread * chance else "bear" if drift < -spread * chance else "sideways"


@settings(max_examples=30)
@given(
    moves=st.lists(st.floats(-0.1, 0.1), max_size=40),
    window=st.integers(2, 12),
    spread=st.floats(0.1, 2),
    cut=st.integers(0, 40),
)
def test_phases_by_their_definition_and_without_the_future(moves, window, spread, cut):
    closes = np.exp(np.cumsum([4.0, *(m + 1e-3 for m in moves)])).tolist()
    bars = generated_bars(closes)
    phases = find_phases(bars, window, spread)
    for t, number in enumerate(phases):
        plain = plain_phase(closes, t, window, spread)
        edge = (
            plain_phase(closes, t, window, spread * (1 + 1e-9)),
            plain_phase(closes, t, window, spread - 1e-9),
        )
        assert PHASES[number] in {plain, *edge}
    assert find_phases(bars[:cut], window, spread).tolist() == phases[:cut].tolist()
    runs = partition(phases)
    assert [PHASES[n] for n in phases] == [run.name for run in runs for _ in range(run.start, run.stop)]
    assert all(one.name != two.name for one, two in pairwise(runs))


def test_a_rise_a_fall_and_neither():
    up, down, flat = ([100 * 1.01 ** (sign * k) for k in range(30)] for sign in (1, -1, 0))
    for closes, name in ((up, "bull"), (down, "bear"), (flat, "sideways")):
        assert PHASES[find_phases(generated_bars(closes), 10)[-1]] == name
    assert find_phases(Bars.empty()).tolist() == []
    with pytest.raises(ConfigError, match="a window from 2"):
        find_phases(generated_bars(up), 1)
    with pytest.raises(DataError, match="close of row 1 is -3"):
        find_phases(generated_bars([1.0, -3.0]))


def test_a_trade_is_of_the_phase_known_at_its_entry():
    bars = generated_bars([1.0, 2.0, 4.0])
    phases = np.array([1, 2, 3], np.int8)
    whole = bars.time[1]
    assert phase_at(bars, phases, np.array([0, whole - 1, whole, whole + 10**12])).tolist() == [0, 1, 2, 3]


@given(
    outcomes=st.lists(st.tuples(st.integers(0, 1), st.sampled_from("ab")), max_size=60),
    seed=st.integers(0, 9),
)
def test_balanced_samples(outcomes, seed):
    success = np.array([outcome for outcome, _ in outcomes], np.int8)
    strata = [stratum for _, stratum in outcomes]
    rows = balanced_rows(success, strata, seed)
    assert rows.tolist() == sorted(set(rows.tolist()))
    assert rows.tolist() == balanced_rows(success, strata, seed).tolist()
    for stratum in "ab":
        own = [success[row] for row in rows if strata[row] == stratum]
        wins = sum(1 for outcome, one in outcomes if one == stratum and outcome)
        losses = sum(1 for outcome, one in outcomes if one == stratum and not outcome)
        assert sum(own) == len(own) - sum(own) == min(wins, losses)
    alone = balanced_rows(success, seed=seed)
    assert len(alone) == 2 * min(success.sum(), len(success) - success.sum())


def test_samples_that_make_no_sense(write):
    with pytest.raises(ConfigError, match="1 strata of 2 rows"):
        balanced_rows(np.array([0, 1], np.int8), ["a"])
    with pytest.raises(DataError, match="no backtests"):
        trade_table([])


def test_sheets_hold_every_row_and_agree_with_each_other(write, tmp_path):
    for name in ("cross", "trend"):
        write(generated_backtest(name), f"{name}.json")
    backtests = read_backtests(str(tmp_path / "*.json"))
    sheets = sheets_of(backtests, window=20, seed=3)
    candles, phases, trades, sample = (sheets[name] for name in ("candles", "phases", "trades", "balanced"))
    assert phases["candles"].sum() == len(candles) == sum(len(one.candles) for one in backtests)
    spread_out = [row["phase"] for row in phases.to_dicts() for _ in range(row["candles"])]
    assert candles["phase"].to_list() == spread_out
    assert {"bull", "bear"} < set(spread_out)
    trend = candles.filter(candles["strategy"] == "trend")
    for run in phases.filter(phases["strategy"] == "trend").to_dicts():
        rows = trend.filter((trend["open_time"] >= run["from"]) & (trend["time"] <= run["to"]))
        assert len(rows) == run["candles"]
        assert run["log_return"] == pytest.approx(math.log(rows["close"][-1] / rows["open"][0]))
    assert trades.equals(trade_table(backtests, 20))
    assert sheets["signals"].height == sum(len(one.signals) for one in backtests)
    assert candles["indicator_rsi"].tail(299).to_list() == list(range(299))
    for _, group in sample.group_by("phase"):
        assert 2 * group["success"].sum() == len(group)
    assert 0 < len(sample) < len(trades)
    assert len(sample.join(trades, on=trades.columns, how="semi")) == len(sample)


def test_the_command_writes_them(write, tmp_path):
    path, out = write(generated_backtest()), tmp_path / "out"
    done = CliRunner().invoke(
        cli.app, ["data", "kryporacle", path, "--out", str(out), "--window", "20", "--json"]
    )
    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)
    for name, table in sheets_of(read_backtests(path), window=20).items():
        assert pl.read_parquet(out / f"{name}.parquet").equals(table, null_equal=True)
        assert told["rows"][name] == len(table)
    assert sum(row["trades"] for row in told["by_phase"]) == told["rows"]["trades"]
    shown = CliRunner().invoke(cli.app, ["data", "kryporacle", path, "--out", str(out)]).stdout
    assert shown.startswith(f"1 backtests to {out}: 300 candles, ")
