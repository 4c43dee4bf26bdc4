"""Moderation of the topics and comments of plain users."""

IDEA = {"ownership": "feedback", "object_type": "idea", "title": "Wings", "content": "For cars"}


def on(client, object_id):
    response = client.get(f"/objects/{object_id}/comments.json")
    return [row["id"] for row in response.json()["success"]] if response.content else []


def test_a_users_topic_waits_and_is_visible_to_author_and_staff(user, agent, guest, write):
    created = write(user, **IDEA)
    assert created["state"] == {"identifier": 4, "name": "moderation"}
    path = f"/objects/{created['id']}.json"
    assert [client.get(path).status_code for client in (user, agent, guest)] == [200, 200, 404]


def test_a_topic_of_staff_does_not_wait(agent, guest, write):
    created = write(agent, **IDEA)
    assert guest.get(f"/objects/{created['id']}.json").status_code == 200


def test_a_users_ticket_does_not_wait(user, write):
    assert write(user)["state"]["name"] == "active"


def test_an_approved_topic_is_public(user, agent, guest, write):
    number = write(user, **IDEA)["id"]
    response = agent.post(f"/topic/{number}/approve.json")
    assert response.json()["success"]["state"]["name"] == "active"
    assert guest.get(f"/objects/{number}.json").status_code == 200


def test_a_declined_topic_leaves_the_lists(user, agent, guest, write):
    number = write(user, **IDEA)["id"]
    response = agent.post(f"/topic/{number}/decline.json", json={"reason": "no wings"})
    assert response.json()["success"]["state"] == {"identifier": 5, "name": "declined"}
    found = agent.get("/search.json", params={"ownership": "feedback"}).json()["success"]["data"]
    assert number not in [row["id"] for row in found]
    assert guest.get(f"/objects/{number}.json").status_code == 404
    assert user.get(f"/objects/{number}.json").status_code == 200
    logged = agent.get(f"/changelog/object/{number}.json").json()
    assert logged[-1]["actions"][0]["value"] == "no wings"


def test_a_users_comment_on_a_topic_waits(user, agent, guest, comment):
    number = comment(21, user)["id"]
    assert [number in on(client, 21) for client in (user, agent, guest)] == [True, True, False]
    response = agent.post(f"/comment/{number}/approve.json")
    assert response.json()["success"]["id"] == number
    assert number in on(guest, 21)


def test_a_users_comment_on_a_ticket_does_not_wait(user, write, comment):
    ticket = write(user)["id"]
    said = comment(ticket, user)["id"]
    assert on(user, ticket) == [said]


def test_a_declined_comment_leaves_the_lists(user, agent, guest, comment):
    number = comment(21, user)["id"]
    response = agent.post(f"/comment/{number}/decline.json", json={"reason": "rude"})
    assert response.json()["success"]["id"] == number
    assert not any(number in on(client, 21) for client in (user, agent, guest))
