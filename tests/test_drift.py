"""Walks over rows that move, for any order of the responses."""

import itertools
import math
from collections import defaultdict
from contextlib import aclosing
from typing import Any, Literal

import anyio
import anyio.lowlevel
import attrs
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from quick import client_of

from useresponse_async import UseResponseError, WalkReport
from useresponse_async._decode import StructureError
from useresponse_async._session import Request
from useresponse_async.resources._users import Users

pytestmark = pytest.mark.anyio

ROUNDS_UNTIL_QUIET = 12
"""Rounds of the event loop after which every task waits for a response."""

RESTLESS_ANSWERS = 400
"""The number of responses during which a restless list moves."""


@attrs.frozen
class Move:
    """Rows that come (``count`` above 0) or go (below 0) at a place in the list, from 0 to 1."""

    count: int
    place: float


@attrs.frozen
class Step:
    """How the list moves, and which of the waiting requests is responded to then."""

    moves: tuple[Move, ...] = ()
    answered: int = 0
    fails: bool = False


@attrs.frozen(kw_only=True)
class Plan:
    """A list, a server, a walk, and what happens meanwhile."""

    rows: int
    size: int
    steps: tuple[Step, ...] = ()
    concurrency: int | None = None
    in_flight: int = 4
    ordered: bool = True
    counts: Literal["all", "items", "pages", "first", "none"] = "all"
    past_the_end: Literal["204", "empty list", "last page"] = "204"
    cap: int = 50
    lies: tuple[int, ...] = (0,)
    churn: Move | None = None
    calm_rereads: bool = False
    backend: str = "asyncio"


class Server:
    """An API with pages behind the Sender protocol; it responds in the order of the plan."""

    secrets = ()

    def __init__(self, plan: Plan) -> None:
        self.walk_concurrency = plan.in_flight
        self.plan = plan
        self.rows = list(range(1, plan.rows + 1))
        self.stayed = set(self.rows)
        self.running = 0
        self.peak = 0
        self.asked: list[int] = []
        self.versions: defaultdict[tuple[int, int], set[int]] = defaultdict(set)
        self.snapshots: list[list[int]] = []
        self.failures = 0
        self.repeated = False
        self._previous: list[int] = []
        self._version = 0
        self._steps = iter(plan.steps)
        self._lies = itertools.cycle(plan.lies)
        self._ids = itertools.count(plan.rows + 1)
        self._waiting: list[tuple[int, int, anyio.Event, list[Any]]] = []

    async def send(self, operation: Request[Any]) -> Any:
        query = dict(operation.query)
        number, count = int(query["page"]), int(query["count"])
        self.asked.append(number)
        assert len(self.asked) < 2000, "the walk does not end"
        self.running += 1
        self.peak = max(self.peak, self.running)
        answered, answer = anyio.Event(), []
        waiting = (number, count, answered, answer)
        self._waiting.append(waiting)
        try:
            await answered.wait()
        finally:
            self.running -= 1
            if waiting in self._waiting:
                self._waiting.remove(waiting)
        if not answer:
            raise UseResponseError(f"page {number}")
        try:
            return operation.decode(answer[0])
        except StructureError as error:
            self.failures += 1
            raise UseResponseError(str(error)) from None

    async def answer(self) -> None:
        """Respond to one request after the other, until cancelled."""
        while True:
            for _ in range(ROUNDS_UNTIL_QUIET):
                await anyio.lowlevel.checkpoint()
            if not self._waiting:
                continue
            # The event loop decides which of two tasks runs first; the plan must not depend on it.
            self._waiting.sort(key=lambda waiting: waiting[0])
            step = next(self._steps, Step())
            if not self.plan.calm_rereads:
                self.move(step)
            if self.plan.churn is not None and len(self.snapshots) < RESTLESS_ANSWERS:
                self._move(self.plan.churn)
            number, count, answered, answer = self._waiting.pop(step.answered % len(self._waiting))
            if step.fails:
                self.failures += 1
            else:
                answer.append(self._page(number, min(count, self.plan.cap)))
            answered.set()

    def move(self, step: Step) -> None:
        for move in step.moves:
            self._move(move)

    def _move(self, move: Move) -> None:
        place = round(move.place * len(self.rows))
        if move.count > 0:
            self.rows[place:place] = itertools.islice(self._ids, move.count)
            self._version += 1
        elif gone := self.rows[place : place - move.count]:
            self.stayed.difference_update(gone)
            del self.rows[place : place - move.count]
            self._version += 1

    def _page(self, number: int, size: int) -> Any:
        for boundary in (number - 1, number):
            self.versions[boundary, len(self.rows)].add(self._version)
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
        data = [{"id": row} for row in shown]
        answer = {"currentPage": number, "objectsPerPage": size, "data": data}
        counts = self.plan.counts
        if counts == "first":
            counts = "all" if len(self.snapshots) == 1 else "none"
        if counts in ("all", "pages"):
            answer["totalPages"] = max(0, pages + next(self._lies))
        if counts in ("all", "items"):
            answer["totalObjects"] = len(self.rows)
        return answer

    @property
    def hid_a_move(self) -> bool:
        """Whether rows moved between two responses around a boundary with the same total."""
        return any(len(versions) > 1 for versions in self.versions.values())

    @property
    def stood_still(self) -> bool:
        """Whether all responses were of the same rows."""
        return all(rows == self.snapshots[0] for rows in self.snapshots)


