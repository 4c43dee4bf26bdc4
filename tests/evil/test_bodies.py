"""Response bodies that stall, break, lie or explode."""

import gzip
import json
import tracemalloc
import zlib
from collections.abc import AsyncIterator
from pathlib import Path

import anyio
import httpx
import pytest
from quick import QUICK
from server import (
    ME,
    ONCE,
    Connect,
    Drip,
    EvilServer,
    Flood,
    Request,
    Reset,
    Silence,
    Sleep,
    answer,
    chunked,
)

from useresponse_async import (
    APIConnectionError,
    APIStatusError,
    APITimeoutError,
    AsyncClient,
    DecodeError,
    ResponseTooLargeError,
)

pytestmark = [pytest.mark.anyio, pytest.mark.every_loop]

MEBIBYTE = 1024 * 1024


def bomb(head: bytes, mebibytes: int) -> bytes:
    """Return so many mebibytes of zeros, compressed: one block, again and again."""
    compressor = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    block = compressor.compress(bytes(MEBIBYTE)) + compressor.flush(zlib.Z_FULL_FLUSH)
    return head + block * mebibytes + compressor.flush() + bytes(8)


GZIP_HEAD = b"\x1f\x8b\x08" + bytes(7)
BOMB = bomb(GZIP_HEAD, 1024)
NESTED_BOMB = gzip.compress(BOMB)


class Peak:
    """How much more Python held at most inside the block than before it."""

    def __enter__(self):
        tracemalloc.start()
        self._before = tracemalloc.get_traced_memory()[0]
        return self

    def __exit__(self, *_: object) -> None:
        self.bytes = tracemalloc.get_traced_memory()[1] - self._before
        tracemalloc.stop()


# Breaking off


@pytest.mark.parametrize("honest", [answer(), chunked(ME[:9], ME[9:])], ids=["length", "chunks"])
async def test_an_answer_that_ends_at_any_byte_is_whole_or_an_error(server, connect, honest):
    outcomes: list[bool] = []
    async with connect(server, timeout=5) as client:
        for offset in range(len(honest) + 1):
            end = (Sleep(0.002), Reset()) if offset % 2 else ()
            server.play(Request(), honest[:offset], *end)
            with anyio.fail_after(5):
                try:
                    user = await client.users.me()
                except APIConnectionError as error:
                    assert error.request_sent  # noqa: PT017 - whole or not is what is asked
                    outcomes.append(False)
                else:
                    assert (user.id, user.email) == (1, "ada@example.com")
                    outcomes.append(True)
    whole = outcomes.index(True)
    assert whole >= len(honest) - len(b"0\r\n\r\n")
    assert not any(outcomes[:whole])
    assert outcomes[-1]


async def test_an_answer_without_a_length_that_closes_early_is_no_model(server, connect):
    head = b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n"
    async with connect(server, timeout=5) as client:
        for offset in range(len(ME)):
            server.play(Request(), head + ME[:offset])
            with anyio.fail_after(5), pytest.raises(DecodeError) as caught:
                await client.users.me()
            assert caught.value.malformed


@pytest.mark.parametrize("offset", range(0, len(answer()), 20))
async def test_a_call_that_must_not_be_repeated_arrives_once_wherever_its_answer_breaks(
    server: EvilServer, connect: Connect, offset: int
):
    server.play(Request(), answer()[:offset], Sleep(0.002), Reset())
    async with connect(server, timeout=5, retry=QUICK) as client:
        with anyio.fail_after(5), pytest.raises(APIConnectionError):
            await client.users.create("a@b.example", full_name="A")
    assert [head.split()[0] for head in server.heads] == [b"POST", b"GET"]


@pytest.mark.parametrize(
    "part",
    [answer()[:-1], answer()[:-70], chunked(ME)[:-5], chunked(ME)[:-40]],
    ids=["last byte", "head only", "last chunk", "inside a chunk"],
)
async def test_a_body_that_stalls_is_a_timeout(server: EvilServer, connect: Connect, part: bytes):
    server.play(Request(), part, Silence())
    async with connect(server) as client:
        with anyio.fail_after(3), pytest.raises(APITimeoutError):
            await client.users.me()


async def test_a_body_that_comes_byte_by_byte_is_read(server: EvilServer, connect: Connect):
    server.play(Request(), answer()[:-40], Drip(answer()[-40:], 0.005))
    async with connect(server) as client:
        with anyio.fail_after(5):
            assert (await client.users.me()).id == 1


# Lying about the length


async def test_a_body_longer_than_its_length_spoils_no_later_answer(server, connect, wire):
    server.play(Request(), answer() + b"<br>Warning: something in PHP", Sleep(0.3))
    async with connect(server) as client:
        try:
            assert (await client.users.me()).id == 1
        except APIConnectionError:
            assert wire == "aiohttp"  # which takes the answer itself for spoilt
        assert (await client.users.create("a@b.example", full_name="A")).id == 1


