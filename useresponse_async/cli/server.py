"""Which installation does a command talk to, as whom, and how hard does it try?"""

from __future__ import annotations

import os
import warnings
from collections.abc import Generator
from contextlib import contextmanager
from typing import Annotated, Final

import attrs
import httpx
import typer

from useresponse_async._client import AsyncClient
from useresponse_async._config import (
    DEFAULT_API_VERSION,
    DEFAULT_MAX_IN_FLIGHT,
    RetryPolicy,
    parse_base_url,
)
from useresponse_async._exceptions import ConfigurationError
from useresponse_async._secret import Secret
from useresponse_async.cli.failures import Failures, MisuseError
from useresponse_async.cli.key import KEY_VARIABLE, find_key

__all__ = ["Connection", "ServerOptions"]

_DEFAULT_RETRIES: Final = 5
_CONNECT_SECONDS: Final = 10.0


def _show_tracebacks(context: typer.Context, wanted: bool) -> bool:  # noqa: FBT001 - typer calls it so
    if wanted:
        context.ensure_object(Failures).debug = True
    return wanted


@attrs.frozen(kw_only=True)
class Connection:
    """What a command needs to talk to an installation.

    Attributes:
        client: The client, not entered yet.
        key: The key that it calls with; ``None`` for a guest.
        url: The installation's address.
        api_version: The API's version.
    """

    client: AsyncClient
    key: Secret | None
    url: str
    api_version: str


@attrs.frozen(kw_only=True)
class ServerOptions:
    """The options of every command that talks to an installation."""

    url: Annotated[
        str | None,
        typer.Option(envvar="USERESPONSE_URL", help="The installation's address."),
    ] = None
    api_key_file: Annotated[
        str | None, typer.Option(metavar="FILE", help="Read the API key from a file, - for stdin.")
    ] = None
    guest: Annotated[bool, typer.Option("--guest", help="Call without an API key.")] = False
    api_version: Annotated[
        str, typer.Option(envvar="USERESPONSE_API_VERSION", help="The API's version.")
    ] = DEFAULT_API_VERSION
    max_in_flight: Annotated[int, typer.Option(min=1, help="Most requests in flight.")] = (
        DEFAULT_MAX_IN_FLIGHT
    )
    timeout: Annotated[
        float, typer.Option(min=0.001, help="Seconds to wait for a part of an answer.")
    ] = 60.0
    retries: Annotated[int, typer.Option(min=0, help="Most retries of a request that failed.")] = (
        _DEFAULT_RETRIES
    )
    debug: Annotated[
        bool,
        typer.Option(
            "--debug", callback=_show_tracebacks, help="Show the traceback of what went wrong."
        ),
    ] = False

    def connect(self, failures: Failures) -> Connection:
        """Return a client for these options.

        Args:
            failures: Is told of the key, and says what the client warns of.

        Raises:
            CommandError: An option cannot work, or there is no key.
        """
        if not self.url:
            raise MisuseError(
                "which installation? Give --url, e.g. https://mydomain.useresponse.com, or set "
                "USERESPONSE_URL"
            )
        if self.guest and self.api_key_file is not None:
            raise MisuseError("--guest and --api-key-file exclude each other")
        key = None if self.guest else find_key(self.api_key_file, failures)
        with warnings.catch_warnings(record=True) as caught, _no_key_in_environment():
            warnings.simplefilter("always")
            try:
                url = str(parse_base_url(self.url))
                client = self._client(url, key)
            except ConfigurationError as error:
                raise MisuseError(_by_option(str(error))) from None
        for text in {str(warning.message) for warning in caught}:
            failures.say(f"warning: {text.replace('base_url', '--url')}")
        return Connection(client=client, key=key, url=url, api_version=self.api_version)

    def _client(self, url: str, key: Secret | None) -> AsyncClient:
        return AsyncClient(
            url,
            api_key=key,
            api_version=self.api_version,
            max_in_flight=self.max_in_flight,
            timeout=httpx.Timeout(self.timeout, connect=min(self.timeout, _CONNECT_SECONDS)),
            retry=RetryPolicy(attempts=self.retries + 1),
        )


@contextmanager
def _no_key_in_environment() -> Generator[None, None, None]:
    """Keep the client from taking a key by itself, which would make a guest somebody."""
    key = os.environ.pop(KEY_VARIABLE, None)
    try:
        yield
    finally:
        if key is not None:
            os.environ[KEY_VARIABLE] = key


def _by_option(problem: str) -> str:
    """Say what the user gave in place of the client's argument."""
    argument, colon, reason = problem.partition(":")
    names = {"base_url": "--url", "api_key": "the API key"}
    return f"{names.get(argument, '--' + argument.replace('_', '-'))}{colon}{reason}"
