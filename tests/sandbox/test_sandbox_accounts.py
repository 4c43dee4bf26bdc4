"""Keys, log-in, registration, single sign-on and avatars."""

import base64

import httpx
import pytest
from calls import NEW_USER


def login(calls, email, password):
    return calls("guest POST /auth/login.json", {"email": email, "password": password})


@pytest.mark.parametrize(("user_id", "role"), [(1, "admin"), (2, "agent"), (3, "user"), (9, None)])
def test_a_login_returns_the_bare_user_with_their_key(unchanged, user_id, role):
    sandbox = unchanged.sandbox
    email = sandbox.user(user_id).email
    shown = login(unchanged, email, f"password-{user_id}").json()
    assert shown == login(unchanged, email.upper(), f"password-{user_id}").json()
    assert shown["apiKey"] == (sandbox.keys[role] if role else sandbox.key_of(user_id))
    assert unchanged.value(f"{user_id} GET /me.json", path="id") == shown["id"] == user_id


def test_only_the_latest_password_is_accepted(calls, sandbox):
    def statuses(email, *passwords):
        return [login(calls, email, password).status_code for password in passwords]

    email = sandbox.user(9).email
    assert statuses(email, "password-8", "PASSWORD-9", "x", "password-9") == [401] * 3 + [200]
    assert statuses("nobody@example.com", "password-9") == [401]
    response = calls("admin POST /users/9/change-password.json", {"password": "fresh"})
    assert "fresh" not in response.text
    assert statuses(email, "password-9", "fresh") == [401, 200]
    calls.play([
        ("admin POST /users.json", {**NEW_USER, "password": "s3cret"}, {"id": 121}),
        ("admin POST /users.json", {**NEW_USER, "email": "other@example.com"}, {"id": 122}),
        ("admin POST /users/9/ban.json", {"permanent": True}, 200),
    ])  # fmt: skip
    assert login(calls, NEW_USER["email"], "s3cret").json()["id"] == 121
    assert statuses("other@example.com", "None") == [401]  # has no password
    assert statuses(email, "fresh") == [403]


def test_where_guests_are_rejected_a_login_needs_no_key(start):
    calls = start(users=5, guests=False)
    assert calls("guest GET /users/search.json").status_code == 401
    assert calls("admin GET /users/search.json").status_code == 200
    assert login(calls, calls.sandbox.user(1).email, "password-1").status_code == 200


@pytest.mark.parametrize("sent", [
    {"body": {**NEW_USER, "name": "New One", "properties": {"property_7": "EU"}}},
    {"body": {**NEW_USER, "name": "New One", "property_7": "EU"}},
    {"data": {**NEW_USER, "name": "New One", "properties[property_7]": "EU"}},
], ids=["json", "json of 7.0", "form"])  # fmt: skip
def test_a_registration_returns_a_user_with_a_key(calls, sandbox, sent):
    shown = calls("guest POST /register.json", **sent).json()["success"]
    assert (shown["id"], shown["name"], shown["email"]) == (121, "New One", NEW_USER["email"])
    assert shown["role"]["alias"] == "user"
    assert shown["custom_fields"][0]["textValue"] == ["Europe"]
    assert shown["apiKey"] == sandbox.key_of(121)
    assert calls.value("121 GET /me.json", path="id") == 121


def test_a_registration_without_data_creates_a_guest(calls):
    shown = calls.value("guest POST /register.json", {})
    assert shown["name"] == "Guest"
    assert "email" not in shown


def test_an_identity_returns_a_user_with_a_key_and_keeps_the_first_sso_id(calls, sandbox):
    email = sandbox.user(9).email

    def identify(token=None, email=email, **sso_id):
        token = token or sandbox.sso_token(email, *sso_id.values())
        params = {"token": token, "email": email, **sso_id}
        return calls("guest GET /sso/identity.json", params=params)

    shown = identify().json()["success"]
    assert (shown["id"], shown["apiKey"]) == (9, sandbox.key_of(9))
    assert identify(token="x").status_code == 401
    assert identify(token=sandbox.sso_token(email), email="other@example.com").status_code == 401
    assert identify(token=sandbox.sso_token(email), sso_id="a-1").status_code == 401
    assert identify(email="other@example.com").status_code == 404
    ids = ("a-1", "a-1", "b-2")
    assert [identify(sso_id=sso_id).status_code for sso_id in ids] == [200, 200, 409]


def test_an_avatar_can_be_uploaded_and_fetched(calls):
    picture = base64.b64encode(b"picture").decode()
    body = {"avatar_type": "content", "avatar_content": picture}
    shown = calls.value("user POST /profile/update.json", body)
    assert httpx.get(shown["avatar"]["tiny"]).content == b"picture"


@pytest.mark.parametrize(
    ("place", "name"), [("params", "apiKey"), ("params", "api_key"), ("headers", "Authorization")]
)
def test_a_key_in_the_query_or_a_header_is_accepted(unchanged, place, name):
    sent = {place: {name: unchanged.sandbox.api_key}}
    assert unchanged("guest GET /me.json", **sent).json()["apiKey"] == unchanged.sandbox.api_key


@pytest.mark.parametrize("kind", ["body", "data", "files"])
def test_a_key_in_the_body_is_accepted(calls, sandbox, kind):
    body = {"apiKey": sandbox.api_key, **NEW_USER}
    if kind == "files":
        body = {name: (None, value) for name, value in body.items()}
    created = calls("guest POST /users.json", **{kind: body}).json()["success"]
    assert (created["name"], created["email"]) == ("New One", NEW_USER["email"])


@pytest.mark.parametrize("key", ["wrong", "", "Bearer sandbox-key", "ключ"])
def test_a_wrong_key_is_rejected(unchanged, key):
    response = unchanged("guest GET /users/search.json", params={"apiKey": key})
    assert response.status_code == 401
    assert response.json() == {"error": {"code": 401, "message": "Authentication is required"}}


@pytest.mark.parametrize(("role", "number"), [("admin", 3), ("agent", 2), ("user", 1)])
def test_each_role_has_its_own_account(unchanged, role, number):
    shown = unchanged.value(f"{role} GET /me.json")
    assert shown["role"] == {"id": number, "alias": role}
    assert shown["apiKey"] == unchanged.sandbox.keys[role]


def test_the_api_can_be_switched_off_and_on(start):
    calls = start(users=5, api_enabled=False)
    calls.play([("admin GET /me.json", 503)])
    calls.sandbox.set_api_enabled(enabled=True)
    calls.play([("admin GET /me.json", 200)])
    calls.sandbox.set_api_enabled(enabled=False)
    calls.play([("admin GET /me.json", 503)])


def test_keys_can_be_chosen_and_are_valid_in_an_empty_installation(start):
    calls = start(users=0, api_key="k-1")
    shown = calls("guest GET /me.json", headers={"Authorization": "k-1"}).json()
    assert (shown["apiKey"], shown["role"]["alias"]) == ("k-1", "admin")
    assert calls("admin GET /users/search.json").status_code == 204


def test_the_key_of_a_removed_administrator_is_valid_without_an_account(calls, sandbox):
    sandbox.remove_user(1)
    calls.play([("admin GET /users/2.json", 200), ("admin GET /me.json", 401)])
