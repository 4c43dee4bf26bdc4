"""Envelopes, names and values of responses, and the queries that select them."""

import pytest
from calls import Has, find, lacks

PAGE = "currentPage firstPage lastPage nextPage objectsPerPage totalObjects totalPages data"
OBJECT = (
    "id ownership type title slug url content author responsible team category forum status state "
    "source tags custom_fields attachments recipients links parentObject bestComment completedBy "
    "completedOn createdAt createdAtPosix commentedAt latestActivityPosix slaDatePosix commentsNum "
    "views votes score scoreComment scoreReason language canBeCommented isAbused isFeatured "
    "isPrivate isSubscribed"
)
COMMENT = (
    "id objectId content author createdAt createdAtPosix createdAgo updatedAt is_best ownership "
    "replyToId attachments votes"
)
CHAT = (
    "id externalId title token source author responsible lastMessage seenByClient score createdAt "
    "createdAtPosix updatedAt updatedAtPosix completedAt completedAtPosix"
)
MESSAGE = "id parentId type content author isSystem token fileName createdAtPosix"
USER = (
    "id name shortName email phone avatar isDefaultAvatar gravatarEmail profileUrl "
    "registrationDate lastVisitAt role team tags custom_fields"
)
CATEGORY = "id name slug description order ownership type parent_id isPrivate forum image"
STATUS = "id title slug type ownership order isDefault isClosed isSystem color"
FIELD = "id name label description type field_type module is_active is_private is_required options"
OLD_FIELD = "id slug title description type is_private is_required options"
CHANGE = "createdAtPosix createdBy source actions"

# What has which names, in versions 3.0 and 4.0.
SHAPES = [
    ("/users/search.json", "", "", PAGE),
    ("/users/search.json", "data.0", "data.0", USER),
    ("/objects/1.json", "", "", OBJECT),
    ("/tickets.json", "", "success", PAGE),
    ("/tickets.json", "data.0", "success.data.0", OBJECT),
    ("/search.json", "success", "success", PAGE),
    ("/search.json?ownership=knowledge-base", "success", "", (PAGE, "knowledgeBase")),
    ("/users/3/activity.json", "", "", PAGE),
    ("/comments.json", "success.0", "success.0", COMMENT),
    ("/objects/21/comments.json", "success.0", "success.0", COMMENT),
    ("/chats.json", "success", "success", PAGE),
    ("/chats/1.json", "success", "success", CHAT),
    ("/chats/1/messages.json", "success.0", "success.data.0", MESSAGE),
    ("/categories.json", "0", "0", CATEGORY),
    ("/categories/3.json", "", "", CATEGORY),
    ("/forums.json", "0", "0", "id name"),
    ("/statuses.json", "0", "success.0", STATUS),
    ("/users/custom-fields/list.json", "0", "0", FIELD),
    ("/objects/custom-fields/list.json", "0", "0", FIELD),
    ("/custom-fields/tickets.json", "success.0", "success.0", OLD_FIELD),
    ("/reports/list.json", "0", "0", "id name"),
    ("/report/4/objects.json", "", "", f"{PAGE} groups activeGroup"),
    ("/changelog/object/1.json", "0", "0", CHANGE),
    ("/changelog/user/1.json", "0", "0", CHANGE),
]


@pytest.mark.parametrize(("path", "place", "old_place", "names"), SHAPES)
def test_a_response_has_its_envelope_and_names(unchanged, path, place, old_place, names):
    new, old = (names, names) if isinstance(names, str) else names
    for role, where, expected in (("admin", place, new), ("old", old_place, old)):
        found = find(unchanged(f"{role} GET {path}").json(), where)
        assert set(found) == set(expected.split())


EUROPE = {"value": "EU", "title": "Europe"}
CREATED = {"createdAt": "2024-01-01 11:06:40", "createdAtPosix": 1_704_100_000}
VALUES = [
    ("admin GET /objects/1.json", CREATED),  # the installation is two hours east of UTC
    ("admin GET /objects/1.json", {"type.title": {"single": "Ticket", "plural": "Tickets"}}),
    ("admin GET /users/1.json", {"registrationDate": "2021-06-02 18:06:42"}),
    ("admin GET /changelog/object/1.json", {"#": 1, "0.createdAtPosix": 1_704_100_000}),
    ("admin GET /categories/3.json", {"id": 3, "parent_id": 2, "forum.id": "2"}),
    (
        "admin GET /categories.json?ownership=helpdesk&type=ticket",
        {"*.name": ["General", "Billing", "Technical", "Security Reports"]},
    ),
    (
        "admin GET /statuses.json?object_type=ticket",
        {"*.slug": ["opened", "in_progress", "awaiting_reply", "on_hold", "completed"]},
    ),
    ("admin GET /statuses.json?object_type=article", 204),
    ("agent GET /categories/6.json", {"isPrivate": True}),
    ("user GET /categories/6.json", 404),
    ("user GET /categories.json", {"*.name": lacks("Security Reports")}),
    ("admin GET /objects/custom-fields/list.json", {"0.options.EU": "Europe", "1.options": []}),
    ("old GET /custom-fields/tickets.json", {"*.id": Has(7), "0.options.0": EUROPE}),
    ("old GET /custom-fields/topics.json", {"*.id": Has(7), "0.options.0": EUROPE}),
    ("old GET /custom-fields/users.json", {"*.id": Has(7), "-1.options.0": EUROPE}),
]


