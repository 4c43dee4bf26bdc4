"""How files are sent and fetched: in pieces, complete or not at all."""

import base64
import gc
import gzip
import tracemalloc
from pathlib import Path
from typing import Any

import anyio
import anyio.abc
import httpx
import pytest
from gate import Gate
from quick import QUICK

from useresponse_async import (
    APIStatusError,
    APITimeoutError,
    ArgumentError,
    AsyncClient,
    AttachedFile,
    Attachment,
    InternalServerError,
    NotFoundError,
    ResponseTooLargeError,
    RetryPolicy,
    UploadedFile,
)
from useresponse_async.sandbox import Sandbox

pytestmark = [pytest.mark.anyio, pytest.mark.every_loop]

UPLOADED = '{"success": {"token": "t1", "url": "/files/t1"}}'


async def test_a_file_of_bytes_is_uploaded(client: AsyncClient, sandbox: Sandbox):
    sandbox.answer_next(UPLOADED)
    uploaded = await client.files.upload(Attachment.from_bytes("a.txt", b"hello"))
    assert uploaded == UploadedFile(token="t1", name="a.txt", url="/files/t1")
    sent = sandbox.requests[0]
    assert (sent.method, sent.path) == ("POST", "/api/3.0/upload-file.json")
    assert sent.json() == {"name": "a.txt", "content": "aGVsbG8="}
    assert sent.headers["Content-Length"] == "37"


async def test_a_file_at_a_path_arrives_whole(client, sandbox, tmp_path):
    path = tmp_path / "photo ü.jpg"
    for size in (0, 1, 2, 3, 4, 196_607, 196_608, 196_609, 1_000_000):
        data = (bytes(range(251)) * 4_000)[:size]
        path.write_bytes(data)
        sandbox.answer_next(UPLOADED)
        await client.files.upload(Attachment.from_path(path))
        body = sandbox.requests[-1].json()
        assert body["name"] == "photo ü.jpg"
        assert base64.b64decode(body["content"]) == data


async def test_an_open_file_is_read_from_its_beginning_and_stays_open(client, sandbox, tmp_path):
    (tmp_path / "a").write_bytes(b"hello")
    async with await anyio.open_file(tmp_path / "a", "rb") as file:
        await file.read(2)
        sandbox.answer_next(UPLOADED)
        await client.files.upload(Attachment.from_file(file, name="b"))
        assert not file.wrapped.closed
    assert sandbox.requests[0].json() == {"name": "b", "content": "aGVsbG8="}


async def test_one_open_file_may_be_sent_by_several_calls_at_once(client, sandbox, tmp_path):
    data = bytes(i * 7 % 251 for i in range(600_000))
    (tmp_path / "a").write_bytes(data)
    sandbox.answer_next(UPLOADED, times=6)
    async with await anyio.open_file(tmp_path / "a", "rb") as file:
        attachment = Attachment.from_file(file, name="a")
        async with anyio.create_task_group() as tasks:
            for _ in range(6):
                tasks.start_soon(client.files.upload, attachment)
    assert [base64.b64decode(sent.json()["content"]) == data for sent in sandbox.requests] == (
        [True] * 6
    )


async def test_a_file_is_sent_whole_again_after_a_503(client: AsyncClient, sandbox: Sandbox):
    sandbox.fail_next(503)
    sandbox.answer_next(UPLOADED)
    await client.files.upload(Attachment.from_bytes("a.txt", b"hello"))
    assert [sent.json()["content"] for sent in sandbox.requests] == ["aGVsbG8="] * 2


async def test_an_upload_answered_500_is_sent_once(client: AsyncClient, sandbox: Sandbox):
    sandbox.fail_next(500)
    with pytest.raises(InternalServerError):
        await client.files.upload(Attachment.from_bytes("a.txt", b"hello"))
    assert sandbox.arrivals == 1


async def test_a_missing_file_is_reported_before_any_request(client, sandbox, tmp_path):
    with pytest.raises(
        ArgumentError, match=r"nowhere\.txt: FileNotFoundError: No such file"
    ) as caught:
        await client.files.upload(Attachment.from_path(tmp_path / "nowhere.txt"))
    assert caught.value.argument == "attachment"
    assert sandbox.arrivals == 0


async def test_a_file_that_is_too_large_is_reported_before_any_request(client, sandbox):
    with pytest.raises(ArgumentError, match=r"a\.txt: 5 bytes is more than max_bytes, 4"):
        await client.files.upload(Attachment.from_bytes("a.txt", b"hello", max_bytes=4))
    assert sandbox.arrivals == 0


