"""Threshold: hysteresis by example, cuts, snapshots, and the words of its errors."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from bateia.trading import Threshold

NAN = float("nan")


def test_stays_between_the_thresholds_flips_at_once_and_leaves_on_nan():
    policy = Threshold(enter=0.5, exit=0.2)
    scores = [0.5, 0.6, 0.3, 0.2, 0.1, -0.6, -0.3, 0.7, NAN, 0.3]
    assert policy.run(scores).tolist() == [0, 1, 1, 1, 0, -1, -1, 1, 0, 0]


@pytest.mark.parametrize(("side", "expected"), [("long", [1, 0, 0]), ("short", [0, -1, -1])])
def test_one_sided_policies_only_ever_leave(side, expected):
    assert Threshold(enter=0.5, exit=0.2, side=side).run([0.9, -0.9, -0.3]).tolist() == expected


@given(st.lists(st.one_of(st.floats(-1, 1), st.just(NAN))), st.integers(0, 30))
def test_any_cut_and_any_resume_give_the_same_targets(scores, cut):
    policy = Threshold(enter=0.4, exit=0.1)
    stream = policy.start()
    first = stream.run(scores[:cut])
    second = policy.restore(stream.snapshot()).run(scores[cut:])
    assert np.concatenate([first, second]).tolist() == policy.run(scores).tolist()


def test_a_snapshot_does_not_follow_the_stream():
    stream = Threshold(enter=0.4, exit=0.1).start()
    snapshot = stream.snapshot()
    stream.run([0.9])
    assert snapshot["target"].tolist() == [0]


@pytest.mark.parametrize(
    ("given_", "words"),
    [
        ({"enter": 0.1, "exit": 0.3}, "allowed: exit <= enter; try: exit: 0.05"),
        ({"enter": -0.1, "exit": -0.3}, "allowed: enter >= 0, or side 'long' or 'short'"),
        ({"enter": NAN, "exit": 0.1}, "finite number"),
    ],
)
def test_thresholds_that_make_no_sense_say_so(given_, words):
    with pytest.raises(ValidationError, match="validation error") as caught:
        Threshold(**given_)
    assert words in str(caught.value)


def test_reads_back_its_own_parameters():
    policy = Threshold(enter=-0.1, exit=-0.3, side="long")
    assert Threshold.model_validate(policy.model_dump(mode="json")) == policy
