"""Scores into positions, positions into fills: policies, costs and brokers."""

from bateia.trading.account import Account, AccountStream
from bateia.trading.blocks import CHARGES, PARTS, REASONS, Charges, Fills, Orders, Tape
from bateia.trading.book_broker import BookBroker
from bateia.trading.broker import AnyBroker, BrokerStream, SimulatedBroker
from bateia.trading.calibration import Calibration
from bateia.trading.costs import Costs, Tier
from bateia.trading.exits import Distance, Exits
from bateia.trading.funding import AnyFunding, FixedFunding, FundingFile, FundingTable
from bateia.trading.gauges import Market
from bateia.trading.latency import Latency, LognormalLatency, UniformLatency
from bateia.trading.margin import Margin
from bateia.trading.policy import AnyPolicy, Edge, Policy, PolicyStream, Sized, Threshold

__all__ = [
    "CHARGES",
    "PARTS",
    "REASONS",
    "Account",
    "AccountStream",
    "AnyBroker",
    "AnyFunding",
    "AnyPolicy",
    "BookBroker",
    "BrokerStream",
    "Calibration",
    "Charges",
    "Costs",
    "Distance",
    "Edge",
    "Exits",
    "Fills",
    "FixedFunding",
    "FundingFile",
    "FundingTable",
    "Latency",
    "LognormalLatency",
    "Margin",
    "Market",
    "Orders",
    "Policy",
    "PolicyStream",
    "SimulatedBroker",
    "Sized",
    "Tape",
    "Threshold",
    "Tier",
    "UniformLatency",
]
