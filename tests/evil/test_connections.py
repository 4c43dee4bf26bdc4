"""Connections that close, stall or never end their response, redirects, and faults of TLS."""

import datetime as dt
import pickle
import ssl
import time
import traceback
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory

import anyio
import anyio.lowlevel
import httpx
import pytest
import trustme
from hypothesis import example, given, settings
from hypothesis import strategies as st
from quick import QUICK
from server import (
    AUTHORITY,
    CALLS,
    DRAIN,
    HEAD,
    ME,
    ONCE,
    REQUEST,
    RESET,
    SERVE,
    SILENCE,
    Raw,
    answer,
    chunked,
    create,
    drip,
    end_with,
    failure,
    flood,
    sleep,
    tls_context,
)
from tasks import live_tasks, until

import useresponse_async as ur

pytestmark = [pytest.mark.anyio, pytest.mark.every_loop]

CLOSE = b"Connection: close"


@pytest.mark.parametrize("end", [(), (RESET,)], ids=["close", "reset"])
async def test_reads_survive_a_server_that_closes_after_every_response(server, connect, end):
    server.play(REQUEST, answer(), *end, times=60)
    async with connect(server, retry=QUICK) as client:
        for _ in range(30):
            assert (await client.users.me()).id == 1
    server.play(REQUEST, answer(ME, CLOSE), SILENCE)
    server.connections = 0
    async with connect(server) as client:
        assert (await client.users.me()).id == 1
    assert server.connections == 2


@pytest.mark.parametrize("late", [0, 0.03])
async def test_a_connection_that_closed_while_idle_is_not_used(server, connect, late):
    server.play(REQUEST, answer(), sleep(late), times=3)
    async with connect(server) as client:
        for _ in range(3):
            assert (await client.users.me()).id == 1
            await until(lambda: not server.open_connections)
            await anyio.sleep(0.01)  # the event loop sees that it has closed
        assert (await create(client)).id == 1
    assert [head.split()[0] for head in server.heads] == [b"GET"] * 3 + [b"POST", b"GET"]


async def test_a_connection_that_ended_with_the_response_is_not_used(server, connect):
    server.play(REQUEST, end_with(answer()), times=20)
    async with connect(server, retry=QUICK) as client:  # with which a create is still sent once
        for _ in range(5):
            assert (await client.users.me()).id == 1
            assert (await create(client)).id == 1


async def test_a_connection_that_ended_while_the_loop_was_blocked_is_not_used(server, connect):
    server.play(REQUEST, answer(), sleep(0.03), times=4)
    async with connect(server) as client:
        for _ in range(4):
            assert (await create(client)).id == 1
            while server.open_connections:
                time.sleep(0.005)  # noqa: ASYNC251 - blocks the loop


async def test_a_connection_whose_tls_ended_with_the_response_is_not_used(
    start_server, trusting, connect
):
    server = start_server(tls=tls_context())
    server.play(REQUEST, end_with(answer()), SILENCE, times=3)
    async with connect(server, verify=trusting) as client:
        for _ in range(3):
            assert (await create(client)).id == 1


@pytest.mark.parametrize("proxied", [False, True])
async def test_a_408_on_an_idle_connection_is_discarded(server, connect, proxied):
    late = answer(b"", CLOSE, status=b"408 Request Timeout")
    server.play(REQUEST, answer(), sleep(0.05), late)
    async with connect(server, proxy=server.url if proxied else None) as client:
        assert (await client.users.me()).id == 1
        await until(lambda: server.sent >= len(answer()) + len(late))
        for _ in range(3):  # the event loop reads what has arrived
            await anyio.lowlevel.checkpoint()
        assert (await client.users.me()).id == 1


@pytest.mark.parametrize("answered_before", [True, False])
async def test_a_get_that_is_not_idempotent_is_sent_once_by_each_transport(
    server, connect, answered_before
):
    """An archive is a GET, which a transport that looks at methods alone would send again."""
    server.play(*([REQUEST, answer()] if answered_before else []), REQUEST)
    async with connect(server, retry=QUICK) as client:
        if answered_before:
            await client.users.me()
        await failure(client.objects.archive(7))
    assert sum(b"/objects/7/archive.json" in head for head in server.heads) == 1


@pytest.mark.parametrize(
    ("status", "times"), [(b"407 Proxy Authentication Required", 1), (b"502 Bad Gateway", 6)]
)
async def test_a_refusal_by_a_proxy_is_not_retried_and_a_failure_is(server, wire, status, times):
    server.otherwise = answer(b"", status=status)
    url, proxy = "https://support.example", server.url
    async with ur.AsyncClient(url, proxy=proxy, retry=QUICK, transport=wire) as client:
        error = await failure(create(client), match=status[:3].decode())
    assert not error.request_sent
    asked = [head.split()[:2] for head in server.heads]
    assert asked == [[b"CONNECT", b"support.example:443"]] * times