def test_what_is_no_file_name_is_refused():
    for name in ("", "a/b", "a\\b", "a\0b"):
        with pytest.raises(ArgumentError, match="name"):
            Attachment.from_bytes(name, b"")


async def test_a_large_file_is_not_held_in_memory(client, sandbox, tmp_path):
    path = tmp_path / "large"
    path.write_bytes(bytes(20_000_000))
    received = 0

    async def answer(request: httpx.Request) -> httpx.Response:
        nonlocal received
        assert isinstance(request.stream, httpx.AsyncByteStream)
        async for chunk in request.stream:
            received += len(chunk)
        return httpx.Response(200, text=UPLOADED)

    transport = httpx.MockTransport(answer)
    async with AsyncClient("https://example.com", transport=transport) as mocked:
        tracemalloc.start()
        await mocked.files.upload(Attachment.from_path(path))
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert received > 26_666_664
    assert peak < 60_000_000  # the mock holds the body once; the client must not hold it too


async def test_attachments_travel_with_a_new_ticket(client: AsyncClient, sandbox: Sandbox):
    sandbox.answer_next('{"success": {"id": 5}}')
    await client.tickets.create(
        "Printer",
        "Help!",
        attachments=[Attachment.from_bytes("a", b"1"), Attachment.from_bytes("b", b"2")],
    )
    assert sandbox.requests[0].json()["attachments"] == [
        {"name": "a", "body": "MQ=="},
        {"name": "b", "body": "Mg=="},
    ]


async def test_a_file_is_attached_to_an_object(client: AsyncClient, sandbox: Sandbox):
    sandbox.answer_next('{"success": {"id": 5}}')
    await client.objects.attach(5, Attachment.from_bytes("a", b"1"))
    sent = sandbox.requests[0]
    assert (sent.method, sent.path) == ("POST", "/api/3.0/objects/5/attach-file.json")
    assert sent.json() == {"name": "a", "body": "MQ=="}


async def test_uploaded_files_are_attached_to_a_comment(client: AsyncClient, sandbox: Sandbox):
    sandbox.answer_next('{"success": {"id": 5}}')
    uploaded = UploadedFile(token="t1", name="a.txt")
    await client.comments.create(3, "see there", attachments=[uploaded])
    assert sandbox.requests[0].json() == {
        "object_id": 3,
        "content": "see there",
        "attachments": [{"token": "t1", "name": "a.txt"}],
    }


async def test_a_download_ends_up_at_the_path(client, sandbox, tmp_path):
    progress: list[tuple[int, int | None]] = []
    sandbox.answer_next("hello", media_type="text/plain")
    file = AttachedFile(direct_url="/files/1")
    size = await client.files.download(
        file, tmp_path / "a", on_progress=lambda *now: progress.append(now)
    )
    assert size == 5
    assert (tmp_path / "a").read_bytes() == b"hello"
    assert progress == [(5, 5)]
    assert sandbox.requests[0].path == "/files/1"
    assert dict(sandbox.requests[0].query) == {"apiKey": sandbox.api_key}


@pytest.mark.parametrize("target", ["file", "folder", "dangling link"])
async def test_a_download_refuses_what_exists_before_anything_is_sent(
    client: AsyncClient, sandbox: Sandbox, tmp_path: Path, target: str
):
    path = tmp_path / "a"
    if target == "file":
        path.write_text("old")
    elif target == "folder":
        path.mkdir()
    else:
        path.symlink_to(tmp_path / "nowhere")
    problem = "is a directory" if target == "folder" else "exists; pass overwrite=True"
    with pytest.raises(ArgumentError, match=problem) as caught:
        await client.files.download("/files/1", path)
    assert caught.value.argument == "to"
    assert sandbox.arrivals == 0
    assert list(tmp_path.iterdir()) == [path]
    if target == "file":
        assert path.read_text() == "old"
        sandbox.answer_next("new", media_type="text/plain")
        await client.files.download("/files/1", path, overwrite=True)
        assert path.read_text() == "new"


async def test_a_download_goes_into_an_open_file_at_its_place(client, sandbox, tmp_path):
    sandbox.fail_next(503)
    sandbox.reset_in_body_next()
    sandbox.answer_next("hello", media_type="text/plain")
    async with await anyio.open_file(tmp_path / "a", "wb") as file:
        await file.write(b"> ")
        await client.files.download(f"{sandbox.url}/files/1", file)
    assert (tmp_path / "a").read_bytes() == b"> hello"
    assert sandbox.arrivals == 3


