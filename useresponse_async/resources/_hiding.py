"""How do passwords and tokens stay out of the errors of the calls that carry them?"""

from __future__ import annotations

from collections.abc import Iterable

import httpx

from useresponse_async._exceptions import UseResponseError
from useresponse_async._response import with_plain_content
from useresponse_async._secret import Secret, without_frames
from useresponse_async.resources._arguments import encodable, text


def secret_text(name: str, value: str | Secret) -> Secret:
    """Return ``value`` as a secret, if it is a text that is not empty and can be sent."""
    given = value.reveal() if isinstance(value, Secret) else value
    return Secret(encodable(name, text(name, given)))


def hidden_in(error: UseResponseError, secrets: Iterable[Secret]) -> BaseException:
    """Return ``error`` without ``secrets``: its texts, its answer, its request, its frames."""
    hidden = list(secrets)
    error.args = tuple(_redacted(arg, hidden) for arg in error.args)
    for name, value in vars(error).items():
        setattr(error, name, _redacted(value, hidden))
    return without_frames(error)


def _redacted(value: object, secrets: list[Secret]) -> object:
    if isinstance(value, httpx.Response):
        return _redacted_response(value, secrets)
    if isinstance(value, str):
        for secret in secrets:
            value = secret.redact(value)
    return value


def _redacted_bytes(value: bytes, secrets: list[Secret]) -> bytes:
    for secret in secrets:
        value = secret.redact_bytes(value)
    return value


def _redacted_response(response: httpx.Response, secrets: list[Secret]) -> httpx.Response:
    """Return the answer as a new one, to a request whose body is left out."""
    content = _redacted_bytes(response.content, secrets)
    request = response.request
    # They are in the query, if in the URL at all; a port that a short one is found in is no secret.
    url = request.url.copy_with(query=_redacted_bytes(request.url.query, secrets) or None)
    headers = [(name, _redacted_bytes(value, secrets)) for name, value in response.headers.raw]
    made = with_plain_content(
        response,
        content,
        headers=httpx.Headers(headers),
        request=httpx.Request(request.method, url, headers=[(b"Host", request.url.netloc)]),
    )
    made.next_request = None  # it would carry the secrets on
    return made
