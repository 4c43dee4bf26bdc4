"""Controls, counters and faults of a running sandbox."""

import gc
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import anyio
import httpx
import pytest
from calls import NEW_USER
from processes import wait_until

from useresponse_async.sandbox import Options, Sandbox, create_app

ME, SEARCH, CREATE = "admin GET /me.json", "admin GET /users/search.json", "admin POST /users.json"


def test_inserted_and_removed_users_shift_every_page(sandbox, calls):
    assert sandbox.insert_users(3) == [121, 122, 123]
    sandbox.remove_user(5)
    calls.play([
        (f"{SEARCH}?count=5", {"*.id": [121, 122, 123, 1, 2], "totalObjects": 122}),
        (f"{SEARCH}?count=5&page=2", {"*.id": [3, 4, 6, 7, 8]}),
    ])  # fmt: skip
    for remove in (sandbox.remove_user, sandbox.remove_object):
        with pytest.raises(LookupError):
            remove(5000)


def test_arrivals_are_counted_without_a_record(start):
    calls = start(users=5, record=False)
    calls(ME)
    assert (calls.sandbox.arrivals, calls.sandbox.requests) == (1, [])


def test_a_sandbox_stops_during_a_response(start):
    calls = start(users=5, latency=3600)
    with ThreadPoolExecutor(1) as pool:
        response = pool.submit(calls, ME, timeout=None)
        wait_until(lambda: calls.sandbox.in_flight == 1)
        calls.sandbox.stop()
        with pytest.raises(httpx.TransportError):
            response.result()


def test_a_sandbox_starts_only_once_and_stopping_leaves_no_thread_and_no_socket():
    before = {*threading.enumerate()}  # of which some of other tests may be about to end
    sandbox = Sandbox(users=1)
    with pytest.raises(RuntimeError, match="not started"):
        _ = sandbox.url
    with sandbox:
        url = sandbox.url
        httpx.get(url)
        sandbox.stop()
        sandbox.stop()
    gc.collect()
    assert {*threading.enumerate()} <= before
    assert not sandbox.is_running
    with pytest.raises(httpx.ConnectError):
        httpx.get(url)
    with pytest.raises(RuntimeError, match="only once"):
        sandbox.start()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("latency", float("nan")), ("api_key", " "), ("port", 70000), ("root_path", "support/"),
        ("next_page", "0"),
    ],
)  # fmt: skip
def test_invalid_options_are_rejected(name, value):
    with pytest.raises(ValueError, match=name.replace("api_", "").replace("_", " ")):
        Options(**{name: value})


def test_time_cannot_be_moved_back(sandbox):
    with pytest.raises(ValueError, match="forwards"):
        sandbox.advance(-1)


# Faults


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
