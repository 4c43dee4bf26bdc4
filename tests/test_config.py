"""Settings: their values, their sources, and what is invalid."""

import copy
import pickle
import re
from pathlib import Path

import httpx
import pytest
from quick import QUICK

from useresponse_async import (
    AsyncClient,
    AuthenticationError,
    ConfigurationError,
    RetryPolicy,
    Secret,
)
from useresponse_async._config import Settings

pytestmark = pytest.mark.anyio

URL = "https://mydomain.useresponse.com"
KEY = "k3y-0123456789abcdef"


@pytest.fixture(autouse=True)
def _bare_environment(monkeypatch):
    for name in ("USERESPONSE_URL", "USERESPONSE_API_KEY", "USERESPONSE_API_VERSION"):
        monkeypatch.delenv(name, raising=False)


async def asked(*args, **options) -> str:
    """Return the URL that such a client's first request goes to, key included."""
    urls = []

    def answer(request: httpx.Request) -> httpx.Response:
        urls.append(str(request.url))
        return httpx.Response(200, json={"id": 1})

    transport = httpx.MockTransport(answer)
    async with AsyncClient(*args, transport=transport, **options) as client:
        await client.users.me()
    return urls[0]


def refusal(*args, **options) -> str:
    with pytest.raises(ConfigurationError) as caught:
        AsyncClient(*args, **options)
    return str(caught.value)


# The base URL


@pytest.mark.parametrize(
    ("base_url", "address"),
    [
        ("https://mydomain.useresponse.com", URL), ("https://mydomain.useresponse.com/", URL),
        ("mydomain.useresponse.com", URL), ("mydomain.useresponse.com/", URL),
        ("HTTPS://MyDomain.UseResponse.com", URL),
        ("https://x.example/support", "https://x.example/support"),
        ("https://x.example/support/", "https://x.example/support"),
        ("https://x.example/a/b%20c", "https://x.example/a/b%20c"),
        ("https://x.example/apis", "https://x.example/apis"),
        ("x.example/support", "https://x.example/support"),
        ("https://x.example:8443", "https://x.example:8443"),
        ("https://x.example:443", "https://x.example"),
        ("x.example:8443", "https://x.example:8443"), ("https://helpdesk", "https://helpdesk"),
        ("https://bücher.example", "https://xn--bcher-kva.example"),
        ("http://localhost:8000", "http://localhost:8000"),
        ("localhost:8000", "https://localhost:8000"),
        ("http://support.localhost", "http://support.localhost"),
        ("http://127.0.0.1:8000", "http://127.0.0.1:8000"),
        ("http://[::1]:8000", "http://[::1]:8000"), ("[::1]:8000", "https://[::1]:8000"),
        ("http://[0:0:0:0:0:0:0:1]:80", "http://[0:0:0:0:0:0:0:1]"),
    ],
)  # fmt: skip
async def test_the_base_url_is_normalized(base_url, address):
    assert await asked(base_url) == f"{address}/api/3.0/me.json"


@pytest.mark.parametrize("slash", ["", "/"])
async def test_a_sub_path_is_kept_on_the_wire(start_sandbox, slash):
    sandbox = start_sandbox(users=3, root_path="/support/desk")
    async with AsyncClient(sandbox.url + slash, api_key=sandbox.api_key, retry=QUICK) as client:
        assert len(await client.users.search().collect()) == 3
    assert sandbox.requests[0].path == "/support/desk/api/3.0/users/search.json"


REASONS = {
    "not a string; pass the URL of your UseResponse site": [5],
    "is not a host name such as": ["https://", "https:///support", "helpdesk", "/support"],
    "the scheme must be https or http": ["ftp://x.example", "file:///etc/passwd", "://x.example"],
    "contains a user name or password": ["https://jo:pass@x.example", "jo@x.example"],
    "contains a query or a fragment": [
        "https://x.example/?a=1", "https://x.example?a=1", "https://x.example/#top",
    ],
    "remove /api/…": [
        "https://x.example/api", "https://x.example/api/3.0/", "https://x.example/support/api/3.0",
    ],
    "the path contains an empty, '.' or '..' segment": [
        "https://x.example//support", "https://x.example/a/../b", "https://x.example/a/%2e%2e/b",
    ],
    "contains whitespace, a backslash or a control character": [
        "https://x.example/a b", " https://x.example", "https://x.example\n", "https://x.example\\a",
        "https://x.example\x00",
    ],
    "invalid URL": ["https://xn--0.example.com",
        "https://x.example:port", "https://[::1", "https://" + 70 * "x" + ".example\u0600",
    ],
    "99999": ["https://x.example:99999"],
    "a control character": ["https://x.example/\ud800"],
}  # fmt: skip


