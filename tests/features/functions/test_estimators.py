"""Volatility estimators against their papers' formulas on a few rows, and on a walk of known volatility."""

import math

import numpy as np
import pytest

from bateia.features import Plan

# An opening gap, a rise, a fall, a bar that closes on its high, one that closes where it opened, a quiet one.
BARS = [
    (1688.25, 1690.50, 1687.75, 1689.00),
    (1690.75, 1695.25, 1690.25, 1694.50),
    (1694.25, 1694.75, 1686.00, 1687.25),
    (1687.25, 1693.00, 1686.50, 1693.00),
    (1692.50, 1696.00, 1688.75, 1692.50),
    (1692.75, 1693.25, 1692.25, 1692.50),
]
OPEN, HIGH, LOW, CLOSE = (np.array(column) for column in zip(*BARS, strict=True))
N = 4
LAST = range(len(BARS) - N, len(BARS))
"""The rows of the last window of N."""


def ours(expression, data=None):
    data = data or {"open": OPEN, "high": HIGH, "low": LOW, "close": CLOSE}
    return Plan({"feature": expression}).run(data)["feature"][-1]


def normalised(i):
    """As in Yang & Zhang: the opening from the last close, high, low and close from the opening."""
    opening, high, low, close = BARS[i]
    o = math.log(opening) - math.log(BARS[i - 1][3])
    u, d, c = (math.log(price) - math.log(opening) for price in (high, low, close))
    return o, u, d, c


def change(i):
    return math.log(CLOSE[i]) - math.log(CLOSE[i - 1])


def sample_variance(values):
    mean = sum(values) / len(values)
    return sum((v - mean) ** 2 for v in values) / (len(values) - 1)


def parkinson():
    total = sum((math.log(HIGH[i]) - math.log(LOW[i])) ** 2 for i in LAST)
    return total / (4 * math.log(2)) / N


def garman_klass():
    # Their practical estimator: 0.5 (u - d)^2 - (2 ln 2 - 1) c^2.
    rows = [normalised(i) for i in LAST]
    return sum(0.5 * (u - d) ** 2 - (2 * math.log(2) - 1) * c**2 for _, u, d, c in rows) / N


def rogers_satchell():
    return sum(u * (u - c) + d * (d - c) for _, u, d, c in map(normalised, LAST)) / N


def yang_zhang():
    k = 0.34 / (1.34 + (N + 1) / (N - 1))
    overnight = sample_variance([normalised(i)[0] for i in LAST])
    within = sample_variance([normalised(i)[3] for i in LAST])
    return overnight + k * within + (1 - k) * rogers_satchell()


def realised():
    return sum(change(i) ** 2 for i in LAST)


def bipower():
    # mu_1 = E|z| = sqrt(2 / pi) for a standard normal z.
    mu = math.sqrt(2 / math.pi)
    return sum(abs(change(i)) * abs(change(i - 1)) for i in LAST) / mu**2


def min_realised():
    # The paper's N / (N - 1) makes up for a product less than returns; here each has the return before it.
    smaller = sum(min(abs(change(i)), abs(change(i - 1))) ** 2 for i in LAST)
    return math.pi / (math.pi - 2) * smaller


ESTIMATORS = {
    f"{e.__name__}({N})": e
    for e in (parkinson, garman_klass, rogers_satchell, yang_zhang, realised, bipower, min_realised)
}


@pytest.mark.parametrize("expression", ESTIMATORS)
def test_the_root_of_the_papers_variance(expression):
    assert ours(expression) == pytest.approx(math.sqrt(ESTIMATORS[expression]()), rel=1e-12)


def test_by_hand():
    # Row 5 alone: ln(1693.25 / 1692.25) = 0.00059074..., squared over 4 ln 2 = 1.25868e-7.
    assert ours("parkinson(1)") == pytest.approx(0.00035477, rel=1e-4)
    # Row 5: u = 0.00029533, d = -0.00029542, c = -0.00014770; u (u - c) + d (d - c) = 1.7447e-7.
    assert ours("rogers_satchell(1)") == pytest.approx(0.00041770, rel=1e-4)


