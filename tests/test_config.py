"""Settings: their values, their sources, and what is invalid."""

import copy
import inspect
import pickle
import re
from contextlib import suppress
from pathlib import Path

import attrs
import httpx
import pytest
from quick import client_of

import useresponse_async as ur
from useresponse_async._config import Settings

pytestmark = pytest.mark.anyio

URL = "https://mydomain.useresponse.com"
KEY = "k3y-0123456789abcdef"


@pytest.fixture(autouse=True)
def _bare_environment(monkeypatch):
    for name in ("USERESPONSE_URL", "USERESPONSE_API_KEY", "USERESPONSE_API_VERSION"):
        monkeypatch.delenv(name, raising=False)


async def sent_by(*args, view=None, **options) -> httpx.Request:
    """Return the request of such a client, or of its view, key included."""
    requests: list[httpx.Request] = []
    user = httpx.Response(200, json={"id": 1})
    transport = httpx.MockTransport(lambda request: requests.append(request) or user)
    async with ur.AsyncClient(*args, transport=transport, **options) as client:
        await client.with_options(**view or {}).users.me()
    return requests[0]


def refusal(*args, **options) -> str:
    with pytest.raises(ur.ConfigurationError) as caught:
        ur.AsyncClient(*args, **options)
    assert KEY not in str(caught.value)
    return str(caught.value)


ADDRESSES = {
    URL: [f"{URL}/", "mydomain.useresponse.com", "HTTPS://MyDomain.UseResponse.com"],
    "https://x.example/support": ["https://x.example/support/", "x.example/support"],
    "https://x.example/a/b%20c": ["https://x.example/a/b%20c"],
    "https://x.example/apis": ["https://x.example/apis"], "https://helpdesk": ["https://helpdesk"],
    "https://x.example": ["https://x.example:443"], "https://x.example:8443": ["x.example:8443"],
    "https://xn--bcher-kva.example": ["https://bücher.example"],
    "http://localhost:8000": ["http://localhost:8000"],
    "https://localhost:8000": ["localhost:8000"], "https://[::1]:8000": ["[::1]:8000"],
    "http://support.localhost": ["http://support.localhost"],
    "http://127.0.0.1:8000": ["http://127.0.0.1:8000"],
    "http://[::1]:8000": ["http://[::1]:8000"],
    "http://[0:0:0:0:0:0:0:1]": ["http://[0:0:0:0:0:0:0:1]:80"],
}  # fmt: skip


@pytest.mark.parametrize("address", ADDRESSES)
async def test_the_base_url_is_normalized(address):
    for base_url in ADDRESSES[address]:
        assert str((await sent_by(base_url)).url) == f"{address}/api/3.0/me.json"


REASONS = {
    "not a string; pass the URL of your UseResponse site": [5],
    "is not a host name such as": ["https://", "https:///support", "helpdesk", "/support"],
    "the scheme must be https or http": ["ftp://x.example", "file:///etc/passwd", "://x.example"],
    "contains a user name or password": [f"https://jo:{KEY}@x.example", "jo@x.example"],
    "contains a query or a fragment": [
        "https://x.example/?a=1", f"https://x.example?apiKey={KEY}", "https://x.example/#top",
    ],
    "remove /api/…": [
        "https://x.example/api", "https://x.example/api/3.0/", "https://x.example/support/api/3.0",
    ],
    "the path contains an empty, '.' or '..' segment": [
        "https://x.example//support", "https://x.example/a/../b", "https://x.example/a/%2e%2e/b",
    ],
    "contains whitespace, a backslash or a control character": [
        "https://x.example/a b", " https://x.example", "https://x.example\n", "https://x.example\\a",
        "https://x.example\x00", f"https://x.example/ ?apiKey={KEY}", "https://x.example/\ud800",
        f"https://jo:{KEY}@x.example/ ",
    ],
    "invalid URL": ["https://xn--0.example.com", "https://x.example:port", "https://[::1",
        "https://" + 70 * "x" + ".example\u0600", f"https://jo:{KEY}@x.example:port/",
    ],
    "99999": ["https://x.example:99999"],
    "set USERESPONSE_URL": [None, ""],
}  # fmt: skip


