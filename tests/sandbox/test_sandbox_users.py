"""Users: fields, creation, edits and deletion."""

import re

import pytest

JSON = {"Content-Type": "application/json"}
NEW = {"email": "new.one@example.com", "full_name": "New One"}


def test_me_returns_the_owner_of_the_key_with_the_key(api, sandbox):
    shown = api.get("/me.json").json()
    assert shown["apiKey"] == sandbox.api_key
    assert shown["role"] == {"id": 3, "alias": "admin"}


def test_a_user_has_the_wire_names(api):
    names = set[str]()
    for user in api.get("/users/search.json").json()["data"]:
        names |= set(user)
    assert names == {
        "id", "name", "shortName", "email", "phone", "avatar", "isDefaultAvatar", "gravatarEmail",
        "profileUrl", "registrationDate", "lastVisitAt", "role", "team", "tags", "custom_fields",
    }  # fmt: skip


def test_users_vary(api):
    users = [
        user
        for page in (1, 2, 3)
        for user in api.get("/users/search.json", params={"page": page}).json()["data"]
    ]
    assert {user["role"]["alias"] for user in users} == {"admin", "agent", "user"}
    assert {user["team"] is None for user in users} == {True, False}
    assert {"phone" in user for user in users} == {True, False}
    assert {"email" in user for user in users} == {True, False}
    assert {"lastVisitAt" in user for user in users} == {True, False}
    assert {bool(user["custom_fields"]) for user in users} == {True, False}
    assert {user["isDefaultAvatar"] for user in users} == {True, False}


def test_times_are_local_text(api):
    shown = api.get("/users/1.json").json()["registrationDate"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", shown)


def test_the_same_seed_gives_the_same_users(start, connect):
    def walk(seed):
        return connect(start(users=60, seed=seed)).get("/users/search.json").content

    assert walk(5) == walk(5)
    assert walk(5) != walk(6)


def test_a_created_user_can_be_read(api):
    response = api.post(
        "/users.json", json={**NEW, "tags": "a,b", "team_id": 2, "property_7": "EU"}
    )
    created = response.json()["success"]
    assert response.status_code == 200
    assert created["id"] == 121
    assert created["team"] == {"id": 2, "name": "Sales"}
    assert created["tags"] == "a,b"
    assert created["custom_fields"][0]["value"] == ["EU"]
    assert api.get("/users/121.json").json() == created
    last = api.get("/users/search.json", params={"page": 3}).json()
    assert last["totalObjects"] == 121
    assert last["data"][-1]["id"] == 121


def test_an_edit_changes_only_what_was_sent(api):
    before = api.get("/users/9.json").json()
    assert api.get("/users/search.json").json()["data"][8] == before
    after = api.post("/users/9.json", json={"phone": "123"}).json()["success"]
    assert after == before | {"phone": "123"}
    assert api.get("/users/search.json").json()["data"][8] == after


def test_a_deleted_user_is_not_found(api):
    response = api.delete("/users/9.json")
    assert response.json()["success"]["id"] == 9
    assert api.get("/users/9.json").status_code == 404
    assert api.delete("/users/9.json").status_code == 404
    assert api.get("/users/search.json").json()["totalObjects"] == 119


def test_the_id_of_a_deleted_user_is_not_reused(api):
    api.delete("/users/120.json")
    assert api.post("/users.json", json=NEW).json()["success"]["id"] == 121


def test_a_changed_password_is_not_shown(api, sandbox):
    response = api.post("/users/9/change-password.json", json={"password": "s3cret"})
    assert response.json()["success"]["id"] == 9
    assert "s3cret" not in response.text
    assert sandbox.user(9).password == "s3cret"


@pytest.mark.parametrize("path", ["/users.json", "/users/9.json"])
def test_an_email_address_in_use_is_a_conflict(api, path):
    taken = api.get("/users/1.json").json()["email"]
    response = api.post(path, json={"email": taken.upper(), "full_name": "Twin"})
    assert response.status_code == 409
    assert response.json()["error"]["code"] == 409


def test_a_user_can_keep_their_email_address(api):
    email = api.get("/users/1.json").json()["email"]
    assert api.post("/users/1.json", json={"email": email}).status_code == 200


def test_an_email_address_can_be_reused_when_its_user_has_another(api):
    first = api.post("/users.json", json=NEW).json()["success"]
    assert api.post("/users.json", json=NEW).status_code == 409
    api.post(f"/users/{first['id']}.json", json={"email": "other@example.com"})
    assert api.post("/users.json", json=NEW).status_code == 200


@pytest.mark.parametrize(
    ("content", "kind", "context"),
    [
        ("{", "application/json", "body"),
        ("[1]", "application/json", "body"),
        ("email=a@b.example", "text/plain", "Content-Type"),
        ("nothing", "multipart/form-data", "body"),
        ("nothing", "multipart/form-data; boundary=b", "body"),
    ],
)
def test_an_unreadable_body_is_rejected(api, content, kind, context):
    response = api.post("/users.json", content=content, headers={"Content-Type": kind})
    assert response.status_code == 400
    assert response.json()["error"]["context"] == context


def test_any_version_is_served(sandbox, connect):
    assert connect(sandbox, version="7.0").get("/me.json").status_code == 200


def test_a_sub_path_is_part_of_the_url(start, connect):
    sandbox = start(users=5, root_path="/support")
    assert sandbox.url.endswith("/support")
    assert connect(sandbox).get("/me.json").status_code == 200
    outside = sandbox.url.removesuffix("/support")
    assert connect(sandbox).get(outside + "/api/3.0/me.json").status_code == 404
