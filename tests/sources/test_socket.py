"""A socket that is cut, falls silent or is refused is opened again, with bounds, and says why."""

import asyncio
from contextlib import aclosing

import pytest

from bateia.core import ConfigError
from bateia.sources.socket import Heard, Socket, Talk
from bateia.sources.web import WebError
from loopback_stream import DROP, SILENT, Stream, streaming

QUICK = {"backoff": 0.005, "longest": 0.02, "silence": 0.8}


def heard(stream, count, **how):
    """The first frames, and the socket."""

    async def main():
        async with streaming(stream):
            socket, found = Socket(stream.url, **QUICK | how), []
            async with aclosing(socket.frames()) as frames:
                async for frame in frames:
                    found.append(frame)
                    if len(found) == count:
                        break
            return found, socket

    return asyncio.run(asyncio.wait_for(main(), 20))


def test_a_connection_that_is_cut_is_opened_again():
    frames, socket = heard(Stream(["a", "b", DROP], [DROP], ["c"]), 6)
    assert [frame.text for frame in frames] == [None, "a", "b", None, None, "c"]
    assert [frame.received for frame in frames] == sorted(frame.received for frame in frames)
    assert (socket.stats.opened, socket.stats.dropped, socket.stats.silent) == (3, 2, 0)
    assert "opened 3, dropped 2 (silent 0; the last: " in socket.stats.line()


def test_one_that_falls_silent_is_closed_and_opened_again():
    frames, socket = heard(Stream(["a", SILENT], ["b"]), 4)
    assert [frame.text for frame in frames] == [None, "a", None, "b"]
    assert socket.stats.silent == 1 and socket.stats.reason == "nothing for 0.8 s"


def test_silence_after_messages_is_a_quiet_market_and_no_end():
    frames, socket = heard(Stream(["a"], [], [], ["b"]), 6, tries=2)
    assert frames[-1].text == "b" and socket.stats.silent == 3


def test_it_gives_up_where_nothing_ever_comes():
    with pytest.raises(WebError, match=r"nothing for 0\.05 s \(2 tries\)"):
        heard(Stream(), 9, tries=2, silence=0.05)
    with pytest.raises(WebError, match=r"\(3 tries\)"):
        heard(Stream(*[[DROP]] * 9), 9, tries=3)


def test_it_gives_up_where_nobody_listens():
    async def main():
        async for _ in Socket("ws://127.0.0.1:1", tries=3, backoff=0.001).frames():
            raise AssertionError("nobody listens there")

    with pytest.raises(WebError, match=r"3 tries"):
        asyncio.run(main())


def hear(text):
    """How a talk of these tests reads: an answer, a pong, a refusal, or something of the market."""
    if text == "refused":
        raise ConfigError("refused")
    return {"answer": Heard.ANSWER, "pong": Heard.PONG}.get(text, Heard.MARKET)


TALK = Talk(say=["one", "two"], beat="beat", hear=hear)


def test_each_connection_begins_with_what_is_to_be_said_and_is_open_once_that_is_answered():
    stream = Stream(["pong", "answer", "a", "pong", "b", 0.3, DROP], ["pong", "c", "answer", "d"])
    frames, socket = heard(stream, 6, talk=TALK)
    assert [frame.text for frame in frames] == [None, "a", "b", None, "c", "d"]
    assert stream.heard[-2:] == ["one", "two"] and socket.stats.frames == 4


def test_a_refusal_of_what_was_said_ends_it():
    with pytest.raises(ConfigError, match="refused"):
        heard(Stream(["answer", "refused"]), 2, talk=TALK)


def test_beats_are_sent_and_their_answers_break_the_silence_of_an_open_stream():
    pongs = [step for _ in range(20) for step in (0.1, "pong")]
    stream = Stream(["answer", *pongs, "a"])
    frames, socket = heard(stream, 2, talk=TALK, silence=1.0, ping=0.3)
    assert [frame.text for frame in frames] == [None, "a"]
    assert (socket.stats.opened, socket.stats.silent) == (1, 0)


def test_a_stream_that_nobody_opens_is_silent_whatever_answers_the_beats():
    pongs = [step for _ in range(40) for step in (0.02, "pong")]
    with pytest.raises(WebError, match=r"nothing for 0\.2 s \(2 tries\)"):
        heard(Stream(pongs, pongs), 2, talk=TALK, silence=0.2, tries=2)


def test_a_stream_that_is_opened_and_dropped_again_and_again_is_given_up():
    with pytest.raises(WebError, match=r"\(3 tries\)"):
        heard(Stream(*[["answer", DROP]] * 9), 20, talk=TALK, tries=3)


def test_beats_are_heard_by_the_other_side():
    stream = Stream(["answer"])
    with pytest.raises(WebError, match=r"nothing for 0\.5 s"):
        heard(stream, 9, talk=TALK, silence=0.5, ping=0.1, tries=1)
    assert stream.heard[:4] == ["one", "two", "beat", "beat"]


def test_a_connection_may_be_left_for_a_new_one():
    async def main():
        async with streaming(Stream(["a", "b"], ["c"])) as stream:
            socket, found = Socket(stream.url, **QUICK), []
            async with aclosing(socket.frames()) as frames:
                async for frame in frames:
                    found.append(frame.text)
                    if frame.text == "a":
                        socket.leave("the book is broken")
                    if frame.text == "c":
                        break
            return found, socket

    found, socket = asyncio.run(asyncio.wait_for(main(), 20))
    assert found == [None, "a", None, "c"]
    assert (socket.stats.dropped, socket.stats.reason) == (1, "the book is broken")


def test_a_refusal_is_told_at_once():
    from http import HTTPStatus

    from websockets.asyncio.server import serve

    async def main(status):
        def refuse(connection, request):
            return connection.respond(status, "no")

        async with serve(lambda connection: None, "127.0.0.1", 0, process_request=refuse) as server:
            port = server.sockets[0].getsockname()[1]
            socket = Socket(f"ws://127.0.0.1:{port}", backoff=0.001, tries=3)
            try:
                async for _ in socket.frames():
                    raise AssertionError("refused")
            finally:
                assert socket.stats.dropped == (1 if status == HTTPStatus.FORBIDDEN else 3)

    with pytest.raises(WebError, match="answers 403"):
        asyncio.run(main(HTTPStatus.FORBIDDEN))
    with pytest.raises(WebError, match=r"429.*3 tries"):
        asyncio.run(main(HTTPStatus.TOO_MANY_REQUESTS))


def test_words_that_are_no_address_and_no_patience():
    async def main():
        async for _ in Socket("http://127.0.0.1").frames():
            raise AssertionError("no address")

    with pytest.raises(ConfigError, match="is no address of a stream"):
        asyncio.run(main())
    with pytest.raises(ConfigError, match="without patience"):
        Socket("ws://127.0.0.1", silence=0)
