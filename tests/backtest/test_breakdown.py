"""Groups of bars: they add up to the whole, and one group is the whole."""

import json

import numpy as np
import pytest

from bateia.backtest import financial, predictive, simulate
from bateia.backtest.breakdown import breakdown, breakdowns, side_by_side
from bateia.backtest.grouping import by_hour, by_name
from bateia.backtest.numbers import Group
from bateia.core import DataError
from bateia.splits import Piece
from bateia.trading import Costs, SimulatedBroker

ADD_UP = ("bars", "gross", "cost", "net", "traded", "fills", "unfilled", "round_trips", "closed_at_end")


@pytest.fixture(scope="module")
def tested(generated_market):
    bars, trades, target = generated_market(20000, 1)
    target[-1] = 1
    costs = Costs(fee_per_unit=2.0, half_spread=0.125)
    run = simulate(bars, target, trades, SimulatedBroker(costs=costs, latency="0", multiplier=50))
    ret = np.append(np.diff(np.log(bars.close)), np.nan)
    score = np.random.default_rng(0).normal(size=len(bars))
    score[:30] = np.nan
    return run, {"bars": bars, "score": score, "value": np.sign(ret), "ret": ret}


def test_groups_add_up_to_the_whole(tested):
    run, columns = tested
    rng = np.random.default_rng(1)
    wholly = financial(run)
    skill = predictive(columns["score"], columns["value"], columns["ret"])
    assert wholly.closed_at_end == 1
    for count in (1, 2, 7, 40):
        groups = rng.integers(0, count, len(run.equity))
        rows = breakdown(run, groups, [f"group {k}" for k in range(count)], **columns, draws=2)
        for name in ADD_UP:
            total = sum(getattr(row.financial, name) for row in rows)
            assert total == pytest.approx(getattr(wholly, name), abs=1e-6), name
        for name in ("rows", "unscored", "unanswered", "undecided"):
            assert sum(getattr(row.predictive, name) for row in rows) == getattr(skill, name)
        won = sum((row.financial.win_rate or 0) * row.financial.round_trips for row in rows)
        assert won == pytest.approx(wholly.win_rate * wholly.round_trips)
        net = sum((row.financial.expectancy.value or 0) * row.financial.round_trips for row in rows)
        assert net == pytest.approx(wholly.net)
        time = sum(row.financial.exposure * row.financial.bars for row in rows)
        assert time == pytest.approx(wholly.exposure * wholly.bars)


def test_one_group_of_all_bars_is_the_whole(tested):
    run, columns = tested
    (row,) = breakdown(run, np.zeros(len(run.equity), int), ["all"], **columns, draws=100, seed=3)
    whole = financial(run, bars=columns["bars"], draws=100, seed=3)
    skill = predictive(columns["score"], columns["value"], columns["ret"], draws=100, seed=3)
    assert row.predictive == skill
    for name, value in row.financial.to_dict().items():
        expected = whole.to_dict()[name]
        flat = [*expected.values()] if isinstance(expected, dict) else [expected]
        for ours, theirs in zip([*value.values()] if isinstance(value, dict) else [value], flat, strict=True):
            assert ours == pytest.approx(theirs, rel=1e-9, abs=1e-6), name


def test_a_group_of_neighbours_is_their_own_account(tested):
    run, columns = tested
    groups = np.where(np.arange(len(run.equity)) < 700, 0, 1)
    first, second = (row.financial for row in breakdown(run, groups, ["early", "late"], **columns))
    equity = run.equity
    assert first.net == pytest.approx(equity.net[699])
    assert first.days == pytest.approx((equity.time[699] - equity.time[0]) / 86_400e6)
    assert second.days == pytest.approx((equity.time[-1] - equity.time[699]) / 86_400e6)
    profits = np.diff(equity.net)[699:]
    per_year = len(profits) / (second.days / 365.25)
    assert second.periods_per_year == pytest.approx(per_year)
    assert second.sharpe_net.value == pytest.approx(profits.mean() / profits.std(ddof=1) * np.sqrt(per_year))
    entered = (run.trips.entry_time <= equity.time[699]).sum()
    assert first.round_trips == entered == len(run.trips) - second.round_trips


def test_scattered_groups_take_the_profits_of_their_bars(tested):
    run, _ = tested
    hours = (run.equity.time // 3_600_000_000) % 24
    steps = np.diff(run.equity.net, prepend=0.0)
    rows = {row.name: row for row in breakdown(run, *by_hour(run.equity.time))}
    assert set(rows) == {f"{hour:02}:00" for hour in np.unique(hours)}
    for name, row in rows.items():
        assert row.predictive is None
        assert row.financial.net == pytest.approx(steps[hours == int(name[:2])].sum(), abs=1e-6)


def test_bars_of_no_group_are_left_out(tested):
    run, columns = tested
    groups = np.full(len(run.equity), -1)
    groups[100:200] = 1
    (row,) = breakdown(run, groups, ["empty", "some"], **columns)
    assert (row.name, row.financial.bars) == ("some", 100)
    groups[:] = -1
    assert breakdown(run, groups, ["none"]) == []


def test_all_groupings_at_once_survive_json(tested):
    run, columns = tested
    n = len(run.equity)
    regime = by_name(np.where(np.arange(n) % 3 == 0, "calm", "wild"))
    path = [Piece(0, 50, 50 + n // 2), Piece(1, 50 + n // 2, 50 + n)]
    found = breakdowns(run, path=path, rows=slice(50, 50 + n), more={"regime": regime}, **columns, draws=20)
    assert list(found) == ["fold", "hour", "weekday", "period", "regime"]
    assert [row.name for row in found["fold"]] == ["fold 1", "fold 2"]
    assert [row.name for row in found["regime"]] == ["calm", "wild"]
    for rows in found.values():
        assert sum(row.financial.net for row in rows) == pytest.approx(financial(run).net)
        texts = [json.dumps(row.to_dict(), allow_nan=False) for row in rows]
        assert [Group.model_validate(json.loads(text)) for text in texts] == rows
    assert "fold" not in breakdowns(run, draws=2)


def test_backtests_side_by_side_are_each_their_own(tested, generated_market):
    run, columns = tested
    bars, trades, target = generated_market(3000, 8)
    other = simulate(bars, target, trades, SimulatedBroker(costs=Costs(fee_bps=1.0), latency="0"))
    rows = side_by_side({"A": run, "B": other}, bars={"A": columns["bars"]}, draws=50, seed=1)
    assert [row.name for row in rows] == ["A", "B"] and rows[0].predictive is None
    assert rows[0].financial == financial(run, bars=columns["bars"], draws=50, seed=1)
    assert rows[1].financial == financial(other, draws=50, seed=1)


def test_wrong_groups_are_refused(tested):
    run, _ = tested
    n = len(run.equity)
    zero = np.zeros(n, int)
    with pytest.raises(DataError, match=f"3 rows of groups for {n} bars"):
        breakdown(run, [0, 0, 0], ["a"])
    with pytest.raises(DataError, match=f"2 rows of score for {n} bars"):
        breakdown(run, zero, ["a"], score=[0.0, 1.0])
    with pytest.raises(DataError, match="bar 0 is of group 2; allowed: -1 for none, or 0 to 1"):
        breakdown(run, zero + 2, ["a", "b"])
    with pytest.raises(DataError, match="two groups of one name among a, a"):
        breakdown(run, zero, ["a", "a"])
