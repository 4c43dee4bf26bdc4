"""Does the sandbox misbehave as told, and only then?"""

import contextlib
import json
import socket
import time

import httpx
import pytest

NEW = {"email": "new.one@example.com", "full_name": "New One"}


def test_a_status_is_sent_as_often_as_planned(sandbox, api):
    sandbox.fail_next(503, times=2, headers={"Retry-After": "1"})
    answers = [api.get("/me.json") for _ in range(3)]
    assert [answer.status_code for answer in answers] == [503, 503, 200]
    assert answers[0].headers["Retry-After"] == "1"
    assert answers[0].json()["error"]["code"] == 503


def test_a_status_that_no_standard_names_is_sent_too(sandbox, api):
    sandbox.fail_next(520)
    answer = api.get("/me.json")
    assert (answer.status_code, answer.json()["error"]["message"]) == (520, "Status 520")


def test_plans_are_followed_in_order(sandbox, api):
    sandbox.fail_next(500)
    sandbox.fail_next(429)
    assert [api.get("/me.json").status_code for _ in range(3)] == [500, 429, 200]


def test_a_plan_can_wait_for_its_request(sandbox, api):
    sandbox.fail_next(500, match=r"page=3\b")
    pages = [api.get("/users/search.json", params={"page": page}) for page in (1, 2, 3, 3)]
    assert [page.status_code for page in pages] == [200, 200, 500, 200]


def test_plans_can_be_forgotten(sandbox, api):
    sandbox.fail_next(500, times=9)
    assert sandbox.pending_faults == 9
    sandbox.clear_faults()
    assert api.get("/me.json").status_code == 200


def test_a_failed_write_changes_nothing(sandbox, api):
    sandbox.fail_next(500)
    api.post("/users.json", json=NEW)
    assert sandbox.user_count == 120


def test_a_write_may_fail_after_its_effect(sandbox, api):
    sandbox.fail_next(500, after_effect=True)
    assert api.post("/users.json", json=NEW).status_code == 500
    assert sandbox.user_count == 121


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


def test_a_reset_may_come_after_the_effect(sandbox, api):
    sandbox.reset_next(after_effect=True)
    with pytest.raises(httpx.ReadError):
        api.post("/users.json", json=NEW)
    assert sandbox.user_count == 121


def read_into(received, answer):
    for chunk in answer.iter_bytes():
        received += chunk


def test_a_reset_may_come_inside_the_body(sandbox, api):
    sandbox.reset_in_body_next(after_effect=True)
    received = bytearray()
    with api.stream("GET", "/users/search.json") as answer:
        assert answer.status_code == 200
        with pytest.raises(httpx.ReadError):
            read_into(received, answer)
    assert 0 < len(received) < int(answer.headers["Content-Length"])


def test_cut_json_has_the_right_length_and_no_end(sandbox, api):
    sandbox.cut_next()
    answer = api.get("/users/search.json")
    assert answer.status_code == 200
    assert int(answer.headers["Content-Length"]) == len(answer.content)
    with pytest.raises(json.JSONDecodeError):
        answer.json()


def test_a_page_of_html_can_stand_in_the_way(sandbox, api):
    sandbox.html_next(502)
    answer = api.get("/me.json")
    assert answer.status_code == 502
    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
    assert "<html>" in answer.text


def test_a_response_can_be_empty(sandbox, api):
    sandbox.empty_next()
    answer = api.get("/me.json")
    assert (answer.status_code, answer.content) == (200, b"")


def test_an_error_can_hide_under_a_200(sandbox, api):
    sandbox.error_in_200_next(404)
    answer = api.get("/me.json")
    assert answer.status_code == 200
    assert answer.json()["error"]["code"] == 404


def test_any_response_can_be_planned(sandbox, api):
    sandbox.answer_next(b'{"success": true}', 201, headers={"X-Odd": "1"})
    answer = api.get("/me.json")
    assert (answer.status_code, answer.json()) == (201, {"success": True})
    assert answer.headers["X-Odd"] == "1"


def test_a_body_can_be_slow(sandbox, api):
    whole = api.get("/users/search.json").content
    sandbox.slow_next(0.3)
    began = time.monotonic()
    assert api.get("/users/search.json").content == whole
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
    """What became of each request: its status, `reset` or `cut`."""
    seen = []
    for _ in range(requests):
        try:
            answer = api.get("/users/1.json")
        except httpx.ReadError:
            seen.append("reset")
            continue
        if answer.status_code == 200 and not answer.content.endswith(b"]}"):
            seen.append("cut")
        else:
            seen.append(str(answer.status_code))
    return seen


def test_chance_hits_its_share_in_equal_parts(start, connect):
    sandbox = start(users=5, faults=0.4, seed=3)
    seen = outcomes(connect(sandbox), 500)
    assert 160 < 500 - seen.count("200") < 240
    for kind in ("503", "500", "reset", "cut"):
        assert 30 < seen.count(kind) < 70
        assert sandbox.faults[kind] == seen.count(kind)


def test_chance_repeats_with_its_seed(start, connect):
    first, again, other = (
        outcomes(connect(start(users=5, faults=0.3, seed=seed)), 60) for seed in (8, 8, 9)
    )
    assert first == again
    assert first != other


def test_chance_strikes_before_any_effect(start, connect):
    sandbox = start(users=5, faults=1)
    api = connect(sandbox)
    for number in range(20):
        with contextlib.suppress(httpx.ReadError):
            api.post("/users.json", json={"email": f"n{number}@a.example", "full_name": "N"})
    assert sandbox.user_count == 5
    assert sum(sandbox.faults.values()) == 20
