"""Risk by worked numbers, by example, and the words of its errors."""

import math

import numpy as np
import pytest
import talib
from pydantic import ValidationError
from scipy.stats import norm

from bateia.core import Bars, DataError
from bateia.trading.risk import Reason, Risk, Standing

MINUTE, HOUR, DAY = 60_000_000, 3_600_000_000, 86_400_000_000
NAN = float("nan")
R = Reason


def bars_of(close, step=HOUR, time=None, high=None, low=None):
    close = np.array(close, float)
    time = np.arange(len(close)) * step if time is None else np.array(time)
    zero = np.zeros(len(close))
    high, low = (close if x is None else np.array(x, float) for x in (high, low))
    return Bars(time, time, time, close, high, low, close, *[zero] * 7)


def run(rules, close, target=1.0, equity=1000.0, position=0.0, **rest):
    shape = {k: rest.pop(k) for k in ("step", "time", "high", "low") if k in rest}
    bars, n = bars_of(close, **shape), len(close)
    opinion = {k: rest.pop(k) for k in ("score", "edge", "probability", "regime") if k in rest}
    risk = Risk(rules=rules, **{k: rest.pop(k) for k in ("multiplier", "opens") if k in rest})
    standing = Standing.of(np.full(n, equity) if np.ndim(equity) == 0 else equity, position, **rest)
    return risk.run(bars, np.full(n, target) if np.ndim(target) == 0 else target, standing, **opinion)


def reasons(out):
    return [Reason(r).name for r in out.reason]


# Sizers


def test_without_rules_a_target_is_so_many_units():
    out = run([], [9.0, 9.0, 9.0, 9.0], target=[1, -0.5, 0, NAN])
    assert out.position.tolist() == [1, -0.5, 0, 0]
    assert reasons(out) == ["AS_WANTED", "AS_WANTED", "AS_WANTED", "NO_TARGET"]
    assert np.isnan(out.stop).all()


def test_volatility_targeting_gives_the_account_its_goal():
    close = 100 * np.exp(0.01 * (np.arange(40) % 2))
    rules = [{"kind": "volatility", "goal": 0.2, "half_life": "5d", "cap": 50}]
    out = run(rules, close, step=DAY, multiplier=10.0)
    assert reasons(out)[:6] == ["UNKNOWN"] * 5 + ["AS_WANTED"]
    yearly = 0.01 * math.sqrt(365.25)
    expected = 0.2 / yearly * 1000 / (close[5:] * 10)
    np.testing.assert_allclose(out.position[5:], expected, rtol=1e-12)


def test_volatility_goes_by_the_calendar_not_by_the_bar():
    """The same path seen at every other moment, its returns twice as large in variance and time."""
    rng = np.random.default_rng(0)
    log = np.cumsum(rng.choice([-1e-3, 1e-3], 4001))
    rules = [{"kind": "volatility", "goal": 0.2, "half_life": "4d", "cap": 900}]
    fine = run(rules, 100 * np.exp(log), step=10 * MINUTE)
    coarse = run(rules, 100 * np.exp(log[::2]), step=20 * MINUTE)
    assert np.abs(np.log(fine.position[-1] / coarse.position[-1])) < 0.1


def test_volatility_is_capped_and_still_prices_are_no_measurement():
    rules = [{"kind": "volatility", "goal": 0.2, "half_life": "2h", "cap": 3}]
    assert reasons(run(rules, [100.0] * 6)) == ["UNKNOWN"] * 6
    out = run(rules, [100.0, 100.0001, 100.0, 100.0001, 100.0])
    assert out.position[-1] == 30.0


