"""Objects: creation, fields, edits and deletion."""

import base64

import pytest

FIELDS = {
    "id", "ownership", "type", "title", "slug", "url", "content", "author", "responsible", "team",
    "category", "forum", "status", "state", "source", "tags", "custom_fields", "attachments",
    "recipients", "links", "parentObject", "bestComment", "completedBy", "completedOn",
    "createdAt", "createdAtPosix", "commentedAt", "latestActivityPosix", "slaDatePosix",
    "commentsNum", "views", "votes", "score", "scoreComment", "scoreReason", "language",
    "canBeCommented", "isAbused", "isFeatured", "isPrivate", "isSubscribed",
}  # fmt: skip

TICKET = {"ownership": "helpdesk", "object_type": "ticket", "title": "Printer on fire"}
IDEA = {"ownership": "feedback", "object_type": "idea", "title": "Wings", "content": "For cars"}
NEWS = {
    "ownership": "announcements",
    "object_type": "announcement",
    "title": "News",
    "content": "Good ones",
}


def test_an_object_is_bare_with_the_wire_names(api, old):
    for client in (api, old):
        assert set(client.get("/objects/1.json").json()) == FIELDS


def test_the_title_of_a_type_is_text_in_version_4(api, old):
    assert api.get("/objects/1.json").json()["type"]["title"] == {
        "single": "Ticket",
        "plural": "Tickets",
    }
    assert old.get("/objects/1.json").json()["type"]["title"] == "Ticket"


def test_times_are_local_text_beside_unix_seconds(api):
    shown = api.get("/objects/1.json").json()
    # The installation is two hours east of UTC.
    assert (shown["createdAt"], shown["createdAtPosix"]) == ("2024-01-01 11:06:40", 1_704_100_000)


def test_a_created_object_is_under_success_and_can_be_read(api, write):
    created = write(
        content="Help [b]me[/b]",
        category_id=4,
        responsible_id=2,
        team_id=1,
        tags=["a", "b"],
        property_7="EU",
        property_13="api|mobile",
        notify_email="boss@example.com",
        notify_name="Boss",
    )
    assert api.get(f"/objects/{created['id']}.json").json() == created
    assert created["content"] == "Help <b>me</b>"
    assert created["category"]["name"] == "Billing"
    assert created["responsible"]["id"] == 2
    assert created["team"] == {"id": 1, "name": "Support"}
    assert created["tags"] == ["a", "b"]
    assert created["status"]["slug"] == "opened"
    assert created["author"]["id"] == 1
    assert created["recipients"] == ["boss@example.com"]
    assert created["isSubscribed"] == 1
    assert [field["value"] for field in created["custom_fields"]] == [["EU"], ["api", "mobile"]]


@pytest.mark.parametrize(
    ("ownership", "kind"),
    [
        ("feedback", "idea"), ("feedback", "problem"), ("feedback", "question"),
        ("feedback", "thanks"), ("helpdesk", "ticket"), ("announcements", "announcement"),
        ("knowledge-base", "article"), ("knowledge-base", "faq"),
    ],
)  # fmt: skip
def test_every_kind_can_be_created(write, ownership, kind):
    created = write(ownership=ownership, object_type=kind)
    assert (created["ownership"], created["type"]["slug"]) == (ownership, kind)


def test_bbcode_selects_the_markup(api, write):
    def both(object_id):
        path = f"/objects/{object_id}.json"
        return [api.get(path, params={"bbcode": n}).json()["content"] for n in (0, 1)]

    plain = write(content="[b]1 < 2[/b]\n<i>")["id"]
    assert both(plain) == ["<b>1 &lt; 2</b><br />\n&lt;i&gt;", "[b]1 < 2[/b]\n<i>"]
    html = write(content='<b>x</b><br /><a href="https://a.example">y</a>', treat_as_html=1)["id"]
    assert both(html)[1] == "[b]x[/b]\n[url=https://a.example]y[/url]"


def test_an_object_can_be_created_with_files(write):
    body = base64.b64encode(b"bytes").decode()
    (shown,) = write(attachments=[{"name": "a photo.jpg", "body": body}])["attachments"]
    assert shown["name"] == {"full": "a photo.jpg", "short": "a photo.jpg", "ext": "jpg"}


@pytest.mark.parametrize("author", [9, "9", "email"])
def test_an_author_can_be_forced_by_id_or_address(sandbox, write, author):
    wanted = sandbox.user(9).email if author == "email" else author
    assert write(force_author=wanted)["author"]["id"] == 9


