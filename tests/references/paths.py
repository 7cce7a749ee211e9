"""Lines whose next point depends on where they were, in plain Python: rising and falling written out."""

from references.base import NAN, known, reference
from references.core import atr


@reference("psar(high, low, 0.03, 0.15)")
def psar(m, n, step=0.03, most=0.15):
    found, bars, rising = [], [], None
    for high, low in zip(m["high"], m["low"], strict=True):
        found.append(NAN)
        if not known(high, low):
            continue
        bars.append((high, low))
        if len(bars) < 2:
            continue
        before = bars[-2] if len(bars) > 2 else bars[-1]
        if rising is None:
            (first_high, first_low), fall = bars[0], bars[0][1] - low
            rising = not (fall > 0 and fall > high - first_high)
            sar, extreme, pace = (first_low, high, step) if rising else (first_high, low, step)
        ceiling, floor = max(high, before[0]), min(low, before[1])
        if (low <= sar) if rising else (high >= sar):
            rising, pace = not rising, step
            sar = min(extreme, floor) if rising else max(extreme, ceiling)
            extreme = high if rising else low
            found[-1] = sar
        else:
            found[-1] = sar
            if (high > extreme) if rising else (low < extreme):
                extreme, pace = high if rising else low, min(pace + step, most)
        sar += pace * (extreme - sar)
        sar = min(sar, floor) if rising else max(sar, ceiling)
    return found


def trailing(uppers, lowers, closes):
    found, past, rising = [], None, False
    for upper, lower, close in zip(uppers, lowers, closes, strict=True):
        if not known(upper, lower, close):
            found.append(NAN)
            continue
        top, bottom = upper, lower
        if past:
            last_top, last_bottom, last_close = past
            if last_close <= last_top:
                top = min(upper, last_top)
            if last_close >= last_bottom:
                bottom = max(lower, last_bottom)
            rising = close >= bottom if rising else close > top
        past = top, bottom, close
        found.append(bottom if rising else top)
    return found


@reference("trailing_band(high + 0.5, low - 0.5, close)")
def trailing_band(m, n):
    return trailing([v + 0.5 for v in m["high"]], [v - 0.5 for v in m["low"]], m["close"])


@reference("supertrend({n}, 1.5)", least=1, timed=False)
def supertrend(m, n):
    middle = [(h + lo) / 2 for h, lo in zip(m["high"], m["low"], strict=True)]
    reach = [1.5 * v for v in atr(m, n)]
    upper, lower = ([v + sign * r for v, r in zip(middle, reach, strict=True)] for sign in (1, -1))
    return trailing(upper, lower, m["close"])