async def test_a_second_answer_that_nobody_asked_for_answers_nothing(server, connect):
    """The next call must not be given what was sent before it asked."""
    other = answer(b'{"success": {"id": 666, "name": "Mallory"}}')
    server.play(Request(), answer() + other, Sleep(0.3))
    async with connect(server) as client:
        assert (await client.users.me()).id == 1
        assert (await client.users.create("a@b.example", full_name="A")).id == 1


@pytest.mark.parametrize("length", [1, len(ME) - 1])
async def test_a_length_that_is_too_short_is_no_model(server, connect, length):
    server.play(Request(), answer().replace(b"%d" % len(ME), b"%d" % length), Sleep(0.05))
    async with connect(server) as client:
        with anyio.fail_after(3), pytest.raises((DecodeError, APIConnectionError)):
            await client.users.me()


@pytest.mark.parametrize(
    "body",
    [
        b"zz\r\n{}\r\n0\r\n\r\n",
        b"-2\r\n{}\r\n0\r\n\r\n",
        b"2\r\n{}XX0\r\n\r\n",
        b"5\r\n{}\r\n0\r\n\r\n",
        b"1\r\n{}\r\n0\r\n\r\n",
        b"f" * 100 + b"\r\n{}\r\n0\r\n\r\n",
        b"\r\n\r\n",
    ],
    ids=lambda body: repr(body)[:40],
)
async def test_bad_chunks_are_our_error(server: EvilServer, connect: Connect, body: bytes):
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    server.play(Request(), head + body, Sleep(0.05))
    async with connect(server) as client:
        with anyio.fail_after(3), pytest.raises((APIConnectionError, DecodeError)):
            await client.request("GET", "/x.json")


async def test_a_chunk_that_says_too_much_is_read_or_our_error(server, connect):
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    server.play(Request(), head + b"2;" + b"x" * 1_000_000 + b"\r\n{}\r\n0\r\n\r\n", Sleep(0.05))
    async with connect(server, timeout=5) as client:
        with anyio.fail_after(6):
            try:
                assert await client.request("GET", "/x.json") == {}
            except APIConnectionError as error:
                assert not isinstance(error, APITimeoutError)  # noqa: PT017 - both are good


# Compression


@pytest.mark.parametrize("encoding", [b"gzip", b"deflate"])
@pytest.mark.parametrize(
    "body", [b"", b"\x1f\x8b", gzip.compress(ME)[:-20], b"\x1f\x8b" + ME], ids=len
)
async def test_compression_that_lies_is_a_decode_error(server, connect, encoding, body):
    server.play(Request(), answer(body, b"Content-Encoding: " + encoding))
    async with connect(server) as client:
        with anyio.fail_after(3), pytest.raises(DecodeError) as caught:
            await client.users.me()
    assert caught.value.malformed


@pytest.mark.parametrize(
    ("encoding", "body"),
    [(b"gzip", BOMB), (b"deflate", bomb(b"\x78\x9c", 1024)), (b"deflate", bomb(b"", 1024))],
    ids=["gzip", "deflate", "raw deflate"],
)
async def test_a_body_that_explodes_is_too_large_and_takes_little_memory(
    server: EvilServer, connect: Connect, encoding: bytes, body: bytes
):
    assert len(body) < 2 * MEBIBYTE
    server.play(Request(), answer(body, b"Content-Encoding: " + encoding))
    async with connect(server, timeout=10) as client:
        with Peak() as peak, anyio.fail_after(20), pytest.raises(ResponseTooLargeError) as caught:
            await client.users.me()
    assert caught.value.max_bytes == 64 * MEBIBYTE
    assert peak.bytes < 80 * MEBIBYTE


async def test_an_error_that_explodes_is_still_that_error(server: EvilServer, connect: Connect):
    server.play(Request(), answer(BOMB, b"Content-Encoding: gzip", status=b"403 Forbidden"))
    async with connect(server, timeout=10) as client:
        with Peak() as peak, anyio.fail_after(20), pytest.raises(APIStatusError, match="403"):
            await client.users.me()
    assert peak.bytes < 32 * MEBIBYTE


async def test_encodings_within_encodings_are_not_unpacked(server: EvilServer, connect: Connect):
    server.play(Request(), answer(NESTED_BOMB, b"Content-Encoding: gzip, gzip"))
    async with connect(server, timeout=10) as client:
        with Peak() as peak, anyio.fail_after(20), pytest.raises(DecodeError):
            await client.users.me()
    assert peak.bytes < 16 * MEBIBYTE


async def test_a_body_that_is_all_but_the_limit_is_read(server: EvilServer, connect: Connect):
    padded = ME + b" " * (100_000 - len(ME))
    async with connect(server, max_response_bytes=100_000, timeout=5) as client:
        for body in (padded, padded + b" "):
            zipped = answer(gzip.compress(body), b"Content-Encoding: gzip")
            for whole in (zipped, answer(body)):
                server.play(Request(), whole)
                if body is padded:
                    assert (await client.users.me()).id == 1
                else:
                    with pytest.raises(ResponseTooLargeError):
                        await client.users.me()
                await anyio.sleep(0.05)  # the connection closes


