"""Objects: fields, searches, states, votes, approval, reports and the changelog."""

import base64
from datetime import datetime, timezone

import pytest
from calls import IDEA, NEWS, TICKET, Has, find, lacks

DAY = 86_400
LONGEST = {**TICKET, "title": "ü" * 100, "content": "x" * 12_000}
PUT, POST = "admin PUT /objects/39.json", "admin POST /objects.json"
GET = "admin GET /objects/39.json"
FILE = {"name": "a photo.jpg", "body": base64.b64encode(b"bytes").decode()}
LISTS = ("search", "tickets", "report/4/objects", "users/3/activity")
REPLY = {"object_id": 3, "content": "Hello?"}
COMMENT = "admin POST /comments.json"
USER_POST = "user POST /comments.json"
HTML = {"content": '<b>x</b><br /><a href="https://a.example">y</a>', "treat_as_html": 1}

STORIES = {
    "an object is created with all its fields": [
        (POST, {
            **TICKET, "content": "Help [b]me[/b]", "category_id": 4, "responsible_id": 2,
            "team_id": 1, "tags": ["a", "b"], "property_7": "EU", "property_13": "api|mobile",
            "notify_email": "boss@example.com", "notify_name": "Boss", "attachments": [FILE],
        }, {
            "id": 39, "content": "Help <b>me</b>", "category.name": "Billing", "responsible.id": 2,
            "team": {"id": 1, "name": "Support"}, "tags": ["a", "b"], "status.slug": "opened",
            "author.id": 1, "recipients": ["boss@example.com"], "isSubscribed": 1,
            "custom_fields": [Has("id"), Has("id")],
            "custom_fields.0.value": ["EU"], "custom_fields.1.value": ["api", "mobile"],
            "attachments.0.name": {"full": "a photo.jpg", "short": "a photo.jpg", "ext": "jpg"},
        }),
    ],
    "bbcode selects the markup": [
        (POST, {**TICKET, "content": "[b]1 < 2[/b]\n<i>"}, {"id": 39}),
        ("admin GET /objects/39.json?bbcode=0", {"content": "<b>1 &lt; 2</b><br />\n&lt;i&gt;"}),
        ("admin GET /objects/39.json?bbcode=1", {"content": "[b]1 < 2[/b]\n<i>"}),
        (POST, {**TICKET, **HTML}, {"id": 40}),
        ("admin GET /objects/40.json?bbcode=1", {
            "content": "[b]x[/b]\n[url=https://a.example]y[/url]",
        }),
        (COMMENT, {"object_id": 21, **HTML}, {"content": HTML["content"]}),
        ("admin GET /objects/21/comments.json?bbcode=1", {"-1.content": Has("[b]x[/b]")}),
    ],
    "an author is forced by id, or by address, which creates that user once": [
        (POST, {**TICKET, "force_author": "9"}, {"author.id": 9}),
        (POST, {**TICKET, "force_author": "new.one@example.com", "team_id": 99}, 400),
        ("user POST /objects.json", {**TICKET, "force_author": "new.one@example.com"}, 403),
        ("admin GET /users/121.json", 404),
        (POST, {**TICKET, "force_author": "new.one@example.com"}, {
            "author.id": 121, "author.name": "new.one", "author.email": "new.one@example.com",
        }),
        (POST, {**TICKET, "force_author": "New.One@example.com"}, {"author.id": 121}),
        (PUT, {"force_author": "other@example.com"}, {"author.id": 122}),
    ],
    "the longest title and content are accepted, and an empty property removes its field": [
        (POST, {**LONGEST, "property_7": "EU"}, {"title": "ü" * 100, "custom_fields.*.id": [7]}),
        (PUT, {"property_7": ""}, {"custom_fields": []}),
    ],
    "a closing status completes and another reopens, and a changed type has its own": [
        (POST, IDEA, {"id": 39, "status.type": "idea"}),
        (PUT, {"object_type": "problem"}, {"status.type": "problem", "type.slug": "problem"}),
        ("agent PUT /objects/3.json", {"status_id": 5}, {
            "status.slug": "completed", "completedBy.id": 2, "completedOn": Has(":"),
        }),
        ("admin PUT /objects/3.json", {"status_id": 1}, {"completedBy": None, "completedOn": None}),
    ],
    "a deleted object is gone with its comments, the objects of a deleted author remain": [
        (POST, TICKET, {"id": 39}),
        (COMMENT, {"object_id": 39, "content": "x"}, {"id": 61}),
        ("admin DELETE /objects/39.json", {"id": 39}),
        ("admin DELETE /objects/39.json", 404),
        ("admin GET /comments.json", {"0.id": 60}),
        ("admin DELETE /users/3.json", 200),
        ("admin GET /objects/3.json", {"author": None}),
    ],
    "an archived or trashed object is in no list, and is restored by a second call": [
        ("user POST /objects.json", TICKET, {"id": 39}),
        *((f"agent GET /{path}.json", {"*.id": Has(39)}) for path in LISTS),
        ("agent GET /objects/39/archive.json", {"state": {"identifier": 2, "name": "archived"}}),
        ("agent GET /tickets.json", {"*.id": lacks(39)}),
        ("agent GET /objects/39/archive.json", {"state.name": "active"}),
        ("agent DELETE /objects/39/trash.json", {"state": {"identifier": 3, "name": "trashed"}}),
        *((f"agent GET /{path}.json", {"*.id": lacks(39)}) for path in LISTS),
        ("user GET /objects/39.json", 404),
        ("agent GET /objects/39/trash.json", {"state.name": "active"}),
        *((f"agent GET /{path}.json", {"*.id": Has(39)}) for path in LISTS),
        ("agent GET /objects/39/trash.json", {"state.name": "trashed"}),
        ("agent DELETE /objects/39/trash.json", {"state.name": "active"}),
    ],
    "a subscription and a vote belong to the caller": [
        *[("agent POST /objects/4/subscribe.json", {"isSubscribed": 1})] * 2,
        ("admin GET /objects/4.json", {"isSubscribed": 0}),
        ("agent POST /objects/4/unsubscribe.json", {"isSubscribed": 0}),
        ("guest GET /objects/21.json", {"votes.canVote": False, "votes.all": 0}),
        ("user POST /objects/21/votes/toggle.json", {"votes.all": 1, "votes.isVoted": True}),
        ("admin GET /objects/21.json", {"votes.positive": 1, "votes.isVoted": False}),
        ("user POST /objects/21/votes/toggle.json", {"votes.all": 0, "votes.isVoted": False}),
    ],
    "comments can be closed and opened": [
        ("agent POST /objects/3/comments/toggle.json", {"canBeCommented": False}),
        (USER_POST, REPLY, 403),
        ("agent POST /objects/3/comments/toggle.json", {"canBeCommented": True}),
        (USER_POST, REPLY, 200),
    ],
    "only a user's topic waits for approval, and a declined one leaves the lists": [
        ("user POST /objects.json", TICKET, {"state.name": "active"}),
        ("agent POST /objects.json", IDEA, {"state.name": "active"}),
        ("user POST /objects.json", IDEA, {"state": {"identifier": 4, "name": "moderation"}}),
        *((f"{role} GET /objects/41.json", 200) for role in ("user", "agent")),
        ("guest GET /objects/41.json", 404),
        ("agent POST /topic/41/approve.json", {"state.name": "active"}),
        ("guest GET /objects/41.json", 200),
        ("agent POST /topic/41/decline.json", {"reason": "no wings"}, {"state.identifier": 5}),
        ("agent GET /search.json?ownership=feedback", {"*.id": lacks(41)}),
        *((f"{role} GET /objects/41.json", it) for role, it in [("guest", 404), ("user", 200)]),
        ("agent GET /changelog/object/41.json", {"-1.actions.0.value": "no wings"}),
    ],
    "a text search covers title, content and tags of every module": [
        (POST, {**TICKET, "title": "Öl-Drucker"}, {"id": 39}),
        (POST, {**TICKET, "content": "no ÖL-DR at all"}, {"id": 40}),
        (POST, {**TICKET, "tags": ["öl-dr"]}, {"id": 41}),
        (POST, {**IDEA, "content": "more öl-dr"}, {"id": 42}),
        ("admin GET /tickets.json?text=Öl-dr", {"*.id": [41, 40, 39]}),
        ("admin GET /tickets.json?text=nothing says this", 204),
        ("admin GET /search.json?text=Öl-dr", {"*.id": [42, 41, 40, 39]}),
    ],
    "tickets are filtered by custom field": [
        (POST, {**TICKET, "property_7": "EU", "property_13": "api"}, {"id": 39}),
        (POST, {**TICKET, "property_7": "US", "property_13": "api|mobile"}, {"id": 40}),
        ("admin GET /tickets.json?property_7=EU|US&property_13=api&count=2", {"*.id": [40, 39]}),
        ("admin GET /tickets.json?property_13=mobile&count=1", {"*.id": [40]}),
    ],
    "reports follow changes": [
        (POST, TICKET, {"id": 39}),
        ("agent GET /report/5/objects.json", {"*.id": lacks(39)}),
        ("agent GET /report/6/objects.json", {"*.id": Has(39)}),
        (PUT, {"responsible_id": 2}, 200),
        ("agent GET /report/5/objects.json", {"*.id": Has(39)}),
        ("agent GET /report/6/objects.json", {"*.id": lacks(39)}),
        (PUT, {"status_id": 5}, 200),
        ("admin GET /report/4/objects.json", {"*.id": lacks(39)}),
        ("agent GET /report/7/objects.json", {"*.id": Has(39)}),
        ("agent GET /objects/39/archive.json", 200),
        ("agent GET /report/9/objects.json", {"*.id": [39]}),
    ],
    "the changelog of an object lists its changes": [
        ("admin GET /changelog/object/3.json", {"#": 1, "0.createdBy.id": 3}),
        (POST, {**TICKET, "responsible_id": 1}, {"id": 39}),
        ("agent PUT /objects/39.json", {"title": "Other", "status_id": 2}, 200),
        (COMMENT, {"object_id": 39, "content": "x"}, {"id": 61}),
        ("agent GET /changelog/object/39.json", {
            "0.actions.0.field": "created", "1.createdBy.id": 2, "1.source": "api",
            "1.actions.*.field": ["title", "status"],
            "1.actions.*.previous": ["Printer", "Opened"],
            "1.actions.*.value": ["Other", "In Progress"],
            "2.actions.0.value": "61", "*.actions.*.change_id": [["1"], ["2", "3"], ["4"]],
        }),
    ],
    "a private field and recipients are visible to staff only": [
        (POST, {
            **TICKET, "force_author": 3, "property_7": "EU", "property_15": "x-7",
            "notify_email": "boss@example.com",
        }, {"recipients": ["boss@example.com"], "custom_fields.*.id": [7, 15]}),
        ("user GET /objects/39.json", {"recipients": [], "custom_fields.*.id": [7]}),
        ("user POST /objects.json", {**TICKET, "property_15": "x"}, 400),
        ("guest GET /objects/custom-fields/list.json", {"#": 5}),
        ("agent GET /objects/custom-fields/list.json", {"#": 6}),
        ("guest GET /objects/21.json", {"author": lacks("email")}),
    ],
    "a user edits their own ticket, but not its assignment": [
        ("user PUT /objects/3.json", {"title": "Other"}, {"title": "Other"}),
        ("user PUT /objects/3.json", {"responsible_id": 2}, 403),
        ("user PUT /objects/3.json", {"status_id": 5}, 403),
        ("user POST /objects/3/attach-file.json", FILE, 200),
        ("user POST /objects/1/attach-file.json", FILE, 404),
    ],
}  # fmt: skip