async def test_no_key_goes_to_another_origin(client, sandbox, start_sandbox, tmp_path):
    other = start_sandbox(users=1)
    other.answer_next("hello", times=2, media_type="text/plain")
    await client.files.download(f"{other.url}/files/1", tmp_path / "a")
    sandbox.answer_next("", 302, headers={"Location": f"{other.url}/files/2"})
    await client.files.download("/files/2", tmp_path / "b")
    assert (tmp_path / "b").read_bytes() == b"hello"
    assert [sent.query for sent in other.requests] == [[], []]
    assert all("Authorization" not in sent.headers for sent in other.requests)


async def test_a_download_that_fails_leaves_nothing_behind(client, sandbox, tmp_path):
    (tmp_path / "a").write_bytes(b"old")
    sandbox.fail_next(404)
    with pytest.raises(APIStatusError):
        await client.files.download("/files/1", tmp_path / "a", overwrite=True)
    assert [path.name for path in tmp_path.iterdir()] == ["a"]
    assert (tmp_path / "a").read_bytes() == b"old"


async def test_a_missing_folder_is_named_as_the_caller_named_it(client, sandbox, tmp_path):
    target = tmp_path / "missing" / "a.jpg"
    with pytest.raises(FileNotFoundError) as caught:
        await client.files.download("/files/1", target)
    assert caught.value.filename == str(target)
    assert sandbox.arrivals == 0


async def test_a_download_that_is_cancelled_leaves_nothing_behind(client, sandbox, tmp_path):
    sandbox.delay_next(0.5)
    with anyio.move_on_after(0.1) as scope:
        await client.files.download("/files/1", tmp_path / "a")
    assert scope.cancelled_caught
    assert list(tmp_path.iterdir()) == []


async def test_a_download_takes_no_more_than_it_may(client, sandbox, tmp_path):
    sandbox.answer_next("hello", media_type="text/plain")
    with pytest.raises(ResponseTooLargeError, match="larger than 4 bytes"):
        await client.files.download("/files/1", tmp_path / "a", max_bytes=4)
    assert list(tmp_path.iterdir()) == []


async def test_an_address_that_is_not_the_webs_is_refused(client, sandbox, tmp_path):
    for address in ("ftp://example.com/x", "mailto:x", "file:///etc/passwd"):
        with pytest.raises(ArgumentError, match="http"):
            await client.files.download(address, tmp_path / "a")
    with pytest.raises(ArgumentError, match="no URL"):
        await client.files.download(AttachedFile(), tmp_path / "a")
    assert sandbox.arrivals == 0


async def test_map_calls_with_every_input_in_order(sandbox: Sandbox):
    gate = Gate(10)
    async with AsyncClient(sandbox.url, api_key=sandbox.api_key, transport=gate) as client:
        ids = [user.id async for user in client.map(client.users.get, range(1, 61))]
    assert ids == list(range(1, 61))
    assert gate.peak == 10


async def test_map_gives_failures_in_place_of_results(client: AsyncClient):
    results = [
        result async for result in client.map(client.users.get, [1, 999, 2], return_exceptions=True)
    ]
    assert [getattr(result, "id", None) for result in results] == [1, None, 2]
    assert getattr(results[1], "status_code", None) == 404


@pytest.mark.parametrize("ordered", [True, False])
async def test_map_gives_each_result_with_its_input(client, sandbox, ordered):
    sandbox.delay_next(0.1, match=r"users/5\.json")
    pairs = [
        (number, result)
        async for number, result in client.map(
            client.users.get,
            [5, 999, 4],
            with_inputs=True,
            return_exceptions=True,
            ordered=ordered,
        )
    ]
    numbers = [number for number, _ in pairs]
    assert numbers == [5, 999, 4] if ordered else numbers[-1] == 5
    found = dict(pairs)
    assert (getattr(found[5], "id", None), getattr(found[4], "id", None)) == (5, 4)
    assert isinstance(found[999], NotFoundError)


async def test_map_draws_an_async_iterable_lazily(client: AsyncClient):
    drawn: list[int] = []

    async def ids():
        for user_id in range(1, 101):
            drawn.append(user_id)
            yield user_id

    users = client.map(client.users.get, ids(), max_in_flight=3)
    assert (await users.__anext__()).id == 1
    await users.aclose()
    assert len(drawn) <= 4


