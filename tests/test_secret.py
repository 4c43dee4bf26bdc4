"""The API key, which no text, log or error contains."""

import copy
import json
import logging
import pickle
import traceback
import warnings
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import anyio
import httpx
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from quick import QUICK, client_of

import useresponse_async as ur

pytestmark = pytest.mark.anyio

KEY = "k3y/+=s3cr3t~42"
PASSWORD = 'p"a/s3cr3t ü'
REFUSED = json.dumps({"error": {"message": f"no {PASSWORD} for {KEY}", "context": PASSWORD}})
ECHO = {"X-Echo": KEY}


class Witness(logging.Handler):
    """Reads what a user can see, and records where a secret is in it."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.leaks: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.read(record.getMessage(), repr(record.__dict__))

    def read(self, *texts: str) -> None:
        self.leaks += [text for text in texts if "s3cr3t" in text]

    def look_at(self, thing: object) -> None:
        self.read(repr(thing), str(thing), repr(getattr(thing, "__dict__", "")))
        try:
            self.read(pickle.dumps(thing).decode("latin-1"))
        except (TypeError, AttributeError, pickle.PicklingError) as error:
            self.read(repr(error))
        if isinstance(thing, httpx.Response):
            self.look_at(thing.request)
            self.read(repr(thing.headers), str(thing.request.url))

    def look_into(self, error: BaseException) -> None:
        self.look_at(error)
        rendered = traceback.TracebackException.from_exception(error, capture_locals=True)
        self.read("".join(rendered.format()))
        for linked in (error.__cause__, error.__context__):
            if linked is not None:
                self.look_into(linked)

    async def look_at_failure(self, call: Any) -> ur.UseResponseError:
        with pytest.raises(ur.UseResponseError) as caught:
            await call
        self.look_into(caught.value)
        return caught.value


@pytest.fixture
def witness(caplog) -> Iterator[Witness]:
    witness = Witness()
    for name in ("", *logging.root.manager.loggerDict):
        caplog.set_level(logging.DEBUG, logger=name)
    logging.getLogger().addHandler(witness)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        yield witness
    logging.getLogger().removeHandler(witness)
    witness.read(*[str(warning.message) for warning in caught])
    assert witness.leaks == []


@pytest.fixture
def sandbox(start_sandbox) -> Any:
    return start_sandbox(users=120, api_key=KEY)


@pytest.fixture(params=ur.KeyPlacement)
async def client(request, sandbox) -> Any:
    async with client_of(sandbox, key_placement=request.param) as client:
        yield client


async def test_success_shows_no_key(client, sandbox, witness, caplog):
    with client.capture_responses() as responses:
        me = await client.users.me()
        users = await client.users.search().collect()
        page = await client.users.search()
    assert me.api_key.reveal() == KEY
    for thing in (client, me, page, client.users, client.users.search(), me.api_key, *users):
        witness.look_at(thing)
    for response in responses[1:]:  # the first body is the profile, which is the key's own home
        witness.look_at(response)
    sent = sandbox.requests[0]
    assert KEY in (dict(sent.query).get("apiKey"), sent.headers.get("Authorization"))
    assert caplog.records


async def test_a_secret_that_contains_the_key_shows_nowhere(sandbox, witness):
    async with ur.AsyncClient(sandbox.url, api_key="k3y", retry=QUICK) as client:
        sandbox.fail_next(400, message=f"bad token {KEY}", headers=ECHO)
        call = client.request("GET", "me.json", headers={"X-Token": ur.Secret(KEY)})
        error = await witness.look_at_failure(call)
    assert "bad token ***" in str(error)


async def test_a_redirect_is_followed_with_the_key_once_and_shows_none(client, sandbox, witness):
    quoted = quote(KEY, safe="")
    for query in ("", f"?a=1&apiKey={quoted}&b=2", f"?a=1&apiKey={quoted.lower()}&b=2"):
        sandbox.forget_requests()
        sandbox.answer_next("", 302, headers={"Location": f"/api/3.0/users/2.json{query}"})
        with client.capture_responses() as responses:
            assert (await client.users.me()).id == 2
        first, second = sandbox.requests
        assert second.path == "/api/3.0/users/2.json"
        assert second.query == [("a", "1"), ("b", "2")] * bool(query) + first.query
        assert responses
        for response in responses:
            witness.look_at(response)


async def test_the_callers_own_http_client_or_transport_shows_no_key(sandbox, witness, caplog):
    async with httpx.AsyncClient() as http_client:
        async with client_of(sandbox, http_client=http_client) as client:
            assert (await client.users.me()).id == 1
            sandbox.reset_next(times=9)
            await witness.look_at_failure(client.users.me())
    assert "apiKey=***" in caplog.text

    def fail(request: httpx.Request) -> httpx.Response:
        assert request.url.params["apiKey"] == KEY
        raise httpx.ReadError(f"broken while reading {request.url}", request=request)

    async with client_of(sandbox, transport=httpx.MockTransport(fail)) as client:
        error = await witness.look_at_failure(client.users.me())
    assert "broken while reading" in str(error)


def test_a_secret_shows_nothing_and_survives_copies_but_no_pickle():
    secret = ur.Secret(KEY)
    assert (repr(secret), str(secret), f"{secret}") == ("***", "***", "***")
    assert copy.deepcopy(secret) == secret == ur.Secret(KEY) != ur.Secret("another")
    assert hash(secret) == hash(ur.Secret(KEY))
    unpickled = pickle.loads(pickle.dumps(secret))  # noqa: S301 - our own
    assert unpickled != secret
    with pytest.raises(ValueError, match="pickle"):
        unpickled.reveal()


async def test_a_truncated_text_shows_no_part_of_the_key(client, sandbox, witness):
    for padding in range(170, 205):
        sandbox.answer_next(f"<html>{'x' * padding} {KEY}".encode(), 400)
        error = await witness.look_at_failure(client.users.me())
        assert KEY[:6] not in str(error)
        sandbox.answer_next(f'{{"id": "{"x" * (padding - 165)}{KEY}"}}'.encode())
        assert KEY[:6] not in str(await witness.look_at_failure(client.users.me()))


async def test_no_failure_shows_a_secret_that_the_server_echoes(client, sandbox, witness):
    for call in (
        lambda: client.auth.login("a@example.com", PASSWORD),
        lambda: client.auth.identity(PASSWORD, "a@example.com"),
        lambda: client.users.create("a@example.com", full_name="Ann", password=PASSWORD),
        lambda: client.users.change_password(1, PASSWORD),
        client.users.me,  # shows no key
    ):
        sandbox.delay_next(60)
        with pytest.raises(TimeoutError) as caught, anyio.fail_after(0.05):
            await call()
        witness.look_into(caught.value)
        sandbox.clear_faults()
        if call != client.users.me:
            sandbox.answer_next(REFUSED.replace("/", "\\/"), 503)
            sandbox.answer_next(REFUSED, 409, headers={"X-Echo": quote(PASSWORD, safe=""), **ECHO})
            with client.capture_responses() as responses:
                error = await witness.look_at_failure(call())
            assert "409 no *** for *** (***)" in str(error)
            assert error.response.request.content == b""
            for response in responses:
                witness.look_at(response)
                witness.read(response.text)
                assert response.elapsed.total_seconds() > 0
            assert len(responses) == 2
    for misbehave in (sandbox.reset_next, sandbox.reset_in_body_next, sandbox.cut_next):
        misbehave(times=6)
        await witness.look_at_failure(client.users.me())
    await client.aclose()
    await witness.look_at_failure(client.users.me())


# No key is the one of the environment; the last two are invalid themselves.
@pytest.mark.parametrize("key", [KEY, None, KEY + "\n", ur.Secret(KEY), KEY + " x", KEY.encode()])
@pytest.mark.parametrize("invalid", [{"headers": {"a b": "c"}}, {"max_in_flight": 0}])
def test_an_invalid_setting_can_be_shown_with_the_locals_of_all_frames(monkeypatch, key, invalid):
    monkeypatch.setenv("USERESPONSE_API_KEY", KEY)
    with pytest.raises(ur.ConfigurationError) as caught:
        ur.AsyncClient("https://example.com", api_key=key, **invalid)
    shown = traceback.TracebackException.from_exception(caught.value, capture_locals=True)
    ours = [frame.locals for frame in shown.stack if "useresponse_async" in frame.filename]
    assert ours
    assert "s3cr3t" not in repr(ours)


def test_each_spelling_of_a_key_is_redacted():
    quoted = quote(KEY, safe="")
    for spelled in (KEY, quote(KEY), quoted, quoted.lower(), KEY.replace("/", r"\/")):
        assert ur.Secret(KEY).redact(f"<{spelled}>") == "<***>"
        assert ur.Secret(KEY).redact_bytes(f"<{spelled}>".encode()) == b"<***>"


@given(text=st.text(min_size=1))
@example(text="\ud800")  # half a character, which nothing can send
def test_any_text_is_redacted(text: str):
    assert ur.Secret(text).redact(text) == "***"
    assert ur.Secret(text).redact_bytes(text.encode(errors="surrogatepass")) == b"***"
