"""Options shared by several commands, and the connection that they describe."""

from __future__ import annotations

import functools
import inspect
import os
import sys
import warnings
from collections.abc import Callable, Iterable, Mapping
from typing import Annotated, Any, Final, get_args, get_type_hints

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
from useresponse_async._secret import Secret
from useresponse_async.cli._errors import MisuseError, Reporter
from useresponse_async.cli._key import KEY_VARIABLE, find_key
from useresponse_async.cli._progress import Retries

_CONNECT_SECONDS: Final = 10.0

_SETTINGS: Final = "settings of an option"


def option(default: Any, *names: str, **settings: Any) -> Any:
    """Return a field of an option group, with the settings of ``typer.Option``."""
    return attrs.field(default=default, metadata={_SETTINGS: typer.Option(*names, **settings)})


def flag(name: str, what: str, *others: str, **settings: Any) -> Any:
    """Return a field of an option group that is ``False`` by default."""
    return option(False, name, *others, help=what, **settings)  # noqa: FBT003 - the default


def _show_tracebacks(context: typer.Context, wanted: bool) -> bool:  # noqa: FBT001 - typer calls it so
    context.ensure_object(Reporter).debug |= wanted
    return wanted


@attrs.frozen(kw_only=True)
class Connection:
    """A client, not yet entered, and its settings; the key is ``None`` for a guest."""

    client: AsyncClient
    retries: Retries
    key: Secret | None = None
    url: str = ""
    api_version: str = ""


@attrs.frozen(kw_only=True)
class ServerOptions:
    """The options of every command that sends requests to a site."""

    url: str | None = option(
        None,
        metavar="URL",
        envvar="USERESPONSE_URL",
        help="URL of your UseResponse site, e.g. https://mydomain.useresponse.com.",
    )
    api_key_file: str | None = option(
        None, metavar="FILE", help="Read the API key from a file; - for standard input."
    )
    guest: bool = flag("--guest", "Call the API as a guest, without a key, even if one is set.")
    api_version: str = option(
        DEFAULT_API_VERSION, metavar="TEXT", envvar="USERESPONSE_API_VERSION", help="API version."
    )
    max_in_flight: int = option(
        DEFAULT_MAX_IN_FLIGHT,
        metavar="INTEGER",
        min=1,
        help="Maximum number of concurrent requests.",
    )
    timeout: float = option(
        60.0,
        metavar="FLOAT",
        min=0.001,
        help="Timeout for each read and write, in seconds; for connecting at most 10.",
    )
    retries: int | None = option(
        None,
        metavar="INTEGER",
        min=0,
        help="Maximum number of retries per request; default: retry for up to 60 seconds.",
    )
    verbose: bool = flag("--verbose", "Show every retry and its reason.", "-v")
    debug: bool = flag(
        "--debug", "Show a traceback if the command fails.", callback=_show_tracebacks
    )

    def base_url(self) -> httpx.URL:
        """Return the site's URL."""
        if not self.url:
            raise MisuseError(
                "no URL: pass --url, e.g. https://mydomain.useresponse.com, or set USERESPONSE_URL"
            )
        return parse_base_url(self.url)

    def connect(self, reporter: Reporter, *, quiet: bool = False) -> Connection:
        """Return the connection that these options describe."""
        typed = any(word.partition("=")[0] == "--url" for word in reporter.arguments)
        reporter.wording["the base_url argument"] = "--url" if typed else "USERESPONSE_URL"
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            url = str(self.base_url())
            if self.guest and self.api_key_file is not None:
                raise MisuseError("--guest and --api-key-file exclude each other")
            key = None if self.guest else find_key(self.api_key_file, reporter)
            shown = not quiet and (self.verbose or sys.stderr.isatty())
            retries = Retries(reporter=reporter, shown=shown, complete=self.verbose)
            kept = os.environ.pop(KEY_VARIABLE, None)  # a guest's client would use it
            try:
                client = AsyncClient(
                    url,
                    api_key=key,
                    api_version=self.api_version,
                    max_in_flight=self.max_in_flight,
                    timeout=httpx.Timeout(
                        self.timeout, connect=min(self.timeout, _CONNECT_SECONDS)
                    ),
                    retry=RetryPolicy(attempts=None if self.retries is None else self.retries + 1),
                    on_retry=retries,
                )
            finally:
                if kept is not None:
                    os.environ[KEY_VARIABLE] = kept
        for text in {str(warning.message) for warning in caught}:
            reporter.say(f"warning: {text.replace('base_url', '--url')}")
        return Connection(
            client=client, retries=retries, key=key, url=url, api_version=self.api_version
        )


def known_values(values: Any, what: str) -> Any:
    """Return the type of an option with the values of a literal, with completion."""
    known = list(get_args(get_args(values)[0]))
    listed = ", ".join(known)

    def check(context: typer.Context, value: str | None) -> str | None:
        if value is None or value in known or context.resilient_parsing:
            return value
        raise typer.BadParameter(f"{value!r} is not one of {listed}; use --param for other values")

    what = f"{what}: {listed}."
    return Annotated[
        str | None,
        typer.Option(metavar="TEXT", help=what, autocompletion=lambda: known, callback=check),
    ]


def pairs_of(texts: Iterable[str] | None, *, option: str = "--param") -> dict[str, str]:
    """Return ``name=value`` strings as a mapping."""
    pairs: dict[str, str] = {}
    for text in texts or ():
        name, equals, value = text.partition("=")
        if not equals or not name:
            raise MisuseError(f"{option}: {name!r} is not name=value")
        if name.lower() == "apikey":
            raise MisuseError(
                f"{option}: the API key cannot be a parameter; set USERESPONSE_API_KEY or pass "
                "--api-key-file FILE"
            )
        if name in pairs:
            raise MisuseError(f"{option}: {name!r} was passed twice")
        pairs[name] = value
    return pairs


def with_options(
    function: Callable[..., None], others: Mapping[str, Any] | None = None
) -> Callable[..., None]:
    """Return ``function`` as a command with an option for each field of its option groups.

    Args:
        function: The command; a parameter whose type is an attrs class is an option group.
        others: Types by name of the options that its ``**`` parameter takes, ``None`` by default.
    """
    annotated: Any = Annotated  # which type checkers expect in annotations alone
    option_named = functools.partial(inspect.Parameter, kind=inspect.Parameter.KEYWORD_ONLY)
    options: list[inspect.Parameter] = []
    groups: dict[str, Any] = {}
    signature = inspect.signature(function, eval_str=True)
    for name, parameter in signature.parameters.items():
        if parameter.kind is inspect.Parameter.VAR_KEYWORD:
            # After the context and before the groups: options of this command only come first.
            options[1:1] = [
                option_named(other, default=None, annotation=annotation)
                for other, annotation in (others or {}).items()
            ]
        elif attrs.has(parameter.annotation):
            groups[name] = parameter.annotation
            types = get_type_hints(groups[name])
            for field in attrs.fields(groups[name]):
                annotation = annotated[types[field.name], field.metadata[_SETTINGS]]
                options.append(
                    option_named(field.name, default=field.default, annotation=annotation)
                )
        else:
            options.append(parameter)

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
