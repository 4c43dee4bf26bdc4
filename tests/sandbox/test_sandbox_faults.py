"""Planned and random faults."""

import time

import anyio
import httpx
import pytest
from calls import NEW_USER

from useresponse_async.sandbox import create_app

ME, SEARCH, CREATE = "admin GET /me.json", "admin GET /users/search.json", "admin POST /users.json"


def test_faults_happen_in_the_planned_order_and_number_on_the_planned_path(calls, sandbox):
    sandbox.fail_next(520, times=2, headers={"X-Odd": "1"})
    sandbox.fail_next(429, match=r"page=3\b")
    seen = [calls(f"{SEARCH}?page={page}") for page in (3, 1, 2, 3, 3)]
    assert [response.status_code for response in seen] == [520, 520, 200, 429, 200]
    assert seen[1].json() == {"error": {"code": 520, "message": "Status 520"}}
    assert seen[1].headers["X-Odd"] == "1"
    sandbox.fail_next(500, times=9)
    assert sandbox.pending_faults == 9
    sandbox.clear_faults()
    assert calls(ME).status_code == 200


@pytest.mark.parametrize(("after_effect", "users"), [(False, 120), (True, 122)])
def test_a_write_can_fail_before_or_after_its_effect(calls, sandbox, after_effect, users):
    sandbox.fail_next(500, after_effect=after_effect)
    assert calls(CREATE, NEW_USER).status_code == 500
    sandbox.reset_next(after_effect=after_effect)
    with pytest.raises(httpx.ReadError):
        calls(CREATE, {**NEW_USER, "email": "another@example.com"})
    assert sandbox.user_count == users


def test_a_reset_without_a_socket_is_raised():
    app = create_app()
    app.reset_next()

    async def ask():
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app)) as client:
            with pytest.raises(ConnectionResetError):
                await client.get("http://sandbox/api/3.0/me.json")

    anyio.run(ask)


def test_a_body_can_be_cut_or_slow_and_every_response_late(calls, sandbox):
    complete = calls(SEARCH).content
    sandbox.cut_next()
    response = calls(SEARCH)
    assert response.status_code == 200
    assert 0 < int(response.headers["Content-Length"]) == len(response.content) < len(complete)
    for plan in (sandbox.slow_next, sandbox.delay_next, sandbox.set_latency):
        plan(0.3)
        began = time.monotonic()
        assert calls(SEARCH).content == complete
        assert time.monotonic() - began >= 0.29


def outcomes(calls, requests):
    """Return the outcome of each request: its status, `reset` or `cut`."""
    seen = []
    for number in range(requests):
        try:
            response = calls(CREATE, {"email": f"n{number}@a.example", "full_name": "N"})
        except httpx.ReadError:
            seen.append("reset")
            continue
        cut = not response.content.endswith((b"]}", b"}}"))
        seen.append("cut" if cut else str(response.status_code))
    return seen


def test_random_faults_have_the_requested_share_in_equal_parts_and_no_effect(start):
    calls = start(users=5, faults=0.4, seed=3)
    seen = outcomes(calls, 500)
    assert 160 < 500 - seen.count("200") < 240
    for kind in ("503", "500", "reset", "cut"):
        assert 30 < seen.count(kind) < 70
        assert calls.sandbox.faults[kind] == seen.count(kind)
    assert calls.sandbox.user_count == 5 + seen.count("200")


def test_random_faults_are_repeatable_by_seed(start):
    first, again, other = (outcomes(start(users=5, faults=0.3, seed=it), 60) for it in (8, 8, 9))
    assert first == again != other
