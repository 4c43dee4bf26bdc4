"""Log-in, registration, single sign-on, profiles and bans."""

import base64

import httpx
import pytest

DAY = 86_400


def login(client, email, password):
    return client.post("/auth/login.json", json={"email": email, "password": password})


def email_of(sandbox, user_id):
    return sandbox.user(user_id).email


@pytest.mark.parametrize(("user_id", "role"), [(1, "admin"), (2, "agent"), (3, "user"), (9, None)])
def test_a_login_returns_the_bare_user_with_their_key(guest, sandbox, user_id, role):
    email = email_of(sandbox, user_id)
    first, second = (login(guest, it, f"password-{user_id}") for it in (email, email.upper()))
    assert first.status_code == 200
    shown = first.json()
    assert shown == second.json()
    assert shown["apiKey"] == (sandbox.keys[role] if role else sandbox.key_of(user_id))
    me = guest.get("/me.json", params={"apiKey": shown["apiKey"]}).json()
    assert me["id"] == shown["id"] == user_id


@pytest.mark.parametrize(
    ("email", "password"),
    [
        (None, "password-8"),
        (None, "PASSWORD-9"),
        (None, "x"),
        ("nobody@example.com", "password-9"),
    ],
)
def test_a_wrong_password_or_address_is_rejected(guest, sandbox, email, password):
    response = login(guest, email or email_of(sandbox, 9), password)
    assert response.status_code == 401
    assert response.json()["error"]["code"] == 401


def test_a_login_needs_no_key_although_guests_are_rejected(start, connect):
    sandbox = start(users=5, guests=False)
    guest = connect(sandbox, role=None)
    assert login(guest, email_of(sandbox, 1), "password-1").status_code == 200


def test_a_password_given_at_creation_works(api, guest):
    new = {"email": "new.one@example.com", "full_name": "New One", "password": "s3cret"}
    created = api.post("/users.json", json=new).json()["success"]
    assert login(guest, "new.one@example.com", "s3cret").json()["id"] == created["id"]


def test_a_changed_password_replaces_the_old_one(api, guest, sandbox):
    api.post("/users/9/change-password.json", json={"password": "fresh"})
    assert login(guest, email_of(sandbox, 9), "password-9").status_code == 401
    assert login(guest, email_of(sandbox, 9), "fresh").status_code == 200


def test_a_user_without_a_password_cannot_log_in(api, guest):
    api.post("/users.json", json={"email": "new.one@example.com", "full_name": "New One"})
    assert login(guest, "new.one@example.com", "None").status_code == 401


def test_a_key_has_the_role_of_its_user(api, as_user):
    found = api.get("/users/search.json", params={"role": "agent"}).json()["data"]
    agent = next(user["id"] for user in found if user["id"] > 3)
    assert as_user(agent).get("/users/1.json").json()["email"]
    assert as_user(agent).delete("/users/1.json").status_code == 403
    assert "email" not in as_user(4).get("/users/1.json").json()


@pytest.mark.parametrize("number", [2, 3, 9])
def test_the_key_of_a_deleted_user_is_invalid(api, as_user, sandbox, number):
    client, key = as_user(number), sandbox.key_of(number)
    assert client.get("/me.json").status_code == 200
    api.delete(f"/users/{number}.json")
    assert client.get("/me.json").status_code == 401
    assert sandbox.key_of(number) == key
    assert client.get("/users/1.json").status_code == 401


def test_a_banned_agent_cannot_list_reports(api, agent):
    assert agent.get("/reports/list.json").status_code == 200
    api.post("/users/2/ban.json", json={"permanent": True})
    assert agent.get("/reports/list.json").status_code == 403


REGISTRATION = {"name": "New One", "email": "new@example.com"}


@pytest.mark.parametrize(
    "sent",
    [
        {"json": {**REGISTRATION, "properties": {"property_7": "EU"}}},
        {"data": {**REGISTRATION, "properties[property_7]": "EU"}},
    ],
    ids=["json", "form"],
)
def test_a_registration_returns_a_user_with_a_key(guest, sent):
    shown = guest.post("/register.json", **sent).json()["success"]
    assert (shown["name"], shown["email"]) == ("New One", "new@example.com")
    assert shown["role"]["alias"] == "user"
    assert shown["custom_fields"][0]["textValue"] == ["Europe"]
    me = guest.get("/me.json", params={"apiKey": shown["apiKey"]}).json()
    assert me["id"] == shown["id"]


def test_a_registration_without_data_creates_a_guest(guest):
    shown = guest.post("/register.json", json={}).json()["success"]
    assert shown["name"] == "Guest"
    assert "email" not in shown


def test_a_registration_accepts_known_custom_fields(guest, sandbox):
    created = guest.post("/register.json", json={"property_7": "EU"}).json()["success"]
    assert sandbox.user(created["id"]).properties == {7: ("EU",)}
    response = guest.post("/register.json", json={"property_99": "x"})
    assert response.status_code == 400
    assert response.json()["error"]["context"] == "property_99"


def test_a_registration_of_a_known_address_is_a_conflict(guest, sandbox):
    response = guest.post("/register.json", json={"email": email_of(sandbox, 9)})
    assert response.status_code == 409


