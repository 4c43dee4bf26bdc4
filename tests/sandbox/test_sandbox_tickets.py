"""Pages, filters and sort orders of tickets, searches and activity."""

from datetime import datetime, timezone

import pytest

DAY = 86_400
PAGE = {
    "currentPage", "firstPage", "lastPage", "nextPage", "objectsPerPage", "totalObjects",
    "totalPages", "data",
}  # fmt: skip


def tickets(client, **params):
    response = client.get("/tickets.json", params=params)
    return [row["id"] for row in response.json()["data"]] if response.content else []


def found(client, **params):
    response = client.get("/search.json", params=params)
    return [row["id"] for row in response.json()["success"]["data"]] if response.content else []


def test_tickets_are_a_bare_page_newest_first(api):
    page = api.get("/tickets.json", params={"count": 7}).json()
    assert set(page) == PAGE
    assert (page["totalObjects"], page["totalPages"], page["nextPage"]) == (20, 3, 2)
    assert [row["id"] for row in page["data"]] == list(range(20, 13, -1))


def test_tickets_are_under_success_in_version_4(old):
    page = old.get("/tickets.json").json()
    assert set(page) == {"success"}
    assert set(page["success"]) == PAGE


def test_a_list_without_tickets_returns_204(start, connect):
    assert connect(start(users=3, tickets=0)).get("/tickets.json").status_code == 204
    old = connect(start(users=3, tickets=0, empty="empty-list"), version="4.0")
    assert old.get("/tickets.json").json()["success"]["data"] == []


def test_a_created_ticket_is_the_newest(api, write):
    assert write()["id"] == tickets(api)[0] == tickets(api, sort="updated")[0]


def test_inserted_tickets_shift_every_page(api, sandbox):
    assert tickets(api, count=5, page=2) == [15, 14, 13, 12, 11]
    added = sandbox.insert_tickets(2)
    assert tickets(api, count=5, page=2) == [17, 16, 15, 14, 13]
    assert sorted(tickets(api, count=2)) == added


def test_a_text_search_covers_title_content_and_tags(api, write):
    title = write(title="Öl-Drucker")["id"]
    content = write(content="no ÖL-DR at all")["id"]
    tag = write(tags=["öl-dr"])["id"]
    assert tickets(api, text="Öl-dr") == [tag, content, title]
    assert tickets(api, text="nothing says this") == []


@pytest.mark.parametrize(
    "word", ["opened", "on_hold", "in_progress", "awaiting_reply", "completed"]
)
def test_tickets_are_filtered_by_status(api, word):
    page = api.get("/tickets.json", params={"status": word}).json()
    assert 0 < page["totalObjects"] < 20
    assert {row["status"]["slug"] for row in page["data"]} == {word}


def test_all_and_all_active_are_statuses_too(api):
    assert len(tickets(api, status="all")) == 20
    done, active = tickets(api, status="completed"), tickets(api, status="all-active")
    assert sorted(done + active) == list(range(1, 21))


def test_tickets_are_filtered_by_date(api, write, sandbox):
    assert tickets(api, date="today") == []
    written = write()["id"]
    assert tickets(api, date="today") == tickets(api, date="this_week") == [written]
    sandbox.advance(DAY)
    assert tickets(api, date="today") == []
    assert tickets(api, date="yesterday") == [written]
    sandbox.advance(6 * DAY)
    assert tickets(api, date="last_week") == [written]


def test_tickets_are_filtered_by_month(api, write, sandbox):
    written = write()["id"]
    assert tickets(api, date="this_month") == [written]
    today = datetime.now(timezone.utc)
    sandbox.advance((32 + 15 - today.day) * DAY)
    # From the middle of this month: the middle of the next one, whatever their lengths.
    assert tickets(api, date="last_month") == [written]
    assert tickets(api, date="this_month") == []


def test_tickets_are_filtered_by_author(api):
    assert tickets(api, author_id=3) == [13, 3]
    assert tickets(api, author_id=5000) == []


def test_tickets_are_filtered_by_custom_field(api, write):
    europe = write(property_7="EU", property_13="api")["id"]
    america = write(property_7="US", property_13="api|mobile")["id"]
    seen = tickets(api, property_7="EU")
    assert europe in seen
    assert america not in seen
    assert {europe, america} <= set(tickets(api, property_7="EU|US", property_13="api"))
    assert america in tickets(api, property_13="mobile")


def test_a_sort_order_contains_every_ticket(api, comment):
    comment(5)
    assert tickets(api, sort="new") == list(range(20, 0, -1))
    assert tickets(api, sort="updated")[0] == 5
    mixed = tickets(api, sort="new_updated")
    assert sorted(mixed) == list(range(1, 21))
    rows = api.get("/tickets.json", params={"sort": "new_updated"}).json()["data"]
    news = [row["status"]["slug"] == "opened" for row in rows]
    assert news == sorted(news, reverse=True)


def test_a_search_is_a_page_under_success(api, old):
    for client in (api, old):
        page = client.get("/search.json").json()
        assert set(page) == {"success"}
        assert set(page["success"]) == PAGE
        assert page["success"]["totalObjects"] == 38


def test_the_knowledge_base_is_grouped_in_version_4(api, old):
    params = {"ownership": "knowledge-base", "count": 4}
    page = api.get("/search.json", params=params).json()["success"]
    grouped = old.get("/search.json", params=params).json()
    assert set(grouped) == {"knowledgeBase"}
    assert [row["id"] for row in grouped["knowledgeBase"]] == [row["id"] for row in page["data"]]
    assert old.get("/search.json", params={**params, "page": 9}).status_code == 204


def test_a_search_is_filtered(api):
    assert found(api, ownership="feedback") == list(range(32, 20, -1))
    ideas = api.get("/search.json", params={"type": "idea"}).json()["success"]["data"]
    assert {row["type"]["slug"] for row in ideas} == {"idea"}
    featured = api.get("/search.json", params={"featured": 1}).json()["success"]["data"]
    assert featured
    assert all(row["isFeatured"] for row in featured)
    assert len(found(api, featured=0)) == 38
    partners = api.get("/search.json", params={"forum_id": 2}).json()
    assert all(row["forum"]["id"] == "2" for row in partners["success"]["data"])
    general = api.get("/search.json", params={"category_id": 1}).json()["success"]["data"]
    assert {row["category"]["id"] for row in general} == {1}
    new = api.get("/search.json", params={"status": "new"}).json()["success"]["data"]
    assert {row["status"]["slug"] for row in new} == {"new"}


def test_a_search_covers_every_module(api, write):
    ticket = write(title="Unheard word: quokka")["id"]
    idea = write(ownership="feedback", object_type="idea", content="more quokkas")["id"]
    assert found(api, text="Quokka") == [idea, ticket]
    assert found(api, text="quokka", ownership="helpdesk") == [ticket]
    api.get(f"/objects/{ticket}/trash.json")
    assert found(api, text="quokka") == [idea]
    api.get(f"/objects/{ticket}/trash.json")
    assert found(api, text="quokka") == [idea, ticket]


def test_activity_is_a_bare_page_of_a_users_objects(api, write):
    written = write(force_author=3)["id"]
    page = api.get("/users/3/activity.json", params={"count": 2}).json()
    assert set(page) == PAGE
    assert page["data"][0]["id"] == written
    assert {row["author"]["id"] for row in page["data"]} == {3}
    assert page["totalObjects"] == len([1 for number in range(1, 39) if number % 10 == 3]) + 1
