"""The public names, signatures and promises of version 0.1.

``contract-0.1.json`` holds what ``public_names`` returned with 0.1.
"""

import enum
import importlib
import inspect
import json
import re
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parent.parent
CONTRACT = Path(__file__).with_name("contract-0.1.json")
MODULES = [
    "useresponse_async", "useresponse_async.models", "useresponse_async.resources",
    "useresponse_async.sso", "useresponse_async.sandbox", "useresponse_async.testing",
    "useresponse_async.integrations.fastapi", "useresponse_async.integrations.pydantic",
]  # fmt: skip


def signature_of(thing: Any) -> str | None:
    """Return what a caller may pass: ``*name`` is by name only, ``name=`` may be left out."""
    if isinstance(thing, enum.EnumMeta):
        return "value"  # inspect's answer depends on the version of Python
    if not callable(thing):
        return None
    try:
        parameters = inspect.signature(thing).parameters.values()
    except (TypeError, ValueError):
        return None
    stars = {inspect.Parameter.KEYWORD_ONLY: "*", inspect.Parameter.VAR_KEYWORD: "**"}
    return " ".join(
        f"{stars.get(it.kind, '')}{it.name}{'' if it.default is it.empty else '='}"
        for it in parameters
    )


def public_names() -> dict[str, str | None]:  # noqa: C901 - straight on
    """Return every public name with its signature, a client's resources included."""
    found: dict[str, str | None] = {}
    homes: dict[int, str] = {}
    for module in MODULES:
        try:
            loaded = importlib.import_module(module)
        except ImportError:
            continue
        for name in loaded.__all__:
            thing = getattr(loaded, name)
            found[f"{module}.{name}"] = signature_of(thing)
            if inspect.isclass(thing) and homes.setdefault(id(thing), module) == module:
                for member in dir(thing):
                    if not member.startswith("_") and not hasattr(BaseException, member):
                        found[f"{module}.{name}.{member}"] = signature_of(getattr(thing, member))
    client = importlib.import_module("useresponse_async").AsyncClient("https://help.example")
    resources = {name: getattr(client, name) for name in dir(client) if not name.startswith("_")}
    resources["users.notes"] = client.users.notes
    for name, resource in resources.items():
        if ".resources." in type(resource).__module__:
            for member in dir(resource):
                if not member.startswith("_"):
                    found[f"client.{name}.{member}"] = signature_of(getattr(resource, member))
    return found


CHANGES = {
    r"\.AsyncClient( http2)?$": "`http2=` and the extra `http2`: pass",
    r"\.(Category|Chat|Comment|Object|Report|User|UserNote)( id)?$": "`id: int`",
    r"\.User(\.| )registration_date$": "`User.registration_date_text`",
    r"\.User(\.| )last_visit_at$": "`last_visit_at_text`",
    r"\.Object(\.| )commented_at$": "`Object.commented_at_text`",
    r"\.Object(\.| )completed_on$": "`completed_on_text`",
    r"\.Comment(\.| )updated_at$": "`Comment.updated_at_text`",
    r"\.UserNote(\.| )updated_at$": "`UserNote.updated_at_text`",
    r"\.Pages (since|executor|session)$": "`Pages` is made by the methods that return it",
    r"integrations\.pydantic\.": "`useresponse_async.integrations.pydantic`: the models are",
    r"\.resources\.Namespace$": "`useresponse_async.resources.Namespace`",
}
"""What is no longer as in 0.1, by name (and parameter), and what CHANGELOG says of it."""

ROWS = (ROOT / "tests" / "contract-0.1-promises.md").read_text().splitlines()[6:]
CELLS = [[cell.strip() for cell in row.strip("|").split("|")] for row in ROWS]
PROMISES = {promise: cells for promise, *cells in CELLS}
TESTS = {
    name
    for file in (ROOT / "tests").rglob("test_*.py")
    for name in re.findall(r"^(?:async )?def (test_\w+)\(", file.read_text(), re.MULTILINE)
}


# The changelog since 0.1, on one line.
NEWS = " ".join((ROOT / "CHANGELOG.md").read_text().partition("## [0.1.0]")[0].split())


def parameters_of(signature: str | None) -> dict[str, str]:
    """Return how each parameter may be passed, by its name."""
    return {text.strip("*="): text for text in (signature or "").split()}


def test_what_is_removed_or_changed_is_in_the_changelog():
    now, contract = public_names(), json.loads(CONTRACT.read_text())
    assert len(contract) > 650
    # What is gone, or does not take what it took: names, and their parameters.
    found = [name for name in contract if name not in now]
    for name in contract.keys() & now:
        old, new = parameters_of(contract[name]), parameters_of(now[name])
        for it, how in old.items():
            # By position and by name is more than by name only, and optional more than not.
            if new.get(it) not in {how, f"{how}=", how.lstrip("*")}:
                found.append(f"{name} {it}")
        added = (text for it, text in new.items() if it not in old)
        found += [f"{name} {text}" for text in added if not text.endswith("=") and text[:2] != "**"]
    assert [name for name in found if not any(re.search(key, name) for key in CHANGES)] == []
    assert [key for key in CHANGES if not any(re.search(key, name) for name in found)] == []
    assert [phrase for phrase in CHANGES.values() if phrase not in NEWS] == []


@pytest.mark.parametrize(("now", "test", "told"), PROMISES.values(), ids=PROMISES)
def test_every_promise_has_its_test(now: str, test: str, told: str):
    assert test in TESTS
    assert now in ("kept", "changed", "removed")
    assert bool(told) is (now != "kept")
    assert told in NEWS