@pytest.mark.parametrize("steps", STORIES.values(), ids=STORIES)
def test_calls_have_their_effects(calls, steps):
    calls.play(steps)


@pytest.mark.parametrize("fields", [
    {"force_author": 9}, {"responsible_id": 2}, {"team_id": 1}, NEWS,
    {"ownership": "knowledge-base", "object_type": "faq"},
])  # fmt: skip
def test_some_fields_of_a_new_object_are_reserved_to_staff(calls, fields):
    body = {**TICKET, **fields}
    calls.play([("user POST /objects.json", body, 403), ("agent POST /objects.json", body, 200)])


KINDS = {
    "idea": "feedback", "problem": "feedback", "question": "feedback", "thanks": "feedback",
    "ticket": "helpdesk", "announcement": "announcements", "article": "knowledge-base",
    "faq": "knowledge-base",
}  # fmt: skip


def test_every_kind_can_be_created(calls):
    calls.play(
        (POST, {**TICKET, "ownership": ownership, "object_type": kind}, {"type.slug": kind})
        for kind, ownership in KINDS.items()
    )


def test_a_form_creates_an_object_with_lists(calls):
    form = {
        **TICKET, "tags[]": ["a", "b"],
        "attachments[0][name]": "a.txt", "attachments[0][body]": "aGk=",
    }  # fmt: skip
    created = calls(POST, data=form).json()["success"]
    assert created["tags"] == ["a", "b"]
    assert created["attachments"][0]["name"]["full"] == "a.txt"


