"""Verdicts: each way to have no edge, in its own words, and the one way to have one."""

import pytest

from bateia.backtest import Estimate, Financial, Metrics, verdict
from bateia.backtest.chance import best_of


def metrics(**changes):
    values = {
        "capital": 80_000.0,
        "bars": 1000,
        "days": 30.0,
        "periods_per_year": 12_000.0,
        "gross": 5_000.0,
        "cost": 1_000.0,
        "net": 4_000.0,
        "net_return_pct": 5.0,
        "round_trips": 200,
        "fills": 400,
        "unfilled": 0,
        "closed_at_end": 0,
        "gross_bp": Estimate(value=3.12),
        "net_bp": Estimate(value=2.5),
        "cost_bp": 0.62,
        "traded": 32_000_000.0,
        "cost_bp_side": 0.31,
        "break_even_bp_side": 1.56,
        "sharpe_gross": Estimate(value=4.0),
        "sharpe_net": Estimate(value=3.0, low=1.0, high=5.0),
        "max_drawdown": 900.0,
        "max_drawdown_pct": 1.1,
        "turnover_per_day": 13.0,
        "exposure": 0.5,
        "win_rate": 0.55,
        "profit_factor": 1.4,
    }
    return Metrics(predictive=None, financial=Financial(**{**values, **changes}))


def test_an_edge_needs_everything():
    said = verdict(metrics(), {"majority": metrics(net=100.0)})
    assert said.edge
    assert said.headline == (
        "Edge after costs: net +2.50 bp per trade, Sharpe 3.00 (95% interval 1.00 to 5.00); "
        "break-even cost 1.56 bp a side, assumed 0.31 bp"
    )
    assert "Baseline majority: net +100.00" in said.reasons


LOSS = {"gross": 500.0, "cost": 4_000.0, "net": -3_500.0, "break_even_bp_side": 0.06}


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"round_trips": 0}, "No trades: the policy never left flat"),
        ({"round_trips": 29}, "Too few trades to tell: 29 round trips, at least 30 are needed"),
        ({"round_trips": 1}, "Too few trades to tell: 1 round trip, at least 30 are needed"),
        (
            {**LOSS, "gross_bp": Estimate(value=0.12), "cost_bp": 0.95},
            "No edge after costs: gross +0.12 bp per trade, costs 0.95 bp; break-even cost 0.06 bp a side",
        ),
        (
            {"gross": -5.0, "net": -1_005.0, "gross_bp": Estimate(value=-0.01)},
            "No edge, even before costs: gross -0.01 bp per trade, costs 0.62 bp",
        ),
        ({"cost": 0.0, "net": 5_000.0}, "Untested against costs: none were assumed; break-even cost 1.56 bp"),
        (
            {"sharpe_net": Estimate(value=1.5, low=-0.5, high=3.5)},
            "Profit within the range of chance: net +2.50 bp per trade, Sharpe 1.50",
        ),
        ({"sharpe_net": Estimate(value=None)}, "Profit within the range of chance"),
        ({"net": 50.0}, "No edge over the baseline: net +50.00, majority +100.00"),
    ],
)
def test_each_way_to_have_no_edge(changes, words):
    said = verdict(metrics(**changes), {"majority": metrics(net=100.0)})
    assert not said.edge
    assert said.headline.startswith(words)


def test_many_trials_raise_the_bar():
    assert verdict(metrics(), trials=1).edge
    many = verdict(metrics(), trials=500)
    assert not many.edge
    assert many.headline.startswith("Could be the luckiest of 500 trials: Sharpe 3.00")
    assert best_of(10) < best_of(100) < best_of(1000)


def test_later_failures_and_the_end_of_data_are_among_the_reasons():
    said = verdict(
        metrics(**LOSS, sharpe_net=Estimate(value=-1.0, low=-3.0, high=1.0), closed_at_end=1, unfilled=2)
    )
    assert said.headline.startswith("No edge after costs")
    text = "\n".join(said.reasons)
    assert "Profit within the range of chance" not in text
    assert "The last position was closed at the last bar's close" in text
    assert "2 orders met no trade" in text
    assert "No baseline was given" in text
