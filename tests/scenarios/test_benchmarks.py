"""The benchmark suite: its arithmetic and its parts, not its timings."""

import asyncio
import json
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import product
from statistics import median
from xml.etree import ElementTree as ET

import attrs
import httpx
import pytest

from benchmarks import machine, picture, plan, report
from benchmarks.__main__ import main
from benchmarks.capacity import Capacity, Slots
from benchmarks.contenders import COLLECTED, CONTENDERS
from benchmarks.control import configure, tally
from benchmarks.figures import Figure, Goal, Section, Table, ratio, single, spread
from benchmarks.parts import pacing, walks
from benchmarks.parts.ceiling import headroom
from benchmarks.parts.pacing import Run, refused_share, seconds_to_follow
from benchmarks.parts.walks import Cell, Rates, goal_figures, users_for
from benchmarks.processes import benchmark_server, worker
from benchmarks.tasks.calling import calls as call_repeatedly
from benchmarks.tasks.decoding import DECODERS, TARGET
from benchmarks.tasks.walking import walk
from useresponse_async.sandbox import Sandbox

pytestmark = pytest.mark.long

SMALL = attrs.evolve(
    plan.quick(contenders=("ours", "ours-speedups", "httpx", "generated"), users=400),
    load_pages=100,
    decode_batches=1,
    decode_repeats=1,
    memory_users=(200, 400),
    pacing_pages=40,
    pacing_phases=(2, 8),
    phase_seconds=2.0,
    startups=1,
    call_repeats=50,
    short_users=150,
    fairness_calls=2,
)


@pytest.fixture(scope="module")
def url():
    with benchmark_server() as address:
        yield address


def get(url, target):
    # Certificates take long to load, and five threads at once would.
    response = httpx.get(f"{url}{target}", timeout=30, trust_env=False, verify=False)  # noqa: S501
    return response.status_code, response.content


@pytest.mark.parametrize("name", [*CONTENDERS, COLLECTED.name])
def test_every_contender_returns_every_user_once(url, name):
    configure(url, users=230, latency=0.0)
    found = asyncio.run(walk(contender=name, url=url, in_flight=4, users=230))
    assert found["seconds"] > 0


def test_as_many_calls_are_made_as_requested_and_a_wrong_result_raises(url, monkeypatch):
    configure(url, users=100, latency=0.0, slots=[Slots(0.0, 100)])
    assert asyncio.run(call_repeatedly(caller="httpx", url=url, in_flight=3, repeats=10)) > 0
    assert sum(tally(url)["served"]) == 3 * 3 + 9  # to warm up, and as many each as fit
    monkeypatch.setattr("benchmarks.tasks.calling.USER_ID", "7")
    options = {"url": url, "in_flight": 1}
    with pytest.raises(RuntimeError, match="httpx returned another user than 7"):
        asyncio.run(call_repeatedly(caller="httpx", repeats=1, **options))
    for keep_ids in (True, False):
        with pytest.raises(RuntimeError, match="something else than 101 users"):
            asyncio.run(walk(contender="httpx", users=101, keep_ids=keep_ids, **options))


def test_a_worker_that_fails_is_reported(url, capfd):
    with worker() as process, pytest.raises(RuntimeError, match="ended during 'walk'"):
        process.do("walk", contender="nobody", url=url, in_flight=1, users=1)
    assert "KeyError: 'nobody'" in capfd.readouterr().err


def test_the_decoders_agree(url):
    configure(url, users=50, latency=0.0)
    _, body = get(url, TARGET)
    found = {name: [_shown(user) for user in make()(body)] for name, make in DECODERS.items()}
    assert len(found["dict"]) == 50
    for name, users in found.items():
        assert users == found["dict"], name


def _shown(user):
    def of(thing, *names):
        get = thing.get if isinstance(thing, dict) else partial(getattr, thing)
        return next((value for name in names if (value := get(name, None)) is not None), None)

    texts = [of(field, "text_value", "textValue") for field in of(user, "custom_fields")]
    return of(user, "id"), of(user, "short_name", "shortName"), of(of(user, "role"), "alias"), texts


def test_the_servers_pages_are_those_of_the_sandbox(url):
    configure(url, users=120, latency=0.0)
    with Sandbox(users=120, seed=1, api_key="anything") as sandbox:
        for target in (
            *(f"users/search.json?page={page}&count=50&" for page in (1, 3, 4)),
            *("users/search.json?page=2&count=20&", "users/7.json?", "users/121.json?"),
            "nothing.json?",
        ):
            address = f"/api/3.0/{target}apiKey=anything"
            assert get(url, address) == get(sandbox.url, address)
        me = "/api/3.0/me.json?apiKey=anything"
        own, real = (json.loads(get(it, me)[1]) for it in (url, sandbox.url))
    assert {**own, "apiKey": "anything"} == real


