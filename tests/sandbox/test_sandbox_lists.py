"""Envelopes, names and values of responses, and the queries that select them."""

import pytest
from calls import Has, find, lacks
from samples import SAMPLES

# A sample has every name of its model; the key of a user is in their own profile only.
NAMES = {sample.model.__name__: " ".join(sample.wire) for sample in SAMPLES}
USER = NAMES["User"].replace(" apiKey", "")
PAGE = "currentPage firstPage lastPage nextPage objectsPerPage totalObjects totalPages data"
OLD_FIELD = "id slug title description type is_private is_required options"

# What has which names, in versions 3.0 and 4.0.
SHAPES = [
    ("/users/search.json", "", "", PAGE),
    ("/users/search.json", "data.0", "data.0", USER),
    ("/objects/1.json", "", "", NAMES["Object"]),
    ("/tickets.json", "", "success", PAGE),
    ("/tickets.json", "data.0", "success.data.0", NAMES["Object"]),
    ("/search.json", "success", "success", PAGE),
    ("/search.json?ownership=knowledge-base", "success", "", (PAGE, "knowledgeBase")),
    ("/users/3/activity.json", "", "", PAGE),
    ("/comments.json", "success.0", "success.0", NAMES["Comment"]),
    ("/objects/21/comments.json", "success.0", "success.0", NAMES["Comment"]),
    ("/chats.json", "success", "success", PAGE),
    ("/chats/1.json", "success", "success", NAMES["Chat"]),
    ("/chats/1/messages.json", "success.0", "success.data.0", NAMES["Message"]),
    ("/categories.json", "0", "0", NAMES["Category"]),
    ("/categories/3.json", "", "", NAMES["Category"]),
    ("/forums.json", "0", "0", NAMES["Forum"]),
    ("/statuses.json", "0", "success.0", NAMES["Status"]),
    ("/users/custom-fields/list.json", "0", "0", NAMES["CustomField"]),
    ("/objects/custom-fields/list.json", "0", "0", NAMES["CustomField"]),
    ("/custom-fields/tickets.json", "success.0", "success.0", OLD_FIELD),
    ("/reports/list.json", "0", "0", NAMES["Report"]),
    ("/report/4/objects.json", "", "", f"{PAGE} groups activeGroup"),
    ("/changelog/object/1.json", "0", "0", NAMES["Changelog"]),
    ("/changelog/user/1.json", "0", "0", NAMES["Changelog"]),
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
    ("old GET /objects/1.json", {"type.title": "Ticket"}),
    ("admin GET /categories/3.json", {"id": 3, "parent_id": 2, "forum.id": "2"}),
    ("admin GET /categories.json?ownership=helpdesk&type=ticket", {"*.id": [1, 4, 5, 6]}),
    ("admin GET /statuses.json?object_type=question", {"*.slug": ["new", "answered"]}),
    ("admin GET /statuses.json?object_type=article", 204),
    ("agent GET /categories/6.json", {"isPrivate": True}),
    ("user GET /categories/6.json", 404),
    ("user GET /categories.json", {"*.id": lacks(6)}),
    ("admin GET /objects/custom-fields/list.json", {"0.options.EU": "Europe", "1.options": []}),
    ("old GET /custom-fields/tickets.json", {"*.id": Has(7), "0.options.0": EUROPE}),
    ("old GET /custom-fields/topics.json", {"*.id": Has(7), "0.options.0": EUROPE}),
    ("old GET /custom-fields/users.json", {"*.id": Has(7), "-1.options.0": EUROPE}),
    ("old GET /search.json?ownership=knowledge-base&page=9", 204),
    ("user GET /chats.json", {"*.id": [2]}),
    ("user GET /chats/1.json", 404),
    ("admin GET /chats.json?count=4", {"*.id": [6, 5, 4, 3], "totalObjects": 6}),
    ("admin GET /chats.json?authorId=3", {"*.id": [2]}),
    ("admin GET /chats.json?authorId=5000", 204),
    ("admin GET /chats/900004.json", {"id": 4, "externalId": 900_004}),
    ("admin GET /chats/900004/messages.json", 200),
]


TICKETS = [*range(20, 0, -1)]
NEW, COMPLETED = [20, 16, 14, 9], [18, 8, 7, 2, 1]
QUERIES = [
    ("tickets", "count=7", {"*.id": TICKETS[:7], "totalObjects": 20, "totalPages": 3}),
    ("tickets", "status=completed", {"*.id": COMPLETED, "*.status.slug": ["completed"] * 5}),
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
    ("users/search", "count=500", {"*.id": [*range(1, 51)], "firstPage": 1, "lastPage": 3}),
    ("users/search", "page=2&count=7", {"*.id": [*range(8, 15)], "totalPages": 18}),
    ("users/search", "page=2", {"nextPage": 3, "objectsPerPage": 50, "totalObjects": 120}),
    ("users/search", "page=3", {"nextPage": None}),
    ("users/3/activity", "page=1", {"*.id": [13, 23, 3, 33], "totalObjects": 4}),
    ("users/search", "page=4", 204),
    ("users/search", "role=user", {"*.role.alias": ["user"] * 50, "totalObjects": 115}),
    ("users/search", "sort=roles", {"*.role.alias": ["admin"] + ["agent"] * 4 + ["user"] * 45}),
]


@pytest.mark.parametrize(
    ("line", "expected"),
    [*VALUES, *((f"admin GET /{path}.json?{query}", found) for path, query, found in QUERIES)],
)
def test_a_response_has_its_values(unchanged, line, expected):
    unchanged.play([(line, expected)])


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
