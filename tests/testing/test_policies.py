"""The policy suite passes every policy that a recipe can name, and catches those that break its rules."""

from typing import Literal, get_args

import numpy as np
import pytest

from bateia.testing import check_policy
from bateia.testing.policies import CHECKS, generated_scores
from bateia.trading import AnyPolicy, Edge, Policy, Sized, Threshold

EVERY = [
    Threshold(enter=0.3, exit=0.1),
    Threshold(enter=-0.1, exit=-0.3, side="long"),
    Edge(cost_bps=2.0),
    Edge(cost_bps=1.0, margin=2.0, keep=0.5, side="short", bands=5),
    Sized(),
    Sized(steps=4, average=5, stick=0.25),
    Sized(calibrate=True, bands=8, side="long"),
]


@pytest.mark.parametrize("policy", EVERY, ids=repr)
def test_every_policy_passes(policy):
    assert check_policy(policy, *generated_scores()) == list(CHECKS)


def test_no_kind_is_forgotten():
    union = get_args(get_args(AnyPolicy)[0])
    assert {type(policy) for policy in EVERY} == set(union)


class Sign(Policy):
    """Sound: the sign of the score."""

    kind: Literal["sign"] = "sign"

    def memory(self):
        return np.zeros(1)

    def advance(self, state, score, target):
        target[:] = np.sign(np.nan_to_num(score))


class Clairvoyant(Sign):
    def advance(self, state, score, target):
        target[:] = np.sign(np.nan_to_num(score[::-1].cumsum()[::-1]))


class Forgetful(Sign):
    def advance(self, state, score, target):
        target[:] = np.where(np.isnan(score), 0, np.sign(np.cumsum(np.nan_to_num(score))))


class Leveraged(Sign):
    def advance(self, state, score, target):
        target[:] = 3 * np.nan_to_num(score)


class Stubborn(Sign):
    def advance(self, state, score, target):
        target[:] = np.where(np.isnan(score), 1.0, np.sign(score))


class Overwriting(Sign):
    def advance(self, state, score, target):
        target[:] = np.sign(np.nan_to_num(score))
        score[:] = 0.0


class Flat(Sign):
    def advance(self, state, score, target):
        target[:] = 0.0


def test_a_sound_policy_of_ones_own_passes():
    assert check_policy(Sign(), *generated_scores()) == list(CHECKS)


@pytest.mark.parametrize(
    ("broken", "words"),
    [
        (Clairvoyant(), "other targets"),
        (Forgetful(), "other targets"),
        (Leveraged(), "outside"),
        (Stubborn(), "NaN score"),
        (Flat(), "never leaves flat"),
        (Overwriting(), "overwritten"),
    ],
)
def test_what_breaks_a_rule_is_caught(broken, words):
    with pytest.raises(AssertionError) as caught:
        check_policy(broken, *generated_scores())
    assert words in str(caught.value)


def test_the_future_is_caught_even_without_cuts():
    with pytest.raises(AssertionError, match="knows that row"):
        check_policy(Clairvoyant(), *generated_scores(), exclude={"cuts": "not the check tested here"})
