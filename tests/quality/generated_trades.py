"""Trades that no market made; each says how it was generated."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from bateia.core import Trades

ROWS = 20_000
START = 1_704_067_200_000_000


def made(price, size, side, wait) -> Trades:
    """Trades from prices, sizes, sides and the time between them in microseconds."""
    time = START + np.cumsum(np.asarray(wait, np.int64))
    return Trades(time=time, known_at=time, price=price, size=size, side=np.asarray(side, np.int8))


def waits(rng):
    return rng.exponential(1e6, ROWS)


def sides(rng):
    return rng.choice([-1, 1], ROWS)


def random_walk(rng):
    price = 30_000 + np.cumsum(rng.normal(0, 1, ROWS))
    return made(price, rng.exponential(1, ROWS), sides(rng), waits(rng))


def random_walk_on_a_grid(rng):
    price = 1_000 + 0.25 * np.cumsum(rng.choice([-1, 0, 0, 0, 1], ROWS))
    return made(price, np.ceil(rng.exponential(3, ROWS)), sides(rng), waits(rng))


def geometric_brownian_motion(rng):
    price = np.round(30_000 * np.exp(np.cumsum(rng.normal(0, 1e-5, ROWS))), 1)
    return made(price, np.round(rng.lognormal(-2, 1, ROWS), 3) + 0.001, sides(rng), waits(rng))


def uniform_noise(rng):
    return made(rng.uniform(99, 101, ROWS), rng.uniform(1, 100, ROWS), sides(rng), waits(rng))


def by_clockwork(rng):
    """A trade every second."""
    price = np.round(30_000 + np.cumsum(rng.standard_t(3, ROWS)), 1)
    return made(price, rng.integers(1, 100, ROWS).astype(float), sides(rng), np.full(ROWS, 1e6))


def sine_with_noise(rng):
    price = np.round(30_000 + 500 * np.sin(np.arange(ROWS) / 500) + rng.normal(0, 1, ROWS), 1)
    return made(price, rng.integers(1, 100, ROWS).astype(float), sides(rng), waits(rng))


def constant_price(rng):
    return made(np.full(ROWS, 100.0), rng.exponential(1, ROWS), sides(rng), waits(rng))


def jump_diffusion(rng):
    """Heavy tails, many trades at one price, round sizes: but nothing has a memory."""
    jumps = rng.normal(0, 1, ROWS) * (rng.random(ROWS) < 0.4) + 8 * rng.standard_t(2, ROWS) * (
        rng.random(ROWS) < 0.01
    )
    size = rng.choice([1.0, 2.0, 5.0, 10.0, 100.0], ROWS, p=[0.6, 0.2, 0.1, 0.08, 0.02])
    return made(np.round(30_000 + np.cumsum(jumps)), size, sides(rng), waits(rng))


GENERATED = [
    random_walk,
    random_walk_on_a_grid,
    geometric_brownian_motion,
    uniform_noise,
    by_clockwork,
    sine_with_noise,
    constant_price,
    jump_diffusion,
]


def shuffled_prices(trades, rng):
    return replace(trades, price=rng.permutation(trades.price))


def shuffled_rows(trades, rng):
    order = rng.permutation(len(trades))
    return replace(trades, price=trades.price[order], size=trades.size[order], side=trades.side[order])


def shuffled_changes(trades, rng):
    """Price changes, sizes and sides in another order: they still end where they ended."""
    order = rng.permutation(len(trades) - 1)
    price = np.append(trades.price[0], trades.price[0] + np.cumsum(np.diff(trades.price)[order]))
    rest = {
        name: np.append(column[:1], column[1:][order])
        for name, column in (("size", trades.size), ("side", trades.side))
    }
    return replace(trades, price=np.round(price * 4) / 4, **rest)


def duplicated_rows(trades, rng):
    return trades[np.repeat(np.arange(len(trades)), 2)]


def wrong_prices(trades, rng):
    price = trades.price.copy()
    rows = rng.choice(len(trades), 300, replace=False)
    price[rows] = np.round(price[rows] * 10)
    return replace(trades, price=price)


def prices_that_are_none(trades, rng):
    price = trades.price.copy()
    price[rng.choice(len(trades), 300, replace=False)] = np.nan
    return replace(trades, price=price)


def swapped_rows(trades, rng):
    order = np.arange(len(trades))
    rows = rng.choice(len(trades), 300, replace=False)
    order[rows] = rng.permutation(rows)
    return trades[order]


def times_in_milliseconds(trades, rng):
    half = np.arange(len(trades)) > len(trades) // 2
    return replace(trades, time=np.where(half, trades.time // 1000, trades.time))


def times_of_the_future(trades, rng):
    shift = 40 * 366 * 86_400_000_000
    return replace(trades, time=trades.time + shift, known_at=trades.known_at + shift)


DAMAGED = [
    shuffled_prices,
    shuffled_rows,
    shuffled_changes,
    duplicated_rows,
    wrong_prices,
    prices_that_are_none,
    swapped_rows,
    times_in_milliseconds,
    times_of_the_future,
]
