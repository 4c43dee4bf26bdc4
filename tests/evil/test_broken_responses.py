"""Responses that stall, break, lie or explode, or are not HTTP, and files of others."""

import gzip
import itertools
import json
import logging
import os
import resource
import sys
import tracemalloc
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any

import anyio
import httpx
import pytest
from quick import QUICK
from server import (
    DRAIN,
    HEAD,
    IN_CHUNKS,
    ME,
    ONCE,
    REQUEST,
    RESET,
    SERVE,
    SILENCE,
    answer,
    chunked,
    create,
    drip,
    failure,
    flood,
    sleep,
)

import useresponse_async as ur

pytestmark = pytest.mark.anyio

KEY = "evil-key"
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


@contextmanager
def peak_memory() -> Iterator[list[int]]:
    """Append how many bytes Python took at most in the block."""
    peaks: list[int] = []
    tracemalloc.start()
    try:
        yield peaks
        peaks.append(tracemalloc.get_traced_memory()[1])
    finally:
        tracemalloc.stop()


OK = b"HTTP/1.1 200 OK\r\n"
GONE = b"HTTP/1.1 404 Gone\r\n"
NO_LENGTH = OK + b"Connection: close\r\n\r\n"
EITHER = (ur.DecodeError, ur.APIConnectionError)
ANY = (ur.APIStatusError, ur.APIConnectionError)
BROKEN = {
    "is early silence": (ur.APITimeoutError, SILENCE),
    "is a reset": (ur.APIConnectionError, RESET),
    "is a close": (ur.APIConnectionError,),
    "is silence": (ur.APITimeoutError, SILENCE),
    "stalls in the head": (ur.APITimeoutError, *drip(answer()[:30], 0.001), SILENCE),
    "stalls after the head": (ur.APITimeoutError, answer()[:-70], SILENCE),
    "stalls at the last byte": (ur.APITimeoutError, answer()[:-1], SILENCE),
    "stalls inside a chunk": (ur.APITimeoutError, chunked(ME)[:-40], SILENCE),
    "stalls before the last chunk": (ur.APITimeoutError, chunked(ME)[:-5], SILENCE),
    "is an upgrade": (ANY, OK.replace(b"200", b"101") + b"Upgrade: h2c\r\n\r\n", SILENCE),
    **{
        f"ends at {offset} without a length": (ur.DecodeError, NO_LENGTH + ME[:offset])
        for offset in (0, 1, 9, len(ME) - 1)
    },
    **{
        f"has a length of {n}": (EITHER, answer().replace(b"%d" % len(ME), b"%d" % n), sleep(0.05))
        for n in (1, len(ME) - 1)
    },
    **{
        f"is in bad chunks {body[:12]!r}": (EITHER, IN_CHUNKS + body, sleep(0.05))
        for body in (
            b"zz\r\n{}\r\n0\r\n\r\n", b"-2\r\n{}\r\n0\r\n\r\n", b"2\r\n{}XX0\r\n\r\n",
            b"5\r\n{}\r\n0\r\n\r\n", b"1\r\n{}\r\n0\r\n\r\n",
            b"f" * 100 + b"\r\n{}\r\n0\r\n\r\n", b"\r\n\r\n",
        )
    },
    **{
        f"is no {how[18:]!r} of {len(body)}": (ur.DecodeError, answer(body, how))
        for how in (GZIP, DEFLATE)
        for body in (b"", b"\x1f\x8b", gzip.compress(ME)[:-20], b"\x1f\x8b" + ME)
    },
    **{
        f"is no HTTP {body[:19]!r} of {len(body)}": (ur.APIConnectionError, body)
        for body in (
            b"\x00\x01\x02\x03\r\n\r\n", b"SSH-2.0-OpenSSH_9.6\r\n", b"220 mail.ex ESMTP\r\n\r\n",
            b"{}\r\n\r\n", b"HTTP/1.1 OK\r\n\r\n{}", b"HTTP/1.1 2000 OK\r\n\r\n{}",
            b"\r\n" * 100_000, OK + b"no colon\r\n\r\n{}", OK + b"Content-Length: -1\r\n\r\n{}",
            OK + b"Content-Length: x\r\n\r\n{}", OK + b"X: a\x00b\r\nContent-Length: 2\r\n\r\n{}",
            OK + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\n{}",
            OK + b"Content-Length: " + b"9" * 5000 + b"\r\n\r\n{}",
        )
    },
    # Some libraries forgive these.
    "is HTTP/9.9": (ANY, b"HTTP/9.9 404 No\r\n\r\n{}"),
    "is in no encoding": (ANY, GONE + b"Transfer-Encoding: nonsense\r\n\r\n{}"),
    "is in a long chunk": (
        ANY, GONE + IN_CHUNKS[17:] + b"2;" + b"x" * 1_000_000 + b"\r\n{}\r\n0\r\n\r\n"
    ),
    "is in a bad chunk later": (
        EITHER, IN_CHUNKS + b"1\r\n{\r\n", sleep(0.05), b"no\r\nmore\r\n", SILENCE
    ),
    "has 100,000 headers": (
        ur.APIConnectionError, OK + b"".join(b"X-%d: y\r\n" % n for n in range(100_000)), SILENCE
    ),
    "has a long header": (ur.APIConnectionError, OK + b"X: " + b"y" * 10_000_000, SILENCE),
    "has a long status": (ur.APIConnectionError, b"H" * 10_000_000, SILENCE),
    "has a long reason": (ur.APIConnectionError, OK[:-4] + b"O" * 10_000_000, SILENCE),
}  # fmt: skip