def test_shares():
    jumps = max(1 - bipower() / realised(), 0)
    assert ours(f"jump_share({N})") == pytest.approx(jumps, rel=1e-12)
    falls = sum(change(i) ** 2 for i in LAST if change(i) < 0)
    assert ours(f"downside_share({N})") == pytest.approx(falls / realised(), rel=1e-12)


def test_exponential_weights_as_in_riskmetrics():
    level = (change(1) ** 2 + change(2) ** 2 + change(3) ** 2) / 3
    for i in (4, 5):
        level = 0.94 * level + 0.06 * change(i) ** 2
    assert ours("ewma_volatility(3, 0.94)") == pytest.approx(math.sqrt(level), rel=1e-12)


def test_the_ulcer_index_is_the_root_mean_square_of_the_fall():
    # Closes 1693.00, 1692.50, 1692.50; the highest of three is 1693.00 in the last row, 1694.50 and 1693.00
    # in the two before.
    falls = [1693.00 / 1694.50 - 1, 1692.50 / 1693.00 - 1, 1692.50 / 1693.00 - 1]
    expected = 100 * math.sqrt(sum(fall**2 for fall in falls) / 3)
    assert ours("ulcer(3)") == pytest.approx(expected, rel=1e-9)


def walk(bars=1500, steps=800, sigma=0.01, drift=0.0, jump=0.0):
    """Bars of a generated Brownian log price of known volatility a bar, with gaps of deviation `jump`."""
    rng = np.random.default_rng(5)
    moves = rng.normal(drift / steps, sigma / math.sqrt(steps), (bars, steps))
    inside = np.concatenate([np.zeros((bars, 1)), np.cumsum(moves, axis=1)], axis=1)
    gaps = rng.normal(0, jump, bars) if jump else np.zeros(bars)
    start = np.cumsum(gaps) + np.concatenate([[0], np.cumsum(inside[:-1, -1])])
    path = 5 + start[:, None] + inside
    columns = {"open": path[:, 0], "high": path.max(1), "low": path.min(1), "close": path[:, -1]}
    return {name: np.exp(values) for name, values in columns.items()}


RANGES = ["parkinson", "garman_klass", "rogers_satchell", "yang_zhang"]


@pytest.mark.parametrize("name", RANGES)
def test_a_walk_has_the_volatility_it_was_made_with(name):
    # 800 steps a bar hide some of the true range: about 2 percent.
    assert ours(f"{name}(1400)", walk()) == pytest.approx(0.01, rel=0.05)


def test_drift_moves_the_estimators_that_assume_none():
    drifting = walk(drift=0.02)
    for name in ("rogers_satchell", "yang_zhang"):
        assert ours(f"{name}(1400)", drifting) == pytest.approx(0.01, rel=0.08)
    assert ours("parkinson(1400)", drifting) > 0.012


def test_only_yang_zhang_sees_the_gaps():
    gaps = walk(jump=0.01)
    assert ours("yang_zhang(1400)", gaps) == pytest.approx(math.sqrt(2) * 0.01, rel=0.05)
    assert ours("rogers_satchell(1400)", gaps) == pytest.approx(0.01, rel=0.05)


def test_a_jump_is_in_the_realised_and_not_in_the_bipower_variation():
    smooth, jumped = walk(bars=300), walk(bars=300)
    jumped["close"] = jumped["close"] * np.where(np.arange(300) >= 250, 1.2, 1.0)
    assert ours("realised(200)", jumped) > 1.5 * ours("realised(200)", smooth)
    # One jump of 18 deviations touches two of 200 products; it is in none of the smaller returns.
    assert ours("bipower(200)", jumped) < 1.15 * ours("bipower(200)", smooth)
    assert ours("min_realised(200)", jumped) == pytest.approx(ours("min_realised(200)", smooth), rel=0.02)
    assert ours("jump_share(200)", jumped) > 0.5 > ours("jump_share(200)", smooth)
