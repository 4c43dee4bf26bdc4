# ruff: noqa: INP001, T201 - a script, in no package
"""How many deliberate mistakes in the core do the tests notice? mutmut makes the mistakes.

    python .ci/mutants.py --sample 200 --seed 1

Each mutant meets the tests of its own module first and, if it survives those, the tests of the
whole core. A mutant that runs into a time limit is noticed. The results are kept in
`mutants/results.txt`, so that a run that was interrupted goes on where it was.
"""

import argparse
import math
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import mutmut.__main__ as mutmut

OWN_TESTS = {
    "_drift": ["test_drift", "test_pagination"],
    "_pagination": ["test_pagination", "test_drift"],
    "_retry": ["test_retry", "test_session"],
    "_session": ["test_session", "test_client", "test_retry", "test_response"],
    "_transport": ["test_transport", "test_session", "test_client", "test_secret"],
}
CORE_TESTS = [
    *(f"tests/test_{name}.py" for name in (
        "response", "concurrency", "files", "hooks", "session", "client", "pacing", "transport",
        "pagination", "retry", "secret", "config", "drift",
    )),
    "tests/scenarios/test_schedules.py",
    "tests/scenarios/test_cancellation.py",
    "tests/evil",
]  # fmt: skip
PYTEST = [sys.executable, "-m", "pytest", "-x", "-q", "--hypothesis-profile=unshrunk"]
PYTEST += ["--tb=no", "-p", "no:cacheprovider", "-p", "no:xdist", "-p", "no:random-order"]


def make_mutants() -> list[str]:
    """Write the mutated package into `mutants/`; return the names of the mutants."""
    Path("mutants").mkdir(exist_ok=True)
    mutmut.copy_src_dir()
    mutmut.copy_also_copy_files()
    mutmut.setup_source_paths()
    mutmut.create_mutants(os.cpu_count() or 2)
    names: list[str] = []
    for path in mutmut.walk_mutatable_files():
        data = mutmut.SourceFileMutationData(path=path)
        data.load()
        names += data.exit_code_by_key
    return names


def passes(name: str, *options: str, seconds: float) -> bool:
    """Return whether the tests pass, within a time, with that mutant."""
    tests = subprocess.Popen(  # noqa: S603 - our own words
        [*PYTEST, *options],
        cwd="mutants",
        env=os.environ | {"MUTANT_UNDER_TEST": name},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        return tests.wait(seconds) == 0
    except subprocess.TimeoutExpired:
        os.killpg(tests.pid, signal.SIGKILL)
        tests.wait()
        return False


def survives(name: str) -> bool:
    """Return whether a mutant passes the tests of its module and those of the core."""
    own = [f"tests/{test}.py" for test in OWN_TESTS[name.split(".")[1]]]
    return passes(
        name, *own, "-k", "not uvloop and not trio", "-o", "timeout=30", seconds=400
    ) and passes(name, *CORE_TESTS, "-k", "not uvloop", "-o", "timeout=60", seconds=1500)


def main() -> None:
    """Test a sample of the mutants and print the share that was noticed."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--sample", type=int, default=0, help="number of mutants; default: all")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    names = make_mutants()
    sample = random.Random(options.seed).sample(names, options.sample or len(names))  # noqa: S311
    if not passes("none", *CORE_TESTS, "-k", "not uvloop", seconds=3000):
        sys.exit("the tests fail without any mutant")
    kept = Path("mutants/results.txt")
    results = dict(line.split() for line in kept.read_text().splitlines()) if kept.exists() else {}
    for name in sample:
        if name not in results:
            began = time.monotonic()
            results[name] = "survived" if survives(name) else "noticed"
            with kept.open("a") as file:
                file.write(f"{name} {results[name]}\n")
            took = time.monotonic() - began
            print(f"{results[name]:9}{took:5.0f} s  {name}", flush=True)
    share = sum(results[name] == "noticed" for name in sample) / len(sample)
    error = 1.96 * math.sqrt(share * (1 - share) / len(sample))
    told = f"{share:.1%} ± {error:.1%} of {len(sample)} mutants, out of {len(names)}, are noticed"
    print(told)


if __name__ == "__main__":
    main()