@attrs.frozen
class Outcome:
    """The result of a walk."""

    seen: list[int]
    report: WalkReport
    server: Server
    error: UseResponseError | None

    @property
    def lost(self) -> set[int]:
        return self.server.stayed.difference(self.seen)


def walked(plan: Plan, *, leave_after: int | None = None) -> Outcome:
    """Walk by the plan; check that nothing is yielded twice and nothing is left behind."""
    server, seen = Server(plan), []
    pages = Users(server).search(count=plan.size)
    errors: list[UseResponseError] = []
    moves = iter(plan.steps)

    async def walk() -> None:
        async with anyio.create_task_group() as group:
            group.start_soon(server.answer)
            try:
                walk = pages.by_page(concurrency=plan.concurrency, ordered=plan.ordered)
                async with aclosing(walk):
                    async for page in walk:
                        seen.extend(user.id for user in page.items)
                        if plan.calm_rereads:  # nothing is read again between two pages
                            server.move(next(moves, Step()))
                        if leave_after is not None and len(seen) >= leave_after:
                            break
                assert server.running == 0
            except UseResponseError as error:
                errors.append(error)
            group.cancel_scope.cancel()

    anyio.run(walk, backend=plan.backend)
    assert len(seen) == len(set(seen))
    assert server.running == 0
    assert server.peak <= (plan.concurrency or plan.in_flight)
    assert pages.report.items == len(seen)
    assert pages.report.pages + pages.report.pages_reread <= len(server.asked)
    return Outcome(seen, pages.report, server, next(iter(errors), None))


# Plans

places = st.sampled_from([0.0, 0.0, 0.2, 0.5, 0.8, 1.0, 1.0])
inserts = st.builds(Move, st.integers(1, 4) | st.integers(1, 25), places)
removals = st.builds(Move, st.integers(-4, -1) | st.integers(-25, -1), places)


def steps(moves: st.SearchStrategy[Move] | None, *, faults: bool = False) -> Any:
    some = st.just(()) if moves is None else st.just(()) | st.lists(moves, max_size=2).map(tuple)
    fails = st.sampled_from([False] * 9 + [True] * faults)
    least = 0 if moves is None else 4  # a list that does not move is not what is looked for
    step = st.builds(Step, some, st.integers(0, 5), fails)
    return st.lists(step, min_size=least, max_size=40).map(tuple)


def plans(moves: st.SearchStrategy[Move] | None = None, **kwargs: Any) -> st.SearchStrategy[Plan]:
    faults = kwargs.pop("faults", False)
    options = {
        "rows": st.integers(0, 60),
        "size": st.integers(1, 7),
        "steps": steps(moves, faults=faults),
        "concurrency": st.none() | st.integers(1, 7),
        "in_flight": st.integers(1, 6),
        "ordered": st.booleans(),
        "counts": st.sampled_from(["all", "items"]),
        "past_the_end": st.sampled_from(["204", "empty list", "last page"]),
        "cap": st.sampled_from([50, 50, 3]),
        "backend": st.sampled_from(["asyncio", "trio"]),
    }
    return st.builds(Plan, **(options | kwargs))


any_counts = st.sampled_from(["all", "items", "pages", "first", "none"])
one_at_a_time = {"concurrency": st.just(1), "counts": any_counts}


