"""Sources of the API key, and its redaction from output."""

from __future__ import annotations

import getpass
import os
import re
import stat
import sys
from contextlib import suppress
from pathlib import Path
from typing import Final

from useresponse_async._secret import Secret
from useresponse_async.cli._errors import EXIT_CODES, CommandError, MisuseError, Reporter
from useresponse_async.cli._output import STANDARD_STREAM

KEY_VARIABLE: Final = "USERESPONSE_API_KEY"

EPILOG: Final = f"""{EXIT_CODES}

\b
The API key cannot be a command-line argument. Without --guest, it is read from the first of:
  --api-key-file FILE   a file that only you should be able to read, or - for standard input
  USERESPONSE_API_KEY   an environment variable
  a prompt without echo, if standard input is a terminal
To set the variable and keep the key out of the shell's history:
  read -rs USERESPONSE_API_KEY && export USERESPONSE_API_KEY"""

_LONGEST_KEY: Final = 4096
_SHORTEST_TO_LOOK_FOR: Final = 8
_KEY_IN_JSON: Final = re.compile(r'(?<="apiKey")\s*:\s*"[^"]*"')


def find_key(file: str | None, reporter: Reporter) -> Secret:
    """Return the key from ``file``, the environment or a prompt on the terminal."""
    if file is not None:
        key, source = _from_file(file, reporter), f"--api-key-file {file}"
    elif key := os.environ.get(KEY_VARIABLE, "").strip():
        source = KEY_VARIABLE
    elif sys.stdin.isatty():
        source = "the prompt"
        with suppress(EOFError):
            key = getpass.getpass("API key (not shown): ").strip()
    else:
        raise MisuseError(f"no API key: set {KEY_VARIABLE}, or pass --api-key-file FILE or --guest")
    if not key:
        raise CommandError(f"{file or source} must contain one API key and nothing else")
    secret = Secret(key)
    reporter.secrets.append(secret)
    reporter.wording["the api_key argument"] = source
    return secret


def without_key(text: str, key: Secret | None) -> str:
    """Return text from the server with the key redacted.

    A very short key can be part of any word, so it is redacted only as a value of ``apiKey``.
    """
    if key is None:
        return text
    if len(key.reveal()) < _SHORTEST_TO_LOOK_FOR:
        return _KEY_IN_JSON.sub(lambda found: key.redact(found[0]), text)
    return key.redact(text)


def _from_file(file: str, reporter: Reporter) -> str:
    try:
        if file == STANDARD_STREAM:
            return _one_key(sys.stdin.buffer.read(_LONGEST_KEY))
        with Path(file).open("rb") as opened:
            mode = os.fstat(opened.fileno()).st_mode
            key = _one_key(opened.read(_LONGEST_KEY))
    except OSError as error:
        raise CommandError(f"--api-key-file: {file}: {error.strerror}") from None
    others = stat.S_IRWXG | stat.S_IRWXO
    if os.name == "posix" and stat.S_ISREG(mode) and mode & others:
        reporter.say(f"warning: other users can read the API key in {file}; run: chmod 600 {file}")
    return key


def _one_key(content: bytes) -> str:
    """Return the only word in ``content``, or ``""``; an error here would contain the key."""
    words = content.decode("utf-8-sig", "replace").split()
    return words[0] if len(words) == 1 else ""
