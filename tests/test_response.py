"""Invalid responses, and the errors that they become."""

import json
import pickle

import pytest

import useresponse_async as ur

pytestmark = pytest.mark.anyio

KEY = "sandbox-key"


async def failure_of(call):
    with pytest.raises(ur.UseResponseError) as caught:
        await call
    return caught.value


def survives_pickling(error: ur.UseResponseError) -> bool:
    again = pickle.loads(pickle.dumps(error))  # noqa: S301 - our own bytes
    mine, its = dict(vars(error)), dict(vars(again))
    for fields in (mine, its):
        if response := fields.pop("response", None):
            fields["parts"] = (response.status_code, response.content, response.headers)
    return (type(again), str(again), its) == (type(error), str(error), mine)


async def test_html_with_status_200_is_a_decode_error_that_shows_its_beginning(sandbox, client):
    sandbox.answer_next(b"<html>\n <h1>Log in</h1>" + 50_000 * b"x", media_type="text/html")
    with pytest.raises(ur.DecodeError, match="<html> <h1>Log in</h1>xxx") as caught:
        await client.users.get(1)
    assert len(str(caught.value)) < 500
    assert (caught.value.status_code, caught.value.field) == (200, "")
    assert sandbox.arrivals == 1
    assert survives_pickling(caught.value)


