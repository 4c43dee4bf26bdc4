"""Objects, comments, votes and files together, and the controls for them."""

import pytest


def test_the_life_of_a_ticket(api, agent, user, write, comment):
    number = write(user, title="Squeaky quokka")["id"]
    path = f"/objects/{number}.json"
    said = comment(number, agent, content="Oil it")["id"]
    agent.post(f"/objects/{number}/attach-file.json", json={"name": "oil.txt", "body": "b2ls"})
    user.post(f"/objects/{number}/votes/toggle.json")
    user.post(f"/comments/{said}/best/toggle.json")
    shown = user.get(path).json()
    assert (shown["commentsNum"], shown["votes"]["all"]) == (1, 1)
    assert shown["bestComment"]["id"] == said
    assert shown["attachments"][0]["name"]["full"] == "oil.txt"
    found = {
        "/search.json": lambda response: response["success"]["data"],
        "/tickets.json": lambda response: response["data"],
        "/report/4/objects.json": lambda response: response["data"],
        "/users/3/activity.json": lambda response: response["data"],
    }
    for hide in (False, True, False):
        for list_path, rows in found.items():
            listed = [row["id"] for row in rows(agent.get(list_path).json())]
            assert (number not in listed) is hide, list_path
        agent.get(f"/objects/{number}/trash.json")
    assert api.get(f"/objects/{number}/comments.json").json()["success"][0]["id"] == said
    api.delete(path)
    assert api.get(path).status_code == 404


def test_the_ids_at_the_start_are_known(sandbox, api):
    assert list(sandbox.ticket_ids) == list(range(1, 21))
    assert list(sandbox.topic_ids) == list(range(21, 33))
    assert list(sandbox.article_ids) == list(range(33, 39))
    assert list(sandbox.comment_ids) == list(range(1, 61))
    assert list(sandbox.chat_ids) == list(range(1, 7))
    assert sandbox.object(33).ownership == "knowledge-base"
    assert sandbox.comment(60).object == 22
    assert sandbox.object(39) is sandbox.comment(61) is None


def test_tickets_can_be_inserted_into_an_empty_installation(start, connect):
    sandbox = start(users=0, tickets=0, topics=0, articles=0, comments=60, chats=0)
    api = connect(sandbox)
    for path in ("/tickets.json", "/search.json", "/comments.json", "/chats.json"):
        assert api.get(path).status_code == 204
    assert sandbox.insert_tickets(1) == [1]
    assert api.get("/tickets.json").json()["totalObjects"] == 1
    assert api.get("/objects/1/comments.json").status_code == 204


def test_a_removed_object_is_gone(sandbox, api):
    sandbox.remove_object(20)
    assert api.get("/objects/20.json").status_code == 404
    assert sandbox.comment(20) is None
    with pytest.raises(LookupError):
        sandbox.remove_object(20)


def test_time_cannot_be_moved_back(sandbox):
    with pytest.raises(ValueError, match="forwards"):
        sandbox.advance(-1)


def test_objects_of_a_deleted_author_remain(api):
    author = api.get("/objects/1.json").json()["author"]["id"]
    api.delete(f"/users/{author}.json")
    assert api.get("/objects/1.json").json()["author"] is None
