"""Users: fields, searches, changes, bans, notes, keys, log-in and registration."""

import base64

import httpx
import pytest
from calls import NEW_USER, TICKET, Has, lacks

DAY = 86_400
CREATE, PROFILE = "admin POST /users.json", "user POST /profile/update.json"
EMAIL, NOTE = NEW_USER["email"], "agent POST /users/9/notes/add.json"

STORIES = {
    "a created user can be read, a deleted one not, and their id is not reused": [
        (CREATE, {**NEW_USER, "tags": "a,b", "team_id": 2, "property_7": "EU"}, {
            "id": 121, "team": {"id": 2, "name": "Sales"},
        }),
        ("admin GET /users/121.json", {"tags": "a,b", "custom_fields.0.value": ["EU"]}),
        ("admin GET /users/search.json?page=3", {"totalObjects": 121, "data.-1.id": 121}),
        ("admin DELETE /users/121.json", {"id": 121}),
        ("admin DELETE /users/121.json", 404),
        (CREATE, NEW_USER, {"id": 122}),
    ],
    "an email address has one user, until that user has another": [
        (CREATE, NEW_USER, {"id": 121}),
        ("old GET /users/search.json?email=new.one@example.com", {"id": 121, "": lacks("data")}),
        (CREATE, {**NEW_USER, "email": "NEW.one@example.com"}, 409),
        *((line, {"email": EMAIL}, 409) for line in ("admin POST /users/9.json", PROFILE)),
        *(("admin POST /users/121.json", {"email": it}, 200) for it in (EMAIL, "Other@ex.example")),
        ("old GET /users/search.json?email=new.one@example.com", 204),
        ("admin GET /users/search.json?email=other@EX.example", {"*.id": [121]}),
        (CREATE, NEW_USER, {"id": 122}),
    ],
    "a search covers names and, except for guests, addresses": [
        ("admin POST /users/11.json", {"full_name": "Ünïque Ño"}, {"shortName": "Ünïque Ñ."}),
        ("admin GET /users/search.json?search=ÜNÏQUE Ño", {"*.id": [11]}),
        ("admin GET /users/search.json?search=.11@", {"*.id": [11]}),
        ("guest GET /users/search.json?search=.11@", 204),
        ("admin POST /users/11.json", {"email": "a@b.example"}, 200),
        ("guest GET /users/search.json?email=a@b.example", 204),
    ],
    "staff sees all fields, a user only their own": [
        ("9 GET /users/1.json", {"": Has("email")}),
        ("user GET /users/3.json", {"": Has("email")}),
        ("user GET /users/1.json", {"": lacks("email")}),
        ("guest GET /users/search.json", {"data.0": lacks("email")}),
    ],
    "a deleted or banned user is rejected": [
        *((f"admin DELETE /users/{it}.json", 200) for it in (3, 9)),
        *((f"{it} GET /{path}.json", 401) for it in (3, 9) for path in ("users/1", "me")),
        ("admin POST /users/1/ban.json", {"permanent": True}, 403),
        ("admin POST /users/2/ban.json", {"permanent": True}, {"id": 2}),
        ("agent GET /users/1.json", 403),
    ],
    "a ban can trash what the user wrote": [
        ("user POST /objects.json", TICKET, {"id": 39}),
        ("user POST /comments.json", {"object_id": 39, "content": "C"}, {"id": 61}),
        ("admin POST /users/3/ban.json", {"delete_related_objects": True}, 200),
        ("admin GET /users/3/activity.json", 204),
        ("admin GET /objects/39.json", {"state.name": "trashed"}),
        ("admin GET /comments.json", {"0.id": 60}),
    ],
    "the changelog of a user lists the changes without the password": [
        ("admin POST /users/9.json", {"full_name": "Other Name"}, 200),
        ("admin POST /users/9/change-password.json", {"password": "s3cret"}, {"id": 9}),
        ("admin POST /users/9/ban.json", {"ban_reason": "spam"}, 200),
        ("admin GET /changelog/user/9.json", {
            "*.actions.0.field": ["registered", "name", "password", "ban"],
            "2.actions.0.value": None, "2.actions.0.previous": None,
        }),
    ],
    "a profile is updated with the names of 7.0 and of 4.0": [
        (PROFILE, {"full_name": "Other Name", "phone": "123", "property_7": "US"}, {
            "id": 3, "name": "Other Name", "shortName": "Other N.", "phone": "123",
            "custom_fields.-1.value": ["US"],
        }),
        (PROFILE, {
            "name": "New Name", "email": "other@example.com", "avatar_type": "url",
            "avatar_content": "https://example.com/me.jpg", "properties": {"property_7": "EU"},
        }, {
            "name": "New Name", "email": "other@example.com", "isDefaultAvatar": False,
            "avatar.big": "https://example.com/me.jpg", "custom_fields.-1.value": ["EU"],
        }),
        (PROFILE, {"avatar_type": "gravatar"}, {"gravatarEmail": "other@example.com"}),
        ("guest POST /profile/update.json", {"name": "A"}, 401),
        (PROFILE, {"team_id": 2}, 403),
        ("admin POST /profile/update.json", {"team_id": 2}, {"team.id": 2}),
    ],
    "notes are listed newest first, edited and deleted": [
        (NOTE, {"content": "a"}, {"0.createdAgo": "just now", "0.updatedAt": None}),
        (NOTE, {"content": "b"}, {"*.content": ["b", "a"], "0.author.id": 2}),
        ("agent POST /users/notes/1/edit.json", {"content": "x"}, {"1.updatedAt": Has(":")}),
        ("agent POST /users/notes/1/delete.json", {"*.content": ["b"]}),
    ],
}  # fmt: skip


