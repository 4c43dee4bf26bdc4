"""Attachments in the bodies of objects and comments."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, TypeVar

from useresponse_async._exceptions import ArgumentError
from useresponse_async._files import Attachment
from useresponse_async.models import UploadedFile

__all__ = ["attachment_of", "attachments_of", "uploads_of"]

T = TypeVar("T")


def attachment_of(name: str, value: Attachment) -> dict[str, Any]:
    """Return a file as objects take it: with its content.

    Raises:
        ArgumentError: It is not an attachment.
    """
    if not isinstance(value, Attachment):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise ArgumentError(name, f"a {type(value).__name__} is not an Attachment")
    return {"name": value.name, "body": value}


def attachments_of(name: str, values: Sequence[Attachment] | None) -> list[dict[str, Any]] | None:
    """Return files as objects take them: with their content; ``None`` for no file.

    Raises:
        ArgumentError: It is not a sequence of attachments.
    """
    return [attachment_of(name, value) for value in _each(name, values)] or None


def uploads_of(name: str, values: Sequence[UploadedFile] | None) -> list[dict[str, str]] | None:
    """Return files as comments take them: by the token of each; ``None`` for no file.

    Raises:
        ArgumentError: It is not a sequence of uploaded files with tokens.
    """
    return [_upload_of(name, value) for value in _each(name, values)] or None


def _upload_of(name: str, value: UploadedFile) -> dict[str, str]:
    if not isinstance(value, UploadedFile):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise ArgumentError(
            name, f"a {type(value).__name__} is not an UploadedFile, as files.upload() returns it"
        )
    if not value.token:
        raise ArgumentError(name, f"{value!r} has no token")
    # A file may have no name of its own here: then it keeps that of its upload.
    return {"token": value.token} | ({"name": value.name} if value.name else {})


def _each(name: str, values: Sequence[T] | None) -> Iterable[T]:
    if values is None:
        return ()
    if not isinstance(values, Iterable):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise ArgumentError(name, f"a {type(values).__name__} is not a sequence; give a list")
    return values