def test_the_server_refuses_requests_beyond_its_slots(url):
    configure(url, users=50, latency=3.0, slots=[Slots(0.0, 2)])
    with ThreadPoolExecutor(5) as threads:
        responses = list(threads.map(lambda _: get(url, TARGET), range(5)))
    assert sorted(status for status, _ in responses) == [200] * 2 + [503] * 3
    refusal = next(body for status, body in responses if status == 503)
    assert json.loads(refusal)["error"]["code"] == 503
    seen = tally(url)
    assert (sum(seen["served"]), sum(seen["refused"])) == (2, 3)


def test_the_servers_capacity_follows_its_schedule():
    async def follow() -> None:
        capacity = Capacity([Slots(0.0, 1), Slots(0.05, 2)])
        assert [capacity.enter() for _ in range(2)] == [True, False]
        while not capacity.enter():
            await asyncio.sleep(0.01)
        assert not capacity.enter()
        capacity.leave()
        assert [capacity.enter() for _ in range(2)] == [True, False]
        assert sum(capacity.tally()["served"]) == 1

    asyncio.run(follow())


def test_a_figure_is_computed_from_rounds():
    goal = Goal("at most", 2.0)
    assert spread("x", [3.0, 1.0, 2.0], "s", goal=goal) == Figure("x", 2.0, "s", 1.0, 3.0, 3, goal)
    for of in (median, min):
        found = ratio("x", [10.0, 20.0, 60.0], [5.0, 20.0, 10.0], of=of)
        assert found == Figure("x", 2.0, "", 1.0, 6.0, 3)


def test_a_server_without_headroom_warns():
    title = headroom(6000, 1000).title
    assert title == "The server is 6.0 times as fast as the fastest contender."
    short = headroom(2000, 1000)
    assert short.title.startswith("WARNING: the server is only 2.0 times")
    assert short.figures[0].met is False


def test_walks_that_are_compared_are_over_as_many_users_and_others_fill_their_time():
    size = attrs.evolve(SMALL, walk_users=700, users=100_000, seconds=2.0)
    cells = [Cell(0.0, 20), Cell(0.05, 10), Cell(0.05, 50)]
    at_once = [contender for contender in CONTENDERS.values() if not contender.sequential]
    assert {users_for(c, cell, size) for c in at_once for cell in cells} == {700}
    assert {users_for(c, Cell(0.0, 1), size) for c in CONTENDERS.values()} == {700}
    assert users_for(CONTENDERS["ours"], Cell(0.05, 5), size) == 5_000
    assert users_for(CONTENDERS["ours"], Cell(0.05, 5), attrs.evolve(size, users=500)) == 500
    assert users_for(CONTENDERS["useresponse"], Cell(0.05, 1), size) == 800


def test_each_goal_about_walks_is_computed_from_its_cells():
    rates = Rates()
    by_contender = {
        "ours": 800, "ours-aiohttp": 900, "httpx": 400, "aiohttp": 1000, "generated": 500,
        "useresponse": 200,
    }  # fmt: skip
    for name, latency, in_flight in product(by_contender, (0.0, 0.05), walks.IN_FLIGHT):
        if in_flight == 1 or not CONTENDERS[name].sequential:
            rates.add(name, Cell(latency, in_flight), by_contender[name] * in_flight)
    assert [figure.value for figure in goal_figures(rates)] == pytest.approx(
        [2.0, 2.0, 0.9, 16.0, 80.0, 40.0, 200.0, 0.8, 0.8, 0.8, 0.9, 0.9, 0.9, 2.5, 2.5]
    )
    assert list(goal_figures(Rates())) == []


# 4 served in a span is what 2 slots of 50 ms can do.
STEADY = Run([Slots(0.0, 2)], 0.05, served=[4] * 20, refused=[8] * 10 + [1] * 10)


def test_refusals_count_only_after_the_first_second():
    shares = [refused_share(STEADY, after=after) for after in (1.0, 0.0, 60.0)]
    assert shares == pytest.approx([10 / 50, 90 / 170, 0.0])


@pytest.mark.parametrize(
    ("served", "seconds"),
    [
        pytest.param([4] * 10 + [8] * 10 + [2] * 10 + [8] * 10, [0.0, 0.0], id="at once"),
        # 7 is more than 0.8 of 8, so one span of 4 among five is made up for.
        pytest.param([4] * 13 + [7] * 7 + [2] * 14 + [8] * 6, [0.2, 0.3], id="later"),
        pytest.param([4] * 20 + [2] * 20, [1.0, 1.0], id="never"),
    ],
)
def test_a_walk_has_followed_from_the_first_half_second_near_capacity(served, seconds):
    schedule = [Slots(0.0, 2), Slots(1.0, 4), Slots(2.0, 1), Slots(3.0, 4)]
    run = Run(schedule, 0.05, served, [0] * len(served))
    assert seconds_to_follow(run) == pytest.approx(seconds)


