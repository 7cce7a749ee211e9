"""The cost curve: linear, exact at the assumed cost, zero at the break-even cost."""

import numpy as np
import pytest

from bateia.backtest import cost_curve, financial, simulate
from bateia.trading import Costs, SimulatedBroker


@pytest.mark.parametrize("costs", [Costs(), Costs(fee_bps=0.2, half_spread=0.05, fee_per_unit=1.0)])
def test_curve_is_the_backtest_at_other_costs(generated_market, costs):
    bars, trades, target = generated_market(3000, 2)
    broker = SimulatedBroker(costs=costs, latency="0", multiplier=50)
    run = simulate(bars, target, trades, broker)
    f = financial(run)
    points = [0.0, f.cost_bp_side, f.break_even_bp_side, 2 * f.cost_bp_side]
    curve = cost_curve(run, points)
    assert curve.net[0] == pytest.approx(f.gross)
    assert curve.net[1] == pytest.approx(f.net)
    assert curve.net[2] == pytest.approx(0, abs=1e-6)
    assert curve.sharpe[0] == pytest.approx(f.sharpe_gross.value)
    assert curve.sharpe[1] == pytest.approx(f.sharpe_net.value)
    doubled = Costs(**{name: 2 * getattr(costs, name) for name in ("fee_bps", "half_spread", "fee_per_unit")})
    again = financial(simulate(bars, target, trades, broker.model_copy(update={"costs": doubled})))
    assert curve.net[3] == pytest.approx(again.net)
    assert curve.sharpe[3] == pytest.approx(again.sharpe_net.value)


def test_what_holding_costs_is_not_scaled(generated_market):
    bars, trades, target = generated_market(3000, 2)
    costs = Costs(fee_bps=0.2, borrow_bps=500_000)
    run = simulate(bars, target, trades, SimulatedBroker(costs=costs, latency="0", multiplier=50))
    f = financial(run)
    assert run.equity.borrow[-1] > 0
    curve = cost_curve(run, [f.cost_bp_side, 2 * f.cost_bp_side])
    assert curve.net[0] == pytest.approx(f.net) and curve.sharpe[0] == pytest.approx(f.sharpe_net.value)
    more = 0.2 + f.cost_bp_side
    dearer = Costs(fee_bps=more, borrow_bps=500_000)
    again = financial(
        simulate(bars, target, trades, SimulatedBroker(costs=dearer, latency="0", multiplier=50))
    )
    assert curve.net[1] == pytest.approx(again.net) and curve.sharpe[1] == pytest.approx(
        again.sharpe_net.value
    )


def test_default_points_reach_past_both_marks(generated_market):
    bars, trades, target = generated_market(3000, 2)
    broker = SimulatedBroker(costs=Costs(fee_bps=0.2), latency="0")
    run = simulate(bars, target, trades, broker)
    curve, f = cost_curve(run), financial(run)
    assert curve.bp_side[-1] == pytest.approx(2 * max(f.cost_bp_side, f.break_even_bp_side))
    assert np.allclose(np.diff(curve.net, 2), 0, atol=1e-6)
    flat = cost_curve(simulate(bars, 0 * target, trades, broker))
    assert not flat.net.any() and np.isnan(flat.sharpe).all()