@pytest.mark.parametrize("reason", REASONS)
def test_an_invalid_base_url_raises_with_the_reason(reason):
    for base_url in REASONS[reason]:
        message = refusal(base_url)
        assert message.startswith("base_url: ")
        assert reason in message


def test_a_missing_base_url_raises_with_the_remedy():
    assert "USERESPONSE_URL" in refusal()


def test_an_empty_base_url_is_not_replaced_by_the_environments(monkeypatch):
    monkeypatch.setenv("USERESPONSE_URL", URL)
    assert "base_url" in refusal("")


@pytest.mark.parametrize(
    "base_url",
    [
        "http://x.example", "http://localhost.x.example", "http://127.0.0.1.x.example",
        "http://10.0.0.1", "http://[2001:db8::1]", "http://[::1:1]", "http://[1::]",
    ],
)  # fmt: skip
def test_an_unencrypted_base_url_warns(base_url):
    with pytest.warns(UserWarning, match="are sent unencrypted") as caught:
        AsyncClient(base_url)
    assert caught[0].filename == __file__


# Where settings come from


async def test_settings_come_from_the_environment(monkeypatch):
    monkeypatch.setenv("USERESPONSE_URL", "https://env.example/")
    monkeypatch.setenv("USERESPONSE_API_KEY", "env-key")
    monkeypatch.setenv("USERESPONSE_API_VERSION", "7.0")
    assert await asked() == "https://env.example/api/7.0/me.json?apiKey=env-key"
    url = await asked(URL, api_key=KEY, api_version="4.0")
    assert url == f"{URL}/api/4.0/me.json?apiKey={KEY}"


async def test_empty_variables_are_ignored(monkeypatch):
    monkeypatch.setenv("USERESPONSE_API_KEY", "")
    monkeypatch.setenv("USERESPONSE_API_VERSION", "")
    assert await asked(URL) == f"{URL}/api/3.0/me.json"


def test_invalid_variables_raise(monkeypatch):
    monkeypatch.setenv("USERESPONSE_API_KEY", "two words")
    assert refusal(URL).startswith("api_key: ")
    monkeypatch.setenv("USERESPONSE_URL", "ftp://x.example")
    assert "the scheme must be https or http" in refusal()


# The key


async def test_no_key_means_guest_access(sandbox):
    sandbox.set_guests(allowed=False)
    async with AsyncClient(sandbox.url, retry=QUICK) as client:
        with pytest.raises(AuthenticationError):
            await client.users.me()
    assert sandbox.requests[0].query == []


@pytest.mark.parametrize("key", ["a+b/c=d&e", "%41", "k#?"])
async def test_a_key_is_sent_unchanged(start_sandbox, key):
    sandbox = start_sandbox(users=3, api_key=key)
    async with AsyncClient(sandbox.url, api_key=key, retry=QUICK) as client:
        assert (await client.users.me()).id == 1
    assert sandbox.requests[0].query == [("apiKey", key)]


async def test_a_key_may_be_given_as_a_secret(sandbox):
    async with AsyncClient(sandbox.url, api_key=Secret(sandbox.api_key), retry=QUICK) as client:
        assert (await client.users.me()).id == 1


async def test_white_space_around_a_key_is_removed(sandbox, monkeypatch):
    spaced = f"  {sandbox.api_key}\r\n"
    monkeypatch.setenv("USERESPONSE_API_KEY", spaced)
    for key in (spaced, Secret(spaced), None):
        async with AsyncClient(sandbox.url, api_key=key, retry=QUICK) as client:
            await client.users.me()
    keys = [request.query for request in sandbox.requests]
    assert keys == [[("apiKey", sandbox.api_key)]] * 3


