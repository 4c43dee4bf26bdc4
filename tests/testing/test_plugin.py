"""The fixtures with each asynchronous pytest plugin, their options and errors; mocks by respx."""

import re
from pathlib import Path

import httpx
import pytest
import respx

import useresponse_async.testing
from useresponse_async import AsyncClient
from useresponse_async.sandbox import Options, create_app
from useresponse_async.testing import QUICK_RETRY

pytest_plugins = ("pytester",)

TESTS = """
import pytest
import pytest_asyncio

pytestmark = [{marks}]

@{fixture}
async def user(useresponse_client):
    user = await useresponse_client.users.create("ada@example.com", full_name="Ada")
    yield user
    await useresponse_client.users.delete(user.id)

async def test_a_fixture_of_the_users(user, useresponse_client, useresponse_sandbox):
    useresponse_sandbox.fail_next(503, times=2)
    assert (await useresponse_client.users.get(user.id)).name == "Ada"

async def test_nothing_is_sent(useresponse_client): ...
"""
LOOPS = """
class Loop:
    @pytest.mark.parametrize("number", [1, 2])
    async def test_a_loop(self, useresponse_client, number):
        await useresponse_client.users.me()
class TestDefault(Loop): ...

@pytest.mark.asyncio(loop_scope="class")
class TestClass(Loop): ...

@pytest.mark.asyncio(loop_scope="session")
class TestSession(Loop): ...
"""
NOBODY = """
import anyio

def test_a_client_that_is_entered(useresponse_client, useresponse_sandbox):
    async def main():
        async with useresponse_client as client:
            return await client.users.me()

    assert anyio.run(main).id == 1
    assert useresponse_sandbox.arrivals == 1

def test_a_client_that_is_not_used(useresponse_client): ...
"""
FILES = {
    "anyio": TESTS.format(marks="pytest.mark.anyio", fixture="pytest.fixture"),
    "asyncio": TESTS.format(marks="pytest.mark.asyncio", fixture="pytest_asyncio.fixture") + LOOPS,
    "auto": TESTS.format(marks="", fixture="pytest.fixture") + LOOPS,
    "nobody": NOBODY,
}
RUNS = {
    "anyio asyncio nobody": ((), 4 + 8 + 2),
    "anyio nobody": (("-p", "no:asyncio"), 4 + 2),
    "asyncio nobody": (("-p", "no:anyio"), 8 + 2),
    "auto": (("--asyncio-mode=auto",), 8),
    "asyncio": (("-o", "asyncio_default_test_loop_scope=session", "-k", "loop"), 6),
    "nobody": (("-p", "no:asyncio", "-p", "no:anyio"), 2),
}


def run(pytester: pytest.Pytester, *arguments: str) -> pytest.RunResult:
    options = ["-W", "error", "--strict-markers", "-p", "no:cacheprovider"]
    if "no:asyncio" not in arguments:  # without the option it warns
        options += ["-o", "asyncio_default_fixture_loop_scope=function"]
    return pytester.runpytest_subprocess(*options, *arguments)


@pytest.mark.parametrize(
    "files", [next(iter(RUNS)), *(pytest.param(it, marks=pytest.mark.long) for it in [*RUNS][1:])]
)
def test_the_fixtures_work_with_each_async_plugin(pytester, files):
    options, passed = RUNS[files]
    pytester.makepyfile(**{f"test_{name}": FILES[name] for name in files.split()})
    result = run(pytester, "-v", *options)
    result.assert_outcomes(passed=passed, deselected=2 * ("-k" in options))
    if "anyio" in files:
        result.stdout.fnmatch_lines_random(["*[[]asyncio[]] PASSED*", "*[[]trio[]] PASSED*"])


def test_a_client_that_is_left_open_is_reported(pytester):
    pytester.makepyfile(
        """
        import anyio
        import pytest

        @pytest.mark.parametrize("backend", ["asyncio", "trio"])
        def test_left_open(useresponse_client, backend):
            anyio.run(useresponse_client.users.me, backend=backend)
        """
    )
    result = run(pytester)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(["*useresponse_client was used and not closed*"] * 2)


