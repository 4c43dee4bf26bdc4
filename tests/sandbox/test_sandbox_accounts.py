"""Can somebody come in, register, and change or lose their account?"""

import base64

import httpx
import pytest

DAY = 86_400


def login(client, email, password):
    return client.post("/auth/login.json", json={"email": email, "password": password})


def email_of(sandbox, user_id):
    return sandbox.user(user_id).email


def test_a_login_returns_the_bare_user_with_a_key(guest, sandbox):
    answer = login(guest, email_of(sandbox, 9), "password-9")
    assert answer.status_code == 200
    shown = answer.json()
    assert shown["id"] == 9
    me = guest.get("/me.json", params={"apiKey": shown["apiKey"]}).json()
    assert (me["id"], me["apiKey"]) == (9, shown["apiKey"])


def test_a_login_gives_the_same_key_every_time(guest, sandbox):
    first, second = (login(guest, email_of(sandbox, 9), "password-9").json() for _ in range(2))
    assert first["apiKey"] == second["apiKey"]


@pytest.mark.parametrize(("user_id", "role"), [(1, "admin"), (2, "agent"), (3, "user")])
def test_a_key_holder_logs_in_to_the_same_key(guest, sandbox, user_id, role):
    answer = login(guest, email_of(sandbox, user_id).upper(), f"password-{user_id}")
    assert answer.json()["apiKey"] == sandbox.keys[role]


@pytest.mark.parametrize("password", ["password-8", "PASSWORD-9", "x"])
def test_a_wrong_password_is_refused(guest, sandbox, password):
    answer = login(guest, email_of(sandbox, 9), password)
    assert answer.status_code == 401
    assert answer.json()["error"]["code"] == 401


def test_an_unknown_address_is_refused_like_a_wrong_password(guest):
    assert login(guest, "nobody@example.com", "password-9").status_code == 401


def test_a_login_needs_no_key_where_guests_are_kept_out(start, connect):
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


def test_a_deleted_users_key_is_no_longer_known(api, as_user):
    client = as_user(9)
    api.delete("/users/9.json")
    assert client.get("/users/1.json").status_code == 401


@pytest.mark.parametrize(("number", "role"), [(2, "agent"), (3, "user")])
def test_a_deleted_key_holder_has_no_key(api, connect, sandbox, number, role):
    client = connect(sandbox, role=role)
    assert client.get("/tickets.json").status_code == 200
    api.delete(f"/users/{number}.json")
    assert client.get("/tickets.json").status_code == 401
    assert connect(sandbox, role=role).get("/reports/list.json").status_code == 401
    assert sandbox.key_of(number) == sandbox.keys[role]
    assert client.get("/users/1.json").status_code == 401


def test_a_banned_agent_lists_no_reports(api, agent):
    assert agent.get("/reports/list.json").status_code == 200
    api.post("/users/2/ban.json", json={"permanent": True})
    assert agent.get("/reports/list.json").status_code == 403


def test_a_registration_returns_a_user_with_a_key(guest):
    body = {"name": "New One", "email": "new@example.com", "properties": {"property_7": "EU"}}
    answer = guest.post("/register.json", json=body)
    shown = answer.json()["success"]
    assert (shown["name"], shown["email"]) == ("New One", "new@example.com")
    assert shown["role"]["alias"] == "user"
    assert shown["custom_fields"][0]["textValue"] == ["Europe"]
    me = guest.get("/me.json", params={"apiKey": shown["apiKey"]}).json()
    assert me["id"] == shown["id"]


def test_a_registration_by_form_nests_its_properties(guest):
    form = {"name": "New One", "properties[property_7]": "EU"}
    shown = guest.post("/register.json", data=form).json()["success"]
    assert shown["custom_fields"][0]["value"] == ["EU"]


def test_a_registration_of_nobody_makes_a_guest(guest):
    shown = guest.post("/register.json", json={}).json()["success"]
    assert shown["name"] == "Guest"
    assert "email" not in shown


def test_a_registration_takes_custom_fields_as_other_calls_do(guest, sandbox):
    created = guest.post("/register.json", json={"property_7": "EU"}).json()["success"]
    assert sandbox.user(created["id"]).properties == {7: ("EU",)}
    answer = guest.post("/register.json", json={"property_99": "x"})
    assert answer.status_code == 400
    assert answer.json()["error"]["context"] == "property_99"


