"""Higher timeframes in plain Python: rows gathered by bar, looked up by when the bar was over."""

from collections.abc import Callable

from bateia.core import parse_duration
from references.base import NAN, average, known, reference


def closed_bars(m, timeframe, column, how: Callable):
    """For each row the values of the bars closed by then, the first bar left out."""
    length, time = parse_duration(timeframe), m["time"]
    bars: dict[int, list[float]] = {}
    for t, value in zip(time, m[column], strict=True):
        bars.setdefault(-(-t // length), []).append(value)
    cut = min(bars)
    found = []
    for i, t in enumerate(time):
        over = [bar for bar in bars if bar != cut and bar * length <= t]
        # A row at the very end of its bar is the last one there.
        assert t % length or i + 1 == len(time) or time[i + 1] > t
        values = [[v for v in bars[bar] if known(v)] for bar in over]
        found.append([how(v) if v else NAN for v in values])
    return found


@reference('at("20s", close)', sparse=True)
def bar_ends(m, n):
    return [bars[-1] if bars else NAN for bars in closed_bars(m, "20s", "close", lambda v: v[-1])]


@reference('at("1m", high) - at("1m", low) + at("1m", open) * at("1m", volume)', sparse=True)
def bar_of(m, n):
    columns = (
        closed_bars(m, "1m", name, how)
        for name, how in (("high", max), ("low", min), ("open", lambda v: v[0]), ("volume", sum))
    )
    rows = ([part[-1] if part else NAN for part in row] for row in zip(*columns, strict=True))
    return [high - low + open_ * volume for high, low, open_, volume in rows]


@reference('at("20s", ema(mean_obi, 3))', sparse=True)
def held(m, n):
    means = closed_bars(m, "20s", "mean_obi", lambda v: sum(v) / len(v))
    averages = average(means[-1], 3, 0.5)
    return [averages[len(bars) - 1] if bars else NAN for bars in means]