async def test_a_body_without_end_is_too_large(server: EvilServer, connect: Connect):
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    server.play(Request(), head, Flood(b"10000\r\n" + bytes(0x10000) + b"\r\n"))
    async with connect(server, max_response_bytes=4 * MEBIBYTE, timeout=5) as client:
        with Peak() as peak, anyio.fail_after(20), pytest.raises(ResponseTooLargeError):
            await client.users.me()
    assert peak.bytes < 16 * MEBIBYTE


@pytest.mark.parametrize("anyio_backend", ["asyncio", "trio"])
async def test_thousands_of_tiny_chunks_take_no_more_than_a_large_one(anyio_backend: str):
    class Chunks(httpx.AsyncByteStream):
        def __init__(self, size: int) -> None:
            self._size = size

        async def __aiter__(self) -> AsyncIterator[bytes]:
            for number in range(200_000 // self._size):
                yield b"%02d" % (number % 100) * (self._size // 2)  # each a bytes of its own

    async def peak_with(size: int) -> int:
        transport = httpx.MockTransport(lambda request: httpx.Response(200, stream=Chunks(size)))
        async with AsyncClient("http://localhost", transport=transport, retry=ONCE) as client:
            with Peak() as peak, pytest.raises(DecodeError):
                await client.users.me()
        return peak.bytes

    assert await peak_with(2) < 2 * await peak_with(50_000)


# Downloads


async def test_a_download_that_ends_at_any_byte_is_whole_or_an_error(server, connect, tmp_path):
    file = bytes(range(40))
    honest = answer(file)
    async with connect(server, timeout=5) as client:
        for offset in range(len(honest)):
            server.play(Request(), honest[:offset], Sleep(0.002), Reset())
            with anyio.fail_after(5), pytest.raises(APIConnectionError):
                await client.files.download("/f", tmp_path / "f")
            assert list(tmp_path.iterdir()) == []
        server.play(Request(), honest)
        assert await client.files.download("/f", tmp_path / "f") == len(file)
    assert (tmp_path / "f").read_bytes() == file


@pytest.mark.parametrize(
    ("encoding", "compress"),
    [
        (b"gzip", gzip.compress),
        (b"deflate", zlib.compress),
        (b"deflate", lambda data: zlib.compress(data)[2:-4]),
    ],
    ids=["gzip", "deflate", "raw deflate"],
)
async def test_a_download_that_comes_compressed_all_the_same_is_unpacked(
    server: EvilServer, connect: Connect, tmp_path: Path, encoding: bytes, compress
):
    file = json.dumps(list(range(100_000))).encode() * 3
    server.play(Request(), answer(compress(file), b"Content-Encoding: " + encoding))
    told: list[int | None] = []
    async with connect(server, timeout=5) as client:
        size = await client.files.download(
            "/f", tmp_path / "f", on_progress=lambda done, total: told.append(total)
        )
    assert size == len(file)
    assert (tmp_path / "f").read_bytes() == file
    assert set(told) == {None}  # its length says nothing of the file's


@pytest.mark.parametrize(
    "body",
    [gzip.compress(bytes(1000))[:-9], b"\x1f\x8b", b"plain", b""],
    ids=["cut", "head", "plain", "empty"],
)
async def test_a_compressed_download_that_is_cut_short_or_none_is_no_file(
    server: EvilServer, connect: Connect, tmp_path: Path, body: bytes
):
    server.play(Request(), answer(body, b"Content-Encoding: gzip"))
    async with connect(server) as client:
        with anyio.fail_after(5), pytest.raises(APIConnectionError, match="damaged"):
            await client.files.download("/f", tmp_path / "f")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("encoding", [b"gzip", b"gzip, gzip"])
async def test_a_download_that_explodes_takes_little_memory_and_leaves_no_file(
    server: EvilServer, connect: Connect, tmp_path: Path, encoding: bytes
):
    body = BOMB if encoding == b"gzip" else NESTED_BOMB
    server.play(Request(), answer(body, b"Content-Encoding: " + encoding))
    async with connect(server, timeout=10) as client:
        with Peak() as peak, anyio.fail_after(30):
            try:
                size = await client.files.download("/f", tmp_path / "f", max_bytes=8 * MEBIBYTE)
            except ResponseTooLargeError:
                assert list(tmp_path.iterdir()) == []
            else:
                assert size == len(NESTED_BOMB)  # not unpacked, so as it came
    assert peak.bytes < 24 * MEBIBYTE


async def test_a_download_that_stalls_is_a_timeout(server, connect, tmp_path):
    server.play(Request(), answer(bytes(1000))[:-5], Silence())
    async with connect(server) as client:
        with anyio.fail_after(3), pytest.raises(APITimeoutError):
            await client.files.download("/f", tmp_path / "f")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("status", [b"404 Not Found", b"500 Sorry"])
async def test_a_refused_download_says_what_the_server_says_even_compressed(
    server: EvilServer, connect: Connect, tmp_path: Path, status: bytes
):
    error = gzip.compress(b'{"error": {"code": 404, "message": "gone fishing"}}')
    server.play(Request(), answer(error, b"Content-Encoding: gzip", status=status))
    async with connect(server) as client:
        with pytest.raises(APIStatusError, match="gone fishing"):
            await client.files.download("/f", tmp_path / "f")