def test_a_registration_of_a_known_address_is_a_conflict(guest, sandbox):
    answer = guest.post("/register.json", json={"email": email_of(sandbox, 9)})
    assert answer.status_code == 409


def identify(client, **params):
    return client.get("/sso/identity.json", params=params)


def test_an_identity_returns_a_user_with_a_key(guest, sandbox):
    email = email_of(sandbox, 9)
    shown = identify(guest, token=sandbox.sso_token(email), email=email).json()["success"]
    assert shown["id"] == 9
    assert guest.get("/me.json", params={"apiKey": shown["apiKey"]}).status_code == 200


def test_an_identity_remembers_the_first_id(guest, sandbox):
    email = email_of(sandbox, 9)

    def status(sso_id):
        token = sandbox.sso_token(email, sso_id)
        return identify(guest, token=token, email=email, sso_id=sso_id).status_code

    assert [status("a-1"), status("a-1"), status("b-2")] == [200, 200, 409]


def test_a_wrong_token_is_refused(guest, sandbox):
    email = email_of(sandbox, 9)
    token = sandbox.sso_token(email)
    assert identify(guest, token="x", email=email).status_code == 401
    assert identify(guest, token=token, email="other@example.com").status_code == 401
    assert identify(guest, token=token, email=email, sso_id="a-1").status_code == 401


def test_an_identity_without_an_account_is_not_found(guest, sandbox):
    token = sandbox.sso_token("other@example.com")
    assert identify(guest, token=token, email="other@example.com").status_code == 404


def test_a_profile_is_updated_by_the_names_of_7_0(user, sandbox):
    body = {"full_name": "Other Name", "phone": "123", "property_7": "US"}
    shown = user.post("/profile/update.json", json=body).json()["success"]
    assert (shown["id"], shown["name"], shown["shortName"]) == (3, "Other Name", "Other N.")
    assert shown["phone"] == "123"
    assert sandbox.user(3).properties[7] == ("US",)
    assert user.get("/me.json").json()["name"] == "Other Name"


def test_a_profile_is_updated_by_the_names_of_4_0(user):
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


def test_a_profile_cannot_take_anothers_address(user, sandbox):
    answer = user.post("/profile/update.json", json={"email": email_of(sandbox, 9)})
    assert answer.status_code == 409


def test_only_an_administrator_changes_their_own_team(user, api):
    assert user.post("/profile/update.json", json={"team_id": 2}).status_code == 403
    shown = api.post("/profile/update.json", json={"team_id": 2}).json()["success"]
    assert shown["team"]["id"] == 2


def test_a_guest_has_no_profile(guest):
    assert guest.post("/profile/update.json", json={"name": "A"}).status_code == 401


def test_a_banned_user_is_kept_out(api, user, guest, sandbox):
    answer = api.post("/users/3/ban.json", json={"permanent": True, "ban_reason": "spam"})
    assert answer.json()["success"]["id"] == 3
    assert user.get("/users/1.json").status_code == 403
    assert login(guest, email_of(sandbox, 3), "password-3").status_code == 403
    assert sandbox.user(3).ban.reason == "spam"


def test_a_ban_ends_by_itself(api, user, sandbox):
    api.post("/users/3/ban.json", json={"ban_duration_days": 2})
    sandbox.advance(DAY)
    assert user.get("/me.json").status_code == 403
    sandbox.advance(DAY + 1)
    assert user.get("/me.json").status_code == 200


def test_a_permanent_ban_ignores_its_days(api, user, sandbox):
    api.post("/users/3/ban.json", json={"ban_duration_days": 2, "permanent": True})
    sandbox.advance(3 * DAY)
    assert user.get("/me.json").status_code == 403


def test_a_ban_may_delete_what_its_user_wrote(api, write, comment, user):
    ticket = write(user)["id"]
    said = comment(ticket, user)["id"]
    api.post("/users/3/ban.json", json={"delete_related_objects": True})
    assert api.get("/users/3/activity.json").status_code == 204
    assert api.get(f"/objects/{ticket}.json").json()["state"]["name"] == "trashed"
    listed = api.get("/comments.json").json()["success"]
    assert said not in [row["id"] for row in listed]


def test_nobody_bans_themselves(api):
    assert api.post("/users/1/ban.json", json={"permanent": True}).status_code == 403
