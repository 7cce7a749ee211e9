"""Costs and latency: what a side costs, and how a delay is written."""

import pytest
from pydantic import ValidationError

from bateia.core import ConfigError
from bateia.trading import Costs, SimulatedBroker
from bateia.trading.latency import format_latency, parse_latency


def test_all_four_parts_add_up():
    costs = Costs(fee_bps=1.0, fee_per_unit=2.0, half_spread=0.125, slippage_bps=0.5)
    # 2 contracts at 1600 points of 50: fee 16 + 4, spread 12.5, slippage 0.08 points = 8.
    assert costs.side(1600.0, 2.0, 50.0) == pytest.approx(40.5)
    assert costs.side_bp(1600.0, 50.0) == pytest.approx(40.5 / 160_000 * 1e4)
    assert costs.describe() == "fee 1 bp, fee 2 per unit, half spread 0.125, slippage 0.5 bp"


def test_negative_costs_are_refused():
    with pytest.raises(ValidationError, match="greater than or equal to 0"):
        Costs(half_spread=-0.1)


@pytest.mark.parametrize(("given", "micros"), [("0", 0), (0, 0), ("0ms", 0), ("0.0s", 0), ("250ms", 250_000)])
def test_a_latency_may_be_zero(given, micros):
    broker = SimulatedBroker(costs=Costs(), latency=given)
    assert broker.latency == micros
    assert SimulatedBroker.model_validate(broker.model_dump(mode="json")) == broker
    assert parse_latency(format_latency(micros)) == micros


@pytest.mark.parametrize("given", [5, 0.5, True, None, "soon", "5", "-1s"])
def test_other_latencies_are_refused_with_a_way_out(given):
    with pytest.raises(ValidationError, match="try"):
        SimulatedBroker(costs=Costs(), latency=given)


def test_parse_latency_raises_the_configuration_error():
    with pytest.raises(ConfigError, match="not a duration"):
        parse_latency("soon")


def test_costs_and_latency_cannot_be_forgotten():
    with pytest.raises(ValidationError, match="2 validation errors"):
        SimulatedBroker()