def test_the_tests_that_the_documentation_shows_pass(pytester):
    root = Path(__file__).parents[2]
    pages = [root / "README.md", root / "useresponse_async" / "testing" / "README.md"]
    text = "".join(page.read_text(encoding="utf-8") for page in pages)
    blocks = re.findall(r"^```python\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)
    shown = [block for block in blocks if "def test_" in block]
    assert len(shown) == 3
    for runner in ("anyio", "asyncio"):
        tests = [block.replace("pytest.mark.anyio", f"pytest.mark.{runner}") for block in shown]
        pytester.makepyfile(**{f"test_{runner}_{n}": block for n, block in enumerate(tests)})
    count = sum(block.count("def test_") for block in shown)
    run(pytester).assert_outcomes(passed=count * (2 + 1))  # anyio's on two event loops


OPTIONS = """
import pytest

pytestmark = [pytest.mark.anyio, pytest.mark.useresponse(users=7, tickets=3)]

@pytest.mark.useresponse(users=1)
async def test_the_nearest_wins(useresponse_sandbox):
    assert useresponse_sandbox.user_count == 1
    assert len(useresponse_sandbox.ticket_ids) == 3

class TestFixtures:
    @pytest.fixture
    def useresponse_sandbox_options(self, useresponse_sandbox_options):
        return {"users": 5, "topics": 2, "api_key": "k", **useresponse_sandbox_options}

    @pytest.fixture
    def useresponse_client_options(self, useresponse_sandbox):
        return {"api_key": useresponse_sandbox.keys["agent"], "api_version": "4.0"}

    async def test_a_marker_overrides_the_fixture(self, useresponse_client, useresponse_sandbox):
        assert (await useresponse_client.users.me()).role.alias == "agent"
        (received,) = useresponse_sandbox.requests
        assert received.path == "/api/4.0/me.json"
        assert useresponse_sandbox.user_count == 7
        assert len(useresponse_sandbox.ticket_ids) == 3
        assert len(useresponse_sandbox.topic_ids) == 2
        assert useresponse_sandbox.api_key == "k"
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
    pytester.makepyfile(test_options=OPTIONS, test_invalid=f"import pytest\n{invalid}")
    result = run(pytester)
    result.assert_outcomes(passed=2 * 2, errors=3)
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
    extra = "useresponse-async[[]testing[]]"
    result.stdout.fnmatch_lines([f"*the pytest plugin needs: pip install '{extra}'*"])
    names = ("sandbox", "client", "sandbox_options", "client_options")
    run(pytester, "--fixtures").stdout.fnmatch_lines_random(
        [f"useresponse_{it} --*" for it in names]
    )
    run(pytester, "--markers").stdout.fnmatch_lines(["@pytest.mark.useresponse(?*options): *"])


def test_the_module_has_no_other_names():
    with pytest.raises(AttributeError, match="Nothing"):
        useresponse_async.testing.Nothing  # noqa: B018


@pytest.mark.anyio
async def test_the_sandbox_responds_without_a_socket():
    transport = httpx.ASGITransport(app=create_app(Options(users=3)))
    async with AsyncClient(
        "https://a.example", api_key="sandbox-key", transport=transport
    ) as client:
        assert len(await client.users.search().collect()) == 3


@pytest.mark.anyio
async def test_respx_sees_a_body_and_responds_in_sequence():
    async with respx.mock() as router:
        responses = [httpx.Response(503), httpx.Response(200, json={"id": 7})]
        route = router.post("https://a.example/api/3.0/users.json").mock(side_effect=responses)
        async with AsyncClient("https://a.example", api_key="k", retry=QUICK_RETRY) as client:
            assert (await client.users.create("ada@example.com", full_name="Ada")).id == 7
    assert route.call_count == 2
    assert b"ada@example.com" in route.calls.last.request.content
    assert dict(route.calls.last.request.url.params) == {"apiKey": "k"}
