# ruff: noqa: INP001 - a script, in no package
"""A check of the dependencies for known vulnerabilities.

Where pip-audit reaches no advisories it passes everything that it could not look up; this says
that nothing was checked instead.
"""

import json
import subprocess
import sys
from typing import Any


def main() -> int:
    """Return 1 if there is a known vulnerability, 0 if there is none or none can be looked up."""
    done = subprocess.run(
        [sys.executable, "-m", "pip_audit", "--skip-editable", "--format=json", "--timeout=15"],
        capture_output=True,
        text=True,
        check=False,
    )
    if not done.stdout.strip():
        last = done.stderr.strip().splitlines()[-1:] or ["no output"]
        return skipped(last[0])
    report: list[dict[str, Any]] = json.loads(done.stdout)["dependencies"]
    looked_up = [dependency for dependency in report if "skip_reason" not in dependency]
    found = [dependency for dependency in looked_up if dependency["vulns"]]
    for dependency in found:
        ids = ", ".join(vulnerability["id"] for vulnerability in dependency["vulns"])
        sys.stdout.write(f"{dependency['name']} {dependency['version']}: {ids}\n")
    if not looked_up:
        return skipped("the index of this machine has no advisories")
    sys.stdout.write(f"{len(looked_up)} of {len(report)} dependencies looked up\n")
    return 1 if found else 0


def skipped(reason: str) -> int:
    """Say that nothing was checked."""
    sys.stdout.write(f"SKIPPED: pip-audit cannot run here: {reason}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
