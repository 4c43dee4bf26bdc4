"""Uploads, attachments and downloads."""

import base64

import httpx
import pytest

CONTENT = "Grüße\n".encode() * 1000
BASE64 = base64.b64encode(CONTENT).decode()


def upload(client, name="report.pdf"):
    response = client.post("/upload-file.json", json={"name": name, "content": BASE64})
    return response.json()["success"]


def attach(client, object_id, name="a.txt", body=BASE64):
    path = f"/objects/{object_id}/attach-file.json"
    return client.post(path, json={"name": name, "body": body})


def test_an_uploaded_file_can_be_fetched_without_a_key(user):
    uploaded = upload(user)
    assert set(uploaded) == {"token", "url"}
    response = httpx.get(uploaded["url"])
    assert response.content == CONTENT
    assert response.headers["Content-Type"] == "application/pdf"


def test_an_uploaded_file_can_be_attached_to_a_comment(user, comment):
    token = upload(user)["token"]
    created = comment(3, user, attachments=[{"token": token, "name": "renamed.pdf"}])
    (shown,) = created["attachments"]
    assert shown["name"] == {"full": "renamed.pdf", "short": "renamed.pdf", "ext": "pdf"}
    for address in (shown["url"], shown["directUrl"]):
        assert httpx.get(address).content == CONTENT


def test_a_file_is_attached_to_an_object(user, api):
    shown = attach(user, 3).json()["success"]
    assert shown["id"] == 3
    attachment = api.get("/objects/3.json").json()["attachments"][-1]
    assert set(attachment) == {"id", "name", "url", "directUrl", "icon"}
    direct = httpx.get(attachment["directUrl"])
    assert direct.content == CONTENT
    assert direct.headers["Content-Disposition"] == "attachment; filename*=utf-8''a.txt"


@pytest.mark.parametrize("name", ["ünï côdé.txt", "a/b.txt", "what?#&%.txt", "no extension"])
def test_a_file_with_any_name_can_be_fetched(api, name):
    attach(api, 1, name=name)
    attachment = api.get("/objects/1.json").json()["attachments"][-1]
    assert attachment["name"]["full"] == name
    assert httpx.get(attachment["url"]).content == CONTENT


def test_a_file_can_be_empty(user):
    response = user.post("/upload-file.json", json={"name": "empty.txt", "content": ""})
    assert httpx.get(response.json()["success"]["url"]).content == b""


def test_a_seeded_file_can_be_fetched(api):
    rows = api.get("/tickets.json").json()["data"]
    files = [file for row in rows for file in row["attachments"]]
    assert files
    assert all(httpx.get(file["url"]).content.startswith(b"Log ") for file in files)


def test_a_picture_in_a_chat_can_be_fetched(api, sandbox):
    messages = api.get("/chats/1/messages.json").json()["success"]
    image = next(message for message in messages if message["type"] == "image")
    url = f"{sandbox.url}/files/{image['token']}/{image['fileName']}"
    response = httpx.get(url)
    assert response.content.startswith(b"\x89PNG")
    assert response.headers["Content-Type"] == "image/png"


def test_urls_of_files_include_the_sub_path(start, connect):
    sandbox = start(users=5, root_path="/support")
    url = upload(connect(sandbox))["url"]
    assert url.startswith(sandbox.url + "/files/")
    assert httpx.get(url).content == CONTENT


def test_an_unknown_token_is_not_found(sandbox):
    for token in ("f1", "o1-0", "x", "o99999999999999-0", "f1-" + "0" * 24):
        assert httpx.get(f"{sandbox.url}/files/{token}/a.txt").status_code == 404


def test_a_file_accepts_only_get_and_head(user):
    url = upload(user)["url"]
    assert httpx.head(url).headers["Content-Length"] == str(len(CONTENT))
    assert httpx.delete(url).status_code == 405