def test_kelly_by_prediction_is_kellys_own_bet():
    """Even money won with probability 0.6: bet 2 * 0.6 - 1 of the account."""
    rules = [{"kind": "kelly", "by": "prediction", "fraction": 1.0, "cap": 5}]
    out = run(rules, [10.0] * 4, edge=[0.2, 0.2, -0.1, NAN], probability=[0.6, 0.5, 0.6, 0.6])
    np.testing.assert_allclose(out.position, [20, 0, 0, 0], rtol=1e-12)
    assert reasons(out) == ["AS_WANTED", "NOTHING", "NOTHING", "UNKNOWN"]
    half = run([rules[0] | {"fraction": 0.5}], [10.0], edge=[0.2], probability=[0.6])
    assert half.position[0] == out.position[0] / 2


def test_kelly_by_trades_learns_from_closed_trades_alone():
    """Trades of one unit at 100: won 3, won 3, lost 1 on a notional of 100 each."""
    position = [0, 1, 0, 1, 0, 1, 0, 0]
    equity = [1000, 1000, 1003, 1003, 1006, 1006, 1005, 1005]
    rules = [{"kind": "kelly", "fraction": 0.5, "after": 3, "begin": 0.25, "cap": 9, "memory": 10.0}]
    out = run(rules, [100.0] * 8, equity=equity, position=position)
    fade, r = 0.5**0.1, np.array([0.03, 0.03, -0.01])
    weight = fade ** np.array([2, 1, 0])
    share = 0.5 * (weight @ r) / (weight @ r**2)
    assert out.position[:6] == pytest.approx(0.25 * np.array(equity[:6]) / 100)
    assert out.position[6:] == pytest.approx(min(share, 9.0) * 1005 / 100)


def test_half_kelly_keeps_three_quarters_of_the_growth():
    """MacLean, Thorp and Ziemba: g(f) = f m - f^2 s / 2 at its best and at half of it, our f being m / s."""
    mean, square = 0.002, 0.01
    growth = [f * mean - f * f * square / 2 for f in (mean / square, mean / square / 2)]
    assert growth[1] / growth[0] == pytest.approx(0.75)


def test_atr_size_loses_its_risk_at_the_stop():
    rng = np.random.default_rng(1)
    close = 100 + np.cumsum(rng.normal(size=200))
    high, low = close + rng.uniform(0, 1, 200), close - rng.uniform(0, 1, 200)
    rules = [
        {"kind": "atr", "risk": 0.01, "distance": 2, "cap": 100},
        {"kind": "atr_stop", "multiple": 2, "trail": False},
    ]
    out = run(rules, close, target=np.r_[np.zeros(60), np.ones(140)], high=high, low=low, multiplier=5.0)
    atr = talib.ATR(high, low, close, 14)
    np.testing.assert_allclose(out.position[60], 0.01 * 1000 / (2 * atr[60] * 5), rtol=1e-12)
    assert (close[60] - out.stop[60]) * out.position[60] * 5 == pytest.approx(10.0)


def test_confidence_by_probability_is_the_books():
    p = np.array([0.5, 0.6, 0.75, 0.9, 1.0])
    out = run([{"kind": "score", "by": "probability"}], [9.0] * 5, probability=p)
    z = (p[:4] - 0.5) / np.sqrt(p[:4] * (1 - p[:4]))
    np.testing.assert_allclose(out.position, [*(2 * norm.cdf(z) - 1), 1.0], atol=1e-15)


def test_confidence_by_score():
    out = run([{"kind": "score", "full": 0.5, "least": 0.1}], [9.0] * 4, score=[0.25, -0.8, 0.01, NAN])
    assert out.position.tolist() == [0.5, 1.0, 0.1, 0.0]


def test_inertia_leaves_small_changes():
    rules = [{"kind": "score"}, {"kind": "inertia", "share": 0.1}]
    out = run(rules, [9.0] * 5, score=[0.5, 0.54, 0.56, 0.52, 0.4])
    assert out.position.tolist() == [0.5, 0.5, 0.56, 0.56, 0.4]


# Stops


