"""Risk and broker by turns: each bar's target becomes units only when the account is known."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from bateia.core import Bars, Trades
from bateia.core.events import Floats
from bateia.trading import REASONS, BrokerStream, Charges, Fills, SimulatedBroker
from bateia.trading.risk import Allowed, Risk, Standing

_OWN = [k for k, reason in enumerate(REASONS) if reason not in {"order", "end"}]
"""Why a broker leaves a position on its own."""
_NO_FILLS, _NO_CHARGES = Fills.empty(), Charges.empty()


def managed(
    bars: Bars,
    targets: Floats,
    trades: Trades,
    broker: SimulatedBroker,
    risk: Risk,
    capital: float,
    opinion: Mapping[str, npt.ArrayLike],
) -> tuple[BrokerStream, Fills, Charges, Allowed]:
    """The broker's stream, fills and charges over all bars, and what risk allowed at each.

    Paper and live trading take the same turns: fills of the bar, the account, what is allowed, an order. A
    stop's level is watched at each bar's close. About 0.1 ms a bar.
    """
    stream = broker.model_copy(update={"quantity": 1.0}).start()
    judge = risk.start()
    needed = {name: np.asarray(opinion[name]) for name in risk.needs if name in opinion}
    decided = np.maximum.accumulate(bars.known_at)
    edges = np.searchsorted(trades.time, bars.time, side="right")
    start = 0.0 if broker.margin is not None else capital
    fills, charges, allowed = [_NO_FILLS], [_NO_CHARGES], []
    wanted, told, seen = np.zeros(len(bars)), 0, 0
    for i, edge in enumerate(edges):
        made = _NO_FILLS
        # Flat and nothing ordered: these trades can wait for the next order, any cut is the same.
        if stream.position or len(stream.pending) or wanted[told:i].any():
            made = stream.run(decided[told:i], wanted[told:i], trades[seen:edge])
            fills.append(made)
            charges.append(stream.charges)
            told, seen = i, int(edge)
        worth = start + stream.cash + stream.position * float(bars.close[i]) * broker.multiplier
        standing = Standing.of([worth], stream.position, closed=_left(made))
        now = {name: values[i : i + 1] for name, values in needed.items()}
        answer = judge.run(bars[i : i + 1], targets[i : i + 1], standing, **now)
        allowed.append(answer)
        wanted[i] = answer.position[0]
    fills.append(stream.run(decided[told:], wanted[told:], trades[seen:]))
    charges.append(stream.charges)
    return stream, Fills.concat(fills), Charges.concat(charges), Allowed.concat(allowed)


def _left(fills: Fills) -> float:
    """The side of the last position that the broker left on its own in these fills; 0 for none."""
    own = np.flatnonzero(np.isin(fills.reason, _OWN))
    return float(-np.sign(fills.quantity[own[-1]])) if len(own) else 0.0
