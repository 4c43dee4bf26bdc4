"""Invalid responses, and the errors that they become."""

import json
import pickle
from collections.abc import Awaitable
from typing import Any

import anyio
import httpx
import pytest

from useresponse_async import (
    APIConnectionError,
    APIStatusError,
    APITimeoutError,
    ArgumentError,
    AuthenticationError,
    BadRequestError,
    ClientClosedError,
    ConfigurationError,
    ConflictError,
    DecodeError,
    InternalServerError,
    MethodNotAllowedError,
    NotFoundError,
    PermissionDeniedError,
    RateLimitError,
    RetryPolicy,
    ServerError,
    ServiceUnavailableError,
    UseResponseError,
)

pytestmark = pytest.mark.anyio

KEY = "sandbox-key"
NEW = {"email": "new.one@example.com", "full_name": "New One"}


def as_json(value: Any) -> bytes:
    return json.dumps(value).encode()


async def failure_of(call: Awaitable[object]) -> UseResponseError:
    with pytest.raises(UseResponseError) as caught:
        await call
    return caught.value


# HTML


async def test_html_with_status_200_is_a_decode_error_that_shows_it(sandbox, client):
    sandbox.answer_next(b"<html>\n <h1>Log in</h1></html>", media_type="text/html")
    with pytest.raises(DecodeError, match="<html> <h1>Log in</h1></html>") as caught:
        await client.users.get(1)
    assert (caught.value.status_code, caught.value.field) == (200, "")
    assert sandbox.arrivals == 1


async def test_html_with_status_503_is_retried(sandbox, client):
    sandbox.html_next(503, times=2)
    user = await client.users.get(1)
    assert user.id == 1
    assert sandbox.arrivals == 3


async def test_lasting_html_with_status_503_is_an_error_that_shows_it(sandbox, client):
    sandbox.html_next(503, times=6)
    with pytest.raises(ServiceUnavailableError, match="<title>503</title>") as caught:
        await client.users.get(1)
    assert caught.value.attempt == 6
    assert caught.value.code is None


async def test_only_the_beginning_of_a_long_body_is_shown(sandbox, client):
    sandbox.answer_next(b"<p>" + 50_000 * b"x", 404, media_type="text/html")
    error = await failure_of(client.users.get(1))
    assert "<p>xxx" in str(error)
    assert len(str(error)) < 500


# Empty and cut bodies


async def test_an_empty_body_is_retried(sandbox, client):
    sandbox.empty_next(200)
    user = await client.users.get(1)
    assert user.id == 1
    assert sandbox.arrivals == 2


async def test_a_body_that_stays_empty_is_a_decode_error(sandbox, client):
    sandbox.empty_next(200, times=6)
    with pytest.raises(DecodeError, match="empty") as caught:
        await client.users.get(1)
    assert caught.value.malformed is True
    assert caught.value.attempt == 6


async def test_cut_json_of_a_get_is_retried(sandbox, client):
    sandbox.cut_next(times=2)
    page = await client.users.search()
    assert [user.id for user in page.items] == list(range(1, 51))
    assert sandbox.arrivals == 3


async def test_cut_json_of_a_post_is_a_decode_error_without_a_retry(sandbox, client):
    sandbox.cut_next(after_effect=True)
    error = await failure_of(client.users.create(NEW["email"], full_name=NEW["full_name"]))
    assert type(error) is DecodeError
    assert error.malformed is True
    assert sandbox.arrivals == 1
    assert sandbox.user_count == 231


async def test_a_damaged_compressed_body_is_a_decode_error(sandbox, client):
    sandbox.answer_next(b"no gzip", headers={"Content-Encoding": "gzip"}, times=6)
    error = await failure_of(client.users.get(1))
    assert type(error) is DecodeError
    assert error.path == "/api/3.0/users/1.json"


async def test_a_503_with_a_damaged_compressed_body_is_retried(sandbox, client):
    sandbox.answer_next(b"no gzip", 503, headers={"Content-Encoding": "gzip"}, times=2)
    user = await client.users.get(1)
    assert user.id == 1
    assert sandbox.arrivals == 3


# JSON of another shape