def test_a_trailing_stop_follows_and_leaves_until_the_target_turns():
    close = [10, 11, 10, 11, 14, 13, 11, 15, 15, 15]
    rules = [{"kind": "atr_stop", "multiple": 2, "window": 1}]
    out = run(rules, close, target=[0, 0, 0, 1, 1, 1, 1, 1, -1, -1])
    # Entry at 11 with a true range of 1; the best price is 14.
    assert out.stop[3:6].tolist() == [9.0, 12.0, 12.0]
    assert reasons(out)[6:8] == ["STOPPED", "STOPPED"]
    assert out.position[3:].tolist() == [1, 1, 1, 0, 0, 0, 0]
    # A true range of 0 measures nothing.
    assert reasons(out)[8:] == ["UNKNOWN", "UNKNOWN"]


def test_a_low_that_touches_the_stop_is_enough_and_so_is_the_brokers_word():
    rules = [{"kind": "atr_stop", "multiple": 2, "window": 1, "trail": False}]
    low = [10, 9, 10, 7.9]
    out = run(rules, [10, 9, 10, 10], target=[0, 0, 1, 1], low=low)
    assert out.stop[2] == 8.0 and reasons(out)[3] == "STOPPED"
    assert reasons(run([], [9.0] * 4, closed=[0, 0, 1, 0]))[2:] == ["STOPPED", "STOPPED"]


def test_the_adaptive_stop_widens_with_volatility_and_tightens_with_age():
    n = 40
    close = np.full(n, 100.0)
    spread = np.r_[np.full(10, 1.0), np.full(10, 3.0), np.full(20, 1.0)]
    stop = {"kind": "adaptive_stop", "multiple": 3, "window": 1}
    rules = [stop | {"life": "20h", "tightest": 0.5, "widest": 2}]
    target = np.r_[0.0, 0.0, np.ones(n - 2)]
    out = run(rules, close, target, high=close + spread / 2, low=close - spread / 2)
    distance = np.fmax.accumulate(np.r_[np.nan, np.nan, 100.0, 100 + spread[3:] / 2]) - out.stop
    age = np.arange(n) - 2
    expected = np.minimum(3 * spread * np.maximum(0.5, 1 - 0.5 * age / 20), 6.0)
    held = out.position > 0
    assert held[2:].sum() > 15
    np.testing.assert_allclose(distance[held], expected[held])
    assert distance[10] == 6.0 > distance[9]


# Limits


def test_drawdown_throttle_is_a_line_and_from_0_grossman_and_zhous_times_equity_over_peak():
    equity = [1000, 1100, 1045, 990, 880, 1100]
    out = run([{"kind": "drawdown", "start": 0.05, "end": 0.15}], [10.0] * 6, equity=equity)
    np.testing.assert_allclose(out.position, [1, 1, 1, 0.5, 0, 1], atol=1e-12)
    sized = [{"kind": "volatility", "goal": 0.1, "half_life": "1h", "cap": 1}]
    rules = [*sized, {"kind": "drawdown", "start": 0, "end": 0.2}]
    close = 10 * np.exp(1e-6 * (np.arange(6) % 2))
    notional = run(rules, close, equity=equity).position * close
    equity, peak = np.array(equity), np.maximum.accumulate(equity)
    optimum = (equity - 0.8 * peak) / 0.2
    np.testing.assert_allclose(notional[2:], (optimum * equity / peak)[2:], rtol=1e-9, atol=1e-9)


def test_a_lost_day_is_over_and_the_next_one_is_not():
    equity = [1000, 1000, 960, 949, 990, 990, 990]
    time = [0, HOUR, 2 * HOUR, 3 * HOUR, 23 * HOUR, DAY, DAY + HOUR]
    out = run([{"kind": "daily_loss", "share": 0.05}], [9.0] * 7, equity=equity, time=time)
    assert out.position.tolist() == [1, 1, 1, 0, 0, 1, 1]
    assert reasons(out)[3:5] == ["DAY_LOST", "DAY_LOST"]
    later = run([{"kind": "daily_loss", "share": 0.05}], [9.0] * 7, equity=equity, time=time, opens="22h")
    assert later.position.tolist() == [1, 1, 1, 0, 1, 1, 1]


