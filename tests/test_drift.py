"""Walks over rows that move, for any order of the responses."""

import itertools
import math
from collections import defaultdict
from contextlib import aclosing, suppress
from types import SimpleNamespace
from typing import Any, TypeAlias

import anyio
import anyio.lowlevel
import attrs
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from useresponse_async import UseResponseError, WalkReport
from useresponse_async._decode import StructureError
from useresponse_async._session import Request
from useresponse_async.resources._users import Users

ROUNDS_UNTIL_QUIET = 12  # of the event loop, after which every task waits for a response
RESTLESS_ANSWERS = 400  # the number of responses during which a restless list moves

Move: TypeAlias = tuple[int, float]
"""How many rows come (above 0) or go (below 0), and at which place in the list, from 0 to 1."""


@attrs.frozen
class Step:
    """How the list moves, and which of the waiting requests is responded to then."""

    moves: tuple[Move, ...] = ()
    answered: int = 0
    fails: bool = False
    late: bool = False
    """Whether the response shows the list as it is now, but arrives when it is next chosen."""


@attrs.frozen(kw_only=True)
class Plan:
    """A list, a server, a walk, and what happens meanwhile."""

    rows: int
    size: int
    steps: tuple[Step, ...] = ()
    concurrency: int | None = None
    in_flight: int = 4
    ordered: bool = True
    counts: str = "all"
    past_the_end: str = "204"
    cap: int = 50
    lies: tuple[int, ...] = (0,)
    churn: Move | None = None
    calm_rereads: bool = False
    backend: str = "asyncio"


class Simulation:
    """An API with pages behind the Sender protocol, which responds in the order of a plan."""

    secrets = ()
    report: WalkReport
    error: UseResponseError | None = None

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.walk_concurrency = plan.in_flight
        self.rows = list(range(1, plan.rows + 1))
        self.stayed = set(self.rows)
        self.seen: list[int] = []
        self.pages = 0
        self.asked: list[int] = []
        self.running: list[SimpleNamespace] = []
        self.peak = 0
        self.snapshots: list[list[int]] = []
        self.failures = 0
        self.repeated = False
        self._versions: defaultdict[tuple[int, int], set[int]] = defaultdict(set)
        self._version = 0
        self._previous: list[int] = []
        self.steps = iter(plan.steps)
        self._lies = itertools.cycle(plan.lies)
        self._ids = itertools.count(plan.rows + 1)

    async def send(self, operation: Request[Any]) -> Any:
        query = dict(operation.query)
        waiting = SimpleNamespace(
            number=int(query["page"]), size=min(int(query["count"]), self.plan.cap),
            answered=anyio.Event(), fails=False, read=False, page=None,
        )  # fmt: skip
        self.asked.append(waiting.number)
        assert len(self.asked) < 2000, "the walk does not end"
        self.running.append(waiting)
        self.peak = max(self.peak, len(self.running))
        try:
            await waiting.answered.wait()
        finally:
            self.running.remove(waiting)
        with suppress(StructureError):
            if not waiting.fails:
                return operation.decode(waiting.page)
        self.failures += 1
        raise UseResponseError(f"page {waiting.number}")

    async def answer(self) -> None:
        """Respond to one request after the other, until cancelled."""
        while True:
            for _ in range(ROUNDS_UNTIL_QUIET):
                await anyio.lowlevel.checkpoint()
            # The event loop decides which of two tasks runs first; the plan must not depend on it.
            running = sorted(self.running, key=lambda waiting: waiting.number)
            if not running:
                continue
            step = next(self.steps, Step())
            self.move(*(() if self.plan.calm_rereads else step.moves))
            if self.plan.churn is not None and len(self.snapshots) < RESTLESS_ANSWERS:
                self.move(self.plan.churn)
            waiting = running[step.answered % len(running)]
            waiting.fails = step.fails
            if not (step.fails or waiting.read):
                waiting.page = self._page(waiting.number, waiting.size)
                waiting.read = True
            if step.fails or not step.late:
                waiting.answered.set()

    def move(self, *moves: Move) -> None:
        for count, at in moves:
            place = round(at * len(self.rows))
            gone = self.rows[place : place - min(0, count)]
            self.stayed.difference_update(gone)
            self.rows[place : place + len(gone)] = itertools.islice(self._ids, max(0, count))
            self._version += bool(gone) or count > 0

    def _page(self, number: int, size: int) -> Any:
        for boundary in (number - 1, number):
            self._versions[boundary, len(self.rows)].add(self._version)
        self.snapshots.append(list(self.rows))
        pages = math.ceil(len(self.rows) / size)
        if number > pages:
            if self.plan.past_the_end == "204":
                return None
            if self.plan.past_the_end == "last page" and pages:
                number = pages
        shown = self.rows[(number - 1) * size : number * size]
        self.repeated |= bool(shown) and shown == self._previous
        self._previous = shown
        answer: dict[str, Any] = {"currentPage": number, "objectsPerPage": size}
        counts = self.plan.counts
        if counts == "first":
            counts = "all" if len(self.snapshots) == 1 else "none"
        if counts in ("all", "pages"):
            answer["totalPages"] = max(0, pages + next(self._lies))
        if counts in ("all", "items"):
            answer["totalObjects"] = len(self.rows)
        return answer | {"data": [{"id": row} for row in shown]}

    @property
    def lost(self) -> set[int]:
        return self.stayed.difference(self.seen)

    @property
    def hid_a_move(self) -> bool:
        """Whether rows moved between two responses around a boundary with the same total."""
        return any(len(versions) > 1 for versions in self._versions.values())

    def check_consistent(self) -> None:
        """Check that the walk is reported as consistent if and only if no response shows a move."""
        report, first = self.report, self.snapshots[0]
        stood_still = all(rows == first for rows in self.snapshots)
        if stood_still:
            assert report.consistent
            assert self.seen == first or not self.plan.ordered
            assert sorted(self.seen) == sorted(first)
        if report.consistent:
            assert report.duplicates == report.pages_reread == report.boundaries_unsettled == 0
            totals = {len(rows) for rows in self.snapshots}
            assert len(totals) == 1 or report.pages < len(self.snapshots)


