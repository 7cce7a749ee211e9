"""Rows with names: whatever is cut, doubled or asked for, each comes once and in order, or it is told."""

from hypothesis import given, settings
from hypothesis import strategies as st

from bateia.live.joined import Joined

ROWS = list(range(40))
REACH = 15
"""Rows of an answer."""


def joined():
    return Joined[int](name=lambda row: row, order=lambda row: row)


STEPS = st.lists(
    st.tuples(st.sampled_from(["say", "say", "say", "again", "drop", "ask"]), st.integers(0, 4)), max_size=25
)


@settings(max_examples=200)
@given(STEPS)
def test_answers_that_reach_far_enough_leave_no_gap(steps):
    rows, found, at, begun = joined(), [], 0, 0
    for what, count in steps:
        if what == "drop":
            begun = at = min(at + count, len(ROWS))
            rows.opened()
        elif what == "ask":
            found += rows.answered(ROWS[max(0, at - REACH) : at])
        else:
            first = max(begun, at - 2) if what == "again" else at
            at = min(at + count, len(ROWS))
            found += rows.on(ROWS[first:at])
    found += rows.on(ROWS[-1:]) if at < len(ROWS) and rows.wanted else []
    if rows.wanted:
        found += rows.answered(ROWS[-REACH:])
    assert found == sorted(set(found)) and rows.stats.rows == len(found)
    assert rows.stats.late == rows.stats.breaks == 0
    assert found == ROWS[found[0] : found[-1] + 1] if found else not rows.wanted


def test_an_answer_that_does_not_reach_back_is_a_break_once_it_is_given_up():
    rows = joined()
    assert rows.on([1, 2]) == [1, 2]
    rows.opened()
    assert rows.on([9]) == [] and rows.wanted
    assert rows.answered([6, 7, 8, 9]) == [] and rows.wanted
    assert rows.waiting == 6
    assert rows.give_up() == [6, 7, 8, 9]
    assert rows.on([9, 10]) == [10] and not rows.wanted
    assert (rows.stats.breaks, rows.stats.joins, rows.stats.duplicates) == (1, 0, 1)


def test_a_quiet_market_is_asked_once_and_joined_by_its_next_row():
    rows = joined()
    rows.on([1, 2])
    rows.opened()
    assert rows.wanted and rows.answered([1, 2, 3]) == [3] and not rows.wanted
    assert rows.on([4]) == [] and rows.wanted, "nothing shows that 4 follows 3"
    assert rows.answered([1, 2, 3, 4]) == [4] and not rows.wanted
    rows.opened()
    assert rows.answered([3, 4, 5]) == [5]
    assert rows.on([5, 6]) == [6] and not rows.wanted
    assert rows.stats.joins == 2 and rows.stats.breaks == 0


def test_late_rows_come_and_are_counted_and_old_names_are_forgotten(monkeypatch):
    monkeypatch.setattr("bateia.live.joined.ROOM", 5)
    rows = joined()
    assert rows.on([1, 5, 3]) == [1, 5, 3] and rows.stats.late == 1 and rows.newest == 5
    rows.on(range(6, 30))
    assert rows.on([29]) == [] and rows.on([1]) == [1]
    assert rows.stats.duplicates == 1 and rows.stats.late == 2
    assert "rows 28, duplicates 1, late 2" in rows.stats.line()