def test_an_edit_changes_only_what_was_sent(calls):
    before = calls.value(POST, {**TICKET, "tags": ["a"], "property_7": "EU"})
    after = calls.value(PUT, {"title": "Other", "property_12": "low"})
    assert (after["title"], find(after, "custom_fields.*.id")) == ("Other", [7, 12])
    changed = {name for name in before if before[name] != after[name]}
    assert changed - {"latestActivityPosix"} == {"title", "slug", "url", "custom_fields"}
    assert calls.value(GET) == after


def test_an_announcement_expires_for_the_public(calls):
    body = {**NEWS, "expire_select": "on_date", "expires_at": "31.12.2099"}
    calls.play([(POST, body, {"id": 39}), ("guest GET /objects/39.json", 200)])
    calls.sandbox.advance(100 * 365 * DAY)
    calls.play([("guest GET /objects/39.json", 404), (GET, 200)])


def test_tickets_are_filtered_by_date(calls, sandbox):
    def listed(*dates):
        return [calls.ids(f"admin GET /tickets.json?date={date}") for date in dates]

    calls.play([(POST, TICKET, {"id": 39})])
    assert listed("today", "this_week", "this_month", "yesterday") == [[39]] * 3 + [[]]
    sandbox.advance(DAY)
    assert listed("today", "yesterday") == [[], [39]]
    sandbox.advance(6 * DAY)
    assert listed("last_week") == [[39]]
    # From the middle of this month: the middle of the next one, whatever their lengths.
    sandbox.advance((32 + 15 - datetime.now(timezone.utc).day - 7) * DAY)
    assert listed("last_month", "this_month") == [[39], []]


