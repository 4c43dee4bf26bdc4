"""Response bodies that stall, break, lie or explode."""

import gzip
import json
import tracemalloc
import zlib

import anyio
import httpx
import pytest
from quick import QUICK
from server import (
    IN_CHUNKS,
    ME,
    ONCE,
    Flood,
    Request,
    Reset,
    Silence,
    Sleep,
    answer,
    chunked,
    create,
    failure,
)

from useresponse_async import (
    APIConnectionError,
    APIStatusError,
    APITimeoutError,
    AsyncClient,
    DecodeError,
    ResponseTooLargeError,
)

pytestmark = pytest.mark.anyio

MEBIBYTE = 1024 * 1024
CLOSE = b"Connection: close"
GZIP = b"Content-Encoding: gzip"
DEFLATE = b"Content-Encoding: deflate"
FILE = json.dumps(list(range(100_000))).encode()


def bomb(head: bytes, mebibytes: int) -> bytes:
    """Return so many mebibytes of zeros, compressed: one block, again and again."""
    compressor = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    block = compressor.compress(bytes(MEBIBYTE)) + compressor.flush(zlib.Z_FULL_FLUSH)
    return head + block * mebibytes + compressor.flush() + bytes(8)


BOMB = bomb(b"\x1f\x8b\x08" + bytes(7), 1024)
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
@pytest.mark.every_loop
async def test_a_response_that_ends_at_any_byte_is_complete_or_raises(server, connect, honest):
    outcomes: list[bool] = []
    async with connect(server, timeout=5) as client:
        for offset in range(len(honest) + 1):
            end = (Sleep(0.002), Reset()) if offset % 2 else ()
            server.play(Request(), honest[:offset], *end)
            with anyio.fail_after(5):
                try:
                    user = await client.users.me()
                except APIConnectionError as error:
                    assert error.request_sent  # noqa: PT017 - both outcomes are good
                    outcomes.append(False)
                else:
                    assert (user.id, user.email) == (1, "ada@example.com")
                    outcomes.append(True)
    whole = outcomes.index(True)
    assert whole >= len(honest) - len(b"0\r\n\r\n")
    assert not any(outcomes[:whole])
    assert outcomes[-1]


@pytest.mark.every_loop
async def test_a_call_that_is_not_idempotent_is_sent_once_wherever_its_response_breaks(
    server, connect
):
    async with connect(server, timeout=5, retry=QUICK) as client:
        for offset in range(0, len(answer()), 20):
            server.heads.clear()
            server.play(Request(), answer()[:offset], Sleep(0.002), Reset())
            await failure(create(client))
            assert [head.split()[0] for head in server.heads] == [b"POST"]


DECODED = (DecodeError, APIConnectionError)
NO_LENGTH = b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n"
BAD_BODIES = {
    "stalls at the last byte": (answer()[:-1], Silence(), APITimeoutError),
    "stalls after the head": (answer()[:-70], Silence(), APITimeoutError),
    "stalls before the last chunk": (chunked(ME)[:-5], Silence(), APITimeoutError),
    "stalls inside a chunk": (chunked(ME)[:-40], Silence(), APITimeoutError),
    **{
        f"ends at {offset} without a length": (NO_LENGTH + ME[:offset], Sleep(0), DecodeError)
        for offset in (0, 1, 9, len(ME) - 1)
    },
    **{
        f"has a length of {n}": (answer().replace(b"%d" % len(ME), b"%d" % n), Sleep(0.05), DECODED)
        for n in (1, len(ME) - 1)
    },
    **{
        f"is in bad chunks {body[:12]!r}": (IN_CHUNKS + body, Sleep(0.05), DECODED)
        for body in (
            b"zz\r\n{}\r\n0\r\n\r\n", b"-2\r\n{}\r\n0\r\n\r\n", b"2\r\n{}XX0\r\n\r\n",
            b"5\r\n{}\r\n0\r\n\r\n", b"1\r\n{}\r\n0\r\n\r\n",
            b"f" * 100 + b"\r\n{}\r\n0\r\n\r\n", b"\r\n\r\n",
        )
    },
    **{
        f"is no {how[18:]!r} of {len(body)}": (answer(body, how), Sleep(0), DecodeError)
        for how in (GZIP, DEFLATE)
        for body in (b"", b"\x1f\x8b", gzip.compress(ME)[:-20], b"\x1f\x8b" + ME)
    },
}  # fmt: skip