def identify(client, **params):
    return client.get("/sso/identity.json", params=params)


def test_an_identity_returns_a_user_with_a_key(guest, sandbox):
    email = email_of(sandbox, 9)
    shown = identify(guest, token=sandbox.sso_token(email), email=email).json()["success"]
    assert shown["id"] == 9
    assert guest.get("/me.json", params={"apiKey": shown["apiKey"]}).status_code == 200


def test_an_identity_keeps_the_first_sso_id(guest, sandbox):
    email = email_of(sandbox, 9)

    def status(sso_id):
        token = sandbox.sso_token(email, sso_id)
        return identify(guest, token=token, email=email, sso_id=sso_id).status_code

    assert [status("a-1"), status("a-1"), status("b-2")] == [200, 200, 409]


def test_a_wrong_token_is_rejected(guest, sandbox):
    email = email_of(sandbox, 9)
    token = sandbox.sso_token(email)
    assert identify(guest, token="x", email=email).status_code == 401
    assert identify(guest, token=token, email="other@example.com").status_code == 401
    assert identify(guest, token=token, email=email, sso_id="a-1").status_code == 401


def test_an_identity_without_an_account_is_not_found(guest, sandbox):
    token = sandbox.sso_token("other@example.com")
    assert identify(guest, token=token, email="other@example.com").status_code == 404


def test_a_profile_is_updated_with_the_names_of_7_0(user, sandbox):
    body = {"full_name": "Other Name", "phone": "123", "property_7": "US"}
    shown = user.post("/profile/update.json", json=body).json()["success"]
    assert (shown["id"], shown["name"], shown["shortName"]) == (3, "Other Name", "Other N.")
    assert shown["phone"] == "123"
    assert sandbox.user(3).properties[7] == ("US",)
    assert user.get("/me.json").json()["name"] == "Other Name"


def test_a_profile_is_updated_with_the_names_of_4_0(user):
    body = {
        "name": "Other Name",
        "email": "other@example.com",
        "avatar_type": "url",
        "avatar_content": "https://example.com/me.jpg",
        "properties": {"property_7": "EU"},
    }
    shown = user.post("/profile/update.json", json=body).json()["success"]
    assert (shown["name"], shown["email"]) == ("Other Name", "other@example.com")
    assert shown["avatar"]["big"] == "https://example.com/me.jpg"
    assert shown["isDefaultAvatar"] is False


def test_an_avatar_can_be_uploaded_and_fetched(user):
    picture = base64.b64encode(b"picture").decode()
    body = {"avatar_type": "content", "avatar_content": picture}
    shown = user.post("/profile/update.json", json=body).json()["success"]
    assert httpx.get(shown["avatar"]["tiny"]).content == b"picture"


def test_an_avatar_can_be_a_gravatar(user, sandbox):
    shown = user.post("/profile/update.json", json={"avatar_type": "gravatar"}).json()["success"]
    assert shown["gravatarEmail"] == email_of(sandbox, 3)


def test_an_email_address_of_another_user_is_a_conflict(user, sandbox):
    response = user.post("/profile/update.json", json={"email": email_of(sandbox, 9)})
    assert response.status_code == 409


def test_only_an_administrator_changes_their_own_team(user, api):
    assert user.post("/profile/update.json", json={"team_id": 2}).status_code == 403
    shown = api.post("/profile/update.json", json={"team_id": 2}).json()["success"]
    assert shown["team"]["id"] == 2


def test_a_guest_has_no_profile(guest):
    assert guest.post("/profile/update.json", json={"name": "A"}).status_code == 401


def test_a_banned_user_is_rejected(api, user, guest, sandbox):
    response = api.post("/users/3/ban.json", json={"permanent": True, "ban_reason": "spam"})
    assert response.json()["success"]["id"] == 3
    assert user.get("/users/1.json").status_code == 403
    assert login(guest, email_of(sandbox, 3), "password-3").status_code == 403
    assert sandbox.user(3).ban.reason == "spam"


@pytest.mark.parametrize(("permanent", "after"), [(False, 200), (True, 403)])
def test_a_ban_ends_after_its_days_unless_it_is_permanent(api, user, sandbox, permanent, after):
    api.post("/users/3/ban.json", json={"ban_duration_days": 2, "permanent": permanent})
    sandbox.advance(DAY)
    assert user.get("/me.json").status_code == 403
    sandbox.advance(DAY + 1)
    assert user.get("/me.json").status_code == after


def test_a_ban_can_trash_what_the_user_wrote(api, write, comment, user):
    ticket = write(user)["id"]
    said = comment(ticket, user)["id"]
    api.post("/users/3/ban.json", json={"delete_related_objects": True})
    assert api.get("/users/3/activity.json").status_code == 204
    assert api.get(f"/objects/{ticket}.json").json()["state"]["name"] == "trashed"
    listed = api.get("/comments.json").json()["success"]
    assert said not in [row["id"] for row in listed]


def test_a_user_cannot_ban_themselves(api):
    assert api.post("/users/1/ban.json", json={"permanent": True}).status_code == 403
