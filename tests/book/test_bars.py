"""Bars of sampled books against the same features in Polars."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bateia.book.bars import AFTER_ANOTHER, FEATURES, BookBars, level_names
from bateia.book.samples import Samples
from bateia.core import DataError
from plain_book_bars import plain_bars
from plain_lines import cut

SECOND = 1_000_000
KIND = BookBars(depth=6, every="1s", bar="10s")


def generated_samples(n=400, seed=0, depth=8, missing=()):
    rng = np.random.default_rng(seed)
    middle = 100 + np.cumsum(rng.normal(0, 0.01, n))[:, None]
    steps = rng.uniform(0.01, 0.1, (2, n, depth)).cumsum(axis=2)
    sizes = rng.uniform(0.1, 9, (2, n, depth))
    time = 1_700_000_003 * SECOND + SECOND * np.arange(n)
    prices = middle - steps[0], middle + steps[1]
    samples = Samples(time, rng.integers(0, 20, n), prices[0], sizes[0], prices[1], sizes[1])
    return samples[~np.isin(np.arange(n), missing)]


# The start of the samples cuts the first bar too.
MISSING = [((), 1), ((57,), 2), ((100, 101, 102), 2), (tuple(range(200, 260)), 3)]


@pytest.mark.parametrize(("missing", "dropped"), MISSING)
def test_features_are_those_of_polars(missing, dropped):
    samples = generated_samples(missing=missing)
    stream = KIND.start()
    rows = stream.run(samples)
    ends, expected = plain_bars(samples, KIND.bar, KIND.every)
    assert rows.time.tolist() == ends.tolist()
    np.testing.assert_allclose(rows.features, expected, rtol=0, atol=1e-12)
    unknown = {FEATURES[i] for i in np.flatnonzero(np.isnan(rows.features[0]))}
    assert unknown == set(AFTER_ANOTHER)
    assert stream.dropped == dropped
    at = np.searchsorted(samples.time, rows.time)
    np.testing.assert_array_equal(rows.ask_size, samples.ask_size[at, :6])
    np.testing.assert_array_equal(rows.bid_price, samples.bid_price[at, :6])


@given(st.lists(st.integers(0, 400), max_size=9), st.integers(0, 3))
@settings(max_examples=30)
def test_any_cut_gives_the_same_bars(at, seed):
    samples = generated_samples(seed=seed, missing=(57, 58))
    whole = KIND.run(samples)
    stream, parts = KIND.start(), []
    for part in cut(samples, [min(a, len(samples)) for a in at]):
        again = KIND.start()
        again.restore(stream.snapshot())
        stream = again
        parts.append(stream.run(part))
    for ours, theirs in zip(whole.concat(parts).columns().values(), whole.columns().values(), strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_a_bar_whose_book_is_too_shallow_at_its_close_is_left_out():
    samples = generated_samples()
    close = np.flatnonzero(samples.time % KIND.bar == 0)[3]
    samples.ask_price[close, 5:] = samples.ask_size[close, 5:] = np.nan
    stream = KIND.start()
    rows = stream.run(samples)
    assert stream.shallow == 1 and samples.time[close] not in rows.time
    assert np.isfinite(rows.features[1:]).all()


def test_the_frame_has_the_columns_of_quantgod():
    samples = generated_samples(200, depth=200)
    frame = BookBars().run(samples).to_frame()
    names = level_names(200)
    assert frame.columns == ["time", *names, *FEATURES]
    assert len(frame.columns) - 1 == 810
    assert (names[0], names[399], names[400], names[-1]) == ("bid_0_p", "bid_199_s", "ask_0_p", "ask_199_s")
    at = samples.time.tolist().index(frame["time"].to_physical()[1])
    assert (
        frame["ask_7_s"][1] == samples.ask_size[at, 7] and frame["bid_199_p"][1] == samples.bid_price[at, 199]
    )


def test_samples_and_snapshots_that_do_not_fit_are_refused():
    with pytest.raises(DataError, match="samples of 8 levels; allowed: 9"):
        BookBars(depth=9).run(generated_samples())
    with pytest.raises(DataError, match="none of these bars"):
        KIND.start().restore(BookBars(bar="2m").start().snapshot())


@pytest.mark.parametrize("bar", ["1s", "1500ms"])
def test_a_bar_is_several_samples_long(bar):
    with pytest.raises(ValueError, match="multiple of the time between samples"):
        BookBars(every="1s", bar=bar)
