"""Arguments that cannot work are refused before anything is sent."""

import inspect
from typing import Any
from urllib.parse import unquote

import anyio
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from quick import QUICK

from useresponse_async import ArgumentError, AsyncClient
from useresponse_async.sandbox import Sandbox

pytestmark = pytest.mark.anyio


async def refused(sandbox: Sandbox, call: Any) -> str:
    """Make a call that must be refused before anything is sent; return the argument's name."""
    with pytest.raises(ArgumentError) as caught:
        result = call()
        if inspect.isawaitable(result):
            await result
    assert sandbox.arrivals == 0
    assert str(caught.value).startswith(f"{caught.value.argument}: ")
    return caught.value.argument


# Users


@pytest.mark.parametrize("value", [0, -1, True, "1", 1.0])
@pytest.mark.parametrize("name", ["page", "count"])
async def test_a_page_or_count_that_is_no_positive_integer_is_refused(sandbox, client, name, value):
    assert await refused(sandbox, lambda: client.users.search(**{name: value})) == name


@pytest.mark.parametrize("value", ["", " ", "\t\n", 5, b"x", ["x"]])
@pytest.mark.parametrize("name", ["role", "search", "email", "sort"])
async def test_a_search_for_an_empty_or_other_than_text_is_refused(sandbox, client, name, value):
    assert await refused(sandbox, lambda: client.users.search(**{name: value})) == name


@pytest.mark.parametrize("user_id", [0, -5, True, False, "7", 7.0, None, "7/../8", [7]])
@pytest.mark.parametrize(
    "call",
    [
        lambda users, user_id: users.get(user_id),
        lambda users, user_id: users.update(user_id, phone="1"),
        lambda users, user_id: users.delete(user_id),
        lambda users, user_id: users.change_password(user_id, "new"),
    ],
    ids=["get", "update", "delete", "change_password"],
)
async def test_an_id_that_is_no_positive_integer_is_refused(sandbox, client, call, user_id):
    assert await refused(sandbox, lambda: call(client.users, user_id)) == "user_id"


@pytest.mark.parametrize("team_id", [0, -1, True, "2", 2.5])
async def test_a_team_that_is_no_positive_integer_is_refused(sandbox, client, team_id):
    assert await refused(sandbox, lambda: client.users.update(1, team_id=team_id)) == "team_id"


@pytest.mark.parametrize(
    "call",
    [
        lambda users: users.search(rolle="user"),
        lambda users: users.update(1, name="Ada"),
        lambda users: users.create("a@b.example", full_name="A", nickname="B"),
        lambda users: users.get(1, "user"),
    ],
)
async def test_an_unknown_argument_is_a_type_error(sandbox, client, call):
    with pytest.raises(TypeError):
        await call(client.users)
    assert sandbox.arrivals == 0


async def test_a_change_of_nothing_is_refused(sandbox, client):
    assert await refused(sandbox, lambda: client.users.update(1)) == "update"


@pytest.mark.parametrize("email", ["", "  ", None, 5])
async def test_a_user_without_an_email_is_refused(sandbox, client, email):
    assert await refused(sandbox, lambda: client.users.create(email, full_name="A")) == "email"


async def test_a_user_without_a_name_is_refused(sandbox, client):
    create = client.users.create
    assert await refused(sandbox, lambda: create("a@b.example", full_name="")) == "full_name"


async def test_an_empty_password_is_refused(sandbox, client):
    assert await refused(sandbox, lambda: client.users.change_password(1, "")) == "password"


@pytest.mark.parametrize("tags", [["vip", "a,b"], ["vip", ""], ["vip", 5], (" ",)])
async def test_a_tag_that_would_become_others_is_refused(sandbox, client, tags):
    assert await refused(sandbox, lambda: client.users.update(1, tags=tags)) == "tags"