def test_a_search_and_the_list_of_all_comments_depend_on_the_caller(unchanged):
    public, mine, everything = (
        set(unchanged.ids(f"{role} GET /search.json")) for role in ("guest", "user", "agent")
    )
    assert mine - public == {3, 13} == set(unchanged.ids("user GET /tickets.json"))
    assert everything == set(range(1, 39))
    assert not public & {24, 26, 31, *range(1, 21)}
    unchanged.play([("user GET /tickets.json?author_id=9", 204)])
    comments = [unchanged.ids(f"{it} GET /comments.json") for it in ("guest", "user", "admin")]
    assert set(comments[0]) < set(comments[1]) < set(comments[2])


def test_a_report_is_filtered_by_group(unchanged):
    line = "admin GET /report/4/objects.json"
    complete = unchanged.value(line)
    first, *groups = complete["groups"]
    assert (complete["activeGroup"], first["id"]) == ("all", "all")
    assert complete["totalObjects"] == first["count"] == sum(group["count"] for group in groups)
    unchanged.play((f"{line}?group={group['id']}", {
        "activeGroup": group["id"], "groups": complete["groups"],
        "totalObjects": group["count"], "*.status.title": [group["name"]] * group["count"],
    }) for group in groups)  # fmt: skip
    unchanged.play([(f"{line}?group=5", 204)])


def test_the_ids_at_the_start_are_known(sandbox, calls):
    ids = (sandbox.ticket_ids, sandbox.topic_ids, sandbox.article_ids, sandbox.comment_ids)
    assert ids == (range(1, 21), range(21, 33), range(33, 39), range(1, 61))
    assert sandbox.chat_ids == range(1, 7)
    assert sandbox.object(33).ownership == "knowledge-base"
    assert sandbox.comment(60).object == 22
    assert sandbox.object(39) is sandbox.comment(61) is None
    assert sorted(sandbox.insert_tickets(2)) == [39, 40]
    assert calls.ids("admin GET /tickets.json?count=3") == [40, 39, 20]
    sandbox.remove_object(20)
    calls.play([("admin GET /objects/20.json", 404)])
    assert sandbox.comment(20) is None


def test_tickets_can_be_inserted_into_an_empty_installation(start):
    calls = start(users=0, tickets=0, topics=0, articles=0, comments=60, chats=0)
    calls.play((f"admin GET /{path}.json", 204) for path in ("search", "comments", "chats"))
    assert calls.sandbox.insert_tickets(1) == [1] == calls.ids("admin GET /tickets.json")
