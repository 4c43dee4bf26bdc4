"""TLS connections that break before or after the handshake."""

import datetime as dt
import ssl

import pytest
import trustme
from quick import QUICK
from server import (
    AUTHORITY,
    CALLS,
    ONCE,
    RESET,
    SILENCE,
    EvilServer,
    Raw,
    Request,
    Step,
    answer,
    create,
    failure,
    tls_context,
)

from useresponse_async import APITimeoutError, AsyncClient

pytestmark = pytest.mark.anyio

GARBAGE = b"\x17\x03\x03\x00\x20" + b"x" * 32
BY_CALL = pytest.mark.parametrize("call", ["get", "post", "download"])


@pytest.fixture
def server(start_server) -> EvilServer:
    return start_server(tls=tls_context())


FAULTS: dict[str, tuple[Step, ...]] = {
    "a garbage record": (Request(), Raw(GARBAGE)),
    "an alert": (Request(), Raw(b"\x15\x03\x03\x00\x02\x02\x28")),
    "plain text": (Request(), Raw(answer())),
    "a corrupt record in the head": (Request(), answer()[:20], Raw(GARBAGE)),
    "a corrupt record in the body": (Request(), answer()[:-20], Raw(GARBAGE)),
    "the end without a close": (Request(), answer()[:-20]),
    "garbage ahead of the request": (Raw(GARBAGE), SILENCE),
}


@pytest.mark.every_loop
@BY_CALL
@pytest.mark.parametrize("fault", FAULTS)
async def test_a_fault_below_the_request_is_typed_and_only_a_create_is_not_retried(  # noqa: PLR0917 - fixtures
    server, trusting, connect, fault, call, tmp_path
):
    ahead = "ahead" in fault  # where it is a matter of chance whether the request was read
    server.play(*FAULTS[fault], times=2 - ahead)
    async with connect(server, verify=trusting) as client:
        error = await failure(CALLS[call](client, tmp_path))
        assert not isinstance(error, APITimeoutError)
        assert (error.permanent, error.request_sent) == (False, True)
        assert list(tmp_path.iterdir()) == []
        if ahead:
            return
        server.heads.clear()
        again = CALLS[call](client.with_options(retry=QUICK), tmp_path)
        if call == "post":
            await failure(again)
        else:
            await again
        assert len(server.heads) == (1 if call == "post" else 2)


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
@BY_CALL
async def test_a_certificate_that_is_required_of_the_client_is_typed(  # noqa: PLR0917 - fixtures
    server, trusting, connect, call, version, tmp_path
):
    server.tls.maximum_version = version
    server.tls.verify_mode = ssl.CERT_REQUIRED
    AUTHORITY.configure_trust(server.tls)
    async with connect(server, retry=QUICK, verify=trusting) as client:
        await failure(CALLS[call](client, tmp_path))
        server.tls.verify_mode = ssl.CERT_NONE
    assert not [head for head in server.heads if head.startswith(b"POST")]


# Before the request


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


@pytest.mark.every_loop
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


@pytest.mark.every_loop
@pytest.mark.parametrize("script", [(SILENCE,), (RESET,), (Request(), SILENCE)])
async def test_a_failing_tls_server_raises_at_once(server, trusting, connect, script):
    server.play(*script)
    timeout = 0.25 if SILENCE in script else 5
    async with connect(server, verify=trusting, timeout=timeout) as client:
        error = await failure(create(client))
    assert isinstance(error, APITimeoutError) is (SILENCE in script)
    assert error.request_sent is (Request() in script)


async def test_a_plain_server_behind_an_https_address_raises(start_server, trusting, wire):
    server = start_server()
    server.play(answer(status=b"400 Bad Request"))
    url = server.url.replace("http", "https")
    async with AsyncClient(url, retry=ONCE, verify=trusting, transport=wire) as client:
        assert not (await failure(client.users.me())).request_sent
