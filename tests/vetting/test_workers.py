"""Processes and Ray do the same work; what breaks is told."""

import os
from functools import partial

import pytest

from bateia.core import ConfigError, RunError
from bateia.vetting.workers import Processes, RayWorkers, workers_of

KINDS = [Processes, RayWorkers]


def leave(folder, name):
    (folder / name).write_text(str(os.getpid()))


def fail(folder, name):
    raise ZeroDivisionError(name)


@pytest.mark.parametrize("kind", KINDS)
def test_every_part_is_done_in_processes_of_its_own(kind, tmp_path):
    names = ["a", "b", "c"]
    kind().run(leave, [(tmp_path, name) for name in names])
    found = {path.name: int(path.read_text()) for path in tmp_path.iterdir()}
    assert sorted(found) == names
    assert os.getpid() not in found.values()


@pytest.mark.parametrize("kind", KINDS)
def test_a_part_that_breaks_is_told(kind, tmp_path, capfd):
    with pytest.raises(RunError, match="of the search"):
        kind().run(fail, [(tmp_path, "a")])
    capfd.readouterr()


def test_kinds_by_name():
    assert isinstance(workers_of("processes"), Processes)
    assert not workers_of("ray").far
    assert workers_of("ray", "auto").far
    with pytest.raises(ConfigError, match="processes at 'auto'"):
        workers_of("processes", "auto")


def test_a_cluster_that_is_not_there_is_told():
    with pytest.raises(RunError, match=r"cannot reach Ray at '127\.0\.0\.1:1'"):
        RayWorkers("127.0.0.1:1").run(partial(print), [()])
