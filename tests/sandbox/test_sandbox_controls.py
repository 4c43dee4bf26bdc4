"""Controls and counters of a running sandbox."""

import gc
import threading
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
from processes import wait_until

from useresponse_async.sandbox import Options, Sandbox

ME, SEARCH = "admin GET /me.json", "admin GET /users/search.json"


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
