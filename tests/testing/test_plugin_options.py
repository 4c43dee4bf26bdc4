"""Options of the pytest fixtures, for one test and for many."""

import subprocess
import sys

import pytest
from test_plugin_runners import run

pytest_plugins = ("pytester",)

MARKERS = """
import pytest

pytestmark = [pytest.mark.anyio, pytest.mark.useresponse(users=7, tickets=3)]

async def test_the_modules(useresponse_client):
    assert await useresponse_client.users.search().count() == 7
    assert await useresponse_client.tickets.search().count() == 3

@pytest.mark.useresponse(users=1)
async def test_the_nearest_wins(useresponse_client):
    assert await useresponse_client.users.search().count() == 1
    assert await useresponse_client.tickets.search().count() == 3
"""

CHOICES = """
import pytest

@pytest.fixture
def useresponse_sandbox_options(useresponse_sandbox_options):
    return {"users": 5, "api_key": "k", **useresponse_sandbox_options}

@pytest.fixture
def useresponse_client_options(useresponse_sandbox):
    return {"api_key": useresponse_sandbox.keys["agent"], "api_version": "4.0"}
"""

CHOSEN = """
import pytest

pytestmark = pytest.mark.anyio

async def test_the_projects(useresponse_client, useresponse_sandbox):
    assert (await useresponse_client.users.me()).role.alias == "agent"
    (received,) = useresponse_sandbox.requests
    assert received.path == "/api/4.0/me.json"
    assert useresponse_sandbox.user_count == 5

@pytest.mark.useresponse(users=1)
async def test_a_marker_still_counts(useresponse_sandbox):
    assert useresponse_sandbox.user_count == 1
    assert useresponse_sandbox.api_key == "k"
"""

OVERRIDDEN = """
import pytest

@pytest.fixture
def useresponse_sandbox_options():
    return {"users": 5}

@pytest.mark.useresponse(users=3)
def test_of_three(useresponse_sandbox):
    assert useresponse_sandbox.user_count == 3
"""


INVALID = {
    "1000": "*takes named options only, such as users=1000*",
    "user=1000": "*unexpected keyword argument 'user'*",
    "users=-1": "*users must not be negative, got -1*",
}


def test_options_are_checked_and_those_of_markers_override_those_of_fixtures(pytester):
    invalid = "".join(
        f"@pytest.mark.useresponse({arguments})\ndef test_{number}(useresponse_sandbox): ...\n"
        for number, arguments in enumerate(INVALID)
    )
    pytester.makepyfile(
        test_markers=MARKERS,
        test_overridden=OVERRIDDEN,
        test_invalid=f"import pytest\n{invalid}",
    )
    project = pytester.mkdir("project")
    (project / "conftest.py").write_text(CHOICES)
    (project / "test_chosen.py").write_text(CHOSEN)
    result = run(pytester)
    result.assert_outcomes(passed=4 + 1 + 4, errors=3)
    result.stdout.fnmatch_lines([*INVALID.values()])


@pytest.mark.long
def test_a_missing_extra_is_named_and_the_fixtures_and_the_marker_are_described(pytester):
    pytester.makeconftest("import sys; sys.modules['uvicorn'] = None")
    pytester.makepyfile(
        """
        def test_something_else(): ...
        def test_with_the_sandbox(useresponse_sandbox): ...
        def test_with_the_client(useresponse_client): ...
        """
    )
    result = run(pytester)
    result.assert_outcomes(passed=1, errors=2)
    result.stdout.fnmatch_lines(
        ["*the pytest plugin needs: pip install 'useresponse-async[[]testing[]]'*"]
    )
    names = ("sandbox", "client", "sandbox_options", "client_options")
    run(pytester, "--fixtures").stdout.fnmatch_lines_random(
        [f"useresponse_{name} --*" for name in names]
    )
    run(pytester, "--markers").stdout.fnmatch_lines(["@pytest.mark.useresponse(?*options): *"])


def test_loading_the_plugin_loads_no_server():
    script = (
        "import sys, useresponse_async.testing._plugin\n"
        "print(*sorted({'starlette', 'uvicorn', 'useresponse_async.sandbox'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True)  # noqa: S603
    assert done.stdout.split() == []
