"""Controls and counters of a running sandbox."""

import gc
import threading
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
from processes import wait_until

from useresponse_async.sandbox import Options, Sandbox


def ids(calls, page=1):
    return calls.ids(f"admin GET /users/search.json?page={page}&count=10")


def test_inserted_and_removed_users_shift_every_page(sandbox, calls):
    assert sandbox.insert_users(3) == [121, 122, 123]
    assert ids(calls)[:4] == [121, 122, 123, 1]
    assert ids(calls, 2) == list(range(8, 18))
    calls.play([("admin GET /users/search.json", {"totalObjects": 123})])
    sandbox.remove_user(5)
    assert ids(calls, 2) == list(range(9, 19))
    with pytest.raises(LookupError):
        sandbox.remove_user(5)


def test_arrivals_are_counted_without_a_record(start):
    calls = start(users=5, record=False)
    calls("admin GET /me.json")
    assert (calls.sandbox.arrivals, calls.sandbox.requests) == (1, [])


def test_a_sandbox_stops_during_a_response(start):
    calls = start(users=5, latency=3600)
    with ThreadPoolExecutor(1) as pool:
        response = pool.submit(calls, "admin GET /me.json", timeout=None)
        wait_until(lambda: calls.sandbox.in_flight == 1)
        calls.sandbox.stop()
        with pytest.raises(httpx.TransportError):
            response.result()


def test_stopping_leaves_no_thread_and_no_socket():
    before = {*threading.enumerate()}  # of which some of other tests may be about to end
    with Sandbox(users=1) as sandbox:
        url = sandbox.url
        httpx.get(url)
    gc.collect()
    assert {*threading.enumerate()} <= before
    assert not sandbox.is_running
    with pytest.raises(httpx.ConnectError):
        httpx.get(url)


def test_a_sandbox_starts_only_once():
    sandbox = Sandbox(users=1)
    with pytest.raises(RuntimeError, match="not started"):
        _ = sandbox.url
    with sandbox:
        sandbox.stop()
        sandbox.stop()
    with pytest.raises(RuntimeError, match="only once"):
        sandbox.start()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("latency", float("nan")),
        ("api_key", " "),
        ("port", 70000),
        ("root_path", "support/"),
        ("next_page", "0"),
    ],
)
def test_invalid_options_are_rejected(name, value):
    with pytest.raises(ValueError, match=name.replace("api_", "").replace("_", " ")):
        Options(**{name: value})


def test_time_cannot_be_moved_back(sandbox):
    with pytest.raises(ValueError, match="forwards"):
        sandbox.advance(-1)