@pytest.mark.parametrize("reason", REASONS)
def test_an_invalid_or_missing_base_url_raises_with_the_reason(reason):
    for base_url in REASONS[reason]:
        message = refusal(base_url)
        assert message.startswith("base_url: ")
        assert reason in message


def test_an_unencrypted_base_url_warns():
    for host in ("x.example", "localhost.x.example", "127.0.0.1.x.example", "10.0.0.1",
        "[2001:db8::1]", "[::1:1]", "[1::]"):  # fmt: skip
        with pytest.warns(UserWarning, match="are sent unencrypted") as caught:
            ur.AsyncClient(f"http://{host}")
        assert caught[0].filename == __file__


async def test_settings_come_from_the_environment(monkeypatch):
    monkeypatch.setenv("USERESPONSE_API_KEY", "")
    monkeypatch.setenv("USERESPONSE_API_VERSION", "")
    assert str((await sent_by(URL)).url) == f"{URL}/api/3.0/me.json"
    monkeypatch.setenv("USERESPONSE_URL", "https://env.example/")
    monkeypatch.setenv("USERESPONSE_API_KEY", "  env-key\r\n")
    monkeypatch.setenv("USERESPONSE_API_VERSION", "7.0")
    assert str((await sent_by()).url) == "https://env.example/api/7.0/me.json?apiKey=env-key"
    url = (await sent_by(URL, api_key=KEY, api_version="4.0")).url
    assert str(url) == f"{URL}/api/4.0/me.json?apiKey={KEY}"
    assert "base_url" in refusal("")
    monkeypatch.setenv("USERESPONSE_API_KEY", "two words")
    assert refusal(URL).startswith("api_key: ")
    monkeypatch.setenv("USERESPONSE_URL", "ftp://x.example")
    assert "the scheme must be https or http" in refusal()


async def test_a_key_is_sent_unchanged_but_for_white_space_around_it(sandbox):
    for key in ("a+b/c=d&e", "%41", "k#?", f"  {KEY}\r\n", ur.Secret(KEY), ur.Secret(f" {KEY}\n")):
        async with client_of(sandbox, api_key=key) as client:
            with suppress(ur.AuthenticationError):
                await client.users.me()
        expected = KEY if isinstance(key, ur.Secret) else key.strip()
        assert sandbox.requests[-1].query == [("apiKey", expected)]


@pytest.mark.parametrize("version", ["3.0", "4.0", "7", "7.0.1", "v8", "8.0-beta"])
async def test_any_api_version_is_used(version):
    assert (await sent_by(URL, api_version=version)).url == f"{URL}/api/{version}/me.json"


NO_DURATIONS = [0, -1, -0.5, True, "5", float("nan")]
INVALID = {
    "api_key": ["", " ", f"{KEY} x", f"{KEY}ü", f"{KEY}\x00y", 5, KEY.encode(), ur.Secret("")],
    "api_version": [
        "3/0", "../4.0", "..", "3?", "3.0#", " 3.0", "3.0\n", "3..0", ".", "\u0663.\u0660", 3, 3.0,
    ],
    "timeout": [*NO_DURATIONS, (1, 2), httpx.Timeout(-1), httpx.Timeout(5, read=0)],
    "attempt_timeout": [*NO_DURATIONS, httpx.Timeout(5)],
    "queue_timeout": [*NO_DURATIONS, httpx.Timeout(5)],
    "max_in_flight": [0, -1, True, 2.0, "5", None],
    "max_response_bytes": [0, 2.0, None],
    "adaptive_pacing": [1, 0, "yes", None],
    "key_placement": ["query", "header", None],
    "retry": [3, "default"],
    "on_request": ["print"], "on_response": ["print"], "on_retry": ["print"],
    "verify": [False, True, "ca.pem", Path("ca.pem")],
}  # fmt: skip
OF_A_VIEW = {*inspect.signature(ur.AsyncClient.with_options).parameters}


