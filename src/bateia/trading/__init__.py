"""Scores into positions, positions into fills: policies, costs and brokers."""

from bateia.trading.broker import AnyBroker, BrokerStream, Fills, Orders, SimulatedBroker
from bateia.trading.costs import Costs
from bateia.trading.latency import Latency
from bateia.trading.policy import AnyPolicy, Threshold, ThresholdStream

__all__ = [
    "AnyBroker",
    "AnyPolicy",
    "BrokerStream",
    "Costs",
    "Fills",
    "Latency",
    "Orders",
    "SimulatedBroker",
    "Threshold",
    "ThresholdStream",
]
