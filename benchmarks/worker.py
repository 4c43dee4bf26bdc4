"""The measured process, which runs the tasks that it reads from standard input.

Each line in is a task with its options as JSON, each line out is what was found.
"""

import argparse
import asyncio
import json
import logging
import sys
from collections.abc import Callable, Coroutine
from importlib import import_module
from typing import Any, Final

__all__ = ["main"]

_TASKS: Final = {
    "walk": "benchmarks.tasks.walking:walk",
    "load": "benchmarks.tasks.load:load",
    "decode": "benchmarks.tasks.decoding:decode",
    "pace": "benchmarks.tasks.paced_walk:paced_walk",
    "calls": "benchmarks.tasks.calling:calls",
    "fairness": "benchmarks.tasks.fairness:calls_beside_walks",
    "order": "benchmarks.parts.order:walk_in_order",
}
"""Functions or coroutine functions, imported when their task is run."""


def _function(task: str) -> Callable[..., Any]:
    module, _, name = _TASKS[task].partition(":")
    function: Callable[..., Any] = getattr(import_module(module), name)
    return function


def _runner(*, speedups: bool) -> Callable[[Coroutine[Any, Any, Any]], Any]:
    if speedups:
        import uvloop  # noqa: PLC0415 - only if requested

        return uvloop.run
    # Imports of it fail from here on, as if it were not installed.
    sys.modules["orjson"] = None  # type: ignore[assignment]
    return asyncio.run


def main() -> None:
    """Run tasks until standard input ends."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.worker", description=__doc__)
    parser.add_argument("--speedups", action="store_true", help="use orjson and uvloop")
    run = _runner(speedups=parser.parse_args().speedups)
    logging.getLogger("useresponse_async").addHandler(logging.NullHandler())
    for line in sys.stdin:
        options: dict[str, Any] = json.loads(line)
        found = _function(options.pop("task"))(**options)
        if asyncio.iscoroutine(found):
            found = run(found)
        print(json.dumps(found), flush=True)


if __name__ == "__main__":
    main()