def test_an_unknown_address_as_author_creates_that_user(sandbox, api, write):
    author = write(force_author="new.one@example.com")["author"]
    assert (author["id"], author["name"]) == (121, "new.one")
    assert api.get("/users/121.json").json()["email"] == "new.one@example.com"
    assert write(force_author="New.One@example.com")["author"]["id"] == 121
    edited = api.put("/objects/1.json", json={"force_author": "other@example.com"})
    assert edited.json()["success"]["author"]["id"] == 122
    assert sandbox.user_count == 122


def test_a_rejected_call_creates_no_author(sandbox, api, user):
    body = {**TICKET, "force_author": "new.one@example.com"}
    assert api.post("/objects.json", json={**body, "team_id": 99}).status_code == 400
    assert user.post("/objects.json", json=body).status_code == 403
    assert sandbox.user_count == 120


def test_a_form_creates_an_object_with_lists(api):
    form = {
        **TICKET, "tags[]": ["a", "b"],
        "attachments[0][name]": "a.txt", "attachments[0][body]": "aGk=",
    }  # fmt: skip
    created = api.post("/objects.json", data=form).json()["success"]
    assert created["tags"] == ["a", "b"]
    assert created["attachments"][0]["name"]["full"] == "a.txt"


def test_the_longest_title_and_content_are_accepted(write):
    created = write(title="ü" * 100, content="x" * 12_000)
    assert len(created["title"]) == 100


def test_an_edit_changes_only_what_was_sent(api, write):
    before = write(content="one", tags=["a"], property_7="EU")
    path = f"/objects/{before['id']}.json"
    after = api.put(path, json={"title": "Other", "property_12": "low"}).json()["success"]
    assert after["title"] == "Other"
    assert [field["id"] for field in after["custom_fields"]] == [7, 12]
    changed = {name for name in FIELDS if before[name] != after[name]}
    assert changed - {"latestActivityPosix"} == {"title", "slug", "url", "custom_fields"}
    assert api.get(path).json() == after


def test_an_empty_property_removes_its_field(api, write):
    before = write(property_7="EU")
    path = f"/objects/{before['id']}.json"
    assert api.put(path, json={"property_7": ""}).json()["success"]["custom_fields"] == []


def test_a_closing_status_completes_and_another_reopens(agent, write):
    path = f"/objects/{write()['id']}.json"
    done = agent.put(path, json={"status_id": 5}).json()["success"]
    assert done["status"]["slug"] == "completed"
    assert done["completedBy"]["id"] == 2
    assert done["completedOn"]
    opened = agent.put(path, json={"status_id": 1}).json()["success"]
    assert (opened["completedBy"], opened["completedOn"]) == (None, None)


def test_a_changed_type_has_its_own_first_status(api, write):
    created = write(**IDEA)
    path = f"/objects/{created['id']}.json"
    after = api.put(path, json={"object_type": "problem"}).json()["success"]
    assert after["status"]["type"] == after["type"]["slug"] == "problem"


def test_a_deleted_object_is_not_found_nor_are_its_comments(api, write, comment):
    created = write()
    said = comment(created["id"])
    path = f"/objects/{created['id']}.json"
    assert api.delete(path).json()["success"]["id"] == created["id"]
    assert api.get(path).status_code == 404
    assert api.delete(path).status_code == 404
    assert said["id"] not in [row["id"] for row in api.get("/comments.json").json()["success"]]
    assert write()["id"] == created["id"] + 1


def test_an_announcement_expires_for_the_public(api, write, guest, sandbox):
    created = write(**NEWS, expire_select="on_date", expires_at="31.12.2099")
    path = f"/objects/{created['id']}.json"
    assert guest.get(path).status_code == 200
    sandbox.advance(100 * 365 * 86_400)
    assert guest.get(path).status_code == 404
    assert api.get(path).status_code == 200


def test_the_same_seed_gives_the_same_objects(start, connect):
    def read(seed):
        sandbox = start(users=60, seed=seed)
        # Files have the address of their sandbox in theirs.
        return connect(sandbox).get("/tickets.json").text.replace(sandbox.url, "")

    assert read(5) == read(5)
    assert read(5) != read(6)


def test_a_private_field_is_visible_to_staff_only(api, user, write):
    created = write(force_author=3, property_15="x-7", property_7="EU")
    shown = user.get(f"/objects/{created['id']}.json").json()["custom_fields"]
    assert [field["id"] for field in shown] == [7]
    mine = {**TICKET, "property_15": "x"}
    assert user.post("/objects.json", json=mine).json()["error"]["context"] == "property_15"
