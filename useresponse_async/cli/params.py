"""How are ``name=value`` pairs and JSON read from the command line?"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

from useresponse_async.cli.failures import CommandError, MisuseError

__all__ = ["json_of", "pairs_of", "path_and_query", "properties_of"]

_KEY_PARAMETER = "apikey"


def pairs_of(texts: Iterable[str] | None, *, option: str = "--param") -> dict[str, str]:
    """Return ``name=value`` texts as a mapping.

    Raises:
        MisuseError: One is no pair, comes twice, or would be the API key.
    """
    pairs: dict[str, str] = {}
    for text in texts or ():
        name, equals, value = text.partition("=")
        if not equals or not name:
            raise MisuseError(f"{option}: {name!r} is no name=value")
        _add(pairs, name, value, option)
    return pairs


def path_and_query(text: str, pairs: dict[str, str]) -> tuple[str, dict[str, str]]:
    """Return a path without its query, and ``pairs`` with what the query says.

    Raises:
        MisuseError: A name comes twice, or would be the API key.
    """
    path, _, query = text.partition("?")
    params: dict[str, str] = {}
    for name, value in (*parse_qsl(query, keep_blank_values=True), *pairs.items()):
        _add(params, name, value, "the path")
    return path, params


def properties_of(texts: Iterable[str] | None) -> dict[int, str] | None:
    """Return ``id=value`` texts as values of custom fields by the field's id.

    Raises:
        MisuseError: One is no pair of an id and a value, or comes twice.
    """
    pairs = pairs_of(texts, option="--property")
    for name in pairs:
        if not name.isdecimal():
            raise MisuseError(f"--property: {name!r} is no id of a custom field")
    return {int(name): value for name, value in pairs.items()} or None


def json_of(text: str) -> Any:
    """Return the JSON in ``text``, in the file ``@name``, or with ``@-`` in standard input.

    Raises:
        CommandError: The file cannot be read, or it is no JSON.
    """
    try:
        return json.loads(_read(text[1:]) if text.startswith("@") else text)
    except OSError as error:
        raise CommandError(f"--json: {text[1:]}: {error.strerror}") from None
    except (ValueError, RecursionError) as error:
        raise MisuseError(f"--json: it is no JSON: {error}") from None


def _read(name: str) -> bytes:
    return sys.stdin.buffer.read() if name == "-" else Path(name).read_bytes()


def _add(pairs: dict[str, str], name: str, value: str, option: str) -> None:
    if name.lower() == _KEY_PARAMETER:
        raise MisuseError(
            f"{option}: the API key is no parameter: set USERESPONSE_API_KEY or give "
            "--api-key-file FILE"
        )
    if name in pairs:
        raise MisuseError(f"{option}: {name!r} is given twice")
    pairs[name] = value