def test_the_report_aligns_its_tables_and_counts_the_goals_that_are_met():
    table = Table(["", "users/s"], [["one", "1,000"], ["another", "5"]])
    assert report.table_text(table).split("\n")[2:] == ["one        1,000", "another        5"]
    figures = [
        single("fast", 1.5, "", goal=Goal("at least", 1.5)),
        single("slow", 1.49, "", goal=Goal("at least", 1.5)),
        single("small", 5.0, "MB", goal=Goal("at most", 5)),
        single("big", 12_345.6, "MB", goal=Goal("at most", 5)),
        single("plain", 0.1234, "s"),
    ]
    assert [(row[1], *row[-2:]) for row in report.goal_table(figures).rows] == [
        ("1.5", "at least 1.5", "yes"), ("1.49", "at least 1.5", "NO"),
        ("5 MB", "at most 5", "yes"), ("12,346 MB", "at most 5", "NO"), ("0.123 s", "", ""),
    ]  # fmt: skip
    section = Section(title="Part", figures=figures)
    *_, last = report.as_text([section], machine.describe(), seconds=12.3)
    assert last.startswith("2 of 4 goals met, in 12 s.\n")


@pytest.mark.timeout(900)  # most figures take a worker process, which is slow on a busy machine
def test_a_run_measures_all_parts_draws_them_and_keeps_the_results(tmp_path, monkeypatch, capfd):
    monkeypatch.setattr(plan, "quick", lambda **_: SMALL)
    main(["--quick", "--output", str(tmp_path / "results")])
    assert "goals met" in capfd.readouterr().out
    results = json.loads((tmp_path / "results" / "latest.json").read_text())
    assert len([figure for figure in results["figures"] if figure["goal"]]) == 29
    parts = results["parts"]
    faster = {(it["contender"], it["orjson"], it["event_loop"][:6]) for it in parts["walks"]}
    assert faster == {
        ("ours", False, "asynci"), ("ours-speedups", True, "uvloop"), ("httpx", False, "asynci"),
        ("generated", False, "asynci"),
    }  # fmt: skip
    assert least(parts["memory"]["peak_megabytes"], 4) > 10
    assert least(parts["startup"]["milliseconds"], 6) > 0
    callers = {"ours", "ours-aiohttp", "bare", "httpx", "aiohttp", "openai"}
    assert set(parts["calls"]["microseconds_per_call"]) == callers
    assert least(parts["short walk"]["seconds"], 4) >= 0.09  # two requests after one another
    assert least(parts["fairness"]["seconds"], 2) >= 0.09
    assert [walk["exact"] for walk in parts["order"].values()] == [True] * 3
    alone, beside = parts["fairness"]["users_per_second"].values()
    assert alone == [0.0] < beside
    paced = pacing.timeline_of(parts["pacing"])
    assert [slots.count for slots in paced.schedule] == [2, 8]
    assert sum(paced.served) > 0
    assert 0 < max(limit for _, limit in paced.limits) <= 50

    assert (tmp_path / "results" / "latest.svg").exists()
    assert (tmp_path / "results" / "pacing.svg").exists()
    walked = [{**parts["walks"][-1], "contender": name} for name in CONTENDERS]
    titles = {contender.title for contender in CONTENDERS.values()}
    for draw, data, texts in (
        (picture.draw_walks, parts["walks"] + walked, {*titles, "50 ms latency"}),
        (picture.draw_pacing, paced, {"capacity", "served per 100 ms", "refused per 100 ms"}),
    ):
        one, same = tmp_path / "one.svg", tmp_path / "same.svg"
        draw(one, data)
        draw(same, data)
        assert one.read_bytes() == same.read_bytes()
        root = ET.parse(one)  # noqa: S314 - it was drawn just now
        assert texts < {text.text for text in root.iter("{http://www.w3.org/2000/svg}text")}


def least(samples, count):
    assert len(samples) == count
    return min(min(found) for found in samples.values())


def test_a_partial_run_does_not_replace_the_results(tmp_path, monkeypatch, capfd):
    monkeypatch.setattr("benchmarks.__main__._RESULTS", tmp_path / "results")
    monkeypatch.setattr(plan, "full", lambda **_: SMALL)
    main(["--only", "decode"])
    assert "Decoding a page of 50 users" in capfd.readouterr().out
    assert not (tmp_path / "results").exists()


def test_an_unknown_part_or_contender_raises(capfd):
    with pytest.raises(SystemExit):
        main(["--only", "everything", "--contenders", "ours,nobody"])
    assert "unknown part or contender: everything, nobody" in capfd.readouterr().err
