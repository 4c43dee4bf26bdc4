"""Files that are sent and received: in pieces, complete or not at all."""

import base64
import gzip
import io
import os
import tracemalloc
from pathlib import Path
from typing import Any
from unittest.mock import AsyncMock

import anyio
import httpx
import pytest
from quick import client_of

import useresponse_async as ur
from useresponse_async.sandbox import Sandbox

pytestmark = [pytest.mark.anyio, pytest.mark.every_loop]

UPLOADED = '{"success": {"token": "t1", "url": "/files/t1"}}'


def offer(sandbox: Sandbox, content: str | bytes = "hello", **options: Any) -> None:
    sandbox.answer_next(content, media_type="text/plain", **options)


async def test_a_file_of_bytes_is_uploaded_and_sent_again_completely_after_a_503(client, sandbox):
    sandbox.fail_next(503)
    sandbox.answer_next(UPLOADED)
    uploaded = await client.files.upload(ur.Attachment.from_bytes("a.txt", b"hello"))
    assert uploaded == ur.UploadedFile(token="t1", name="a.txt", url="/files/t1")
    assert sandbox.arrivals == 2
    for sent in sandbox.requests:
        assert (sent.method, sent.path) == ("POST", "/api/3.0/upload-file.json")
        assert sent.json() == {"name": "a.txt", "content": "aGVsbG8="}
        assert sent.headers["Content-Length"] == "37"


async def test_a_file_at_a_path_is_uploaded_completely(client, sandbox, tmp_path):
    path = tmp_path / "photo ü.jpg"
    for size in (0, 1, 2, 3, 4, 196_607, 196_608, 196_609, 1_000_000):
        data = (bytes(range(251)) * 4_000)[:size]
        path.write_bytes(data)
        sandbox.answer_next(UPLOADED)
        await client.files.upload(ur.Attachment.from_path(path))
        body = sandbox.requests[-1].json()
        assert body["name"] == "photo ü.jpg"
        assert base64.b64decode(body["content"]) == data


async def test_an_open_file_is_read_from_its_beginning_by_concurrent_calls_and_stays_open(
    client, sandbox, tmp_path
):
    data = bytes(i * 7 % 251 for i in range(600_000))
    (tmp_path / "a").write_bytes(data)
    sandbox.answer_next(UPLOADED, times=6)
    async with await anyio.open_file(tmp_path / "a", "rb") as file:
        await file.read(2)
        attachment = ur.Attachment.from_file(file, name="b")
        async with anyio.create_task_group() as tasks:
            for _ in range(6):
                tasks.start_soon(client.files.upload, attachment)
        assert not file.wrapped.closed
    sent = [request.json() for request in sandbox.requests]
    assert sent == [{"name": "b", "content": base64.b64encode(data).decode()}] * 6


async def test_a_file_that_cannot_be_sent_raises_before_a_request(client, sandbox):
    of_text: Any = anyio.wrap_file(io.StringIO("hello"))
    large = ur.Attachment.from_bytes("a", b"hello", max_bytes=4)
    for attachment, problem in (
        (ur.Attachment.from_path("nowhere.txt"), r"nowhere\.txt: FileNotFoundError: No such file"),
        (large, "a: 5 bytes is more than max_bytes, 4"),
        (ur.Attachment.from_file(of_text, name="a"), "a: TypeError: the file is open for text"),
    ):
        with pytest.raises(ur.ArgumentError, match=f"^attachment: {problem}"):
            await client.files.upload(attachment)
    assert sandbox.arrivals == 0


async def test_a_large_file_is_not_held_in_memory(tmp_path):
    path = tmp_path / "large"
    path.write_bytes(bytes(20_000_000))

    def answer(request: httpx.Request) -> httpx.Response:
        assert len(request.content) > 26_666_664
        return httpx.Response(200, text=UPLOADED)

    transport = httpx.MockTransport(answer)
    async with ur.AsyncClient("https://example.com", transport=transport) as mocked:
        tracemalloc.start()
        await mocked.files.upload(ur.Attachment.from_path(path))
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert peak < 60_000_000  # the mock holds the body once; the client must not hold it too


@pytest.mark.parametrize("transport", [None, "aiohttp"])
@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_a_file_that_cannot_be_read_is_named_and_not_retried(sandbox, transport):
    async with client_of(sandbox, transport=transport) as client:
        for failure in (OSError(5, "broken"), KeyError("mine"), httpx.ConnectError("down")):
            file = AsyncMock(**{"seek.return_value": 4, "read.side_effect": failure})
            message = rf"^attachment: a\.txt: {type(failure).__name__}"
            with pytest.raises(ur.ArgumentError, match=message):
                await client.files.upload(ur.Attachment.from_file(file, name="a.txt"))
            assert (await client.users.me()).id == 1


async def test_a_file_that_is_replaced_while_it_is_sent_is_named(tmp_path: Path):
    path, newer = tmp_path / "a.bin", tmp_path / "b.bin"
    for file in (path, newer):
        file.write_bytes(file.stem.encode() * 500_000)
    with pytest.raises(ur.ArgumentError, match=r"a\.bin: the file changed while it was being sent"):
        async for piece in ur.Attachment.from_path(path).pieces():
            assert set(piece) == {ord("a")}
            newer.replace(path)


