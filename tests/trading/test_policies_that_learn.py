"""What a score is worth, and the policies that trade on it, against slow obvious references."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from sklearn.isotonic import IsotonicRegression

from bateia.core import ConfigError, DataError
from bateia.testing.policies import generated_scores
from bateia.trading import Calibration, Edge, Sized, Threshold


@given(st.integers(0, 2**31), st.integers(2, 20), st.sampled_from([3, 1000]))
@settings(max_examples=40)
def test_the_map_is_isotonic_regression_of_the_bands(seed, bands, values):
    rng = np.random.default_rng(seed)
    score = rng.integers(0, values, 400) / values
    answer = 0.1 * score + rng.normal(0, 0.1, 400)
    learnt = Calibration.learn(score, answer, bands)
    order = np.argsort(score, kind="stable")
    # Bands of about equally many rows, none of which parts equal scores.
    cuts = {0} | {int(np.searchsorted(score[order], score[order][400 * k // bands])) for k in range(1, bands)}
    parts = np.split(order, sorted(cuts)[1:])
    x, y, n = (
        np.array([f(p) for p in parts]) for f in (lambda p: score[p].mean(), lambda p: answer[p].mean(), len)
    )
    fitted = IsotonicRegression().fit_transform(x, y, sample_weight=n)
    # A pool's value stands at its mean score: compare level by level.
    levels = np.unique(fitted.round(12))
    assert np.allclose(np.unique(np.round(learnt.expected, 12)), levels, atol=1e-9)
    assert np.average(learnt(x), weights=n) == pytest.approx(answer.mean(), abs=0.02)


def test_a_score_that_says_nothing_is_worth_the_mean():
    rng = np.random.default_rng(0)
    score = rng.normal(size=1000)
    learnt = Calibration.learn(score, -score, 10)
    assert len(learnt.score) == 1
    assert learnt([-9.0, 9.0]).tolist() == pytest.approx([-score.mean()] * 2)


def test_rows_without_an_answer_teach_nothing():
    score, ret = generated_scores()
    known = ~np.isnan(score)
    assert Calibration.learn(score, ret, 5) == Calibration.learn(score[known], ret[known], 5)


@pytest.mark.parametrize(
    ("score", "answer", "words"),
    [
        (np.zeros(30), np.zeros(31), "one a row each"),
        (np.zeros(30), np.zeros(30), "10 for each of 20 bands; try: fewer bands"),
        (np.full(500, np.nan), np.zeros(500), "0 rows with a score"),
    ],
)
def test_too_little_to_learn_from_says_so(score, answer, words):
    with pytest.raises(DataError) as caught:
        Calibration.learn(score, answer, 20)
    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("score", "expected"),
    [((), ()), ((0.0,), (0.0, 1.0)), ((0.0, 0.0), (0.0, 1.0)), ((0.0, 1.0), (1.0, 0.0))],
)
def test_a_map_that_falls_is_refused(score, expected):
    with pytest.raises(ValidationError):
        Calibration(score=score, expected=expected)


def test_an_edge_policy_is_hysteresis_on_the_expected_return():
    score, ret = generated_scores()
    policy = Edge(cost_bps=2.0, margin=1.5, keep=0.25).fit(score, ret)
    expected = policy.map(score)
    assert policy.run(score).tolist() == Threshold(enter=6e-4, exit=1e-4).run(expected).tolist()
    entered = np.flatnonzero(np.diff(np.abs(policy.run(score)), prepend=0) > 0)
    assert len(entered) > 10 and (np.abs(expected[entered]) > 6e-4).all()


def test_costs_that_no_score_pays_keep_it_flat():
    score, ret = generated_scores()
    assert not Edge(cost_bps=500.0).fit(score, ret).run(score).any()


def test_without_its_map_it_does_not_start():
    for policy in (Edge(cost_bps=1.0), Sized(calibrate=True)):
        assert not policy.ready
        with pytest.raises(ConfigError, match=r"policy\.fit\(score, ret\)"):
            policy.start()


def test_leaving_what_it_should_enter_is_refused():
    with pytest.raises(ValidationError, match="allowed: keep <= margin; try: keep: 0"):
        Edge(cost_bps=1.0, margin=1.0, keep=2.0)


def test_a_given_map_is_kept():
    given_ = Calibration(score=(0.0,), expected=(0.0,))
    score, ret = generated_scores()
    assert Edge(cost_bps=1.0, map=given_).fit(score, ret).map == given_


def test_calibration_tames_a_score_that_is_too_sure():
    rng = np.random.default_rng(0)
    score = np.where(rng.random(4000) < 0.5, 0.99, -0.99)
    ret = np.where(rng.random(4000) < 0.55, score, -score) * 1e-3
    assert np.abs(Sized(steps=100).run(score)).min() == 1.0
    sure = np.abs(Sized(steps=100, calibrate=True, bands=2).fit(score, ret).run(score))
    # P(up) - P(down) is 0.1, whose size is 2 * Phi(0.1005) - 1 = 0.08.
    assert sure.max() < 0.12 and sure.mean() == pytest.approx(0.08, abs=0.03)


def test_a_score_of_all_rows_only_one_side():
    score, _ = generated_scores()
    assert Sized(side="short").run(score).max() == 0.0
    assert Sized(side="long").run(score).min() == 0.0


def test_sticking_trades_less():
    score, _ = generated_scores(3000)
    traded = [np.abs(np.diff(Sized(stick=stick).run(score), prepend=0)).sum() for stick in (0.0, 0.5, 1.5)]
    assert traded[0] > traded[1] > traded[2]


def test_scores_of_two_dimensions_are_refused():
    with pytest.raises(DataError, match="one number a row"):
        Threshold(enter=0.3, exit=0.1).run(np.zeros((2, 2)))
