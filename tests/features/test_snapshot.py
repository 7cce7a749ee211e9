"""A stream's memory in a file: the same after, whole or refused."""

from dataclasses import replace

import numpy as np
import pytest

from bateia.core import DataError
from bateia.features import Plan, Snapshot
from bateia.testing.operators import generated_market

MARKET = generated_market(700, 3)
PLAN = Plan({"fast": 'mean(close, "1m")', "higher": 'at("1m", ema(close, 3))', "slow": "std(close, 50)"})


def taken(rows=400):
    stream = PLAN.start()
    stream.run({name: column[:rows] for name, column in MARKET.items()})
    return stream.snapshot()


def test_a_warm_start_from_a_file(tmp_path):
    taken().save(tmp_path / "s.npz")
    stream = PLAN.restore(Snapshot.load(tmp_path / "s.npz"))
    rest = stream.run({name: column[400:] for name, column in MARKET.items()})
    whole = np.array(list(PLAN.run(MARKET).values()))
    assert np.array_equal(rest, whole[:, 400:], equal_nan=True)


def test_the_file_holds_all_of_it_and_no_pickle(tmp_path):
    taken().save(tmp_path / "s.npz")
    assert Snapshot.load(tmp_path / "s.npz") == taken() != taken(401)
    with np.load(tmp_path / "s.npz", allow_pickle=False) as file:
        assert set(file) == {"spec", "state", "history", "known_at"}
    assert [path.name for path in tmp_path.iterdir()] == ["s.npz"]


def test_a_broken_file_is_refused(tmp_path):
    path = tmp_path / "s.npz"
    with pytest.raises(DataError, match=r"is no snapshot.*No such file"):
        Snapshot.load(path)
    taken().save(path)
    path.write_bytes(path.read_bytes()[:-900])
    with pytest.raises(DataError, match="is no snapshot"):
        Snapshot.load(path)
    path.write_bytes(b"")
    with pytest.raises(DataError, match="is no snapshot"):
        Snapshot.load(path)
    np.savez(path, spec=np.array('{"format": 99}'))
    with pytest.raises(DataError, match="has format 99; allowed: format 1"):
        Snapshot.load(path)


def test_a_folder_that_cannot_be_written(tmp_path):
    with pytest.raises(DataError, match="cannot write the snapshot"):
        taken().save(tmp_path / "nowhere" / "s.npz")


@pytest.mark.parametrize("part", ["state", "history"])
def test_a_snapshot_of_another_version_is_refused(part):
    """The plan is the same, what its operators remember is not."""
    other = replace(taken(), **{part: np.zeros(3)})
    with pytest.raises(DataError, match=r"the snapshot does not fit.*; try: a new snapshot"):
        PLAN.restore(other)
