"""Jobs whose files come in any order: each file once, few at a time, errors where they belong."""

import threading
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bateia.core import ConfigError
from bateia.sources.downloads import check_at_once, side_by_side


class Server:
    """Gives what is asked for, in the order of `delays`, and counts."""

    def __init__(self, delays=()):
        self.lock, self.delays = threading.Lock(), list(delays)
        self.asked, self.now, self.most = [], 0, 0

    def get(self, want):
        with self.lock:
            self.asked.append(want)
            self.now += 1
            self.most = max(self.most, self.now)
            delay = self.delays.pop() if self.delays else 0
        time.sleep(delay / 1000)
        with self.lock:
            self.now -= 1
        if want < 0:
            raise ValueError(want)
        return want * 10


@settings(max_examples=30, deadline=None)
@given(
    plan=st.lists(st.lists(st.lists(st.integers(-3, 12), min_size=1, max_size=4), max_size=3), max_size=6),
    at_once=st.integers(1, 5),
    delays=st.lists(st.integers(0, 5), max_size=20),
)
def test_every_job_gets_what_it_asked_for(plan, at_once, delays):
    server, ended, main = Server(delays), [], threading.get_ident()

    def job(name, rounds):
        for wants in rounds:
            found = yield wants
            assert threading.get_ident() == main
            for want, one in zip(wants, found, strict=True):
                if want < 0:
                    with pytest.raises(ValueError, match=str(want)):
                        one.result()
                else:
                    assert one.result() == want * 10
        ended.append(name)

    side_by_side((job(k, rounds) for k, rounds in enumerate(plan)), server.get, at_once)
    assert sorted(ended) == list(range(len(plan)))
    assert server.most <= at_once
    assert set(server.asked) == {want for rounds in plan for wants in rounds for want in wants}


def test_a_file_that_two_wait_for_comes_once():
    server, found = Server([20]), []

    def job():
        (one,) = yield [7]
        found.append(one.result())

    side_by_side([job() for _ in range(3)], server.get, at_once=3)
    assert (found, server.asked) == ([70, 70, 70], [7])


def test_an_error_of_a_job_ends_all_and_waits_for_nobody():
    hang, ended = threading.Event(), []

    def get(want):
        if want:
            hang.wait(20)
        return want

    def fails():
        yield [0]
        raise OSError("disk full")

    def waits():
        yield [1]
        ended.append("waited")

    began = time.monotonic()
    with pytest.raises(OSError, match="disk full"):
        side_by_side([waits(), fails(), waits()], get, at_once=2)
    hang.set()
    assert time.monotonic() - began < 5
    assert ended == []


@pytest.mark.parametrize("count", [0, -1, 17])
def test_how_many_at_once(count):
    with pytest.raises(ConfigError, match=f"{count} downloads at a time; allowed: 1 to 16; try: 4"):
        check_at_once(count)
