"""How much capital a strategy bears before its own price impact eats the profit."""

from __future__ import annotations

import math

from bateia.backtest.account import Account
from bateia.backtest.estimates import estimate
from bateia.backtest.numbers import UNKNOWN, Bounds, Estimate

IMPACT = 1.0
"""Price impact of a trade as large as the volume, in deviations of the price over it: of order one."""


def capacity(account: Account, net: Bounds | None) -> Estimate:
    """Capital at which square-root impact, on top of the costs paid, leaves no net profit; currency.

    A trade of q units moves the price by `IMPACT` x deviation x sqrt(q / volume), and pays it; variance per
    unit of volume is taken as steady over the account's bars. At k times the capital, profit grows with k and
    impact with k^1.5. `net` is the interval of the net profit. Unknown without volume, 0 without profit.

    Source: Toth et al., "Anomalous price impact and the critical nature of liquidity", Phys. Rev. X 1 (2011).
    """
    volume = float(account.moves.volume.sum())
    if not volume > 0:
        return UNKNOWN
    variance = float(account.moves.square.sum()) / volume
    impact = IMPACT * math.sqrt(variance) * float(account.steps.pressure.sum())
    if not impact > 0:
        return UNKNOWN

    def borne(profit: float) -> float:
        return account.capital * (max(profit, 0.0) / impact) ** 2

    return estimate(borne(account.net), net and (borne(net[0]), borne(net[1])))