def walked(plan: Plan, *, leave_after: float = math.inf) -> Simulation:
    """Walk by the plan; check that nothing is yielded twice and nothing is left behind."""
    done = Simulation(plan)
    pages = Users(done).search(count=plan.size)

    async def walk() -> None:
        async with anyio.create_task_group() as group:
            group.start_soon(done.answer)
            try:
                walk = pages.by_page(concurrency=plan.concurrency, ordered=plan.ordered)
                async with aclosing(walk):
                    async for page in walk:
                        done.seen.extend(user.id for user in page.items)
                        done.pages += 1
                        if plan.calm_rereads:  # nothing is read again between two pages
                            done.move(*next(done.steps, Step()).moves)
                        if len(done.seen) >= leave_after:
                            break
                assert done.running == []
            except UseResponseError as error:
                done.error = error
            group.cancel_scope.cancel()

    anyio.run(walk, backend=plan.backend)
    done.report = pages.report
    assert len(done.seen) == len(set(done.seen)) == done.report.items
    assert done.pages == done.report.pages
    assert done.running == []
    assert done.peak <= (plan.concurrency or plan.in_flight)
    assert done.report.pages + done.report.pages_reread <= len(done.asked)
    return done


# Plans

places = st.sampled_from([0.0, 0.0, 0.2, 0.5, 0.8, 1.0, 1.0])
inserts = st.tuples(st.integers(1, 4) | st.integers(1, 25), places)
removals = st.tuples(st.integers(-4, -1) | st.integers(-25, -1), places)


def plans(
    moves: st.SearchStrategy[Move] | None = None, *, faults: bool = False, **options: Any
) -> st.SearchStrategy[Plan]:
    some = st.just(()) if moves is None else st.just(()) | st.lists(moves, max_size=2).map(tuple)
    rarely = st.sampled_from([False] * 9 + [True])
    fails = rarely if faults else st.sampled_from([False])
    step = st.builds(Step, some, st.integers(0, 5), fails, late=rarely)
    least = 0 if moves is None else 4  # a list that does not move is not what is looked for
    defaults = {
        "rows": st.integers(0, 60),
        "size": st.integers(1, 7),
        "steps": st.lists(step, min_size=least, max_size=40).map(tuple),
        "concurrency": st.none() | st.integers(1, 7),
        "in_flight": st.integers(1, 6),
        "ordered": st.booleans(),
        "counts": st.sampled_from(["all", "items"]),
        "past_the_end": st.sampled_from(["204", "empty list", "last page"]),
        "cap": st.sampled_from([50, 50, 3]),
        "backend": st.sampled_from(["asyncio", "trio"]),
    }
    return st.builds(Plan, **(defaults | options))


any_counts = st.sampled_from(["all", "items", "pages", "first", "none"])
LATE_PAGES_2_TO_4 = Plan(rows=12, size=1, steps=(Step(), *8 * [Step(answered=3)]), counts="first")


@given(
    plans(counts=any_counts) | plans(counts=any_counts, faults=True),
    st.just(math.inf) | st.integers(0, 70),
)
@example(LATE_PAGES_2_TO_4, math.inf)
@example(attrs.evolve(LATE_PAGES_2_TO_4, ordered=False), math.inf)
def test_constant_rows_are_yielded_once_and_in_order_until_the_walk_is_left_or_raises(plan, leave):
    done = walked(plan, leave_after=leave)
    assert done.seen == done.rows[: len(done.seen)] or not plan.ordered
    assert set(done.seen) <= set(done.rows)
    assert done.error is None or done.failures
    if done.error is not None or len(done.seen) >= leave:
        return
    assert sorted(done.seen) == done.rows
    assert done.report.consistent
    assert done.report.pages_reread == 0
    pages = math.ceil(plan.rows / min(plan.size, plan.cap))
    assert len(done.asked) <= max(1, pages) + (plan.counts in ("first", "none"))


