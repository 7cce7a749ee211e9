"""The policy kernels against plain Python, score by score."""

import math
from statistics import NormalDist

import numpy as np
from hypothesis import assume, given
from hypothesis import strategies as st

from bateia.kernels.policies import bet_sizes, hysteresis, interpolate


def reference_hysteresis(scores, enter, leave, long, short):
    held, out = 0, []
    for s in scores:
        if np.isnan(s):
            held = 0
        elif long and s > enter:
            held = 1
        elif short and s < -enter:
            held = -1
        elif (held == 1 and s < leave) or (held == -1 and -s < leave):
            held = 0
        out.append(held)
    return out


score_lists = st.lists(st.one_of(st.floats(-1, 1), st.just(float("nan")), st.sampled_from([0.3, -0.3, 0.1])))


@given(score_lists, st.sampled_from([(0.3, 0.1), (0.3, 0.3), (0.0, 0.0), (0.3, -0.5)]), st.booleans())
def test_hysteresis_is_the_plain_rule(scores, thresholds, both):
    enter, leave = thresholds
    target, state = np.empty(len(scores)), np.zeros(1)
    hysteresis(state, np.array(scores), enter, leave, True, both, target)
    expected = reference_hysteresis(scores, enter, leave, True, both)
    assert target.tolist() == expected
    assert state[0] == (expected[-1] if expected else 0)


@given(
    st.lists(st.floats(-10, 10), min_size=1, max_size=12, unique=True).map(sorted),
    st.lists(st.one_of(st.floats(-12, 12), st.just(float("nan")), st.sampled_from([0.0, 1.0]))),
)
def test_interpolation_is_numpys(knots, scores):
    values = np.cumsum(np.arange(len(knots)) % 3 + 0.5)
    out = np.empty(len(scores))
    interpolate(np.array(scores, float), np.array(knots), values, out)
    known = np.where(np.isnan(scores), 0.0, scores)
    expected = np.where(np.isnan(scores), np.nan, np.interp(known, knots, values))
    assert np.array_equal(np.isnan(out), np.isnan(scores))
    assert np.allclose(out, expected, equal_nan=True, atol=1e-6)


def reference_sizes(scores, steps, stick, average, sides):
    """Section 10.3's size of a binary bet, averaged and rounded, by the standard library's normal law.

    Also how near, in steps, the nearest decision was to its boundary: there the last bit may decide.
    """
    held, out, sizes, near = 0.0, [], [], 1.0
    for s in scores:
        known = not math.isnan(s)
        if not known:
            sizes.append(0.0)
        elif abs(s) >= 1:
            sizes.append(math.copysign(1.0, s))
        else:
            p = (1 + s) / 2
            sizes.append(2 * NormalDist().cdf((p - 0.5) / math.sqrt(p * (1 - p))) - 1)
        mean = sum(sizes[-average:]) / len(sizes[-average:])
        if (mean > 0 and sides == "short") or (mean < 0 and sides == "long"):
            mean = 0.0
        if not known:
            held = 0.0
        else:
            away = abs(mean - held) * steps
            near = min(near, abs(away - 0.5 - stick), abs(abs(mean) * steps % 1 - 0.5))
            if away >= 0.5 + stick:
                held = math.copysign(math.floor(abs(mean) * steps + 0.5) / steps, mean)
        out.append(held)
    return out, near


@given(
    st.lists(st.one_of(st.floats(-1.2, 1.2), st.just(float("nan")))),
    st.integers(1, 20),
    st.sampled_from([0.0, 0.1, 0.7]),
    st.integers(1, 5),
    st.sampled_from(["both", "long", "short"]),
)
def test_sizes_are_those_of_the_book(scores, steps, stick, average, sides):
    expected, near = reference_sizes(scores, steps, stick, average, sides)
    assume(near > 1e-9)
    target, state = np.empty(len(scores)), np.zeros(2 + average)
    bet_sizes(state, np.array(scores, float), steps, stick, sides != "short", sides != "long", target)
    assert target.tolist() == expected
    assert state[0] == (expected[-1] if expected else 0) and state[1] == len(scores)


def test_the_books_bets_by_hand():
    """p = 0.6 and 0.9: z = 0.2041 and 1.3333, sizes 0.1617 and 0.8176."""
    target = np.empty(2)
    bet_sizes(np.zeros(3), np.array([0.2, 0.8]), 10_000, 0.0, True, True, target)
    assert target.tolist() == [0.1617, 0.8176]
