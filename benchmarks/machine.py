"""Description of the machine."""

import datetime as dt
import os
import platform
from importlib import metadata
from pathlib import Path
from typing import Any, Final

__all__ = ["describe"]

_LIBRARIES: Final = (
    "useresponse-async",
    "httpx",
    "httpcore",
    "anyio",
    "attrs",
    "cattrs",
    "tenacity",
    "aiohttp",
    "httpx-aiohttp",
    "msgspec",
    "openai",
    "orjson",
    "pydantic",
    "useresponse",
    "uvloop",
)


def describe() -> dict[str, Any]:
    """Describe processor, system, Python, libraries and load."""
    has_affinity = hasattr(os, "sched_getaffinity")
    return {
        "processor": _processor(),
        "cores": len(os.sched_getaffinity(0)) if has_affinity else os.cpu_count(),
        "pinned_apart": has_affinity and len(os.sched_getaffinity(0)) > 1,
        "load_average": os.getloadavg()[0] if hasattr(os, "getloadavg") else None,
        "system": platform.platform(),
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "libraries": {name: _version(name) for name in _LIBRARIES},
        "date": dt.datetime.now(dt.timezone.utc).isoformat(timespec="seconds"),
    }


def _processor() -> str:
    information = Path("/proc/cpuinfo")
    if information.exists():
        for line in information.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None
