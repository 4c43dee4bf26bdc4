"""Controls and counters of a running sandbox."""

import gc
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
from processes import wait_until

from useresponse_async.sandbox import Options, Sandbox


def ids(api, page):
    data = api.get("/users/search.json", params={"page": page, "count": 10}).json()["data"]
    return [user["id"] for user in data]


def test_inserted_users_shift_every_page(sandbox, api):
    assert ids(api, 1) == list(range(1, 11))
    assert sandbox.insert_users(3) == [121, 122, 123]
    assert ids(api, 2) == list(range(8, 18))
    assert ids(api, 1)[:4] == [121, 122, 123, 1]
    assert api.get("/users/123.json").json()["id"] == 123
    assert api.get("/users/search.json").json()["totalObjects"] == 123


def test_a_removed_user_shifts_every_page(sandbox, api):
    sandbox.remove_user(5)
    assert ids(api, 1) == [1, 2, 3, 4, 6, 7, 8, 9, 10, 11]
    with pytest.raises(LookupError):
        sandbox.remove_user(5)


def test_rows_can_move_while_requests_are_served(sandbox, api):
    with ThreadPoolExecutor(1) as pool:
        walk = pool.submit(lambda: [len(ids(api, 1)) for _ in range(50)])
        for _ in range(50):
            sandbox.remove_user(sandbox.insert_users(1)[0])
        assert walk.result() == [10] * 50


def test_requests_are_recorded(sandbox, api):
    sandbox.forget_requests()
    body = {"email": "a@b.example"}
    api.post("/users.json", params={"tag": ["a", "b"]}, json=body, headers={"X-Odd": "1"})
    (received,) = sandbox.requests
    assert (received.method, received.path) == ("POST", "/api/3.0/users.json")
    assert [pair for pair in received.query if pair[0] == "tag"] == [("tag", "a"), ("tag", "b")]
    assert received.headers["x-odd"] == "1"
    assert received.json() == body


def test_arrivals_are_counted_without_a_record(start, connect):
    sandbox = start(users=5, record=False)
    connect(sandbox).get("/me.json")
    assert sandbox.arrivals == 1
    assert sandbox.requests == []


def test_requests_in_flight_are_counted(start, connect):
    sandbox = start(users=5, latency=0.3)
    api = connect(sandbox)
    with ThreadPoolExecutor(4) as pool:
        responses = [pool.submit(api.get, "/me.json") for _ in range(4)]
        wait_until(lambda: sandbox.in_flight == 4)
        assert {response.result().status_code for response in responses} == {200}
    wait_until(lambda: sandbox.in_flight == 0)
    assert sandbox.peak_in_flight == 4


def test_connections_are_counted(sandbox):
    with httpx.Client() as client:
        for _ in range(3):
            client.get(sandbox.url + "/api/3.0/users/1.json")
        assert sandbox.connections == 1
    wait_until(lambda: sandbox.connections == 0)
    assert sandbox.connections_opened == 1


def test_a_sandbox_stops_immediately_during_a_response(start, connect):
    sandbox = start(users=5, latency=30)
    api = connect(sandbox)
    with ThreadPoolExecutor(1) as pool:
        response = pool.submit(api.get, "/me.json")
        wait_until(lambda: sandbox.in_flight == 1)
        began = time.monotonic()
        sandbox.stop()
        assert time.monotonic() - began < 2
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


def test_a_sandbox_stops_repeatedly_and_starts_only_once(start):
    sandbox = start(users=1)
    sandbox.stop()
    sandbox.stop()
    with pytest.raises(RuntimeError, match="only once"):
        sandbox.start()


def test_the_url_is_unknown_before_the_start():
    with pytest.raises(RuntimeError, match="not started"):
        _ = Sandbox(users=1).url


def test_two_sandboxes_share_nothing(start, connect):
    one, two = start(users=5), start(users=5)
    connect(one).delete("/users/4.json")
    assert connect(two).get("/users/4.json").status_code == 200


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ({"users": -1}, "users"),
        ({"latency": -0.1}, "latency"),
        ({"latency": float("nan")}, "latency"),
        ({"faults": 1.1}, "faults"),
        ({"api_key": " "}, "key"),
        ({"port": 70000}, "port"),
        ({"root_path": "support/"}, "root path"),
        ({"empty": "404"}, "empty"),
        ({"next_page": "0"}, "next page"),
    ],
)
def test_invalid_options_are_rejected(option, message):
    with pytest.raises(ValueError, match=message):
        Options(**option)