@pytest.mark.parametrize("which", BAD_BODIES)
async def test_an_invalid_body_raises_a_typed_error(server, connect, which):
    data, end, kind = BAD_BODIES[which]
    server.play(Request(), data, end)
    async with connect(server) as client:
        error = await failure(client.request("GET", "/x.json"), kind, within=3)
    assert kind is not DecodeError or error.malformed


@pytest.mark.every_loop
@pytest.mark.parametrize("more", [b"<br>Warning: in PHP", answer(b'{"success": {"id": 666}}')])
async def test_more_than_the_response_does_not_affect_the_next_one(server, connect, wire, more):
    server.play(Request(), answer() + more, Sleep(0.3))
    async with connect(server) as client:
        try:
            assert (await client.users.me()).id == 1
        except APIConnectionError:
            assert wire == "aiohttp"  # which rejects the response itself
        assert (await create(client)).id == 1


async def test_a_chunk_with_a_long_extension_is_read_or_raises(server, connect):
    long_extension = b"2;" + b"x" * 1_000_000 + b"\r\n{}\r\n0\r\n\r\n"
    server.play(Request(), IN_CHUNKS + long_extension, Sleep(0.05))
    async with connect(server, timeout=5) as client:
        with anyio.fail_after(6):
            try:
                assert await client.request("GET", "/x.json") == {}
            except APIConnectionError as error:
                assert not isinstance(error, APITimeoutError)  # noqa: PT017 - both are good


# Decompression bombs

EXPLOSIVE = {
    "gzip": (answer(BOMB, GZIP), ResponseTooLargeError, 80),
    "deflate": (answer(bomb(b"\x78\x9c", 1024), DEFLATE), ResponseTooLargeError, 80),
    "raw deflate": (answer(bomb(b"", 1024), DEFLATE), ResponseTooLargeError, 80),
    "an error": (answer(BOMB, GZIP, status=b"403 Forbidden"), APIStatusError, 32),
    # Encodings within encodings are not unpacked.
    "nested": (answer(NESTED_BOMB, b"Content-Encoding: gzip, gzip"), DecodeError, 16),
}


@pytest.mark.parametrize("which", EXPLOSIVE)
async def test_a_decompression_bomb_raises_and_takes_little_memory(server, connect, which):
    whole, kind, mebibytes = EXPLOSIVE[which]
    assert len(whole) < 2 * MEBIBYTE
    server.play(Request(), whole)
    async with connect(server, timeout=10) as client:
        with Peak() as peak:
            error = await failure(client.users.me(), kind, within=20)
    assert peak.bytes < mebibytes * MEBIBYTE
    if kind is ResponseTooLargeError:
        assert error.max_bytes == 64 * MEBIBYTE


async def test_a_body_of_exactly_the_limit_is_read(server, connect):
    padded = ME + b" " * (100_000 - len(ME))
    async with connect(server, max_response_bytes=100_000, timeout=5) as client:
        for body in (padded, padded + b" "):
            for whole in (answer(gzip.compress(body), GZIP, CLOSE), answer(body, CLOSE)):
                server.play(Request(), whole)
                if body is padded:
                    assert (await client.users.me()).id == 1
                else:
                    await failure(client.users.me(), ResponseTooLargeError)


