"""Candlestick patterns: the drawings of the books, and a market made of candles."""

import numpy as np
import pytest

from bateia.features import Plan, library
from references import REFERENCES

PATTERNS = [
    *("doji", "marubozu", "spinning_top", "hammer", "hanging_man", "inverted_hammer", "shooting_star"),
    *("engulfing", "bullish_engulfing", "bearish_engulfing", "harami", "piercing_line", "dark_cloud_cover"),
    *("tweezer", "morning_star", "evening_star", "three_white_soldiers", "three_black_crows"),
]
TWO_SIDED = {"marubozu", "engulfing", "harami", "tweezer"}


def candle_market(rows=6000, seed=5):
    """Candles on a grid that open where, or near where, the last one closed. For tests only."""
    rng = np.random.default_rng(seed)
    open_, close = np.empty(rows), np.empty(rows)
    last = 1000.0
    for i, (gap, move) in enumerate(zip(rng.integers(-2, 3, rows), rng.integers(-8, 9, rows), strict=True)):
        open_[i] = last + 0.25 * gap * (rng.random() < 0.5)
        last = close[i] = open_[i] + 0.25 * move
    up, down = rng.choice([0, 0, 1, 5, 12], rows), rng.choice([0, 0, 1, 5, 12], rows)
    high = np.maximum(open_, close) + 0.25 * up
    low = np.minimum(open_, close) - 0.25 * down
    return {"open": open_, "high": high, "low": low, "close": close}


MARKET = candle_market()
GOT = Plan({name: f"{name}()" for name in PATTERNS}, tuple(MARKET)).run(MARKET)


@pytest.mark.parametrize("name", PATTERNS)
def test_it_occurs_within_its_bounds(name):
    known = GOT[name][~np.isnan(GOT[name])]
    least = -1 if name in TWO_SIDED else 0
    assert known.min() >= least
    assert known.max() <= 1
    assert (known > 0.5).any()
    assert (known < 0).any() == (name in TWO_SIDED)
    assert np.mean(known != 0) < 0.5


@pytest.mark.parametrize("name", [*PATTERNS, "hammer_shape", "star_shape", "engulfs", "opens_within"])
def test_the_same_as_the_reference(name):
    expected = REFERENCES[name].rows({key: column.tolist() for key, column in MARKET.items()}, 0)
    got = Plan({"it": f"{name}()"}, tuple(MARKET)).run(MARKET)["it"]
    np.testing.assert_allclose(got, expected, rtol=1e-9, atol=1e-12)


def drawn(fall, *candles):
    """A long fall, or rise, of full candles that ends at 100, then candles (open, high, low, close)."""
    step = -2.0 if fall else 2.0
    closes = 100 + step * np.arange(-19, 1)
    rows = [(c - step, max(c, c - step), min(c, c - step), c) for c in closes]
    return dict(zip(("open", "high", "low", "close"), np.array([*rows, *candles], float).T, strict=True))


DRAWINGS = [
    ("doji", True, [(100, 103, 97, 100)], 1.0),
    ("doji", True, [(100, 103, 97, 100.3)], 0.5),
    ("marubozu", True, [(100, 104, 100, 104)], 1.0),
    ("marubozu", True, [(100, 100, 96, 96)], -1.0),
    ("spinning_top", True, [(100, 102, 98, 100)], 1.0),
    ("spinning_top", True, [(100, 102, 99, 100)], 0.5),
    ("hammer", True, [(100, 100, 94, 99)], 5 / 6),
    ("hanging_man", True, [(100, 100, 94, 99)], 0.0),
    ("hanging_man", False, [(100, 100, 94, 99)], 5 / 6),
    ("inverted_hammer", True, [(100, 106, 100, 101)], 5 / 6),
    ("shooting_star", False, [(100, 106, 100, 101)], 5 / 6),
    ("engulfing", True, [(100, 100, 98, 98), (98, 102, 98, 102)], 0.5),
    ("engulfing", False, [(100, 102, 100, 102), (102, 102, 98, 98)], -0.5),
    ("bearish_engulfing", False, [(100, 102, 100, 102), (102, 102, 98, 98)], 0.5),
    ("harami", True, [(100, 100, 96, 96), (97, 98, 97, 98)], 0.75),
    ("harami", False, [(100, 104, 100, 104), (103, 103, 102, 102)], -0.75),
    ("piercing_line", True, [(100, 100, 96, 96), (96, 99, 96, 99)], 0.5),
    ("dark_cloud_cover", False, [(100, 104, 100, 104), (104, 104, 101, 101)], 0.5),
    ("tweezer", True, [(100, 100, 97, 98), (98, 99, 97, 99)], 1.0),
    ("tweezer", False, [(100, 103, 100, 102), (102, 103, 101, 101)], -1.0),
    ("morning_star", True, [(100, 100, 96, 96), (96, 96, 95, 95), (95, 98, 95, 98)], 0.75 * 0.5),
    ("evening_star", False, [(100, 104, 100, 104), (104, 105, 104, 105), (105, 105, 102, 102)], 0.75 * 0.5),
    ("three_white_soldiers", True, [(100, 104, 100, 104), (103, 107, 103, 107), (106, 111, 106, 110)], 0.8),
    ("three_black_crows", False, [(100, 100, 96, 96), (97, 97, 93, 93), (94, 94, 89, 90)], 0.8),
]


@pytest.mark.parametrize(("name", "fall", "candles", "grade"), DRAWINGS)
def test_as_drawn_in_the_books(name, fall, candles, grade):
    drawing = drawn(fall, *candles)
    assert Plan({"it": f"{name}()"}, tuple(drawing)).run(drawing)["it"][-1] == pytest.approx(grade)


def test_engulfing_is_where_talib_sees_it():
    talib = pytest.importorskip("talib")
    theirs = talib.CDLENGULFING(*MARKET.values())
    larger = "(rose() - fell()) * engulfs() * (body_size() > lag(body_size(), 1))"
    ours = Plan({"it": larger}, tuple(MARKET)).run(MARKET)["it"]
    # TA-Lib takes a flat bar for a rising one.
    plain = (MARKET["open"] != MARKET["close"]) & np.roll(MARKET["open"] != MARKET["close"], 1)
    plain[:3] = False
    assert np.count_nonzero(theirs[plain]) > 100
    np.testing.assert_array_equal(np.sign(theirs[plain]), ours[plain])


def test_the_library_has_every_pattern():
    used = " ".join(feature.formula for feature in library("candles").values())
    assert all(f"{name}()" in used for name in PATTERNS if "ish_" not in name)
