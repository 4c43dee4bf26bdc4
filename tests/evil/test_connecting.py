"""What becomes of a connection that is never made, or never spoken on?"""

import datetime as dt
import ssl
from collections.abc import Callable

import anyio
import pytest
import trustme
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from quick import QUICK
from server import (
    ONCE,
    Connect,
    EvilServer,
    Request,
    Reset,
    Silence,
    answer,
    options_of,
    refusing_address,
)

from useresponse_async import APIConnectionError, APITimeoutError, AsyncClient, RetryPolicy

pytestmark = [pytest.mark.anyio, pytest.mark.every_loop]

Start = Callable[..., EvilServer]


async def test_a_refused_connection_was_never_made(wire: str):
    holder, url = refusing_address()
    options = options_of(wire)
    with holder:
        async with AsyncClient(url, retry=ONCE, **options) as client:
            with anyio.fail_after(5), pytest.raises(APIConnectionError) as caught:
                await client.users.me()
    assert not caught.value.request_sent
    assert not isinstance(caught.value, APITimeoutError)


@pytest.mark.parametrize("heard", [True, False])
async def test_a_server_that_accepts_and_says_nothing_is_a_timeout(
    server: EvilServer, connect: Connect, *, heard: bool
):
    server.play(*([Request()] if heard else []), Silence())
    async with connect(server) as client:
        with anyio.fail_after(3), pytest.raises(APITimeoutError) as caught:
            await client.users.me()
    assert caught.value.request_sent


async def test_silence_is_waited_for_once_per_try(server: EvilServer, connect: Connect):
    server.play(Silence(), times=3)
    quick = RetryPolicy(attempts=3, initial_delay=0, min_retries_per_second=1000)
    async with connect(server, retry=quick, timeout=0.1) as client:
        with anyio.fail_after(3), pytest.raises(APITimeoutError) as caught:
            await client.users.me()
    assert caught.value.attempt == 3


@pytest.mark.parametrize("heard", [True, False])
@pytest.mark.parametrize("how", [(Reset(),), ()], ids=["reset", "close"])
async def test_a_connection_that_breaks_before_an_answer_is_a_connection_error(
    server: EvilServer, connect: Connect, how: tuple[Reset, ...], *, heard: bool
):
    server.play(*([Request()] if heard else []), *how)
    async with connect(server) as client:
        with anyio.fail_after(3), pytest.raises(APIConnectionError) as caught:
            await client.users.create("a@b.example", full_name="A")
    assert not isinstance(caught.value, APITimeoutError)
    assert caught.value.request_sent or not heard


async def test_a_connection_that_is_reset_as_it_is_made_is_a_connection_error(server, connect):
    resets = 50  # so many, since it is a matter of chance what the client has seen by then
    server.play(Reset(), times=resets)
    async with connect(server) as client:
        for _ in range(resets):
            with anyio.fail_after(3), pytest.raises(APIConnectionError):
                await client.users.create("a@b.example", full_name="A")


# TLS