@pytest.mark.parametrize("transport", [None, "aiohttp"])
@pytest.mark.parametrize("name", INVALID)
def test_an_invalid_setting_raises_also_for_a_view(name, transport):
    for value in INVALID[name]:
        message = refusal(URL, transport=transport, **{"api_key": KEY, name: value})
        assert message.startswith(f"{name}: ")
        if name in ("attempt_timeout", "queue_timeout"):
            assert message.endswith(f" {value!r} is neither a positive number of seconds nor None")
        if name == "verify":
            assert "ssl.create_default_context(cafile=" in message
        if name in OF_A_VIEW:
            with pytest.raises(ur.ConfigurationError, match=f"^{re.escape(message)}$"):
                ur.AsyncClient(URL).with_options(**{name: value})

    with pytest.raises(ur.ConfigurationError, match=r"^retry: "):
        ur.AsyncClient(URL).with_options(retry=None)  # which is the default policy of a client


@pytest.mark.parametrize(
    ("given", "timeout", "longest_attempt"),
    [
        ({}, httpx.Timeout(60, connect=10), 300),
        ({"timeout": 0.5}, httpx.Timeout(0.5), 2.5),
        ({"timeout": None}, httpx.Timeout(None), None),
        ({"timeout": httpx.Timeout(60, read=2)}, httpx.Timeout(60, read=2), 10),
        ({"timeout": httpx.Timeout(60, read=None)}, httpx.Timeout(60, read=None), None),
        ({"timeout": None, "attempt_timeout": 7}, httpx.Timeout(None), 7),
        ({"attempt_timeout": None}, httpx.Timeout(60, connect=10), None),
    ],
)
async def test_timeouts_reach_each_request_and_an_attempt_takes_at_most_five(
    given, timeout, longest_attempt
):
    for request in (await sent_by(URL, **given), await sent_by(URL, view=given)):
        assert request.extensions["timeout"] == timeout.as_dict()
    settings = Settings.resolve(URL, api_key=None, api_version=None, **given)
    assert settings.longest_attempt == longest_attempt


OUT_OF_RANGE = {
    "attempts": [0, -1, 1.5, "3", True],
    "initial_delay": [-0.1, "1", None, float("nan"), float("inf"), True],
    "max_delay": [-1, float("nan"), float("inf"), None],
    "max_elapsed": [-1, float("nan"), float("inf"), None, False],
    "min_retries_per_second": [0, 0.01, -1, float("inf"), None],
    "max_retry_ratio": [-0.1, float("inf"), None],
    "repeat_unsafe": [0, 1, "no", None],
}


@pytest.mark.parametrize("name", OUT_OF_RANGE)
def test_a_retry_policy_out_of_range_raises(name):
    for value in OUT_OF_RANGE[name]:
        with pytest.raises(ur.ConfigurationError, match=rf"^{name}: {re.escape(repr(value))} is n"):
            ur.RetryPolicy(**{name: value})


def test_a_retry_policy_has_defaults_and_ranges_is_immutable_and_can_be_pickled():
    assert attrs.asdict(ur.RetryPolicy()) == {
        "attempts": None, "initial_delay": 0.25, "max_delay": 15.0, "max_elapsed": 60.0,
        "min_retries_per_second": 10.0, "max_retry_ratio": 0.2, "repeat_unsafe": False,
    }  # fmt: skip
    ends = dict.fromkeys(OUT_OF_RANGE, 0) | {"attempts": 1, "min_retries_per_second": 0.1}
    policy = ur.RetryPolicy(**ends | {"repeat_unsafe": True})
    assert attrs.asdict(policy) == ends | {"repeat_unsafe": True}
    with pytest.raises(AttributeError):
        policy.attempts = 4
    assert pickle.loads(pickle.dumps(policy)) == policy == copy.copy(policy)  # noqa: S301
