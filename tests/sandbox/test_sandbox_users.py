"""Users: fields, searches, changes, bans and notes."""

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