@pytest.mark.parametrize("transport", [None, "aiohttp"])
@pytest.mark.parametrize("verify", [False, True, "ca.pem", Path("ca.pem")])
def test_verify_must_be_a_tls_context(verify, transport):
    message = refusal(URL, verify=verify, transport=transport)
    assert message.startswith("verify: ")
    assert "ssl.create_default_context(cafile=" in message


@pytest.mark.parametrize("key", ["", " ", "my key", "schlüssel", "k\x00y", 5, b"key", Secret("")])
def test_an_invalid_key_raises_and_is_not_shown(key):
    message = refusal(URL, api_key=key)
    assert message.startswith("api_key: ")
    assert "schl" not in message
    assert "my key" not in message


@pytest.mark.parametrize(
    "options",
    [
        {"max_in_flight": 0}, {"timeout": -1}, {"api_version": "3/0"}, {"adaptive_pacing": "yes"},
        {"base_url": "ftp://x.example"},
    ],
)  # fmt: skip
def test_no_configuration_error_shows_the_key(options):
    assert KEY not in refusal(**{"base_url": URL, "api_key": KEY, **options})


@pytest.mark.parametrize(
    "base_url",
    [
        f"https://x.example/?apiKey={KEY}", f"https://x.example/ ?apiKey={KEY}",
        f"https://x.example:port/?apiKey={KEY}", f"https://jo:{KEY}@x.example",
        f"https://jo:{KEY}@x.example/ ", f"https://jo:{KEY}@x.example:port/",
    ],
)  # fmt: skip
def test_a_key_or_password_in_the_base_url_is_not_shown(base_url):
    assert KEY not in refusal(base_url)


def test_a_client_shows_no_key():
    client = AsyncClient(URL, api_key=KEY)
    assert repr(client) == f"AsyncClient({URL!r}, api_version='3.0')"
    assert KEY not in f"{client} {client.with_options(timeout=1)!r} {vars(client)!r}"


# Versions


@pytest.mark.parametrize("version", ["3.0", "4.0", "7.0", "7", "7.0.1", "v8", "8.0-beta"])
async def test_any_api_version_is_used(version):
    assert await asked(URL, api_version=version) == f"{URL}/api/{version}/me.json"


@pytest.mark.parametrize(
    "version",
    ["3/0", "../4.0", "..", "3.0?", "3.0#", " 3.0", "3.0\n", "3..0", ".", "\u0663.\u0660", 3.0, 3],
)
def test_an_invalid_api_version_raises(version):
    assert refusal(URL, api_version=version).startswith("api_version: ")


# Timeouts, pacing, placement


@pytest.mark.parametrize("timeout", [5, 0.5, None, httpx.Timeout(5, connect=1)])
def test_a_timeout_is_seconds_none_or_of_httpx(timeout):
    client = AsyncClient(URL, timeout=timeout)
    assert isinstance(client.with_options(timeout=timeout), AsyncClient)


@pytest.mark.parametrize(
    "timeout",
    [0, -1, -0.5, True, "5", float("nan"), (1, 2), httpx.Timeout(-1), httpx.Timeout(5, read=0)],
)
def test_an_invalid_timeout_raises(timeout):
    assert refusal(URL, timeout=timeout).startswith("timeout: ")


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, {"connect": 10.0, "read": 60.0, "write": 60.0, "pool": 60.0}),
        ({"timeout": 3}, {"connect": 3, "read": 3, "write": 3, "pool": 3}),
        ({"timeout": None}, {"connect": None, "read": None, "write": None, "pool": None}),
    ],
)
async def test_the_timeout_reaches_each_request(given, expected):
    seen = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request.extensions["timeout"])
        return httpx.Response(200, json={"id": 1})

    async with AsyncClient(URL, transport=httpx.MockTransport(answer), **given) as client:
        await client.users.me()
    assert seen == [expected]


@pytest.mark.parametrize("name", ["attempt_timeout", "queue_timeout"])
@pytest.mark.parametrize("timeout", [0, -1, -0.5, True, "5", float("nan"), httpx.Timeout(5)])
def test_an_invalid_attempt_or_queue_timeout_raises(name, timeout):
    expected = f"{name}: {timeout!r} is neither a positive number of seconds nor None"
    assert refusal(URL, **{name: timeout}) == expected
    with pytest.raises(ConfigurationError, match=re.escape(expected)):
        AsyncClient(URL).with_options(**{name: timeout})