async def test_json_of_another_shape_is_a_decode_error(sandbox, client):
    neither = [b"5", b'"text"', b"true", b"[1, 2]", b'{"unheard": {}}']
    no_user = [*neither, b"[]", b'{"unheard": 1}', b"null", b'{"success": false}']
    for body in no_user:
        sandbox.answer_next(body)
        error = await failure_of(client.users.get(1))
        assert (type(error), error.malformed, error.attempt) == (DecodeError, False, 1)
    for body in [*neither, b'{"success": true}']:
        sandbox.answer_next(body)
        assert type(await failure_of(client.users.search().collect())) is DecodeError


async def test_a_wrong_field_is_named_with_its_place(sandbox, client):
    users = [{"id": 1}, {"id": "boss"}]
    sandbox.answer_next(as_json({"currentPage": 1, "data": users}))
    with pytest.raises(DecodeError, match=r"the field data\[1\]\.id is invalid: 'boss'") as caught:
        await client.users.search()
    assert caught.value.field == "data[1].id"


async def test_a_204_in_place_of_a_user_is_a_decode_error(sandbox, client):
    sandbox.empty_next(204)
    with pytest.raises(DecodeError, match="User") as caught:
        await client.users.get(1)
    assert caught.value.status_code == 204
    assert sandbox.arrivals == 1


async def test_a_change_that_was_not_made_is_a_decode_error(sandbox, client):
    for body in (b"false", b'{"success": false}'):
        sandbox.answer_next(body)
        assert type(await failure_of(client.users.delete(1))) is DecodeError


async def test_an_item_may_be_bare_under_success_or_alone_in_a_list(sandbox, client):
    for body in (
        b'{"id": 7}',
        b'{"success": {"id": 7}}',
        b'[{"id": 7}]',
        b'{"success":[{"id":7}]}',
    ):
        sandbox.answer_next(body)
        assert (await client.users.get(7)).id == 7


# Errors


STATUSES = {
    400: (BadRequestError, 1), 401: (AuthenticationError, 1), 403: (PermissionDeniedError, 1),
    404: (NotFoundError, 1), 405: (MethodNotAllowedError, 1), 409: (ConflictError, 1),
    418: (APIStatusError, 1), 429: (RateLimitError, 6), 500: (InternalServerError, 6),
    501: (ServerError, 1), 502: (ServerError, 6), 503: (ServiceUnavailableError, 6),
    504: (ServerError, 6),
}  # fmt: skip


@pytest.mark.parametrize("status", STATUSES)
async def test_each_status_has_its_class_and_attributes(sandbox, client, status):
    kind, attempts = STATUSES[status]
    sandbox.fail_next(status, times=6, message="No way", context="email")
    error = await failure_of(client.users.get(7))
    assert type(error) is kind
    assert (error.method, error.path) == ("GET", "/api/3.0/users/7.json")
    assert (error.status_code, error.code) == (status, status)
    assert (error.message, error.context) == ("No way", "email")
    assert error.attempt == attempts == sandbox.arrivals
    assert error.response.json()["error"]["message"] == "No way"
    assert str(error).startswith(f"GET /api/3.0/users/7.json: {status} No way (email)")


@pytest.mark.parametrize(("status", "attempts"), [(429, 6), (500, 1), (502, 1), (503, 6), (504, 1)])
async def test_a_post_is_retried_after_503_and_429_only(sandbox, client, status, attempts):
    sandbox.fail_next(status, times=6)
    error = await failure_of(client.users.create(NEW["email"], full_name=NEW["full_name"]))
    assert error.attempt == attempts == sandbox.arrivals
    assert error.method == "POST"


@pytest.mark.parametrize(
    ("body", "message", "code"),
    [
        (b"", "Bad Request", None), (b"[]", "Bad Request", None), (b"null", "Bad Request", None),
        (b'{"error": []}', "Bad Request", None), (b'{"error": {}}', "Bad Request", None),
        (b'{"error": "No such thing"}', "No such thing", None),
        (b'{"error": {"message": "No", "code": "417"}}', "No", 417),
        (b'{"error": {"message": "No", "code": "x"}}', "No", None),
        (b'{"error": {"code": 417}}', "Bad Request", 417),
    ],
)  # fmt: skip
async def test_the_message_is_read_from_an_error_of_any_shape(sandbox, client, body, message, code):
    sandbox.answer_next(body, 400)
    error = await failure_of(client.users.get(7))
    assert type(error) is BadRequestError
    assert error.message.startswith(message)
    assert (error.status_code, error.code) == (400, code)


