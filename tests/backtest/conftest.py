"""Generated markets for the backtest's tests: never for training, never for a claim."""

import numpy as np
import pytest

from bateia.core import Bars, Trades


def generated_trades(n=2000, seed=0, step=1_000_000):
    rng = np.random.default_rng(seed)
    time = np.cumsum(rng.integers(1, 2 * step, n)).astype(np.int64)
    price = 1600 + 0.25 * np.cumsum(rng.integers(-1, 2, n))
    return Trades(time, time, price, np.ones(n), rng.choice([-1, 1], n).astype(np.int8))


def generated_bars(trades, size=10):
    """Tick bars cut by hand: `size` trades each."""
    n = len(trades) // size
    rows = np.arange(n * size).reshape(n, size)
    price, time = trades.price[rows], trades.time[rows]
    zero = np.zeros(n)
    return Bars(
        open_time=time[:, 0].copy(),
        time=time[:, -1].copy(),
        known_at=time[:, -1].copy(),
        open=price[:, 0].copy(),
        high=price.max(1),
        low=price.min(1),
        close=price[:, -1].copy(),
        volume=np.full(n, float(size)),
        signed_volume=zero,
        value=price.sum(1),
        vwap=price.mean(1),
        trades=np.full(n, float(size)),
        up_ticks=zero,
        down_ticks=zero,
    )


def generated_target(n, seed=0, hold=5):
    rng = np.random.default_rng(seed)
    return np.repeat(rng.integers(-1, 2, n // hold + 1), hold)[:n].astype(np.int8)


@pytest.fixture(scope="session")
def generated_market():
    """A function (trades, seed, trades per bar) -> bars, trades, target."""

    def make(n=2000, seed=0, size=10):
        trades = generated_trades(n, seed)
        bars = generated_bars(trades, size)
        return bars, trades, generated_target(len(bars), seed)

    return make


@pytest.fixture(scope="session")
def bars_of_one():
    """A function: trades -> bars, one a trade."""
    return lambda trades: generated_bars(trades, 1)
