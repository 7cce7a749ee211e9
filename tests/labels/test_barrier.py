"""TripleBarrier: the suite, brute force over components, and the rules that a user can choose."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from bateia.core import DataError
from bateia.labels import AnyLabel, FixedHorizon, TripleBarrier
from bateia.testing.labels import check_label, generated_bars

SECOND = 1_000_000


def plain_exit(path, bar, upper, lower):
    """(value, price) where a bar touches a barrier; None where it does not."""
    if path == "close":
        touched = bar.close[0] >= upper or bar.close[0] <= lower
        return (1.0 if bar.close[0] >= upper else -1.0, bar.close[0]) if touched else None
    if bar.open[0] >= upper:
        return 1.0, bar.open[0]
    if bar.low[0] <= lower:
        return -1.0, min(lower, bar.open[0])
    return (1.0, upper) if bar.high[0] >= upper else None


def plain_label(label, bars, volatility, i):
    """(value, ret, t1) of row i by following the market bar by bar; None where there is no answer."""
    upper = bars.close[i] * math.exp(label.up * volatility)
    lower = bars.close[i] * math.exp(-label.down * volatility)
    if not upper > bars.close[i] > lower:
        return None
    by_time = isinstance(label.horizon, str)
    limit = bars.time[i] + int(label.horizon[:-1]) * SECOND if by_time else None
    last = i
    for j in range(i + 1, len(bars)):
        if bars.time[j] > limit if by_time else j > i + label.horizon:
            break
        last = j
        exit_ = plain_exit(label.path, bars[j : j + 1], upper, lower)
        if exit_ is not None:
            return (*exit_, bars.time[j])
    if limit > bars.time[-1] if by_time else last < i + label.horizon:
        return None
    value = 0.0 if label.vertical == "zero" else float(np.sign(bars.close[last] - bars.close[i]))
    return value, bars.close[last], limit if by_time else bars.time[last]


@given(
    horizon=st.one_of(st.integers(1, 80), st.integers(1, 59).map(lambda s: f"{s}s")),
    up=st.floats(0.3, 12),
    down=st.floats(0.3, 12),
    path=st.sampled_from(["close", "range"]),
    vertical=st.sampled_from(["zero", "sign"]),
    seed=st.integers(0, 9),
)
@settings(max_examples=40)
def test_answers_are_those_of_following_the_market(horizon, up, down, path, vertical, seed):
    bars = generated_bars(150, seed)
    label = TripleBarrier(horizon=horizon, up=up, down=down, volatility_span=5, path=path, vertical=vertical)
    labels = label.make(bars)
    volatility = plain_volatility(bars.close, 5)
    for i in range(len(bars)):
        wanted = plain_label(label, bars, volatility[i], i) if i >= 5 else None
        if wanted is None:
            assert not labels.valid[i]
            assert labels.span.t1[i] == bars.time[-1]
        else:
            value, price, t1 = wanted
            assert labels.value[i] == value
            assert labels.ret[i] == pytest.approx(math.log(price / bars.close[i]), abs=1e-12)
            assert labels.span.t1[i] == t1


def plain_volatility(close, span):
    """Deviation of log returns under weights that fall by 1 - 2 / (span + 1) a bar, bias corrected."""
    r, keep = np.diff(np.log(close)), 1 - 2 / (span + 1)
    out = np.full(len(close), np.nan)
    for i in range(2, len(close)):
        w = keep ** np.arange(i)[::-1] / np.sum(keep ** np.arange(i))
        mean = np.sum(w * r[:i])
        out[i] = math.sqrt(np.sum(w * (r[:i] - mean) ** 2) / (1 - np.sum(w**2)))
    return out


@pytest.mark.parametrize(
    "label",
    [
        TripleBarrier(horizon=30, up=2, down=2, volatility_span=20),
        TripleBarrier(horizon="40s", up=3, down=1.5, volatility_span=10, path="range"),
        TripleBarrier(horizon=200, up=9, down=9, volatility_span=50, vertical="sign"),
        TripleBarrier(horizon="5s", up=1e6, down=1, volatility_span=2),
    ],
)
def test_passes_the_suite(label):
    assert "prefix" in check_label(label, generated_bars(500, seed=2))


def test_rows_in_the_warm_up_of_volatility_have_no_answer():
    labels = TripleBarrier(horizon=5, up=1, down=1, volatility_span=30).make(generated_bars(200))
    assert not labels.valid[:30].any()
    assert labels.valid[30]


def test_a_price_that_never_moved_asks_no_question():
    bars = generated_bars(60)
    still = type(bars)(**{**bars.columns(), "close": np.full(60, 5.0)})
    assert not TripleBarrier(horizon=5, up=1, down=1, volatility_span=5).make(still).valid.any()


def test_a_touch_is_answered_even_near_the_end_of_the_data():
    labels = TripleBarrier(horizon=10_000, up=1, down=1, volatility_span=5).make(generated_bars(300))
    assert labels.valid.any()
    assert set(labels.value[labels.valid]) == {-1.0, 1.0}


def test_a_wider_barrier_is_never_touched_earlier():
    bars = generated_bars(400)
    near, far = (TripleBarrier(horizon=50, up=w, down=w, volatility_span=20).make(bars) for w in (1, 2))
    rows = near.valid & far.valid
    assert np.all(far.span.t1[rows] >= near.span.t1[rows])
    assert np.any(far.span.t1[rows] > near.span.t1[rows])


def test_prices_of_the_whole_range_must_have_logarithms():
    bars = generated_bars(60)
    low = bars.low.copy()
    low[7] = 0.0
    broken = type(bars)(**{**bars.columns(), "low": low})
    label = TripleBarrier(horizon=5, up=1, down=1, volatility_span=5)
    assert label.make(broken).valid.any(), "closes alone do not look at lows"
    with pytest.raises(DataError, match="low of bar 7 is 0"):
        label.model_copy(update={"path": "range"}).make(broken)


@pytest.mark.parametrize(
    ("given_", "words"),
    [
        ({"horizon": 0}, "the horizon is 0; allowed"),
        ({"up": 0.0}, "greater than 0"),
        ({"down": -1.0}, "greater than 0"),
        ({"up": math.inf}, "finite number"),
        ({"volatility_span": 1}, "greater than or equal to 2"),
        ({"path": "high"}, "'close' or 'range'"),
        ({"vertical": "drop"}, "'zero' or 'sign'"),
    ],
)
def test_parameters_that_make_no_sense_say_so(given_, words):
    with pytest.raises(ValidationError) as caught:
        TripleBarrier(**{"horizon": 5, "up": 1.0, "down": 1.0, **given_})
    assert words in str(caught.value)


def test_a_recipe_names_a_label_by_its_kind():
    adapter = TypeAdapter(AnyLabel)
    barrier = adapter.validate_python({"kind": "triple_barrier", "horizon": "5m", "up": 2.0, "down": 2.0})
    assert barrier == TripleBarrier(horizon="5m", up=2, down=2)
    assert barrier.task == "class"
    fixed = adapter.validate_python({"kind": "fixed_horizon", "horizon": 50, "target": "return"})
    assert fixed == FixedHorizon(horizon=50, target="return")
    assert fixed.task == "return"
    with pytest.raises(ValidationError, match="'fixed_horizon', 'triple_barrier'"):
        adapter.validate_python({"kind": "magic"})
