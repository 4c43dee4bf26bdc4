"""Can objects be put away, followed, voted for and closed to comments?"""

import pytest


def listed(client):
    answer = client.get("/tickets.json")
    return [row["id"] for row in answer.json()["data"]]


def state(client, object_id):
    return client.get(f"/objects/{object_id}.json").json()["state"]


@pytest.mark.parametrize(
    ("action", "method", "identifier", "name"),
    [
        ("archive", "GET", 2, "archived"),
        ("trash", "GET", 3, "trashed"),
        ("trash", "DELETE", 3, "trashed"),
    ],
)
def test_what_is_put_away_leaves_the_lists(agent, action, method, identifier, name):
    answer = agent.request(method, f"/objects/4/{action}.json")
    assert answer.json()["success"]["state"] == {"identifier": identifier, "name": name}
    assert 4 not in listed(agent)
    assert state(agent, 4)["name"] == name


@pytest.mark.parametrize("action", ["archive", "trash"])
def test_a_second_call_brings_it_back(agent, action):
    agent.get(f"/objects/4/{action}.json")
    answer = agent.get(f"/objects/4/{action}.json")
    assert answer.json()["success"]["state"]["name"] == "active"
    assert 4 in listed(agent)


def test_from_the_archive_through_the_trash_back_to_the_lists(agent):
    agent.get("/objects/4/archive.json")
    agent.get("/objects/4/trash.json")
    agent.get("/objects/4/trash.json")
    assert state(agent, 4)["name"] == "active"


def test_the_trash_is_only_for_staff_to_see(agent, user):
    assert user.get("/objects/3.json").status_code == 200
    agent.get("/objects/3/trash.json")
    assert user.get("/objects/3.json").status_code == 404


def test_a_subscription_is_the_callers_own(agent, api):
    assert agent.post("/objects/4/subscribe.json").json()["success"]["isSubscribed"] == 1
    assert agent.post("/objects/4/subscribe.json").json()["success"]["isSubscribed"] == 1
    assert api.get("/objects/4.json").json()["isSubscribed"] == 0
    assert agent.post("/objects/4/unsubscribe.json").json()["success"]["isSubscribed"] == 0


def test_a_vote_is_given_and_taken_back(api, user):
    before = api.get("/objects/21.json").json()["votes"]
    voted = user.post("/objects/21/votes/toggle.json").json()["success"]["votes"]
    assert voted["all"] == before["all"] + 1
    assert voted["positive"] == before["positive"] + 1
    assert voted["isVoted"] is True
    assert api.get("/objects/21.json").json()["votes"]["isVoted"] is False
    again = user.post("/objects/21/votes/toggle.json").json()["success"]["votes"]
    assert again == before


def test_a_guest_cannot_vote_and_is_told(guest):
    assert guest.get("/objects/21.json").json()["votes"]["canVote"] is False


def test_comments_are_closed_and_opened(agent, user, comment):
    closed = agent.post("/objects/3/comments/toggle.json").json()["success"]
    assert closed["canBeCommented"] is False
    answer = user.post("/comments.json", json={"object_id": 3, "content": "Hello?"})
    assert answer.status_code == 403
    opened = agent.post("/objects/3/comments/toggle.json").json()["success"]
    assert opened["canBeCommented"] is True
    comment(3, user)