@pytest.mark.parametrize(
    ("given", "seconds"),
    [
        ({}, 300), ({"timeout": httpx.Timeout(60, read=2)}, 10),
        ({"timeout": httpx.Timeout(60, read=None)}, None), ({"timeout": None}, None),
        ({"timeout": None, "attempt_timeout": 7}, 7), ({"timeout": 3, "attempt_timeout": 1}, 1),
        ({"attempt_timeout": None}, None),
    ],
)  # fmt: skip
def test_an_attempt_takes_at_most_five_timeouts_by_default(given, seconds):
    settings = Settings.resolve(URL, api_key=None, api_version=None, **given)
    assert settings.longest_attempt == seconds


@pytest.mark.parametrize("bound", [0, -1, True, 2.0, "5", None])
def test_an_invalid_max_in_flight_raises(bound):
    assert refusal(URL, max_in_flight=bound).startswith("max_in_flight: ")


@pytest.mark.parametrize("switch", [1, 0, "yes", None])
def test_an_invalid_adaptive_pacing_raises(switch):
    assert refusal(URL, adaptive_pacing=switch).startswith("adaptive_pacing: ")


@pytest.mark.parametrize("placement", ["query", "header", None])
def test_an_invalid_key_placement_raises(placement):
    assert refusal(URL, key_placement=placement).startswith("key_placement: ")


@pytest.mark.parametrize(
    "options", [{"timeout": 0}, {"max_in_flight": 0}, {"retry": 3}, {"retry": None}]
)
def test_an_invalid_option_of_a_view_raises(options):
    client = AsyncClient(URL)
    with pytest.raises(ConfigurationError) as caught:
        client.with_options(**options)
    assert str(caught.value).startswith(f"{next(iter(options))}: ")


# The retry policy


def test_the_default_retry_policy():
    policy = RetryPolicy()
    assert (policy.attempts, policy.initial_delay, policy.max_delay) == (None, 0.25, 15.0)
    assert (policy.max_elapsed, policy.min_retries_per_second) == (60.0, 10.0)
    assert (policy.max_retry_ratio, policy.repeat_unsafe) == (0.2, False)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *[("attempts", value) for value in (0, -1, 1.5, "3", True)],
        *[("initial_delay", value) for value in (-0.1, "1", None, float("nan"), float("inf"))],
        *[("max_delay", value) for value in (-1, float("nan"), float("inf"), None)],
        *[("max_elapsed", value) for value in (-1, float("nan"), float("inf"), None)],
        *[("min_retries_per_second", value) for value in (0, 0.01, -1, float("inf"), None)],
        *[("max_retry_ratio", value) for value in (-0.1, float("inf"), None)],
        *[("initial_delay", True), ("max_elapsed", False)],
        *[("repeat_unsafe", value) for value in (0, 1, "no", None)],
    ],
)
def test_a_retry_policy_out_of_range_raises(name, value):
    with pytest.raises(ConfigurationError, match=rf"^{name}: {re.escape(repr(value))} is n"):
        RetryPolicy(**{name: value})


@pytest.mark.parametrize(
    "limits",
    [
        {"attempts": 1},
        {"initial_delay": 0, "max_delay": 0, "max_elapsed": 0},
        {"min_retries_per_second": 0.1, "max_retry_ratio": 0},
    ],
)
def test_a_retry_policy_accepts_the_ends_of_its_ranges(limits):
    policy = RetryPolicy(**limits)
    assert {name: getattr(policy, name) for name in limits} == limits


def test_a_retry_policy_is_immutable_and_can_be_pickled():
    policy = RetryPolicy(attempts=3)
    with pytest.raises(AttributeError):
        policy.attempts = 4
    assert pickle.loads(pickle.dumps(policy)) == policy == copy.copy(policy)  # noqa: S301


def test_an_unknown_setting_of_a_retry_policy_raises():
    with pytest.raises(TypeError):
        RetryPolicy(retries=3)