async def test_an_error_with_a_deeply_nested_body_has_its_class(sandbox, client):
    sandbox.answer_next(b'{"error": ' + 1000 * b"[" + 1000 * b"]" + b"}", 403)
    assert type(await failure_of(client.users.get(7))) is PermissionDeniedError


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (400, BadRequestError), (401, AuthenticationError), (403, PermissionDeniedError),
        (404, NotFoundError), (409, ConflictError),
    ],
)  # fmt: skip
async def test_an_error_with_status_200_has_the_class_of_its_code(sandbox, client, code, kind):
    sandbox.error_in_200_next(code, message="No way")
    error = await failure_of(client.users.get(7))
    assert type(error) is kind
    assert (error.status_code, error.code, error.message) == (code, code, "No way")
    assert error.response.status_code == 200


async def test_an_error_with_status_200_is_not_an_empty_page(sandbox, client):
    sandbox.error_in_200_next(403)
    assert type(await failure_of(client.users.search().collect())) is PermissionDeniedError


async def test_a_503_with_status_200_is_retried(sandbox, client):
    sandbox.error_in_200_next(503, times=2)
    assert (await client.users.get(7)).id == 7
    assert sandbox.arrivals == 3


async def test_an_error_with_status_200_without_a_code_is_a_status_error(sandbox, client):
    sandbox.answer_next(b'{"error": {"message": "No way"}}')
    error = await failure_of(client.users.get(7))
    assert type(error) is APIStatusError
    assert (error.status_code, error.code, error.message) == (200, None, "No way")


@pytest.mark.parametrize(
    "misbehave",
    [
        pytest.param(lambda s: s.fail_next(404, times=6), id="404"),
        pytest.param(lambda s: s.fail_next(503, times=6), id="503"),
        pytest.param(lambda s: s.html_next(200, times=6), id="html"),
        pytest.param(lambda s: s.empty_next(200, times=6), id="empty"),
        pytest.param(lambda s: s.cut_next(times=6), id="cut"),
        pytest.param(lambda s: s.reset_next(times=6), id="reset"),
        pytest.param(lambda s: s.answer_next(b"5"), id="shape"),
    ],
)
async def test_an_error_does_not_contain_the_query(sandbox, client, misbehave):
    misbehave(sandbox)
    error = await failure_of(client.users.search(email="jo@private.example").collect())
    assert (error.method, error.path) == ("GET", "/api/3.0/users/search.json")
    assert "private" not in f"{error} {error!r}"
    assert KEY not in f"{error} {error!r}"


# Pickling


def same_after_pickling(error: UseResponseError) -> bool:
    again = pickle.loads(pickle.dumps(error))  # noqa: S301 - our own bytes
    mine, its = dict(vars(error)), dict(vars(again))
    for fields in (mine, its):
        response = fields.pop("response", None)
        if response is not None:
            fields["answer"] = (response.status_code, response.content, response.headers)
    return (type(again), str(again), its) == (type(error), str(error), mine)


@pytest.mark.parametrize(
    ("misbehave", "kind"),
    [
        (lambda s: s.fail_next(400, context="email"), BadRequestError),
        (lambda s: s.fail_next(503, times=6, message="Off"), ServiceUnavailableError),
        (lambda s: s.html_next(200), DecodeError),
        (lambda s: s.answer_next(b'{"id": "x"}'), DecodeError),
        (lambda s: s.reset_next(times=6), APIConnectionError),
    ],
)
async def test_an_error_survives_pickling(sandbox, client, misbehave, kind):
    misbehave(sandbox)
    error = await failure_of(client.users.get(7))
    assert type(error) is kind
    assert same_after_pickling(error)


async def test_a_timeout_survives_pickling(sandbox, client):
    sandbox.delay_next(60, times=2)
    hasty = client.with_options(
        timeout=httpx.Timeout(60, read=0.05),
        attempt_timeout=60,
        retry=RetryPolicy(attempts=2, initial_delay=0),
    )
    error = await failure_of(hasty.users.get(7))
    assert type(error) is APITimeoutError
    assert (error.attempt, error.request_sent) == (2, True)
    assert same_after_pickling(error)