TICKETS = [*range(20, 0, -1)]
NEW, COMPLETED = [20, 16, 14, 9], [18, 8, 7, 2, 1]
QUERIES = [
    ("tickets", "count=7", {"*.id": TICKETS[:7], "totalObjects": 20, "totalPages": 3}),
    ("tickets", "status=opened", {"*.status.slug": ["opened"] * 4}),
    ("tickets", "status=awaiting_reply", {"*.status.slug": ["awaiting_reply"] * 6}),
    ("tickets", "status=completed", {"*.id": COMPLETED}),
    ("tickets", "status=all", {"*.id": TICKETS}),
    ("tickets", "status=all-active", {"*.id": [it for it in TICKETS if it not in COMPLETED]}),
    ("tickets", "author_id=3", {"*.id": [13, 3]}),
    ("tickets", "author_id=5000", 204),
    ("tickets", "sort=new_updated", {"*.id": [*NEW, *(it for it in TICKETS if it not in NEW)]}),
    ("search", "page=1", {"#": 38, "totalObjects": 38}),
    ("search", "ownership=feedback", {"*.id": [*range(32, 20, -1)]}),
    ("search", "type=idea", {"*.type.slug": ["idea"] * 3}),
    ("search", "featured=1", {"*.isFeatured": [True] * 3}),
    ("search", "featured=0", {"#": 38}),
    ("search", "forum_id=2", {"*.forum.id": ["2"] * 2}),
    ("search", "category_id=1", {"*.category.id": [1] * 8}),
    ("search", "status=new", {"*.status.slug": ["new"] * 6}),
    (
        "users/search",
        "count=500",
        {"*.id": [*range(1, 51)], "currentPage": 1, "firstPage": 1, "lastPage": 3},
    ),
    (
        "users/search",
        "page=2&count=7",
        {"*.id": [*range(8, 15)], "objectsPerPage": 7, "totalPages": 18},
    ),
    (
        "users/search",
        "page=2",
        {"nextPage": 3, "objectsPerPage": 50, "totalObjects": 120, "totalPages": 3},
    ),
    ("users/search", "page=3", {"nextPage": None}),
    ("users/search", "page=4", 204),
    ("users/search", "role=agent", {"*.role.alias": ["agent"] * 4}),
    ("users/search", "role=user", {"*.role.alias": ["user"] * 50, "totalObjects": 115}),
    ("users/search", "sort=roles", {"*.role.alias": ["admin"] + ["agent"] * 4 + ["user"] * 45}),
]


@pytest.mark.parametrize(
    ("line", "expected"),
    [*VALUES, *((f"admin GET /{path}.json?{query}", found) for path, query, found in QUERIES)],
)
def test_a_response_has_its_values(unchanged, line, expected):
    unchanged.play([(line, expected)])


def test_version_4_has_the_same_values_in_its_own_shape(unchanged):
    for path, place, old_place in (
        ("/objects/1.json", "type.title.single", "type.title"),
        ("/statuses.json", "", ""),
        ("/chats/1/messages.json", "", "data"),
        ("/search.json?ownership=knowledge-base&count=4", "*.id", "knowledgeBase.*.id"),
    ):
        old = unchanged.value(f"old GET {path}", path=old_place)
        assert unchanged.value(f"admin GET {path}", path=place) == old != []
    unchanged.play([("old GET /search.json?ownership=knowledge-base&page=9", 204)])


LAST = "admin GET /users/search.json?page=2"
BEYOND = "admin GET /users/search.json?page=9"
NOTES = "admin GET /users/9/notes.json"
OPTIONS = [
    ({"empty": "empty-list"}, BEYOND, {"currentPage": 9, "nextPage": None, "*.id": []}),
    ({"empty": "empty-list"}, NOTES, {"": []}),
    ({"empty": "last-page"}, BEYOND, {"currentPage": 2, "nextPage": None, "*.id": [51, 52]}),
    ({"next_page": "absent"}, LAST, {"currentPage": 2, "": lacks("nextPage"), "*.id": [51, 52]}),
    ({"next_page": "repeats"}, LAST, {"currentPage": 2, "nextPage": 2, "*.id": [51, 52]}),
]


@pytest.mark.parametrize(("options", "line", "found"), OPTIONS)
def test_options_change_the_last_page_and_empty_lists(start, options, line, found):
    start(users=52, **options).play([(line, found)])
