"""The stationary bootstrap kernel: determinism, block structure, and the law it claims."""

import numpy as np
import pytest

from bateia.kernels.bootstrap import stationary_bootstrap


def resample(x, block, seed, draws=400):
    mean, std = np.empty(draws), np.empty(draws)
    stationary_bootstrap(np.asarray(x, float), block, seed, mean, std)
    return mean, std


def test_same_seed_same_bits_and_draws_do_not_depend_on_their_number():
    x = np.random.default_rng(1).normal(size=300)
    mean, std = resample(x, 7.0, 5)
    again, _ = resample(x, 7.0, 5, draws=50)
    assert again.tobytes() == mean[:50].tobytes()
    assert not np.array_equal(resample(x, 7.0, 6)[0], mean)
    assert len(np.unique(mean)) == len(mean)
    assert (std > 0).all()


def test_mean_and_deviation_are_those_of_some_resample():
    # Powers of two: a resample's sum tells exactly how often each row was drawn.
    x = 64.0 ** np.arange(6)
    mean, std = resample(x, 1.0, 0, draws=200)
    for m, s in zip(mean, std, strict=True):
        total, counts = round(m * 6), []
        for _ in range(6):
            total, count = divmod(total, 64)
            counts.append(count)
        rows = np.repeat(x, counts)
        assert len(rows) == 6
        assert s == pytest.approx(np.std(rows, ddof=1))


def test_endless_blocks_are_rotations_of_the_series():
    x = np.random.default_rng(2).normal(size=50)
    mean, std = resample(x, 1e9, 3)
    assert np.allclose(mean, x.mean())
    assert np.allclose(std, x.std(ddof=1))


def test_blocks_widen_the_spread_of_a_series_with_memory():
    rng = np.random.default_rng(4)
    x = np.repeat(rng.normal(size=100), 20)
    alone = resample(x, 1.0, 0)[0].std()
    together = resample(x, 40.0, 0)[0].std()
    # Each value stands 20 times: the honest error is sqrt(20) times that of independent rows.
    assert 3.0 < together / alone < 5.5


@pytest.mark.compiled
def test_independent_rows_give_the_textbook_error():
    x = np.random.default_rng(5).normal(size=1000)
    mean, _ = resample(x, 1.0, 9, draws=4000)
    assert mean.std() == pytest.approx(x.std() / np.sqrt(1000), rel=0.06)
    assert mean.mean() == pytest.approx(x.mean(), abs=4 * x.std() / np.sqrt(1000 * 4000))