def check_consistent(outcome: Outcome) -> None:
    """Check that a walk is reported as consistent if and only if no response had moved rows."""
    server, report = outcome.server, outcome.report
    answers_taken = report.pages + report.pages_reread
    if server.stood_still:
        assert report.consistent
    if report.consistent:
        assert report.duplicates == report.pages_reread == report.boundaries_unsettled == 0
        totals = {len(rows) for rows in server.snapshots}
        assert len(totals) == 1 or answers_taken < len(server.snapshots)
        if server.stood_still:
            assert outcome.seen == server.snapshots[0] or not server.plan.ordered
            assert sorted(outcome.seen) == sorted(server.snapshots[0])


# Rows that do not move


@given(plans(counts=any_counts))
def test_constant_rows_are_yielded_once_and_in_order(plan):
    outcome = walked(plan)
    assert outcome.error is None
    assert (outcome.seen if plan.ordered else sorted(outcome.seen)) == outcome.server.rows
    assert outcome.report.consistent
    assert outcome.report.pages_reread == 0
    pages = math.ceil(plan.rows / min(plan.size, plan.cap))
    assert len(outcome.server.asked) <= max(1, pages) + (plan.counts in ("first", "none"))


@given(plans(counts=any_counts, faults=True))
def test_constant_rows_are_yielded_once_and_in_order_or_the_walk_raises(plan):
    outcome = walked(plan)
    if outcome.error is None:
        assert sorted(outcome.seen) == outcome.server.rows
    else:
        assert outcome.server.failures
    if plan.ordered:
        assert outcome.seen == outcome.server.rows[: len(outcome.seen)]


@given(plans(counts=any_counts), st.integers(0, 70))
def test_a_walk_may_be_left_at_any_item(plan, leave_after):
    outcome = walked(plan, leave_after=leave_after)
    assert outcome.error is None
    assert set(outcome.seen) <= set(outcome.server.rows)


lies = st.lists(st.integers(-3, 5), min_size=1, max_size=8).map(tuple)
boasts = st.lists(st.integers(0, 5), min_size=1, max_size=8).map(tuple)


@given(plans(counts=st.just("pages"), lies=lies))
def test_any_sequence_of_page_counts_ends_the_walk(plan):
    outcome = walked(plan)
    if plan.ordered:
        assert outcome.seen == outcome.server.rows[: len(outcome.seen)]
    if len(outcome.seen) < plan.rows and outcome.error is None:
        assert min(plan.lies) < 0


@given(plans(counts=st.just("pages"), lies=boasts))
def test_page_counts_that_are_too_high_hide_no_item(plan):
    outcome = walked(plan)
    if outcome.error is None:
        assert (outcome.seen if plan.ordered else sorted(outcome.seen)) == outcome.server.rows
    else:  # the last page again, for a page that is there by the server's own count
        assert plan.past_the_end == "last page"


# Rows that move


@given(plans(inserts))
def test_rows_are_yielded_when_others_are_inserted(plan):
    outcome = walked(plan)
    assert outcome.error is None
    assert outcome.lost == set()
    check_consistent(outcome)


NEVER_AT_REST = Plan(
    # A row is inserted at the start while pages are requested, and one at the end at each response:
    # the boundary cannot be settled, and only a new response has the row that moved over it.
    rows=38,
    size=1,
    steps=(
        Step(answered=3),
        Step(answered=5),
        Step(answered=5),
        Step(answered=3, moves=(Move(3, 1.0), Move(1, 0.0))),
        Step(answered=3),
    ),
    churn=Move(1, 1.0),
)
restless = st.builds(Move, st.sampled_from([1, 1, 3]), st.sampled_from([0.0, 0.5, 1.0]))


@pytest.mark.timeout(600)  # seconds of work, minutes under coverage beside others
@given(plans(inserts, churn=restless, rows=st.integers(10, 40), size=st.integers(1, 3)))
@example(NEVER_AT_REST)
def test_rows_inserted_at_every_response_hide_no_item_and_the_walk_ends(plan):
    outcome = walked(plan)
    assert outcome.error is None
    assert outcome.lost == set()
    assert outcome.report.pages_reread <= outcome.report.pages + 102


@given(plans(inserts, **one_at_a_time))
def test_one_page_at_a_time_needs_no_totals_when_rows_are_inserted(plan):
    outcome = walked(plan)
    # Without totals, a page like the one before it is where servers end that repeat their last.
    assert outcome.lost == set() or (outcome.server.repeated and plan.counts in ("first", "none"))