@pytest.fixture(scope="session")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(scope="session")
def trusting(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.create_default_context()
    authority.configure_trust(context)
    return context


def context_of(certificate: trustme.LeafCert) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate.configure_cert(context)
    return context


def self_signed(tmp_path) -> ssl.SSLContext:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = dt.datetime.now(dt.timezone.utc)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path / "both.pem"
    path.write_bytes(
        certificate.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    return context


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        ("name", "Hostname mismatch|certificate is not valid for"),
        ("date", "certificate has expired"),
        ("signature", "self.signed certificate"),
        ("authority", "unable to get local issuer certificate"),
    ],
)
async def test_a_certificate_that_cannot_be_trusted_ends_before_the_request(
    start_server: Start, authority, trusting, tmp_path, wire: str, *, wrong: str, reason: str
):
    past = dt.datetime.now(dt.timezone.utc) - dt.timedelta(days=1)
    contexts = {
        "name": lambda: context_of(authority.issue_cert("elsewhere.example")),
        "date": lambda: context_of(authority.issue_cert("localhost", not_after=past)),
        "signature": lambda: self_signed(tmp_path),
        "authority": lambda: context_of(trustme.CA().issue_cert("localhost")),
    }
    server = start_server(tls=contexts[wrong]())
    options = options_of(wire)
    async with AsyncClient(
        server.url, api_key="evil-key", retry=QUICK, verify=trusting, **options
    ) as client:
        with anyio.fail_after(5), pytest.raises(APIConnectionError, match=reason) as caught:
            await client.users.create("a@b.example", full_name="A")
        assert not caught.value.request_sent
        assert caught.value.permanent
        assert caught.value.attempt == 1
        # The certificate is put right: the same client goes on.
        server.tls = context_of(authority.issue_cert("localhost"))
        assert (await client.users.me()).id == 1
    assert [head.split()[0] for head in server.heads] == [b"GET"]


async def test_a_tls_server_that_says_nothing_is_a_timeout_before_the_request(
    start_server: Start, authority, trusting, connect: Connect
):
    server = start_server(tls=context_of(authority.issue_cert("localhost")))
    server.play(Silence())
    async with connect(server, verify=trusting) as client:
        with anyio.fail_after(3), pytest.raises(APITimeoutError) as caught:
            await client.users.create("a@b.example", full_name="A")
    assert not caught.value.request_sent


async def test_a_tls_server_that_resets_is_a_connection_that_was_never_made(
    start_server: Start, authority, trusting, connect: Connect
):
    server = start_server(tls=context_of(authority.issue_cert("localhost")))
    server.play(Reset())
    async with connect(server, verify=trusting) as client:
        with anyio.fail_after(3), pytest.raises(APIConnectionError) as caught:
            await client.users.create("a@b.example", full_name="A")
    assert not caught.value.request_sent


async def test_a_plain_server_behind_an_https_address_is_a_connection_error(server, trusting, wire):
    server.play(answer(status=b"400 Bad Request"))
    options = options_of(wire)
    url = server.url.replace("http", "https")
    async with AsyncClient(url, retry=ONCE, verify=trusting, **options) as client:
        with anyio.fail_after(5), pytest.raises(APIConnectionError) as caught:
            await client.users.me()
    assert not caught.value.request_sent


async def through_proxy(proxy: EvilServer, wire: str) -> APIConnectionError:
    options = options_of(wire)
    async with AsyncClient(
        "https://support.example", proxy=proxy.url, retry=QUICK, **options
    ) as client:
        with anyio.fail_after(5), pytest.raises(APIConnectionError) as caught:
            await client.users.create("a@b.example", full_name="A")
    return caught.value


async def test_a_proxy_that_refuses_is_asked_once(server: EvilServer, wire: str):
    server.otherwise = answer(b"", status=b"407 Proxy Authentication Required")
    error = await through_proxy(server, wire)
    assert "407" in str(error)
    assert not error.request_sent
    assert [head.split()[:2] for head in server.heads] == [[b"CONNECT", b"support.example:443"]]


async def test_a_proxy_that_fails_is_asked_again(server: EvilServer, wire: str):
    server.otherwise = answer(b"", status=b"502 Bad Gateway")
    error = await through_proxy(server, wire)
    assert "502" in str(error)
    assert not error.request_sent
    assert len(server.heads) == QUICK.attempts


@pytest.mark.parametrize("stalled_after", [0, 40])
async def test_a_tls_answer_that_stalls_is_a_timeout_and_closing_does_not_wait(
    start_server: Start, authority, trusting, connect: Connect, stalled_after: int
):
    server = start_server(tls=context_of(authority.issue_cert("localhost")))
    server.play(Request(), answer()[:stalled_after], Silence())
    async with connect(server, verify=trusting) as client:
        with anyio.fail_after(3), pytest.raises(APITimeoutError):
            await client.users.me()