def test_a_day_begins_with_the_equity_of_the_day_before():
    equity, time = [1000, 940, 940], [23 * HOUR, 25 * HOUR, 26 * HOUR]
    out = run([{"kind": "daily_loss", "share": 0.05}], [9.0] * 3, equity=equity, time=time)
    assert out.position.tolist() == [1, 0, 0]


def test_caps_of_units_symbol_and_account():
    rules = [{"kind": "fixed", "units": 100}, {"kind": "exposure", "units": 90, "symbol": 0.5, "total": 0.8}]
    out = run(rules, [1.0, 10.0, 10.0, 10.0, 10.0], others=[0, 0, 500, 900, NAN])
    assert out.position.tolist() == [90, 50, 30, 0, 0]
    assert reasons(out) == ["TOO_LARGE", "CONCENTRATION", "EXPOSURE", "EXPOSURE", "EXPOSURE"]


def test_trades_a_day_count_entries_and_flips():
    target = [1, 0.5, -1, 0, 1, 1, 1]
    time = [0, 1, 2, 3, 4, 5, DAY]
    out = run([{"kind": "trades", "most": 2}], [9.0] * 7, target, time=time)
    assert out.position.tolist() == [1, 0.5, -1, 0, 0, 0, 1]
    assert reasons(out)[4:6] == ["TOO_MANY", "TOO_MANY"]


def test_a_loss_is_followed_by_a_pause_and_a_gain_is_not():
    position = [0, 1, 0, 0, 0, 1, 0]
    equity = [1000, 1000, 990, 990, 990, 995, 999]
    out = run([{"kind": "cooldown", "wait": "2h"}], [9.0] * 7, equity=equity, position=position)
    assert out.position.tolist() == [1, 1, 0, 0, 1, 1, 1]


def test_a_trade_between_two_bars_is_seen_by_its_profit():
    out = run([{"kind": "cooldown", "wait": "2h"}], [9.0] * 4, equity=[1000, 990, 990, 990])
    assert reasons(out) == ["AS_WANTED", "COOLING", "COOLING", "AS_WANTED"]


@pytest.mark.parametrize(
    ("switch", "equity", "first"),
    [
        ({"drawdown": 0.2}, [1000, 1200, 1000, 960, 1500], 3),
        ({"loss": 0.1}, [1000, 1200, 1000, 899, 1500], 3),
        ({"losses": 2}, [1000, 990, 1000, 990, 980], 4),
        ({"loss": 1.0}, [1000, 900, -5, 900, 900], 2),
    ],
)
def test_the_kill_switch_is_for_good(switch, equity, first):
    out = run([{"kind": "kill", **switch}], [9.0] * 5, equity=equity)
    assert out.position.tolist() == [1.0] * first + [0.0] * (5 - first)


def test_a_reset_counts_anew():
    risk = Risk(rules=[{"kind": "kill", "drawdown": 0.2}])
    stream, bars = risk.start(), bars_of([9.0] * 5)
    standing = Standing.of([1000, 700, 700, 600, 500], 0)

    def go(i):
        return stream.run(bars[i : i + 1], [1.0], standing[i : i + 1]).position[0]

    assert (go(0), go(1), stream.killed) == (1, 0, True)
    stream.reset()
    assert (go(2), go(3), stream.killed) == (1, 1, False)
    assert (go(4), stream.killed) == (0, True)


def test_a_regime_has_its_own_rules_and_keeps_the_rest():
    storm = {"kind": "regime", "number": 7, "rules": [{"kind": "fixed", "units": 2}]}
    rules = [{"kind": "fixed", "units": 5}, {"kind": "exposure", "symbol": 0.04}, storm]
    out = run(rules, [10.0] * 4, regime=[0, 7, 7, -1])
    assert out.position.tolist() == [4, 2, 2, 4]


# Errors


