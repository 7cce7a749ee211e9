"""Patience with what passes, bounded, and clear words about the rest; against a server on loopback."""

import email.utils
import socket
import threading
import time

import pytest

from bateia.core import ConfigError
from bateia.sources.web import Web, WebError
from loopback_exchange import Exchange, serving


@pytest.fixture
def exchange():
    with serving(Exchange()) as served:
        served.files["/a"] = b"whole" * 1000
        yield served


def patient(waited, **more):
    return Web(tries=4, backoff=0.5, sleep=waited.append, **more)


@pytest.mark.parametrize(
    ("faults", "waits"),
    [
        ([], []),
        (["drop"], [0.5]),
        (["drop", 500, 503], [0.5, 1.0, 2.0]),
        ([(429, 7)], [7.0]),
        ([(418, 120), (503, "")], [120.0, 1.0]),
        ([(429, "soon")], [0.5]),
    ],
)
def test_what_passes_is_tried_again(exchange, faults, waits):
    exchange.faults["/a"] = list(faults)
    waited = []
    with patient(waited) as web:
        assert web.get(f"{exchange.url}/a").body == b"whole" * 1000
    assert waited == waits
    assert exchange.count("/a") == len(faults) + 1


@pytest.mark.parametrize("faults", [["drop"], ["drop", 503, "drop"], ["drop", "drop", "drop"]])
def test_the_rest_of_a_file_is_asked_for(exchange, faults):
    """Each dropped connection brings half of what was left."""
    exchange.files["/a"] = bytes(range(250)) * 4096
    exchange.faults["/a"] = list(faults)
    with patient([]) as web:
        assert web.get(f"{exchange.url}/a").body == exchange.files["/a"]
    drops = [k for k, fault in enumerate(faults) if fault == "drop"]
    halves = [1_024_000 - 1_024_000 // 2 ** (k + 1) for k in range(len(drops))]
    assert list(dict.fromkeys(exchange.ranged)) == [f"bytes={start}-" for start in halves]


def test_a_file_that_changed_meanwhile_starts_anew(exchange):
    exchange.files["/a"] = b"first" * 100_000
    exchange.faults["/a"] = ["drop"]

    def changed(seconds):
        exchange.files["/a"] = b"second" * 100_000

    with Web(tries=4, sleep=changed) as web:
        assert web.get(f"{exchange.url}/a").body == b"second" * 100_000
    assert exchange.ranged == ["bytes=250000-"]


def test_a_server_without_ranges_gives_the_whole_again(exchange):
    exchange.ranges = False
    exchange.files["/a"] = b"whole" * 100_000
    exchange.faults["/a"] = ["drop"]
    with patient([]) as web:
        assert web.get(f"{exchange.url}/a").body == b"whole" * 100_000
    assert exchange.ranged == []


@pytest.mark.parametrize(
    "piece",
    [
        lambda first, end: (first - 7, end),
        lambda first, end: (first + 7, end),
        lambda first, end: (first, end - 7),
        lambda first, end: None,
    ],
)
def test_after_a_wrong_piece_it_starts_anew(exchange, piece):
    exchange.files["/a"] = bytes(range(250)) * 4096
    exchange.faults["/a"] = ["drop"]
    exchange.piece = piece
    waited = []
    with patient(waited) as web:
        assert web.get(f"{exchange.url}/a").body == exchange.files["/a"]
    assert len(exchange.ranged) == 1
    assert waited == [0.5, 1.0]


def test_pieces_that_grow_and_shrink_are_no_progress(exchange):
    """Without ranges each try begins anew: what it brings counts only beyond what any brought before."""
    exchange.ranges = False
    exchange.faults["/a"] = ["drop"] * 40

    def resized(seconds):
        exchange.files["/a"] = bytes(1 << (23 if len(exchange.asked) % 2 else 12))

    exchange.files["/a"] = bytes(1 << 23)
    with Web(tries=4, sleep=resized) as web, pytest.raises(WebError, match="4 tries"):
        web.get(f"{exchange.url}/a")
    assert exchange.count("/a") <= 5


@pytest.mark.parametrize("ranges", [True, False])
def test_a_bad_line_that_brings_something_is_not_given_up(exchange, ranges):
    """Eight drops and four tries: with ranges each brings half of the rest, until that is too little."""
    exchange.ranges = ranges
    exchange.files["/a"] = bytes(1 << 26)
    exchange.faults["/a"] = ["drop"] * 8
    waited = []
    with patient(waited) as web:
        if ranges:
            assert web.get(f"{exchange.url}/a").body == exchange.files["/a"]
            assert waited == [0.5] * 6 + [0.5, 1.0]
        else:
            with pytest.raises(WebError, match="4 tries"):
                web.get(f"{exchange.url}/a")


def test_while_one_waits_as_a_host_asked_nobody_asks_it(exchange):
    exchange.faults["/a"] = [(429, 7)]
    asked, begun, go_on = [], threading.Event(), threading.Event()

    def sleep(seconds):
        asked.append(seconds)
        begun.set()
        assert go_on.wait(10)

    with Web(tries=4, sleep=sleep) as web:
        first = threading.Thread(target=web.get, args=(f"{exchange.url}/a",))
        first.start()
        assert begun.wait(10)
        second = threading.Thread(target=web.get, args=(f"{exchange.url}/a",))
        second.start()
        time.sleep(0.1)
        assert exchange.count("/a") == 1
        go_on.set()
        first.join(10)
        second.join(10)
    assert exchange.count("/a") == 3
    assert asked == [7.0]


def test_retry_after_may_be_a_date(exchange):
    exchange.faults["/a"] = [(429, email.utils.formatdate(time.time() + 100))]
    waited = []
    with patient(waited) as web:
        assert web.get(f"{exchange.url}/a").status == 200
    assert 90 < waited[0] < 110


@pytest.mark.parametrize(
    ("faults", "says", "tries"),
    [
        ([500] * 9, r"answers 500 \(4 tries\).*it carries on", 4),
        ([(418, 7200)], r"asks for 7,200 s of patience; allowed: at most 300 s", 1),
        ([403], "answers 403: .*another network", 1),
        ([451], "another host by --rest", 1),
        ([404], "answers 404", 1),
    ],
)
def test_the_rest_is_told(exchange, faults, says, tries):
    exchange.faults["/a"] = list(faults)
    with patient([]) as web, pytest.raises(WebError, match=says):
        web.get(f"{exchange.url}/a")
    assert exchange.count("/a") == tries


def test_an_allowed_status_is_an_answer(exchange):
    with patient([]) as web:
        assert web.get(f"{exchange.url}/none", allow=(404,)).status == 404
        with pytest.raises(WebError, match="no JSON: b'whole"):
            web.get(f"{exchange.url}/a").json()


def test_a_host_that_is_not_there_is_asked_once():
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{nobody.getsockname()[1]}/a"
    waited = []
    with patient(waited) as web:
        with pytest.raises(WebError, match=r"\(4 tries\); try: is this machine online"):
            web.get(url)
        assert waited == [0.5, 1.0, 2.0]
        with pytest.raises(WebError, match="cannot be reached"):
            web.get(url)
    assert len(waited) == 3


def test_a_server_that_never_answers_is_given_up():
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/a"
        with patient([], timeout=0.05) as web, pytest.raises(WebError, match=r"timed out.*\(4 tries\)"):
            web.get(url)


@pytest.mark.parametrize("url", ["nowhere/a", "ftp://host/a", "http://host:port/a"])
def test_what_is_no_address_is_not_tried(url):
    waited = []
    with patient(waited) as web, pytest.raises(ConfigError, match=r"is no address: .*https://"):
        web.get(url)
    assert waited == []


@pytest.mark.parametrize("what", ["loop", "gzip"])
def test_answers_that_cannot_be_read_are_told(exchange, what):
    if what == "loop":
        exchange.headers = {"Location": "/a"}
        exchange.faults["/a"] = [302] * 1000
    else:
        exchange.headers = {"Content-Encoding": "gzip"}
    with patient([]) as web:
        with pytest.raises(WebError, match=r"\(4 tries\)"):
            web.get(f"{exchange.url}/a")
        exchange.faults, exchange.headers = {}, {}
        assert web.get(f"{exchange.url}/a").status == 200  # it is the answer that was wrong, not the host


def test_a_file_that_always_breaks_does_not_keep_us_from_others(exchange):
    exchange.files["/b"] = b"other"
    exchange.faults["/a"] = ["drop"] * 4
    with patient([]) as web:
        with pytest.raises(WebError, match=r"\(4 tries\)"):
            web.get(f"{exchange.url}/a")
        assert web.get(f"{exchange.url}/b").body == b"other"


def test_without_httpx(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "httpx", None)
    with pytest.raises(ConfigError, match=r"needs httpx.*pip install 'bateia\[exchange\]'"):
        Web()
