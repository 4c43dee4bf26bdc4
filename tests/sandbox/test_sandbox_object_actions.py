"""Archive and trash, subscriptions, votes and closed comments."""

import pytest


def listed(client):
    response = client.get("/tickets.json")
    return [row["id"] for row in response.json()["data"]]


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
def test_an_archived_or_trashed_object_is_not_listed(agent, action, method, identifier, name):
    response = agent.request(method, f"/objects/4/{action}.json")
    assert response.json()["success"]["state"] == {"identifier": identifier, "name": name}
    assert 4 not in listed(agent)
    assert state(agent, 4)["name"] == name


@pytest.mark.parametrize(
    "actions", [("archive", "archive"), ("trash", "trash"), ("archive", "trash", "trash")], ids=str
)
def test_a_second_call_restores_the_object(agent, actions):
    for action in actions:
        response = agent.get(f"/objects/4/{action}.json")
    assert response.json()["success"]["state"]["name"] == "active"
    assert 4 in listed(agent)


def test_a_trashed_object_is_visible_to_staff_only(agent, user):
    assert user.get("/objects/3.json").status_code == 200
    agent.get("/objects/3/trash.json")
    assert user.get("/objects/3.json").status_code == 404


def test_a_subscription_belongs_to_the_caller(agent, api):
    assert agent.post("/objects/4/subscribe.json").json()["success"]["isSubscribed"] == 1
    assert agent.post("/objects/4/subscribe.json").json()["success"]["isSubscribed"] == 1
    assert api.get("/objects/4.json").json()["isSubscribed"] == 0
    assert agent.post("/objects/4/unsubscribe.json").json()["success"]["isSubscribed"] == 0


def test_a_vote_is_toggled(api, user):
    before = api.get("/objects/21.json").json()["votes"]
    voted = user.post("/objects/21/votes/toggle.json").json()["success"]["votes"]
    assert voted["all"] == before["all"] + 1
    assert voted["positive"] == before["positive"] + 1
    assert voted["isVoted"] is True
    assert api.get("/objects/21.json").json()["votes"]["isVoted"] is False
    again = user.post("/objects/21/votes/toggle.json").json()["success"]["votes"]
    assert again == before


def test_a_guest_cannot_vote(guest):
    assert guest.get("/objects/21.json").json()["votes"]["canVote"] is False


def test_comments_can_be_closed_and_opened(agent, user, comment):
    closed = agent.post("/objects/3/comments/toggle.json").json()["success"]
    assert closed["canBeCommented"] is False
    response = user.post("/comments.json", json={"object_id": 3, "content": "Hello?"})
    assert response.status_code == 403
    opened = agent.post("/objects/3/comments/toggle.json").json()["success"]
    assert opened["canBeCommented"] is True
    comment(3, user)
