"""Order flow, quotes and the microstructure estimators in plain Python; quotes are lows and highs here."""

import math
from itertools import pairwise

from references.base import NAN, known, lagged, point, ratio, reference, rolling, window
from references.core import covariance, deviation

QUOTES = "low, high, volume, trades"


def share(part, whole):
    return math.fsum(part) / max(math.fsum(whole), 1e-12)


def over(m, n, function, *series):
    """`function` of the window's values of each series, NaN where one of them is."""
    found = []
    for i in range(len(m["time"])):
        values = [[s[k] for k in window(m, n, i) or ()] for s in series]
        good = values[0] and all(known(*value) for value in values)
        found.append(function(*values) if good else NAN)
    return found


def changes(m, what=lambda new, old: new - old):
    pairs = zip(m["close"], lagged(m, 1, "close"), strict=True)
    return [what(*pair) if known(*pair) else NAN for pair in pairs]


def log_changes(m):
    return changes(m, lambda new, old: math.log(new / old))


def impact(returns, flows):
    return ratio(covariance(returns, flows), deviation(flows) ** 2)


FLOW = ("signed_volume", "volume")
rolling("net_flow", "net_flow({n})", share, *FLOW, least=1)
rolling("aggressor_ratio", "aggressor_ratio({n})", lambda s, v: (share(s, v) + 1) / 2, *FLOW, least=1)
rolling("vpin", "vpin({n})", lambda s, v: share(map(abs, s), v), *FLOW, least=1)
rolling(
    "tick_ratio",
    "tick_ratio({n})",
    lambda up, down: (sum(up) - sum(down)) / max(sum(up) + sum(down), 1),
    *("up_ticks", "down_ticks"),
    least=1,
)
point("trade_size", "trade_size()", lambda v, t: v / t, "volume", "trades")
point("inter_arrival", "inter_arrival()", lambda a, b, t: (b - a) / t / 1e3, "open_time", "time", "trades")
point("mid_price", "mid_price(low, high)", lambda a, b: (a + b) / 2, "low", "high")
point("quoted_spread", "quoted_spread(low, high)", lambda a, b: 2 * (b - a) / (a + b), "low", "high")
point(
    "queue_imbalance",
    "queue_imbalance(volume, trades)",
    lambda a, b: (a - b) / (a + b),
    *("volume", "trades"),
)
point(
    "micro_price",
    f"micro_price({QUOTES})",
    lambda bid, ask, bids, asks: (bid * asks + ask * bids) / (bids + asks),
    *QUOTES.split(", "),
)
point("effective_agents", "effective_agents(vwap / 1e6)", lambda c: 1 / max(c / 1e6, 0.001), "vwap")


@reference(f"order_flow_imbalance({QUOTES})")
def order_flow_imbalance(m, n):
    rows = list(zip(*(m[name] for name in QUOTES.split(", ")), strict=True))
    found = [NAN]
    for old, new in pairwise(rows):
        event = 0.0
        if new[0] >= old[0]:
            event += new[2]
        if new[0] <= old[0]:
            event -= old[2]
        if new[1] <= old[1]:
            event -= new[3]
        if new[1] >= old[1]:
            event += old[3]
        found.append(event if known(*old, *new) else NAN)
    return found


@reference("kyle({n})", sparse=True)
def kyle(m, n):
    return over(m, n, impact, log_changes(m), m["signed_volume"])


@reference("hasbrouck({n})", sparse=True)
def hasbrouck(m, n):
    pairs = zip(m["signed_volume"], m["vwap"], strict=True)
    roots = [math.copysign(math.sqrt(abs(v) * price), v) for v, price in pairs]
    return over(m, n, impact, log_changes(m), roots)


@reference("amihud({n})", least=1)
def amihud(m, n):
    moved = [abs(r) / value for r, value in zip(log_changes(m), m["value"], strict=True)]
    return over(m, n, lambda w: math.fsum(w) / len(w), moved)


# Squared: at 0 the root of a rounding error is not small.
@reference("roll_spread({n}) ** 2")
def roll_spread(m, n):
    moves = changes(m)
    return over(
        m, n, lambda a, b: NAN if len(a) < 2 else 4 * max(-covariance(a, b), 0), moves, [NAN, *moves[:-1]]
    )


@reference("corwin_schultz_alpha()")
def corwin_schultz_alpha(m, n):
    found, k = [NAN], 3 - 2 * math.sqrt(2)
    for i in range(1, len(m["high"])):
        high, low = m["high"][i - 1 : i + 1], m["low"][i - 1 : i + 1]
        if not known(*high, *low):
            found.append(NAN)
            continue
        beta = sum(math.log(h / w) ** 2 for h, w in zip(high, low, strict=True))
        gamma = math.log(max(high) / min(low)) ** 2
        found.append((math.sqrt(2 * beta) - math.sqrt(beta)) / k - math.sqrt(gamma / k))
    return found


@reference("corwin_schultz()")
def corwin_schultz(m, n):
    alphas = corwin_schultz_alpha(m, n)
    return [a if not known(a) else max(2 * (math.exp(a) - 1) / (1 + math.exp(a)), 0.0) for a in alphas]
