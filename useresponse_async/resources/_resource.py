"""What do all namespaces have in common? How a call is handed over, and what it can raise."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from useresponse_async._decode import Decoder
from useresponse_async._exceptions import UseResponseError
from useresponse_async._request import Query, Request, Sender
from useresponse_async._secret import Secret, keep_out_of_logs, without_frames
from useresponse_async.resources._hiding import hidden_in

T = TypeVar("T")


class Resource:
    """A part of the API.

    Every method of every namespace raises, besides what it names itself:

    - :class:`~useresponse_async.ArgumentError`: an argument cannot work; nothing was sent;
    - :class:`~useresponse_async.APIConnectionError`: no answer came
      (:class:`~useresponse_async.APITimeoutError`: none in time);
    - :class:`~useresponse_async.AuthenticationError`,
      :class:`~useresponse_async.PermissionDeniedError`, or another
      :class:`~useresponse_async.APIStatusError`: the server refused;
    - :class:`~useresponse_async.DecodeError`: the answer is not what the API promises;
    - :class:`~useresponse_async.ClientClosedError`: the client is closed.

    Cancelling a call closes its connection; a request that was sent may have had its effect.
    """

    def __init__(self, executor: Sender) -> None:
        self._executor = executor

    async def _call(
        self,
        method: str,
        path: str,
        decode: Decoder[T],
        *,
        query: Query = (),
        body: Any = None,
        repeatable: bool | None = None,
        absent_is_done: bool = False,
        since: str | None = None,
    ) -> T:
        """Carry out the :class:`Request` with these attributes."""
        return await self._executor.execute(
            Request(
                method=method,
                path=path,
                decode=decode,
                query=query,
                body=body,
                repeatable=repeatable,
                absent_is_done=absent_is_done,
                since=since,
            )
        )

    async def _call_hiding(
        self,
        secrets: Mapping[str, Secret],
        method: str,
        path: str,
        decode: Decoder[T],
        *,
        query: Query = (),
        body: Mapping[str, Any] | None = None,
        since: str | None = None,
    ) -> T:
        """Do the same with ``secrets`` in the body, or in the query where there is no body.

        They show neither in an error nor in the HTTP libraries' logs.
        """
        for secret in secrets.values():
            keep_out_of_logs(secret)
        failure: BaseException
        try:
            return await self._call(
                method, path, decode, since=since, **_revealed(secrets, query, body)
            )
        except UseResponseError as error:
            failure = hidden_in(error, secrets.values())
        except BaseException as error:  # noqa: BLE001 - raised again below, without its frames
            failure = without_frames(error)
        raise failure


def _revealed(
    secrets: Mapping[str, Secret], query: Query, body: Mapping[str, Any] | None
) -> dict[str, Any]:
    texts = {name: secret.reveal() for name, secret in secrets.items()}
    if body is None:
        return {"query": (*texts.items(), *query)}
    return {"query": query, "body": {**body, **texts}}