@pytest.mark.parametrize(
    "sent", [b"", answer()[:-30], chunked(b"{}")[:-5]], ids=["no head", "no body", "no last chunk"]
)
@pytest.mark.parametrize("call", CALLS)
async def test_a_cancelled_call_leaves_no_connection_open(server, connect, sent, call, tmp_path):
    server.play(REQUEST, sent, SILENCE)
    async with connect(server, timeout=60) as client:
        tasks = live_tasks()
        async with anyio.create_task_group() as group:
            group.start_soon(CALLS[call], client, tmp_path)
            await until(lambda: server.heads)
            await anyio.sleep(0.02)
            group.cancel_scope.cancel()
        assert client.in_flight == 0
        await until(lambda: not server.open_connections and live_tasks() == tasks)
    assert list(tmp_path.iterdir()) == []


# Responses without end, and early refusals

HEADS = {
    "head": (*drip(b"HTTP/1.1 200 OK\r\nX: " + b"x" * 10_000, 0.02),),
    "1xx flood": (flood(b"HTTP/1.1 102 Processing\r\n\r\n"),),
    "1xx drip": (flood(b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n", seconds=0.01),),
    "error": (answer(bytes(20_000), status=b"404 ")[:-19_990], *drip(b"x" * 10_000, 0.02)),
}
ANSWERS = HEADS | {"body": (answer(bytes(20_000))[:-19_990], *drip(b"x" * 10_000, 0.02))}


@pytest.mark.parametrize("how", ANSWERS)
async def test_it_ends_with_the_attempt_timeout(server, connect, tmp_path, how):
    download = [lambda client: client.files.download("/f", tmp_path / "f")] * (how in HEADS)
    async with connect(server, attempt_timeout=0.3) as client:
        for call in (lambda client: client.users.me(), *download):
            server.play(REQUEST, *ANSWERS[how])
            error = await failure(call(client), ur.APITimeoutError)
            assert str(error).endswith("no complete response within 0.3 s (attempt_timeout)")
            assert (error.request_sent, error.attempt) == (True, 1)
    assert list(tmp_path.iterdir()) == []


async def test_it_ends_after_five_timeouts_by_default_also_in_a_view(server, connect):
    async with connect(server) as client:
        by_reads = {"timeout": httpx.Timeout(10, read=0.5)}
        for options, within in ((by_reads, r"2\.5"), ({"attempt_timeout": 0.1}, r"0\.1")):
            server.play(REQUEST, *ANSWERS["1xx drip"])
            call = client.with_options(**options).users.me()
            await failure(call, ur.APITimeoutError, match=rf"within {within} s")


async def test_a_download_may_take_longer(server, connect, tmp_path):
    server.play(REQUEST, answer(b"x" * 30)[:-30], *drip(b"x" * 30, 0.06))
    async with connect(server, attempt_timeout=1) as client:
        assert await client.files.download("/f", tmp_path / "f") == 30


async def test_a_timeout_at_any_moment_leaves_nothing_behind(server, connect):
    async with connect(server) as client:
        for seconds in (n / 250 for n in range(1, 25)):
            server.play(REQUEST, *drip(answer(ME, CLOSE), 0.0005))
            with anyio.fail_after(20), suppress(ur.APITimeoutError):
                assert (await client.with_options(attempt_timeout=seconds).users.me()).id == 1
            assert client.in_flight == 0
            await until(lambda: not server.open_connections)


@pytest.mark.parametrize("key", ["evil-key", "ab" * 30, "a" * 64])
async def test_redacting_a_large_error_does_not_block_the_event_loop(server, connect, key):
    size = 63 * 1024 * 1024
    body = (key.encode() * (size // len(key)))[: size - 1]
    server.play(REQUEST, answer(body, status=b"400 Bad Request"))
    longest = 0.0

    async def watch() -> None:
        nonlocal longest
        while True:
            before = time.thread_time()
            await anyio.sleep(0.001)
            longest = max(longest, time.thread_time() - before)

    async with connect(server, api_key=key, timeout=10) as client:
        async with anyio.create_task_group() as group:
            group.start_soon(watch)
            error = await failure(client.users.get(1), ur.APIStatusError)
            group.cancel_scope.cancel()
    assert longest < 0.3  # seconds of this thread, in one go
    assert len(error.response.content) <= 64 * 1024
    assert key not in f"{error} {error.response.text}"


@pytest.mark.parametrize("lingers", [True, False])
async def test_an_early_413_to_a_large_upload_raises(server, connect, lingers):
    body = b'{"error": {"code": 413, "message": "too large"}}'
    refusal = answer(body, CLOSE, status=b"413 Content Too Large")
    server.play(HEAD, refusal, DRAIN if lingers else sleep(0.1))
    kinds = ur.APIStatusError if lingers else (ur.APIStatusError, ur.APIConnectionError)
    async with connect(server, timeout=10) as client:
        upload = client.files.upload(ur.Attachment.from_bytes("a", bytes(20_000_000)))
        error = await failure(upload, kinds)
    if isinstance(error, ur.APIStatusError):
        assert (error.status_code, error.message) == (413, "too large")
    else:  # how far it had come, so that a limit can be guessed
        assert "bytes of the body were sent" in str(error)


# Redirects: where the client follows them, and where the key is sent


def redirect(target: str, *headers: bytes, status: bytes = b"302 Found") -> bytes:
    return answer(b"", b"Location: " + target.encode(), *headers, status=status)


# The standard library's cookie jar warns of the last one, which is an error here.
@pytest.mark.parametrize("cookie", [b"seen=1; Path=/", b"seen=1; max-age"])
async def test_no_cookie_is_sent_or_parsed(server, connect, tmp_path, cookie):
    server.play(REQUEST, redirect("/on", b"Set-Cookie: " + cookie), SERVE)
    server.otherwise = answer(ME, b"Set-Cookie: " + cookie)
    async with connect(server) as client:
        await client.users.me()
        await client.files.download("/f", tmp_path / "f")
        assert len(server.heads) == 3
    assert b"\r\ncookie:" not in b"".join(server.heads).lower()


async def test_a_download_redirected_elsewhere_and_back_has_no_key(
    server, start_server, connect, tmp_path
):
    other = start_server()
    server.play(REQUEST, redirect(f"{other.url}/elsewhere"))
    other.play(REQUEST, redirect(f"{server.url}/back"))
    async with connect(server) as client:
        await client.files.download("/f", tmp_path / "f")
    assert [b"evil-key" in head for head in server.heads] == [True, False, True]
    assert b"evil-key" not in other.heads[0]


async def test_an_upload_that_is_redirected_is_sent_completely(server, connect, tmp_path):
    """The body that broke off is closed before it is read anew: a file that stays open warns."""
    path = tmp_path / "a"
    path.write_bytes(bytes(5_000_000))
    uploaded = answer(b'{"success": {"token": "t", "url": "/f/t", "id": 1}}')
    server.play(HEAD, redirect("/on", status=b"307 Temporary Redirect"), sleep(0.2))
    server.play(REQUEST, uploaded)
    async with connect(server) as client:
        with suppress(ur.APIConnectionError):  # the server hung up before its answer was read
            assert (await client.files.upload(ur.Attachment.from_path(path))).token == "t"


LOCATIONS = [
    "http://xn--a/", "http://xn--/", "http://[", "//", "http:///x", "http://h:99999/", "\x01",
    "http://127.0.0.1:1:2/", "http://%00/", "?", "#", "http://a b/", "file:///etc/passwd",
    "gopher://x/", "http://" + "a" * 70_000, "javascript:alert(1)", "http://\xad/", "https:",
    "http://\xff\xfe:80:80/", "//[::1", "http://localhost:0/f", "//localhost:70000/f",
]  # fmt: skip


async def follow(location: bytes, to: Path) -> None:
    def lead(request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith(("me.json", "/f")):
            return httpx.Response(302, headers=[(b"Location", location)])
        return httpx.Response(404, json={})

    transport = httpx.MockTransport(lead)
    async with ur.AsyncClient("http://localhost", transport=transport, retry=ONCE) as client:
        for call in (client.users.me, lambda: client.files.download("/f", to)):
            error = await failure(call(), (ur.APIStatusError, ur.APIConnectionError))
            shown = traceback.TracebackException.from_exception(error, capture_locals=True)
            assert "".join(shown.format())
            assert error.__context__ is error.__cause__ is None
            pickle.loads(pickle.dumps(error))  # noqa: S301 - our own
        # And as the address of a download.
        address = location.decode(errors="surrogatepass")
        await failure(
            client.files.download(address, to),
            (ur.ArgumentError, ur.APIConnectionError, ur.APIStatusError),
        )


TEXTS = st.text(st.sampled_from("htp:/[]@%.xn-aZ0?#\\ \x00é\xad"), max_size=20)
ADDRESSES = st.one_of(
    st.sampled_from(LOCATIONS), TEXTS, st.text(max_size=20), TEXTS.map("http://".__add__)
)


@settings(max_examples=200)
@given(ADDRESSES)
@example("\ud800")
def test_any_redirect_or_address_raises_a_typed_error_that_can_be_rendered_and_pickled(location):
    with TemporaryDirectory() as folder:
        anyio.run(follow, location.encode(errors="surrogatepass"), Path(folder, "f"))


# TLS, before and after the handshake

GARBAGE = b"\x17\x03\x03\x00\x20" + b"x" * 32
FAULTS = {
    "a garbage record": (REQUEST, Raw(GARBAGE)),
    "an alert": (REQUEST, Raw(b"\x15\x03\x03\x00\x02\x02\x28")),
    "plain text": (REQUEST, Raw(answer())),
    "a corrupt record in the head": (REQUEST, answer()[:20], Raw(GARBAGE)),
    "a corrupt record in the body": (REQUEST, answer()[:-20], Raw(GARBAGE)),
    "the end without a close": (REQUEST, answer()[:-20]),
    "garbage ahead of the request": (Raw(GARBAGE), SILENCE),
}
BY_CALL = pytest.mark.parametrize("call", ["get", "post", "download"])


@pytest.fixture(scope="session")
def trusting() -> ssl.SSLContext:
    context = ssl.create_default_context()
    AUTHORITY.configure_trust(context)
    return context


@BY_CALL
@pytest.mark.parametrize("fault", FAULTS)
async def test_a_fault_below_the_request_is_typed_and_only_a_create_is_not_retried(  # noqa: PLR0917 - fixtures
    start_server, trusting, connect, fault, call, tmp_path
):
    server = start_server(tls=tls_context())
    ahead = "ahead" in fault  # where it is a matter of chance whether the request was read
    server.play(*FAULTS[fault], times=2 - ahead)
    async with connect(server, verify=trusting) as client:
        error = await failure(CALLS[call](client, tmp_path))
        assert not isinstance(error, ur.APITimeoutError)
        assert (error.permanent, error.request_sent) == (False, True)
        assert list(tmp_path.iterdir()) == []
        if ahead:
            return
        server.heads.clear()
        again = CALLS[call](client.with_options(retry=QUICK), tmp_path)
        await (failure(again) if call == "post" else again)
        assert len(server.heads) == (1 if call == "post" else 2)


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
@BY_CALL
async def test_a_certificate_that_is_required_of_the_client_is_typed(  # noqa: PLR0917 - fixtures
    start_server, trusting, connect, call, version, tmp_path
):
    server = start_server(tls=tls_context())
    server.tls.maximum_version = version
    server.tls.verify_mode = ssl.CERT_REQUIRED
    AUTHORITY.configure_trust(server.tls)
    async with connect(server, retry=QUICK, verify=trusting) as client:
        await failure(CALLS[call](client, tmp_path))
        server.tls.verify_mode = ssl.CERT_NONE
    assert not [head for head in server.heads if head.startswith(b"POST")]


YESTERDAY = dt.datetime.now(dt.timezone.utc) - dt.timedelta(days=1)
UNTRUSTED = {
    "Hostname mismatch|certificate is not valid for": lambda: tls_context("elsewhere.example"),
    "certificate has expired": lambda: tls_context(not_after=YESTERDAY),
    "unable to get local issuer certificate": lambda: tls_context(authority=trustme.CA()),
}


@pytest.mark.parametrize("reason", UNTRUSTED)
async def test_an_untrusted_certificate_raises_before_a_request(
    start_server, trusting, connect, reason
):
    server = start_server(tls=UNTRUSTED[reason]())
    async with connect(server, retry=QUICK, verify=trusting) as client:
        error = await failure(create(client), match=reason)
        assert (error.request_sent, error.permanent, error.attempt) == (False, True, 1)
        # The certificate is put right: the same client goes on.
        server.tls = tls_context()
    assert [head.split()[0] for head in server.heads] == [b"GET"]


@pytest.mark.parametrize("script", [(SILENCE,), (RESET,), (REQUEST, SILENCE)])
async def test_a_failing_tls_server_raises_at_once(start_server, trusting, connect, script):
    server = start_server(tls=tls_context())
    server.play(*script)
    timeout = 0.25 if SILENCE in script else 5
    async with connect(server, verify=trusting, timeout=timeout) as client:
        error = await failure(create(client))
    assert isinstance(error, ur.APITimeoutError) is (SILENCE in script)
    assert error.request_sent is (script[0] is REQUEST)


async def test_a_plain_server_behind_an_https_address_raises(server, trusting, wire):
    server.play(answer(status=b"400 Bad Request"))
    url = server.url.replace("http", "https")
    async with ur.AsyncClient(url, retry=ONCE, verify=trusting, transport=wire) as client:
        assert not (await failure(client.users.me())).request_sent
