"""The base class of the resources."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Any, TypeVar

from useresponse_async._decode import Decoder
from useresponse_async._session import Query, Request, Session

T = TypeVar("T")


class Resource:
    """A part of the API.

    Besides the exceptions in its own documentation, every method of every resource can raise:

    - :class:`~useresponse_async.ArgumentError`: an argument is invalid; nothing was sent;
    - :class:`~useresponse_async.APIConnectionError`: no complete response was received
      (:class:`~useresponse_async.APITimeoutError`: none in time);
    - :class:`~useresponse_async.AuthenticationError`,
      :class:`~useresponse_async.PermissionDeniedError` or another
      :class:`~useresponse_async.APIStatusError`: the server responded with an error;
    - :class:`~useresponse_async.DecodeError`: the response is not as the API documents it;
    - :class:`~useresponse_async.ResponseTooLargeError`: the response is too large;
    - :class:`~useresponse_async.ClientClosedError`: the client is closed.

    Cancelling a call closes its connection; a request already sent may have been processed.
    """

    def __init__(self, session: Session) -> None:
        self._session = session

    def _call(
        self,
        method: str,
        path: str,
        decode: Decoder[T],
        *,
        query: Query = (),
        body: Any = None,
        idempotent: bool | None = None,
        absent_is_done: bool = False,
        sensitive: bool = False,
    ) -> Awaitable[T]:
        """Send the :class:`Request` with these attributes."""
        return self._session.send(
            Request(
                method=method,
                path=path,
                decode=decode,
                query=query,
                body=body,
                idempotent=idempotent,
                absent_is_done=absent_is_done,
                sensitive=sensitive,
            )
        )