@given(plans(removals))
def test_rows_are_yielded_when_others_are_removed(plan):
    outcome = walked(plan)
    assert outcome.error is None
    if not outcome.report.boundaries_unsettled:
        assert outcome.lost == set()
    check_consistent(outcome)


@given(plans(inserts | removals))
def test_rows_are_yielded_if_totals_show_what_moved(plan):
    outcome = walked(plan)
    assert outcome.error is None
    if not (outcome.server.hid_a_move or outcome.report.boundaries_unsettled):
        assert outcome.lost == set()
    check_consistent(outcome)


MOVED_WHILE_READ_AGAIN = Plan(
    # The page that the second reading of page 3 is compared with has nothing in common with what
    # came before: the walk must go on to the left of it, and did not.
    rows=9,
    size=2,
    steps=(
        Step(),
        Step(answered=1),
        Step(moves=(Move(2, 0.0),)),
        Step(moves=(Move(2, 0.0), Move(2, 0.0))),
    ),
    in_flight=2,
    ordered=False,
)


def test_a_page_with_nothing_known_on_it_is_compared_with_the_page_before_it():
    outcome = walked(MOVED_WHILE_READ_AGAIN)
    assert outcome.lost == set()
    assert outcome.report.boundaries_unsettled == 0


@given(plans(inserts | removals, calm_rereads=st.sampled_from([True])))
def test_rows_that_rest_while_they_are_reread_settle_every_boundary(plan):
    outcome = walked(plan)
    assert outcome.report.boundaries_unsettled == 0


@given(plans(inserts | removals, counts=any_counts, faults=True))
def test_no_item_is_yielded_twice_and_the_walk_ends_for_every_move_and_failure(plan):
    outcome = walked(plan)
    assert outcome.error is None or outcome.server.failures


def stale_pages(*answered: int, rows: int, in_flight: int) -> Outcome:
    """Walk pages of two rows; ten rows are inserted at the head after some responses."""
    ten_rows_come = Step(moves=(Move(10, 0.0),))
    steps = (Step(), *(Step(answered=which) for which in answered), ten_rows_come)
    return walked(Plan(rows=rows, size=2, steps=steps, in_flight=in_flight))


def test_an_old_response_from_the_last_page_does_not_end_a_longer_walk():
    outcome = stale_pages(1, rows=6, in_flight=2)
    assert outcome.server.asked[:3] == [1, 2, 3]
    assert outcome.lost == set()


def test_pages_received_before_many_rows_were_inserted_are_reread_once_each():
    outcome = stale_pages(1, 1, 1, rows=40, in_flight=4)
    assert outcome.lost == set()
    assert outcome.report.boundaries_unsettled == 0
    # The first page, the second and third for their boundary, then each old answer's page.
    assert outcome.report.pages_reread <= 7


# On a real socket


@pytest.mark.parametrize("ordered", [True, False])
async def test_users_who_register_during_a_walk_hide_no_others(start_sandbox, ordered):
    sandbox = start_sandbox(users=400, faults=0.05, seed=3, latency=0.002)
    seen: list[int] = []

    async def register() -> None:
        while True:
            await anyio.sleep(0.01)
            sandbox.insert_users(1)

    async with client_of(sandbox) as client, anyio.create_task_group() as group:
        group.start_soon(register)
        pages = client.users.search(count=5)
        async for page in pages.by_page(ordered=ordered):
            seen += [user.id for user in page.items]
        group.cancel_scope.cancel()
    assert sandbox.faults
    assert pages.report.pages_reread
    assert set(range(1, 401)) <= set(seen)
    assert len(seen) == len(set(seen))
    assert not pages.report.consistent


@pytest.mark.parametrize("ordered", [True, False])
async def test_users_who_are_deleted_during_a_walk_hide_no_others(start_sandbox, ordered):
    sandbox = start_sandbox(users=400, faults=0.05, seed=3, latency=0.002)
    seen: list[int] = []
    gone: set[int] = set()

    async with client_of(sandbox) as client:
        pages = client.users.search(count=5)
        async for page in pages.by_page(ordered=ordered):
            seen += [user.id for user in page.items]
            for user_id in seen[len(gone) * 2 : len(gone) * 2 + 1]:
                sandbox.remove_user(user_id)
                gone.add(user_id)
    assert sandbox.faults
    assert len(gone) > 40
    assert pages.report.boundaries_unsettled == 0
    assert set(range(1, 401)) - gone <= set(seen)
    assert len(seen) == len(set(seen))
