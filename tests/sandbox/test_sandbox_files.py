"""Uploaded files, attachments, and the pictures of users and chats."""

import base64

import httpx
import pytest

CONTENT = "Grüße\n".encode() * 1000
BASE64 = base64.b64encode(CONTENT).decode()


def upload(calls, name="report.pdf", content=BASE64):
    return calls.value("user POST /upload-file.json", {"name": name, "content": content})


def test_an_uploaded_file_can_be_fetched_without_a_key_and_attached_to_a_comment(calls):
    uploaded = upload(calls)
    assert set(uploaded) == {"token", "url"}
    response = httpx.get(uploaded["url"])
    assert response.content == CONTENT
    assert response.headers["Content-Type"] == "application/pdf"
    assert httpx.head(uploaded["url"]).headers["Content-Length"] == str(len(CONTENT))
    assert httpx.delete(uploaded["url"]).status_code == 405
    attachments = [{"token": uploaded["token"], "name": "renamed.pdf"}]
    body = {"object_id": 3, "content": "x", "attachments": attachments}
    (shown,) = calls.value("user POST /comments.json", body, "attachments")
    assert shown["name"] == {"full": "renamed.pdf", "short": "renamed.pdf", "ext": "pdf"}
    assert httpx.get(shown["url"]).content == httpx.get(shown["directUrl"]).content == CONTENT


@pytest.mark.parametrize("name", ["ünï côdé.txt", "a/b.txt", "what?#&%.txt", "no extension"])
def test_a_file_with_any_name_is_attached_to_an_object(calls, name):
    body = {"name": name, "body": BASE64}
    file = calls.value("user POST /objects/3/attach-file.json", body, "attachments.-1")
    assert set(file) == {"id", "name", "url", "directUrl", "icon"}
    assert file["name"]["full"] == name
    assert httpx.get(file["url"]).content == CONTENT
    direct = httpx.get(file["directUrl"])
    assert direct.content == CONTENT
    assert direct.headers["Content-Disposition"].startswith("attachment; filename*=utf-8''")


def test_seeded_files_and_pictures_can_be_fetched(unchanged):
    rows = unchanged.value("admin GET /tickets.json", path="*.attachments")
    files = [file for attachments in rows for file in attachments]
    assert files
    assert all(httpx.get(file["url"]).content.startswith(b"Log ") for file in files)
    messages = unchanged.value("admin GET /chats/1/messages.json")
    image = next(message for message in messages if message["type"] == "image")
    files = f"{unchanged.sandbox.url}/files"
    response = httpx.get(f"{files}/{image['token']}/{image['fileName']}")
    assert response.content.startswith(b"\x89PNG")
    assert response.headers["Content-Type"] == "image/png"
    for token in ("f1", "o1-0", "x", "o99999999999999-0", "f1-" + "0" * 24):
        assert httpx.get(f"{files}/{token}/a.txt").status_code == 404


def test_every_url_includes_the_sub_path(start):
    calls = start(users=5, root_path="/support")
    url = calls.sandbox.url
    assert url.endswith("/support")
    outside = url.removesuffix("/support")
    assert httpx.get(f"{outside}/api/3.0/users/search.json").status_code == 404
    uploaded = upload(calls, "empty.txt", "")["url"]
    assert uploaded.startswith(f"{url}/files/")
    response = httpx.get(uploaded)
    assert (response.status_code, response.content) == (200, b"")
