"""Rows in order, each once, whatever is dropped, doubled or moved; what is lost is counted."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bateia.core import ConfigError
from bateia.live import Unbroken


def fresh(**how):
    return Unbroken[tuple[int, int]](number=lambda row: row[0], time=lambda row: row[1], **how)


@given(
    st.lists(st.integers(0, 30), max_size=80), st.integers(1, 40), st.one_of(st.none(), st.integers(0, 10))
)
def test_any_order_gives_each_row_once_and_in_order(numbers, room, due):
    seam, out = fresh(room=room, due=due, newest=5), []
    start = due if due is not None else (numbers[0] if numbers else None)
    for number in numbers:
        out += seam.on((number, 5))
        assert len(seam._held) <= room
    # The slow reference: the numbers seen, counted up from the first, as long as none is missing.
    known, expected = set(numbers), []
    while start is not None and start + len(expected) in known:
        expected.append(start + len(expected))
    found = [number for number, _ in out]
    if not seam.stats.overflows:
        assert found == expected
        assert seam.stats.duplicates + len(out) + len(seam._held) == len(numbers)
    assert found == expected[: len(found)]
    if seam.missing is not None:
        first, before = seam.missing
        assert first == seam.due < before


@given(st.sets(st.integers(0, 60), min_size=1), st.randoms())
def test_giving_up_loses_what_never_came_and_nothing_else(numbers, draw):
    seam, out = fresh(due=0, newest=5), []
    order = sorted(numbers)
    draw.shuffle(order)
    for number in order:
        out += seam.on((number, 5))
    while seam.missing is not None:
        out += seam.give_up()
    assert [number for number, _ in out] == sorted(numbers)
    assert seam.stats.lost == max(numbers) + 1 - len(numbers)
    assert seam.give_up() == []


def test_an_old_number_with_a_new_time_begins_a_new_count():
    seam = fresh()
    assert seam.on((100, 1)) == [(100, 1)] and seam.on((102, 3)) == []
    assert seam.on((7, 9)) == [(7, 9)] and seam.missing is None
    assert seam.on((7, 9)) == [] and seam.on((8, 9)) == [(8, 9)]
    assert (seam.stats.resets, seam.stats.duplicates) == (1, 1)


def test_room_for_none_is_refused():
    with pytest.raises(ConfigError, match="room for 0"):
        fresh(room=0)
