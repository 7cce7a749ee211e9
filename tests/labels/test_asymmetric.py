"""AsymmetricHorizon: `quantgod`'s rule by brute force, gaps of every place, and the words of its errors."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from bateia import pipeline
from bateia.core import DataError
from bateia.labels import AnyLabel, AsymmetricHorizon, FixedHorizon
from bateia.labels.base import rare_classes
from bateia.recipe import Recipe
from bateia.testing.labels import check_label, generated_bars

NAN = float("nan")
MINUTE = 60_000_000


def bars_of(close, minutes):
    bars = generated_bars(len(close))
    times = (np.array(minutes) * MINUTE).astype(np.int64)
    return type(bars)(**{**bars.columns(), "close": np.array(close, float), "time": times})


def minute_bars(rows, seed, missing=()):
    """A generated walk of one-minute closes, without the minutes that are named."""
    draw = np.random.default_rng(seed)
    close = 100 * np.exp(np.cumsum(draw.normal(0, 1e-3, rows)))
    kept = np.setdiff1d(np.arange(rows), missing)
    return bars_of(close[kept], kept)


def test_thresholds_are_those_of_quantgod_and_strict():
    label = AsymmetricHorizon()
    assert (label.horizon, label.up_bps, label.down_bps, label.gap) == (60, 80, 40, MINUTE)
    log_returns = [0.0081, 0.0079, -0.0039, -0.0041, 0.0, 0.0]
    close = 100 * np.exp(np.cumsum([0.0, *log_returns]))
    one = label.model_copy(update={"horizon": 1}).make(bars_of(close, range(7)))
    np.testing.assert_array_equal(one.value, [1, 0, 0, -1, 0, 0, NAN])
    still = AsymmetricHorizon(horizon=1, up_bps=0, down_bps=0).make(bars_of([1, 1, 2, 1], range(4)))
    np.testing.assert_array_equal(still.value, [0, 1, -1, NAN])


@given(
    seed=st.integers(0, 10**6),
    missing=st.sets(st.integers(1, 398), max_size=6),
    horizon=st.integers(1, 80),
    up=st.floats(0, 120),
    down=st.floats(0, 120),
)
def test_answers_are_the_rolling_sum_of_log_returns_where_no_minute_is_missing(
    seed, missing, horizon, up, down
):
    bars = minute_bars(400, seed, sorted(missing))
    labels = AsymmetricHorizon(horizon=horizon, up_bps=up, down_bps=down).make(bars)
    minute = bars.time // MINUTE
    returns = np.diff(np.log(bars.close), prepend=NAN)
    for i in range(len(bars)):
        ahead = slice(i + 1, i + 1 + horizon)
        if i + horizon >= len(bars) or minute[i + horizon] - minute[i] > horizon:
            assert math.isnan(labels.value[i]) and math.isnan(labels.ret[i]) and labels.weight[i] == 0
            assert labels.span.t1[i] == bars.time[-1]
            continue
        total = returns[ahead].sum()
        assert labels.ret[i] == pytest.approx(total, abs=1e-12)
        assert labels.span.t1[i] == bars.time[i + horizon]
        # Where the sum's rounding decides, either class is right.
        if min(abs(total - up * 1e-4), abs(total + down * 1e-4)) > 1e-12:
            assert labels.value[i] == (1 if total > up * 1e-4 else -1 if total < -down * 1e-4 else 0)


@given(seed=st.integers(0, 100), minutes=st.integers(1, 40), gap=st.sampled_from([60, 61, 120, 300]))
def test_by_time_no_stretch_up_to_the_horizon_may_be_longer_than_a_gap(seed, minutes, gap):
    draw = np.random.default_rng(seed)
    times = np.cumsum(draw.choice([0.2, 1, 1, 1, 2, 5], 150))
    bars = bars_of(100 + draw.normal(0, 0.1, 150), times)
    labels = AsymmetricHorizon(horizon=f"{minutes}m", gap=f"{gap}s", up_bps=5, down_bps=5).make(bars)
    for i, time in enumerate(bars.time):
        limit = time + minutes * MINUTE
        inside = bars.time[(bars.time >= time) & (bars.time <= limit)]
        stretches = np.diff(np.append(inside, limit))
        answered = limit <= bars.time[-1] and stretches.max() <= gap * 1_000_000
        assert labels.valid[i] == answered


def test_without_gaps_and_with_equal_thresholds_it_is_the_fixed_horizon():
    bars = minute_bars(300, 3)
    own = AsymmetricHorizon(horizon=30, up_bps=20, down_bps=20).make(bars)
    fixed = FixedHorizon(horizon=30, threshold_bps=20).make(bars)
    for name in ("value", "weight", "ret"):
        np.testing.assert_array_equal(getattr(own, name), getattr(fixed, name))
    assert np.array_equal(own.span.t1, fixed.span.t1)


def test_a_gap_takes_just_the_rows_whose_hour_crosses_it():
    whole, cut = minute_bars(300, 4), minute_bars(300, 4, [150])
    before, after = AsymmetricHorizon().make(whole), AsymmetricHorizon().make(cut)
    assert after.valid.tolist() == [row < 150 - 60 or 150 <= row < 299 - 60 for row in range(299)]
    kept = np.delete(np.arange(300), 150)
    for name in ("value", "ret"):
        same = getattr(before, name)[kept]
        np.testing.assert_array_equal(getattr(after, name)[after.valid], same[after.valid])


@pytest.mark.parametrize(
    "label",
    [
        AsymmetricHorizon(horizon=20, up_bps=20, down_bps=10, gap="8s"),
        AsymmetricHorizon(horizon="40s", up_bps=20, down_bps=10, gap="9s"),
        AsymmetricHorizon(horizon="40s", gap="1d"),
        AsymmetricHorizon(horizon=1, up_bps=0, down_bps=0, gap="4s"),
    ],
)
@pytest.mark.parametrize("seed", [1, 2])
def test_passes_the_suite(label, seed):
    bars = generated_bars(400, seed=seed)
    assert not label.make(bars).valid[: 400 - 60].all() or label.gap > 60 * MINUTE
    assert "future" in check_label(label, bars)


@given(seed=st.integers(0, 1000), missing=st.sets(st.integers(1, 98), max_size=4), horizon=st.integers(1, 30))
def test_weights_count_the_rows_that_share_a_return_up_to_the_gap(seed, missing, horizon):
    bars = minute_bars(100, seed, sorted(missing))
    labels = AsymmetricHorizon(horizon=horizon, up_bps=5, down_bps=5).make(bars)
    sharing = np.zeros(len(bars))
    for row in range(len(bars)):
        for later in range(row + 1, min(row + horizon + 1, len(bars))):
            if bars.time[later] - bars.time[later - 1] > MINUTE:
                break
            sharing[later] += 1
    for row in np.flatnonzero(labels.valid):
        assert labels.weight[row] == pytest.approx(
            (1 / sharing[row + 1 : row + horizon + 1]).mean(), abs=1e-12
        )


def test_weights_tell_nothing_of_a_gap_that_comes_after_them():
    whole, cut = minute_bars(300, 5), minute_bars(300, 5, [200])
    label = AsymmetricHorizon(horizon=30)
    before, after = label.make(whole), label.make(cut)
    assert np.array_equal(before.weight[: 200 - 30], after.weight[: 200 - 30])


def test_no_bars_and_one_bar():
    bars = generated_bars(1)
    assert len(AsymmetricHorizon().make(bars[:0])) == 0
    assert not AsymmetricHorizon().make(bars).valid.any()


def test_rare_classes_are_named():
    close = 100 * np.exp(np.cumsum([0.0, *[0.01] * 98, -0.01, 0.0]))
    labels = AsymmetricHorizon(horizon=1).make(bars_of(close, range(101)))
    assert [text.split(" is ")[0] for text in rare_classes(labels, 0.03)] == ["class -1", "class 0"]
    assert rare_classes(labels, 0.01) == []
    assert rare_classes(labels[:0], 0.03) == []


def test_a_recipe_names_it_by_its_kind():
    named = {"kind": "asymmetric_horizon", "horizon": "1h", "up_bps": 80, "down_bps": 40, "gap": "1m"}
    label = TypeAdapter(AnyLabel).validate_python(named)
    assert label == AsymmetricHorizon(horizon="1h") and label.task == "class"


@pytest.mark.parametrize(
    ("given_", "words"),
    [
        ({"horizon": 0}, "the horizon is 0; allowed"),
        ({"up_bps": -1}, "greater than or equal to 0"),
        ({"down_bps": NAN}, "finite number"),
        ({"gap": "0s"}, "the duration '0s' is zero"),
        ({"gap": "long"}, "'long' is not a duration"),
        ({"least_share": 0.5}, "less than 0.333"),
        ({"up": 1}, "Extra inputs are not permitted"),
    ],
)
def test_parameters_that_make_no_sense_say_so(given_, words):
    with pytest.raises(ValidationError) as caught:
        AsymmetricHorizon(**given_)
    assert words in str(caught.value)


def test_prices_without_a_logarithm_are_refused():
    with pytest.raises(DataError, match="close of bar 1 is 0"):
        AsymmetricHorizon(horizon=1).make(bars_of([1, 0, 2], range(3)))


def test_a_recipe_runs_on_it_and_is_warned_of_rare_classes(small_text, tmp_path, caplog):
    label = "label: {kind: asymmetric_horizon, horizon: 5, up_bps: 4, down_bps: 2, gap: 1h, least_share: 0.3}"
    recipe = Recipe.parse(small_text.replace("label: {kind: fixed_horizon, horizon: 5}", label))
    run = pipeline.run(recipe, root=tmp_path)
    assert Recipe.parse(recipe.to_yaml()).label == recipe.label
    assert run.path.is_dir()
    assert any(text.startswith("class +1 is ") for text in caplog.messages)