@pytest.mark.parametrize(
    ("rules", "words"),
    [
        ([{"kind": "fixed"}, {"kind": "atr", "risk": 0.1}], "fixed and atr in the list; allowed: one sizer"),
        ([{"kind": "trades", "most": 1}] * 2, "allowed: one trades"),
        ([{"kind": "drawdown", "start": 0.2, "end": 0.1}], "allowed: start < end; try: start: 0.05"),
        ([{"kind": "exposure"}], "allowed: units, symbol, total"),
        ([{"kind": "kill"}], "allowed: drawdown, loss, losses"),
        ([{"kind": "kelly", "cap": 0.05}], "begin 0.1 with cap 0.05"),
        ([{"kind": "regime", "number": 1, "rules": [{"kind": "fixed"}]}] * 2, "regime 1 comes twice"),
        ([{"kind": "regime", "number": 1, "rules": []}], "at least 1"),
        (
            [
                {"kind": "atr_stop"},
                {"kind": "regime", "number": 1, "rules": [{"kind": "atr_stop", "window": 9}]},
            ],
            "window of 9 and 14 in different regimes",
        ),
        ([{"kind": "volatility", "goal": NAN, "half_life": "1d"}], "finite"),
        ([{"kind": "volatile"}], "volatile"),
    ],
)
def test_rules_that_make_no_sense_say_so(rules, words):
    with pytest.raises(ValidationError) as caught:
        Risk(rules=rules)
    assert words in str(caught.value)


def test_sessions_begin_within_a_day():
    with pytest.raises(ValidationError, match="opens is 1d; allowed: less than 24h"):
        Risk(opens="24h")


@pytest.mark.parametrize(
    ("rules", "change", "words"),
    [
        ([], {"target": [2.0, 0.0]}, "a target of 2; allowed: -1 to 1"),
        ([], {"target": [1.0]}, "target has shape"),
        ([], {"time": [5, 4]}, "go backwards"),
        ([{"kind": "score"}], {}, "no score for the risk rules"),
        ([{"kind": "score"}], {"score": [1.0]}, "score has shape"),
        ([{"kind": "kelly", "by": "prediction"}], {"edge": [1.0, 1.0]}, "no probability"),
        (
            [{"kind": "regime", "number": 1, "rules": [{"kind": "fixed"}]}],
            {"regime": [0.5, 1.0]},
            "regimes are float64",
        ),
    ],
)
def test_bad_input_says_so(rules, change, words):
    with pytest.raises(DataError, match=words):
        run(rules, [9.0, 9.0], **change)


def test_unknown_inputs_short_accounts_and_broken_snapshots_are_refused():
    risk, bars = Risk(), bars_of([9.0, 9.0])
    with pytest.raises(DataError, match="input 'scores'"):
        risk.run(bars, [1.0, 1.0], Standing.of([1.0, 1.0], 0), scores=[1.0, 1.0])
    with pytest.raises(DataError, match="1 rows of the account for 2 bars"):
        risk.run(bars, [1.0, 1.0], Standing.of([1.0], 0))
    saved = risk.start().snapshot()
    for name, value in (("floats", np.zeros(2)), ("ints", np.zeros(18)), ("risk", np.array("other"))):
        with pytest.raises(DataError, match="snapshot"):
            risk.restore(saved | {name: value})
    with pytest.raises(DataError, match="snapshot"):
        risk.restore({})


def test_a_stream_refuses_a_bar_before_its_last():
    stream, bars = Risk().start(), bars_of([9.0, 9.0])
    stream.run(bars[1:], [1.0], Standing.of([1.0], 0))
    with pytest.raises(DataError, match="go backwards"):
        stream.run(bars[:1], [1.0], Standing.of([1.0], 0))


def test_a_copy_with_other_rules_has_other_numbers():
    risk = Risk(rules=[{"kind": "fixed", "units": 2}])
    before = risk.compiled.table
    changed = risk.model_copy(update={"rules": ()})
    assert not np.array_equal(changed.compiled.table, before)
    assert changed.hash != risk.hash