@pytest.mark.parametrize("steps", STORIES.values(), ids=STORIES)
def test_calls_have_their_effects(calls, steps):
    calls.play(steps)


@pytest.mark.parametrize(("permanent", "after"), [(False, 200), (True, 403)])
def test_a_ban_ends_after_its_days_unless_it_is_permanent(calls, sandbox, permanent, after):
    ban = {"ban_duration_days": 2, "permanent": permanent, "ban_reason": "spam"}
    calls.play([("admin POST /users/3/ban.json", ban, {"id": 3})])
    assert sandbox.user(3).ban.reason == "spam"
    sandbox.advance(DAY)
    assert calls("user GET /me.json").status_code == 403
    sandbox.advance(DAY + 1)
    assert calls("user GET /me.json").status_code == after


def test_an_edit_changes_only_what_was_sent(calls):
    before = calls.value("admin GET /users/search.json", path="data.8")
    after = calls.value("admin POST /users/9.json", {"phone": "123"})
    assert after == before | {"phone": "123"}
    assert calls.value("admin GET /users/search.json", path="data.8") == after


def test_users_vary(unchanged):
    url = "admin GET /users/search.json?page="
    users = [user for page in (1, 2, 3) for user in unchanged.value(f"{url}{page}", path="data")]
    assert {user["role"]["alias"] for user in users} == {"admin", "agent", "user"}
    for name in ("team", "custom_fields", "isDefaultAvatar"):
        assert {bool(user[name]) for user in users} == {True, False}
    for name in ("phone", "email", "lastVisitAt"):
        assert {name in user for user in users} == {True, False}


def test_the_same_seed_gives_the_same_data(start):
    one, same, other = (start(users=60, seed=seed) for seed in (5, 5, 6))
    for line in ("admin GET /users/search.json", "admin GET /tickets.json"):
        # Files have the address of their sandbox in theirs.
        texts = [it(line).text.replace(it.sandbox.url, "") for it in (one, same, other)]
        assert texts[0] == texts[1] != texts[2]


def test_a_sort_order_contains_every_user(unchanged):
    orders = []
    for sort in ("roles", "department", "top_rated", "created_most", "commented_most"):
        url = f"admin GET /users/search.json?sort={sort}&page="
        orders.append([number for page in (1, 2, 3) for number in unchanged.ids(f"{url}{page}")])
        assert sorted(orders[-1]) == list(range(1, 121)) != orders[-1]
    assert len(set(map(tuple, orders))) == 5


# Accounts


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
    assert statuses(calls, EMAIL, "s3cret") == [200]
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
