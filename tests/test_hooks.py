"""Hooks: what they receive, and what they cannot break."""

import logging
from typing import Any

import anyio
import anyio.lowlevel
import httpx
import pytest
from quick import client_of

import useresponse_async as ur

pytestmark = pytest.mark.anyio


@pytest.mark.every_loop
async def test_hooks_receive_each_request_response_and_retry_in_sequence_and_no_key(sandbox):
    seen: list[Any] = []

    async def hook(about: object) -> None:
        await anyio.lowlevel.checkpoint()
        seen.append(about)

    async with client_of(sandbox, on_request=hook, on_response=hook, on_retry=hook) as client:
        sandbox.fail_next(503, message=f"no {sandbox.api_key} today")
        await client.users.get(1)
        sandbox.reset_next()
        await client.users.me()
    names = "".join(type(about).__name__[:3] for about in seen)
    assert names == "ReqResRetReqResReqRetReqRes"
    paths = [about.url.path for about in seen if isinstance(about, httpx.Request)]
    assert paths == ["/api/3.0/users/1.json"] * 2 + ["/api/3.0/me.json"] * 2
    responses = [about for about in seen if isinstance(about, httpx.Response)]
    assert [response.status_code for response in responses] == [503, 200, 200]
    assert [response.extensions["attempt"] for response in responses] == [1, 2, 2]
    assert responses[1].json()["id"] == 1
    first, second = [about for about in seen if isinstance(about, ur.RetryEvent)]
    assert (first.method, first.path, first.attempt) == ("GET", "/api/3.0/users/1.json", 1)
    errors = {503: ur.ServiceUnavailableError, None: ur.APIConnectionError}
    assert {it.status_code: type(it.error) for it in (first, second)} == errors
    assert 0 < first.delay <= 0.05
    shown = [*seen, *map(str, (first.error, second.error)), responses[0].text]
    for message in [*seen, *(response.request for response in responses)]:
        shown += [getattr(message, name, "") for name in ("url", "headers", "extensions")]
    assert sandbox.api_key not in repr(shown)


async def test_an_exception_of_a_hook_is_logged_and_not_raised(sandbox, caplog):
    def hook(about: object) -> None:
        raise RuntimeError("the hook is broken")

    async with client_of(sandbox, on_request=hook, on_response=hook, on_retry=hook) as client:
        sandbox.fail_next(503)
        assert (await client.users.me()).id
    broken = [record for record in caplog.records if record.name == "useresponse_async.hooks"]
    shown = [record.getMessage().split()[3] for record in broken]
    assert shown == ["Request", "Response", "RetryEvent", "Request", "Response"]
    assert all(record.levelno == logging.ERROR and record.exc_info for record in broken)
    assert {vars(record)["useresponse_hook"].split(".")[-1] for record in broken} == {"hook"}


async def test_a_hook_can_call_the_client_while_its_only_slot_is_taken(sandbox):
    names = []

    async def hook(response: httpx.Response) -> None:
        if response.url.path.endswith("/me.json"):
            names.append((await client.users.get(1)).name)

    async with client_of(sandbox, max_in_flight=1, on_response=hook) as client:
        with anyio.fail_after(30):
            await client.users.me()
    assert len(names) == 1


async def test_hooks_receive_downloads_without_body_and_failures_without_key(sandbox, tmp_path):
    seen: list[httpx.Response] = []
    sandbox.answer_next(b"content", media_type="text/plain")
    sandbox.answer_next(f"no {sandbox.api_key} today".encode(), status=403)
    async with client_of(sandbox, on_response=seen.append) as client:
        await client.files.download(f"{sandbox.url}/file.txt", tmp_path / "a")
        with pytest.raises(ur.PermissionDeniedError):
            await client.files.download(f"{sandbox.url}/file.txt", tmp_path / "b")
    assert (tmp_path / "a").read_bytes() == b"content"
    downloaded, failed = seen
    assert (downloaded.status_code, downloaded.is_closed) == (200, True)
    assert downloaded.content == b""
    assert (failed.status_code, failed.text) == (403, "no *** today")


async def test_a_hook_can_close_the_client(sandbox):
    async with client_of(sandbox, on_request=lambda _: client.aclose()) as client:
        with pytest.raises(ur.ClientClosedError, match=r"^the client is closed$"):
            await client.users.me()
    assert sandbox.arrivals == 0


@pytest.mark.every_loop
async def test_a_cancelled_hook_ends_the_call(sandbox):
    async def hook(_request: httpx.Request) -> None:
        await anyio.sleep_forever()

    async with client_of(sandbox, on_request=hook) as client:
        with anyio.move_on_after(0.05) as scope:
            await client.users.me()
        assert scope.cancelled_caught
        assert client.in_flight == 0
    assert sandbox.arrivals == 0


async def test_the_pages_of_a_walk_wait_longer_than_the_queue_timeout(start_sandbox):
    sandbox = start_sandbox(users=1500, latency=0.15)
    async with client_of(sandbox, max_in_flight=30, queue_timeout=0.1) as client:
        assert len(await client.users.search().collect()) == 1500


@pytest.mark.every_loop
@pytest.mark.parametrize("call", [
    lambda users: users.get(1), lambda users: users.search().first(),
    lambda users: users.search().collect(),
], ids=["a call", "a page", "the first page of a walk"])  # fmt: skip
async def test_an_attempt_without_a_slot_names_queue_timeout(sandbox, call):
    sandbox.fail_next(500, match="/users/")
    sandbox.delay_next(300, match="/me")
    async with client_of(sandbox, max_in_flight=1) as client:

        async def fail() -> None:
            with pytest.raises(ur.QueueTimeoutError) as caught:
                await call(client.with_options(queue_timeout=0.3).users)
            assert (caught.value.attempt, caught.value.request_sent) == (2, False)
            tasks.cancel_scope.cancel()

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(fail)
            while not client.in_flight:
                await anyio.lowlevel.checkpoint()
            await client.users.me()  # takes the slot as soon as the first attempt has failed
