"""Surrogates: what they keep, what they lose."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bateia.bars import TimeBars
from bateia.core import DataError
from bateia.labels import FixedHorizon
from bateia.quality import validate_bars, validate_trades
from bateia.testing.labels import generated_bars
from bateia.vetting.surrogate import (
    FEWEST,
    changed,
    label_block,
    on_grid,
    permuted_labels,
    permuted_returns,
    rows_in_span,
    shuffled,
    tick_of,
)
from generated_markets import generated_noise, generated_signal


@given(st.integers(1, 9), st.integers(0, 200), st.integers(0, 2**32))
def test_each_row_comes_once_and_blocks_stay_whole(block, more, seed):
    rows = FEWEST * block + more
    found = shuffled(rows, block, np.random.default_rng(seed))
    assert np.array_equal(np.sort(found), np.arange(rows))
    # On the ring, neighbours part at the edges of blocks only.
    parted = (np.roll(found, -1) - found) % rows != 1
    assert parted.sum() <= rows // block + 1


def test_blocks_are_cut_anywhere_and_every_order_is_as_likely():
    rng = np.random.default_rng(0)
    draws = np.array([shuffled(24, 2, rng) for _ in range(4000)])
    # Place 0 begins or ends a block, and so does the row that comes there: from 12 places, all as likely.
    counts = np.bincount(draws[:, 0], minlength=24)[::2]
    assert counts.sum() == 4000 and counts.min() > 260 and counts.max() < 410


def test_too_few_blocks_are_refused():
    with pytest.raises(DataError, match=r"100 rows make 10 blocks of 10.*12 blocks or more"):
        shuffled(100, 10, np.random.default_rng(0))


@pytest.mark.parametrize("block", [5, 40])
def test_a_surrogate_is_a_market_of_the_same_trades(block):
    trades = generated_noise(4000)
    made = permuted_returns(trades, block, np.random.default_rng(1))
    validate_trades(made)
    assert np.array_equal(made.time, trades.time) and np.array_equal(made.known_at, trades.known_at)
    for name in ("size", "side"):
        assert np.array_equal(np.sort(getattr(made, name)), np.sort(getattr(trades, name)))
        assert not np.array_equal(getattr(made, name), getattr(trades, name))
    assert (made.price % 0.25 == 0).all()
    # All returns are there, up to the rounding to ticks.
    before, after = np.diff(np.log(trades.price)), np.diff(np.log(made.price))
    assert np.abs(np.sort(before) - np.sort(after)).max() < 2 * 0.25 / made.price.min()
    assert np.log(made.price[-1] / trades.price[-1]) == pytest.approx(0, abs=0.25 / 500 + abs(before[0]))


def test_candles_move_whole_and_stay_candles():
    bars = TimeBars(size="10s").run(generated_noise(6000))
    made = permuted_returns(bars, 3, np.random.default_rng(1))
    validate_bars(made)
    assert np.array_equal(made.time, bars.time) and np.array_equal(made.known_at, bars.known_at)
    for name in ("volume", "signed_volume", "trades"):
        assert np.array_equal(np.sort(getattr(made, name)), np.sort(getattr(bars, name)))
    for name in ("open", "high", "low", "close"):
        assert (getattr(made, name) % 0.25 == 0).all()
    assert ((made.vwap >= made.low) & (made.vwap <= made.high)).all()
    assert np.allclose(made.value, made.volume * made.vwap)
    # Ranges and jumps are those there were, up to a tick.
    ranges = [np.sort(np.log(one.high / one.low)) for one in (bars, made)]
    assert np.abs(ranges[0] - ranges[1]).max() < 3 * 0.25 / made.low.min()
    rows = np.arange(len(bars)) >= 400
    other = changed(bars, rows, -0.05)
    validate_bars(other)
    for name, column in bars.columns().items():
        assert np.array_equal(getattr(other, name)[:400], column[:400])
    assert (other.close < bars.close)[400:].all()


def test_the_same_seed_gives_the_same_and_inputs_stay():
    trades = generated_noise(1000)
    kept = {name: column.copy() for name, column in trades.columns().items()}
    one, two, other = (permuted_returns(trades, 8, np.random.default_rng(seed)) for seed in (3, 3, 4))
    assert np.array_equal(one.price, two.price) and not np.array_equal(one.price, other.price)
    assert all(np.array_equal(column, kept[name]) for name, column in trades.columns().items())


def correlation(x, y):
    return float(np.corrcoef(x, y)[0, 1])


def test_volatility_still_clusters_however_short_the_blocks():
    trades = generated_noise(20_000, seed=5)
    lag = 60

    def clustering(t):
        size = np.abs(np.diff(t.price))
        return correlation(size[:-lag], size[lag:])

    real = clustering(trades)
    made = np.mean([clustering(permuted_returns(trades, 10, np.random.default_rng(k))) for k in range(5)])
    drawn = shuffled(len(trades), 10, np.random.default_rng(0))
    apart = np.abs(np.diff(trades.price))[drawn[drawn < len(trades) - 1]]
    assert real > 0.04
    assert made > 0.6 * real
    assert abs(correlation(apart[:-lag], apart[lag:])) < 0.3 * real


def test_what_foretells_the_next_block_no_longer_does():
    trades = generated_signal(20_000)

    def foretold(t):
        price, side = t.price.reshape(-1, 50), t.side.reshape(-1, 50)
        return correlation(side[:, :10].sum(axis=1), price[:, -1] - price[:, 9])

    made = [foretold(permuted_returns(trades, 10, np.random.default_rng(k))) for k in range(8)]
    assert foretold(trades) > 0.7
    assert np.abs(made).max() < 0.25


@pytest.mark.parametrize("tick", [0.25, 0.01, 1e-5, 0.5, 12.5, 1.0, 100.0])
def test_the_tick_is_found_and_kept(tick):
    steps = np.random.default_rng(0).integers(800, 1200, 500)
    price = np.round(steps * tick, 9)
    assert tick_of(price) == pytest.approx(tick)
    assert np.array_equal(on_grid(price, tick_of(price)), price)
    assert np.array_equal(on_grid(price * (1 + 0.2 * tick / price.max()), tick), price)


def test_prices_on_no_grid_stay_as_they_are():
    price = np.random.default_rng(0).uniform(1.0, 2.0, 200)
    assert tick_of(price) == 0.0
    assert on_grid(price, 0.0) is price
    assert (on_grid(np.array([0.001]), 0.25) == 0.25).all()


def test_labels_move_in_whole_spans_and_keep_their_parts_together():
    bars = generated_bars(600)
    labels = FixedHorizon(horizon=5, target="return").make(bars)
    rows = np.flatnonzero(labels.valid)[20:]
    assert rows_in_span(labels, rows) == 5
    block = label_block(labels, rows)
    assert block % 5 == 0 and len(rows) // block >= FEWEST
    made = permuted_labels(labels, rows, block, np.random.default_rng(0))
    assert made.span is labels.span
    still = np.setdiff1d(np.arange(len(labels)), rows)
    assert np.array_equal(made.value[still], labels.value[still], equal_nan=True)
    triples = [np.column_stack([one.value, one.weight, one.ret])[rows] for one in (labels, made)]
    assert np.array_equal(*(np.unique(table, axis=0) for table in triples))
    assert abs(correlation(made.ret[rows], labels.ret[rows])) < 0.3
    # Neighbours still share most of their returns.
    own, moved = (correlation(one.ret[rows][:-1], one.ret[rows][1:]) for one in (labels, made))
    assert moved > 0.9 * own > 0.6


def test_changed_trades_are_other_trades_where_asked_and_nowhere_else():
    trades = generated_noise(300)
    rows = np.arange(300) >= 200
    made = changed(trades, rows, 0.05)
    validate_trades(made)
    for name, column in trades.columns().items():
        assert np.array_equal(getattr(made, name)[:200], column[:200])
    assert (np.abs(np.log(made.price / trades.price)[200:] - 0.05) < 0.05).all()
    assert (made.size != trades.size)[200:].all()