@pytest.mark.parametrize("key", [0, -7, True, "7", "property_7", None])
async def test_a_property_is_named_by_a_positive_id(sandbox, client, key):
    update = client.users.update
    assert await refused(sandbox, lambda: update(1, properties={key: "EU"})) == "properties"


@pytest.mark.parametrize("value", [object(), {1, 2}, b"x", float("nan"), float("inf"), "\ud800"])
async def test_a_body_that_is_no_json_is_refused(sandbox, client, value):
    assert await refused(sandbox, lambda: client.users.update(1, properties={7: value})) == "body"


async def test_a_body_that_holds_itself_is_refused(sandbox, client):
    circle: list[Any] = []
    circle.append(circle)
    assert await refused(sandbox, lambda: client.request("POST", "/x.json", json=circle)) == "body"


async def test_a_body_too_deep_for_json_is_refused(sandbox, client):
    deep: list[Any] = []
    for _ in range(100_000):
        deep = [deep]
    assert await refused(sandbox, lambda: client.request("POST", "/x.json", json=deep)) == "body"


# Further parameters


@pytest.mark.parametrize("name", ["role", "search", "email", "sort", "page", "count"])
async def test_params_cannot_say_what_has_an_argument_of_its_own(sandbox, client, name):
    assert await refused(sandbox, lambda: client.users.search(params={name: "1"})) == "params"


async def test_params_cannot_carry_the_key(sandbox, client):
    assert await refused(sandbox, lambda: client.users.search(params={"apiKey": "x"})) == "params"


async def test_params_of_any_endpoint_cannot_carry_the_key(sandbox, client):
    request = client.request
    assert await refused(sandbox, lambda: request("GET", "/x", params={"apiKey": "x"})) == "params"


@pytest.mark.parametrize("name", ["", 5, None])
async def test_params_have_names(sandbox, client, name):
    assert await refused(sandbox, lambda: client.users.search(params={name: "1"})) == "params"


@pytest.mark.parametrize("value", [["a"], {"a": 1}, b"x", object()])
async def test_params_have_plain_values(sandbox, client, value):
    assert await refused(sandbox, lambda: client.users.search(params={"x": value})) == "x"


async def test_half_of_a_surrogate_pair_is_refused(sandbox, client):
    assert await refused(sandbox, lambda: client.users.search(search="a\ud800")) == "search"


@pytest.mark.parametrize("name", ["x\ud800", "\udfff"])
async def test_half_of_a_surrogate_pair_is_refused_in_a_name(sandbox, client, name):
    assert await refused(sandbox, lambda: client.users.search(params={name: "1"})) == "params"


async def test_a_query_too_long_for_any_url_is_refused(sandbox, client):
    await refused(sandbox, lambda: client.users.search(search="x" * 70_000).first())


# Any endpoint


@pytest.mark.parametrize("method", ["get", "PATCH", "HEAD", "", "GET\r\nX: y", "GET /x", 5, None])
async def test_a_method_the_api_does_not_have_is_refused(sandbox, client, method):
    assert await refused(sandbox, lambda: client.request(method, "/x.json")) == "method"


PATHS = [
    "", " ", "/", "//", "//evil.example/x.json", "/a//b.json", "a/", "/../x.json", "a/../../x.json",
    "/./x.json", "..", "/a?b", "a#b", "a\\b", "\\\\evil.example", "%2e%2e/x", "/%2E%2E/x.json",
    "a/%2e/x", "a%2f..%2fb", "a%2F%2Fb", "a\rb", "a\nb", "a\x00b", "a\tb", "a%00b", "a%0d%0ab",
    "a\x7fb", "\ud800.json", "x" * 70_000, None, 5, b"x.json",
]  # fmt: skip


@pytest.mark.parametrize("path", PATHS, ids=lambda path: repr(path)[:30])
async def test_a_path_that_leaves_the_api_or_is_none_is_refused(sandbox, client, path):
    assert await refused(sandbox, lambda: client.request("GET", path)) == "path"


