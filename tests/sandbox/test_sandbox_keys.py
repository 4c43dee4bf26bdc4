"""API keys: where they are sent, and what each of them shows."""

import httpx
import pytest


@pytest.mark.parametrize(
    ("place", "name"), [("params", "apiKey"), ("params", "api_key"), ("headers", "Authorization")]
)
def test_a_key_in_the_query_or_a_header_is_accepted(guest, sandbox, place, name):
    assert guest.get("/me.json", **{place: {name: sandbox.api_key}}).status_code == 200


@pytest.mark.parametrize("kind", ["json", "data", "files"])
def test_a_key_in_the_body_is_accepted(guest, sandbox, kind):
    body = {"apiKey": sandbox.api_key, "email": "a@b.example", "full_name": "A"}
    if kind == "files":
        body = {name: (None, value) for name, value in body.items()}
    created = guest.post("/users.json", **{kind: body}).json()["success"]
    assert (created["name"], created["email"]) == ("A", "a@b.example")


@pytest.mark.parametrize("key", ["wrong", "", "Bearer sandbox-key", "ключ"])
def test_a_wrong_key_is_rejected(guest, key):
    response = guest.get("/users/search.json", params={"apiKey": key})
    assert response.status_code == 401
    assert response.json() == {"error": {"code": 401, "message": "Authentication is required"}}


def test_a_guest_sees_only_public_fields(guest):
    shown = guest.get("/users/1.json").json()
    assert shown["name"]
    assert not {"email", "phone", "tags", "custom_fields", "team", "lastVisitAt"} & set(shown)
    assert "email" not in guest.get("/users/search.json").json()["data"][0]


def test_a_guest_cannot_search_for_addresses(guest, api):
    email = api.get("/users/1.json").json()["email"]
    assert guest.get("/users/search.json", params={"email": email}).status_code == 204
    assert guest.get("/users/search.json", params={"search": email}).status_code == 204


@pytest.mark.parametrize("role", ["admin", "agent", "user"])
def test_each_role_has_its_own_account(sandbox, connect, role):
    shown = connect(sandbox, role=role).get("/me.json").json()
    assert shown["role"]["alias"] == role
    assert shown["apiKey"] == sandbox.keys[role]


def test_a_user_sees_all_fields_only_of_themselves(sandbox, connect):
    api = connect(sandbox, role="user")
    own = api.get("/me.json").json()["id"]
    assert "email" in api.get(f"/users/{own}.json").json()
    assert "email" not in api.get("/users/1.json").json()


def test_guests_can_be_rejected(start, connect):
    sandbox = start(users=5, guests=False)
    assert connect(sandbox, role=None).get("/users/search.json").status_code == 401
    assert connect(sandbox).get("/users/search.json").status_code == 200


def test_a_switched_off_api_is_unavailable(start, connect):
    sandbox = start(users=5, api_enabled=False)
    response = connect(sandbox).get("/me.json")
    assert response.status_code == 503
    assert response.json()["error"]["code"] == 503


def test_the_api_can_be_switched_while_it_runs(sandbox, api):
    sandbox.set_api_enabled(enabled=False)
    assert api.get("/me.json").status_code == 503
    sandbox.set_api_enabled(enabled=True)
    assert api.get("/me.json").status_code == 200


def test_the_key_can_be_chosen(start):
    sandbox = start(users=5, api_key="k-1")
    response = httpx.get(sandbox.url + "/api/3.0/me.json", params={"apiKey": "k-1"})
    assert response.json()["apiKey"] == "k-1"


def test_keys_are_valid_in_an_empty_installation(start, connect):
    sandbox = start(users=0)
    api = connect(sandbox)
    assert api.get("/me.json").json()["role"]["alias"] == "admin"
    assert api.get("/users/search.json").status_code == 204


def test_the_key_of_a_removed_administrator_is_valid_without_an_account(sandbox, api):
    sandbox.remove_user(1)
    assert api.get("/users/2.json").status_code == 200
    assert api.get("/me.json").status_code == 401