lies = st.lists(st.integers(-3, 5), min_size=1, max_size=8).map(tuple)
boasts = st.lists(st.integers(0, 5), min_size=1, max_size=8).map(tuple)


@given(plans(counts=st.just("pages"), lies=lies | boasts))
def test_any_page_counts_end_the_walk_and_those_that_are_too_high_hide_no_item(plan):
    done = walked(plan)
    assert done.seen == done.rows[: len(done.seen)] or not plan.ordered
    if done.error is not None:
        # The last page again, for a page that is there by the server's own count.
        assert plan.past_the_end == "last page"
    elif min(plan.lies) >= 0:
        assert sorted(done.seen) == done.rows


@given(plans(inserts))
def test_rows_are_yielded_when_others_are_inserted(plan):
    done = walked(plan)
    assert done.error is None
    assert done.lost == set()
    done.check_consistent()


# A row is inserted at the start while pages are requested, and one at the end at each response:
# the boundary cannot be settled, and only a new response has the row that moved over it.
NEVER_AT_REST = Plan(
    rows=38, size=1, churn=(1, 1.0),
    steps=(Step(answered=3), Step(answered=5), Step(answered=5),
        Step(answered=3, moves=((3, 1.0), (1, 0.0))), Step(answered=3)),
)  # fmt: skip
restless = st.tuples(st.sampled_from([1, 1, 3]), st.sampled_from([0.0, 0.5, 1.0]))


@pytest.mark.timeout(600)  # seconds of work, minutes under coverage beside others
@given(plans(inserts, churn=restless, rows=st.integers(10, 40), size=st.integers(1, 3)))
@example(NEVER_AT_REST)
def test_rows_inserted_at_every_response_hide_no_item_and_the_walk_ends(plan):
    done = walked(plan)
    assert done.error is None
    assert done.lost == set()
    assert done.report.pages_reread <= done.report.pages + 102


@given(plans(inserts, concurrency=st.just(1), counts=any_counts))
def test_one_page_at_a_time_needs_no_totals_when_rows_are_inserted(plan):
    done = walked(plan)
    # Without totals, a page like the one before it is where servers end that repeat their last.
    assert done.lost == set() or (done.repeated and plan.counts in ("first", "none"))


ALL_ROWS_BEHIND_GO = (Step(), Step(moves=((-90, 0.1),)))


@given(plans(removals) | plans(inserts | removals))
@example(Plan(rows=100, size=10, steps=ALL_ROWS_BEHIND_GO, past_the_end="last page"))
def test_rows_are_yielded_if_totals_show_what_moved(plan):
    done = walked(plan)
    assert done.error is None
    if not (done.hid_a_move or done.report.boundaries_unsettled):
        assert done.lost == set()
    done.check_consistent()


@given(plans(inserts | removals, calm_rereads=st.sampled_from([True])))
def test_rows_that_rest_while_they_are_reread_settle_every_boundary(plan):
    assert walked(plan).report.boundaries_unsettled == 0


@given(plans(inserts | removals, counts=any_counts, faults=True))
def test_no_item_is_yielded_twice_and_the_walk_ends_for_every_move_and_failure(plan):
    done = walked(plan)
    assert done.error is None or done.failures


TWO_COME, TEN_COME = (2, 0.0), Step(moves=((10, 0.0),))
SETTLED = {
    # The page that the second reading of page 3 is compared with has nothing in common with what
    # came before: the walk must go on to the left of it, and did not.
    "a page with nothing known on it": (Plan(rows=9, size=2, in_flight=2, ordered=False, steps=(
        Step(), Step(answered=1), Step(moves=(TWO_COME,)), Step(moves=(TWO_COME, TWO_COME)))),
        [1, 2, 3, 4, 2, 5, 1, 3, 6, 7, 8]),
    "an old response from the last page": (Plan(rows=6, size=2, in_flight=2,
        steps=(Step(), Step(answered=1), TEN_COME)), [1, 2, 3, 1, 2, 3, 4, 5, 6, 7, 8]),
    # The first page, the second and third for their boundary, then each old answer's page.
    "pages received before many rows were inserted": (Plan(rows=40, size=2,
        steps=(Step(), *3 * [Step(answered=1)], TEN_COME)),
        [1, 2, 3, 4, 5, 6, 7, 8, 1, 9, 2, 3, 4, 10, 5, *range(11, 26)]),
    "fewer pages where the server counts nothing else": (Plan(rows=10, size=2, in_flight=1,
        counts="pages", steps=(Step(), Step(moves=((-2, 0.0),)))), [1, 2, 1, 3, 4]),
    # The response for page 2 counts three pages, and arrives after one that counts four.
    "an old count that arrives late": (Plan(rows=6, size=2, ordered=False,
        steps=(Step(), Step(late=True), Step(answered=1, moves=((1, 0.0),)))), [1, 2, 3, 4]),
}  # fmt: skip


@pytest.mark.parametrize("which", SETTLED)
def test_a_boundary_is_settled_by_few_rereads(which):
    plan, asked = SETTLED[which]
    done = walked(plan)
    assert done.lost == set()
    assert done.report.boundaries_unsettled == 0
    assert done.asked == asked
