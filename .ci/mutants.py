# ruff: noqa: INP001, T201 - a script, in no package
"""The share of deliberate mistakes in the core that the tests notice. mutmut makes the mistakes.

    python .ci/mutants.py --sample 150 --seed 1

Each mutant meets the tests of its own module first and, if it survives those, the tests of its
neighbours. A mutant that runs into a time limit is noticed. The results are kept in
`mutants/results.txt`, so that an interrupted run can be resumed.
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


def files(names: str) -> list[str]:
    """Return the files of tests of these subjects."""
    return [f"tests/test_{name}.py" for name in names.split()]


SCHEDULES = "tests/scenarios/test_schedules.py"
OWN_TESTS = {
    "_drift": files("drift pagination"),
    "_pagination": files("pagination drift"),
    "_retry": files("retry session"),
    "_session": files("session client retry response files hooks"),
    "_transport": files("transport session client secret"),
}
OTHER_TESTS = {
    "_drift": [*files("concurrency session"), SCHEDULES],
    "_pagination": [*files("concurrency session client hooks"), "tests/resources", SCHEDULES],
    "_retry": [*files("response hooks pacing client"), "tests/evil", SCHEDULES],
    "_session": [*files("pacing transport secret config"), "tests/resources", "tests/evil"],
    "_transport": [*files("files hooks response retry"), "tests/resources", "tests/evil"],
}
PYTEST = [
    sys.executable, "-m", "pytest", "-x", "-q", "--tb=no", "--hypothesis-profile=unshrunk",
    "-k", "not uvloop and not trio", "-o", "timeout=60",
    "-p", "no:cacheprovider", "-p", "no:xdist", "-p", "no:random-order",
]  # fmt: skip


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


def passes(name: str, tests: list[str], *, seconds: float) -> bool:
    """Return whether the tests pass, within a time, with that mutant."""
    run = subprocess.Popen(  # noqa: S603 - our own words
        [*PYTEST, *tests],
        cwd="mutants",
        env=os.environ | {"MUTANT_UNDER_TEST": name},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        return run.wait(seconds) == 0
    except subprocess.TimeoutExpired:
        os.killpg(run.pid, signal.SIGKILL)
        run.wait()
        return False


def main() -> None:
    """Test a sample of the mutants and print the share that was noticed."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--sample", type=int, default=0, help="number of mutants; default: all")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    names = make_mutants()
    sample = random.Random(options.seed).sample(names, options.sample or len(names))  # noqa: S311
    for tests in (*OWN_TESTS.values(), *OTHER_TESTS.values()):
        if not passes("none", tests, seconds=3000):
            sys.exit(f"without any mutant, some test fails in {tests}")
    kept = Path("mutants/results.txt")
    results = dict(line.split() for line in kept.read_text().splitlines()) if kept.exists() else {}
    for name in sample:
        if name not in results:
            began = time.monotonic()
            module = name.split(".")[1]
            survived = passes(name, OWN_TESTS[module], seconds=400) and passes(
                name, OTHER_TESTS[module], seconds=1200
            )
            results[name] = "survived" if survived else "noticed"
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
