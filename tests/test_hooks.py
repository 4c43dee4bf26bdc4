"""Hooks: what they receive, and what they cannot break."""

import logging
from collections.abc import Callable
from typing import Any

import anyio
import anyio.lowlevel
import httpx
import pytest
from quick import client_of

from useresponse_async import (
    AsyncClient,
    ConfigurationError,
    PermissionDeniedError,
    QueueTimeoutError,
    RetryEvent,
)
from useresponse_async.sandbox import Sandbox

pytestmark = pytest.mark.anyio


class Witness:
    def __init__(self) -> None:
        self.seen: list[Any] = []

    def __call__(self, about: object) -> None:
        self.seen.append(about)


async def test_hooks_receive_each_request_response_and_retry(sandbox: Sandbox):
    requests, responses, retries = Witness(), Witness(), Witness()
    async with client_of(
        sandbox, on_request=requests, on_response=responses, on_retry=retries
    ) as client:
        sandbox.fail_next(503)
        await client.users.get(1)
    assert [request.url.path for request in requests.seen] == ["/api/3.0/users/1.json"] * 2
    assert [response.status_code for response in responses.seen] == [503, 200]
    assert [response.extensions["attempt"] for response in responses.seen] == [1, 2]
    assert responses.seen[1].json()["id"]
    (event,) = retries.seen
    assert isinstance(event, RetryEvent)
    assert (event.method, event.path, event.attempt) == ("GET", "/api/3.0/users/1.json", 1)
    assert event.status_code == 503
    assert 0 <= event.delay <= 0.05


@pytest.mark.every_loop
async def test_async_hooks_are_awaited(sandbox: Sandbox):
    seen = []

    async def hook(about: object) -> None:
        await anyio.lowlevel.checkpoint()
        seen.append(type(about).__name__)

    async with client_of(sandbox, on_request=hook, on_response=hook, on_retry=hook) as client:
        sandbox.reset_next()
        await client.users.me()
    assert seen == ["Request", "RetryEvent", "Request", "Response"]


async def test_an_exception_of_a_hook_is_logged_and_not_raised(sandbox, caplog):
    def hook(about: object) -> None:
        raise RuntimeError("the hook is broken")

    async with client_of(sandbox, on_request=hook, on_response=hook, on_retry=hook) as client:
        sandbox.fail_next(503)
        assert (await client.users.me()).id
    broken = [record for record in caplog.records if record.name == "useresponse_async.hooks"]
    assert len(broken) == 5
    assert all(record.levelno == logging.ERROR and record.exc_info for record in broken)
    assert "key" not in vars(broken[0]).get("useresponse_hook", "key")


async def test_a_hook_can_call_the_client_while_its_only_slot_is_taken(sandbox):
    names = []

    async def hook(response: httpx.Response) -> None:
        if response.url.path.endswith("/me.json") and not names:
            names.append("asked")
            names.append((await client.users.get(1)).name)

    async with client_of(sandbox, max_in_flight=1, on_response=hook) as client:
        with anyio.fail_after(10):
            await client.users.me()
    assert len(names) == 2


async def test_hooks_see_no_key(sandbox: Sandbox):
    seen = Witness()
    async with client_of(sandbox, on_request=seen, on_response=seen, on_retry=seen) as client:
        sandbox.fail_next(503, message=f"no {sandbox.api_key} today")
        await client.users.me()
    for about in seen.seen:
        shown = [repr(about), str(getattr(about, "url", "")), str(getattr(about, "error", ""))]
        if isinstance(about, httpx.Response):
            shown += [about.text, str(about.request.url), repr(about.request.headers)]
        if isinstance(about, httpx.Request):
            shown += [repr(about.headers), repr(about.extensions)]
        assert not [text for text in shown if sandbox.api_key in text]


async def test_a_hook_receives_a_download_without_its_body(sandbox: Sandbox, tmp_path: Any):
    responses = Witness()
    sandbox.answer_next(b"content", media_type="text/plain")
    async with client_of(sandbox, on_response=responses) as client:
        await client.files.download(f"{sandbox.url}/file.txt", tmp_path / "file.txt")
    (response,) = responses.seen
    assert response.status_code == 200
    assert response.is_closed
    assert (tmp_path / "file.txt").read_bytes() == b"content"


async def test_a_hook_receives_a_failed_download_without_the_key(sandbox, tmp_path):
    responses = Witness()
    sandbox.answer_next(f"no {sandbox.api_key} today".encode(), status=403)
    async with client_of(sandbox, on_response=responses) as client:
        with pytest.raises(PermissionDeniedError):
            await client.files.download(f"{sandbox.url}/file.txt", tmp_path / "file.txt")
    (response,) = responses.seen
    assert (response.status_code, response.text) == (403, "no *** today")


@pytest.mark.every_loop
async def test_a_cancelled_hook_ends_the_call(sandbox: Sandbox):
    async def hook(_request: httpx.Request) -> None:
        await anyio.sleep_forever()

    async with client_of(sandbox, on_request=hook) as client:
        with anyio.move_on_after(0.05) as scope:
            await client.users.me()
        assert scope.cancelled_caught
        assert client.in_flight == 0
    assert sandbox.arrivals == 0


@pytest.mark.parametrize("name", ["on_request", "on_response", "on_retry"])
def test_a_hook_that_is_not_callable_raises(name: str):
    options: dict[str, Callable[..., None]] = {name: "print"}  # type: ignore[dict-item]
    with pytest.raises(ConfigurationError, match=name):
        AsyncClient("https://example.com", **options)  # type: ignore[arg-type]


async def test_the_pages_of_a_walk_wait_longer_than_the_queue_timeout(start_sandbox):
    sandbox = start_sandbox(users=1500, latency=0.15)
    async with client_of(sandbox, max_in_flight=30, queue_timeout=0.1) as client:
        assert len(await client.users.search().collect()) == 1500


@pytest.mark.every_loop
async def test_an_attempt_without_a_slot_names_queue_timeout(sandbox: Sandbox):
    sandbox.fail_next(500, match="/users/1")
    sandbox.delay_next(300, match="/me")
    async with client_of(sandbox, max_in_flight=1, queue_timeout=0.3) as client:

        async def fail() -> None:
            with pytest.raises(QueueTimeoutError) as caught:
                await client.users.get(1)
            assert caught.value.attempt == 2
            tasks.cancel_scope.cancel()

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(fail)
            while not client.in_flight:
                await anyio.lowlevel.checkpoint()
            await client.users.me()  # takes the slot as soon as the first attempt has failed
