"""Connections that fail before a response."""

import datetime as dt
import ssl

import pytest
import trustme
from quick import QUICK
from server import ONCE, Request, Reset, Silence, answer, create, failure, options_of, tls_context

from useresponse_async import APITimeoutError, AsyncClient, RetryPolicy

pytestmark = [pytest.mark.anyio, pytest.mark.every_loop]


@pytest.mark.parametrize("heard", [True, False])
@pytest.mark.parametrize("how", [(Reset(),), (), (Silence(),)], ids=["reset", "close", "silence"])
async def test_a_connection_without_a_response_raises_a_connection_error(
    server, connect, how, heard
):
    server.play(*([Request()] if heard else []), *how)
    silent = any(isinstance(step, Silence) for step in how)
    async with connect(server) as client:
        error = await failure(create(client), within=3)
    assert isinstance(error, APITimeoutError) is silent
    assert error.request_sent or not (heard or silent)


async def test_each_attempt_waits_for_a_silent_server(server, connect):
    server.play(Silence(), times=3)
    quick = RetryPolicy(attempts=3, initial_delay=0, min_retries_per_second=1000)
    async with connect(server, retry=quick, timeout=0.1) as client:
        error = await failure(client.users.me(), APITimeoutError, within=3)
    assert error.attempt == 3


async def test_a_connection_that_is_reset_at_once_raises_a_connection_error(server, connect):
    resets = 50  # so many, since it is a matter of chance what the client has seen by then
    server.play(Reset(), times=resets)
    async with connect(server) as client:
        for _ in range(resets):
            await failure(create(client), within=3)


# TLS


def self_signed() -> ssl.SSLContext:
    """Return a context whose certificate is its own authority."""
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with authority.private_key_pem.tempfile() as key, authority.cert_pem.tempfile() as certificate:
        context.load_cert_chain(certificate, key)
    return context


YESTERDAY = dt.datetime.now(dt.timezone.utc) - dt.timedelta(days=1)
UNTRUSTED = {
    "Hostname mismatch|certificate is not valid for": lambda: tls_context("elsewhere.example"),
    "certificate has expired": lambda: tls_context(not_after=YESTERDAY),
    "self.signed certificate": self_signed,
    "unable to get local issuer certificate": lambda: tls_context(authority=trustme.CA()),
}


@pytest.mark.parametrize("reason", UNTRUSTED)
async def test_an_untrusted_certificate_raises_before_a_request(
    start_server, trusting, connect, reason
):
    server = start_server(tls=UNTRUSTED[reason]())
    async with connect(server, retry=QUICK, verify=trusting, timeout=5) as client:
        error = await failure(create(client), match=reason)
        assert (error.request_sent, error.permanent, error.attempt) == (False, True, 1)
        # The certificate is put right: the same client goes on.
        server.tls = tls_context()
    assert [head.split()[0] for head in server.heads] == [b"GET"]


TLS_FAILURES = {
    "silence": ((Silence(),), True),
    "reset": ((Reset(),), False),
    "no answer": ((Request(), Silence()), True),
    "a stalled answer": ((Request(), answer()[:40], Silence()), True),
}


@pytest.mark.parametrize(("script", "timed_out"), TLS_FAILURES.values(), ids=TLS_FAILURES)
async def test_a_failing_tls_server_raises_at_once(
    start_server, trusting, connect, script, timed_out
):
    server = start_server(tls=tls_context())
    server.play(*script)
    async with connect(server, verify=trusting) as client:
        error = await failure(create(client), within=3)
    assert isinstance(error, APITimeoutError) is timed_out
    assert error.request_sent is (Request() in script)


async def test_a_plain_server_behind_an_https_address_is_a_connection_error(server, trusting, wire):
    server.play(answer(status=b"400 Bad Request"))
    url = server.url.replace("http", "https")
    async with AsyncClient(url, retry=ONCE, verify=trusting, **options_of(wire)) as client:
        assert not (await failure(client.users.me())).request_sent


@pytest.mark.parametrize(
    ("status", "times"), [(b"407 Proxy Authentication Required", 1), (b"502 Bad Gateway", 6)]
)
async def test_a_refusal_by_a_proxy_is_not_retried_and_a_failure_is(server, wire, status, times):
    server.otherwise = answer(b"", status=status)
    url, proxy = "https://support.example", server.url
    async with AsyncClient(url, proxy=proxy, retry=QUICK, **options_of(wire)) as client:
        error = await failure(create(client), match=status[:3].decode())
    assert not error.request_sent
    asked = [head.split()[:2] for head in server.heads]
    assert asked == [[b"CONNECT", b"support.example:443"]] * times
