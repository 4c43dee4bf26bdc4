"""File uploads and downloads."""

from __future__ import annotations

import os
from typing import Final

from useresponse_async._arguments import integer, text
from useresponse_async._decode import as_sent, entity
from useresponse_async._exceptions import ArgumentError
from useresponse_async._files import (
    AsyncWritable,
    Attachment,
    ProgressCallback,
    opened_sink,
)
from useresponse_async._session import Request
from useresponse_async.models import AttachedFile, UploadedFile
from useresponse_async.resources._resource import Resource

__all__ = ["Files"]

_DEFAULT_MAX_BYTES: Final = 1024 * 1024 * 1024


class Files(Resource):
    """File uploads, for attachments of comments, and downloads.

    Every method can also raise the exceptions that
    :class:`~useresponse_async.resources.Resource` lists.
    """

    async def upload(self, attachment: Attachment) -> UploadedFile:
        """Upload a file, to attach it to a comment.

        Not idempotent: retried only after a 503, a 429 or a failure to connect.

        Args:
            attachment: The file; it is read and encoded while it is sent.

        Returns:
            The file's token and URL.

        Raises:
            ArgumentError: The file cannot be read, or is too large; nothing was sent.

        Endpoint: ``POST upload-file.json``.
        """
        body = {"name": attachment.name, "content": attachment}
        uploaded = await self._call("POST", "upload-file.json", entity(UploadedFile), body=body)
        uploaded.name = attachment.name
        return uploaded

    async def download(
        self,
        file: AttachedFile | UploadedFile | str,
        to: str | os.PathLike[str] | AsyncWritable,
        *,
        overwrite: bool = False,
        max_bytes: int = _DEFAULT_MAX_BYTES,
        on_progress: ProgressCallback | None = None,
    ) -> int:
        """Download a file. The API key is sent only to the site's own origin.

        A broken download is retried from the beginning, according to the client's retry policy.
        If the call fails or is cancelled, no partial file remains.

        Args:
            file: The file, or its URL.
            to: A path, or a file opened for writing bytes, e.g. by :func:`anyio.open_file`.
            overwrite: Replace an existing file. By default, an existing file is an error.
            max_bytes: Maximum size, in bytes.
            on_progress: Function or async function, called with the number of bytes received
                so far and the total, which is ``None`` if unknown. The download keeps its slot
                while the function runs; calls that the function makes need another slot.

        Returns:
            The file's size, in bytes.

        Raises:
            ArgumentError: The file has no URL, or ``to`` is a directory or already exists.
            ResponseTooLargeError: The file is larger than ``max_bytes``.
            OSError: The file cannot be written.

        Endpoint: the file's own URL.
        """
        url = text("file", _address_of(file))
        integer("max_bytes", max_bytes, minimum=1)
        async with opened_sink(
            to, max_bytes=max_bytes, overwrite=overwrite, on_progress=on_progress
        ) as sink:
            await self._session.send(Request(method="GET", path=url, decode=as_sent, sink=sink))
            return sink.received


def _address_of(file: AttachedFile | UploadedFile | str) -> str:
    if isinstance(file, str):
        return file
    direct = file.direct_url if isinstance(file, AttachedFile) else None
    address = direct or file.url
    if address is None:
        raise ArgumentError("file", "the server sent no URL for this file")
    return address
