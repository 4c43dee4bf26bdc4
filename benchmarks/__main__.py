"""``python -m benchmarks order|memory|latency``: prints one table of figures each."""

import argparse
import multiprocessing
import statistics
import time

from benchmarks.server import pinned_sandbox
from benchmarks.walks import PAGE_SIZE, peak_memory, run

BACKENDS = ("asyncio", "uvloop", "trio")


def order(users: int) -> None:
    """Every user once and in order, at 5 % faults and 5 ms latency, on every backend."""
    for backend in BACKENDS:
        with pinned_sandbox(users=users, latency=0.005, faults=0.05) as url:
            seconds, ids = run(backend, url, max_in_flight=10)
        exact = ids == list(range(1, users + 1))
        print(
            f"{backend:8} {len(ids):>7,} users in {seconds:5.1f} s, "
            f"each once and in order: {'yes' if exact else 'NO'}"
        )


def memory(users: int) -> None:
    """Peak memory of a streamed walk, each in a fresh process."""
    figures: list[float] = []
    spawn = multiprocessing.get_context("spawn")
    for size in (users // 10, users):
        with pinned_sandbox(users=size, latency=0.0) as url, spawn.Pool(1) as pool:
            figures.append(pool.apply(peak_memory, (url,)))
        print(f"{size:>7,} users: peak {figures[-1]:6.1f} MB")
    print(f"growth: {figures[1] - figures[0]:+.1f} MB")


def latency(users: int) -> None:
    """Share of what 50 ms of latency allow, and what sharding brings, interleaved."""
    contenders = {
        "10 in flight": (10, True),
        "50 in flight": (50, True),
        "50 in flight, one pool": (50, False),
    }
    rates: dict[str, list[float]] = {name: [] for name in contenders}
    with pinned_sandbox(users=users, latency=0.05) as url:
        for _ in range(3):
            for name, (max_in_flight, sharded) in contenders.items():
                seconds, ids = run("asyncio", url, max_in_flight=max_in_flight, sharded=sharded)
                rates[name].append(len(ids) / seconds)
                time.sleep(0.2)
    medians = {name: statistics.median(found) for name, found in rates.items()}
    for name, (max_in_flight, _) in contenders.items():
        allowed = max_in_flight * PAGE_SIZE / 0.05
        share = medians[name] / allowed
        print(f"{name:24} {medians[name]:>8,.0f} users/s, {share:.2f} of the latency limit")
    ratio = medians["50 in flight"] / medians["50 in flight, one pool"]
    print(f"sharded over one pool: {ratio:.1f}")


def main() -> None:
    """Run the named benchmark."""
    benchmarks = {function.__name__: function for function in (order, memory, latency)}
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("name", choices=benchmarks)
    parser.add_argument("--users", type=int, default=100_000)
    arguments = parser.parse_args()
    benchmarks[arguments.name](arguments.users)


if __name__ == "__main__":
    main()
