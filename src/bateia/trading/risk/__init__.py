"""Risk between policy and broker: sizing, stops and limits, the same in backtest, paper and live."""

from bateia.trading.risk.component import Risk, RiskStream
from bateia.trading.risk.loop import LoopFills, Replay, replay
from bateia.trading.risk.rules import (
    AdaptiveStop,
    AnyRule,
    Atr,
    AtrStop,
    Cooldown,
    DailyLoss,
    Drawdown,
    Exposure,
    Fixed,
    Inertia,
    Kelly,
    Kill,
    Regime,
    Rules,
    Score,
    TradesPerDay,
    Volatility,
)
from bateia.trading.risk.standing import Allowed, Reason, Standing

__all__ = [
    "AdaptiveStop",
    "Allowed",
    "AnyRule",
    "Atr",
    "AtrStop",
    "Cooldown",
    "DailyLoss",
    "Drawdown",
    "Exposure",
    "Fixed",
    "Inertia",
    "Kelly",
    "Kill",
    "LoopFills",
    "Reason",
    "Regime",
    "Replay",
    "Risk",
    "RiskStream",
    "Rules",
    "Score",
    "Standing",
    "TradesPerDay",
    "Volatility",
    "replay",
]
