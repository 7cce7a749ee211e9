"""The threshold sweep: the account of many threshold pairs over one series of scores, in one pass."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from bateia.core import Bars, Block, ConfigError, DataError
from bateia.core.clock import YEAR
from bateia.core.events import Floats
from bateia.kernels import sweep as lanes
from bateia.kernels.sweep import LANES, RULES, STATES, sweep_thresholds
from bateia.trading import Costs, SimulatedBroker
from bateia.trading.spread import ShareSpread

Side = Literal["both", "long", "short"]


@dataclass(frozen=True, eq=False)
class Sweep(Block):
    """One row a threshold pair; profits in currency from 0, as in a backtest's account.

    `gross` at the market's prices, `net` = gross - `cost`, `round_trips` closed ones, `traded` the notional
    of both sides, `turnover` = traded / capital, `exposure` the share of bars at whose close a position was
    open, `max_drawdown` the deepest fall of net from its peak, `sharpe` of the bars' net profits, annualised
    by calendar time (NaN where undefined).
    """

    enter: Floats
    exit: Floats
    gross: Floats
    cost: Floats
    net: Floats
    round_trips: Floats
    traded: Floats
    turnover: Floats
    exposure: Floats
    max_drawdown: Floats
    sharpe: Floats


def sweep(
    bars: Bars,
    score: npt.ArrayLike,
    enter: npt.ArrayLike,
    exit: npt.ArrayLike,
    *,
    bp_side: npt.ArrayLike,
    per_unit: npt.ArrayLike = 0.0,
    side: Side = "both",
    fill: Literal["open", "close"] = "open",
    quantity: float = 1.0,
    multiplier: float = 1.0,
    capital: float | None = None,
) -> Sweep:
    """The account of `Threshold(enter, exit, side)` for every pair, decided at a bar's close.

    A decision is filled at the *next* bar's open (or its close) and pays `bp_side` bp of the notional plus
    `per_unit` currency a unit; both may be one number or one a bar, that of the fill's bar. A position still
    open at the end is closed at the last close, with costs. That is `simulate` at latency 0, with the costs
    of `side_costs(broker)`, wherever the next bar's first trade comes after the decision. `enter` and `exit`
    broadcast against each other; DataError and ConfigError for input that `simulate` or `Threshold` would
    refuse.

    >>> time, price = np.arange(4) * 1_000_000, np.array([10.0, 11.0, 12.0, 14.0])
    >>> bars = Bars(time, time, time, *[price] * 4, *[np.ones(4)] * 7)
    >>> made = sweep(bars, [1, 1, 0, 0], [0.5, 2.0], [0.2, 1.0], bp_side=0)
    >>> made.net.tolist(), made.round_trips.tolist()
    ([3.0, 0.0], [1.0, 0.0])
    """
    column: Floats = np.ascontiguousarray(score, np.float64)
    if not len(bars) or len(column) != len(bars):
        raise DataError(f"{len(column)} scores for {len(bars)} bars", allowed="one per bar, a bar or more")
    high, low = _pairs(enter, exit, side)
    units = quantity * multiplier
    capital = float(bars.close[0]) * units if capital is None else capital
    if not (capital > 0 and np.isfinite(capital)):
        raise ConfigError(f"capital is {capital:g}", allowed="a positive amount of currency")
    rate, fixed = (_per_bar(cost, len(bars)) for cost in (bp_side, per_unit))
    price = bars.open if fill == "open" else bars.close
    ended = _account(
        _rules(high, low, side),
        column,
        np.ascontiguousarray(price),
        rate * 1e-4 * price + fixed / multiplier,
        np.ascontiguousarray(bars.close),
        float(rate[-1] * 1e-4 * bars.close[-1] + fixed[-1] / multiplier),
    )[:, : len(high)]
    gross, cost, traded, fall = (units * ended[row] for row in (0, 1, 2, 3))
    return Sweep(
        enter=high,
        exit=low,
        gross=gross,
        cost=cost,
        net=gross - cost,
        round_trips=ended[4],
        traded=traded,
        turnover=traded / capital,
        exposure=ended[5] / len(bars),
        max_drawdown=fall,
        sharpe=_sharpe(ended[0] - ended[1], ended[6], bars),
    )


def side_costs(broker: SimulatedBroker) -> tuple[float, float]:
    """`bp_side` and `per_unit` of a broker's market orders; ConfigError where a side costs anything else.

    The sweep knows no latency: the broker's is left out.

    >>> broker = SimulatedBroker(costs={"fee_bps": 4, "half_spread": 0.125}, latency="0", multiplier=50)
    >>> side_costs(broker)
    (4.0, 6.25)
    """
    costs, spread = broker.costs, broker.costs.spread
    share = spread.half_bps if isinstance(spread, ShareSpread) else 0.0
    plain = {"fee_bps", "fee_per_unit", "half_spread", "slippage_bps", *(("spread",) if share else ())}
    others = {name for name in Costs.model_fields if getattr(costs, name) != Costs.model_fields[name].default}
    usual = {"kind", "costs", "latency", "quantity", "multiplier", "market"}
    fields = SimulatedBroker.model_fields
    others |= {name for name in set(fields) - usual if getattr(broker, name) != fields[name].default}
    if others - plain:
        raise ConfigError(
            f"a broker with {', '.join(sorted(others - plain))}, which depend on more than the price",
            allowed="fee_bps, fee_per_unit, half_spread or a share of the price, slippage_bps",
            hint="simulate each pair by itself",
        )
    bp_side = costs.fee_bps + costs.slippage_bps + share
    return bp_side, costs.fee_per_unit + costs.half_spread * broker.multiplier


def _pairs(enter: npt.ArrayLike, exit: npt.ArrayLike, side: Side) -> tuple[Floats, Floats]:
    """Both thresholds of every pair; ConfigError where `Threshold` would refuse one."""
    high, low = np.broadcast_arrays(
        np.atleast_1d(np.asarray(enter, np.float64)), np.atleast_1d(np.asarray(exit, np.float64))
    )
    if high.ndim != 1 or not (np.isfinite(high).all() and np.isfinite(low).all()):
        raise ConfigError(f"thresholds of shape {high.shape}", allowed="one finite number per pair")
    for bad, why in (
        (low > high, "exit <= enter"),
        ((high < 0) & (side == "both"), "enter >= 0, or side 'long' or 'short'"),
    ):
        if bad.any():
            k = int(np.argmax(bad))
            raise ConfigError(f"pair {k}: enter {high[k]:g}, exit {low[k]:g}", allowed=why)
    return high.copy(), low.copy()


def _per_bar(cost: npt.ArrayLike, rows: int) -> Floats:
    column = np.asarray(cost, np.float64)
    if column.ndim > 1 or (column.ndim and len(column) != rows) or not (column >= 0).all():
        raise DataError(f"costs of shape {column.shape}", allowed="one number from 0, or one for each bar")
    return np.broadcast_to(column, (rows,))


def _rules(high: Floats, low: Floats, side: Side) -> Floats:
    """Thresholds as the kernel reads them, (groups, RULES * LANES); lanes to spare never leave flat."""
    groups, n = -(-len(high) // LANES), len(high)
    up, down, out, back = (np.full(groups * LANES, never) for never in (np.inf, -np.inf, -np.inf, np.inf))
    if side != "short":
        up[:n] = high
    if side != "long":
        down[:n] = -high
    out[:n], back[:n] = low, -low
    rule = np.stack([column.reshape(groups, LANES) for column in (up, down, out, back)], axis=1)
    return np.ascontiguousarray(rule.reshape(groups, RULES * LANES))


def _account(
    rule: Floats, score: Floats, price: Floats, paid: Floats, close: Floats, paid_out: float
) -> Floats:
    """Gross, cost, traded, deepest fall, round trips, bars open and squared profits of each lane."""
    state = np.zeros((len(rule), STATES * LANES))
    columns = (score[:-1], price[1:], paid[1:], close[1:])
    sweep_thresholds(state, rule, *(column[:-1] for column in columns))
    before = _by_lane(state)
    sweep_thresholds(state, rule, *(column[-1:] for column in columns))
    after = _by_lane(state)
    # What is still held is closed within the last bar, and never shows as held at its close.
    held = np.abs(after[lanes.HELD])
    gross = after[lanes.CASH] + after[lanes.HELD] * close[-1]
    cost = after[lanes.COST] + held * paid_out
    move = gross - cost - before[lanes.NET]
    depth = np.maximum(before[lanes.PEAK], gross - cost) - (gross - cost)
    return np.stack(
        [
            gross,
            cost,
            after[lanes.TRADED] + held * close[-1],
            np.maximum(before[lanes.FALL], depth),
            # Each unit entered is left again in the end.
            (after[lanes.UNITS] + held) / 2,
            before[lanes.OPEN],
            before[lanes.SQUARES] + move * move,
        ]
    )


def _by_lane(state: Floats) -> Floats:
    """A copy of shape (STATES, lanes)."""
    return state.reshape(-1, STATES, LANES).transpose(1, 0, 2).reshape(STATES, -1).copy()


def _sharpe(net: Floats, squares: Floats, bars: Bars) -> Floats:
    """Annualised Sharpe ratio of the bars' profits from their sum and their sum of squares."""
    steps = len(bars) - 1
    years = float(bars.time[-1] - bars.time[0]) / YEAR
    if steps < 2 or years <= 0:
        return np.full(len(net), np.nan)
    mean = net / steps
    variance = (squares - steps * mean * mean) / (steps - 1)
    # Below this the difference is rounding: profits that do not vary have no ratio.
    varies = variance > 1e-14 * squares / steps
    deviation = np.sqrt(np.where(varies, variance, np.nan))
    ratio: Floats = mean / deviation * np.sqrt(steps / years)
    return ratio
