"""Categories, forums, statuses, custom fields, reports and changelogs."""

import pytest

FIELD = "id name label description type field_type module is_active is_private is_required options"


@pytest.mark.parametrize(
    ("path", "names"),
    [
        (
            "/categories.json",
            "id name slug description order ownership type parent_id isPrivate forum image",
        ),
        ("/forums.json", "id name"),
        ("/users/custom-fields/list.json", FIELD),
        ("/objects/custom-fields/list.json", FIELD),
        ("/reports/list.json", "id name"),
        ("/changelog/object/1.json", "createdAtPosix createdBy source actions"),
        ("/changelog/user/1.json", "createdAtPosix createdBy source actions"),
    ],
)
def test_a_list_is_bare_in_every_version(api, old, path, names):
    for client in (api, old):
        rows = client.get(path).json()
        assert isinstance(rows, list)
        assert set(rows[0]) == set(names.split())


def test_statuses_are_bare_except_in_version_4(api, old):
    rows = api.get("/statuses.json").json()
    assert old.get("/statuses.json").json() == {"success": rows}
    assert set(rows[0]) == {
        "id", "title", "slug", "type", "ownership", "order", "isDefault", "isClosed", "isSystem",
        "color",
    }  # fmt: skip


def test_statuses_belong_to_a_type(api):
    rows = api.get("/statuses.json", params={"object_type": "ticket"}).json()
    assert [row["slug"] for row in rows] == [
        "opened", "in_progress", "awaiting_reply", "on_hold", "completed",
    ]  # fmt: skip
    assert api.get("/statuses.json", params={"object_type": "article"}).status_code == 204
    assert api.get("/statuses.json", params={"object_type": "poem"}).status_code == 400


def test_categories_belong_to_a_module_and_a_type(api):
    def names(**params):
        return [row["name"] for row in api.get("/categories.json", params=params).json()]

    assert names(ownership="feedback") == ["General", "Features", "Mobile"]
    assert names(ownership="helpdesk", type="ticket") == [
        "General", "Billing", "Technical", "Security Reports",
    ]  # fmt: skip
    assert api.get("/categories.json", params={"ownership": "shop"}).status_code == 400


def test_a_category_is_bare(api):
    shown = api.get("/categories/3.json").json()
    assert (shown["id"], shown["parent_id"], shown["forum"]["id"]) == (3, 2, "2")
    assert api.get("/categories/99.json").status_code == 404


def test_a_private_category_is_visible_to_staff_only(user, agent):
    assert agent.get("/categories/6.json").json()["isPrivate"] is True
    assert user.get("/categories/6.json").status_code == 404
    assert "Security" not in user.get("/categories.json").text


@pytest.mark.parametrize("kind", ["tickets", "topics", "users"])
def test_custom_fields_of_version_4_are_under_success(old, kind):
    rows = old.get(f"/custom-fields/{kind}.json").json()["success"]
    assert set(rows[0]) == {
        "id", "slug", "title", "description", "type", "is_private", "is_required", "options",
    }  # fmt: skip
    region = next(row for row in rows if row["id"] == 7)
    assert region["options"][0] == {"value": "EU", "title": "Europe"}


def test_a_field_without_options_has_an_empty_list(api):
    fields = {row["id"]: row for row in api.get("/objects/custom-fields/list.json").json()}
    assert fields[7]["options"]["EU"] == "Europe"
    assert fields[11]["options"] == []


def test_a_private_field_is_visible_to_staff_only(guest, agent):
    path = "/objects/custom-fields/list.json"
    assert [len(client.get(path).json()) for client in (guest, agent)] == [5, 6]


def report(client, number, **params):
    return client.get(f"/report/{number}/objects.json", params=params)


def test_a_report_is_a_bare_page_with_groups(api, old):
    for client in (api, old):
        page = report(client, 4, count=3).json()
        assert page["activeGroup"] == "all"
        assert page["groups"][0] == {"id": "all", "name": "All", "count": page["totalObjects"]}
        assert sum(group["count"] for group in page["groups"][1:]) == page["totalObjects"]
        assert len(page["data"]) == 3


def test_a_report_is_filtered_by_group(api):
    complete = report(api, 4).json()
    for group in complete["groups"][1:]:
        page = report(api, 4, group=group["id"]).json()
        assert page["activeGroup"] == group["id"]
        assert page["groups"] == complete["groups"]
        assert page["totalObjects"] == group["count"]
        assert {row["status"]["title"] for row in page["data"]} == {group["name"]}


def test_a_group_that_is_not_in_a_report_is_empty(api):
    assert report(api, 4, group="5").status_code == 204
    assert report(api, 4, group="lost").json()["error"]["context"] == "group"


def test_reports_follow_changes(api, agent, write):
    def listed(number, client=api):
        response = report(client, number)
        return [row["id"] for row in response.json()["data"]] if response.content else []

    number = write()["id"]
    path = f"/objects/{number}.json"
    assert number in listed(4)
    assert number in listed(6)
    api.put(path, json={"responsible_id": 2})
    assert number in listed(5, agent)
    assert number not in listed(6)
    api.put(path, json={"status_id": 5})
    assert number in listed(7)
    assert number not in listed(4)
    api.get(f"/objects/{number}/archive.json")
    assert listed(9) == [number]
    api.get(f"/objects/{number}/trash.json")
    assert (listed(9), listed(10)) == ([], [number])


def test_the_changelog_of_an_object_lists_its_changes(agent, write, comment):
    number = write(responsible_id=1)["id"]
    agent.put(f"/objects/{number}.json", json={"title": "Other", "status_id": 2})
    said = comment(number)["id"]
    created, edited, commented = agent.get(f"/changelog/object/{number}.json").json()
    assert created["actions"][0]["field"] == "created"
    assert edited["createdBy"]["id"] == 2
    assert edited["source"] == "api"
    assert [(a["field"], a["previous"], a["value"]) for a in edited["actions"]] == [
        ("title", "Printer on fire", "Other"),
        ("status", "Opened", "In Progress"),
    ]
    assert commented["actions"][0]["value"] == str(said)
    numbers = [a["change_id"] for c in (created, edited, commented) for a in c["actions"]]
    assert len(set(numbers)) == len(numbers)
    assert all(isinstance(number, str) for number in numbers)


def test_the_changelog_of_a_seeded_object_begins_with_its_creation(api):
    (created,) = api.get("/changelog/object/3.json").json()
    assert created["createdBy"]["id"] == 3
    assert created["createdAtPosix"] == api.get("/objects/3.json").json()["createdAtPosix"]


def test_the_changelog_of_a_user_lists_the_changes(api):
    api.post("/users/9.json", json={"full_name": "Other Name"})
    api.post("/users/9/change-password.json", json={"password": "s3cret"})
    api.post("/users/9/ban.json", json={"ban_reason": "spam"})
    response = api.get("/changelog/user/9.json")
    fields = [action["field"] for change in response.json() for action in change["actions"]]
    assert fields == ["registered", "name", "password", "ban"]
    assert "s3cret" not in response.text
