"""Bootstrap intervals: coverage where it is known, block lengths, and edges."""

import numpy as np
import pytest

from bateia.backtest.bootstrap import bootstrap, interval, optimal_block
from bateia.core import ConfigError


def generated_memory(rng, n, memory):
    x = rng.normal(size=n + 50)
    for i in range(1, len(x)):
        x[i] += memory * x[i - 1]
    return x[50:]


@pytest.mark.parametrize("memory", [0.0, 0.6])
def test_intervals_cover_the_truth_about_as_often_as_they_say(memory):
    rng = np.random.default_rng(7)
    hits = 0
    for seed in range(200):
        low, high = interval(bootstrap(0.3 + generated_memory(rng, 400, memory), 300, seed).mean)
        hits += low <= 0.3 <= high
    # 95% claimed; short samples with memory are known to fall a little short.
    assert (0.91 if memory == 0 else 0.84) <= hits / 200 <= 0.99


def test_sharpe_interval_covers_the_truth():
    rng = np.random.default_rng(8)
    hits = 0
    for seed in range(200):
        low, high = interval(bootstrap(rng.normal(0.2, 1, 300), 300, seed).sharpe)
        hits += low <= 0.2 <= high
    assert 0.90 <= hits / 200 <= 0.99


def test_block_length_grows_with_memory_and_overlap():
    rng = np.random.default_rng(9)
    noise = optimal_block(rng.normal(size=2000))
    memory = optimal_block(generated_memory(rng, 2000, 0.7))
    overlap = optimal_block(np.convolve(rng.normal(size=2100), np.ones(60), "valid"))
    assert noise <= 3
    assert 8 < memory < overlap
    # Patton, Politis and White: (2 G^2 / D)^(1/3) n^(1/3) with the AR(1)'s own G and D.
    a = 0.7
    ideal = (2 * a / (1 - a * a)) ** (2 / 3) * 2000 ** (1 / 3)
    assert memory == pytest.approx(ideal, rel=0.4)


def test_edges():
    assert optimal_block([1.0, 2.0]) == 1
    assert bootstrap([5.0], draws=3).mean.tolist() == [5.0] * 3
    assert interval(np.array([np.nan, np.nan, 1.0])) is None
    assert np.isnan(bootstrap([1.0, 1.0], draws=4).sharpe).all()
    for wrong in ({"values": []}, {"values": [1.0], "draws": 0}, {"values": [1.0], "block": 0.5}):
        with pytest.raises(ConfigError, match="allowed"):
            bootstrap(**wrong)
