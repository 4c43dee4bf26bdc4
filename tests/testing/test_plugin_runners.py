"""The pytest fixtures with each asynchronous pytest plugin."""

from importlib.metadata import entry_points

import pytest

pytest_plugins = ("pytester",)

PLUGIN = "useresponse_async.testing._plugin"
REGISTERED = any(point.value == PLUGIN for point in entry_points(group="pytest11"))

ANYIO = """
import pytest

pytestmark = pytest.mark.anyio


@pytest.fixture
async def user(useresponse_client):
    user = await useresponse_client.users.create("ada@example.com", full_name="Ada")
    yield user
    await useresponse_client.users.delete(user.id)


async def test_a_fixture_of_the_users(user, useresponse_client, useresponse_sandbox):
    useresponse_sandbox.fail_next(503, times=2)
    assert (await useresponse_client.users.get(user.id)).name == "Ada"


async def test_every_page(useresponse_client):
    assert len(await useresponse_client.users.search().collect()) == 100


async def test_nothing_is_sent(useresponse_client):
    pass
"""

ASYNCIO = """
import asyncio

import pytest
import pytest_asyncio

tasks = []


@pytest_asyncio.fixture
async def user(useresponse_client):
    tasks.append(asyncio.current_task())
    user = await useresponse_client.users.create("ada@example.com", full_name="Ada")
    yield user
    await useresponse_client.users.delete(user.id)
    tasks.append(asyncio.current_task())


@pytest.mark.asyncio
async def test_a_fixture_of_the_users(user, useresponse_client, useresponse_sandbox):
    tasks.append(asyncio.current_task())
    useresponse_sandbox.fail_next(503, times=2)
    assert (await useresponse_client.users.get(user.id)).name == "Ada"


@pytest.mark.asyncio
async def test_the_tasks_were_three(useresponse_client):
    await useresponse_client.users.me()
    assert len({id(task) for task in tasks}) == 3


@pytest.mark.parametrize("n", [1, 2])
@pytest.mark.asyncio(loop_scope="session")
async def test_a_loop_of_the_session(useresponse_client, n):
    await useresponse_client.users.me()


@pytest.mark.asyncio(loop_scope="class")
class TestClass:
    async def test_one(self, useresponse_client):
        await useresponse_client.users.me()

    async def test_another(self, useresponse_client):
        await useresponse_client.users.me()
"""

NOBODY = """
import anyio


def test_a_client_that_is_entered(useresponse_client, useresponse_sandbox):
    async def main():
        async with useresponse_client as client:
            return await client.users.me()

    assert anyio.run(main).id == 1
    assert useresponse_sandbox.arrivals == 1


def test_a_client_that_is_not_used(useresponse_client):
    pass


def test_a_sandbox_alone(useresponse_sandbox):
    assert useresponse_sandbox.is_running
"""


def run(pytester: pytest.Pytester, *arguments: str) -> pytest.RunResult:
    plugin = () if REGISTERED else ("-p", PLUGIN)
    if "no:asyncio" not in arguments:  # without the option it warns
        plugin += ("-o", "asyncio_default_fixture_loop_scope=function")
    return pytester.runpytest_subprocess(
        "-W", "error", "--strict-markers", "-p", "no:cacheprovider", *plugin, *arguments
    )


def test_pytest_finds_the_plugin_by_itself():
    assert REGISTERED


AUTO = ASYNCIO.replace("@pytest.mark.asyncio\n", "").replace("pytest_asyncio.f", "pytest.f")
LOOPS = """
import pytest

@pytest.mark.parametrize("number", [1, 2])
@pytest.mark.asyncio
async def test_one(useresponse_client, number):
    await useresponse_client.users.me()
"""
SESSION = ("-o", "asyncio_default_test_loop_scope=session")


@pytest.mark.parametrize(
    ("files", "options", "passed"),
    [
        ({"anyio": ANYIO, "asyncio": ASYNCIO, "nobody": NOBODY}, (), 6 + 6 + 3),
        *(
            pytest.param(*run, marks=pytest.mark.long)
            for run in (
                ({"anyio": ANYIO, "nobody": NOBODY}, ("-p", "no:asyncio"), 6 + 3),
                ({"asyncio": ASYNCIO, "nobody": NOBODY}, ("-p", "no:anyio"), 6 + 3),
                ({"auto": AUTO}, ("--asyncio-mode=auto",), 6),
                ({"loops": LOOPS}, SESSION, 2),
                ({"nobody": NOBODY}, ("-p", "no:asyncio", "-p", "no:anyio"), 3),
            )
        ),
    ],
    ids=["together", "anyio", "asyncio", "auto mode", "wider loops", "none"],
)
def test_the_fixtures_work_with_each_async_plugin(pytester, files, options, passed):
    pytester.makepyfile(**{f"test_{name}": code for name, code in files.items()})
    result = run(pytester, "-v", *options)
    result.assert_outcomes(passed=passed)
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