async def test_an_endless_body_is_too_large(server, connect):
    server.play(Request(), IN_CHUNKS, Flood(b"10000\r\n" + bytes(0x10000) + b"\r\n"))
    async with connect(server, max_response_bytes=4 * MEBIBYTE, timeout=5) as client:
        with Peak() as peak:
            await failure(client.users.me(), ResponseTooLargeError, within=20)
    assert peak.bytes < 16 * MEBIBYTE


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_thousands_of_tiny_chunks_take_no_more_than_a_large_one():
    async def chunks(size):
        for number in range(100_000 // size):
            yield b"%02d" % (number % 100) * (size // 2)  # each a bytes of its own

    async def peak_with(size):
        transport = httpx.MockTransport(lambda _: httpx.Response(200, content=chunks(size)))
        async with AsyncClient("http://localhost", transport=transport, retry=ONCE) as client:
            with Peak() as peak:
                await failure(client.users.me(), DecodeError)
        return peak.bytes

    assert await peak_with(2) < 2 * await peak_with(50_000)


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_a_body_that_the_transport_has_decompressed_is_read():
    packed = httpx.Response(200, headers={"Content-Encoding": "gzip"}, content=gzip.compress(ME))
    transport = httpx.MockTransport(lambda _: packed)
    async with AsyncClient("http://localhost", transport=transport, retry=ONCE) as client:
        assert (await client.users.me()).id == 1


# Downloads


@pytest.mark.every_loop
async def test_a_download_that_ends_at_any_byte_is_complete_or_raises(server, connect, tmp_path):
    file = bytes(range(40))
    honest = answer(file)
    async with connect(server, timeout=5) as client:
        for offset in range(len(honest)):
            server.play(Request(), honest[:offset], Sleep(0.002), Reset())
            await failure(client.files.download("/f", tmp_path / "f"))
            assert list(tmp_path.iterdir()) == []
        server.play(Request(), honest)
        assert await client.files.download("/f", tmp_path / "f") == len(file)
    assert (tmp_path / "f").read_bytes() == file


PACKED = [(GZIP, gzip.compress(FILE)), (DEFLATE, zlib.compress(FILE))]
PACKED += [(DEFLATE, zlib.compress(FILE)[2:-4])]


@pytest.mark.parametrize(("encoding", "body"), PACKED, ids=["gzip", "deflate", "raw deflate"])
async def test_a_compressed_download_is_decompressed(server, connect, tmp_path, encoding, body):
    server.play(Request(), answer(body, encoding))
    told: list[int | None] = []
    async with connect(server, timeout=5) as client:
        size = await client.files.download(
            "/f", tmp_path / "f", on_progress=lambda done, total: told.append(total)
        )
    assert size == len(FILE)
    assert (tmp_path / "f").read_bytes() == FILE
    assert set(told) == {None}  # its length is not that of the file


@pytest.mark.parametrize(
    ("whole", "kind", "message"),
    [
        (answer(gzip.compress(bytes(1000))[:-9], GZIP), APIConnectionError, "damaged"),
        (answer(b"\x1f\x8b", GZIP), APIConnectionError, "damaged"),
        (answer(b"plain", GZIP), APIConnectionError, "damaged"),
        (answer(b"", GZIP), APIConnectionError, "damaged"),
        (answer(bytes(1000))[:-5], APITimeoutError, "."),
        *[(answer(gzip.compress(b'{"error": "gone fishing"}'), GZIP, status=status), APIStatusError,
            "gone fishing") for status in (b"404 Not Found", b"500 Sorry")],
    ],
    ids=["cut", "head", "plain", "empty", "stalled", "404", "500"],
)  # fmt: skip
async def test_a_failed_download_names_the_reason_and_leaves_no_file(  # noqa: PLR0917 - fixtures
    server, connect, tmp_path, whole, kind, message
):
    server.play(Request(), whole, *([Silence()] if kind is APITimeoutError else []))
    async with connect(server) as client:
        error = await failure(client.files.download("/f", tmp_path / "f"), kind, match=message)
    assert (error.method, error.path) == ("GET", "/f")
    assert getattr(error, "request_sent", True)
    place = server.url.removeprefix("http://")
    assert getattr(error, "host", place) == place
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("body", [BOMB, NESTED_BOMB], ids=["gzip", "nested"])
async def test_a_decompression_bomb_in_a_download_takes_little_memory_and_leaves_no_file(
    server, connect, tmp_path, body
):
    nested = body is NESTED_BOMB  # which is not unpacked
    server.play(Request(), answer(body, GZIP + b", gzip" * nested))
    async with connect(server, timeout=10) as client:
        with Peak() as peak, anyio.fail_after(30):
            call = client.files.download("/f", tmp_path / "f", max_bytes=8 * MEBIBYTE)
            if nested:
                assert await call == len(NESTED_BOMB)
            else:
                await failure(call, ResponseTooLargeError, within=30)
    assert len(list(tmp_path.iterdir())) == nested
    assert peak.bytes < 24 * MEBIBYTE
