"""Planned and random faults."""

import contextlib
import json
import socket
import time

import httpx
import pytest

NEW = {"email": "new.one@example.com", "full_name": "New One"}


def test_a_status_is_sent_the_planned_number_of_times(sandbox, api):
    sandbox.fail_next(503, times=2, headers={"Retry-After": "1"})
    responses = [api.get("/me.json") for _ in range(3)]
    assert [response.status_code for response in responses] == [503, 503, 200]
    assert responses[0].headers["Retry-After"] == "1"
    assert responses[0].json()["error"]["code"] == 503


def test_an_unassigned_status_can_be_sent(sandbox, api):
    sandbox.fail_next(520)
    response = api.get("/me.json")
    assert (response.status_code, response.json()["error"]["message"]) == (520, "Status 520")


def test_faults_happen_in_the_planned_order(sandbox, api):
    sandbox.fail_next(500)
    sandbox.fail_next(429)
    assert [api.get("/me.json").status_code for _ in range(3)] == [500, 429, 200]


def test_a_fault_can_be_planned_for_a_path(sandbox, api):
    sandbox.fail_next(500, match=r"page=3\b")
    pages = [api.get("/users/search.json", params={"page": page}) for page in (1, 2, 3, 3)]
    assert [page.status_code for page in pages] == [200, 200, 500, 200]


def test_planned_faults_can_be_cleared(sandbox, api):
    sandbox.fail_next(500, times=9)
    assert sandbox.pending_faults == 9
    sandbox.clear_faults()
    assert api.get("/me.json").status_code == 200


@pytest.mark.parametrize(("after_effect", "users"), [(False, 120), (True, 121)])
def test_a_write_can_fail_before_or_after_its_effect(sandbox, api, after_effect, users):
    sandbox.fail_next(500, after_effect=after_effect)
    assert api.post("/users.json", json=NEW).status_code == 500
    assert sandbox.user_count == users


def test_a_reset_reaches_the_socket(sandbox):
    sandbox.reset_next()
    host, port = sandbox.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=5) as peer:
        peer.sendall(b"GET /api/3.0/me.json HTTP/1.1\r\nHost: sandbox\r\n\r\n")
        with pytest.raises(ConnectionResetError):
            peer.recv(1)


def test_a_reset_breaks_only_one_connection(sandbox, api):
    sandbox.reset_next()
    with pytest.raises(httpx.ReadError):
        api.get("/me.json")
    assert api.get("/me.json").status_code == 200


def test_a_reset_can_follow_the_effect(sandbox, api):
    sandbox.reset_next(after_effect=True)
    with pytest.raises(httpx.ReadError):
        api.post("/users.json", json=NEW)
    assert sandbox.user_count == 121


def read_into(received, response):
    for chunk in response.iter_bytes():
        received += chunk


def test_a_reset_can_interrupt_the_body(sandbox, api):
    sandbox.reset_in_body_next(after_effect=True)
    received = bytearray()
    with api.stream("GET", "/users/search.json") as response:
        assert response.status_code == 200
        with pytest.raises(httpx.ReadError):
            read_into(received, response)
    assert 0 < len(received) < int(response.headers["Content-Length"])


def test_cut_json_has_a_matching_content_length(sandbox, api):
    sandbox.cut_next()
    response = api.get("/users/search.json")
    assert response.status_code == 200
    assert int(response.headers["Content-Length"]) == len(response.content)
    with pytest.raises(json.JSONDecodeError):
        response.json()


def test_a_response_can_be_html(sandbox, api):
    sandbox.html_next(502)
    response = api.get("/me.json")
    assert response.status_code == 502
    assert response.headers["Content-Type"] == "text/html; charset=utf-8"
    assert "<html>" in response.text


def test_a_response_can_be_empty(sandbox, api):
    sandbox.empty_next()
    response = api.get("/me.json")
    assert (response.status_code, response.content) == (200, b"")


def test_an_error_can_have_status_200(sandbox, api):
    sandbox.error_in_200_next(404)
    response = api.get("/me.json")
    assert response.status_code == 200
    assert response.json()["error"]["code"] == 404


def test_a_response_can_be_planned(sandbox, api):
    sandbox.answer_next(b'{"success": true}', 201, headers={"X-Odd": "1"})
    response = api.get("/me.json")
    assert (response.status_code, response.json()) == (201, {"success": True})
    assert response.headers["X-Odd"] == "1"


def test_a_body_can_be_slow(sandbox, api):
    complete = api.get("/users/search.json").content
    sandbox.slow_next(0.3)
    began = time.monotonic()
    assert api.get("/users/search.json").content == complete
    assert time.monotonic() - began >= 0.29


def test_a_response_can_be_late(sandbox, api):
    sandbox.delay_next(5)
    with pytest.raises(httpx.ReadTimeout):
        api.get("/me.json", timeout=0.1)


def test_latency_delays_every_response(start, connect):
    api = connect(start(users=5, latency=0.1))
    began = time.monotonic()
    api.get("/me.json")
    api.get("/nothing.json")
    assert time.monotonic() - began >= 0.2


def outcomes(api, requests):
    """Return the outcome of each request: its status, `reset` or `cut`."""
    seen = []
    for _ in range(requests):
        try:
            response = api.get("/users/1.json")
        except httpx.ReadError:
            seen.append("reset")
            continue
        if response.status_code == 200 and not response.content.endswith(b"]}"):
            seen.append("cut")
        else:
            seen.append(str(response.status_code))
    return seen


def test_random_faults_have_the_requested_share_in_equal_parts(start, connect):
    sandbox = start(users=5, faults=0.4, seed=3)
    seen = outcomes(connect(sandbox), 500)
    assert 160 < 500 - seen.count("200") < 240
    for kind in ("503", "500", "reset", "cut"):
        assert 30 < seen.count(kind) < 70
        assert sandbox.faults[kind] == seen.count(kind)


def test_random_faults_are_repeatable_by_seed(start, connect):
    first, again, other = (
        outcomes(connect(start(users=5, faults=0.3, seed=seed)), 60) for seed in (8, 8, 9)
    )
    assert first == again
    assert first != other


def test_random_faults_precede_any_effect(start, connect):
    sandbox = start(users=5, faults=1)
    api = connect(sandbox)
    for number in range(20):
        with contextlib.suppress(httpx.ReadError):
            api.post("/users.json", json={"email": f"n{number}@a.example", "full_name": "N"})
    assert sandbox.user_count == 5
    assert sum(sandbox.faults.values()) == 20