@pytest.mark.every_loop
@pytest.mark.parametrize("which", BROKEN)
async def test_a_broken_response_raises_a_typed_error(server, connect, which):
    kind, *steps = BROKEN[which]
    heard = which != "is early silence"
    server.play(*[REQUEST] * heard, *steps)
    may_stall = kind not in (ur.APIConnectionError, ur.DecodeError)
    timeout = httpx.Timeout(10, read=0.25 if may_stall else 10)
    async with connect(server, timeout=timeout, retry=QUICK) as client:
        error = await failure(client.request("POST", "/x.json"), kind)
    if not isinstance(kind, tuple):
        assert isinstance(error, ur.APITimeoutError) is (kind is ur.APITimeoutError)
    assert getattr(error, "malformed", True)
    assert getattr(error, "request_sent", True)
    # What may have been processed is sent once.
    assert [head.split()[0] for head in server.heads] == [b"POST"] * heard + [b"GET"]
    assert server.sent < 10_000_000  # the rest of a long head was never taken


COMPLETE = {"length": answer(), "chunks": chunked(ME[:9], ME[9:]), "download": answer(ME)}


@pytest.mark.parametrize("how", COMPLETE)
@pytest.mark.every_loop
async def test_a_response_that_ends_at_any_byte_is_complete_or_raises(
    server, connect, tmp_path, how
):
    honest = COMPLETE[how]
    needed = len(honest) - len(b"0\r\n\r\n") * (how == "chunks")
    async with connect(server) as client:
        for offset in range(len(honest) + 1):
            server.play(REQUEST, honest[:offset], *[sleep(0.002), RESET] * (offset % 2))
            try:
                if how == "download":
                    assert await client.files.download("/f", tmp_path / "f") == len(ME)
                else:
                    assert (await client.users.me()).email == "ada@example.com"
            except ur.APIConnectionError as error:
                assert error.request_sent  # noqa: PT017 - both outcomes are good
                assert not isinstance(error, ur.APITimeoutError)  # noqa: PT017
                assert offset < len(honest)
                assert list(tmp_path.iterdir()) == []
            else:
                assert offset >= needed
    if how == "download":
        assert (tmp_path / "f").read_bytes() == ME


async def test_a_slow_or_late_head_is_read(server, connect):
    hints = b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n" * 500
    server.play(REQUEST, hints, *drip(answer(ME, CLOSE), 0.001))
    async with connect(server) as client:
        assert (await client.users.me()).name == "Ada Lovelace"


async def test_an_upload_to_a_server_that_does_not_read_ends_and_leaves_no_file_open(
    server, connect, tmp_path, collect
):
    path = tmp_path / "a"
    path.write_bytes(bytes(20_000_000))
    server.play(HEAD, sleep(0.6), DRAIN)
    async with connect(server, timeout=httpx.Timeout(5, write=0.25)) as client:
        await failure(client.files.upload(ur.Attachment.from_path(path)), ur.APITimeoutError)
    assert server.drained < 10_000_000  # no task continued to send
    collect()  # a file that is open warns


@pytest.mark.every_loop
@pytest.mark.parametrize("more", [b"<br>Warning: in PHP", answer(b'{"success": {"id": 666}}')])
async def test_more_than_the_response_does_not_affect_the_next_one(server, connect, wire, more):
    server.play(REQUEST, answer() + more, sleep(0.3))
    async with connect(server) as client:
        try:
            assert (await client.users.me()).id == 1
        except ur.APIConnectionError:
            assert wire == "aiohttp"  # which rejects the response itself
        assert (await create(client)).id == 1


# Decompression bombs

