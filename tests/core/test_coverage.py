"""Stretches of time behave as the sets of moments that they stand for."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from bateia.core.coverage import Coverage

stretches = st.lists(st.tuples(st.integers(0, 30), st.integers(0, 30)), max_size=6)


def moments(coverage):
    return {moment for start, end in coverage.stretches for moment in range(start, end)}


@given(stretches, stretches)
def test_as_sets(a, b):
    one, other = Coverage.of(a), Coverage.of(b)
    assert moments(one) == {moment for start, end in a for moment in range(start, end)}
    assert moments(one | other) == moments(one) | moments(other)
    assert moments(one & other) == moments(one) & moments(other)
    assert moments(one - other) == moments(one) - moments(other)
    assert one.length == len(moments(one))
    assert bool(one) == bool(moments(one))


@given(stretches)
def test_one_form_for_one_set(a):
    found = Coverage.of(a).stretches
    assert all(start < end for start, end in found)
    assert all(before[1] < after[0] for before, after in pairwise(found))
