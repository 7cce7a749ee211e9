"""What time is covered: none in which a row is missing, and all in which none is."""

import numpy as np
from hypothesis import example, given
from hypothesis import strategies as st

from bateia.core.coverage import Coverage
from bateia.live.frontier import Frontier, extended


@st.composite
def kept(draw):
    """Moments of numbered rows, some of which were lost, and where those that were not are cut."""
    moments = np.cumsum(draw(st.lists(st.integers(0, 3), min_size=2, max_size=30)))
    there = draw(st.lists(st.booleans(), min_size=len(moments), max_size=len(moments)))
    there[0] = there[-1] = True
    rows = np.flatnonzero(there)
    cuts = draw(st.lists(st.integers(1, len(rows) - 1), max_size=4, unique=True))
    return moments, there, np.split(rows, sorted(cuts))


def told(pieces, places, before=None):
    """What pieces tell one after the other."""
    whole, missing = Coverage(), Coverage()
    for rows in pieces:
        more, less, before = extended(*places(rows), before)
        whole, missing = whole | more, missing | less
    return whole, missing, before


@given(kept())
def test_trades_are_covered_where_none_is_missing(drawn):
    moments, there, pieces = drawn
    whole, missing, frontier = told(pieces, lambda rows: (rows, moments[rows] + 1, moments[rows]))
    assert not whole & missing
    ends = Coverage.of([(int(moments[0]) + 1, int(moments[-1]))])
    assert not ends - (whole | missing)
    inside = {moment for start, end in whole.stretches for moment in range(start, end)}
    assert all(there[row] for row, moment in enumerate(moments.tolist()) if moment in inside)
    # What is told to be missing lies between the rows around a loss; the first row's moment is never told of.
    for start, end in missing.stretches:
        assert any(start - 1 <= moments[row] < end for row in range(len(moments)) if not there[row])
    assert frontier.number == len(moments) - 1


@example((np.array([1, 5, 5, 5, 9]), [True, True, False, True, True], [np.array([0, 1, 3]), np.array([4])]))
@given(kept())
def test_after_each_start_trades_are_covered_where_none_is_missing(drawn):
    """The frontier is read off the rows that are kept; others of their last moment may be lost."""
    moments, there, pieces = drawn
    whole, rows, before = Coverage(), np.array([], int), None
    for piece in pieces:
        if len(rows):
            before = Frontier.of(rows, moments[rows] + 1, moments[rows], whole)
        whole |= extended(piece, moments[piece] + 1, moments[piece], before)[0]
        rows = np.concatenate([rows, piece])
        lost = {int(moment) for moment, kept in zip(moments, there, strict=True) if not kept}
        assert not any(start <= moment < end for start, end in whole.stretches for moment in lost)
    first = moments[pieces[0]]
    if all(there) and first[-1] > first[0] + 1:  # else the first rows cover nothing that could be followed
        assert whole == Coverage.of([(int(moments[0]) + 1, int(moments[-1]))])


@given(kept())
def test_candles_are_covered_where_they_are(drawn):
    _, there, pieces = drawn
    whole, missing, frontier = told(pieces, lambda rows: (rows, rows * 5, rows * 5 + 5))
    assert whole == Coverage.of((5 * row, 5 * row + 5) for row in range(len(there)) if there[row])
    assert missing == Coverage.of((5 * row, 5 * row + 5) for row in range(len(there)) if not there[row])
    assert frontier == Frontier(len(there) - 1, 5 * len(there))


def test_stored_rows_are_followed_from_where_they_are_covered():
    numbers, moments = np.array([4, 5]), np.array([10, 20])
    frontier = [
        Frontier.of(numbers, moments + 1, moments, Coverage.of([stretch]))
        for stretch in [(0, 20), (0, 35), (0, 15), (20, 35)]
    ]
    # Of the last two, others of the last row's moment may be missing before it.
    assert [one.moment for one in frontier] == [20, 35, 21, 21] and {one.number for one in frontier} == {5}
    after = np.array([50])
    whole, missing, _ = extended(np.array([6]), after + 1, after, frontier[1])
    assert (whole.stretches, missing.stretches) == (((35, 50),), ())
    whole, missing, last = extended(np.array([7]), after + 1, after, frontier[1])
    assert (whole.stretches, missing.stretches, last) == ((), ((35, 51),), Frontier(7, 51))
