"""Pages, filters and sort orders of the list of users."""

import pytest


def ids(response):
    return [user["id"] for user in response.json()["data"]]


def search(api, **params):
    return api.get("/users/search.json", params=params)


def test_a_page_is_bare_and_complete(api):
    page = search(api).json()
    assert ids(search(api)) == list(range(1, 51))
    del page["data"]
    assert page == {
        "currentPage": 1,
        "firstPage": 1,
        "lastPage": 3,
        "nextPage": 2,
        "objectsPerPage": 50,
        "totalObjects": 120,
        "totalPages": 3,
    }


@pytest.mark.parametrize(("count", "size", "pages"), [(7, 7, 18), (500, 50, 3)])
def test_count_sets_the_page_size_up_to_50(api, count, size, pages):
    page = search(api, page=2, count=count)
    assert ids(page) == list(range(size + 1, 2 * size + 1))
    assert page.json()["objectsPerPage"] == size
    assert page.json()["totalPages"] == pages


def test_the_last_page_has_no_next(api):
    assert search(api, page=3).json()["nextPage"] is None


@pytest.mark.parametrize("params", [{"search": "nobody is called that"}, {"page": 4}], ids=str)
def test_a_page_without_items_returns_204(api, params):
    response = search(api, **params)
    assert (response.status_code, response.content) == (204, b"")


@pytest.mark.parametrize(
    ("options", "page", "found"),
    [
        ({"empty": "empty-list"}, 9, {"currentPage": 9, "nextPage": None, "data": []}),
        ({"empty": "last-page"}, 9, {"currentPage": 2, "nextPage": None, "data": [51, 52]}),
        ({"next_page": "absent"}, 2, {"currentPage": 2, "data": [51, 52]}),
        ({"next_page": "repeats"}, 2, {"currentPage": 2, "nextPage": 2, "data": [51, 52]}),
    ],
)
def test_options_change_the_last_page(start, connect, options, page, found):
    response = search(connect(start(users=52, **options)), page=page)
    shown = {**response.json(), "data": ids(response)}
    assert {
        name: shown[name] for name in ("currentPage", "nextPage", "data") if name in shown
    } == found
    assert shown["totalObjects"] == 52


@pytest.mark.parametrize("role", ["admin", "agent", "user"])
def test_users_are_filtered_by_role(api, role):
    page = search(api, role=role).json()
    assert 0 < page["totalObjects"] < 120
    assert {user["role"]["alias"] for user in page["data"]} == {role}


def test_a_search_covers_names_and_addresses(api):
    user = api.get("/users/11.json").json()
    assert 11 in ids(search(api, search=user["name"].upper()))
    assert ids(search(api, search=f".{11}@")) == [11]


def test_an_email_address_finds_its_user(api):
    email = api.get("/users/1.json").json()["email"]
    assert ids(search(api, email=email.upper())) == [1]
    assert search(api, email="none@example.com").status_code == 204


def test_an_email_address_finds_a_user_without_a_page_in_version_4(sandbox, connect):
    api = connect(sandbox, version="4.0")
    user = api.get("/users/1.json").json()
    assert search(api, email=user["email"]).json() == {"success": user}
    assert search(api, email="none@example.com").status_code == 204


def test_a_changed_email_address_is_found(api):
    old = api.get("/users/1.json").json()["email"]
    api.post("/users/1.json", json={"email": "Fresh@Example.com"})
    assert ids(search(api, email="fresh@example.com")) == [1]
    assert search(api, email=old).status_code == 204


@pytest.mark.parametrize(
    "sort", ["roles", "department", "top_rated", "created_most", "commented_most"]
)
def test_a_sort_order_contains_every_user(api, sort):
    found = [number for page in (1, 2, 3) for number in ids(search(api, sort=sort, page=page))]
    assert sorted(found) == list(range(1, 121))
    assert found != sorted(found)


def test_sorting_by_role_puts_administrators_first(api):
    roles = [user["role"]["alias"] for user in search(api, sort="roles").json()["data"]]
    assert roles == sorted(roles, key=["admin", "agent", "user"].index)
