"""Options shared by several commands, and the connection that they describe."""

from __future__ import annotations

import functools
import inspect
import os
import sys
import warnings
from collections.abc import Callable, Generator, Iterable
from contextlib import contextmanager
from typing import Annotated, Any, get_args, get_type_hints

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
from useresponse_async.cli._errors import MisuseError, Reporter
from useresponse_async.cli._key import KEY_VARIABLE, find_key
from useresponse_async.cli._progress import Retries

_CONNECT_SECONDS = 10.0

Verbose = Annotated[bool, typer.Option("--verbose", "-v", help="Show every retry and its reason.")]


def _show_tracebacks(context: typer.Context, wanted: bool) -> bool:  # noqa: FBT001 - typer calls it so
    if wanted:
        context.ensure_object(Reporter).debug = True
    return wanted


@attrs.frozen(kw_only=True)
class Connection:
    """A client and its settings.

    Attributes:
        client: The client, not yet entered.
        key: The API key of its calls; ``None`` for a guest.
        url: The installation's URL.
        api_version: The API's version.
        retries: Counts the client's retries.
    """

    client: AsyncClient
    key: Secret | None
    url: str
    api_version: str
    retries: Retries


@attrs.frozen(kw_only=True)
class ServerOptions:
    """The options of every command that talks to an installation."""

    url: Annotated[
        str | None,
        typer.Option(envvar="USERESPONSE_URL", help="The installation's URL."),
    ] = None
    api_key_file: Annotated[
        str | None, typer.Option(metavar="FILE", help="Read the API key from a file; - for stdin.")
    ] = None
    guest: Annotated[bool, typer.Option("--guest", help="Call without an API key.")] = False
    api_version: Annotated[
        str, typer.Option(envvar="USERESPONSE_API_VERSION", help="The API's version.")
    ] = DEFAULT_API_VERSION
    max_in_flight: Annotated[
        int, typer.Option(min=1, help="Maximum number of concurrent requests.")
    ] = DEFAULT_MAX_IN_FLIGHT
    timeout: Annotated[
        float, typer.Option(min=0.001, help="Time-out for each read and write, in seconds.")
    ] = 60.0
    retries: Annotated[
        int | None,
        typer.Option(min=0, help="Maximum retries per request; default: retry for 60 seconds."),
    ] = None
    verbose: Verbose = False
    debug: Annotated[
        bool,
        typer.Option(
            "--debug", callback=_show_tracebacks, help="Show a traceback if the command fails."
        ),
    ] = False

    def base_url(self) -> httpx.URL:
        """Return the installation's URL."""
        if not self.url:
            raise MisuseError(
                "no installation: give --url, e.g. https://mydomain.useresponse.com, or set "
                "USERESPONSE_URL"
            )
        try:
            return parse_base_url(self.url)
        except ConfigurationError as error:
            raise MisuseError(_by_option(str(error))) from None

    def connect(self, reporter: Reporter, *, quiet: bool = False) -> Connection:
        """Return the connection that these options describe."""
        typed = any(word.partition("=")[0] == "--url" for word in reporter.arguments)
        reporter.wording["base_url from the base_url argument"] = (
            "from --url" if typed else "from USERESPONSE_URL"
        )
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            url = str(self.base_url())
            if self.guest and self.api_key_file is not None:
                raise MisuseError("--guest and --api-key-file exclude each other")
            key = None if self.guest else find_key(self.api_key_file, reporter)
            shown = not quiet and (self.verbose or sys.stderr.isatty())
            retries = Retries(reporter, shown=shown, complete=self.verbose)
            with _no_key_in_environment():
                try:
                    client = self._client(url, key, retries)
                except ConfigurationError as error:
                    raise MisuseError(_by_option(str(error))) from None
        for text in {str(warning.message) for warning in caught}:
            reporter.say(f"warning: {text.replace('base_url', '--url')}")
        return Connection(
            client=client, key=key, url=url, api_version=self.api_version, retries=retries
        )

    def _client(self, url: str, key: Secret | None, retries: Retries) -> AsyncClient:
        return AsyncClient(
            url,
            api_key=key,
            api_version=self.api_version,
            max_in_flight=self.max_in_flight,
            timeout=httpx.Timeout(self.timeout, connect=min(self.timeout, _CONNECT_SECONDS)),
            retry=RetryPolicy(attempts=None if self.retries is None else self.retries + 1),
            on_retry=retries,
        )


@contextmanager
def _no_key_in_environment() -> Generator[None, None, None]:
    """Hide the key in the environment from the client, so that a guest stays one."""
    key = os.environ.pop(KEY_VARIABLE, None)
    try:
        yield
    finally:
        if key is not None:
            os.environ[KEY_VARIABLE] = key


def _by_option(problem: str) -> str:
    """Return the client's message with the option's name in place of the argument's."""
    argument, colon, reason = problem.partition(":")
    names = {"base_url": "--url", "api_key": "the API key"}
    return f"{names.get(argument, '--' + argument.replace('_', '-'))}{colon}{reason}"


def known_values(values: Any, what: str, *names: str) -> Any:
    """Return an option whose values are those of a literal, with shell completion."""
    literal, _ = get_args(values)
    known = list(get_args(literal))

    def check(context: typer.Context, value: str | None) -> str | None:
        if value is None or value in known or context.resilient_parsing:
            return value
        raise typer.BadParameter(
            f"{value!r} is not one of {', '.join(known)}; use --param for other values"
        )

    return typer.Option(
        *names,
        help=f"{what}: {', '.join(known)}.",
        autocompletion=lambda: known,
        callback=check,
    )


def pairs_of(texts: Iterable[str] | None, *, option: str = "--param") -> dict[str, str]:
    """Return ``name=value`` texts as a mapping."""
    pairs: dict[str, str] = {}
    for text in texts or ():
        name, equals, value = text.partition("=")
        if not equals or not name:
            raise MisuseError(f"{option}: {name!r} is not name=value")
        add_pair(pairs, name, value, option)
    return pairs


def add_pair(pairs: dict[str, str], name: str, value: str, option: str) -> None:
    """Add a parameter to ``pairs``."""
    if name.lower() == "apikey":
        raise MisuseError(
            f"{option}: the API key cannot be a parameter; set USERESPONSE_API_KEY or give "
            "--api-key-file FILE"
        )
    if name in pairs:
        raise MisuseError(f"{option}: {name!r} is given twice")
    pairs[name] = value


def with_groups(function: Callable[..., None]) -> Callable[..., None]:
    """Return ``function`` as a command with an option for each field of its option groups."""
    signature = inspect.signature(function, eval_str=True)
    groups: dict[str, Any] = {
        name: parameter.annotation
        for name, parameter in signature.parameters.items()
        if attrs.has(parameter.annotation)
    }
    options: list[inspect.Parameter] = []
    for name, parameter in signature.parameters.items():
        if name not in groups:
            options.append(parameter)
            continue
        hints = get_type_hints(groups[name], include_extras=True)
        options += [
            inspect.Parameter(
                field.name,
                inspect.Parameter.KEYWORD_ONLY,
                default=field.default,
                annotation=hints[field.name],
            )
            for field in attrs.fields(groups[name])
        ]

    @functools.wraps(function)
    def command(**values: Any) -> None:
        for name, group in groups.items():
            fields = [field.name for field in attrs.fields(group)]
            values[name] = group(**{field: values.pop(field) for field in fields})
        function(**values)

    changed: Any = command
    changed.__signature__ = signature.replace(parameters=options)
    changed.__annotations__ = {option.name: option.annotation for option in options}
    return command
