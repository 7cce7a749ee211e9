"""check_label catches every planted fault, and by the check that is meant to."""

from typing import Literal

import numpy as np
import pytest

from bateia.core import Component, Spans
from bateia.labels import FixedHorizon, Labels, TripleBarrier
from bateia.testing.labels import CHECKS, check_label, generated_bars

BARS = generated_bars(400)
HONEST = FixedHorizon(horizon=6)


def with_(labels, **columns):
    parts = {"value": labels.value, "weight": labels.weight, "ret": labels.ret, "span": labels.span}
    return Labels(**{**parts, **columns})


class Faulty(Component):
    """FixedHorizon(6) with a fault planted."""

    fault: str
    kind: Literal["faulty"] = "faulty"
    task: Literal["class", "return"] = "class"

    def make(self, bars):
        return getattr(self, self.fault)(bars, HONEST.make(bars))

    def none(self, bars, labels):
        return labels

    def peeks(self, bars, labels):
        """Says that the answer is known a bar before the close it uses."""
        t1 = labels.span.t1.copy()
        t1[:-6] = bars.time[5:-1]
        return with_(labels, span=Spans(labels.span.t0, t1))

    def whole_sample(self, bars, labels):
        """Classes by the deviation of all returns, future ones included."""
        if not labels.valid.any():
            return labels
        small = np.abs(labels.ret) < np.nanstd(labels.ret)
        return with_(labels, value=np.where(small, 0.0, labels.value))

    def weighs_by_sum(self, bars, labels):
        """Weights scaled to add up to 1, which every later answer changes."""
        return with_(labels, weight=labels.weight / (labels.weight.sum() or 1.0))

    def filled(self, bars, labels):
        """Unanswered rows as class 0."""
        return with_(labels, value=np.nan_to_num(labels.value))

    def heavy(self, bars, labels):
        return with_(labels, weight=labels.weight * 50)

    def weighs_open(self, bars, labels):
        return with_(labels, weight=np.where(labels.valid, labels.weight, 0.5))

    def backwards(self, bars, labels):
        return with_(labels, span=Spans(labels.span.t0, labels.span.t1 - 60_000_000))

    def beyond(self, bars, labels):
        return with_(labels, span=Spans(labels.span.t0, labels.span.t1 + 10**12))

    def other_start(self, bars, labels):
        return with_(labels, span=Spans(bars.open_time, labels.span.t1))

    def third_class(self, bars, labels):
        return with_(labels, value=labels.value + 1)

    def short(self, bars, labels):
        return labels[:-1]

    def single(self, bars, labels):
        return with_(labels, value=labels.value.astype(np.float32))

    def in_dollars(self, bars, labels):
        """Ignores moves below a fixed price difference."""
        move = np.abs(np.expm1(labels.ret) * bars.close)
        return with_(labels, value=np.where(move < 1.0, 0.0, labels.value))

    def drops_known(self, bars, labels):
        """Answers fewer rows than the data allow."""
        cut = labels.valid.copy()
        cut[-60:] = False
        keep = {"value": labels.value, "ret": labels.ret}
        columns = {name: np.where(cut, column, np.nan) for name, column in keep.items()}
        t1 = np.where(cut, labels.span.t1, bars.time[-1])
        weight = np.where(cut, labels.weight, 0.0)
        return with_(labels, **columns, weight=weight, span=Spans(labels.span.t0, t1))

    def writes(self, bars, labels):
        bars.volume[0] += 1
        return labels

    def view(self, bars, labels):
        return with_(labels, span=Spans(bars.time, labels.span.t1))

    def unanswered(self, bars, labels):
        nothing = np.full(len(bars), np.nan)
        t1 = np.full(len(bars), bars.time[-1])
        return Labels(nothing, np.zeros(len(bars)), nothing.copy(), Spans(labels.span.t0, t1))


def test_the_label_without_a_fault_passes():
    assert check_label(Faulty(fault="none"), BARS) == list(CHECKS)


@pytest.mark.parametrize(
    ("fault", "check", "words"),
    [
        ("peeks", "future", "answers known by then moved"),
        ("whole_sample", "future", "value differs"),
        ("whole_sample", "prefix", "value differs"),
        ("weighs_by_sum", "prefix", "weight differs"),
        ("filled", "values", "not NaN in the same rows"),
        ("heavy", "weights", "not in (0, 1]"),
        ("weighs_open", "weights", "without an answer has a weight"),
        ("backwards", "spans", "known before its question"),
        ("beyond", "spans", "after the data end"),
        ("other_start", "spans", "t0 is not"),
        ("third_class", "values", "none of -1, 0, +1"),
        ("short", "shapes", "shape (399,)"),
        ("single", "shapes", "float32"),
        ("in_dollars", "invariance", "value differs"),
        ("drops_known", "prefix", "another or missing"),
        ("writes", "inputs", "changed the bars' volume"),
        ("view", "inputs", "view of the bars' time"),
        ("unanswered", "values", "no row is answered"),
    ],
)
def test_a_planted_fault_fails_its_check_and_the_suite(fault, check, words):
    bars = BARS[:]
    if fault == "writes":
        bars = type(BARS)(**{name: column.copy() for name, column in BARS.columns().items()})
    label = Faulty(fault=fault)
    with pytest.raises(AssertionError) as caught:
        CHECKS[check](label, bars)
    assert words in str(caught.value)
    with pytest.raises(AssertionError):
        check_label(label, bars)


def test_a_return_target_must_be_the_return():
    with pytest.raises(AssertionError, match="not ret"):
        CHECKS["values"](Faulty(fault="none", task="return"), BARS)


def test_a_label_that_is_no_component_or_does_not_read_back_fails():
    class Plain:
        task, make = "class", staticmethod(HONEST.make)

    class Forgets(FixedHorizon):
        def model_dump(self, **options):
            return {**super().model_dump(**options), "horizon": 7}

    with pytest.raises(AssertionError, match="Plain is not a Component"):
        CHECKS["config"](Plain(), BARS)
    with pytest.raises(AssertionError, match="reads back as"):
        CHECKS["config"](Forgets(horizon=6), BARS)


def test_exclusions_carry_their_reason():
    label = TripleBarrier(horizon=20, up=2, down=2, volatility_span=20)
    assert "prefix" not in check_label(label, BARS, exclude={"prefix": "shown elsewhere"})
    with pytest.raises(AssertionError, match="without a reason"):
        check_label(label, BARS, exclude={"prefix": ""})
    with pytest.raises(AssertionError, match="50 bars are too few"):
        check_label(label, BARS[:50])


def test_generated_bars_are_bars():
    bars = generated_bars(300, seed=3)
    assert np.all(bars.high >= np.maximum(bars.open, bars.close))
    assert np.all(bars.low <= np.minimum(bars.open, bars.close))
    assert np.all(np.diff(bars.time) >= 0)
    assert np.any(np.diff(bars.time) == 0)
    assert np.all(bars.open_time <= bars.time)
    assert np.all(bars.known_at >= bars.time)
