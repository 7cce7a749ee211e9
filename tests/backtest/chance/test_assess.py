"""From a ledger to one set of numbers: fed by the ledger alone, None where there is too little."""

import numpy as np
import pytest

from bateia.backtest.chance import Chance, assess, deflated_sharpe, luck, moments, overfitting, superior
from bateia.core import ConfigError, DataError
from bateia.core.clock import DAY
from bateia.runs import DailyProfits, Ledger, Trial, TrialMatrix


def ledger_of(path, profits, data="d", start=20_000):
    ledger = Ledger(path)
    for k, column in enumerate(profits.T):
        daily = DailyProfits(start * DAY, column)
        ledger.record(Trial("t", f"r{k}", data, note="tuning", parent="p", profits=daily))
    return ledger


def generated(trials=20, days=300, lead=0.3, seed=1):
    x = np.random.default_rng(seed).normal(size=(days, trials))
    x[:, 3] += lead
    return 100 * x


def test_the_ledger_alone_feeds_every_number(tmp_path):
    profits = generated()
    ledger = ledger_of(tmp_path / "l.sqlite", profits)
    ledger.record(Trial("crashed", "unknown", "d"))
    found = assess(ledger, "r3", "d", draws=300)
    tried, track = luck(profits, 21), moments(profits[:, 3])
    assert (found.days, found.trials, found.compared) == (300, 21, 20)
    assert found.dsr == deflated_sharpe(track, tried.effective, tried.variance)
    assert (found.effective_trials, found.counted) == (tried.effective, tried.method)
    assert found.sharpe_daily == track.sharpe
    assert found.pbo == overfitting(profits).pbo
    test = superior(profits, draws=300)
    assert (found.spa, found.reality_check) == (test.consistent, test.reality_check)
    assert found.missing == {}
    assert found.psr > found.dsr > 0.9
    assert found.min_track_days < found.min_track_days_deflated < 300
    assert found.mcs == 1.0
    assert Chance.model_validate(found.to_dict()) == found
    assert assess(ledger.matrix("d"), "r3", draws=300) == found


def test_noise_is_called_noise(tmp_path):
    profits = generated(lead=0.0)
    best = int(np.argmax(profits.mean(axis=0) / profits.std(axis=0)))
    found = assess(ledger_of(tmp_path / "l.sqlite", profits), f"r{best}", "d", draws=300)
    assert found.psr > 0.9
    assert found.dsr < 0.8
    assert found.spa > 0.05
    assert found.pbo > 0.2


def matrix_of(profits, count=None):
    names = tuple(f"r{k}" for k in range(profits.shape[1]))
    return TrialMatrix(DAY * np.arange(len(profits)), names, profits, count or len(names))


def test_too_little_is_said_and_not_guessed():
    short = assess(matrix_of(generated(days=20)), "r3", draws=50)
    assert short.psr is short.dsr is short.pbo is short.spa is short.mcs is None
    assert short.missing["psr"] == "20 days, at least 30 are needed"
    assert short.missing["pbo"] == "20 days, at least 32 are needed"
    alone = assess(matrix_of(generated()[:, 3:4], count=7), "r0", draws=50)
    assert alone.missing == dict.fromkeys(
        ("pbo", "degradation", "loss", "mcs"), "1 trial with profits that vary, 2 are needed"
    )
    assert alone.effective_trials == 7
    assert alone.counted.startswith("the plain count")
    assert alone.dsr < alone.psr
    losing = assess(matrix_of(-generated()), "r3", draws=50)
    assert losing.min_track_days is None
    assert "not above" in losing.missing["min_track_days"]
    assert losing.psr < 0.5


def test_a_trial_that_never_traded():
    profits = generated()
    profits[:, 5] = 0.0
    found = assess(matrix_of(profits), "r5", draws=50)
    assert "never varies" in found.missing["dsr"]
    assert found.spa is not None
    nothing = assess(matrix_of(np.zeros((100, 3))), "r1", draws=50)
    assert nothing.missing["spa"] == "no trial's profit varies"
    assert nothing.missing["mcs"].startswith("0 trials")


def test_trials_of_other_days_count_but_are_not_compared():
    profits = generated()
    profits[:100, 0] = np.nan
    profits[:5, 1] = np.nan
    profits[290:, 3] = np.nan
    found = assess(matrix_of(profits), "r3", draws=50)
    assert (found.days, found.trials, found.compared) == (290, 20, 19)
    rest = np.delete(profits, 0, axis=1)[5:290]
    assert found.pbo == overfitting(rest).pbo
    assert found.sharpe_daily == moments(profits[:290, 3]).sharpe
    # The chosen one's own column moved with what was left out.
    assert found.mcs == 1.0


def test_an_unknown_trial_is_named_with_what_is_near():
    with pytest.raises(ConfigError, match=r"no daily profits of trial 'r33'.*try: 'r3'"):
        assess(matrix_of(generated(trials=5)), "r33")
    with pytest.raises(ConfigError, match="record it with its profits"):
        assess(TrialMatrix.of([], 0), "r0")
    profits = generated(trials=5)
    profits[:, 3] = np.nan
    with pytest.raises(DataError, match="has no day with a profit"):
        assess(matrix_of(profits), "r3")


def test_a_search_that_never_saw_the_holdout_is_still_counted():
    """The chosen run has 100 days more than the trials: its luck is theirs, its Sharpe ratio its own."""
    profits = generated(trials=30, days=300, lead=0.1)
    profits[200:, np.arange(30) != 3] = np.nan
    found = assess(matrix_of(profits, count=40), "r3", draws=50)
    assert (found.days, found.compared_days, found.trials, found.compared) == (300, 200, 40, 30)
    track, tried = moments(profits[:, 3]), luck(profits[:200], 40)
    assert found.sharpe_daily == track.sharpe
    assert found.dsr == deflated_sharpe(track, tried.effective, tried.variance)
    assert found.pbo == overfitting(profits[:200]).pbo
    assert found.spa == superior(profits[:200], draws=50).consistent
    assert f"daily Sharpe of {found.luck_daily:.3f}; this one shows {track.sharpe:.3f}" in found.in_words


@pytest.mark.parametrize("shared", [10, 29])
def test_too_few_shared_days_are_not_compared(shared):
    profits = generated(trials=30, days=300)
    profits[shared:, np.arange(30) != 3] = np.nan
    found = assess(matrix_of(profits), "r3", draws=50)
    assert (found.compared_days, found.compared, found.effective_trials) == (300, 1, 30)
    assert found.dsr < found.psr and found.pbo is None


def test_one_sentence_says_how_it_came_about():
    short = assess(matrix_of(generated(days=12)), "r3", draws=50)
    assert short.in_words == "12 days, at least 30 are needed"
    few = assess(matrix_of(generated(days=31)), "r3", draws=50)
    assert few.dsr is not None and few.in_words == "31 days, at least 32 are needed"
    alone = assess(matrix_of(generated()[:, 3:4]), "r0", draws=50)
    assert alone.in_words == f"a daily Sharpe of {alone.sharpe_daily:.3f}, held against 0"