async def test_a_download_is_written_to_the_path(client, sandbox, tmp_path):
    progress: list[tuple[int, int | None]] = []
    note = lambda *now: progress.append(now)  # noqa: E731
    offer(sandbox)
    file = ur.AttachedFile(direct_url="/files/1")
    assert await client.files.download(file, tmp_path / "a", on_progress=note) == 5
    assert (tmp_path / "a").read_bytes() == b"hello"
    assert progress == [(5, 5)]
    assert sandbox.requests[0].path == "/files/1"
    assert sandbox.requests[0].query == [("apiKey", sandbox.api_key)]


async def test_a_download_to_an_existing_path_raises_before_a_request(client, sandbox, tmp_path):
    file, folder, link = (tmp_path / name for name in ("file", "folder", "dangling link"))
    file.write_text("old")
    folder.mkdir()
    link.symlink_to(tmp_path / "nowhere")
    for path in (file, folder, link):
        problem = "is a directory" if path == folder else "exists; pass overwrite=True"
        with pytest.raises(ur.ArgumentError, match=f"^to: .*{problem}"):
            await client.files.download("/files/1", path)
    assert sandbox.arrivals == 0
    assert {*tmp_path.iterdir()} == {file, folder, link}
    assert file.read_text() == "old"
    offer(sandbox, "new")
    file.chmod(0o600)
    mode = file.stat().st_mode
    await client.files.download("/files/1", file, overwrite=True)
    assert file.read_text() == "new"
    assert file.stat().st_mode == mode


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no FIFOs here")
async def test_a_download_replaces_no_pipe_or_device(client, sandbox, tmp_path):
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", os.devnull):
        with pytest.raises(ur.ArgumentError, match=r"^to: .* is not a regular file$"):
            await client.files.download("/files/1", path, overwrite=True)
    assert sandbox.arrivals == 0
    assert (tmp_path / "pipe").is_fifo()


async def test_a_download_is_written_to_an_open_file_at_its_position(client, sandbox, tmp_path):
    sandbox.fail_next(503)
    sandbox.reset_in_body_next()
    # Of several members, which servers may send.
    body = gzip.compress(b"first, ") + gzip.compress(b"second, ") + gzip.compress(b"third")
    offer(sandbox, body, headers={"Content-Encoding": "gzip"})
    async with await anyio.open_file(tmp_path / "a", "wb") as file:
        await file.write(b"> ")
        await client.files.download(f"{sandbox.url}/files/1", file)
    assert (tmp_path / "a").read_bytes() == b"> first, second, third"
    assert sandbox.arrivals == 3


async def test_a_download_of_which_a_file_takes_only_a_part_is_no_success(client, sandbox):
    full = AsyncMock(spec=anyio.AsyncFile)
    full.tell.return_value, full.write.return_value = 0, 4
    offer(sandbox)
    with pytest.raises(OSError, match="only 4 of 5 bytes were written"):
        await client.files.download("/files/t1", full)


async def test_a_download_that_fails_leaves_the_file_that_was_there(client, sandbox, tmp_path):
    (tmp_path / "a").write_bytes(b"old")
    sandbox.fail_next(404)
    offer(sandbox)
    for kind in (ur.NotFoundError, ur.ResponseTooLargeError):
        with pytest.raises(kind):
            await client.files.download("/f", tmp_path / "a", overwrite=True, max_bytes=4)
        assert [path.name for path in tmp_path.iterdir()] == ["a"]
        assert (tmp_path / "a").read_bytes() == b"old"


async def test_an_invalid_address_or_folder_raises_before_a_request(client, sandbox, tmp_path):
    for address, problem in {
        "ftp://example.com/x": "not an http or https URL",
        "mailto:x": "not an http or https URL",
        "http://a.example:port/": "not a valid URL",
        "http://a.example:65536/": "65536 is not a valid port",
        "//localhost:0/f": "0 is not a valid port",
    }.items():
        with pytest.raises(ur.ArgumentError, match=f"^file: {problem}$"):
            await client.files.download(address, tmp_path / "a")
    with pytest.raises(ur.ArgumentError, match="no URL"):
        await client.files.download(ur.AttachedFile(), tmp_path / "a")
    target = tmp_path / "missing" / "a.jpg"
    with pytest.raises(FileNotFoundError) as caught:
        await client.files.download("/files/1", target)
    assert caught.value.filename == str(target)
    assert sandbox.arrivals == 0


async def test_an_exception_of_a_progress_callback_is_raised_unchanged(client, sandbox, tmp_path):
    def fail(received: int, total: int | None) -> None:
        raise failure

    offer(sandbox, times=2)
    for failure in (UnicodeEncodeError("ascii", "\u2588", 0, 1, "no"), httpx.ReadTimeout("mine")):
        with pytest.raises(type(failure)) as caught:
            await client.files.download("/files/1", tmp_path / "a", on_progress=fail)
        assert caught.value is failure
    assert sandbox.arrivals == 2
    assert list(tmp_path.iterdir()) == []
