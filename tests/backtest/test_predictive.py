"""What is left out and refused, and numbers of a score worked out in another way."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics as sklearn_metrics

from bateia.backtest.predictive import calibration, predictive, return_by_decile
from bateia.core import DataError


def generated_scores(n=1500, seed=3):
    rng = np.random.default_rng(seed)
    score = rng.uniform(-1, 1, n)
    ret = 1e-4 * (0.5 * score + rng.normal(size=n))
    return score, np.where(rng.random(n) < 0.1, 0.0, np.sign(ret)), ret


def test_against_scikit_learn():
    score, value, ret = generated_scores()
    p = (1 + score) / 2
    found = predictive(score, value, ret, probability=p)
    decided = value != 0
    up = value[decided] > 0
    assert found.undecided == (~decided).sum() and found.rows == 1500
    assert found.brier.value == pytest.approx(sklearn_metrics.brier_score_loss(up, p[decided]))
    assert found.log_loss == pytest.approx(sklearn_metrics.log_loss(up, p[decided]))
    precision = sklearn_metrics.average_precision_score(up, score[decided])
    assert found.average_precision.value == pytest.approx(precision)
    precision = sklearn_metrics.average_precision_score(~up, -score[decided])
    assert found.average_precision_down.value == pytest.approx(precision)
    f1 = sklearn_metrics.f1_score(up, score[decided] > 0, average="macro")
    assert found.f1_macro.value == pytest.approx(f1)
    for name in ("average_precision", "precision_up", "recall_down", "f1_macro", "brier"):
        estimate = getattr(found, name)
        assert estimate.low < estimate.value < estimate.high, name
    low, high = found.intervals["log_loss"]
    assert low < found.log_loss < high


def test_intervals_of_independent_rows_are_the_textbooks():
    score, value, ret = generated_scores(4000)
    value = np.where(value == 0, 1.0, value)
    found = predictive(score, value, ret, probability=(1 + score) / 2)
    called = (score > 0).sum()
    rate = found.precision_up.value
    expected = 3.92 * np.sqrt(rate * (1 - rate) / called)
    assert found.precision_up.high - found.precision_up.low == pytest.approx(expected, rel=0.15)
    errors = ((1 + score) / 2 - (value > 0)) ** 2
    expected = 3.92 * errors.std() / np.sqrt(4000)
    assert found.brier.high - found.brier.low == pytest.approx(expected, rel=0.15)


def test_unknown_rows_are_left_out_and_counted():
    score, value, ret = generated_scores()
    p = (1 + score) / 2
    known = predictive(score[20:], value[20:], ret[20:], probability=p[20:])
    score[:5], p[5:10], value[10:15], ret[15:20] = (np.nan,) * 4
    found = predictive(score, value, ret, probability=p)
    assert (found.unscored, found.unanswered, found.rows) == (10, 10, 1480)
    same = found.model_copy(update={"unscored": 0, "unanswered": 0})
    assert same == known
    nothing = predictive([np.nan], [1.0], [0.1])
    assert (nothing.rows, nothing.unscored, nothing.f1_macro.value, nothing.brier.value) == (0, 1, None, None)


@pytest.mark.parametrize("column", ["score", "value", "ret"])
def test_infinite_numbers_are_refused(column):
    columns = dict(zip(("score", "value", "ret"), generated_scores(50), strict=True))
    columns[column][7] = -np.inf
    with pytest.raises(DataError, match=r"of row 7 is -inf \(1 infinite rows\); allowed: finite numbers"):
        predictive(**columns)
    if column != "value":
        with pytest.raises(DataError, match="of row 7 is -inf"):
            return_by_decile(columns["score"], columns["ret"])
    with pytest.raises(DataError, match="49 scores, 50 returns"):
        return_by_decile(columns["score"][1:], columns["ret"])


@pytest.mark.parametrize("wrong", [1.01, -0.2, np.inf])
def test_probabilities_out_of_range_are_refused(wrong):
    score, value, ret = generated_scores(50)
    p = np.full(50, 0.5)
    p[3] = wrong
    with pytest.raises(DataError, match=r"probability of row 3 .* allowed: 0 to 1"):
        predictive(score, value, ret, probability=p)
    with pytest.raises(DataError, match=r"probability of row 3 .* allowed: 0 to 1"):
        calibration(p, value)
    with pytest.raises(DataError, match="50 returns, 49 probabilities"):
        predictive(score, value, ret, probability=p[1:])
    with pytest.raises(DataError, match="1 probabilities, 2 labels"):
        calibration([0.5], [1, 1])


@given(st.integers(0, 1000), st.floats(0.01, 100))
def test_scale_and_sign_of_the_market(seed, scale):
    score, value, ret = generated_scores(60, seed)
    found = predictive(score, value, ret, draws=20)
    larger = predictive(scale * score, 3 * value, scale * ret + 1.0, draws=20)
    turned = predictive(-score, -value, -ret, draws=20)
    for name in ("auc", "hit_rate", "ic", "rank_ic", "f1_macro", "correct_round_trip"):
        expected = getattr(found, name).value
        assert getattr(larger, name).value == pytest.approx(expected, abs=1e-7), name
        assert getattr(turned, name).value == pytest.approx(expected, abs=1e-9), name
    assert turned.average_precision.value == pytest.approx(found.average_precision_down.value)
    assert turned.recall_up.value == pytest.approx(found.recall_down.value)


def test_calibration_is_scikit_learns_and_covers_an_honest_probability():
    from sklearn.calibration import calibration_curve

    rng = np.random.default_rng(5)
    p = rng.random(5000)
    value = np.where(rng.random(5000) < p, 1.0, -1.0)
    bins = calibration(p, value)
    happened, predicted = calibration_curve(value > 0, p, n_bins=10, strategy="quantile")
    assert [b.happened.value for b in bins] == pytest.approx(happened.tolist(), abs=0.01)
    assert [b.predicted for b in bins] == pytest.approx(predicted.tolist(), abs=0.01)
    assert sum(b.rows for b in bins) == 5000 and {b.rows for b in bins} == {500}
    covered = sum(b.happened.low <= b.predicted <= b.happened.high for b in bins)
    assert covered >= 8
    value[:10], p[10:20] = 0, np.nan
    assert sum(b.rows for b in calibration(p, value)) == 4980
    assert calibration([], []) == []
