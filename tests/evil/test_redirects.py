"""Redirects: where the client follows them, and where the key is sent."""

import pickle
import traceback
from contextlib import suppress
from pathlib import Path

import anyio
import httpx
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from server import ME, ONCE, RESET, SERVE, Request, Sleep, answer, failure

from useresponse_async import (
    APIConnectionError,
    APIStatusError,
    ArgumentError,
    AsyncClient,
    Attachment,
    NotFoundError,
)

pytestmark = pytest.mark.anyio


def redirect(target: str, *headers: bytes, status: bytes = b"302 Found") -> bytes:
    return answer(b"", b"Location: " + target.encode(), *headers, status=status)


# The standard library's cookie jar warns of the last one, which is an error here.
@pytest.mark.parametrize("cookie", [b"seen=1; Path=/", b"seen=1; max-age"])
async def test_no_cookie_is_sent_or_parsed(server, connect, tmp_path, cookie):
    server.play(Request(), redirect("/on", b"Set-Cookie: " + cookie), SERVE)
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
    server.play(Request(), redirect(f"{other.url}/elsewhere"))
    other.play(Request(), redirect(f"{server.url}/back"))
    async with connect(server) as client:
        await client.files.download("/f", tmp_path / "f")
    assert [b"evil-key" in head for head in server.heads] == [True, False, True]
    assert b"evil-key" not in other.heads[0]


@pytest.mark.every_loop
async def test_an_upload_that_is_redirected_is_sent_completely(server, connect, tmp_path):
    """The body that broke off is closed before it is read anew: a file that stays open warns."""
    path = tmp_path / "a"
    path.write_bytes(bytes(5_000_000))
    uploaded = answer(b'{"success": {"token": "t", "url": "/f/t", "id": 1}}')
    server.play(Request(body=False), redirect("/on", status=b"307 Temporary Redirect"), Sleep(0.2))
    server.play(Request(), uploaded)
    async with connect(server) as client:
        with suppress(APIConnectionError):  # the server hung up before its answer was read
            assert (await client.files.upload(Attachment.from_path(path))).token == "t"


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
    async with AsyncClient("http://localhost", transport=transport, retry=ONCE) as client:
        for call in (client.users.me, lambda: client.files.download("/f", to)):
            error = await failure(call(), (APIStatusError, APIConnectionError))
            shown = traceback.TracebackException.from_exception(error, capture_locals=True)
            assert "".join(shown.format())
            assert error.__context__ is error.__cause__ is None
            pickle.loads(pickle.dumps(error))  # noqa: S301 - our own
        # And as the address of a download.
        with suppress(ArgumentError, NotFoundError, APIConnectionError, APIStatusError):
            await client.files.download(location.decode(errors="surrogatepass"), to)
            raise AssertionError(location)


def test_any_redirect_or_address_raises_a_typed_error_that_can_be_rendered_and_pickled(
    tmp_path_factory,
):
    to = tmp_path_factory.mktemp("any") / "f"
    texts = st.text(st.sampled_from("htp:/[]@%.xn-aZ0?#\\ \x00é\xad"), max_size=20)
    fixed = st.sampled_from(LOCATIONS)

    @settings(deadline=None, max_examples=200)
    @given(st.one_of(fixed, texts, st.text(max_size=20), texts.map("http://".__add__)))
    @example("\ud800")
    def check(location: str) -> None:
        anyio.run(follow, location.encode(errors="surrogatepass"), to)

    check()


@pytest.mark.every_loop
async def test_a_reset_after_a_redirect_is_a_connection_error(server, connect):
    server.play(Request(), redirect("/on"), Request(), answer()[:60], RESET)
    async with connect(server) as client:
        await failure(client.users.me())