@pytest.mark.parametrize(
    ("path", "received"),
    [
        ("/x.json", "/api/3.0/x.json"),
        ("x.json", "/api/3.0/x.json"),
        ("/a/b/7.json", "/api/3.0/a/b/7.json"),
        ("a b.json", "/api/3.0/a b.json"),
        ("é.json", "/api/3.0/é.json"),
        ("100%25.json", "/api/3.0/100%.json"),
        ("a:b@c.json", "/api/3.0/a:b@c.json"),
        ("...json", "/api/3.0/...json"),
        ("a%3Fb.json", "/api/3.0/a?b.json"),
    ],
)
async def test_a_path_arrives_below_the_api(sandbox, client, path, received):
    sandbox.answer_next(b"1")
    assert await client.request("GET", path) == 1
    assert sandbox.requests[0].path == received
    assert sandbox.requests[0].query == [("apiKey", "sandbox-key")]


# Whatever the text


def any_text_the_call_takes() -> st.SearchStrategy[str]:
    return st.text(max_size=40).filter(str.strip)


async def received_by(sandbox: Sandbox, client: AsyncClient, **arguments: Any) -> Any:
    sandbox.forget_requests()
    sandbox.answer_next(b"[]")
    await client.users.search(**arguments)
    (request,) = sandbox.requests
    return request


@settings(
    deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    name=st.sampled_from(["role", "search", "email", "sort"]),
    value=any_text_the_call_takes(),
)
async def test_any_text_arrives_unchanged_on_the_same_path(sandbox, client, name, value):
    request = await received_by(sandbox, client, **{name: value})
    assert request.path == "/api/3.0/users/search.json"
    assert request.query == [
        (name, value), ("page", "1"), ("count", "50"), ("apiKey", "sandbox-key"),
    ]  # fmt: skip


def test_any_further_parameter_arrives_unchanged_on_the_same_path():
    reserved = {"role", "search", "email", "sort", "page", "count", "apiKey"}
    names = st.text(min_size=1, max_size=20).filter(lambda name: name not in reserved)

    with Sandbox(users=1) as sandbox:

        @settings(deadline=None, max_examples=60)
        @given(name=names, value=st.text(max_size=40))
        def check(name: str, value: str) -> None:
            request = anyio.run(search, name, value)
            assert request.path == "/api/3.0/users/search.json"
            assert request.query == [
                ("page", "1"), ("count", "50"), (name, value), ("apiKey", "sandbox-key"),
            ]  # fmt: skip

        async def search(name: str, value: str) -> Any:
            async with AsyncClient(sandbox.url, api_key="sandbox-key", retry=QUICK) as client:
                return await received_by(sandbox, client, params={name: value})

        check()


@settings(
    deadline=None, max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(path=st.text(st.sampled_from("ab./\\?#%2eEfF:@;é\n\x00 "), max_size=12))
async def test_any_path_is_refused_or_stays_below_the_api(sandbox, client, path):
    sandbox.forget_requests()
    sandbox.clear_faults()
    sandbox.answer_next(b"1")
    try:
        await client.request("GET", path)
    except ArgumentError as error:
        assert error.argument == "path"  # noqa: PT017 - whether it is refused is what is asked
        assert sandbox.arrivals == 0
    else:
        (request,) = sandbox.requests
        assert request.path == "/api/3.0/" + unquote(path.removeprefix("/"))
        assert request.query == [("apiKey", "sandbox-key")]


@settings(
    deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(name=any_text_the_call_takes(), phone=st.text(max_size=40))
async def test_any_text_arrives_unchanged_in_a_body(sandbox, client, name, phone):
    sandbox.forget_requests()
    sandbox.answer_next(b'{"success": true}')
    await client.users.update(7, full_name=name, phone=phone)
    assert sandbox.requests[0].json() == {"full_name": name, "phone": phone}
    assert sandbox.requests[0].headers["content-type"] == "application/json"
