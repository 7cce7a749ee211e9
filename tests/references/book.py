"""Levels of a sampled book in plain Python."""

from itertools import pairwise

from references.base import NAN, known, point, ratio, reference, register, window
from references.core import covariance, deviation

QUOTES = ("bid_0_p", "ask_0_p", "bid_0_s", "ask_0_s")


def columns(side, levels, what="s"):
    return [f"{side}_{level}_{what}" for level in range(levels)]


def total(*sizes):
    return sum(sizes)


def by_rank(*sizes):
    return sum(size / rank for rank, size in enumerate(sizes, 1))


def imbalance(*sizes):
    half = len(sizes) // 2
    bids, asks = sum(sizes[:half]), sum(sizes[half:])
    return (bids - asks) / (bids + asks)


for _levels in (3, 5, 10):
    for _side in ("bid", "ask"):
        point(f"{_side}_depth_{_levels}", f"{_side}_depth_{_levels}()", total, *columns(_side, _levels))
    _name = f"depth_imbalance_at_{_levels}"
    point(_name, f"{_name}()", imbalance, *columns("bid", _levels), *columns("ask", _levels))
for _side in ("bid", "ask"):
    point(f"{_side}_pressure", f"{_side}_pressure()", by_rank, *columns(_side, 5))
point("best_depth", "best_depth()", lambda b, a: (b + a) / 2, "bid_0_s", "ask_0_s")
point("book_micro", "book_micro()", lambda b, a, bs, as_: (b * as_ + a * bs) / (bs + as_), *QUOTES)
point("spread_in_ticks", "spread_in_ticks(low, high, 0.25)", lambda b, a: (a - b) / 0.25, "low", "high")


def flow(m, level):
    """Cont, Kukanov & Stoikov's events at one level: what came to the bid and left the ask."""
    names = [f"bid_{level}_p", f"ask_{level}_p", f"bid_{level}_s", f"ask_{level}_s"]
    found = [NAN]
    for old, new in pairwise(zip(*(m[name] for name in names), strict=True)):
        bid = (new[2] if new[0] >= old[0] else 0.0) - (old[2] if new[0] <= old[0] else 0.0)
        ask = (new[3] if new[1] <= old[1] else 0.0) - (old[3] if new[1] >= old[1] else 0.0)
        found.append(bid - ask if known(*old, *new) else NAN)
    return found


for _level in range(5):
    _name = f"level_flow_{_level + 1}"
    register(_name, f"{_name}()", lambda m, n, level=_level: flow(m, level))


@reference("multi_level_flow()")
def multi_level_flow(m, n):
    return [sum(row) for row in zip(*(flow(m, level) for level in range(5)), strict=True)]


@reference("smallest_step({n})", least=1)
def smallest_step(m, n):
    rows = zip(*(m[name] for name in ("bid_0_p", "bid_1_p", "ask_0_p", "ask_1_p")), strict=True)
    steps = [min(b0 - b1, a1 - a0) if known(b0, b1, a0, a1) else NAN for b0, b1, a0, a1 in rows]
    found = []
    for i in range(len(steps)):
        held = window(m, n, i)
        inside = [] if held is None else [steps[k] for k in held]
        found.append(min(inside) if inside and known(*inside) else NAN)
    return found


@reference("resilience(close, {n})", sparse=True)
def resilience(m, n):
    moves = [NAN, *(b - a for a, b in pairwise(m["close"]))]
    before = [NAN, *m["close"][:-1]]
    found = []
    for i in range(len(moves)):
        held = window(m, n, i)
        a = [] if held is None else [moves[k] for k in held]
        b = [] if held is None else [before[k] for k in held]
        good = a and known(*a, *b)
        found.append(-ratio(covariance(a, b), deviation(b) ** 2) if good else NAN)
    return found
