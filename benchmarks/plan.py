"""Sizes and rounds of a run."""

import attrs

__all__ = ["Plan", "full", "quick"]


@attrs.frozen(kw_only=True)
class Plan:
    """The size of a run.

    Attributes:
        contenders: Who walks.
        rounds: How many times each figure with a goal is measured.
        picture_rounds: How many times what only the picture needs is measured.
        users: The most users in a walk.
        walk_users: Users in the walks that are compared, the same for everybody: by hand all of
            them are kept, which costs the more for each the more there are.
        seconds: How long other walks at latency are meant to take, in seconds: those of one page
            after another, which would take minutes, and for half as long those that only the
            picture needs.
        call_repeats: Calls in a batch of the small calls.
        call_rounds: How many turns each client has.
        short_users: Users in the short walk.
        short_rounds: How many times each contender takes it.
        fairness_calls: Calls beside walks in a round.
        fairness_rounds: How many such rounds there are.
        first_users: Users in the walks whose first user is waited for.
        first_rounds: How many such walks each contender makes.
        load_pages: Pages requested to measure the server.
        decode_batches: Turns of each decoder in a round.
        decode_repeats: Pages decoded in a batch.
        startups: Processes started for each import and each client.
        memory_users: Users in the small and in the large walk whose memory is measured.
        memory_rounds: Processes for each of them.
        pacing_fixed: Fixed numbers in flight to find the best of.
        pacing_pages: Pages in the walks that these are compared over.
        pacing_rounds: How many times they are compared.
        pacing_phases: Requests that the server serves at once in each phase of the walk that is
            watched over time.
        phase_seconds: How long each phase lasts, in seconds.
        order_users: Users in the walks whose order is looked at.
    """

    contenders: tuple[str, ...]
    rounds: int
    picture_rounds: int
    users: int
    walk_users: int
    seconds: float
    call_repeats: int
    call_rounds: int
    short_users: int
    short_rounds: int
    fairness_calls: int
    fairness_rounds: int
    first_users: int
    first_rounds: int
    load_pages: int
    decode_batches: int
    decode_repeats: int
    startups: int
    memory_users: tuple[int, int]
    memory_rounds: int
    pacing_fixed: tuple[int, ...]
    pacing_pages: int
    pacing_rounds: int
    pacing_phases: tuple[int, ...]
    phase_seconds: float
    order_users: int


def full(*, contenders: tuple[str, ...], rounds: int, users: int) -> Plan:
    """Return the plan of a complete run."""
    return Plan(
        contenders=contenders,
        rounds=rounds,
        picture_rounds=min(rounds, 2),
        users=users,
        walk_users=users,
        seconds=4.0,
        call_repeats=400,
        call_rounds=3 * rounds,
        short_users=min(users, 5000),
        short_rounds=2 * rounds,
        fairness_calls=20,
        fairness_rounds=min(rounds, 3),
        first_users=min(users, 10_000),
        first_rounds=min(rounds, 3),
        load_pages=4000,
        decode_batches=10,
        decode_repeats=40,
        startups=3 * rounds,
        memory_users=(users // 10, users),
        memory_rounds=min(rounds, 2),
        pacing_fixed=(6, 7, 8, 10),
        pacing_pages=min(users // 10, 1000),
        pacing_rounds=min(rounds, 2),
        pacing_phases=(8, 20, 4, 16),  # as usual, more capacity, trouble, recovery
        phase_seconds=5.0,
        order_users=users,
    )


def quick(*, contenders: tuple[str, ...], users: int) -> Plan:
    """Return a plan for a first look, in two or three minutes."""
    return Plan(
        contenders=contenders,
        rounds=1,
        picture_rounds=0,
        users=users,
        walk_users=min(users, 5000),
        seconds=0.3,
        call_repeats=200,
        call_rounds=1,
        short_users=min(users, 5000),
        short_rounds=1,
        fairness_calls=5,
        fairness_rounds=1,
        first_users=min(users, 2000),
        first_rounds=1,
        load_pages=1000,
        decode_batches=5,
        decode_repeats=10,
        startups=2,
        memory_users=(min(users, 2000), min(users, 20_000)),
        memory_rounds=1,
        pacing_fixed=(8,),
        pacing_pages=min(users // 10, 320),
        pacing_rounds=1,
        pacing_phases=(8, 20),
        phase_seconds=3.0,
        order_users=min(users, 5000),
    )