async def test_map_refuses_a_bound_that_is_none(client: AsyncClient):
    with pytest.raises(ArgumentError, match="max_in_flight"):
        client.map(client.users.get, [1], max_in_flight=0)


async def test_a_loop_of_redirects_ends_a_download(client, sandbox, tmp_path):
    sandbox.answer_next(b"", 302, headers={"Location": "/files/1"}, times=99)
    with pytest.raises(APIStatusError):
        await client.files.download("/files/1", tmp_path / "a")
    assert sandbox.arrivals == 6


async def test_a_stranger_cannot_have_the_key_spent(client, sandbox, start_sandbox, tmp_path):
    other = start_sandbox(users=1)
    home = f"{sandbox.url}/api/3.0/objects/1/trash.json"
    other.answer_next(b"", 302, headers={"Location": home})
    with pytest.raises(APIStatusError):
        await client.files.download(f"{other.url}/x", tmp_path / "a")
    assert [sent.query for sent in sandbox.requests] == [[]]


async def test_an_upload_that_breaks_off_leaves_no_file_open(start_sandbox, tmp_path):
    path = tmp_path / "large"
    path.write_bytes(bytes(20_000_000))
    async with await anyio.create_tcp_listener(local_host="127.0.0.1") as silent:
        port = silent.extra(anyio.abc.SocketAttribute.local_port)  # noqa: S610
        url = f"http://127.0.0.1:{port}"
        async with AsyncClient(url, timeout=0.2, retry=RetryPolicy(attempts=1)) as client:
            with pytest.raises(APITimeoutError):
                await client.files.upload(Attachment.from_path(path))
    gc.collect()


@pytest.mark.parametrize(
    "failure", [UnicodeEncodeError("ascii", "\u2588", 0, 1, "no"), httpx.ReadTimeout("mine")]
)
async def test_what_a_progress_callback_raises_is_the_callers(client, sandbox, tmp_path, failure):
    def fail(received: int, total: int | None) -> None:
        raise failure

    sandbox.answer_next("hello", media_type="text/plain")
    with pytest.raises(type(failure)) as caught:
        await client.files.download("/files/1", tmp_path / "a", on_progress=fail)
    assert caught.value is failure
    assert sandbox.arrivals == 1
    assert list(tmp_path.iterdir()) == []


class Unreadable:
    """A file that can be measured, and not be read."""

    def __init__(self, failure: Exception) -> None:
        self._failure = failure

    async def seek(self, offset: int, whence: int = 0, /) -> int:
        return 4 if whence else 0

    async def read(self, size: int, /) -> bytes:
        raise self._failure


@pytest.mark.parametrize(
    "failure", [OSError(5, "broken"), KeyError("mine"), httpx.ConnectError("storage is down")]
)
@pytest.mark.parametrize("transport", [None, "aiohttp"])
@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_a_file_that_fails_while_it_is_sent_is_named_and_not_sent_again(
    sandbox: Sandbox, transport: Any, failure: Exception
):
    async with AsyncClient(
        sandbox.url, api_key=sandbox.api_key, retry=QUICK, transport=transport
    ) as client:
        with pytest.raises(ArgumentError, match=r"^attachment: a\.txt: ") as caught:
            await client.files.upload(Attachment.from_file(Unreadable(failure), name="a.txt"))
        assert type(failure).__name__ in str(caught.value)
        assert (await client.users.me()).id == 1


async def test_a_file_that_is_replaced_while_it_is_sent_is_named(tmp_path: Path):
    path, newer = tmp_path / "a.bin", tmp_path / "b.bin"
    path.write_bytes(b"a" * 500_000)
    newer.write_bytes(b"b" * 500_000)
    with pytest.raises(ArgumentError, match=r"a\.bin: the file changed while it was being sent"):
        async for piece in Attachment.from_path(path).pieces():
            assert set(piece) == {ord("a")}
            newer.replace(path)


async def test_a_download_of_several_gzip_members_is_all_of_them(client, sandbox, tmp_path):
    body = gzip.compress(b"first, ") + gzip.compress(b"second, ") + gzip.compress(b"third")
    sandbox.answer_next(body, headers={"Content-Encoding": "gzip"}, media_type="text/plain")
    await client.files.download("/files/1", tmp_path / "a")
    assert (tmp_path / "a").read_bytes() == b"first, second, third"
