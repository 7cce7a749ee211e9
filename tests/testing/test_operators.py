"""check_operator catches every planted fault, and by the check that is meant to."""

import numpy as np
import pytest
from numba import cfunc

from bateia.core.events import BAR_COLUMNS
from bateia.features import parse
from bateia.kernels.operator import OPERATORS, SIGNATURE, Operator
from bateia.testing.operators import CHECKS, Subject, check_operator, generated_market

MARKET = generated_market(700)


def honest(start, stop, x, out, p, s):
    a = x[0]
    for i in range(start, stop):
        out[i] = a[i] - a[i - 1]
    return 0


def peeks(start, stop, x, out, p, s):
    """Reads one row ahead."""
    a = x[0]
    for i in range(start, stop):
        out[i] = a[i + 1] - a[i - 1]
    return 0


def peeks_within_the_block(start, stop, x, out, p, s):
    """The mean of the block: right in no way, but never beyond the block."""
    a = x[0]
    total = 0.0
    for i in range(start, stop):
        total += a[i]
    for i in range(start, stop):
        out[i] = a[i] - total / (stop - start) + 0.0 * a[i - 1]
    return 0


def forgets(start, stop, x, out, p, s):
    """Counts rows, and begins anew with each block."""
    a = x[0]
    seen = 0.0
    for i in range(start, stop):
        seen += 1.0
        out[i] = seen + (a[i] - a[i - 1])
    return 0


def infinite(start, stop, x, out, p, s):
    """Divides by a volume that may be zero."""
    a = x[0]
    for i in range(start, stop):
        out[i] = (1.0 + 0.0 * a[i - 1]) / a[i] if a[i] == a[i] else np.nan
    return 0


def poisoned(start, stop, x, out, p, s):
    """A running sum that one missing value ends."""
    a = x[0]
    total = s[0]
    for i in range(start, stop):
        total += a[i]
        out[i] = total + 0.0 * a[i - 1]
    s[0] = total
    return 0


def hopeless(start, stop, x, out, p, s):
    """Never knows anything."""
    for i in range(start, stop):
        out[i] = np.nan
    return 0


def early(start, stop, x, out, p, s):
    """Known from the first row, though it says that it needs one more."""
    a = x[0]
    for i in range(start, stop):
        out[i] = a[i]
    return 0


def late(start, stop, x, out, p, s):
    """NaN for three rows, though it says one."""
    a = x[0]
    for i in range(start, stop):
        out[i] = a[i] + 0.0 * a[i - 3]
    return 0


def writes(start, stop, x, out, p, s):
    """Changes its input's newest row after each block, which others may read."""
    a = x[0]
    for i in range(start, stop):
        out[i] = a[i] - a[i - 1]
    a[stop - 1] = 0.0
    return 0


@pytest.fixture
def planted():
    made = []

    def plant(kernel):
        name = f"planted_{kernel.__name__}"
        made.append(name)
        OPERATORS[name] = Operator(name, ("x",), (), kernel, lambda p: 3, lambda p: 1, lambda p: 1)
        # Not cached on disk: a test's fault is no operator of the package.
        compiled = cfunc(SIGNATURE, error_model="numpy")(kernel)
        OPERATORS[name].__dict__.update(compiled=compiled, address=compiled.address)
        return f"{name}(volume)"

    yield plant
    for name in made:
        del OPERATORS[name]


def test_an_operator_without_a_fault_passes(planted):
    assert check_operator(planted(honest), MARKET) == list(CHECKS)


@pytest.mark.parametrize(
    ("fault", "check", "words"),
    [
        (peeks, "prefix", "only the first"),
        (peeks, "future", "an earlier one moved"),
        (peeks, "pushes", "events one by one"),
        (peeks_within_the_block, "future", "an earlier one moved"),
        (peeks_within_the_block, "cuts", "random cut"),
        (forgets, "cuts", "random cut"),
        (forgets, "pushes", "events one by one"),
        (forgets, "snapshots", "resumed at row"),
        (infinite, "degenerate", "zero volume: infinite"),
        (poisoned, "recovery", "still shows"),
        (hopeless, "shape", "every row is NaN"),
        (early, "warmup", "known within the warm-up"),
        (late, "warmup", "NaN after the warm-up"),
        (writes, "cuts", "random cut"),
    ],
)
def test_a_planted_fault_fails_its_check_and_the_suite(planted, fault, check, words):
    expression = planted(fault)
    with pytest.raises(AssertionError, match=words):
        CHECKS[check](Subject(expression, MARKET))
    with pytest.raises(AssertionError):
        check_operator(expression, MARKET)


def test_nothing_planted_is_left():
    assert not [name for name in OPERATORS if name.startswith("planted")]


def test_a_window_that_is_known_too_early_fails(monkeypatch):
    subject = Subject('lag(close, "1m")', MARKET)
    subject.plan.graph.warmups[:] = [type(subject.warmup)(0, 10**8)] * len(subject.plan.graph.warmups)
    with pytest.raises(AssertionError, match="before its duration window"):
        CHECKS["warmup"](subject)


def test_data_that_cannot_show_it_fail():
    with pytest.raises(AssertionError, match="no row is left to judge"):
        CHECKS["recovery"](Subject("mean(close, 300)", MARKET))
    with pytest.raises(AssertionError, match="every row is NaN"):
        CHECKS["shape"](Subject('mean(close, "5d")', MARKET))
    with pytest.raises(AssertionError, match="399 rows are too few"):
        check_operator("close", {name: column[:399] for name, column in MARKET.items()})


def test_a_text_that_does_not_read_back_fails(monkeypatch):
    monkeypatch.setattr("bateia.testing.operators.parse", lambda text: parse(text + " + 1"))
    with pytest.raises(AssertionError, match="reads back as"):
        CHECKS["text"](Subject("close", MARKET))


def test_exclusions_carry_their_reason():
    assert "text" not in check_operator("close / open", MARKET, exclude={"text": "shown elsewhere"})
    with pytest.raises(AssertionError, match="without a reason"):
        check_operator("close / open", MARKET, exclude={"text": " "})


def test_the_generated_market_is_one():
    market = generated_market(900, seed=5)
    assert tuple(market)[: len(BAR_COLUMNS)] == BAR_COLUMNS
    assert np.all(market["high"] >= np.maximum(market["open"], market["close"]))
    assert np.all(market["low"] <= np.minimum(market["open"], market["close"]))
    assert np.all((market["low"] <= market["vwap"]) & (market["vwap"] <= market["high"]))
    assert np.all(np.diff(market["time"]) >= 0)
    assert np.any(np.diff(market["time"]) == 0)
    assert np.all(np.abs(market["signed_volume"]) <= market["volume"] + 0.1)
    assert np.all(market["trades"] > 0)
    assert np.all(market["up_ticks"] + market["down_ticks"] <= market["trades"])
    again = generated_market(900, seed=5)
    assert all(np.array_equal(market[name], again[name]) for name in market)
