"""The book against two dicts and a sort, with a window so small that it must move all the time."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bateia.book.component import Book, BookStream
from bateia.core import DataError
from plain_lines import plain_top

BOOK = Book(tick_size=0.25, depth=7)
LEVELS = st.lists(st.tuples(st.integers(1, 300), st.integers(0, 3)), max_size=12)
MESSAGES = st.lists(st.tuples(st.integers(0, 9), LEVELS, LEVELS), min_size=1, max_size=30)


def prices(levels):
    return [[tick * 0.25, float(size)] for tick, size in levels]


def apply(book, sides, message):
    """One message to the book and to the dicts; a snapshot has no level of size 0."""
    draw, bids, asks = message
    whole = draw == 0
    if whole:
        for side in sides:
            side.clear()
        bids, asks = ([(t, s) for t, s in levels if s] for levels in (bids, asks))
    for side, levels in zip(sides, (bids, asks), strict=True):
        for price, size in prices(levels):
            side[price] = size
            if size == 0:
                del side[price]
    (book.apply_snapshot if whole else book.apply_delta)(prices(bids), prices(asks))


def top(book, depth):
    found = book.top(depth)
    return np.stack([found.bid_price[0], found.bid_size[0], found.ask_price[0], found.ask_size[0]])


@given(MESSAGES, st.sampled_from([64, 128, 1024]))
def test_every_level_is_that_of_the_dicts(messages, window):
    book, sides = BookStream(BOOK, window=window), ({}, {})
    for message in messages:
        apply(book, sides, message)
        np.testing.assert_array_equal(top(book, 310), plain_top(sides, 310))
        assert book.levels == (len(sides[0]), len(sides[1]))
        assert book.crossed == (bool(sides[0] and sides[1]) and max(sides[0]) >= min(sides[1]))


@given(MESSAGES, MESSAGES)
def test_a_restored_book_goes_on_as_the_one_it_was_taken_of(before, after):
    book, sides = BookStream(BOOK, window=64), ({}, {})
    for message in before:
        apply(book, sides, message)
    again = BookStream(BOOK, book.snapshot(), window=64)
    assert (again.levels, again.missing) == (book.levels, book.missing)
    for message in after:
        apply(again, ({}, {}), message)
        apply(book, sides, message)
        np.testing.assert_array_equal(top(again, 310), top(book, 310))


def test_removals_of_what_is_not_there_are_counted():
    book = BOOK.start()
    book.apply_delta([[1.0, 0.0]], [])
    book.apply_snapshot([[5.0, 1.0]], [[6.0, 1.0]])
    book.apply_delta([[4.0, 0.0], [5000.0, 0.0], [-0.0 + 0.25, 0.0]], [[6.25, 0.0]])
    assert (book.missing, book.levels) == (5, (1, 1))


def test_many_levels_far_below_the_window():
    book, sides = BookStream(BOOK, window=64), ({}, {})
    levels = [(t, 1) for t in range(1, 9000, 3)]
    for part in (levels[::2], levels[1::2], [(t, 0) for t, _ in levels[::5]], [(8998, 0), (8995, 0)]):
        apply(book, sides, (1, part, []))
    np.testing.assert_array_equal(top(book, 3000), plain_top(sides, 3000))


def test_prices_are_those_of_their_text():
    ticks = np.random.default_rng(0).integers(1, 10**9, 2000)
    for size, places in ((0.1, 1), (0.0001, 4), (0.05, 2), (1e-8, 8), (5.0, 0)):
        multiple = round(size * 10**places)
        texts = [f"{t * multiple / 10**places:.{places}f}" for t in ticks]
        given_prices = np.array([float(text) for text in texts])
        assert Book(tick_size=size).ticks(given_prices).tolist() == ticks.tolist()
        book = Book(tick_size=size, depth=2000).start()
        book.apply_snapshot(np.stack([given_prices, np.ones(2000)], axis=1), [])
        assert book.top().bid_price[0, : book.levels[0]].tolist() == sorted(set(given_prices), reverse=True)


@pytest.mark.parametrize(
    ("bids", "says"),
    [
        ([[1.1, 1.0]], "off the tick grid"),
        ([[-1.0, 1.0]], "off the tick grid"),
        ([[np.nan, 1.0]], "off the tick grid"),
        ([[1e300, 1.0]], "off the tick grid"),
        ([[1.0, -1.0]], "size -1.0"),
        ([[1.0, np.inf]], "size inf"),
        ([1.0, 2.0], "shape"),
    ],
)
def test_levels_that_cannot_be_are_refused(bids, says):
    with pytest.raises(DataError, match=says):
        BOOK.start().apply_delta(bids, [])


def test_a_book_deeper_than_planned_is_refused():
    book = Book(tick_size=1.0, most=3).start()
    book.apply_delta([[1.0, 1.0], [2.0, 1.0], [3.0, 1.0], [3.0, 0.0]], [])
    with pytest.raises(DataError, match="4 levels on one side; allowed: at most 3"):
        book.apply_delta([[3.0, 1.0], [4.0, 1.0]], [])


def test_snapshots_of_something_else_are_refused():
    for wrong in ({}, {"bids": [], "asks": [], "missing": [1]}):
        with pytest.raises(DataError, match="snapshot"):
            BOOK.restore(wrong)


@pytest.mark.parametrize("size", [0.0, -1.0, 1e-17, float("nan"), 2e6])
def test_tick_sizes_that_cannot_be_are_refused(size):
    with pytest.raises(ValueError, match="tick_size"):
        Book(tick_size=size)
