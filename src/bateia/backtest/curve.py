"""What would be left at other costs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from bateia.backtest.metrics import periods_per_year, sharpe_ratio
from bateia.backtest.simulate import Backtest
from bateia.core import Block
from bateia.core.events import Floats


@dataclass(frozen=True, eq=False)
class CostCurve(Block):
    """Net profit (currency) and annualised Sharpe (NaN where undefined) at each cost per side (bp)."""

    bp_side: Floats
    net: Floats
    sharpe: Floats


def cost_curve(backtest: Backtest, bp_side: npt.ArrayLike | None = None) -> CostCurve:
    """Net profit and Sharpe as functions of the mean cost per side, in bp of the notional traded.

    The fills stay as they are. What trading costs is scaled, all of it alike, and what holding costs (funding
    and borrowing) stays, so that net is exactly linear; where trading costs nothing, each fill pays by its
    notional. By default 41 points from 0 to twice the larger of the assumed and the break-even cost.
    """
    equity = backtest.equity
    traded, paid = float(equity.traded[-1]), float(equity.cost[-1])
    if bp_side is None:
        ahead = max(paid, float(equity.gross[-1])) / traded * 1e4 if traded > 0 else 0.0
        bp_side = np.linspace(0.0, 2 * ahead if ahead > 0 else 1.0, 41)
    sides: Floats = np.asarray(bp_side, np.float64)
    holding = equity.funding + equity.borrow
    trading = equity.cost - holding
    weight = trading / trading[-1] if trading[-1] > 0 else equity.traded / max(traded, 1e-300)
    periods = periods_per_year(equity)
    net, sharpe = np.empty(len(sides)), np.empty(len(sides))
    for i, side in enumerate(sides):
        account = equity.gross - holding - (side * 1e-4 * traded - holding[-1]) * weight
        net[i] = account[-1]
        ratio = sharpe_ratio(np.diff(account), periods)
        sharpe[i] = np.nan if ratio is None else ratio
    return CostCurve(sides, net, sharpe)