@pytest.mark.parametrize(
    "error",
    [
        ArgumentError("page", "0 is not a positive integer"),
        ConfigurationError("base_url: no"),
        ClientClosedError("closed"),
    ],
)
def test_an_error_without_a_response_survives_pickling(error):
    assert same_after_pickling(error)


# Redirects


@pytest.mark.parametrize("query", ["", f"?a=1&apiKey={KEY}&b=2"])
async def test_a_redirect_on_the_same_server_is_followed_with_the_key_once(sandbox, client, query):
    target = f"/api/3.0/users/5.json{query}"
    sandbox.answer_next(b"", 302, headers={"Location": target})
    assert (await client.users.get(7)).id == 5
    assert sandbox.requests[1].path == "/api/3.0/users/5.json"
    others = [("a", "1"), ("b", "2")] if query else []
    assert sandbox.requests[1].query == [*others, ("apiKey", KEY)]


async def test_a_redirect_to_another_origin_is_not_followed(start_sandbox, client, sandbox):
    other = start_sandbox(users=1)
    target = f"{other.url}/api/3.0/users/1.json"
    for status in (301, 302, 303, 307, 308):
        sandbox.answer_next(b"", status, headers={"Location": target})
        error = await failure_of(client.users.get(7))
        assert (type(error), error.status_code) == (APIStatusError, status)
        assert target in str(error)
    assert other.arrivals == 0


async def test_another_name_of_the_same_server_is_another_origin(sandbox, client):
    target = sandbox.url.replace("127.0.0.1", "localhost") + "/api/3.0/users/1.json"
    sandbox.answer_next(b"", 302, headers={"Location": target})
    error = await failure_of(client.users.get(7))
    assert error.status_code == 302
    assert sandbox.arrivals == 1


async def test_a_redirect_that_is_not_followed_does_not_show_the_query(
    start_sandbox, client, sandbox
):
    target = f"https://login.example/sso?email=jo@private.example&apiKey={KEY}"
    sandbox.answer_next(b"", 302, headers={"Location": target})
    error = await failure_of(client.users.search(email="jo@private.example").first())
    assert "https://login.example/sso" in str(error)
    assert KEY not in str(error)
    assert "private" not in str(error)


async def test_a_redirected_post_does_not_become_a_get(sandbox, client):
    for status in (301, 302, 303):
        sandbox.answer_next(b"", status, headers={"Location": "/api/3.0/users/5.json"})
        error = await failure_of(client.users.create(NEW["email"], full_name=NEW["full_name"]))
        assert (type(error), error.status_code) == (APIStatusError, status)
    assert [request.method for request in sandbox.requests] == ["POST"] * 3


@pytest.mark.parametrize("status", [307, 308])
async def test_a_redirect_that_keeps_the_method_keeps_the_body(sandbox, client, status):
    sandbox.answer_next(b"", status, headers={"Location": "/api/3.0/users.json"})
    user = await client.users.create(NEW["email"], full_name=NEW["full_name"])
    assert user.name == "New One"
    assert [request.json() for request in sandbox.requests] == [NEW, NEW]


async def test_a_loop_of_redirects_ends(sandbox, client):
    sandbox.answer_next(b"", 302, headers={"Location": "/api/3.0/users/7.json"}, times=500)
    with anyio.fail_after(10):
        error = await failure_of(client.users.get(7))
    assert (type(error), error.status_code) == (APIStatusError, 302)
    assert sandbox.arrivals == 6


async def test_an_invalid_redirect_raises_a_typed_error(sandbox, client):
    for headers in (
        {},
        *({"Location": it} for it in ("http://[", "http://a:b/", "ftp://x/", "//")),
    ):
        sandbox.clear_faults()
        sandbox.answer_next(b"", 302, headers=headers, times=500)
        error = await failure_of(client.users.get(7))
        assert isinstance(error, APIStatusError | APIConnectionError)


# Without a body


async def test_a_request_with_a_204_response_returns_none(sandbox, client):
    sandbox.empty_next(204)
    assert await client.request("DELETE", "/anything.json") is None
