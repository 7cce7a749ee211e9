"""A socket that is cut, falls silent or is refused is opened again, with bounds, and says why."""

import asyncio
from contextlib import aclosing

import pytest

from bateia.core import ConfigError
from bateia.sources.socket import Socket
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


def test_each_connection_begins_with_what_is_to_be_said():
    stream = Stream(["a"], ["b"])
    frames, _ = heard(stream, 4, say=["one", "two"])
    assert [frame.text for frame in frames] == [None, "a", None, "b"]
    assert stream.heard[:4] == ["one", "two"] * 2


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