EXPLOSIVE = {
    "gzip": ((answer(BOMB, GZIP),), ur.ResponseTooLargeError, 80),
    "deflate": ((answer(bomb(b"\x78\x9c", 1024), DEFLATE),), ur.ResponseTooLargeError, 80),
    "raw deflate": ((answer(bomb(b"", 1024), DEFLATE),), ur.ResponseTooLargeError, 80),
    "an error": ((answer(BOMB, GZIP, status=b"403 Forbidden"),), ur.APIStatusError, 32),
    # Encodings within encodings are not unpacked.
    "nested": ((answer(NESTED_BOMB, b"Content-Encoding: gzip, gzip"),), ur.DecodeError, 16),
    "endless": ((IN_CHUNKS, flood(b"10000\r\n" + bytes(0x10000) + b"\r\n")),
        ur.ResponseTooLargeError, 80),
    "a download": ((answer(BOMB, GZIP, CLOSE),), ur.ResponseTooLargeError, 24),
}  # fmt: skip


@pytest.mark.parametrize("which", EXPLOSIVE)
async def test_a_body_that_explodes_or_never_ends_raises_and_takes_little_memory(
    server, connect, tmp_path, which
):
    steps, kind, mebibytes = EXPLOSIVE[which]
    server.play(REQUEST, *steps)
    async with connect(server, timeout=10) as client:
        with peak_memory() as peaks:
            if which == "a download":
                download = client.files.download("/f", tmp_path / "f", max_bytes=8 * MEBIBYTE)
                await failure(download, kind, match=str(8 * MEBIBYTE))
            else:
                error = await failure(client.users.me(), kind)
                assert getattr(error, "max_bytes", 64 * MEBIBYTE) == 64 * MEBIBYTE
    assert peaks[0] < mebibytes * MEBIBYTE
    assert list(tmp_path.iterdir()) == []


