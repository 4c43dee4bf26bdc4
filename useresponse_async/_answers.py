"""Is an answer what was asked for, or which error is it? Computation only, nothing is sent."""

from __future__ import annotations

from http import HTTPStatus
from typing import Final, TypeVar

import httpx

from useresponse_async._decode import (
    NO_CONTENT,
    Decoder,
    MalformedBody,
    Reported,
    StructureError,
    parse,
    parse_error,
)
from useresponse_async._exceptions import APIStatusError, DecodeError, status_error_class
from useresponse_async._response import with_plain_content
from useresponse_async._secret import Secret, without_frames

__all__ = ["read_answer", "redacted"]

T = TypeVar("T")

_EXCERPT_LENGTH: Final = 200
_HINTS: Final[dict[int, str]] = {
    404: "it does not exist, or this key may not see it",
    503: "the API is overloaded, or switched off in Administration » Applications",
}


def read_answer(
    response: httpx.Response,
    decode: Decoder[T],
    *,
    key: Secret | None,
    absence: str | None = None,
) -> T:
    """Return what ``response`` says.

    Args:
        response: The answer, its body read.
        decode: What makes its JSON into what the call returns.
        key: What must not show in an error, even if the server echoes it.
        absence: What else a 404 may mean here.

    Raises:
        APIStatusError: It says that the call failed.
        DecodeError: It says success, but is not what was promised.
    """
    try:
        return _read(response, decode, key, absence)
    except (APIStatusError, DecodeError) as error:
        failure = without_frames(error)
    raise failure


def _read(
    response: httpx.Response, decode: Decoder[T], key: Secret | None, absence: str | None
) -> T:
    if not response.is_success:
        response = redacted(response, key)
        raise _status_error(response, _reported_by(response), key, absence)
    payload = NO_CONTENT
    if response.status_code != HTTPStatus.NO_CONTENT:
        try:
            payload = parse(response.content)
        except MalformedBody:
            response = redacted(response, key)
            problem = f"the body is no JSON: {_excerpt(response) or 'it is empty'}"
            raise _decode_error(response, problem, malformed=not _is_markup(response)) from None
    reported = parse_error(payload)
    if reported is not None:
        raise _status_error(redacted(response, key), reported, key, absence)
    try:
        return decode(payload)
    except StructureError as misfit:
        problem = key.redact(misfit.problem) if key else misfit.problem
        raise _decode_error(redacted(response, key), problem, field=misfit.place) from None


def _decode_error(
    response: httpx.Response, problem: str, *, field: str = "", malformed: bool = False
) -> DecodeError:
    return DecodeError(
        problem,
        field=field,
        malformed=malformed,
        response=response,
        method=response.request.method,
        path=response.request.url.path,
    )


def _status_error(
    response: httpx.Response, reported: Reported, key: Secret | None, absence: str | None
) -> APIStatusError:
    status = response.status_code
    if response.is_success and reported.code is not None and reported.code >= 400:  # noqa: PLR2004
        status = reported.code
    message, context = reported.message or _phrase(status), reported.context
    if key is not None:
        message, context = key.redact(message), context and key.redact(context)
    return status_error_class(status)(
        response=response,
        method=response.request.method,
        path=response.request.url.path,
        status_code=status,
        message=message,
        code=reported.code,
        context=context,
        hint=_hint(response, status, absence),
    )


def _hint(response: httpx.Response, status: int, absence: str | None) -> str | None:
    if response.has_redirect_location:
        target = response.headers["Location"].partition("?")[0].partition("#")[0]
        return f"not followed to {target}: give the API's own address as base_url"
    hint = _HINTS.get(status)
    return f"{hint}, or {absence}" if absence and status == HTTPStatus.NOT_FOUND else hint


def _reported_by(response: httpx.Response) -> Reported:
    try:
        reported = parse_error(parse(response.content))
    except MalformedBody:
        reported = None
    if reported is not None:
        return reported
    return Reported(message=": ".join(filter(None, (_reason(response), _excerpt(response)))))


def _reason(response: httpx.Response) -> str:
    return response.reason_phrase or _phrase(response.status_code)


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "no success"


def _excerpt(response: httpx.Response) -> str:
    """Return the start of the body on one line, to recognise a proxy's page by."""
    text = response.content[: 4 * _EXCERPT_LENGTH].decode("utf-8", errors="replace")
    return " ".join(text.split())[:_EXCERPT_LENGTH]


def _is_markup(response: httpx.Response) -> bool:
    return response.content.lstrip()[:1] == b"<"


def redacted(response: httpx.Response, key: Secret | None) -> httpx.Response:
    """Return ``response`` without the key, which a server may echo."""
    content = response.content if key is None else key.redact_bytes(response.content)
    return response if content == response.content else with_plain_content(response, content)
