"""Log-in, registration, identities, passwords and keys."""

import base64

import httpx
import pytest
from calls import NEW_USER, lacks

CREATE = "admin POST /users.json"


def login(calls, email, password):
    return calls("guest POST /auth/login.json", {"email": email, "password": password})


def statuses(calls, email, *passwords):
    return [login(calls, email, password).status_code for password in passwords]


@pytest.mark.parametrize(("user_id", "role"), [(1, "admin"), (2, "agent"), (3, "user"), (9, None)])
def test_a_login_returns_the_bare_user_with_their_key(unchanged, user_id, role):
    sandbox = unchanged.sandbox
    email = sandbox.user(user_id).email
    shown = login(unchanged, email, f"password-{user_id}").json()
    assert shown == login(unchanged, email.upper(), f"password-{user_id}").json()
    assert shown["apiKey"] == (sandbox.keys[role] if role else sandbox.key_of(user_id))
    number = {"admin": 3, "user": 1}.get(role, 2)
    me = {"id": shown["id"], "role": {"id": number, "alias": role or "agent"}}
    unchanged.play([(f"{user_id} GET /me.json", me)])


def test_only_the_latest_password_is_accepted(calls, sandbox):
    email = sandbox.user(9).email
    assert statuses(calls, email, "password-8", "PASSWORD-9", "password-9") == [401, 401, 200]
    response = calls("admin POST /users/9/change-password.json", {"password": "fresh"})
    assert "fresh" not in response.text
    assert statuses(calls, email, "password-9", "fresh") == [401, 200]
    calls.play([
        (CREATE, {**NEW_USER, "password": "s3cret"}, {"id": 121}),
        (CREATE, {**NEW_USER, "email": "other@example.com"}, {"id": 122}),
        ("admin POST /users/9/ban.json", {"permanent": True}, 200),
    ])  # fmt: skip
    assert statuses(calls, NEW_USER["email"], "s3cret") == [200]
    assert statuses(calls, "other@example.com", "None") == [401]  # has no password
    assert statuses(calls, email, "fresh") == [403]


def test_where_guests_are_rejected_a_login_needs_no_key(start):
    calls = start(users=5, guests=False)
    calls.play([("guest GET /users/search.json", 401), ("user GET /users/search.json", 200)])
    assert statuses(calls, calls.sandbox.user(1).email, "password-1") == [200]


def test_a_registration_returns_a_user_with_a_key_and_without_data_a_guest(calls, sandbox):
    user = {**NEW_USER, "name": "New One"}
    for number, sent in enumerate((
        {"body": {**user, "properties": {"property_7": "EU"}}},
        {"body": {**user, "property_7": "EU"}},
        {"data": {**user, "properties[property_7]": "EU"}},
    ), 121):  # fmt: skip
        shown = calls("guest POST /register.json", **sent).json()["success"]
        assert (shown["id"], shown["name"], shown["email"]) == (number, "New One", user["email"])
        assert shown["role"]["alias"] == "user"
        assert shown["custom_fields"][0]["textValue"] == ["Europe"]
        assert shown["apiKey"] == sandbox.key_of(number)
        sandbox.remove_user(number)
    calls.play([("guest POST /register.json", {}, {"name": "Guest", "": lacks("email")})])


def test_an_identity_returns_a_user_with_a_key_and_keeps_the_first_sso_id(calls, sandbox):
    email, other = sandbox.user(9).email, "other@example.com"

    def identify(token=None, email=email, **sso_id):
        token = token or sandbox.sso_token(email, *sso_id.values())
        params = {"token": token, "email": email, **sso_id}
        return calls("guest GET /sso/identity.json", params=params)

    shown = identify().json()["success"]
    assert (shown["id"], shown["apiKey"]) == (9, sandbox.key_of(9))
    token = sandbox.sso_token(email)
    for wrong in ({"token": "x"}, {"token": token, "email": other}, {"token": token, "sso_id": 1}):
        assert identify(**wrong).status_code == 401
    assert identify(email=other).status_code == 404
    ids = ("a-1", "a-1", "b-2")
    assert [identify(sso_id=sso_id).status_code for sso_id in ids] == [200, 200, 409]


def test_an_avatar_can_be_uploaded_and_fetched(calls):
    body = {"avatar_type": "content", "avatar_content": base64.b64encode(b"picture").decode()}
    shown = calls.value("user POST /profile/update.json", body)
    assert httpx.get(shown["avatar"]["tiny"]).content == b"picture"


@pytest.mark.parametrize("place", ["params", "headers", "body", "data", "files"])
def test_a_key_is_accepted_in_the_query_a_header_and_the_body(calls, sandbox, place):
    key = {"Authorization" if place == "headers" else "apiKey": sandbox.api_key}
    sent = {"body": NEW_USER, place: key}
    if place not in ("params", "headers"):
        fields = key | NEW_USER
        sent = {place: {it: (None, fields[it]) for it in fields} if place == "files" else fields}
    created = calls("guest POST /users.json", **sent).json()["success"]
    assert (created["name"], created["email"]) == ("New One", NEW_USER["email"])


@pytest.mark.parametrize("key", ["wrong", "", "Bearer sandbox-key", "ключ"])
def test_a_wrong_key_is_rejected(unchanged, key):
    response = unchanged("guest GET /users/search.json", params={"api_key": key})
    assert response.status_code == 401
    assert response.json() == {"error": {"code": 401, "message": "Authentication is required"}}


def test_the_api_can_be_switched_on_and_off(start):
    calls = start(users=5, api_enabled=False)
    for enabled, status in ((False, 503), (True, 200), (False, 503)):
        calls.play([("admin GET /me.json", status)])
        calls.sandbox.set_api_enabled(enabled=not enabled)


def test_keys_can_be_chosen_and_are_valid_without_their_accounts(start):
    calls = start(users=0, api_key="k-1")
    shown = calls("guest GET /me.json", headers={"Authorization": "k-1"}).json()
    assert (shown["apiKey"], shown["role"]["alias"]) == ("k-1", "admin")
    calls.play([("admin GET /users/search.json", 204)])
    calls.sandbox.remove_user(1)
    calls.play([("admin GET /users/2.json", 200), ("admin GET /me.json", 401)])