async def test_a_body_of_exactly_the_limit_is_read(server, connect):
    async with connect(server, max_response_bytes=100_000) as client:
        for size in (100_000, 100_001):
            body = ME.ljust(size)
            for whole in (answer(gzip.compress(body), GZIP, CLOSE), answer(body, CLOSE)):
                server.play(REQUEST, whole)
                if size == 100_000:
                    assert (await client.users.me()).id == 1
                else:
                    await failure(client.users.me(), ur.ResponseTooLargeError)


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_thousands_of_tiny_chunks_take_no_more_than_a_large_one():
    async def chunks(size):
        for number in range(100_000 // size):
            yield b"%02d" % (number % 100) * (size // 2)  # each a bytes of its own

    async def peak_with(size):
        transport = httpx.MockTransport(lambda _: httpx.Response(200, content=chunks(size)))
        async with ur.AsyncClient("http://localhost", transport=transport, retry=ONCE) as client:
            with peak_memory() as peaks:
                await failure(client.users.me(), ur.DecodeError)
        return peaks[0]

    assert await peak_with(2) < 2 * await peak_with(50_000)


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_a_body_that_the_transport_has_decompressed_is_read():
    packed = httpx.Response(200, headers={"Content-Encoding": "gzip"}, content=gzip.compress(ME))
    transport = httpx.MockTransport(lambda _: packed)
    async with ur.AsyncClient("http://localhost", transport=transport, retry=ONCE) as client:
        assert (await client.users.me()).id == 1


@pytest.mark.parametrize("how", [GZIP, DEFLATE])
async def test_a_204_that_names_a_compression_is_a_success(server, connect, how):
    empty = b"HTTP/1.1 204 No Content\r\n" + how + b"\r\n"
    heads = (empty + b"\r\n", empty + b"Content-Length: 0\r\n\r\n")
    server.play(*[step for head in heads for step in [REQUEST, head] * 2], SERVE)
    async with connect(server) as client:
        for _ in range(2):
            assert await client.request("DELETE", "/x.json") is None
            assert await client.request("POST", "/x.json") is None


# Downloads

PACKED = {
    "gzip": (answer(gzip.compress(FILE), GZIP), FILE),
    "deflate": (answer(zlib.compress(FILE), DEFLATE), FILE),
    "raw deflate": (answer(zlib.compress(FILE)[2:-4], DEFLATE), FILE),
    "no body, of any name": (answer(b"", GZIP), b""),
    "gzip in gzip, which is not unpacked": (answer(NESTED_BOMB, GZIP + b", gzip"), NESTED_BOMB),
}


@pytest.mark.parametrize("how", PACKED)
async def test_a_compressed_download_is_decompressed(server, connect, tmp_path, how):
    response, file = PACKED[how]
    server.play(REQUEST, response)
    shown: list[Any] = []
    async with connect(server) as client:
        await client.files.download("/f", tmp_path / "f", on_progress=lambda *it: shown.append(it))
    assert (tmp_path / "f").read_bytes() == file
    # The length of what was compressed is not that of the file.
    assert shown[-1:] == ([(len(file), None if file is FILE else len(file))] if file else [])


ERROR = gzip.compress(b'{"error": "gone fishing"}')
DAMAGED = (b"plain", gzip.compress(bytes(1000))[:-9])
FAILED = {
    **{f"of {len(it)}": (answer(it, GZIP), ur.APIConnectionError, "damaged") for it in DAMAGED},
    "of unknown length": (NO_LENGTH[:-2] + GZIP + b"\r\n\r\n", ur.APIConnectionError, "damaged"),
    "stalled": (answer(bytes(1000))[:-5], ur.APITimeoutError, "read timeout"),
    "404": (answer(ERROR, GZIP, status=b"404 Not Found"), ur.APIStatusError, "404 gone fishing"),
    "500": (answer(ERROR, GZIP, status=b"500 Sorry"), ur.APIStatusError, "500 gone fishing"),
}


@pytest.mark.parametrize("how", FAILED)
async def test_a_failed_download_names_the_reason_and_leaves_no_file(
    server, connect, tmp_path, how
):
    whole, kind, message = FAILED[how]
    server.play(REQUEST, whole, *([SILENCE] if kind is ur.APITimeoutError else []))
    timeout = httpx.Timeout(5, read=0.25 if kind is ur.APITimeoutError else 5)
    async with connect(server, timeout=timeout) as client:
        error = await failure(client.files.download("/f", tmp_path / "f"), kind, match=message)
    assert (error.method, error.path) == ("GET", "/f")
    assert getattr(error, "request_sent", True)
    place = server.url.removeprefix("http://")
    assert getattr(error, "host", place) == place
    assert list(tmp_path.iterdir()) == []


# Files of others, symbolic links, and files that cannot be opened

FILES = [b"a" * 300_000, b"b" * 300_000]


@pytest.fixture
async def download(server, connect):
    async with connect(server) as client:
        yield client.files.download


@pytest.mark.every_loop
@pytest.mark.parametrize("overwrite", [False, True])
async def test_two_downloads_to_one_path_do_not_mix(server, download, tmp_path, overwrite):
    for file in FILES:
        whole = answer(file)
        server.play(REQUEST, whole[:150_000], sleep(0.05), whole[150_000:])
    target = tmp_path / "copy"
    outcomes = []

    async def download_one() -> None:
        try:
            outcomes.append(await download("/f", target, overwrite=overwrite))
        except (FileExistsError, ur.ArgumentError) as error:
            outcomes.append(type(error))

    async with anyio.create_task_group() as group:
        for _ in FILES:
            group.start_soon(download_one)
    # Without overwriting, only one of them may say that its file is there.
    assert outcomes.count(300_000) == (2 if overwrite else 1)
    assert target.read_bytes() in FILES
    assert list(tmp_path.iterdir()) == [target]


@pytest.mark.every_loop
async def test_a_download_to_a_full_disk_can_be_cancelled(server, connect, tmp_path):
    server.play(REQUEST, answer(bytes(2000))[:-1000], SILENCE)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    async with connect(server) as client:
        with anyio.CancelScope() as scope:
            resource.setrlimit(resource.RLIMIT_FSIZE, (0, limits[1]))
            try:
                await client.files.download(
                    "/f", tmp_path / "f", on_progress=lambda *_: scope.cancel()
                )
            finally:
                resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        assert scope.cancelled_caught
    assert list(tmp_path.iterdir()) == []


@pytest.mark.every_loop
async def test_a_part_file_of_another_program_stays_and_no_symbolic_link_is_followed(
    server, download, tmp_path
):
    victim, part, target = (tmp_path / name for name in ("victim", "copy.part", "copy"))
    victim.write_bytes(b"precious")
    part.symlink_to(victim)
    server.play(REQUEST, RESET)
    await failure(download("/f", target))
    assert not target.exists()
    target.symlink_to(victim)
    server.otherwise = answer(b"new")
    await download("/f", target, overwrite=True)
    assert (target.is_symlink(), part.is_symlink()) == (False, True)
    assert (target.read_bytes(), victim.read_bytes()) == (b"new", b"precious")
    server.otherwise = answer()


@pytest.mark.every_loop
async def test_a_file_that_appears_meanwhile_is_not_replaced(server, download, tmp_path):
    names = []

    def appear(done: int, total: int | None) -> None:
        names.extend(path.name for path in tmp_path.iterdir())
        (tmp_path / "copy").write_bytes(b"mine")

    for _ in range(2):
        with pytest.raises(FileExistsError):
            await download("/f", tmp_path / "copy", on_progress=appear)
        assert (tmp_path / "copy").read_bytes() == b"mine"
        (tmp_path / "copy").unlink()
    assert list(tmp_path.iterdir()) == []
    assert len(set(names)) == 2  # a new and unpredictable name each time
    assert not any("copy" in name for name in names)


@pytest.mark.every_loop
@pytest.mark.parametrize("to", ["", ".", "..", "folder", "folder/", "a\0b", "folder/.."])
async def test_an_invalid_target_raises_an_argument_error(
    server, download, monkeypatch, tmp_path, to
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder").mkdir()
    for path, overwrite in product((to, Path(to)), (False, True)):
        with pytest.raises(ur.ArgumentError, match=r"^to: "):
            await download("/f", path, overwrite=overwrite)
    assert not server.heads


NAMES = [
    "", " ", ".", "..", "a\nb", "a\rb", "a\tb", "a\x1b[31m", "a\x7f", "a\x9b", "a\u202egpj.exe",
    "a\u2066b", "a\u200fb", "a\u061cb", "a\u2028b", "a/b", "a\\b", "\ud800", "x" * 5000,
    "\u00e9" * 200, "../../etc/passwd",
]  # fmt: skip


def test_an_invalid_file_name_raises():
    for name in NAMES:
        for make in (
            partial(ur.Attachment.from_bytes, name, b""),
            partial(ur.Attachment.from_path, "x", name=name or "/"),
            partial(ur.Attachment.from_file, None, name=name),
        ):
            with pytest.raises(ur.ArgumentError, match="name"):
                make()
    for name in ("photo.jpg", "Ünïcödé 文字.txt", "a b", ".hidden", "x" * 255):
        assert ur.Attachment.from_bytes(name, b"").name == name


@pytest.mark.every_loop
@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no FIFOs here")
@pytest.mark.parametrize("by", ["attempt_timeout", "the caller's deadline"])
async def test_a_file_whose_opening_blocks_is_left(server, connect, tmp_path, by):
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    seconds, kind = (0.2, ur.APITimeoutError) if by == "attempt_timeout" else (60, TimeoutError)
    try:
        async with connect(server, attempt_timeout=seconds) as client:
            with anyio.fail_after(20), pytest.raises(kind) as caught:
                with anyio.fail_after(0.2 if kind is TimeoutError else 30):
                    await client.files.upload(ur.Attachment.from_path(fifo, name="a"))
            assert not getattr(caught.value, "request_sent", False)
            assert (client.in_flight, server.heads) == (0, [])
    finally:
        # The thread that was left behind ends, and closes what it gets: else that warns.
        os.close(os.open(fifo, os.O_RDWR | os.O_NONBLOCK))


# The key, echoed

ECHO = (b"X-Echo: evil-key", b"X-Echo: other", b"X-evil-key: x")
ECHO += (b"Set-Cookie: a=1", b"Set-Cookie: b=evil-key")


async def test_a_key_echoed_in_the_head_is_redacted(server, connect, caplog):
    caplog.set_level(logging.DEBUG)
    server.play(REQUEST, answer(ME, *ECHO, status=b"200 " + KEY.encode()))
    async with connect(server) as client:
        with client.capture_responses() as responses:
            await client.users.me()
    (response,) = responses
    shown = f"{response.headers.raw} {response.extensions} {response.reason_phrase} {caplog.text}"
    assert KEY not in shown
    assert response.headers.get_list("X-Echo") == ["***", "other"]
    assert response.headers.get_list("Set-Cookie") == ["a=1", "b=***"]


@pytest.mark.parametrize("anyio_backend", ["asyncio", "trio"])  # aiohttp takes few headers
async def test_thousands_of_headers_that_echo_the_key_cost_no_more_than_others(server, connect):
    """Counts calls and not seconds: a search for each header would be millions of them."""
    count = 4_000
    server.play(REQUEST, answer(ME, *(b"x%x: evil-key" % n for n in range(count))))
    calls = itertools.count()
    async with connect(server) as client:
        with client.capture_responses() as responses:
            before = sys.getprofile()
            sys.setprofile(lambda *_: next(calls))
            try:
                assert (await client.users.me()).id == 1
            finally:
                sys.setprofile(before)
    assert set(responses[0].headers.values()) - {str(len(ME))} == {"***"}
    assert next(calls) < 500 * count
