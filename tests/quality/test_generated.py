"""No generated candle passes, and no real one is refused."""

import numpy as np
import pytest

from bateia.quality import inspect_bars
from quality.generated_bars import GENERATED


@pytest.mark.parametrize("make", GENERATED, ids=lambda make: make.__name__)
@pytest.mark.parametrize("seed", range(3))
def test_generated_candles_are_blocked(make, seed):
    report = inspect_bars(make(np.random.default_rng(seed)))
    assert report["generated"].grade == "blocked", str(report)
    assert report.grade == "blocked"


def test_a_few_candles_tell_nothing_of_where_they_come_from():
    few = GENERATED[0](np.random.default_rng(0))[:999]
    assert inspect_bars(few)["generated"].grade == "ok"