NO_GZIP = {"headers": {"Content-Encoding": "gzip"}}
MISTAKES = {
    "HTML": (lambda s, n: s.html_next(503, times=n), "<title>503</title>"),
    "empty": (lambda s, n: s.empty_next(200, times=n), "empty"),
    "cut": (lambda s, n: s.cut_next(times=n), "JSON"),
    "gzip": (lambda s, n: s.answer_next(b"no gzip", **NO_GZIP, times=n), "damaged"),
    "gzip, 503": (lambda s, n: s.answer_next(b"no", 503, **NO_GZIP, times=n), "503 Service Unav"),
    "503 in 200": (lambda s, n: s.error_in_200_next(503, times=n), "503"),
    "reset": (lambda s, n: s.reset_next(times=n), "connection"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
async def test_an_invalid_response_is_retried_and_raised_in_the_end(sandbox, client, mistake):
    misbehave, shown = MISTAKES[mistake]
    users = client.users.search(email="jo@private.example")
    misbehave(sandbox, 2)
    assert await users.collect() == []
    assert sandbox.arrivals == 3
    misbehave(sandbox, 6)
    error = await failure_of(users.collect())
    kind = ur.ServiceUnavailableError if "503" in shown else ur.DecodeError
    assert type(error) is (ur.APIConnectionError if mistake == "reset" else kind)
    assert (error.attempt, error.method, error.path) == (6, "GET", "/api/3.0/users/search.json")
    assert getattr(error, "malformed", True)
    text = f"{error} {error!r}"
    assert shown in text
    assert "private" not in text
    assert KEY not in text
    assert survives_pickling(error)


# JSON of another shape

NEITHER = [b"5", b'"text"', b"true", b"[1, 2]", b'{"unheard": {}}']
NO_CHANGE = [b"false", b'{"success": false}']


async def test_json_of_another_shape_is_a_decode_error(sandbox, client):
    for call, bodies in (
        (client.users.get, [*NEITHER, *NO_CHANGE, b"[]", b'{"unheard": 1}', b"null"]),
        (lambda _: client.users.search().collect(), [*NEITHER, b'{"success": true}']),
        (client.users.delete, NO_CHANGE),
    ):
        for body in bodies:
            sandbox.answer_next(body)
            error = await failure_of(call(1))
            assert (type(error), error.malformed, error.attempt) == (ur.DecodeError, False, 1)


async def test_a_wrong_field_is_named_with_its_place(sandbox, client):
    users = [{"id": 1}, {"id": "boss"}]
    sandbox.answer_next(json.dumps({"currentPage": 1, "data": users}))
    with pytest.raises(
        ur.DecodeError, match=r"the field data\[1\]\.id is invalid: 'boss'"
    ) as caught:
        await client.users.search()
    assert caught.value.field == "data[1].id"
    assert survives_pickling(caught.value)


async def test_a_204_is_none_for_any_request_and_a_decode_error_in_place_of_a_user(sandbox, client):
    sandbox.empty_next(204, times=2)
    assert await client.request("DELETE", "/anything.json") is None
    with pytest.raises(ur.DecodeError, match="User") as caught:
        await client.users.get(1)
    assert (caught.value.status_code, sandbox.arrivals) == (204, 2)


async def test_an_item_may_be_bare_under_success_or_alone_in_a_list(sandbox, client):
    for body in ({"id": 7}, {"success": {"id": 7}}, [{"id": 7}], {"success": [{"id": 7}]}):
        sandbox.answer_next(json.dumps(body))
        assert (await client.users.get(7)).id == 7


STATUSES = {
    400: (ur.BadRequestError, 1), 401: (ur.AuthenticationError, 1), 409: (ur.ConflictError, 1),
    403: (ur.PermissionDeniedError, 1), 404: (ur.NotFoundError, 1), 418: (ur.APIStatusError, 1),
    405: (ur.MethodNotAllowedError, 1), 429: (ur.RateLimitError, 6), 501: (ur.ServerError, 1),
    500: (ur.InternalServerError, 6), 502: (ur.ServerError, 6), 504: (ur.ServerError, 6),
    503: (ur.ServiceUnavailableError, 6),
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
    assert survives_pickling(error)
    assert str(error).startswith(f"GET /api/3.0/users/7.json: {status} No way (email)")


async def test_the_message_is_read_from_an_error_of_any_shape(sandbox, client):
    for body, message, code in (
        *((it, "Bad Request", None) for it in ("", "[]", "null", '{"error": []}', '{"error": {}}')),
        ('{"error": "No such thing"}', "No such thing", None),
        ('{"error": {"message": "No", "code": "417"}}', "No", 417),
        ('{"error": {"message": "No", "code": "x"}}', "No", None),
        ('{"error": {"code": 417}}', "Bad Request", 417),
        ('{"error": ' + 1000 * "[" + 1000 * "]" + "}", "[[[", None),
    ):
        sandbox.answer_next(body, 400)
        error = await failure_of(client.users.get(7))
        assert type(error) is ur.BadRequestError
        assert error.message.startswith(message)
        assert (error.status_code, error.code) == (400, code)


@pytest.mark.parametrize("code", [400, 401, 403, 404, 409, None])
async def test_an_error_with_status_200_has_the_class_of_its_code(sandbox, client, code):
    kind, _ = STATUSES.get(code, (ur.APIStatusError, 1))
    body = {"error": {"message": "No way"} | ({"code": code} if code else {})}
    sandbox.answer_next(json.dumps(body), times=2)
    for call in (client.users.get(7), client.users.search().collect()):
        error = await failure_of(call)
        assert type(error) is kind
        assert (error.status_code, error.code, error.message) == (code or 200, code, "No way")
        assert error.response.status_code == 200


def test_an_error_without_a_response_survives_pickling():
    late = ur.APITimeoutError("late", method="GET", path="/", request_sent=True, host="h", errno=1)
    for error in (ur.ArgumentError("page", "0"), ur.ConfigurationError("base_url: no"),
        ur.ClientClosedError("closed"), late):  # fmt: skip
        assert survives_pickling(error)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_to_another_origin_is_not_followed_and_shows_no_query(
    start_sandbox, client, sandbox, status
):
    other = start_sandbox(users=1)
    # Another name of the same server is another origin too.
    for url in (other.url, sandbox.url.replace("127.0.0.1", "localhost"), "https://127.0.0.1"):
        target = f"{url}/api/3.0/users/1.json"
        query = f"?email=jo@private.example&apiKey={KEY}"
        sandbox.answer_next(b"", status, headers={"Location": target + query})
        error = await failure_of(client.users.search(email="jo@private.example").first())
        assert (type(error), error.status_code) == (ur.APIStatusError, status)
        assert target in str(error)
        assert KEY not in str(error)
        assert "private" not in str(error)
    assert (sandbox.arrivals, other.arrivals) == (3, 0)


@pytest.mark.parametrize(("status", "kept"), [(301, 0), (302, 0), (303, 0), (307, 1), (308, 1)])
async def test_a_post_is_redirected_with_its_body_or_not_at_all(sandbox, client, status, kept):
    sandbox.answer_next(b"", status, headers={"Location": "/api/3.0/users.json"})
    new = {"email": "new.one@example.com", "full_name": "New One"}
    call = client.users.create(**new)
    if kept:
        assert (await call).name == "New One"
    else:
        error = await failure_of(call)
        assert (type(error), error.status_code) == (ur.APIStatusError, status)
    assert [sent.json() for sent in sandbox.requests] == [new] * (1 + kept)


async def test_five_redirects_are_followed_and_no_more(sandbox, client):
    sandbox.answer_next(b"", 302, headers={"Location": "/me.json"}, times=5)
    sandbox.answer_next(b'{"id": 7}')
    assert (await client.users.get(7)).id == 7
    sandbox.answer_next(b"", 302, headers={"Location": "/me.json"}, times=6)
    sandbox.answer_next(b"", 302)  # without a location
    for arrivals in (12, 13):
        error = await failure_of(client.users.get(7))
        assert (type(error), error.status_code) == (ur.APIStatusError, 302)
        assert sandbox.arrivals == arrivals
